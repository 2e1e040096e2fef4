// Money from device to device (claims 6 and 7). The payer signs a payment order of the ledger's own shape, from purse to
// purse; it is settled when either side reports it.
//
//     payment order   id, payer's purse ─▶ payee's purse, amount, sequence number, reference, reportBy … signed by the purse
//       user_data_128 = total: the sum of the purse's payments up to this one, it included
//     reference       digest of what both sides have agreed on, the payee's nonce in it: good for this payee, once
//     payer's number  {device number}management: bound to this order, so that it stands beside no other
//
// Totals make spending too much as plain as spending twice: two orders of one purse that cannot both be honest prove it
// (fraud-proof.ts), and whoever is paid sees by one order how much was spent before.
import { PaymentOrderLayout, type PaymentOrder as Record } from '../../layout/generated.ts';
import { readU128 } from '../../shared/bytes.ts';
import { bytes, type Infer, list, struct, text, u32, u64, u128, union } from '../../shared/codec.ts';
import { tagged } from './domain-tags.ts';
import { encodePaymentOrder, orderKeyId } from './payment-order.ts';
import { PaymentReceipt } from './payment-receipts.ts';
import { PAYMENT_ORDER_BYTES } from './purchase.ts';
import { Allowance } from './purse.ts';
import { DIGEST_BYTES, digest, documentKind, KEY_BYTES, keyId } from './signed.ts';

/** `code` of the ledger's transfer from purse to purse (docs/chart-of-accounts.md). */
export const HANDOVER_CODE = 52;

export const NONCE_BYTES = 32;
export const MEMO_BYTES_MAX = 64;

const TransferTermsCodec = struct({
  /** Names the transfer, in every role, for ever. Drawn by the payer. */
  request: u128,
  payer: u128,
  payee: u128,
  /** Minor units, at least 1. */
  amount: u128,
  currency: u32,
  /** Drawn by the payee for this payment alone. */
  nonce: bytes(NONCE_BYTES),
  memo: text(MEMO_BYTES_MAX),
});
export type TransferTerms = Infer<typeof TransferTermsCodec>;

/** 32 bytes: stands in the payment order. */
export function transferReference(
  terms: TransferTerms,
  sha256: (message: Uint8Array) => Uint8Array,
): Uint8Array {
  return sha256(tagged('transfer', TransferTermsCodec.encode(terms)));
}

/** What a purse's payment order says. */
export interface HandoverContent {
  readonly request: bigint;
  readonly payer: bigint;
  readonly payee: bigint;
  readonly amount: bigint;
  readonly currency: number;
  /** 1 to PURSE_PAYMENTS_MAX. */
  readonly sequence: bigint;
  /** The sum of the purse's payments up to this one, it included. */
  readonly total: bigint;
  readonly reference: Uint8Array;
  /** The allowance's `reportBy`. */
  readonly reportBy: bigint;
  /** Of the purse's signing key. */
  readonly keyId: Uint8Array;
}

/** The fields of the order as they are signed; the signature is still zero. @throws RangeError for what does not fit */
export function encodeHandover(content: HandoverContent): Uint8Array<ArrayBuffer> {
  const order = encodePaymentOrder({
    id: content.request,
    debitAccountId: content.payer,
    creditAccountId: content.payee,
    amount: content.amount,
    userData128: content.total,
    ledger: content.currency,
    code: HANDOVER_CODE,
    sequence: content.sequence,
    expiresAt: content.reportBy,
    keyId: orderKeyId(content.keyId),
  } satisfies Partial<Record>);
  order.set(content.reference, PaymentOrderLayout.reference);
  return order;
}

/** What fraud proofs and funding compare, read in place. */
export interface Handover {
  readonly request: bigint;
  readonly payer: bigint;
  readonly payee: bigint;
  readonly amount: bigint;
  readonly currency: number;
  readonly sequence: bigint;
  readonly total: bigint;
  readonly reportBy: bigint;
  readonly keyId: bigint;
  readonly reference: Uint8Array;
}

/**
 * Reads an order that may come from anywhere.
 * @returns undefined unless it is one from purse to purse: its code, and zero in what such orders do not use
 * @throws RangeError unless there are 256 bytes
 */
