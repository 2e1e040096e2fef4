import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AccountFlags, TransferFlags } from '../../src/layout/generated.ts';
import { Ledger } from '../../src/ledger/index.ts';

let path: string;
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'specie-ledger-'));
});
afterEach(() => rmSync(path, { recursive: true, force: true }));

const BANK = 1n;
const ALICE = 2n;
const BOB = 3n;

async function openAccounts(ledger: Ledger): Promise<void> {
  const { history, debits_must_not_exceed_credits } = AccountFlags;
  const results = await ledger.createAccounts([
    { id: BANK, ledger: 978, code: 1 },
    { id: ALICE, ledger: 978, code: 1, flags: debits_must_not_exceed_credits | history },
    { id: BOB, ledger: 978, code: 1 },
  ]);
  expect(results.map((result) => result.status)).toEqual(['created', 'created', 'created']);
}

let nextId = 100n;
const transfer = (debitAccountId: bigint, creditAccountId: bigint, amount: bigint) => ({
  id: nextId++,
  debitAccountId,
  creditAccountId,
  amount,
  ledger: 978,
  code: 1,
});

describe('Ledger', () => {
  test('what became of pending transfers, at once and after a restart', async () => {
    let now = 1_800_000_000_000_000_000n;
    const clock = () => now++;
    let ledger = await Ledger.open({ path, clock, expiryTimer: false });
    await openAccounts(ledger);
    const flags = TransferFlags.pending;
    const [open, posted, voided, expired, single] = [
      { ...transfer(BANK, ALICE, 10n), flags },
      { ...transfer(BANK, ALICE, 20n), flags },
      { ...transfer(BANK, ALICE, 30n), flags },
      { ...transfer(BANK, ALICE, 40n), flags, timeout: 1 },
      transfer(BANK, ALICE, 50n),
    ];
    await ledger.createTransfers([open, posted, voided, expired, single]);
    const post = {
      id: nextId++,
      pendingId: posted.id,
      amount: 15n,
      flags: TransferFlags.post_pending_transfer,
    };
    const release = { id: nextId++, pendingId: voided.id, flags: TransferFlags.void_pending_transfer };
    await ledger.createTransfers([post, release]);
    const ids = [open, posted, voided, expired, single, post, { id: 9_999n }].map(({ id }) => id);
    const unresolved = { kind: 'unresolved' };
    const expected = [
      unresolved,
      { kind: 'posted', by: { id: post.id, pendingId: posted.id, amount: 15n } },
      { kind: 'voided', by: { id: release.id, pendingId: voided.id, amount: 30n } },
      unresolved,
      unresolved,
      unresolved,
      unresolved,
    ];
    expect(await ledger.pendingOutcomes(ids)).toMatchObject(expected);
    now += 2_000_000_000n;
    ledger.expire();
    expected[3] = { kind: 'expired' };
    expect(await ledger.pendingOutcomes(ids)).toMatchObject(expected);
    expect(await ledger.pendingOutcomes([])).toEqual([]);
    await ledger.close();
    await expect(ledger.pendingOutcomes(ids)).rejects.toThrow('stopping');
    ledger = await Ledger.open({ path, clock, expiryTimer: false });
    expect(await ledger.pendingOutcomes(ids)).toMatchObject(expected);
    await ledger.close();
  });

  test('accounts, transfers, lookups, histories and change events in one process', async () => {
    const ledger = await Ledger.open({ path });
    await openAccounts(ledger);
    const [load, pay, tooMuch] = [
      transfer(BANK, ALICE, 100n),
      transfer(ALICE, BOB, 30n),
      transfer(ALICE, BOB, 71n),
    ];
    const results = await ledger.createTransfers([load, pay, tooMuch]);
    expect(results.map((result) => result.status)).toEqual(['created', 'created', 'exceeds_credits']);
    const [alice] = await ledger.lookupAccounts([ALICE]);
    expect(alice).toMatchObject({ debitsPosted: 30n, creditsPosted: 100n });
    expect(await ledger.lookupTransfers([pay.id, tooMuch.id, load.id])).toMatchObject([pay, load]);
    expect(await ledger.getAccountTransfers({ accountId: ALICE })).toMatchObject([load, pay]);
    const balances = await ledger.getAccountBalances({ accountId: ALICE });
    expect(balances).toMatchObject([
      { debitsPosted: 0n, creditsPosted: 100n, timestamp: results[0]!.timestamp },
      { debitsPosted: 30n, creditsPosted: 100n, timestamp: results[1]!.timestamp },
    ]);
    const changes = await ledger.getChangeEvents();
    expect(changes).toMatchObject([
      { transferId: load.id, creditAccountId: ALICE, creditAccountCreditsPosted: 100n },
      { transferId: pay.id, debitAccountId: ALICE, debitAccountDebitsPosted: 30n },
    ]);
    expect(changes[0]!.creditAccountTimestamp).toBe(alice!.timestamp);
    await ledger.close();
  });

  test('a start after a clean close needs no replay and gives the same state, ids included', async () => {
    const first = await Ledger.open({ path });
    await openAccounts(first);
    const batch = Array.from({ length: 500 }, () => transfer(BANK, ALICE, 1n));
    await first.createTransfers(batch);
    const digest = first.digest();
    await first.close();

    const second = await Ledger.open({ path });
    expect(second.recovery).toMatchObject({ replayedOps: 0, checkpointOp: second.recovery.tipOp });
    expect(second.digest()).toBe(digest);
    const again = await second.createTransfers([batch[0]!, { ...batch[1]!, amount: 9n }]);
    expect(again.map((result) => result.status)).toEqual(['exists', 'exists_with_different_amount']);
    expect(await second.getAccountTransfers({ accountId: ALICE, limit: 2 })).toMatchObject(batch.slice(0, 2));
    await second.close();
  });

  test('pending transfers expire by the clock that is given, also after a restart', async () => {
    let now = 1_000_000_000n;
    const clock = () => now;
    const first = await Ledger.open({ path, clock });
    await openAccounts(first);
    const pending = { ...transfer(BANK, BOB, 10n), flags: TransferFlags.pending, timeout: 5 };
    await first.createTransfers([pending]);
    expect((await first.lookupAccounts([BOB]))[0]).toMatchObject({ creditsPending: 10n });
    await first.close();
    now += 6_000_000_000n;
    const second = await Ledger.open({ path, clock });
    const post = {
      ...transfer(0n, 0n, 10n),
      pendingId: pending.id,
      flags: TransferFlags.post_pending_transfer,
    };
    const [result] = await second.createTransfers([{ ...post, ledger: 0, code: 0 }]);
    expect(result!.status).toBe('pending_transfer_expired');
    expect((await second.lookupAccounts([BOB]))[0]).toMatchObject({ creditsPending: 0n, creditsPosted: 0n });
    await second.close();
  });
});
