// Settlement windows as cash keeps them. Tables:
//
//     payout-windows     window ▶ currency, number, from, cutoff, terms, how far its shops are booked
//     payout-heads       currency ▶ its newest window
//     payout-positions   window, shop ▶ position, as booked; nothing for a shop that had nothing
//     payouts            payout ▶ window, shop, what became of it
//     payout-returns     shop, payout ▶ transfer: what goes back to the shop, until a window has counted it
//
// Ids of transfers are derived from window, shop and kind, so that what is booked again after a crash is there already.
import { sha256 } from '../../crypto/index.ts';
import { bool, type Codec, type Infer, oneOf, optional, struct, u32, u64, u128 } from '../../shared/codec.ts';
import { idOfKey, keyOf } from '../../store/key.ts';
import type { StoreReads, StoreTransaction } from '../../store/store.ts';
import { derivedId } from './derived-ids.ts';

const WINDOWS = 'payout-windows';
const HEADS = 'payout-heads';
const POSITIONS = 'payout-positions';
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
  if (after !== undefined && after >= to) return [];
  const from = keyOf(window, after === undefined ? 0n : after + 1n);
  const bounds = { from, to: keyOf(window, to + 1n), limit };
  return reads
    .range(POSITIONS, bounds)
    .map(({ key, value }) => ({ shop: idOfKey(key, ID_BYTES), ...PositionRecord.decode(value) }));
}

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

/** A shop has a payout a window, and few come back. Beyond: the rest is counted by the next window that looks. */
const RETURNS_MAX = 1024;

export function listReturns(reads: StoreReads, shop: bigint): Return[] {
  const bounds = { from: keyOf(shop, 0n), to: keyOf(shop + 1n, 0n), limit: RETURNS_MAX };
  return reads
    .range(RETURNS, bounds)
    .map(({ key, value }) => ({ payout: idOfKey(key, ID_BYTES), ...ReturnRecord.decode(value) }));
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
