import { describe, expect, it } from 'vitest';
import { KernelAbort } from '../../src/kernel/kernel-abort.ts';
import {
  CreateTransferStatusNames,
  Operation,
  type Transfer,
  TransferFlags,
  writeAccount,
  writeTransfer,
} from '../../src/layout/generated.ts';
import { recordSizeOf } from '../../src/layout/record-size.ts';
import { Random } from '../../src/shared/random.ts';
import { encode, readResults } from './kernel-target.ts';
import { type Entry, MemoryLedger } from './memory-host.ts';
import { Workload } from './workload.ts';

const SEED = BigInt(process.env.SPECIE_SEED ?? 20_260_701);

function run(seed: bigint, steps: number): MemoryLedger {
  const ledger = new MemoryLedger({ seed: 1n });
  const workload = new Workload(new Random(seed));
  for (let i = 0; i < steps; i++) workload.step(ledger);
  return ledger;
}

function expectSame(replayed: Entry, stored: Entry): void {
  const { segments: a, ...headerA } = replayed;
  const { segments: b, ...headerB } = stored;
  expect(headerA).toEqual(headerB);
  for (const [i, segment] of a.entries()) {
    expect(Buffer.compare(segment, b[i]!), `operation ${stored.op}, segment ${i}`).toBe(0);
  }
}

describe(`replay (seed ${SEED})`, () => {
  it.each([0n, 1n, 2n, 3n])('of random batches gives the same journal and the same state, run %d', (n) => {
    const ledger = run(SEED + n, 150);
    // Other keys of the hash tables: no result depends on them.
    const again = new MemoryLedger({ seed: 0x1234_5678_9abc_def0_1234_5678_9abc_def0n + n });
    for (const entry of ledger.entries) expectSame(again.replay(entry), entry);
    expect(Buffer.compare(again.stateBytes(), ledger.stateBytes())).toBe(0);
    expect(again.kernel.memtableCount()).toBe(ledger.kernel.memtableCount());
    expect(again.kernel.nextExpiry()).toBe(ledger.kernel.nextExpiry());
  });

  it('meets most of what can happen', () => {
    const seen = new Set<string>();
    const entries = [1n, 2n, 3n, 4n, 5n, 6n].flatMap((seed) => run(seed, 80).entries);
    for (const { operation, count, segments } of entries) {
      if (operation !== Operation.create_transfers && operation !== Operation.create_payment_orders) continue;
      const size = recordSizeOf(operation);
      let left = count;
      for (const segment of segments) {
        const records = Math.min(left, 256);
        for (const { status } of readResults(segment.subarray(records * size, records * (size + 16)))) {
          seen.add(CreateTransferStatusNames.get(status)!);
        }
        left -= records;
      }
    }
    for (const name of [
      'created',
      'linked_event_failed',
      'linked_event_chain_open',
      'timestamp_must_be_zero',
      'exists',
      'id_already_failed',
      'pending_transfer_already_posted',
      'pending_transfer_already_voided',
      'pending_transfer_expired',
      'exceeds_credits',
      'exceeds_credit_limit',
      'overflows_debits_posted',
      'debit_account_already_closed',
      'imported_event_timestamp_must_not_regress',
      'reserved_field',
      'signature_invalid',
      'exists_with_different_order',
      'order_expired',
      'orders_closed',
      'sequence_too_old',
      'sequence_used',
      'exceeds_payment_limit',
      'exceeds_day_limit',
    ]) {
      expect([...seen]).toContain(name);
    }
  });

  it('of operations that the runs of the index have adds nothing to the index', () => {
    const ledger = open();
    const { linked, pending, post_pending_transfer } = TransferFlags;
    const sides = { debitAccountId: 1n, creditAccountId: 2n, amount: 5n, ledger: 1, code: 1 };
    const batches: Partial<Transfer>[][] = [
      // An id twice in one batch: the second must meet the first, though no index has it.
      [
        { ...sides, id: 1n },
        { ...sides, id: 2n },
        { ...sides, id: 1n },
        { ...sides, id: 2n, amount: 6n },
      ],
      // A reservation that a failed chain takes back, and one that stays.
      [
        { ...sides, id: 3n, flags: pending | linked },
        { ...sides, id: 4n, debitAccountId: 2n },
        { ...sides, id: 3n, flags: pending, timeout: 1 },
        { ...sides, id: 5n, creditAccountId: 77n },
        { ...sides, id: 5n },
      ],
      [{ id: 6n, pendingId: 3n, amount: 2n, flags: post_pending_transfer }],
    ];
    for (const batch of batches) {
      ledger.execute(Operation.create_transfers, encode(batch, writeTransfer), ledger.timestamp + 100n);
    }
    const again = new MemoryLedger();
    again.kernel.indexCovered(ledger.op - 1);
    for (const entry of ledger.entries.slice(0, -1)) {
      expectSame(again.replay(entry), entry);
      expect(again.kernel.memtableCount()).toBe(0);
    }
    expectSame(again.replay(ledger.entries.at(-1)!), ledger.entries.at(-1)!);
    // T6, and that it posted T3.
    expect(again.kernel.memtableCount()).toBe(2);
    expect(Buffer.compare(again.stateBytes(), ledger.stateBytes())).toBe(0);
  });

  it('needs the results to tell a timestamp of the engine from one that was submitted', () => {
    const ledger = open();
    const transfer = { id: 1n, debitAccountId: 1n, creditAccountId: 2n, amount: 1n, ledger: 1, code: 1 };
    // The second brings exactly the timestamp that it would get.
    const events = encode([transfer, { ...transfer, id: 2n, timestamp: 102n }], writeTransfer);
    const statuses = readResults(ledger.execute(Operation.create_transfers, events, 102n)).map((r) =>
      CreateTransferStatusNames.get(r.status),
    );
    expect(statuses).toEqual(['created', 'timestamp_must_be_zero']);
    const again = new MemoryLedger();
    for (const entry of ledger.entries) expectSame(again.replay(entry), entry);
  });

  it('of a chain that failed leaves its records as they were submitted', () => {
    const ledger = open();
    const transfer = { debitAccountId: 1n, creditAccountId: 2n, ledger: 1, code: 1 };
    const chain: Partial<Transfer>[] = [
      {
        ...transfer,
        id: 1n,
        amount: 2n ** 100n,
        flags: TransferFlags.linked | TransferFlags.balancing_debit,
      },
      { ...transfer, id: 2n, amount: 1n, creditAccountId: 1n },
    ];
    const events = encode(chain, writeTransfer);
    ledger.execute(Operation.create_transfers, events, 200n);
    expect(Buffer.compare(ledger.entries.at(-1)!.segments[0]!.subarray(0, 256), events)).toBe(0);
    const again = new MemoryLedger();
    for (const entry of ledger.entries) expectSame(again.replay(entry), entry);
  });

  it('stops where the order of operations or of time is broken', () => {
    const ledger = open();
    const [entry] = ledger.entries;
    const again = new MemoryLedger();
    again.replay(entry!);
    expect(() => again.replay({ ...entry!, timestamp: entry!.timestamp })).toThrow(KernelAbort);
    expect(() => new MemoryLedger().kernel.execute(Operation.create_accounts, 0, 1n, 0, 0)).toThrow(
      'expected an operation number from 1 to',
    );
  });
});

function open(): MemoryLedger {
  const ledger = new MemoryLedger();
  const accounts = [1n, 2n].map((id) => ({ id, ledger: 1, code: 1 }));
  ledger.execute(Operation.create_accounts, encode(accounts, writeAccount), 100n);
  return ledger;
}
