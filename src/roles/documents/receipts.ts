// Receipts: what settlement and cash have done, signed, so that nobody has to believe the one in between.
import { type Infer, struct, text, u32, u64, u128 } from '../../shared/codec.ts';
import { digest, documentKind, keyId } from './signed.ts';

/** Bytes of the name that an institution gives a charge. */
export const INSTITUTION_REFERENCE_BYTES_MAX = 64;

/** Settlement has charged the account. Cash credits only against one. */
const ChargeReceiptCodec = struct({
  /** Of settlement's signing key. */
  keyId,
  request: u128,
  /** SHA-256 of the load order (without its signature). */
  orderDigest: digest,
  /** Minor units. */
  amount: u128,
  currency: u32,
  /** The institution's name for the charge. */
  institutionReference: text(INSTITUTION_REFERENCE_BYTES_MAX),
  /** Nanoseconds. */
  chargedAt: u64,
});
export type ChargeReceipt = Infer<typeof ChargeReceiptCodec>;
export const ChargeReceipt = documentKind('chargeReceipt', ChargeReceiptCodec);
export type SignedChargeReceipt = Infer<typeof ChargeReceipt.signed>;

/** Cash has added the amount to the device's balance. The wallet adds only against one. */
const CreditReceiptCodec = struct({
  /** Of cash's signing key. */
  keyId,
  request: u128,
  device: u128,
  /** Minor units. */
  amount: u128,
  currency: u32,
  /** Of the ledger's transfer, nanoseconds. */
  timestamp: u64,
});
export type CreditReceipt = Infer<typeof CreditReceiptCodec>;
export const CreditReceipt = documentKind('creditReceipt', CreditReceiptCodec);
export type SignedCreditReceipt = Infer<typeof CreditReceipt.signed>;

/** Bytes of the reason for a rejection, at most. */
export const REJECTION_REASON_BYTES_MAX = 64;

/**
 * Cash has not credited this order, to whatever device, and never will: its request id is used up. Settlement gives back what
 * it has charged only against one.
 */
const CreditRejectionCodec = struct({
  /** Of cash's signing key. */
  keyId,
  request: u128,
  /** That cash was asked to credit. */
  device: u128,
  /** Minor units. */
  amount: u128,
  currency: u32,
  /** SHA-256 of the load order (without its signature). */
  orderDigest: digest,
  reason: text(REJECTION_REASON_BYTES_MAX),
  /** When the ledger rejected it first, or the time of the transfer that has its request id, nanoseconds. */
  rejectedAt: u64,
});
export type CreditRejection = Infer<typeof CreditRejectionCodec>;
export const CreditRejection = documentKind('creditRejection', CreditRejectionCodec);
export type SignedCreditRejection = Infer<typeof CreditRejection.signed>;
