// A purchase: what is bought, and the two parts of it that the shop forwards and cannot read.
//
//     wallet ──▶ shop          terms, {number}management, {payment order}cash
//     shop ──▶ management      request, proceeds, reference, {number}management, {payment order}cash
//     management ──▶ cash      device, shop, request, proceeds, reference, {payment order}cash
//
// `reference` is the digest of the terms. Their salt is known to wallet and shop alone, so that nobody else can find the
// articles by trying. Both seals have the purchase and the shop as their `aad`: neither opens for another purchase or at
// another shop. What is inside says the rest again, so that whoever opens one can name what was changed.
import {
  bytes,
  type Infer,
  list,
  oneOf,
  remembered,
  struct,
  text,
  u32,
  u64,
  u128,
} from '../../shared/codec.ts';
import { tagged } from './domain-tags.ts';
import { digest, KEY_BYTES, keyId } from './signed.ts';

export const ARTICLE_BYTES_MAX = 32;
export const ARTICLES_MAX = 64;
export const SALT_BYTES = 32;

export const ArticleLine = struct({
  /** The shop's name of it: a key of its catalogue. */
  article: text(ARTICLE_BYTES_MAX),
  /** At least 1. */
  quantity: u32,
  /** Of one, minor units. */
  price: u128,
});
export type ArticleLine = Infer<typeof ArticleLine>;

/** `sale`: paid at once. `authorisation`: reserved, until the shop captures or voids it, or it runs out. */
export const PurchaseKind = oneOf('sale', 'authorisation');
export type PurchaseKind = Infer<typeof PurchaseKind>;

/** A reservation runs out after a year at the latest, whatever a shop asks for: until then nobody but the shop can release it. */
export const AUTHORISATION_SECONDS_MAX = 366 * 86_400;

const Terms = struct({
  /** Names the purchase, in every role, for ever. Drawn by the wallet, for this purchase alone. */
  request: u128,
  shop: u128,
  kind: PurchaseKind,
  /** Of an authorisation, seconds from when cash reserves it; 0 in a sale. */
  timeoutSeconds: u32,
  /** The sum of the lines; of an authorisation, what is reserved. Minor units. */
  amount: u128,
  currency: u32,
  /** Nanoseconds: from then on nothing is paid. */
  expiresAt: u64,
  salt: bytes(SALT_BYTES),
  articles: list(ArticleLine, ARTICLES_MAX),
});
/** Remembered: a shop takes their digest, writes them down when they come, and again with their outcome. */
export const PurchaseTerms = remembered(Terms);
export type PurchaseTerms = Infer<typeof PurchaseTerms>;

/** What the reference is the SHA-256 of. */
export function referenceMessage(terms: PurchaseTerms): Uint8Array {
  return tagged('purchase', PurchaseTerms.encode(terms));
}

/** 32 bytes. Stands in the payment order and in the receipt. @param sha256 the caller's: a wallet in a browser has its own */
export function purchaseReference(
  terms: PurchaseTerms,
  sha256: (message: Uint8Array) => Uint8Array,
): Uint8Array {
  return sha256(referenceMessage(terms));
}

/** The `aad` of both seals. */
export const PurchaseBinding = struct({ request: u128, shop: u128 });
export type PurchaseBinding = Infer<typeof PurchaseBinding>;

/** What only management reads: whose purchase it is. Always of one length. */
export const NumberContent = struct({
  device: u128,
  amount: u128,
  currency: u32,
  expiresAt: u64,
  reference: digest,
  kind: PurchaseKind,
});
export type NumberContent = Infer<typeof NumberContent>;

const AEAD_TAG_BYTES = 16;

export const SealedNumber = struct({
  /** Of management's sealing key. */
  keyId,
  /** HPKE's `enc`. */
  encapsulatedKey: bytes(KEY_BYTES),
  ciphertext: bytes(NumberContent.bytesMax + AEAD_TAG_BYTES),
});
export type SealedNumber = Infer<typeof SealedNumber>;

/** Bytes of a payment order: PaymentOrder of the ledger's layout, signed. */
export const PAYMENT_ORDER_BYTES = 256;

/** What only cash reads: the signed payment order, whose payer's number is no business of the shop. */
export const SealedPayment = struct({
  /** Of cash's sealing key. */
  keyId,
  encapsulatedKey: bytes(KEY_BYTES),
  ciphertext: bytes(PAYMENT_ORDER_BYTES + AEAD_TAG_BYTES),
});
export type SealedPayment = Infer<typeof SealedPayment>;

/** HPKE's `info`. @param keyId of management's sealing key */
export const numberSealInfo = (keyId: Uint8Array): Uint8Array<ArrayBuffer> => tagged('numberSeal', keyId);
/** HPKE's `info`. @param keyId of cash's sealing key */
export const paymentSealInfo = (keyId: Uint8Array): Uint8Array<ArrayBuffer> => tagged('paymentSeal', keyId);
