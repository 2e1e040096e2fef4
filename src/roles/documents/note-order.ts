// What moves money between accounts at cash and notes, which are nobody's account: issuing takes from an account, receiving
// gives to one. The `notes` account of a currency holds what is out.
//
//     shop ── fund ──▶ exchange ── issue ──▶ notes ── receive ──▶ exchange, device
//     shop ◀─ withdraw ─ exchange              ▲
//     shop ── issue (source: sales) ───────────╯
//
// A shop that deals in notes (a gateway, a counter that sells them) has a second account, `exchange`, of which no payout takes
// anything: what backs local notes lies there.
import { type Infer, oneOf, struct, text, u32, u64, u128 } from '../../shared/codec.ts';
import { REJECTION_REASON_BYTES_MAX } from './receipts.ts';
import { digest, documentKind, keyId } from './signed.ts';

/** `issue`: wide notes of that amount are made for it. `fund`: from what was sold to the exchange account. `withdraw`: back. */
export const NoteAction = oneOf('issue', 'fund', 'withdraw');
export type NoteAction = Infer<typeof NoteAction>;

/** Which account of the shop an issue is taken from; of `fund` and `withdraw` always `exchange`. */
export const NoteSource = oneOf('exchange', 'sales');
export type NoteSource = Infer<typeof NoteSource>;

/** Signed by the shop: the issuer forwards it and can neither make nor change one. */
const NoteOrderCodec = struct({
  /** Names it, for ever; the ledger's transfer has it as its id. */
  request: u128,
  shop: u128,
  action: NoteAction,
  source: NoteSource,
  /** Minor units, at least 1. */
  amount: u128,
  currency: u32,
  /** Of an issue: what the notes are made of (IssueTerms, or the digest of a quote's id); zeroes otherwise. */
  reference: digest,
  /** Nanoseconds: from then on nothing is done. */
  applyBy: u64,
});
export type NoteOrder = Infer<typeof NoteOrderCodec>;
export const NoteOrder = documentKind('noteOrder', NoteOrderCodec);
export type SignedNoteOrder = Infer<typeof NoteOrder.signed>;

/** Cash's word that the money has moved, durably. The same for the same request, for ever. */
const NoteReceiptCodec = struct({
  /** Of cash's signing key. */
  keyId,
  request: u128,
  action: oneOf('issue', 'fund', 'withdraw', 'receive'),
  amount: u128,
  currency: u32,
  /** Of the order; of what was received: that of the taking. */
  reference: digest,
  /** Of the ledger's transfer, nanoseconds. */
  timestamp: u64,
});
export type NoteReceipt = Infer<typeof NoteReceiptCodec>;
export const NoteReceipt = documentKind('noteReceipt', NoteReceiptCodec);
export type SignedNoteReceipt = Infer<typeof NoteReceipt.signed>;

/** That request has moved nothing, and never will. */
const NoteRejectionCodec = struct({
  /** Of cash's signing key. */
  keyId,
  request: u128,
  /** SHA-256 of the order without its signature; of a receiving, its reference. */
  orderDigest: digest,
  /**
   * The ledger's status (`exceeds_credits` …) or `expired`, `shop_closed`, `request_taken` (another transfer has that id); of a
   * receiving also `payment_seal_invalid`, `device_unknown`, `shop_unknown`, `currency_mismatch`, `currency_not_offered`.
   */
  reason: text(REJECTION_REASON_BYTES_MAX),
  /** Nanoseconds. */
  rejectedAt: u64,
});
export type NoteRejection = Infer<typeof NoteRejectionCodec>;
export const NoteRejection = documentKind('noteRejection', NoteRejectionCodec);
export type SignedNoteRejection = Infer<typeof NoteRejection.signed>;
