// Purses as cash keeps them. Tables:
//
//     purses           purse ▶ whose it is, its terms, what became of it
//     purse-openings   opening's request ▶ purse
//     device-purses    device, epoch ▶ purse: in the order in which they were opened
//     open-purses      device, currency ▶ purse: the one that is open
//     purse-orders     purse, number in the order of arrival ▶ payment order, what became of it
//     purse-frauds     purse ▶ the first proof against it
//     purse-ends       reportBy, purse ▶ nothing: those that have not ended yet
//     purse-leftovers  purse ▶ nothing: closed or ended, with money that its device could not take yet
//     purse-retries    purse ▶ nothing: was credited, and what waits for that is still to be looked at
//     purse-plan       number ▶ what is being booked (purse-bookings.ts)
//
// One queue writes them (purse-desk.ts), so whoever is in it reads what it will find when it writes.
import {
  bool,
  bytes,
  type Codec,
  type Infer,
  nothing,
  oneOf,
  optional,
  struct,
  text,
  u32,
  u64,
  u128,
  union,
} from '../../shared/codec.ts';
import { idOfKey, keyOf } from '../../store/key.ts';
import type { StoreReads } from '../../store/store.ts';
import { FraudProof } from '../documents/fraud-proof.ts';
import { PAYMENT_ORDER_BYTES } from '../documents/purchase.ts';
import { PurseClosing } from '../documents/purse.ts';
import { REJECTION_REASON_BYTES_MAX } from '../documents/receipts.ts';
import { digest, publicKey } from '../documents/signed.ts';
import type { Put } from '../flow/flow.ts';

const PurseRecordCodec = struct({
  device: u128,
  currency: u32,
  /** Of the purse's orders and its closing. */
  signingKey: publicKey,
  /** Of the opening's request, purse and document: the same request may come again, another may not. */
  openingDigest: digest,
  openingRequest: u128,
  /** What it was opened with. Minor units. */
  amount: u128,
  /** How many purses the device had then, this one counted; 0: not open yet. */
  epoch: u32,
  openedAt: u64,
  expiresAt: u64,
  reportBy: u64,
  coverMax: u128,
  /** `opening`: the ledger has not answered yet. `ended`: past `reportBy`. */
  state: oneOf('opening', 'rejected', 'open', 'closed', 'ended'),
  /** Why it was rejected. */
  reason: text(REJECTION_REASON_BYTES_MAX),
  isCheated: bool,
  /** By the operator for its orders; and what of it came back. */
  covered: u128,
  recovered: u128,
  closing: optional(PurseClosing.signed),
  /** What went back to the device when it was closed or ended, and when. */
  released: u128,
  releasedAt: u64,
  /** Transfers out of it that cash has made by itself so far: numbers the next one. */
  moves: u32,
  /** Payment orders that are kept of it; and how many of them are waiting or disputed. */
  orders: u32,
  unsettled: u32,
});
export type PurseRecord = Infer<typeof PurseRecordCodec>;

const PurseOrderCodec = struct({
  order: bytes(PAYMENT_ORDER_BYTES),
  /** It cannot be honest beside what had come before it. */
  contradicts: bool,
  outcome: union({
    waiting: nothing,
    /** It stands in the plan. */
    booking: struct({ from: oneOf('purse', 'loss') }),
    settled: struct({ from: oneOf('purse', 'loss'), timestamp: u64 }),
    disputed: struct({ reason: text(REJECTION_REASON_BYTES_MAX) }),
  }),
});
export type PurseOrder = Infer<typeof PurseOrderCodec>;

const FraudRecord = struct({ proof: FraudProof, kind: text(32), provenAt: u64 });
export type FraudRecord = Infer<typeof FraudRecord>;

const NOTHING = new Uint8Array(0);

const find = <Value>(reads: StoreReads, table: string, key: bigint | Uint8Array, codec: Codec<Value>) => {
  const stored = reads.get(table, key);
  return stored === undefined ? undefined : codec.decode(stored);
};

// ---- Purses

/** @throws StoreError store_corrupt */
export const findPurse = (reads: StoreReads, purse: bigint): PurseRecord | undefined =>
  find(reads, 'purses', purse, PurseRecordCodec);

