// The limits of a server; each has its reason in src/wire/limits.ts. Tests and operators may choose other ones.
import {
  BACKPRESSURE_BYTES_MAX,
  CONNECTIONS_MAX,
  HALF_OPEN_MAX,
  HANDSHAKE_TIMEOUT_MS,
  HELD_BYTES_MAX,
  IDLE_TIMEOUT_SECONDS,
  MESSAGE_BYTES_MAX,
  MESSAGES_IN_FLIGHT_MAX,
  READS_IN_FLIGHT_MAX,
  SLOW_READER_TIMEOUT_MS,
  WAITING_BYTES_MAX,
  WRITES_IN_FLIGHT_MAX,
} from '../wire/limits.ts';

export interface ServerLimits {
  /** Roles and operators have CONNECTIONS_RESERVED more. */
  connectionsMax: number;
  /** Of them, peers without a certificate: one more pushes out the oldest of them. */
  strangersMax: number;
  /** Of them, peers that stay unnamed, as a shop's customers do: one more pushes out the oldest that waits for nothing. */
  unnamedMax: number;
  /** Longest frame of a peer on an encrypted connection. */
  messageBytesMax: number;
  writesInFlightMax: number;
  readsInFlightMax: number;
  messagesInFlightMax: number;
  /** Bytes of one connection's unanswered requests, headers included. */
  bytesInFlightMax: number;
  waitingBytesMax: number;
  backpressureBytesMax: number;
  heldBytesMax: number;
  slowReaderTimeoutMs: number;
  idleTimeoutSeconds: number;
  halfOpenMax: number;
  handshakeTimeoutMs: number;
}

export const SERVER_LIMITS: ServerLimits = {
  connectionsMax: CONNECTIONS_MAX,
  strangersMax: CONNECTIONS_MAX,
  unnamedMax: CONNECTIONS_MAX,
  messageBytesMax: MESSAGE_BYTES_MAX,
  writesInFlightMax: WRITES_IN_FLIGHT_MAX,
  readsInFlightMax: READS_IN_FLIGHT_MAX,
  messagesInFlightMax: MESSAGES_IN_FLIGHT_MAX,
  bytesInFlightMax: (WRITES_IN_FLIGHT_MAX + 1) * MESSAGE_BYTES_MAX,
  waitingBytesMax: WAITING_BYTES_MAX,
  backpressureBytesMax: BACKPRESSURE_BYTES_MAX,
  heldBytesMax: HELD_BYTES_MAX,
  slowReaderTimeoutMs: SLOW_READER_TIMEOUT_MS,
  idleTimeoutSeconds: IDLE_TIMEOUT_SECONDS,
  halfOpenMax: HALF_OPEN_MAX,
  handshakeTimeoutMs: HANDSHAKE_TIMEOUT_MS,
};
