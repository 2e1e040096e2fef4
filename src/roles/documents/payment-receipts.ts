// What cash says of a purchase, and of what a shop does about one later. None names the device: shops read them.
import { type Infer, oneOf, remembered, struct, text, u32, u64, u128 } from '../../shared/codec.ts';
import { REJECTION_REASON_BYTES_MAX } from './receipts.ts';
import { digest, documentKind, keyId } from './signed.ts';

/** The money has moved, or is reserved. The wallet subtracts, and the shop hands over, only against one. */
const PaymentReceiptCodec = struct({
  /** Of cash's signing key. */
  keyId,
  request: u128,
  /** Authorisation: reserved. */
  kind: oneOf('paid', 'reserved'),
  /** SHA-256 of what the device has signed. */
  orderDigest: digest,
  shop: u128,
  /** Minor units. */
  amount: u128,
  currency: u32,
  /** Of the purchase's terms. */
  reference: digest,
  /** Of the ledger's transfer, nanoseconds. */
  timestamp: u64,
});
export type PaymentReceipt = Infer<typeof PaymentReceiptCodec>;
/** Remembered: management and shop verify each, write it down and pass it on. */
export const PaymentReceipt = documentKind('paymentReceipt', remembered(PaymentReceiptCodec));
export type SignedPaymentReceipt = Infer<typeof PaymentReceipt.signed>;

/** This order has moved nothing, and never will. What it was for stands here as in a receipt: the shop never sees the order. */
const PaymentRejectionCodec = struct({
  /** Of cash's signing key. */
  keyId,
  request: u128,
  /** SHA-256 of what the device has signed. */
  orderDigest: digest,
  shop: u128,
  /** Minor units. */
  amount: u128,
  currency: u32,
  /** Of the purchase's terms. */
  reference: digest,
  /** The ledger's status: `exceeds_credits`, `order_expired` … */
  reason: text(REJECTION_REASON_BYTES_MAX),
  /** Of the ledger, nanoseconds. */
  rejectedAt: u64,
});
export type PaymentRejection = Infer<typeof PaymentRejectionCodec>;
export const PaymentRejection = documentKind('paymentRejection', PaymentRejectionCodec);
export type SignedPaymentRejection = Infer<typeof PaymentRejection.signed>;

/** `refund`: gives back of what was paid. `capture`: takes of what is reserved. `void`: releases what is reserved. */
export const ShopAction = oneOf('refund', 'capture', 'void');
export type ShopAction = Infer<typeof ShopAction>;

/** Signed by the shop: management forwards it and can neither make nor change one. */
const ShopOrderCodec = struct({
  /** Names it, for ever. */
  request: u128,
  shop: u128,
  action: ShopAction,
  /** The purchase's request. */
  purchase: u128,
  /** Minor units; 0 in a void. */
  amount: u128,
  currency: u32,
  /** Nanoseconds: from then on nothing is done. */
  applyBy: u64,
});
export type ShopOrder = Infer<typeof ShopOrderCodec>;
export const ShopOrder = documentKind('shopOrder', ShopOrderCodec);
export type SignedShopOrder = Infer<typeof ShopOrder.signed>;

const ShopOrderReceiptCodec = struct({
  /** Of cash's signing key. */
  keyId,
  request: u128,
  action: ShopAction,
  purchase: u128,
  /** Given back, taken or released. Minor units. */
  amount: u128,
  currency: u32,
  /** Of the ledger's transfer, nanoseconds. */
  timestamp: u64,
});
export type ShopOrderReceipt = Infer<typeof ShopOrderReceiptCodec>;
export const ShopOrderReceipt = documentKind('shopOrderReceipt', ShopOrderReceiptCodec);
export type SignedShopOrderReceipt = Infer<typeof ShopOrderReceipt.signed>;

/** This order has moved nothing, and never will. */
const ShopOrderRejectionCodec = struct({
  /** Of cash's signing key. */
  keyId,
  request: u128,
  /** SHA-256 of the shop order (without its signature). */
  orderDigest: digest,
  reason: text(REJECTION_REASON_BYTES_MAX),
  /** Nanoseconds. */
  rejectedAt: u64,
});
export type ShopOrderRejection = Infer<typeof ShopOrderRejectionCodec>;
export const ShopOrderRejection = documentKind('shopOrderRejection', ShopOrderRejectionCodec);
export type SignedShopOrderRejection = Infer<typeof ShopOrderRejection.signed>;
