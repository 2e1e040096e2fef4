import type { ChannelRefusalCode } from '../wire/channel-refusal.ts';
import type { RequestStatusName } from '../wire/status.ts';

/**
 * Why a call failed: the status that the server refused it with; the code with which it refused this client's identity
 * (`unknown_key`, `expired_certificate` …), for good; or
 * - `outcome_unknown`: the session is lost, and with it the answer. Submit the same records, with the same ids, again:
 *   what was applied answers `exists`, the rest is created.
 * - `timeout`, `aborted`, `closed`: the caller stopped waiting. `outcome` says what is known.
 * - `connection_failed`: no connection came about in the time given.
 * - `handshake_failed`: what listens there does not have the key that was expected, or speaks another kind of channel.
 * - `protocol_error`: what came from the other end is not this protocol.
 * - `invalid_argument`: a record or a filter holds a value that its field cannot.
 */
export type ClientErrorCode =
  | Exclude<RequestStatusName, 'ok'>
  | ChannelRefusalCode
  | 'outcome_unknown'
  | 'timeout'
  | 'aborted'
  | 'closed'
  | 'connection_failed'
  | 'handshake_failed'
  | 'protocol_error'
  | 'invalid_argument';

/** 'none': nothing of the request was applied. 'unknown': it may have been. */
export type Outcome = 'none' | 'unknown';

export class ClientError extends Error {
  override readonly name = 'ClientError';
  readonly code: ClientErrorCode;
  readonly outcome: Outcome;

  constructor(code: ClientErrorCode, message: string, outcome: Outcome, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.outcome = outcome;
  }
}
