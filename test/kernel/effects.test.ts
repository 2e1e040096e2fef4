import { beforeAll, describe, expect, it } from 'vitest';
import {
  AccountLayout,
  AccountTailLayout,
  BATCH_RECORDS_MAX,
  CreateTransferStatus,
  EFFECT_SIZE_MAX,
  Operation,
  REF_INDEX_BITS,
  REF_SIZE,
  type Transfer,
  TransferFlags,
  writeAccount,
  writeTransfer,
} from '../../src/layout/generated.ts';
import { U128_MAX } from '../../src/shared/bytes.ts';
import { encode, readResults } from './kernel-target.ts';
import { type LedgerEvent, MemoryLedger } from './memory-host.ts';

const CREATED = CreateTransferStatus.created;

function open(accounts: number): MemoryLedger {
  const ledger = new MemoryLedger();
  const events = Array.from({ length: accounts }, (_, i) => ({ id: BigInt(i + 1), ledger: 1, code: 1 }));
  ledger.execute(Operation.create_accounts, encode(events, writeAccount), BigInt(accounts));
  return ledger;
}

function submit(ledger: MemoryLedger, transfers: Partial<Transfer>[]): number[] {
  const events = encode(
    transfers.map((t) => ({ ledger: 1, code: 1, ...t })),
    writeTransfer,
  );
  const timestamp = ledger.timestamp + BigInt(transfers.length);
  return readResults(ledger.execute(Operation.create_transfers, events, timestamp)).map((r) => r.status);
}

describe('effects', () => {
  it.each([
    0n,
    1n,
    255n,
    256n,
    2n ** 56n - 1n,
    2n ** 56n,
    2n ** 62n - 1n,
    2n ** 62n,
    2n ** 64n - 1n,
    2n ** 64n,
    2n ** 112n - 1n,
    2n ** 112n,
    2n ** 120n,
    U128_MAX,
  ])('hold a balance of %d', (amount) => {
    const ledger = open(4);
    expect(submit(ledger, [{ id: 1n, debitAccountId: 1n, creditAccountId: 2n, amount }])).toEqual([CREATED]);
    const pending = { id: 2n, debitAccountId: 3n, creditAccountId: 4n, amount, flags: TransferFlags.pending };
    expect(submit(ledger, [pending])).toEqual([CREATED]);
    const zero = { debitsPending: 0n, debitsPosted: 0n, creditsPending: 0n, creditsPosted: 0n };
    const [posted, reserved] = [...ledger.events()];
    expect(posted!.effect).toMatchObject({
      debit: { ...zero, debitsPosted: amount },
      credit: { ...zero, creditsPosted: amount },
    });
    expect(reserved!.effect).toMatchObject({
      debit: { ...zero, debitsPending: amount },
      credit: { ...zero, creditsPending: amount },
    });
    // The number is trimmed to its bytes; 15 of them take 16.
    const bytes = Math.ceil(amount.toString(2).replace(/^0$/, '').length / 8);
    expect(posted!.effect.size).toBe(5 + 2 * REF_SIZE + 2 * (bytes === 15 ? 16 : bytes));
  });

  it('stay within their bound when everything is as large as it can be', () => {
    const ledger = open(2);
    const huge = 2n ** 126n;
    const both = { debitsPending: huge, debitsPosted: huge, creditsPending: huge, creditsPosted: huge };
    ledger.setBalances(1n, both);
    ledger.setBalances(2n, both);
    // Ordinal 65,536 has three refs a side.
    for (const id of [1n, 2n]) {
      ledger.kernel.accountRow(id)!.setBigUint64(AccountLayout.size + AccountTailLayout.count, 65_535n, true);
    }
    expect(submit(ledger, [{ id: 1n, debitAccountId: 1n, creditAccountId: 2n, amount: 1n }])).toEqual([
      CREATED,
    ]);
    const [event] = [...ledger.events()];
    expect(event!.effect.size).toBe(5 + 6 * REF_SIZE + 8 * 16);
    // What is stored beyond an effect's end is at most 16 bytes, and a batch has EFFECT_SIZE_MAX a record.
    expect(event!.effect.size + 16).toBeLessThanOrEqual(EFFECT_SIZE_MAX);
  });

  it('say which accounts are closed after the event', () => {
    const ledger = open(2);
    const sides = { debitAccountId: 1n, creditAccountId: 2n };
    const { pending, closing_credit, closing_debit, void_pending_transfer } = TransferFlags;
    submit(ledger, [
      { ...sides, id: 1n, flags: pending | closing_debit },
      { id: 2n, pendingId: 1n, flags: void_pending_transfer },
      { ...sides, id: 3n, flags: pending | closing_credit },
      { id: 4n, pendingId: 3n, flags: void_pending_transfer },
      { ...sides, id: 5n, flags: pending | closing_credit | closing_debit },
    ]);
    expect([...ledger.events()].map(({ effect }) => [effect.isDebitClosed, effect.isCreditClosed])).toEqual([
      [true, false],
      [false, false],
      [false, true],
      [false, false],
      [true, true],
    ]);
  });

  it('of failed records and failed chains take no room', () => {
    const ledger = open(2);
    const sides = { debitAccountId: 1n, creditAccountId: 2n, amount: 1n };
    // 300 good, a chain of 300 over the end of a segment that fails, 200 good.
    const chain: Partial<Transfer>[] = Array.from({ length: 300 }, (_, i) => ({
      ...sides,
      id: BigInt(1000 + i),
      flags: TransferFlags.linked,
    }));
    chain.push({ ...sides, id: 2000n, debitAccountId: 2n, flags: 0 });
    const batch = [
      ...Array.from({ length: 300 }, (_, i) => ({ ...sides, id: BigInt(1 + i) })),
      ...chain,
      ...Array.from({ length: 200 }, (_, i) => ({ ...sides, id: BigInt(3000 + i) })),
    ];
    const statuses = submit(ledger, batch);
    expect(statuses.filter((status) => status === CREATED)).toHaveLength(500);
    const good = open(2);
    submit(
      good,
      batch.filter((_, i) => statuses[i] === CREATED),
    );
    const effectsOf = (l: MemoryLedger) =>
      [...l.events()].map(({ transfer, effect: { debit, credit } }) => ({ id: transfer.id, debit, credit }));
    expect(effectsOf(ledger)).toEqual(effectsOf(good));
    // Walks the chain through all segments.
    expect(ledger.history(1n)).toHaveLength(500);
  });

  it('are read back the same whatever the number of records of the last segment', () => {
    const sides = { debitAccountId: 1n, creditAccountId: 2n, amount: 1n };
    for (const count of [1, 255, 256, 257, 512, 513, BATCH_RECORDS_MAX]) {
      const ledger = open(2);
      submit(
        ledger,
        Array.from({ length: count }, (_, i) => ({ ...sides, id: BigInt(i + 1) })),
      );
      expect(ledger.history(2n).map(({ effect }) => effect.credit.creditsPosted)).toEqual(
        Array.from({ length: count }, (_, i) => BigInt(count - i)),
      );
    }
  });
});

