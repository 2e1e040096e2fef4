// Which shops there are. Tables of the role's store:
//
//     shops               shop ▶ keys, name, sealed account for payouts, approved when, closed when, newest certificate
//     shop-signing-keys   signing key ▶ shop
//     shop-channel-keys   channel key ▶ shop
//     counters            'shops' ▶ how many wait for an operator, how many were approved, how many applied in this hour
//
// Anyone may apply, so what waits is bounded, and what was never approved leaves nothing here. A shop that was approved
// stays for ever, as its account at cash does. Numbers come from the same space as devices' (registry.ts).
import { U128_MAX } from '../../shared/bytes.ts';
import { bool, type Infer, optional, struct, text, u64, u128 } from '../../shared/codec.ts';
import { idOfKey } from '../../store/key.ts';
import type { RoleStore, StoreReads } from '../../store/store.ts';
import { SealedAccount } from '../documents/account-seal.ts';
import { SHOP_NAME_BYTES_MAX, type SignedShopEnrolment } from '../documents/shop-enrolment.ts';
import { publicKey, signature } from '../documents/signed.ts';
import type { Put } from '../flow/flow.ts';
import { Certificate, find } from './registry.ts';

export const SHOP_REASON_BYTES_MAX = 128;

const SHOPS = 'shops';
const SIGNING_KEYS = 'shop-signing-keys';
const CHANNEL_KEYS = 'shop-channel-keys';
const COUNTERS = 'counters';
const SHOPS_COUNTER = new TextEncoder().encode('shops');
const HOUR_NS = 3_600_000_000_000n;

const ShopRecord = struct({
  /** Of its enrolment; the sealed account is bound to it. */
  request: u128,
  signingKey: publicKey,
  channelKey: publicKey,
  name: text(SHOP_NAME_BYTES_MAX),
  /** Where payouts go; purpose `payout`. */
  account: SealedAccount,
  enrolledAt: u64,
  /** Until then an operator may approve it. */
  applyBy: u64,
  /** The shop's, over its enrolment: shows settlement whose word the account is. */
  signature,
  approvedAt: optional(u64),
  /** `enforced`: cash pays nothing to it any more either. */
  closed: optional(struct({ at: u64, reason: text(SHOP_REASON_BYTES_MAX), enforced: bool })),
  /** From when its accounts at cash are open: the newest certificate; the serial of the first is 1. */
  certified: optional(struct({ serial: u64, certificate: Certificate, notAfter: u64 })),
});
export type ShopRecord = Infer<typeof ShopRecord>;

const KeyRecord = struct({ shop: u128 });
const ShopCounts = struct({ awaiting: u64, approved: u64, hour: u64, applications: u64 });
export interface ShopCounts {
  readonly awaiting: bigint;
  readonly approved: bigint;
  /** In the hour of now. */
  readonly applications: bigint;
}

export type ShopState = 'awaiting_approval' | 'opening' | 'open' | 'closed';

export function stateOfShop({ approvedAt, closed, certified }: ShopRecord): ShopState {
  if (closed !== undefined) return 'closed';
  if (certified !== undefined) return 'open';
  return approvedAt === undefined ? 'awaiting_approval' : 'opening';
}

export const findShop = (reads: StoreReads, shop: bigint): ShopRecord | undefined =>
  find(reads, SHOPS, shop, ShopRecord);

/** Of the shops that have asked lately, some KB each. Beyond: the oldest is read again. */
const SHOPS_REMEMBERED_MAX = 4_096;

/** As findShop, for who asks all the time. */
export const rememberedShops = (store: RoleStore): ((shop: bigint) => ShopRecord | undefined) =>
  store.remember(SHOPS, ShopRecord.decode, SHOPS_REMEMBERED_MAX);

/** As the shop has signed it. */
export function enrolmentOf(record: ShopRecord): SignedShopEnrolment {
  const { request, signingKey, channelKey, name, account, applyBy, signature } = record;
  return { document: { request, signingKey, channelKey, name, account, applyBy }, signature };
}

/** The shop that has, or is getting, this key. */
export const findShopSigningKey = (reads: StoreReads, key: Uint8Array): bigint | undefined =>
  find(reads, SIGNING_KEYS, key, KeyRecord)?.shop;
export const findShopChannelKey = (reads: StoreReads, key: Uint8Array): bigint | undefined =>
  find(reads, CHANNEL_KEYS, key, KeyRecord)?.shop;

/** In the order of their numbers, after that one. */
export function listShops(
  reads: StoreReads,
  after: bigint | undefined,
  limit: number,
): { readonly shop: bigint; readonly record: ShopRecord }[] {
  if (after === U128_MAX) return [];
  const bounds = after === undefined ? { limit } : { from: after + 1n, limit };
  return reads
    .range(SHOPS, bounds)
    .map(({ key, value }) => ({ shop: idOfKey(key), record: ShopRecord.decode(value) }));
}

export function countShops(reads: StoreReads, now: bigint): ShopCounts {
  const stored = find(reads, COUNTERS, SHOPS_COUNTER, ShopCounts);
  const applications = stored?.hour === now / HOUR_NS ? stored.applications : 0n;
  return { awaiting: stored?.awaiting ?? 0n, approved: stored?.approved ?? 0n, applications };
}

/** @param change to be added to what stands */
export function putShopCounts(reads: StoreReads, now: bigint, change: Partial<ShopCounts>): Put {
  const { awaiting, approved, applications } = countShops(reads, now);
  const after = {
    awaiting: awaiting + (change.awaiting ?? 0n),
    approved: approved + (change.approved ?? 0n),
    hour: now / HOUR_NS,
    applications: applications + (change.applications ?? 0n),
  };
  return { table: COUNTERS, key: SHOPS_COUNTER, value: ShopCounts.encode(after) };
}

export const putShop = (shop: bigint, record: ShopRecord): Put => ({
  table: SHOPS,
  key: shop,
  value: ShopRecord.encode(record),
});

/** Both keys of a shop that has applied. */
export function putShopKeys(
  shop: bigint,
  { signingKey, channelKey }: Pick<ShopRecord, 'signingKey' | 'channelKey'>,
): Put[] {
  const value = KeyRecord.encode({ shop });
  return [
    { table: SIGNING_KEYS, key: signingKey, value },
    { table: CHANNEL_KEYS, key: channelKey, value },
  ];
}

/** All that stands of a shop that was never approved. */
export function removeShop(
  shop: bigint,
  { signingKey, channelKey }: Pick<ShopRecord, 'signingKey' | 'channelKey'>,
): Put[] {
  return [
    { table: SHOPS, key: shop, value: undefined },
    { table: SIGNING_KEYS, key: signingKey, value: undefined },
    { table: CHANNEL_KEYS, key: channelKey, value: undefined },
  ];
}
