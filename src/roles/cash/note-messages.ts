// What the issuer and the receiver ask cash about notes. messages.ts has the numbers.
import { type Infer, nothing, struct, text, u32, u64, u128, union } from '../../shared/codec.ts';
import { NoteOrder, NoteReceipt, NoteRejection } from '../documents/note-order.ts';
import { NotePayee } from '../documents/note-payee.ts';
import { REJECTION_REASON_BYTES_MAX } from '../documents/receipts.ts';
import { digest } from '../documents/signed.ts';

/** By the issuer. Asked again with the same order, it is the same transfer. */
export const NoteOrderRequest = struct({ order: NoteOrder.signed });
export type NoteOrderRequest = Infer<typeof NoteOrderRequest>;

/**
 * By the receiver, of notes that it has taken in and will not give back unless this is rejected. Asked again with the same
 * message, it is the same transfer: all of it counts, the payee's seal too.
 */
export const ReceiveNotesRequest = struct({
  /** Names it, for ever; the ledger's transfer has it as its id. */
  request: u128,
  payee: NotePayee,
  /** Minor units, at least 1. */
  amount: u128,
  currency: u32,
  /** Names the notes: TakingTerms of the receiver. */
  reference: digest,
  /** Nanoseconds: from then on nothing is done. */
  applyBy: u64,
});
export type ReceiveNotesRequest = Infer<typeof ReceiveNotesRequest>;

/**
 * By the receiver, before it asks for a receiving that somebody unnamed wants: rejections are kept for ever, this is not. It
 * is no promise: what is payable now may be rejected later, and the other way round.
 */
export const CheckPayeeRequest = struct({ payee: NotePayee, currency: u32 });
export type CheckPayeeRequest = Infer<typeof CheckPayeeRequest>;
export const CheckPayeeAnswer = union({
  payable: nothing,
  /** As a rejection has it, or `payee_key_unknown`. */
  not_payable: struct({ reason: text(REJECTION_REASON_BYTES_MAX) }),
});
export type CheckPayeeAnswer = Infer<typeof CheckPayeeAnswer>;

/** Of note orders and receivings. */
export const NotesBookedAnswer = union({
  done: struct({ receipt: NoteReceipt.signed }),
  /**
   * For good: the ledger or a rule is against it, or it has come too late. After a refusal it may still be done, at the latest
   * until `applyBy`: from then on it is rejected, unless it was done before.
   */
  rejected: struct({ rejection: NoteRejection.signed }),
});
export type NotesBookedAnswer = Infer<typeof NotesBookedAnswer>;
