// What the issuer and the receiver ask cash about notes. messages.ts has the numbers.
import { type Infer, struct, u32, u64, u128, union } from '../../shared/codec.ts';
import { NoteOrder, NoteReceipt, NoteRejection } from '../documents/note-order.ts';
import { NotePayee } from '../documents/note-payee.ts';
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

/** Of both. */
export const NotesBookedAnswer = union({
  done: struct({ receipt: NoteReceipt.signed }),
  /**
   * For good: the ledger or a rule is against it, or it has come too late. After a refusal it may still be done, at the latest
   * until `applyBy`: from then on it is rejected, unless it was done before.
   */
  rejected: struct({ rejection: NoteRejection.signed }),
});
export type NotesBookedAnswer = Infer<typeof NotesBookedAnswer>;
