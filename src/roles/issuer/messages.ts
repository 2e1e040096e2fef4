// What the issuer is asked, and what it answers. Numbers are fixed for ever.
//
// By shops (a gateway is one): issue_notes, pay_quote, move_funds, mint_call. By the unnamed (terminals, wallets of others): mint_call. By the
// receiver: mint_call (what is the issuer's part of Cashu's interface), find_signatures. By operators: lookup_request,
// list_requests, circulation.
import {
  bool,
  bytes,
  bytesUpTo,
  type Infer,
  list,
  optional,
  struct,
  text,
  u16,
  u32,
  u64,
  u128,
  union,
} from '../../shared/codec.ts';
import { operation, protocol } from '../common/operation.ts';
import {
  ListRequests,
  ListRequestsAnswer,
  LookupRequest,
  LookupRequestAnswer,
} from '../common/request-report.ts';
import { NoteOrder, NoteReceipt, NoteRejection } from '../documents/note-order.ts';
import { BlindedOutputs, NOTES_MAX, POINT_BYTES, SealedNotes, SignedOutput } from '../documents/notes.ts';
import { publicKey } from '../documents/signed.ts';
import { ISSUER_REFUSALS } from './errors.ts';

export const IssuerOperation = {
  issue_notes: 32,
  pay_quote: 33,
  mint_call: 34,
  find_signatures: 35,
  circulation: 36,
  move_funds: 37,
  lookup_request: 48,
  list_requests: 49,
} as const;

/** Bytes of a body of Cashu's interface, as JSON. Beyond: 413. A swap of 1,000 inputs has 300 KB. */
export const MINT_BODY_BYTES_MAX = 512 * 1024;
const PATH_BYTES_MAX = 512;

/** Wide notes against the caller's account at cash. The order's reference is the SHA-256 of issueTermsMessage. */
export const IssueNotesRequest = struct({
  order: NoteOrder.signed,
  /** Sum: the order's amount. */
  outputs: BlindedOutputs,
  /** X25519: the answer is sealed to it. */
  replyKey: publicKey,
});
export type IssueNotesRequest = Infer<typeof IssueNotesRequest>;
export const IssueNotesAnswer = union({
  /** Not through yet: ask again with the same message. */
  pending: struct({ state: text(64) }),
  /** {SignedOutputs}replyKey, use `issue`, binding: request and amount. */
  issued: struct({ notes: SealedNotes, receipt: NoteReceipt.signed }),
  /** For good; nothing was taken. */
  rejected: struct({ rejection: NoteRejection.signed }),
});
export type IssueNotesAnswer = Infer<typeof IssueNotesAnswer>;

/** Pays a quote of Cashu's interface (NUT-04). The order's reference is the SHA-256 of the quote's id. */
export const PayQuoteRequest = struct({ order: NoteOrder.signed, quote: text(64) });
export type PayQuoteRequest = Infer<typeof PayQuoteRequest>;
export const PayQuoteAnswer = union({
  pending: struct({ state: text(64) }),
  paid: struct({ receipt: NoteReceipt.signed }),
  rejected: struct({ rejection: NoteRejection.signed }),
});
export type PayQuoteAnswer = Infer<typeof PayQuoteAnswer>;

/** Between what a shop has sold and what lies behind its notes. The order's action: fund or withdraw. */
export const MoveFundsRequest = struct({ order: NoteOrder.signed });
export type MoveFundsRequest = Infer<typeof MoveFundsRequest>;
export const MoveFundsAnswer = union({
  pending: struct({ state: text(64) }),
  moved: struct({ receipt: NoteReceipt.signed }),
  rejected: struct({ rejection: NoteRejection.signed }),
});
export type MoveFundsAnswer = Infer<typeof MoveFundsAnswer>;

/** Cashu's HTTP interface over a channel: what a request and its response have there. */
export const MintCall = struct({
  method: text(8),
  path: text(PATH_BYTES_MAX),
  /** JSON; empty in GET. */
  body: bytesUpTo(MINT_BODY_BYTES_MAX),
});
export type MintCall = Infer<typeof MintCall>;
export const MintCallAnswer = struct({ status: u16, body: bytesUpTo(MINT_BODY_BYTES_MAX) });
export type MintCallAnswer = Infer<typeof MintCallAnswer>;

/** NUT-09: what was signed of these; each role of the mint asks the other. */
export const FindSignaturesRequest = struct({ blinded: list(bytes(POINT_BYTES), NOTES_MAX) });
export type FindSignaturesRequest = Infer<typeof FindSignaturesRequest>;
export const FindSignaturesAnswer = struct({ found: list(optional(SignedOutput), NOTES_MAX) });
export type FindSignaturesAnswer = Infer<typeof FindSignaturesAnswer>;

/** What has been signed and what has been taken in, of each keyset. Minor units. */
export const CirculationRequest = struct({ currency: u32 });
export const KeysetCirculation = struct({
  keysetId: text(66),
  isActive: bool,
  /** Signed by this role, and how many. */
  signed: u128,
  signedCount: u64,
  /** Taken in by this role. */
  spent: u128,
  spentCount: u64,
});
export type KeysetCirculation = Infer<typeof KeysetCirculation>;
export const CirculationAnswer = struct({ keysets: list(KeysetCirculation, 256) });
export type CirculationAnswer = Infer<typeof CirculationAnswer>;

export const issuerProtocol = protocol({
  role: 'issuer',
  refusals: ISSUER_REFUSALS,
  operations: {
    issue_notes: operation(IssuerOperation.issue_notes, IssueNotesRequest, IssueNotesAnswer),
    pay_quote: operation(IssuerOperation.pay_quote, PayQuoteRequest, PayQuoteAnswer),
    mint_call: operation(IssuerOperation.mint_call, MintCall, MintCallAnswer),
    find_signatures: operation(IssuerOperation.find_signatures, FindSignaturesRequest, FindSignaturesAnswer),
    circulation: operation(IssuerOperation.circulation, CirculationRequest, CirculationAnswer),
    move_funds: operation(IssuerOperation.move_funds, MoveFundsRequest, MoveFundsAnswer),
    lookup_request: operation(IssuerOperation.lookup_request, LookupRequest, LookupRequestAnswer),
    list_requests: operation(IssuerOperation.list_requests, ListRequests, ListRequestsAnswer),
  },
});
export type IssuerOperations = (typeof issuerProtocol)['operations'];