describe("an account's history of 140,000 events", () => {
  const COUNT = 140_000;
  // Account 1 is debited and credited in turn, by two others that take turns, too.
  let events: LedgerEvent[];
  const refs: number[] = [0];

  beforeAll(() => {
    const ledger = open(3);
    for (let first = 1; first <= COUNT; first += BATCH_RECORDS_MAX) {
      const count = Math.min(BATCH_RECORDS_MAX, COUNT - first + 1);
      const op = ledger.op + 1;
      submit(
        ledger,
        Array.from({ length: count }, (_, i) => {
          const n = first + i;
          refs[n] = op * 2 ** REF_INDEX_BITS + i;
          const other = n % 3 === 0 ? 2n : 3n;
          const isDebit = n % 2 === 0;
          return {
            id: BigInt(n),
            debitAccountId: isDebit ? 1n : other,
            creditAccountId: isDebit ? other : 1n,
            amount: 1n,
          };
        }),
      );
    }
    events = ledger.history(1n).reverse();
  });

  it('is a chain of every event', () => {
    expect(events.map(({ ref }) => ref)).toEqual(refs.slice(1));
  });

  it('has refs to the event 256 before at every 256th, and 65,536 before at every 65,536th', () => {
    const expected = (n: number) => {
      const wanted = [refs[n - 1]];
      if (n % 256 === 0) wanted.push(refs[n - 256]);
      if (n % 65_536 === 0) wanted.push(refs[n - 65_536]);
      return wanted;
    };
    const wrong = events.flatMap(({ transfer, effect }, i) => {
      const got = transfer.debitAccountId === 1n ? effect.debitRefs : effect.creditRefs;
      return JSON.stringify(got) === JSON.stringify(expected(i + 1)) ? [] : [{ n: i + 1, got }];
    });
    expect(wrong).toEqual([]);
  });
});
