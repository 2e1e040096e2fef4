// What a shop remembers of purchases and of its own orders. No record has a field for who has bought: the two parts that
// say so are sealed, and are thrown away with the outcome.

import {
  PaymentReceipt,
  PaymentRejection,
  ShopOrder,
  ShopOrderReceipt,
  ShopOrderRejection,
} from '../roles/documents/payment-receipts.ts';
import { PurchaseTerms } from '../roles/documents/purchase.ts';
import { OFFER_CODE_BYTES_MAX } from '../roles/documents/shop-card.ts';
import { digest } from '../roles/documents/signed.ts';
import { PayRequest } from '../roles/management/messages.ts';
import {
  bool,
  bytesUpTo,
  type Infer,
  list,
  nothing,
  oneOf,
  optional,
  struct,
  text,
  u32,
  u64,
  u128,
  union,
} from '../shared/codec.ts';
import { TILL_BYTES_MAX } from './limits.ts';

const till = text(TILL_BYTES_MAX);

/** A purchase whose outcome is not known. */
const OpenRecord = struct({
  terms: PurchaseTerms,
  /** The very bytes that go to management, each time. */
  message: bytesUpTo(PayRequest.bytesMax),
  /** Of the offer; an empty one: self service. */
  till,
  offer: optional(text(OFFER_CODE_BYTES_MAX)),
  createdAt: u64,
});
export type OpenRecord = Infer<typeof OpenRecord>;

/** Management has refused it after something was asked that has no answer: a receipt that comes later still counts. */
const RefusedRecord = struct({ code: text(64), open: OpenRecord });
export type RefusedRecord = Infer<typeof RefusedRecord>;

export const SaleState = oneOf('paid', 'reserved', 'captured', 'voided');
export type SaleState = Infer<typeof SaleState>;

/** A purchase that is paid, or reserved. */
const PaidRecord = struct({
  /** SHA-256 of the message: what is asked again with other bytes is another purchase. */
  digest,
  terms: PurchaseTerms,
  till,
  createdAt: u64,
  finishedAt: u64,
  receipt: PaymentReceipt.signed,
  state: SaleState,
  /** Of an authorisation: what was taken of it. Minor units. */
  captured: u128,
  /** Given back. Minor units. */
  refunded: u128,
});
export type PaidRecord = Infer<typeof PaidRecord>;

/** A purchase that cash has rejected: of the terms nothing is needed any more. */
const RejectedRecord = struct({ digest, rejection: PaymentRejection.signed });

/** What is known of a purchase, from its coming on: one record, each state in the place of the one before. */
export const PurchaseRecord = union({
  paid: PaidRecord,
  rejected: RejectedRecord,
  open: OpenRecord,
  refused: RefusedRecord,
});
export type PurchaseRecord = Infer<typeof PurchaseRecord>;
export type FinalRecord = Extract<PurchaseRecord, { readonly kind: 'paid' | 'rejected' }>;

/** Of a refund, a capture or a void. */
export const OrderState = union({
  open: nothing,
  done: struct({ receipt: ShopOrderReceipt.signed }),
  rejected: struct({ rejection: ShopOrderRejection.signed }),
  /** `inDoubt`: something was asked before that has no answer; what it moves stays out of reach of other orders. */
  refused: struct({ code: text(64), inDoubt: bool }),
});
export type OrderState = Infer<typeof OrderState>;

export const OrderRecord = struct({
  order: ShopOrder.signed,
  till,
  createdAt: u64,
  updatedAt: u64,
  state: OrderState,
});
export type OrderRecord = Infer<typeof OrderRecord>;

/** The shop's day book, by number: each thing that has happened once, in the order in which it was learnt. */
export const Entry = struct({
  kind: oneOf('sale', 'authorisation', 'refund', 'capture', 'void'),
  purchase: u128,
  /** The shop's order; of a sale and an authorisation the purchase. */
  request: u128,
  amount: u128,
  /** Nanoseconds: of the ledger's transfer, and of the shop's clock. */
  timestamp: u64,
  at: u64,
  till,
});
export type Entry = Infer<typeof Entry>;
/** Of one transaction: more than a frame of management's answers has. */
export const Entries = list(Entry, 4_096);

const Sum = struct({ count: u32, amount: u128 });

/** Of one UTC day, by the shop's clock. */
export const DayTotals = struct({
  sales: Sum,
  authorisations: Sum,
  captures: Sum,
  voids: Sum,
  refunds: Sum,
  /** Purchases that cash has rejected. */
  rejected: u32,
});
export type DayTotals = Infer<typeof DayTotals>;

const NONE = { count: 0, amount: 0n };
export const NO_TOTALS: DayTotals = {
  sales: NONE,
  authorisations: NONE,
  captures: NONE,
  voids: NONE,
  refunds: NONE,
  rejected: 0,
};
