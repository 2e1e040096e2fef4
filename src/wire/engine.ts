// What stands behind the server, as the channel sees it: the ledger, or a role.
import type { Peer } from './peer.ts';

export interface EngineRequest {
  /** RequestOperation; never hello or ping. */
  operation: number;
  /** Who asks, as the channel has proven. */
  peer: Peer;
  /** 128 bits; 0n: none (a read or a message without a session). */
  session: bigint;
  request: bigint;
  /** The body: `count` records or messages. Borrowed: valid only until submit() returns. */
  payload: Uint8Array;
  count: number;
}

export interface EngineReply {
  /** RequestStatus. */
  status: number;
  /** Nanoseconds: of the batch, or of the state that a read saw. 0n for a refusal. */
  timestamp: bigint;
  /** Records in `body`; of messages, as many as were asked, in their order. */
  count: number;
  /** Not written to after the promise has resolved. */
  body: Uint8Array;
  /** For a refusal: what was expected, what came, what to do. */
  message?: string;
}

export interface SessionInfo {
  /** The engine remembers answers of this session. */
  resumed: boolean;
  /** Largest request number that was applied in this session; 0n: none. */
  applied: bigint;
}

export interface EngineHealth {
  status: 'ok' | 'degraded' | 'stopped';
  detail: Record<string, unknown>;
}

export interface Engine {
  /**
   * Whether it takes this operation (never hello or ping). Any other is refused as `unknown_operation`. Left out: all
   * operations of a ledger, and no messages.
   */
  understands?(operation: number): boolean;
  /**
   * Writes are applied in the order of their submit(), exactly once for each (session, request): a number that is
   * remembered gets its stored answer, one still under way shares its answer, one older than what is remembered gets
   * `request_too_old`. Reads see every write that was submitted before them. Never rejects in normal operation; the
   * server answers a rejection with `internal_error`.
   */
  submit(request: EngineRequest): Promise<EngineReply>;
  /**
   * Called for each hello. `acknowledged` is the largest request number whose answer the client has; a session that
   * has applied less than that is not the one the client means.
   * @throws RequestError session_expired
   */
  openSession(session: bigint, acknowledged: bigint): SessionInfo;
  /** True: take no more requests from sockets. */
  readonly congested: boolean;
  /** The listener is called each time `congested` has become false. */
  onRelieved(listener: () => void): void;
  /** Prometheus text format. */
  metrics(): Promise<string> | string;
  health(): EngineHealth;
}
