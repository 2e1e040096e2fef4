// Settlement windows as cash keeps them. Tables:
//
//     payout-windows     window ▶ currency, number, from, cutoff, terms, how far its shops are booked
//     payout-heads       currency ▶ its newest window
//     payout-positions   window, shop ▶ position, as booked; nothing for a shop that had nothing
//     payout-left-out    window, shop ▶ why nothing was booked of it, and from where its next window counts
//     payouts            payout ▶ window, shop, what became of it
//     payout-returns     shop, payout ▶ transfer: what goes back to the shop, until a window has counted it
//
// Ids of transfers are derived from window, shop and kind, so that what is booked again after a crash is there already.
import { sha256 } from '../../crypto/index.ts';
import { U128_MAX } from '../../shared/bytes.ts';
import {
  bool,
  type Codec,
  type Infer,
  oneOf,
  optional,
  struct,
  text,
  u32,
  u64,
  u128,
} from '../../shared/codec.ts';
import { idOfKey, keyOf } from '../../store/key.ts';
import type { StoredRecord, StoreReads, StoreTransaction } from '../../store/store.ts';
import { derivedId } from './derived-ids.ts';
import { PROBLEM_BYTES_MAX } from './payout-messages.ts';

const WINDOWS = 'payout-windows';
const HEADS = 'payout-heads';
const POSITIONS = 'payout-positions';
const LEFT_OUT = 'payout-left-out';
const PAYOUTS = 'payouts';
const RETURNS = 'payout-returns';

const WindowRecord = struct({
  currency: u32,
  number: u64,
  /** The cutoff of the window before; 0 for the first. */
  from: u64,
  cutoff: u64,
  /** The currency's window before. */
  before: optional(u128),
  /** As they were when it was closed. */
  terms: struct({ feeBasisPoints: u32, feePerPayout: u128, amountMin: u128 }),
  /** The last shop whose bookings are in the ledger. */
  bookedTo: optional(u128),
  isBooked: bool,
});
export type WindowRecord = Infer<typeof WindowRecord>;

const PositionRecord = struct({
  carriedIn: u128,
  feeCarriedIn: u128,
  sales: u128,
  refunds: u128,
  returned: u128,
  fee: u128,
  payout: u128,
  carriedOut: u128,
  feeCarriedOut: u128,
  /** Of the payout's transfer; 0: there is none. */
  timestamp: u64,
});
export type PositionRecord = Infer<typeof PositionRecord>;

export const KnownOutcome = oneOf('booked', 'rejected', 'returned');
const PayoutRecord = struct({
  window: u128,
  shop: u128,
  amount: u128,
  currency: u32,
  /** The shop's. */
  account: u128,
  outcome: optional(KnownOutcome),
});
export type PayoutRecord = Infer<typeof PayoutRecord>;

const ReturnRecord = struct({ currency: u32, transfer: u128 });

const find = <Value>(reads: StoreReads, table: string, key: bigint | Uint8Array, codec: Codec<Value>) => {
  const stored = reads.get(table, key);
  return stored === undefined ? undefined : codec.decode(stored);
};

export const findWindow = (reads: StoreReads, window: bigint): WindowRecord | undefined =>
  find(reads, WINDOWS, window, WindowRecord);

export const putWindow = (tx: StoreTransaction, window: bigint, record: WindowRecord): void =>
  tx.put(WINDOWS, window, WindowRecord.encode(record));

/** The currency's newest window. */
export const findHead = (reads: StoreReads, currency: number): bigint | undefined =>
  find(reads, HEADS, BigInt(currency), u128);

export const putHead = (tx: StoreTransaction, currency: number, window: bigint): void =>
  tx.put(HEADS, BigInt(currency), u128.encode(window));

export const findPosition = (reads: StoreReads, window: bigint, shop: bigint): PositionRecord | undefined =>
  find(reads, POSITIONS, keyOf(window, shop), PositionRecord);

export const putPosition = (
  tx: StoreTransaction,
  window: bigint,
  shop: bigint,
  record: PositionRecord,
): void => tx.put(POSITIONS, keyOf(window, shop), PositionRecord.encode(record));

export interface ShopPosition extends PositionRecord {
  readonly shop: bigint;
}

const ID_BYTES = 16;

/** After one shop, up to another and including it. */
export function listPositions(
  reads: StoreReads,
  window: bigint,
  after: bigint | undefined,
  to: bigint,
  limit: number,
): ShopPosition[] {
  return rangeOfShops(reads, POSITIONS, window, after, to, limit).map(({ key, value }) => ({
    shop: idOfKey(key, ID_BYTES),
    ...PositionRecord.decode(value),
  }));
}

