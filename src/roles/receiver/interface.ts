// What the receiver needs of others: cash, its keys, the issuer. Tests bring scripted ones.
import type { CashRefusal } from '../cash/errors.ts';
import type {
  CheckPayeeAnswer,
  CheckPayeeRequest,
  NotesBookedAnswer,
  ReceiveNotesRequest,
} from '../cash/note-messages.ts';
import type { CallResult } from '../common/role-client.ts';

/** Asked again with the same request, cash does it once. A promise never rejects: no answer is `unknown`. */
export interface ReceiverCash {
  receiveNotes(request: ReceiveNotesRequest): Promise<CallResult<NotesBookedAnswer, CashRefusal>>;
  /** Nothing is kept of it. */
  checkPayee(request: CheckPayeeRequest): Promise<CallResult<CheckPayeeAnswer, CashRefusal>>;
}

export interface KeyPair {
  readonly publicKey: Uint8Array;
  readonly secretKey: Uint8Array;
}

/** The receiver's own keys, and those of cash. Asked anew each time, so that a rotation needs no restart. */
export interface ReceiverKeys {
  /** Ed25519: what acknowledgements are signed with at `now`, nanoseconds. */
  signing(now: bigint): KeyPair;
  /** X25519: what opens seals to that key id, in use or retired; undefined: no key of the receiver's, or one beyond its time. */
  sealing(keyId: Uint8Array, now: bigint): KeyPair | undefined;
  /** Whether signatures of that signing key of the receiver's count. */
  signatureCounts(keyId: Uint8Array, now: bigint): boolean;
  /** Ed25519: cash's signing key of that id, as long as its signatures count. */
  cash(keyId: Uint8Array, now: bigint): Uint8Array | undefined;
}

/** Gets request ids, states, reasons; never notes. An operator has to look at errors. */
export interface ReceiverLog {
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
