// Which purses there are, and whose. Tables of the role's store:
//
//     purses           purse ▶ device, keys, currency, until when; closed when
//     device-purses    device, end of the allowance, purse ▶ nothing
//     purse-keys       signing key or channel key ▶ purse
//     purse-usage      device ▶ purses opened on this day
//     purse-frauds     purse ▶ what it has signed that cannot be honest, for ever
//
// Nobody but management and cash can tell whose purse one is. Numbers come from the same space as devices' (registry.ts).
import { keyIdOf } from '../../identity/key-set.ts';
import { systemCrypto } from '../../identity/system-crypto.ts';
import { U128_MAX } from '../../shared/bytes.ts';
import { type Infer, optional, struct, text, u32, u64, u128 } from '../../shared/codec.ts';
import { idOfKey, keyOf } from '../../store/key.ts';
import { RANGE_MAX, type RoleStore, type StoreReads } from '../../store/store.ts';
import { FraudProof } from '../documents/fraud-proof.ts';
import { orderKeyId } from '../documents/payment-order.ts';
import { publicKey } from '../documents/signed.ts';
import type { Put } from '../flow/flow.ts';
import { find } from './registry.ts';

const PURSES = 'purses';
const DEVICE_PURSES = 'device-purses';
const PURSE_KEYS = 'purse-keys';
const USAGE = 'purse-usage';
const FRAUDS = 'purse-frauds';
const NOTHING = new Uint8Array(0);
const ID_BYTES = 16;
const DAY_NS = 86_400_000_000_000n;

export const FRAUD_KIND_BYTES_MAX = 32;

const PurseRecord = struct({
  device: u128,
  /** Of its opening. */
  request: u128,
  signingKey: publicKey,
  channelKey: publicKey,
  currency: u32,
  openedAt: u64,
  /** Of its allowance. */
  expiresAt: u64,
  reportBy: u64,
  closed: optional(struct({ at: u64, released: u128 })),
});
export type PurseRecord = Infer<typeof PurseRecord>;

const FraudRecord = struct({
  device: u128,
  kind: text(FRAUD_KIND_BYTES_MAX),
  provenAt: u64,
  proof: FraudProof,
});
export type FraudRecord = Infer<typeof FraudRecord>;

const KeyRecord = struct({ purse: u128 });
const UsageRecord = struct({ day: u64, opened: u32 });

export const findPurse = (reads: StoreReads, purse: bigint): PurseRecord | undefined =>
  find(reads, PURSES, purse, PurseRecord);

/** Of the purses that were named in transfers lately, about 400 bytes each. Beyond: the oldest is read again. */
const PURSES_REMEMBERED_MAX = 65_536;

export interface KnownPurse extends PurseRecord {
  /** Of its signing key, as orders name it. */
  readonly keyId: bigint;
}

/** As findPurse, outside of transactions: each is read and decoded once until it is written. */
export function rememberedPurses(store: RoleStore): (purse: bigint) => KnownPurse | undefined {
  const known = (stored: Uint8Array): KnownPurse => {
    const record = PurseRecord.decode(stored);
    return { ...record, keyId: orderKeyId(keyIdOf(record.signingKey, systemCrypto.sha256)) };
  };
  return store.remember(PURSES, known, PURSES_REMEMBERED_MAX);
}

/** The purse that has, or is getting, this key. */
export const findPurseKey = (reads: StoreReads, key: Uint8Array): bigint | undefined =>
  find(reads, PURSE_KEYS, key, KeyRecord)?.purse;

export const findFraud = (reads: StoreReads, purse: bigint): FraudRecord | undefined =>
  find(reads, FRAUDS, purse, FraudRecord);

/** Those of a device whose allowance ends after that time, the one that ends first coming first; 0n: all. */
export function pursesOf(reads: StoreReads, device: bigint, after = 0n): bigint[] {
  const from = keyOf(device, after + 1n);
  const to = keyOf(device, U128_MAX);
  return reads
    .range(DEVICE_PURSES, { from, to, limit: RANGE_MAX })
    .map(({ key }) => idOfKey(key, 2 * ID_BYTES));
}

/** How many purses the device has opened on the day of now. */
export function pursesToday(reads: StoreReads, device: bigint, now: bigint): number {
  const usage = find(reads, USAGE, device, UsageRecord);
  return usage?.day === now / DAY_NS ? usage.opened : 0;
}

export function putPurseOpened(reads: StoreReads, device: bigint, now: bigint): Put {
  const opened = pursesToday(reads, device, now) + 1;
  return { table: USAGE, key: device, value: UsageRecord.encode({ day: now / DAY_NS, opened }) };
}

export const putPurse = (purse: bigint, record: PurseRecord): Put[] => [
  { table: PURSES, key: purse, value: PurseRecord.encode(record) },
  { table: DEVICE_PURSES, key: keyOf(record.device, record.expiresAt, purse), value: NOTHING },
];

/** Both keys of a purse; `purse` undefined: they are free again. */
export function putPurseKeys(
  { signingKey, channelKey }: Pick<PurseRecord, 'signingKey' | 'channelKey'>,
  purse: bigint | undefined,
): Put[] {
  const value = purse === undefined ? undefined : KeyRecord.encode({ purse });
  return [signingKey, channelKey].map((key) => ({ table: PURSE_KEYS, key, value }));
}

export const putFraud = (purse: bigint, record: FraudRecord): Put => ({
  table: FRAUDS,
  key: purse,
  value: FraudRecord.encode(record),
});
