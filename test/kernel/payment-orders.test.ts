// Payment orders in the kernel, where the tables of statuses do not reach: single bytes, long batches, chains around
// them, replay.
import { describe, expect, it } from 'vitest';
import {
  CreateTransferStatus,
  CreateTransferStatusNames,
  Operation,
  OrderTermsLayout,
  PAYMENT_ORDER_SIZE,
  PAYMENT_ORDERS_MAX,
  type PaymentOrder,
  PaymentOrderLayout,
  SetOrderTermsStatus,
  TransferFlags,
  writeAccount,
  writeOrderTerms,
  writeTransfer,
} from '../../src/layout/generated.ts';
import { encode, encodeOrders, readResults } from './kernel-target.ts';
import { MemoryLedger } from './memory-host.ts';

const KEY = 7n;

function open(accounts = 4): MemoryLedger {
  const ledger = new MemoryLedger();
  const events = Array.from({ length: accounts }, (_, i) => ({
    id: BigInt(i + 1),
    ledger: 1,
    code: 1,
    userData64: KEY,
  }));
  ledger.execute(Operation.create_accounts, encode(events, writeAccount), 100_000n);
  return ledger;
}

const order = (n: number, more: Partial<PaymentOrder> = {}): Partial<PaymentOrder> => ({
  id: BigInt(n),
  debitAccountId: 1n,
  creditAccountId: 2n,
  amount: 1n,
  ledger: 1,
  code: 1,
  sequence: BigInt(n),
  expiresAt: 1n << 63n,
  keyId: KEY,
  verdict: 1,
  reference: new Uint8Array(32).fill(n),
  signature: new Uint8Array(64).fill(n),
  ...more,
});

const later = (ledger: MemoryLedger, count: number): bigint => ledger.timestamp + BigInt(count) + 5n;
const runBytes = (ledger: MemoryLedger, events: Uint8Array): string[] =>
  readResults(
    ledger.execute(
      Operation.create_payment_orders,
      events,
      later(ledger, events.length / PAYMENT_ORDER_SIZE),
    ),
  ).map(({ status }) => CreateTransferStatusNames.get(status)!);
const run = (ledger: MemoryLedger, orders: readonly Partial<PaymentOrder>[]): string[] =>
  runBytes(ledger, encodeOrders(orders));

function replayed(ledger: MemoryLedger): MemoryLedger {
  const again = new MemoryLedger({ seed: 99n });
  for (const entry of ledger.entries) {
    const made = again.replay(entry);
    for (const [i, segment] of made.segments.entries()) {
      expect(Buffer.compare(segment, entry.segments[i]!), `op ${entry.op}, segment ${i}`).toBe(0);
    }
  }
  expect(Buffer.compare(again.stateBytes(), ledger.stateBytes())).toBe(0);
  return again;
}

