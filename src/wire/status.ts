// What became of a whole request, in order of precedence: of all that apply, the first is answered. Numbers are fixed
// for ever; a new status takes the next free number. What became of each record of a batch is in its CreateResult.

export const RequestStatus = {
  ok: 0,
  malformed_frame: 1,
  unsupported_version: 2,
  unknown_operation: 3,
  body_size_mismatch: 4,
  too_many_records: 5,
  too_few_records: 6,
  not_permitted: 20,
  hello_expected: 7,
  session_mismatch: 8,
  session_expired: 9,
  session_taken_over: 10,
  request_too_old: 11,
  request_differs: 12,
  too_many_in_flight: 13,
  busy: 14,
  capacity_exhausted: 15,
  storage_full: 16,
  stopping: 17,
  internal_error: 18,
  query_too_broad: 19,
} as const;
export type RequestStatusName = keyof typeof RequestStatus;

/**
 * May the client send the request again?
 * - `answered`: no need, this is the answer.
 * - `correct`: not as it is; the client's program has a fault.
 * - `repeat`: yes, the same number on the same connection, after a pause. Nothing was applied.
 * - `reconnect`: yes, the same number in the same session, over a new connection, after a pause.
 * - `renew`: only in a new session, under a new number. Whether it was applied is unknown: records keep their ids, so
 *   that what was applied answers `exists` and the rest is created.
 * - `relieve`: yes, under a new number, when the operator has made room. Nothing was applied.
 * - `give_up`: another connection speaks for this session now.
 */
export type RetryAdvice = 'answered' | 'correct' | 'repeat' | 'reconnect' | 'renew' | 'relieve' | 'give_up';

export const RETRY_ADVICE: { readonly [name in RequestStatusName]: RetryAdvice } = {
  ok: 'answered',
  malformed_frame: 'correct',
  unsupported_version: 'correct',
  unknown_operation: 'correct',
  body_size_mismatch: 'correct',
  too_many_records: 'correct',
  too_few_records: 'correct',
  not_permitted: 'correct',
  hello_expected: 'correct',
  session_mismatch: 'correct',
  session_expired: 'renew',
  session_taken_over: 'give_up',
  request_too_old: 'renew',
  request_differs: 'correct',
  too_many_in_flight: 'repeat',
  busy: 'repeat',
  capacity_exhausted: 'relieve',
  storage_full: 'relieve',
  stopping: 'reconnect',
  internal_error: 'renew',
  query_too_broad: 'correct',
};

/** Statuses after which the server closes the connection: it can no longer tell where a frame of this peer ends. */
export const CLOSES_CONNECTION: { readonly [name in RequestStatusName]: boolean } = {
  ok: false,
  malformed_frame: true,
  unsupported_version: true,
  unknown_operation: false,
  body_size_mismatch: true,
  too_many_records: false,
  too_few_records: false,
  not_permitted: false,
  hello_expected: false,
  session_mismatch: false,
  session_expired: false,
  session_taken_over: true,
  request_too_old: false,
  request_differs: false,
  too_many_in_flight: false,
  busy: false,
  capacity_exhausted: false,
  storage_full: false,
  stopping: false,
  internal_error: false,
  query_too_broad: false,
};

const NAMES: (RequestStatusName | undefined)[] = [];
for (const name of Object.keys(RequestStatus) as RequestStatusName[]) NAMES[RequestStatus[name]] = name;

/** The name of a status; undefined: a later version's. */
export function requestStatusName(status: number): RequestStatusName | undefined {
  return NAMES[status];
}

/**
 * Why a WebSocket was closed, as its close code says. 1001 is RFC 6455's "going away", 1013 its registry's "try again
 * later". Close codes travel in the clear, whatever the channel: nobody who can change what passes needs a key for one.
 */
export const CloseCode = {
  stopping: 1001,
  try_later: 1013,
  bad_frame: 4000,
  session_taken_over: 4001,
  slow_reader: 4002,
  /** The handshake's answer says why, encrypted. */
  handshake_refused: 4003,
  handshake_expected: 4004,
  handshake_unreadable: 4005,
  unknown_recipient: 4006,
  unsupported_channel: 4007,
  unknown_initiator: 4008,
  handshake_timeout: 4009,
  record_damaged: 4010,
  authority_ended: 4011,
  handshake_not_expected: 4012,
} as const;
export type CloseCodeName = keyof typeof CloseCode;