/** One that the ledger has an account for. */
export function findOpened(reads: StoreReads, purse: bigint): PurseRecord | undefined {
  const record = findPurse(reads, purse);
  return record === undefined || record.state === 'opening' || record.state === 'rejected'
    ? undefined
    : record;
}

export const putPurse = (purse: bigint, record: PurseRecord): Put => ({
  table: 'purses',
  key: purse,
  value: PurseRecordCodec.encode(record),
});

export const findOpening = (reads: StoreReads, request: bigint): bigint | undefined =>
  find(reads, 'purse-openings', request, u128);

export const putOpening = (request: bigint, purse: bigint): Put => ({
  table: 'purse-openings',
  key: request,
  value: u128.encode(purse),
});

// ---- Purses of a device

/** The newest ones, oldest first. */
export function pursesOf(reads: StoreReads, device: bigint, limit: number): bigint[] {
  const count = purseCount(reads, device);
  const first = Math.max(1, count - limit + 1);
  const bounds = { from: keyOf(device, BigInt(first)), to: keyOf(device, 1n << 64n), limit };
  return reads.range('device-purses', bounds).map(({ value }) => u128.decode(value));
}

/** How many purses the device has had. */
export function purseCount(reads: StoreReads, device: bigint): number {
  return find(reads, 'device-purses', keyOf(device, 0n), u32) ?? 0;
}

export const putPurseOf = (device: bigint, epoch: number, purse: bigint): Put[] => [
  { table: 'device-purses', key: keyOf(device, BigInt(epoch)), value: u128.encode(purse) },
  { table: 'device-purses', key: keyOf(device, 0n), value: u32.encode(epoch) },
];

const slot = (device: bigint, currency: number): Uint8Array => keyOf(device, BigInt(currency));

/** The purse that is open, or being opened. */
export const findOpen = (reads: StoreReads, device: bigint, currency: number): bigint | undefined =>
  find(reads, 'open-purses', slot(device, currency), u128);

export const putOpen = (device: bigint, currency: number, purse: bigint | undefined): Put => ({
  table: 'open-purses',
  key: slot(device, currency),
  value: purse === undefined ? undefined : u128.encode(purse),
});

// ---- Orders

/** Orders that are kept of a purse: those of an honest one four times over. Beyond: disputed, and not kept. */
export const PURSE_ORDERS_MAX = 256;

export const ordersOf = (reads: StoreReads, purse: bigint): PurseOrder[] =>
  reads
    .range('purse-orders', { from: keyOf(purse, 0n), to: keyOf(purse, 1n << 64n), limit: PURSE_ORDERS_MAX })
    .map(({ value }) => PurseOrderCodec.decode(value));

export const putOrder = (purse: bigint, index: number, order: PurseOrder): Put => ({
  table: 'purse-orders',
  key: keyOf(purse, BigInt(index)),
  value: PurseOrderCodec.encode(order),
});

// ---- Frauds

export const findFraud = (reads: StoreReads, purse: bigint): FraudRecord | undefined =>
  find(reads, 'purse-frauds', purse, FraudRecord);

export const putFraud = (purse: bigint, fraud: FraudRecord): Put => ({
  table: 'purse-frauds',
  key: purse,
  value: FraudRecord.encode(fraud),
});

// ---- Ends

export interface End {
  readonly reportBy: bigint;
  readonly purse: bigint;
}

/** Those that end next, at most so many. */
export const nextEnds = (reads: StoreReads, limit: number): End[] =>
  reads
    .range('purse-ends', { limit })
    .map(({ key }) => ({ reportBy: idOfKey(key), purse: idOfKey(key, 16) }));

/** Whether it is still to end. */
export const putEnd = ({ reportBy, purse }: End, isDue: boolean): Put => ({
  table: 'purse-ends',
  key: keyOf(reportBy, purse),
  value: isDue ? NOTHING : undefined,
});

// ---- Work that is left

/** Of purse-leftovers or purse-retries. */
export const listed = (
  reads: StoreReads,
  table: 'purse-leftovers' | 'purse-retries',
  after: bigint,
  limit: number,
): bigint[] => reads.range(table, { from: after + 1n, limit }).map(({ key }) => idOfKey(key));

export const putListed = (
  table: 'purse-leftovers' | 'purse-retries',
  purse: bigint,
  isListed: boolean,
): Put => ({ table, key: purse, value: isListed ? NOTHING : undefined });