describe('payment orders in the kernel', () => {
  it('decide by every byte that counts: each byte of an applied order makes another of it, or does not', () => {
    const ledger = open();
    const packed = encodeOrders([order(5, { sequence: 9n })]);
    expect(runBytes(ledger, packed)).toEqual(['created']);
    const same = new Set<number>();
    const statuses = new Set<string>();
    for (let at = 0; at < PAYMENT_ORDER_SIZE; at++) {
      const changed = Uint8Array.from(packed);
      changed[at]! ^= 1;
      const [status] = runBytes(ledger, changed);
      expect(status, `byte ${at}`).not.toBe('created');
      if (status === 'exists') same.add(at);
      else statuses.add(status!);
    }
    // The signature is the verdict's matter: Ed25519 has more than one for the same bytes.
    const { signature } = PaymentOrderLayout;
    expect([...same]).toEqual(Array.from({ length: 64 }, (_, i) => signature + i));
    expect([...statuses]).toEqual(
      expect.arrayContaining(['exists_with_different_order', 'reserved_field', 'timestamp_must_be_zero']),
    );
  });

  it('refuse reserved bytes, in orders and in terms', () => {
    const ledger = open();
    for (let at = PaymentOrderLayout.reserved0; at < PaymentOrderLayout.signature; at++) {
      const packed = encodeOrders([order(1)]);
      packed[at] = 1;
      expect(runBytes(ledger, packed), `byte ${at}`).toEqual(['reserved_field']);
    }
    for (let at = OrderTermsLayout.reserved0; at < OrderTermsLayout.flags; at++) {
      const packed = encode([{ accountId: 1n, paymentMax: 1n }], writeOrderTerms);
      packed[at] = 1;
      const [result] = readResults(ledger.execute(Operation.set_order_terms, packed, later(ledger, 1)));
      expect(result!.status, `byte ${at}`).toBe(SetOrderTermsStatus.reserved_field);
    }
    expect(ledger.orderState(1n)).toBeUndefined();
    expect(run(ledger, [order(1)])).toEqual(['created']);
  });

  it('fill a slot: 4,095 in one batch, over many segments, with longest effects', () => {
    const payers = 700;
    const ledger = open(payers + 1);
    // Balances of 16 bytes make the effects as long as they get.
    const huge = 2n ** 120n;
    const orders = Array.from({ length: PAYMENT_ORDERS_MAX }, (_, i) =>
      order(i + 1, {
        debitAccountId: BigInt(2 + (i % payers)),
        creditAccountId: 1n,
        amount: huge / 4096n,
        sequence: BigInt(1 + Math.floor(i / payers)),
        flags: i % 3 === 0 ? TransferFlags.pending : 0,
        timeout: i % 3 === 0 ? 1 : 0,
      }),
    );
    expect(run(ledger, orders)).toEqual(orders.map(() => 'created'));
    const entry = ledger.entries.at(-1)!;
    expect(entry.segments).toHaveLength(16);
    expect(ledger.lookupTransfers([4095n, 257n]).map(({ id, amount }) => [id, amount])).toEqual([
      [4095n, huge / 4096n],
      [257n, huge / 4096n],
    ]);
    expect(ledger.history(1n)).toHaveLength(PAYMENT_ORDERS_MAX);
    expect(ledger.pulses(ledger.timestamp + 2_000_000_000n)).toBe(1365);
    const again = replayed(ledger);
    expect(again.kernel.memtableCount()).toBe(ledger.kernel.memtableCount());
    const slot = ledger.kernel.allocateSlot();
    expect(() =>
      ledger.kernel.execute(
        Operation.create_payment_orders,
        ledger.op + 1,
        later(ledger, PAYMENT_ORDERS_MAX + 1),
        slot,
        PAYMENT_ORDERS_MAX + 1,
      ),
    ).toThrow('at most 4,095 payment orders');
  });

  it('are untouched by chains of transfers that post or void what they reserved', () => {
    const ledger = open();
    expect(run(ledger, [order(1, { flags: TransferFlags.pending, amount: 50n })])).toEqual(['created']);
    const { linked, post_pending_transfer } = TransferFlags;
    const state = ledger.stateBytes();
    const chain = [
      { id: 10n, pendingId: 1n, amount: 20n, flags: post_pending_transfer | linked },
      { id: 11n, debitAccountId: 1n, creditAccountId: 1n, amount: 1n, ledger: 1, code: 1 },
    ];
    const results = readResults(
      ledger.execute(Operation.create_transfers, encode(chain, writeTransfer), later(ledger, 2)),
    );
    expect(results.map(({ status }) => CreateTransferStatusNames.get(status))).toEqual([
      'linked_event_failed',
      'accounts_must_be_different',
    ]);
    // Globals begin with operation and time, which have moved on.
    expect(Buffer.compare(ledger.stateBytes().subarray(16), state.subarray(16))).toBe(0);
    const alone = encode([{ ...chain[0]!, flags: post_pending_transfer }], writeTransfer);
    const [posted] = readResults(ledger.execute(Operation.create_transfers, alone, later(ledger, 1)));
    expect(posted!.status).toBe(CreateTransferStatus.created);
    expect(ledger.lookupAccounts([1n])[0]).toMatchObject({ debitsPosted: 20n, debitsPending: 0n });
    expect(ledger.orderState(1n)).toMatchObject({ spent: 50n });
    replayed(ledger);
  });

  it('of operations that the runs of the index have add nothing to the index', () => {
    const ledger = open();
    // An id twice in one batch, and one that a refusal uses up.
    run(ledger, [order(1), order(2), order(1), order(2, { amount: 3n }), order(3, { creditAccountId: 99n })]);
    run(ledger, [order(4)]);
    const again = new MemoryLedger();
    again.kernel.indexCovered(ledger.op - 1);
    for (const entry of ledger.entries.slice(0, -1)) {
      again.replay(entry);
      expect(again.kernel.memtableCount()).toBe(0);
    }
    again.replay(ledger.entries.at(-1)!);
    expect(Buffer.compare(again.stateBytes(), ledger.stateBytes())).toBe(0);
  });

  it('go through a snapshot: each page of devices as it was when that began', () => {
    const ledger = new MemoryLedger({ arenaPages: 64 });
    const events = Array.from({ length: 60 }, (_, i) => ({
      id: BigInt(i + 1),
      ledger: 1,
      code: 1,
      userData64: KEY,
    }));
    ledger.execute(Operation.create_accounts, encode(events, writeAccount), 100_000n);
    const pay = (first: number, sequence: bigint) =>
      Array.from({ length: 59 }, (_, i) =>
        order(first + i, { debitAccountId: BigInt(2 + i), creditAccountId: 1n, sequence }),
      );
    run(ledger, pay(1, 1n));
    const { kernel } = ledger;
    const globals = kernel.globalsCopy();
    expect(kernel.pageCounts(globals)).toEqual([3, 0, 3]);
    const before = [0, 1, 2].map((page) => kernel.bytes(kernel.pageAddress(2, page), 4000).slice());
    kernel.snapshotBegin();
    run(ledger, pay(100, 2n));
    expect(kernel.snapshotFill(64)).toBe(0);
    const images = kernel.bytes(kernel.arenaAddress(), kernel.arenaCount() * 4064);
    const found = [0, 1, 2, 3, 4, 5]
      .map((i) => Buffer.from(images.subarray(i * 4064, (i + 1) * 4064)))
      .filter((image) => image.readUInt32LE(0) === 2);
    expect(found).toHaveLength(3);
    for (const image of found) {
      expect(Buffer.compare(image.subarray(64), before[image.readUInt32LE(4)]!)).toBe(0);
    }
  });
});
