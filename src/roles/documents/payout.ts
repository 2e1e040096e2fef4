// Payouts: what cash says is owed to a shop and has left its balance, and what settlement says became of it. Management
// carries both and can make neither.
//
//     cash ──PayoutOrder──▶ management ──▶ settlement ──pain.001──▶ institution
//     cash ◀─────────────── management ◀──PayoutReceipt── settlement ◀── pain.002, camt.053, camt.054
import { type Infer, oneOf, struct, text, u32, u64, u128 } from '../../shared/codec.ts';
import { digest, documentKind, keyId, publicKey } from './signed.ts';

/** Booked from the shop's balance to clearing; settlement instructs the institution only against one. */
const PayoutOrderCodec = struct({
  /** Of cash's signing key. */
  keyId,
  /** Names the payout, in every role and at the institution (EndToEndId), for ever; the ledger's transfer to clearing. */
  payout: u128,
  window: u128,
  shop: u128,
  /** The shop's, as cash knows it: the sealed account number must name the same. */
  signingKey: publicKey,
  /** Net of fees. Minor units, at least 1. */
  amount: u128,
  currency: u32,
  /** Of the ledger's transfer, nanoseconds. */
  timestamp: u64,
});
export type PayoutOrder = Infer<typeof PayoutOrderCodec>;
export const PayoutOrder = documentKind('payoutOrder', PayoutOrderCodec);
export type SignedPayoutOrder = Infer<typeof PayoutOrder.signed>;

/** Bytes of an institution's reason (an ISO 20022 code and a text) or reference, at most. */
export const PAYOUT_DETAIL_BYTES_MAX = 140;

/**
 * `booked`: a statement of the institution (camt.053, camt.054) shows the debit. `rejected`: never executed (pain.002).
 * `returned`: executed, and the money came back (camt.053, camt.054); it follows `booked`.
 */
export const PayoutOutcome = oneOf('booked', 'rejected', 'returned');
export type PayoutOutcome = Infer<typeof PayoutOutcome>;

const PayoutReceiptCodec = struct({
  /** Of settlement's signing key. */
  keyId,
  payout: u128,
  /** SHA-256 of the payout order (without its signature). */
  orderDigest: digest,
  amount: u128,
  currency: u32,
  outcome: PayoutOutcome,
  /** The reason of a rejection or a return; otherwise empty. */
  reason: text(PAYOUT_DETAIL_BYTES_MAX),
  /** What the institution calls it: the statement's entry, or the status report. */
  institutionReference: text(PAYOUT_DETAIL_BYTES_MAX),
  /** Nanoseconds: of the booking at the institution, or of the report. */
  at: u64,
});
export type PayoutReceipt = Infer<typeof PayoutReceiptCodec>;
export const PayoutReceipt = documentKind('payoutReceipt', PayoutReceiptCodec);
export type SignedPayoutReceipt = Infer<typeof PayoutReceipt.signed>;