function rangeOfShops(
  reads: StoreReads,
  table: string,
  window: bigint,
  after: bigint | undefined,
  to: bigint,
  limit: number,
): StoredRecord[] {
  if (after !== undefined && after >= to) return [];
  const from = keyOf(window, after === undefined ? 0n : after + 1n);
  return reads.range(table, { from, to: keyOf(window, to + 1n), limit });
}

const LeftOutRecord = struct({
  /** The cutoff of the shop's last window that is booked; 0: there is none. */
  from: u64,
  /** That window. */
  before: optional(u128),
  problem: text(PROBLEM_BYTES_MAX),
});
export type LeftOutRecord = Infer<typeof LeftOutRecord>;

export const findLeftOut = (reads: StoreReads, window: bigint, shop: bigint): LeftOutRecord | undefined =>
  find(reads, LEFT_OUT, keyOf(window, shop), LeftOutRecord);

export const putLeftOut = (tx: StoreTransaction, window: bigint, shop: bigint, record: LeftOutRecord): void =>
  tx.put(LEFT_OUT, keyOf(window, shop), LeftOutRecord.encode(record));

export interface LeftOut extends LeftOutRecord {
  readonly shop: bigint;
}

export const listLeftOut = (
  reads: StoreReads,
  window: bigint,
  after: bigint | undefined,
  limit: number,
): LeftOut[] =>
  rangeOfShops(reads, LEFT_OUT, window, after, U128_MAX - 1n, limit).map(({ key, value }) => ({
    shop: idOfKey(key, ID_BYTES),
    ...LeftOutRecord.decode(value),
  }));

/** Of the newest windows of these currencies, up to a bound: an operator has to look at them. */
export function countLeftOut(reads: StoreReads, currencies: Iterable<number>): number {
  let count = 0;
  for (const currency of currencies) {
    const head = findHead(reads, currency);
    const record = head === undefined ? undefined : findWindow(reads, head)!;
    if (record === undefined) continue;
    // Until it is booked, those of the one before may still be left out.
    const windows = record.isBooked || record.before === undefined ? [head!] : [head!, record.before];
    for (const window of windows) count += listLeftOut(reads, window, undefined, LEFT_OUT_COUNTED_MAX).length;
  }
  return count;
}

const LEFT_OUT_COUNTED_MAX = 100;

export const findPayout = (reads: StoreReads, payout: bigint): PayoutRecord | undefined =>
  find(reads, PAYOUTS, payout, PayoutRecord);

export const putPayout = (tx: StoreTransaction, payout: bigint, record: PayoutRecord): void =>
  tx.put(PAYOUTS, payout, PayoutRecord.encode(record));

export interface Return {
  readonly payout: bigint;
  readonly currency: number;
  readonly transfer: bigint;
}

/** Written before the transfer is made, so that none is missed. */
export const putReturn = (tx: StoreTransaction, shop: bigint, { payout, ...record }: Return): void =>
  tx.put(RETURNS, keyOf(shop, payout), ReturnRecord.encode(record));

export const removeReturn = (tx: StoreTransaction, shop: bigint, payout: bigint): void =>
  tx.remove(RETURNS, keyOf(shop, payout));

/** Read at a time. A shop has a payout a window, and few come back. */
const RETURNS_PAGE = 1024;

/** All of them: what were left out would be taken for sales. A shop's number is never the last one there is. */
export function listReturns(reads: StoreReads, shop: bigint): Return[] {
  const returns: Return[] = [];
  const to = keyOf(shop + 1n, 0n);
  for (let from = keyOf(shop, 0n); ; from = keyOf(shop, returns.at(-1)!.payout + 1n)) {
    const page = reads.range(RETURNS, { from, to, limit: RETURNS_PAGE });
    for (const { key, value } of page)
      returns.push({ payout: idOfKey(key, ID_BYTES), ...ReturnRecord.decode(value) });
    if (page.length < RETURNS_PAGE || returns.at(-1)!.payout === U128_MAX) return returns;
  }
}

const Name = struct({
  of: u128,
  shop: u128,
  kind: oneOf('payout', 'fee', 'settled', 'rejected', 'reversed', 'returned'),
});
const TAG = new TextEncoder().encode('specie payout id v1\0');

/** The transfer of a window's shop. */
export const payoutId = (window: bigint, shop: bigint): bigint =>
  derived({ of: window, shop, kind: 'payout' });
export const feeId = (window: bigint, shop: bigint): bigint => derived({ of: window, shop, kind: 'fee' });
/** The transfer of what became of a payout. */
export const outcomeId = (payout: bigint, kind: 'settled' | 'rejected' | 'reversed' | 'returned'): bigint =>
  derived({ of: payout, shop: 0n, kind });

function derived(name: Infer<typeof Name>): bigint {
  return derivedId(sha256(Buffer.concat([TAG, Name.encode(name)])));
}
