// What a shop remembers, by table:
//
//     open        request ─▶ OpenRecord      written before anything is forwarded, removed with the outcome
//     refused     request ─▶ RefusedRecord   refused by management, and perhaps paid all the same
//     purchase    request ─▶ FinalRecord
//     order       request ─▶ OrderRecord     refunds, captures, voids
//     open-order  request ─▶ nothing         of them, those without an outcome
//     entry       number ─▶ Entry            the day book
//     last-entry  its number
//     day         day ─▶ DayTotals
//
// All that one batch changes is one transaction: an outcome, its entry and the day's sums stand or fall together.
import type {
  SignedPaymentReceipt,
  SignedPaymentRejection,
  SignedShopOrder,
} from '../roles/documents/payment-receipts.ts';
import { u64 } from '../shared/codec.ts';
import { idOfKey, keyOf } from '../store/key.ts';
import { RANGE_MAX, type RoleStore, type StoreReads, type StoreTransaction } from '../store/store.ts';
import {
  DayTotals,
  Entry,
  FinalRecord,
  NO_TOTALS,
  OpenRecord,
  OrderRecord,
  type PaidRecord,
  RefusedRecord,
} from './records.ts';

const OPEN = 'open';
const REFUSED = 'refused';
const PURCHASE = 'purchase';
const ORDER = 'order';
const OPEN_ORDER = 'open-order';
const ENTRY = 'entry';
const DAY = 'day';
const LAST_ENTRY = 'last-entry';
const NOTHING = new Uint8Array(0);
const NANOSECONDS_PER_DAY = 86_400_000_000_000n;

export type PurchaseOutcome =
  | { readonly kind: 'paid'; readonly receipt: SignedPaymentReceipt }
  | { readonly kind: 'rejected'; readonly rejection: SignedPaymentRejection }
  /** `inDoubt`: it was asked before without an answer. Otherwise nothing is left of it. */
  | { readonly kind: 'refused'; readonly code: string; readonly inDoubt: boolean };

export interface FinishedPurchase {
  readonly request: bigint;
  readonly digest: Uint8Array;
  readonly open: OpenRecord;
  readonly outcome: PurchaseOutcome;
}

export interface NumberedEntry extends Entry {
  /** For `entries({ after })`. */
  readonly number: bigint;
}

export class Book {
  readonly #store: RoleStore;

  constructor(store: RoleStore) {
    this.#store = store;
  }

  get failure(): Error | undefined {
    return this.#store.failure;
  }

  // ---- Purchases

  *openPurchases(): Generator<readonly [bigint, OpenRecord]> {
    for (const { key, value } of pages(this.#store, OPEN)) yield [idOfKey(key), OpenRecord.decode(value)];
  }

  final(request: bigint): FinalRecord | undefined {
    const value = this.#store.get(PURCHASE, request);
    return value && FinalRecord.decode(value);
  }

  refused(request: bigint): RefusedRecord | undefined {
    const value = this.#store.get(REFUSED, request);
    return value && RefusedRecord.decode(value);
  }

  // All of them, for an audit.

  *finals(): Generator<readonly [bigint, FinalRecord]> {
    for (const { key, value } of pages(this.#store, PURCHASE))
      yield [idOfKey(key), FinalRecord.decode(value)];
  }

  *refusedInDoubt(): Generator<readonly [bigint, RefusedRecord]> {
    for (const { key, value } of pages(this.#store, REFUSED))
      yield [idOfKey(key), RefusedRecord.decode(value)];
  }

  /** @throws StoreError */
  takeIn(
    purchases: readonly {
      readonly request: bigint;
      readonly record: OpenRecord;
      readonly wasRefused: boolean;
    }[],
  ): Promise<void> {
    return this.#store.transaction((tx) => {
      for (const { request, record, wasRefused } of purchases) {
        tx.put(OPEN, request, OpenRecord.encode(record));
        if (wasRefused) tx.remove(REFUSED, request);
      }
    });
  }

  /** @returns what was paid, each at its place in the list. @throws StoreError */
  finish(finished: readonly FinishedPurchase[], at: bigint): Promise<(PaidRecord | undefined)[]> {
    return this.#write(at, (tx, entries) => finished.map((one) => writeOutcome(one, at, tx, entries)));
  }

  // ---- The shop's orders

  *openOrders(): Generator<OrderRecord> {
    for (const { key } of pages(this.#store, OPEN_ORDER)) {
      const record = this.order(idOfKey(key));
      if (record !== undefined) yield record;
    }
  }

  order(request: bigint): OrderRecord | undefined {
    const value = this.#store.get(ORDER, request);
    return value && OrderRecord.decode(value);
  }

  /** Every order that was ever given for a purchase, whatever became of it, is found by walking the table: rare enough. */
  *orders(): Generator<OrderRecord> {
    for (const { value } of pages(this.#store, ORDER)) yield OrderRecord.decode(value);
  }

  /** @throws StoreError */
  takeOrder(record: OrderRecord): Promise<void> {
    const { request } = record.order.document;
    return this.#store.transaction((tx) => {
      tx.put(ORDER, request, OrderRecord.encode(record));
      tx.put(OPEN_ORDER, request, NOTHING);
    });
  }

  /** @returns the purchase as it is then. @throws StoreError */
  finishOrder(record: OrderRecord): Promise<PaidRecord | undefined> {
    const { order, state, updatedAt: at, till } = record;
    return this.#write(at, (tx, entries) => {
      const { request, action, purchase, amount } = order.document;
      tx.put(ORDER, request, OrderRecord.encode(record));
      tx.remove(OPEN_ORDER, request);
      const value = tx.get(PURCHASE, purchase);
      const final = value && FinalRecord.decode(value);
      if (final?.kind !== 'paid' || state.kind !== 'done') return undefined;
      const { timestamp } = state.receipt.document;
      const changed = { ...final, ...changeOf(final, order) };
      tx.put(PURCHASE, purchase, FinalRecord.encode(changed));
      entries.add({ kind: action, purchase, request, amount, timestamp, at, till });
      return changed;
    });
  }

  // ---- The day book

  entries({ after, limit }: { readonly after: bigint; readonly limit: number }): NumberedEntry[] {
    return this.#store
      .range(ENTRY, { from: after + 1n, limit })
      .map(({ key, value }) => ({ number: idOfKey(key), ...Entry.decode(value) }));
  }

  /** Of a UTC day. @param at any time of it */
  totals(at: bigint): DayTotals {
    return readDay(this.#store, at / NANOSECONDS_PER_DAY);
  }

  #write<T>(at: bigint, run: (tx: StoreTransaction, entries: DayBook) => T): Promise<T> {
    return this.#store.transaction((tx) => {
      const entries = new DayBook(tx, at / NANOSECONDS_PER_DAY);
      const result = run(tx, entries);
      entries.write();
      return result;
    });
  }
}

/** What a transaction adds to the day book. */
class DayBook {
  readonly #tx: StoreTransaction;
  readonly #day: bigint;
  #last: bigint;
  #totals: DayTotals;
  #isChanged = false;

