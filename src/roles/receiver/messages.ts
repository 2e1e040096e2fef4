// What the receiver is asked, and what it answers. Numbers are fixed for ever.
//
// By shops (a gateway is one): take_notes, mint_call. By the unnamed (terminals, wallets of others): mint_call. By the issuer:
// mint_call (what is the receiver's part of Cashu's interface), find_signatures. By operators: lookup_request, list_requests,
// circulation.
import { type Infer, struct, text, u32, u64, u128, union } from '../../shared/codec.ts';
import { operation, protocol } from '../common/operation.ts';
import {
  ListRequests,
  ListRequestsAnswer,
  LookupRequest,
  LookupRequestAnswer,
} from '../common/request-report.ts';
import { NotePayee } from '../documents/note-payee.ts';
import { SealedNotes } from '../documents/notes.ts';
import { digest, documentKind, keyId } from '../documents/signed.ts';
import {
  CirculationAnswer,
  CirculationRequest,
  FindSignaturesAnswer,
  FindSignaturesRequest,
  MintCall,
  MintCallAnswer,
} from '../issuer/messages.ts';
import { RECEIVER_REFUSALS } from './errors.ts';

export const ReceiverOperation = {
  take_notes: 32,
  mint_call: 34,
  find_signatures: 35,
  circulation: 36,
  lookup_request: 48,
  list_requests: 49,
} as const;

/** Notes in, money to an account: the caller's, when it is a shop. */
export const TakeNotesRequest = struct({
  /** Names it, for ever. */
  request: u128,
  payee: NotePayee,
  /** Sum of the notes, less the fee of their keysets (NUT-02). Minor units. */
  amount: u128,
  currency: u32,
  /** {PlainNotes}receiver, use `receive`, binding: request and amount. */
  notes: SealedNotes,
  /** Nanoseconds: from then on nothing is done. */
  applyBy: u64,
});
export type TakeNotesRequest = Infer<typeof TakeNotesRequest>;

/** The receiver's word: these notes are taken in, and the money is where it was to go. */
const AcknowledgementCodec = struct({
  /** Of the receiver's signing key. */
  keyId,
  request: u128,
  amount: u128,
  currency: u32,
  /** SHA-256 of the request's message. */
  requestDigest: digest,
  /** Of the ledger's transfer at cash, nanoseconds. */
  timestamp: u64,
});
export type Acknowledgement = Infer<typeof AcknowledgementCodec>;
export const Acknowledgement = documentKind('acknowledgement', AcknowledgementCodec);
export type SignedAcknowledgement = Infer<typeof Acknowledgement.signed>;

export const TakeNotesAnswer = union({
  /** Not through yet: ask again with the same message. */
  pending: struct({ state: text(64) }),
  taken: struct({ acknowledgement: Acknowledgement.signed }),
  /** For good, and nothing was taken in. `note_spent`: some note was spent before, by another request. */
  rejected: struct({ reason: text(64) }),
});
export type TakeNotesAnswer = Infer<typeof TakeNotesAnswer>;

export const receiverProtocol = protocol({
  role: 'receiver',
  refusals: RECEIVER_REFUSALS,
  operations: {
    take_notes: operation(ReceiverOperation.take_notes, TakeNotesRequest, TakeNotesAnswer),
    mint_call: operation(ReceiverOperation.mint_call, MintCall, MintCallAnswer),
    find_signatures: operation(
      ReceiverOperation.find_signatures,
      FindSignaturesRequest,
      FindSignaturesAnswer,
    ),
    circulation: operation(ReceiverOperation.circulation, CirculationRequest, CirculationAnswer),
    lookup_request: operation(ReceiverOperation.lookup_request, LookupRequest, LookupRequestAnswer),
    list_requests: operation(ReceiverOperation.list_requests, ListRequests, ListRequestsAnswer),
  },
});
export type ReceiverOperations = (typeof receiverProtocol)['operations'];
