// What a gateway needs of the world around it.
import type { PublicKeyset } from '../notes/keyset.ts';
import type { CallResult } from '../roles/common/role-client.ts';
import type { IssuerRefusal } from '../roles/issuer/errors.ts';
import type {
  IssueNotesAnswer,
  IssueNotesRequest,
  MoveFundsAnswer,
  MoveFundsRequest,
} from '../roles/issuer/messages.ts';
import type { ReceiverRefusal } from '../roles/receiver/errors.ts';
import type { TakeNotesAnswer, TakeNotesRequest } from '../roles/receiver/messages.ts';

/** What pino's loggers have. Exchanges, amounts, states; never keys, nor anything sealed. */
export interface GatewayLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface SealingKey {
  /** X25519. */
  readonly publicKey: Uint8Array;
  readonly secretKey: Uint8Array;
}

/** The shop as which the gateway is enrolled, and those whose word counts. Each is asked for when it is needed. */
export interface GatewayIdentity {
  /** Its account at cash backs the local notes. */
  readonly shop: bigint;
  /** Ed25519, with the shop's signing key. */
  sign(message: Uint8Array): Uint8Array;
  /** The public key that signs, or has signed, as that role; undefined: the directory knows none. */
  verificationKey(role: 'cash' | 'receiver', keyId: Uint8Array): Uint8Array | undefined;
  /** Whom notes for the receiver are sealed to. */
  receiverSealingKey(): Uint8Array;
  /** A key came that the directory does not know; perhaps a newer one does. */
  missed(): void;
}

// Either may be asked again with the same request. A promise never rejects: no answer is `unknown`.

export interface IssuerClient {
  issueNotes(request: IssueNotesRequest): Promise<CallResult<IssueNotesAnswer, IssuerRefusal>>;
  moveFunds(request: MoveFundsRequest): Promise<CallResult<MoveFundsAnswer, IssuerRefusal>>;
}

export interface ReceiverClient {
  takeNotes(request: TakeNotesRequest): Promise<CallResult<TakeNotesAnswer, ReceiverRefusal>>;
}

/** The keysets of the wide mint as far as they are known here. */
export interface WideKeysets {
  /** That which signs; undefined: nobody has said yet. */
  active(): PublicKeyset | undefined;
  /** undefined: unknown, or not yet known; it is asked for. */
  find(id: string): PublicKeyset | undefined;
}

/** The claim's words for what a gateway does with an exchange; each happens before the next, and may happen again. */
export type GatewayStep =
  /** Local or wide notes, encrypted by the gateway's key. */
  | 'receive'
  | 'decrypt'
  | 'confirm amount'
  /** First job: wide notes of the same amount, of the issuer. */
  | 'request issuance'
  | 'receive wide'
  | 'decrypt wide'
  | 'confirm wide amount'
  | 'erase local'
  /** Second job: for the receiver, and its word. */
  | 'encrypt for receiver'
  | 'transmit to receiver'
  | 'acknowledge'
  | 'generate local'
  /** Both: by the destination's key. */
  | 'encrypt for destination'
  | 'transmit'
  /** The destination has confirmed. */
  | 'delivered';

export type OnStep = (step: GatewayStep, exchange: bigint) => void;
