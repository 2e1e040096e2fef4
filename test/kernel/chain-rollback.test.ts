import { describe, expect, it } from 'vitest';
import {
  CreateTransferStatus,
  GlobalsLayout,
  Operation,
  type Transfer,
  TransferFlags,
  writeAccount,
  writeTransfer,
} from '../../src/layout/generated.ts';
import { encode, readResults } from './kernel-target.ts';
import { MemoryLedger } from './memory-host.ts';

const { linked, pending, post_pending_transfer, void_pending_transfer, closing_debit, balancing_debit } =
  TransferFlags;

function open(): MemoryLedger {
  const ledger = new MemoryLedger();
  const accounts = Array.from({ length: 40 }, (_, i) => ({ id: BigInt(i + 1), ledger: 1, code: 1 }));
  ledger.execute(Operation.create_accounts, encode(accounts, writeAccount), 100n);
  return ledger;
}

function submit(ledger: MemoryLedger, transfers: Partial<Transfer>[]): number[] {
  const timestamp = ledger.timestamp + 10_000n;
  const events = encode(
    transfers.map((t) => ({
      ledger: t.pendingId ? 0 : 1,
      code: t.pendingId ? 0 : 1,
      ...(t.pendingId ? {} : { debitAccountId: 1n, creditAccountId: 2n }),
      ...t,
    })),
    writeTransfer,
  );
  return readResults(ledger.execute(Operation.create_transfers, events, timestamp)).map(
    ({ status }) => status,
  );
}

/** State without the two fields that every batch moves on. */
function stateOf(ledger: MemoryLedger): Buffer {
  const state = Buffer.from(ledger.stateBytes());
  state.fill(0, GlobalsLayout.op, GlobalsLayout.accountTimestamp);
  return state;
}

/** Breaks a chain without leaving an id behind. */
const BREAKER: Partial<Transfer> = { id: 9999n, debitAccountId: 5n, creditAccountId: 5n };

const { created, linked_event_failed, accounts_must_be_different } = CreateTransferStatus;

