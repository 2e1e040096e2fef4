// What a shop asks management for when it enrols, signed by the key that it wants certified. An operator approves it.
import { type Infer, struct, text, u64, u128 } from '../../shared/codec.ts';
import { SealedAccount } from './account-seal.ts';
import { documentKind, publicKey } from './signed.ts';

/** Bytes of what customers and operators see of a shop. */
export const SHOP_NAME_BYTES_MAX = 70;

const ShopEnrolmentCodec = struct({
  /** Names the enrolment; the sealed account number is bound to it. */
  request: u128,
  /** Ed25519: signs refunds, captures, voids. */
  signingKey: publicKey,
  /** X25519: the shop's end of its channels, towards management and towards wallets. */
  channelKey: publicKey,
  name: text(SHOP_NAME_BYTES_MAX),
  /** Where payouts go (an IBAN or other account number); purpose `payout`. The seal names the shop's signing key. */
  account: SealedAccount,
  /** Nanoseconds: from then on the shop is not taken in any more. */
  applyBy: u64,
});
export type ShopEnrolment = Infer<typeof ShopEnrolmentCodec>;
export const ShopEnrolment = documentKind('shopEnrolment', ShopEnrolmentCodec);
export type SignedShopEnrolment = Infer<typeof ShopEnrolment.signed>;
