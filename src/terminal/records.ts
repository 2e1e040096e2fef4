// What a terminal remembers. Notes are in one place at a time: free, in the table of notes, or inside the one open operation
// that uses them. Each step moves them in one transaction, so that their sum is the same after a crash at any moment.

import type { Note } from '../notes/note.ts';
import { KEYSET_ID_BYTES_MAX, PlainNote, POINT_BYTES } from '../roles/documents/notes.ts';
import { digest, publicKey } from '../roles/documents/signed.ts';
import { ExchangeState, GetTermsAnswer, SendRequest, TerminalAddress } from '../roles/gateway/messages.ts';
import {
  bool,
  bytes,
  bytesUpTo,
  type Infer,
  list,
  oneOf,
  optional,
  struct,
  text,
  u32,
  u64,
  u128,
  union,
} from '../shared/codec.ts';
import { OPERATION_NOTES_MAX, REQUEST_BYTES_MAX, TEXT_BYTES_MAX } from './limits.ts';

const SCALAR_BYTES = 32;

export const StoredNotes = list(PlainNote, OPERATION_NOTES_MAX);

/** Which secrets, by their numbers (NUT-13), are to be signed for which amounts. Nothing else is needed to ask again. */
export const Plan = struct({
  keysetId: text(KEYSET_ID_BYTES_MAX),
  from: u32,
  amounts: list(u64, OPERATION_NOTES_MAX),
});
export type Plan = Infer<typeof Plan>;

/** Where the notes come from that are exchanged for own ones. */
export const SwapOrigin = oneOf('change', 'delivery', 'return', 'token', 'reclaim');
export type SwapOrigin = Infer<typeof SwapOrigin>;

const shortText = text(TEXT_BYTES_MAX);
const quoteId = text(1024);

export const Operation = union({
  swap: struct({
    at: u64,
    origin: SwapOrigin,
    /** Of a delivery: its request. Of a token that is taken back: its operation. */
    reference: u128,
    /** Of a delivery. */
    gateway: optional(publicKey),
    notes: StoredNotes,
    plan: Plan,
  }),
  send: struct({
    at: u64,
    gateway: publicKey,
    destination: TerminalAddress,
    amount: u64,
    fee: u64,
    notes: StoredNotes,
    /** As it was first sent: what is asked again is the same to the bit. */
    message: bytesUpTo(SendRequest.bytesMax),
    /** undefined: no answer yet. */
    state: optional(ExchangeState),
    reason: shortText,
    /** It came to nothing: the notes, which the gateway has seen, are exchanged for own ones. */
    plan: optional(Plan),
  }),
  token: struct({ at: u64, memo: shortText, notes: StoredNotes }),
  withdraw: struct({
    at: u64,
    method: text(64),
    quote: quoteId,
    request: text(REQUEST_BYTES_MAX),
    amount: u64,
    /** Unix seconds; 0: never. */
    expiry: u64,
    /** Secret: only who has it mints from the quote (NUT-20), whose name every payer is shown. */
    key: bytes(SCALAR_BYTES),
    /** It was paid. */
    plan: optional(Plan),
  }),
  deposit: struct({
    at: u64,
    method: text(64),
    quote: quoteId,
    payee: text(REQUEST_BYTES_MAX),
    amount: u64,
    notes: StoredNotes,
    /** Of what the payment may cost and does not (NUT-08). */
    change: optional(Plan),
  }),
});
export type Operation = Infer<typeof Operation>;
export type OperationKind = Operation['kind'];
export type OperationOf<Kind extends OperationKind> = Extract<Operation, { kind: Kind }>;

/** What was delivered, so that nothing counts twice. */
export const TakenDelivery = struct({
  digest,
  amount: u64,
  /** `exchanged`: own notes are there for it; `refused`: they were worth nothing, and it is never confirmed. */
  state: oneOf('taken', 'exchanged', 'confirmed', 'refused'),
});
export type TakenDelivery = Infer<typeof TakenDelivery>;

export const StoredKeyset = struct({
  unit: text(64),
  isActive: bool,
  inputFeePpk: u32,
  finalExpiry: optional(u64),
  keys: list(struct({ amount: u64, key: bytes(POINT_BYTES) }), 64),
});

export const Counter = struct({ next: u32 });

export const AcceptedTerms = struct({ at: u64, terms: GetTermsAnswer });
export type AcceptedTerms = Infer<typeof AcceptedTerms>;

export const HistoryEvent = oneOf(
  'sent',
  'delivered',
  'rejected',
  'returned',
  'received',
  'refused',
  'lost',
  'token_made',
  'token_spent',
  'token_taken',
  'reclaimed',
  'withdrawn',
  'deposited',
  'failed',
  'restored',
);
export type HistoryEvent = Infer<typeof HistoryEvent>;

export const HistoryRecord = struct({
  at: u64,
  event: HistoryEvent,
  amount: u64,
  /** What was free to spend afterwards. */
  balance: u64,
  /** Of the operation, the exchange or the delivery. */
  reference: u128,
  detail: shortText,
});
export type HistoryRecord = Infer<typeof HistoryRecord>;

/** As it is stored: without conditions, which only a mint can judge. */
export function storedNote({ amount, keysetId, secret, signature, dleq }: Note): PlainNote {
  return { amount, keysetId, secret, signature, dleq };
}

export function noteOf({ dleq, ...rest }: PlainNote): Note {
  return { ...rest, ...(dleq === undefined ? {} : { dleq }) };
}