describe('a failed chain leaves the state as it was, to the byte', () => {
  const cases: Record<string, { before?: Partial<Transfer>[]; chain: Partial<Transfer>[] }> = {
    'direct transfers': {
      chain: [
        { id: 10n, amount: 5n },
        { id: 11n, amount: 2n ** 100n },
      ],
    },
    'the first pending transfers ever': {
      chain: [
        { id: 10n, amount: 5n, flags: pending, timeout: 7 },
        { id: 11n, amount: 5n, flags: pending },
        { id: 12n, amount: 5n, flags: pending, timeout: 3 },
      ],
    },
    'pending transfers beyond the end of a page': {
      before: Array.from({ length: 24 }, (_, i) => ({ id: BigInt(100 + i), amount: 1n, flags: pending })),
      chain: Array.from({ length: 40 }, (_, i) => ({
        id: BigInt(200 + i),
        amount: 1n,
        flags: pending,
        timeout: 5,
      })),
    },
    'pending transfers in free rows': {
      before: [
        { id: 1n, amount: 5n, flags: pending },
        { id: 2n, amount: 5n, flags: pending },
        { id: 3n, amount: 5n, flags: pending },
        { id: 4n, pendingId: 3n, flags: void_pending_transfer },
        { id: 5n, pendingId: 1n, flags: void_pending_transfer },
      ],
      chain: [
        { id: 10n, amount: 5n, flags: pending, timeout: 7 },
        { id: 11n, amount: 6n, flags: pending, timeout: 7 },
        { id: 12n, amount: 7n, flags: pending },
        { id: 13n, amount: 8n, flags: pending, timeout: 1 },
      ],
    },
    'posts and voids': {
      before: [
        { id: 1n, amount: 5n, flags: pending, timeout: 100 },
        { id: 2n, amount: 5n, flags: pending, timeout: 50 },
        { id: 3n, amount: 5n, flags: pending },
      ],
      chain: [
        { id: 10n, pendingId: 2n, amount: 3n, flags: post_pending_transfer },
        { id: 11n, pendingId: 3n, flags: void_pending_transfer },
        { id: 12n, pendingId: 1n, amount: 5n, flags: post_pending_transfer },
      ],
    },
    'what the chain itself reserved and resolved': {
      before: [{ id: 1n, amount: 5n, flags: pending, timeout: 100 }],
      chain: [
        { id: 10n, amount: 5n, flags: pending, timeout: 9 },
        { id: 11n, pendingId: 10n, amount: 2n, flags: post_pending_transfer },
        { id: 12n, amount: 5n, flags: pending, timeout: 9 },
        { id: 13n, pendingId: 1n, flags: void_pending_transfer },
        { id: 14n, pendingId: 12n, flags: void_pending_transfer },
      ],
    },
    'closing and reopening': {
      before: [{ id: 1n, debitAccountId: 3n, flags: pending | closing_debit }],
      chain: [
        { id: 10n, pendingId: 1n, flags: void_pending_transfer },
        { id: 11n, debitAccountId: 3n, amount: 4n },
        { id: 12n, debitAccountId: 3n, flags: pending | closing_debit },
      ],
    },
    'clamped amounts': {
      before: [{ id: 1n, debitAccountId: 2n, creditAccountId: 1n, amount: 70n }],
      chain: [{ id: 10n, amount: 1000n, flags: balancing_debit }],
    },
  };

  for (const [name, { before = [], chain }] of Object.entries(cases)) {
    it(name, () => {
      const ledger = open();
      expect(new Set(submit(ledger, before))).toEqual(new Set(before.length > 0 ? [created] : []));
      const state = stateOf(ledger);
      const nextExpiry = ledger.kernel.nextExpiry();
      const links = chain.map((t) => ({ ...t, flags: (t.flags ?? 0) | linked }));
      const failing = [...links, BREAKER];
      expect(submit(ledger, failing)).toEqual([
        ...chain.map(() => linked_event_failed),
        accounts_must_be_different,
      ]);
      expect(stateOf(ledger).equals(state)).toBe(true);
      expect(ledger.kernel.nextExpiry()).toBe(nextExpiry);
      // Events stand in the journal as they were submitted.
      const sent = links.map((t) => t.amount ?? 0n);
      expect(links.map((_, i) => ledger.lookupStored(ledger.op, i).amount)).toEqual(sent);
      expect(links.map((_, i) => ledger.lookupStored(ledger.op, i).timestamp)).toEqual(links.map(() => 0n));
      for (const { id } of links) expect(ledger.kernel.findTransfer(id!)).toBe(0n);
      for (const { id } of before) expect(ledger.kernel.findTransfer(id!)).not.toBe(0n);

      // The same chain without its last record succeeds, and does what it does on a ledger that never failed.
      const good = links.map((t, i) => (i === links.length - 1 ? { ...t, flags: t.flags & ~linked } : t));
      expect(submit(ledger, good)).toEqual(chain.map(() => created));
      const fresh = open();
      submit(fresh, before);
      submit(fresh, [BREAKER]);
      expect(submit(fresh, good)).toEqual(chain.map(() => created));
      expect(stateOf(ledger).equals(stateOf(fresh))).toBe(true);
    });
  }

  it('accounts', () => {
    const ledger = open();
    const state = stateOf(ledger);
    const accounts = Array.from({ length: 60 }, (_, i) => ({
      id: BigInt(1000 + i),
      ledger: 1,
      code: i === 59 ? 0 : 1,
      flags: i === 59 ? 0 : linked,
    }));
    ledger.execute(Operation.create_accounts, encode(accounts, writeAccount), ledger.timestamp + 100n);
    expect(stateOf(ledger).equals(state)).toBe(true);
    expect(ledger.lookupAccounts(accounts.map(({ id }) => id))).toEqual([]);
  });

  it('and remembers only the id that failed for a passing reason', () => {
    const ledger = open();
    const state = stateOf(ledger);
    submit(ledger, [
      { id: 10n, amount: 1n, flags: linked },
      { id: 11n, amount: 1n, creditAccountId: 77n, flags: linked },
      { id: 12n, amount: 1n },
    ]);
    expect(stateOf(ledger).equals(state)).toBe(true);
    expect([10n, 11n, 12n].map((id) => ledger.kernel.findTransfer(id) >> 61n)).toEqual([0n, 2n, 0n]);
  });

  it('a chain as long as a batch, with posts of pending transfers, fits the log', () => {
    const ledger = open();
    const half = 4095;
    const chain = [
      ...Array.from({ length: half }, (_, i) => ({
        id: BigInt(1 + i),
        amount: 1n,
        flags: pending | linked,
        timeout: 9,
      })),
      ...Array.from({ length: half }, (_, i) => ({
        id: BigInt(10_000 + i),
        pendingId: BigInt(1 + i),
        amount: 1n,
        flags: post_pending_transfer | (i === half - 1 ? 0 : linked),
      })),
    ];
    const state = stateOf(ledger);
    const broken = [...chain.slice(0, -1), BREAKER];
    expect(new Set(submit(ledger, broken))).toEqual(
      new Set([linked_event_failed, accounts_must_be_different]),
    );
    expect(stateOf(ledger).equals(state)).toBe(true);
    expect(new Set(submit(ledger, chain))).toEqual(new Set([created]));
    expect(ledger.kernel.nextExpiry()).toBeUndefined();
    expect(ledger.lookupAccounts([1n])[0]).toMatchObject({ debitsPending: 0n, debitsPosted: BigInt(half) });
  });
});
