// Payouts as settlement has them. Tables:
//
//     payouts            payout ▶ page, order, newest outcome         for ever: one page, one message, one payment
//     payout-outcomes    1, 2, 3 … ▶ signed receipt                   what management reads on from a cursor
//     payout-cursors     'outcomes' ▶ how many; 'statements' ▶ how far the institution's bookings are read
//
// Of outcomes that exclude each other the first counts; a later one is told to an operator.
import { sha256 } from '../../crypto/index.ts';
import { type Codec, type Infer, optional, struct, u64, u128 } from '../../shared/codec.ts';
import type { RoleStore, StoreReads, StoreTransaction } from '../../store/store.ts';
import { PayoutOrder, PayoutOutcome, PayoutReceipt, type SignedPayoutReceipt } from '../documents/payout.ts';
import type { Put } from '../flow/flow.ts';
import type { SettlementLog } from './interface.ts';

const PAYOUTS = 'payouts';
const OUTCOMES = 'payout-outcomes';
const CURSORS = 'payout-cursors';
const utf8 = new TextEncoder();
const OUTCOMES_CURSOR = utf8.encode('outcomes');
const STATEMENTS_CURSOR = utf8.encode('statements');

const PayoutRecord = struct({
  page: u128,
  order: PayoutOrder.signed,
  outcome: optional(PayoutOutcome),
});
export type PayoutRecord = Infer<typeof PayoutRecord>;

export interface Outcome
  extends Pick<PayoutReceipt, 'payout' | 'outcome' | 'reason' | 'institutionReference' | 'at'> {
  /** What the institution says was paid; left out where it says nothing of it. */
  readonly money?: { readonly amount: bigint; readonly currency: number };
}

export const putPayout = (record: PayoutRecord): Put => ({
  table: PAYOUTS,
  key: record.order.document.payout,
  value: PayoutRecord.encode(record),
});

export const findPayout = (reads: StoreReads, payout: bigint): PayoutRecord | undefined =>
  read(reads, PAYOUTS, payout, PayoutRecord);

export interface PayoutBookOptions {
  readonly store: RoleStore;
  readonly sign: (content: Omit<PayoutReceipt, 'keyId'>) => SignedPayoutReceipt;
  readonly log?: SettlementLog | undefined;
}

export class PayoutBook {
  readonly #store: RoleStore;
  readonly #sign: PayoutBookOptions['sign'];
  readonly #log: SettlementLog | undefined;

  constructor({ store, sign, log }: PayoutBookOptions) {
    this.#store = store;
    this.#sign = sign;
    this.#log = log;
  }

  get hasPayouts(): boolean {
    return this.#store.range(PAYOUTS, { limit: 1 }).length > 0;
  }

  find(payout: bigint): PayoutRecord | undefined {
    return findPayout(this.#store, payout);
  }

  /** Receipts after that one, in the order in which they became known. */
  outcomes(after: bigint, limit: number): SignedPayoutReceipt[] {
    return this.#store
      .range(OUTCOMES, { from: after + 1n, limit })
      .map(({ value }) => PayoutReceipt.signed.decode(value));
  }

  /** How far the institution's bookings are read. */
  get statementsRead(): bigint {
    return read(this.#store, CURSORS, STATEMENTS_CURSOR, u64) ?? 0n;
  }

  /**
   * Writes what follows from what is known, with a receipt each. What is known already changes nothing.
   * @param statementsRead written with it
   */
  async record(outcomes: readonly Outcome[], statementsRead?: bigint): Promise<void> {
    if (outcomes.length === 0 && statementsRead === undefined) return;
    const wrong: { readonly payout: bigint; readonly problem: string }[] = [];
    await this.#store.transaction((tx) => {
      wrong.length = 0;
      let count = read(tx, CURSORS, OUTCOMES_CURSOR, u64) ?? 0n;
      const before = count;
      for (const outcome of outcomes) {
        const record = findPayout(tx, outcome.payout);
        const problem = record === undefined ? 'no such payout' : problemOf(record, outcome);
        if (problem !== undefined) wrong.push({ payout: outcome.payout, problem });
        if (problem !== undefined || isKnown(record!, outcome)) continue;
        this.#put(tx, ++count, record!, outcome);
      }
      if (count !== before) tx.put(CURSORS, OUTCOMES_CURSOR, u64.encode(count));
      if (statementsRead !== undefined) tx.put(CURSORS, STATEMENTS_CURSOR, u64.encode(statementsRead));
    });
    for (const { payout, problem } of wrong) {
      this.#log?.error({ payout: String(payout), problem }, 'the institution says what cannot be');
    }
  }

  #put(tx: StoreTransaction, sequence: bigint, { page, order }: PayoutRecord, told: Outcome): void {
    const { document } = order;
    const { payout, outcome, reason, institutionReference, at } = told;
    const receipt = this.#sign({
      ...{ payout, outcome, reason, institutionReference, at },
      orderDigest: sha256(PayoutOrder.codec.encode(document)),
      amount: document.amount,
      currency: document.currency,
    });
    tx.put(PAYOUTS, payout, PayoutRecord.encode({ page, order, outcome }));
    tx.put(OUTCOMES, sequence, PayoutReceipt.signed.encode(receipt));
  }
}

function problemOf(
  { order, outcome: before }: PayoutRecord,
  { outcome, money }: Outcome,
): string | undefined {
  const { amount, currency } = order.document;
  if (money !== undefined && (money.amount !== amount || money.currency !== currency))
    return `expected ${amount} of currency ${currency}, got ${money.amount} of ${money.currency}`;
  if (before === undefined)
    return outcome === 'returned' ? 'expected it booked first, got a return' : undefined;
  if (before === 'rejected' ? outcome !== 'rejected' : outcome === 'rejected')
    return `expected an outcome that follows ${before}, got ${outcome}`;
  return undefined;
}

function isKnown({ outcome: before }: PayoutRecord, { outcome }: Outcome): boolean {
  return before === outcome || (before === 'returned' && outcome === 'booked');
}

function read<Value>(
  reads: StoreReads,
  table: string,
  key: bigint | Uint8Array,
  codec: Codec<Value>,
): Value | undefined {
  const stored = reads.get(table, key);
  return stored === undefined ? undefined : codec.decode(stored);
}
