// What a shop remembers, by table:
//
//     purchase    request ─▶ PurchaseRecord  open before anything is forwarded; then its outcome in the same place
//     taken       batch ─▶ requests          those that are open (taken.ts)
//     order       request ─▶ OrderRecord     refunds, captures, voids
//     open-order  request ─▶ nothing         of them, those without an outcome
//     entry, last-entry, day                 the day book (day-book.ts)
//
// All that one batch changes is one transaction: an outcome, its entry and the day's sums stand or fall together. A purchase
// is one record from its coming to its end, so it is looked up once and written twice; with a table for those that are open,
// one for those refused in doubt and a record for each entry it was looked up twice and written four times.
import type {
  SignedPaymentReceipt,
  SignedPaymentRejection,
  SignedShopOrder,
} from '../roles/documents/payment-receipts.ts';
import { idOfKey, keyOf } from '../store/key.ts';
import { RANGE_MAX, type RoleStore, type StoreTransaction } from '../store/store.ts';
import { DayBook, entriesAfter, type NumberedEntry, totalsOf } from './day-book.ts';
import {
  type DayTotals,
  type FinalRecord,
  type OpenRecord,
  OrderRecord,
  type PaidRecord,
  PurchaseRecord,
} from './records.ts';
import { TAKEN, Taken } from './taken.ts';

const PURCHASE = 'purchase';
const ORDER = 'order';
const OPEN_ORDER = 'open-order';
const NOTHING = new Uint8Array(0);

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

export class Book {
  readonly #store: RoleStore;
  readonly #taken: Taken;

  /** @throws StoreError store_corrupt */
  constructor(store: RoleStore) {
    this.#store = store;
    this.#taken = new Taken(pages(store, TAKEN), (request) => this.purchase(request)?.kind === 'open');
  }

  get failure(): Error | undefined {
    return this.#store.failure;
  }

  // ---- Purchases

  *openPurchases(): Generator<readonly [bigint, OpenRecord]> {
    for (const request of this.#taken.requests()) {
      const record = this.purchase(request);
      if (record?.kind === 'open') yield [request, record];
    }
  }

  /** @throws StoreError store_corrupt */
  purchase(request: bigint): PurchaseRecord | undefined {
    const value = this.#store.get(PURCHASE, request);
    return value && PurchaseRecord.decode(value);
  }

  /** @throws StoreError store_corrupt */
  final(request: bigint): FinalRecord | undefined {
    return finalOf(this.purchase(request));
  }

  /** All that there ever were, for an audit. */
  *purchases(): Generator<readonly [bigint, PurchaseRecord]> {
    for (const { key, value } of pages(this.#store, PURCHASE)) {
      yield [idOfKey(key), PurchaseRecord.decode(value)];
    }
  }

  /** @throws StoreError */
  takeIn(purchases: readonly { readonly request: bigint; readonly record: OpenRecord }[]): Promise<void> {
    let undo = (): void => {};
    const stored = this.#store.transaction((tx) => {
      for (const { request, record } of purchases) {
        tx.put(PURCHASE, request, PurchaseRecord.encode({ kind: 'open', ...record }));
      }
      undo = this.#taken.takeIn(
        tx,
        purchases.map(({ request }) => request),
      );
    });
    return orUndone(stored, () => undo());
  }

  /** @returns what was paid, each at its place in the list. @throws StoreError */
  finish(finished: readonly FinishedPurchase[], at: bigint): Promise<(PaidRecord | undefined)[]> {
    let undo = (): void => {};
    const stored = this.#write(at, (tx, entries) => {
      const paid = finished.map((one) => writeOutcome(one, at, tx, entries));
      undo = this.#taken.finish(
        tx,
        finished.map(({ request }) => request),
      );
      return paid;
    });
    return orUndone(stored, () => undo());
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
      const final = finalOf(value && PurchaseRecord.decode(value));
      if (final?.kind !== 'paid' || state.kind !== 'done') return undefined;
      const { timestamp } = state.receipt.document;
      const changed = { ...final, ...changeOf(final, order) };
      tx.put(PURCHASE, purchase, PurchaseRecord.encode(changed));
      entries.add({ kind: action, purchase, request, amount, timestamp, at, till });
      return changed;
    });
  }

  // ---- The day book

  entries({ after, limit }: { readonly after: bigint; readonly limit: number }): NumberedEntry[] {
    return entriesAfter(this.#store, after, limit);
  }

  /** Of a UTC day. @param at any time of it */
  totals(at: bigint): DayTotals {
    return totalsOf(this.#store, at);
  }

  #write<T>(at: bigint, run: (tx: StoreTransaction, entries: DayBook) => T): Promise<T> {
    return this.#store.transaction((tx) => {
      const entries = new DayBook(tx, at);
      const result = run(tx, entries);
      entries.write();
      return result;
    });
  }
}

function finalOf(record: PurchaseRecord | undefined): FinalRecord | undefined {
  return record?.kind === 'paid' || record?.kind === 'rejected' ? record : undefined;
}

async function orUndone<T>(stored: Promise<T>, undo: () => void): Promise<T> {
  try {
    return await stored;
  } catch (error) {
    undo();
    throw error;
  }
}

function writeOutcome(
  { request, digest, open, outcome }: FinishedPurchase,
  at: bigint,
  tx: StoreTransaction,
  entries: DayBook,
): PaidRecord | undefined {
  const put = (record: PurchaseRecord): void => tx.put(PURCHASE, request, PurchaseRecord.encode(record));
  if (outcome.kind === 'refused') {
    if (outcome.inDoubt) put({ kind: 'refused', code: outcome.code, open });
    else tx.remove(PURCHASE, request);
    return undefined;
  }
  if (outcome.kind === 'rejected') {
    put({ kind: 'rejected', digest, rejection: outcome.rejection });
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
  put(record);
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