  constructor(tx: StoreTransaction, day: bigint) {
    this.#tx = tx;
    this.#day = day;
    const last = tx.get(LAST_ENTRY, NOTHING);
    this.#last = last === undefined ? 0n : u64.decode(last);
    this.#totals = readDay(tx, day);
  }

  add(entry: Entry): void {
    this.#tx.put(ENTRY, ++this.#last, Entry.encode(entry));
    const name = SUM_OF[entry.kind];
    const { count, amount } = this.#totals[name];
    this.#totals = { ...this.#totals, [name]: { count: count + 1, amount: amount + entry.amount } };
    this.#isChanged = true;
  }

  rejected(): void {
    this.#totals = { ...this.#totals, rejected: this.#totals.rejected + 1 };
    this.#isChanged = true;
  }

  write(): void {
    if (!this.#isChanged) return;
    this.#tx.put(DAY, this.#day, DayTotals.encode(this.#totals));
    this.#tx.put(LAST_ENTRY, NOTHING, u64.encode(this.#last));
  }
}

const SUM_OF = {
  sale: 'sales',
  authorisation: 'authorisations',
  refund: 'refunds',
  capture: 'captures',
  void: 'voids',
} as const;

function writeOutcome(
  { request, digest, open, outcome }: FinishedPurchase,
  at: bigint,
  tx: StoreTransaction,
  entries: DayBook,
): PaidRecord | undefined {
  tx.remove(OPEN, request);
  if (outcome.kind === 'refused') {
    if (outcome.inDoubt) tx.put(REFUSED, request, RefusedRecord.encode({ code: outcome.code, open }));
    return undefined;
  }
  if (outcome.kind === 'rejected') {
    const { rejection } = outcome;
    tx.put(PURCHASE, request, FinalRecord.encode({ kind: 'rejected', digest, rejection }));
    entries.rejected();
    return undefined;
  }
  const { terms, till, createdAt } = open;
  const { receipt } = outcome;
  const { amount } = terms;
  const { timestamp } = receipt.document;
  const isReserved = terms.kind === 'authorisation';
  const record = {
    kind: 'paid' as const,
    digest,
    terms,
    till,
    createdAt,
    finishedAt: at,
    receipt,
    state: isReserved ? ('reserved' as const) : ('paid' as const),
    captured: 0n,
    refunded: 0n,
  };
  tx.put(PURCHASE, request, FinalRecord.encode(record));
  const kind = isReserved ? 'authorisation' : 'sale';
  entries.add({ kind, purchase: request, request, amount, timestamp, at, till });
  return record;
}

function changeOf(
  { refunded }: PaidRecord,
  { document: { action, amount } }: SignedShopOrder,
): Partial<PaidRecord> {
  switch (action) {
    case 'refund':
      return { refunded: refunded + amount };
    case 'capture':
      return { state: 'captured', captured: amount };
    case 'void':
      return { state: 'voided' };
  }
}

function readDay(reads: StoreReads, day: bigint): DayTotals {
  const value = reads.get(DAY, day);
  return value === undefined ? NO_TOTALS : DayTotals.decode(value);
}

function* pages(
  store: RoleStore,
  table: string,
): Generator<{ readonly key: Uint8Array; readonly value: Uint8Array }> {
  for (let from: Uint8Array | undefined; ; ) {
    const page = store.range(table, { ...(from !== undefined && { from }), limit: RANGE_MAX });
    yield* page;
    if (page.length < RANGE_MAX) return;
    from = keyOf(page.at(-1)!.key, Uint8Array.of(0));
  }
}
