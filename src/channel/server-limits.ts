// The limits of a server; each has its reason in src/wire/limits.ts. Tests and operators may choose other ones.
import {
  BACKPRESSURE_BYTES_MAX,
  CONNECTIONS_MAX,
  HELD_BYTES_MAX,
  IDLE_TIMEOUT_SECONDS,
  MESSAGE_BYTES_MAX,
  READS_IN_FLIGHT_MAX,
  SLOW_READER_TIMEOUT_MS,
  WAITING_BYTES_MAX,
  WRITES_IN_FLIGHT_MAX,
} from '../wire/limits.ts';

export interface ServerLimits {
  connectionsMax: number;
  writesInFlightMax: number;
  readsInFlightMax: number;
  /** Bytes of one connection's unanswered requests, headers included. */
  bytesInFlightMax: number;
  waitingBytesMax: number;
  backpressureBytesMax: number;
  heldBytesMax: number;
  slowReaderTimeoutMs: number;
  idleTimeoutSeconds: number;
}

export const SERVER_LIMITS: ServerLimits = {
  connectionsMax: CONNECTIONS_MAX,
  writesInFlightMax: WRITES_IN_FLIGHT_MAX,
  readsInFlightMax: READS_IN_FLIGHT_MAX,
  bytesInFlightMax: (WRITES_IN_FLIGHT_MAX + 1) * MESSAGE_BYTES_MAX,
  waitingBytesMax: WAITING_BYTES_MAX,
  backpressureBytesMax: BACKPRESSURE_BYTES_MAX,
  heldBytesMax: HELD_BYTES_MAX,
  slowReaderTimeoutMs: SLOW_READER_TIMEOUT_MS,
  idleTimeoutSeconds: IDLE_TIMEOUT_SECONDS,
};
