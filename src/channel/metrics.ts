// What the server counts. The caller brings the counters, so that this folder needs no metrics library.

import type { ChannelRefusalCode } from '../wire/channel-refusal.ts';
import type { CloseCodeName } from '../wire/status.ts';

export type HandshakeOutcome = 'welcome' | ChannelRefusalCode | CloseCodeName;

export interface ChannelMetrics {
  connectionOpened(): void;
  /** `code`: WebSocket close code. */
  connectionClosed(code: number): void;
  /** An upgrade was refused with this HTTP status. */
  connectionRefused(status: number): void;
  /** 'welcome', the code of a refusal, or the name of the close code that ended it. */
  handshakeEnded(outcome: HandshakeOutcome): void;
  /** A frame came in; `bytes` with its header. `operation` is 0 when it could not be read. */
  frameReceived(operation: number, bytes: number): void;
  /** A reply went out `seconds` after its request came in. */
  replySent(operation: number, status: number, bytes: number, seconds: number): void;
}

export const NO_METRICS: ChannelMetrics = {
  connectionOpened() {},
  connectionClosed() {},
  connectionRefused() {},
  handshakeEnded() {},
  frameReceived() {},
  replySent() {},
};