export function readHandover(order: Uint8Array): Handover | undefined {
  if (order.length !== PAYMENT_ORDER_BYTES) {
    throw new RangeError(`payment order: expected ${PAYMENT_ORDER_BYTES} bytes, got ${order.length}`);
  }
  const view = new DataView(order.buffer, order.byteOffset, order.byteLength);
  const at = PaymentOrderLayout;
  const isHandover =
    view.getUint16(at.code, true) === HANDOVER_CODE &&
    view.getUint16(at.flags, true) === 0 &&
    readU128(view, at.pendingId) === 0n &&
    view.getBigUint64(at.userData64, true) === 0n &&
    view.getUint32(at.userData32, true) === 0 &&
    view.getUint32(at.timeout, true) === 0 &&
    view.getBigUint64(at.timestamp, true) === 0n &&
    view.getUint32(at.verdict, true) === 0 &&
    view.getUint32(at.reserved0, true) === 0;
  if (!isHandover) return undefined;
  return {
    request: readU128(view, at.id),
    payer: readU128(view, at.debitAccountId),
    payee: readU128(view, at.creditAccountId),
    amount: readU128(view, at.amount),
    currency: view.getUint32(at.ledger, true),
    sequence: view.getBigUint64(at.sequence, true),
    total: readU128(view, at.userData128),
    reportBy: view.getBigUint64(at.expiresAt, true),
    keyId: view.getBigUint64(at.keyId, true),
    reference: order.subarray(at.reference, at.reference + DIGEST_BYTES),
  };
}

/** The `aad` of the payer's number. */
export const TransferBinding = struct({ request: u128, payee: u128 });
export type TransferBinding = Infer<typeof TransferBinding>;

/** What only management reads. Always of one length. */
export const PayerContent = struct({
  device: u128,
  purse: u128,
  /** SHA-256 of what was signed of the order. */
  orderDigest: digest,
});
export type PayerContent = Infer<typeof PayerContent>;

const AEAD_TAG_BYTES = 16;

/** `{device number}management` (claim 7). */
export const SealedPayer = struct({
  /** Of management's sealing key. */
  keyId,
  /** HPKE's `enc`. */
  encapsulatedKey: bytes(KEY_BYTES),
  ciphertext: bytes(PayerContent.bytesMax + AEAD_TAG_BYTES),
});
export type SealedPayer = Infer<typeof SealedPayer>;

/** HPKE's `info`. @param keyId of management's sealing key */
export const payerSealInfo = (keyId: Uint8Array): Uint8Array<ArrayBuffer> => tagged('payerSeal', keyId);

/** What is reported: all that management and cash need to settle a transfer. */
export const ReportedTransfer = struct({ order: bytes(PAYMENT_ORDER_BYTES), payer: SealedPayer });
export type ReportedTransfer = Infer<typeof ReportedTransfer>;

/** Transfers that a payment may lean on, at most. */
export const FUNDING_MAX = 32;

/**
 * Where a purse has more from than its allowance: what it received and has not been settled yet, with the payer's allowance,
 * or cash's receipt of what has. In an order in which each is covered by the ones before it: money that goes round in a
 * circle is covered by nothing.
 */
export const Funding = list(
  union({
    transfer: struct({ transfer: ReportedTransfer, allowance: Allowance.signed }),
    /** `shop` names the purse that was paid. */
    settled: struct({ receipt: PaymentReceipt.signed }),
  }),
  FUNDING_MAX,
);
export type Funding = Infer<typeof Funding>;

const TransferReceiptCodec = struct({
  request: u128,
  /** SHA-256 of what the payer's purse has signed. */
  orderDigest: digest,
  payer: u128,
  payee: u128,
  /** Minor units. */
  amount: u128,
  currency: u32,
  nonce: bytes(NONCE_BYTES),
  /** Nanoseconds, of the payee's clock. */
  receivedAt: u64,
});
export type TransferReceipt = Infer<typeof TransferReceiptCodec>;
/** Signed by the payee's purse: the amount was added. The payer subtracts against it. */
export const TransferReceipt = documentKind('transferReceipt', TransferReceiptCodec);
export type SignedTransferReceipt = Infer<typeof TransferReceipt.signed>;
