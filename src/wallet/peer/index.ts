// Payments from wallet to wallet: give it a link, a purse and its books. docs/peer-protocol.md says how.
export {
  decodePurseAddress,
  encodePurseAddress,
  PURSE_ADDRESS_CHARACTERS_MAX,
  type PurseAddress,
} from './address.ts';
export type { ExpectedPayee, Peer } from './check-peer.ts';
export {
  PEER_ERROR_ADVICE,
  PEER_REFUSAL_ADVICE,
  PeerError,
  type PeerErrorCode,
  type PeerRefusal,
  type PeerRefusalCode,
  type SaidRefusal,
} from './errors.ts';
export type { FundingSource } from './funding.ts';
export type { OwnPurse, PeerEvent, PeerParty, PurseLedger } from './ledger.ts';
export {
  OPEN_ASKS_MAX,
  OPEN_ASKS_OF_A_PAYER_MAX,
  PEER_TIMES,
  type PeerTimes,
  PIECE_BYTES_MAX,
  PIECE_BYTES_MIN,
  WAITING_BYTES_MAX,
} from './limits.ts';
export type { PeerLink } from './link.ts';
export { type AskOptions, type AskReport, askPeer, type TakenPayment } from './payee.ts';
export {
  type Asked,
  type Decision,
  type PayOptions,
  type PayReport,
  payPeer,
  type ResumedPayment,
} from './payer.ts';
export { fundedBy, handoverOf, OpenAsk, ReceivedPayment, SentPayment } from './records.ts';
