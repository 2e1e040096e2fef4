// What the issuer needs of others: cash, its keys, the receiver. Tests bring scripted ones.
import type { CashRefusal } from '../cash/errors.ts';
import type { NoteOrderRequest, NotesBookedAnswer } from '../cash/note-messages.ts';
import type { CallResult } from '../common/role-client.ts';

/** Asked again with the same order, cash does it once. A promise never rejects: no answer is `unknown`. */
export interface IssuerCash {
  noteOrder(request: NoteOrderRequest): Promise<CallResult<NotesBookedAnswer, CashRefusal>>;
}

/** Asked anew each time, so that a rotation needs no restart. */
export interface IssuerKeys {
  /** Ed25519: cash's signing key of that id, as long as its signatures count. */
  cash(keyId: Uint8Array, now: bigint): Uint8Array | undefined;
}

/** Gets request ids, states, reasons; never what notes are made of. An operator has to look at errors. */
export interface IssuerLog {
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
