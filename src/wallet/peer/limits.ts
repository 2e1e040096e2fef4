// Every bound between two wallets: what it is, why, and what happens beyond.
import { TAG_BYTES } from '../../crypto/noise/limits.ts';
import { PeerMessage } from './messages.ts';

/** Bytes of a medium's piece: from Bluetooth LE's 20 … Beyond: a RangeError of the programmer. */
export const PIECE_BYTES_MIN = 20;
/** … through NFC's 250 and a QR code's 2,000 to this: the longest message in one piece. Beyond: `piece_invalid`. */
export const PIECE_BYTES_MAX = 32 * 1024;

/** Longest message, encrypted: a payment with all the funding it may have, 17,553 bytes. Beyond: `message_too_long`. */
export const MESSAGE_BYTES_MAX = PeerMessage.bytesMax + TAG_BYTES;

/** A camera sees a QR code several times before the next one. Beyond: `flooded`. */
export const REPEATED_PIECES_MAX = 256;

/** What a link holds that nobody has asked for yet: sides speak in turns, so more than a message is nonsense. Beyond: it breaks. */
export const WAITING_BYTES_MAX = 64 * 1024;

/** Payments of one session: those in doubt, then the one that is asked for. Beyond: `protocol_error`. */
export const PAYMENTS_A_SESSION_MAX = 5;
/** Payments in doubt that are sent again in one session. Beyond: in the next one. */
export const RESUMED_A_SESSION_MAX = PAYMENTS_A_SESSION_MAX - 1;

/** Asks that one payer's purse has not answered, and all together. Beyond: the oldest is forgotten, and a payment of it refused. */
export const OPEN_ASKS_OF_A_PAYER_MAX = 4;
export const OPEN_ASKS_MAX = 256;

/** What funds a payment has to be good for so long yet: whoever is paid with it must find a network. Else: `funding_late`. */
export const FUNDING_LEAD_NS = 86_400_000_000_000n;

export interface PeerTimes {
  /** For each message of the handshake: nobody has proven anything yet. */
  readonly handshakeMs: number;
  /** From one piece of a message to the next. */
  readonly pieceMs: number;
  /** Until an answer begins for which nobody has to think. */
  readonly answerMs: number;
  /** Until an answer begins that a person gives. */
  readonly decisionMs: number;
  /** For all of it. */
  readonly sessionMs: number;
}

export const PEER_TIMES: PeerTimes = {
  handshakeMs: 10_000,
  pieceMs: 10_000,
  answerMs: 30_000,
  decisionMs: 120_000,
  sessionMs: 600_000,
};
