// Every bound of the protocol and of a connection in one place: what it is, why, and what happens beyond.
import { AccountLayout, BATCH_RECORDS_MAX, ChangeEventLayout, RECORD_SIZE } from '../layout/generated.ts';

/** Where the WebSocket listens; the number is that of the protocol. */
export const CHANNEL_PATH = '/v1';

/** Bytes of a frame before its body. A multiple of 8, so that an aligned frame has an aligned body. */
export const HEADER_SIZE = 32;

/** The one version that this build speaks. Beyond: `unsupported_version`, and the connection is closed. */
export const PROTOCOL_VERSION = 1;

/**
 * Longest frame in either direction: a header and 8,190 records of 128 bytes (1,048,352 bytes).
 * Beyond: `too_many_records`. The reply to a full batch takes 131,072 bytes.
 */
export const MESSAGE_BYTES_MAX = HEADER_SIZE + BATCH_RECORDS_MAX * RECORD_SIZE;

/**
 * Longest message that a server without an identity still takes in to say what is wrong with it. Beyond, the connection is dropped
 * without an error frame, before the message has been received.
 */
export const MESSAGE_BYTES_RECEIVED_MAX = 2 * MESSAGE_BYTES_MAX;

/** Change events in one reply: as many as fit a message. Beyond: the reply holds this many, ask again from there. */
export const CHANGE_EVENTS_MAX = Math.floor(
  (BATCH_RECORDS_MAX * AccountLayout.size) / ChangeEventLayout.size,
);

/** Bytes of the text of a refusal; longer texts are cut. */
export const REFUSAL_TEXT_BYTES_MAX = 1024;

/**
 * Unanswered writes of a session: 32 full batches keep the disk and the ledger busy over a millisecond round trip
 * with a lot to spare. Beyond: `too_many_in_flight`.
 */
export const WRITES_IN_FLIGHT_MAX = 32;

/** Unanswered reads of a connection; a reply may be 1 MiB. Beyond: `too_many_in_flight`. */
export const READS_IN_FLIGHT_MAX = 16;

/** Unanswered message operations of a connection. Beyond: `too_many_in_flight`. */
export const MESSAGES_IN_FLIGHT_MAX = 64;

/** Messages in one request: a role's batch for its cryptography. Beyond: `too_many_records`. */
export const MESSAGES_MAX = 1024;

/** Answers that a session remembers: twice the writes in flight, so that nothing unanswered is ever forgotten. */
export const ANSWERS_REMEMBERED = 64;

/** Sessions that the engine remembers; beyond, the one that wrote least recently is forgotten (`session_expired`). */
export const SESSIONS_MAX = 4096;

/** Connections of a server. Beyond: the upgrade is answered 503. A connection costs some KB when idle. */
export const CONNECTIONS_MAX = 256;

/**
 * Connections beyond those, for roles and operators: however many devices come, somebody can still do something about it.
 * Beyond: as above.
 */
export const CONNECTIONS_RESERVED = 64;

/**
 * Bytes of requests that wait in the server while the engine is congested: 8 sessions with everything in flight.
 * Beyond: `busy`.
 */
export const WAITING_BYTES_MAX = 256 * 1024 * 1024;

/** Bytes that a socket may owe its reader before further replies are held back. */
export const BACKPRESSURE_BYTES_MAX = 1024 * 1024;

/** Bytes of replies held back for all slow readers together. Beyond: the reader that would exceed it is closed. */
export const HELD_BYTES_MAX = 256 * 1024 * 1024;

/**
 * Longest first message of a handshake: a preamble, keys and a certificate of a few hundred bytes. Beyond: close code
 * 4005, before any cryptography.
 */
export const HANDSHAKE_BYTES_MAX = 4096;

/** How long a connection may take until its first frame has opened: seconds even over a bad line. Beyond: close code 4009. */
export const HANDSHAKE_TIMEOUT_MS = 5_000;

/**
 * Connections that have not proven yet who they are; they do not count among CONNECTIONS_MAX, so strangers cannot take
 * the places of peers. Each can make the server hold a message of a MiB. Beyond: one of them is closed with 1013.
 */
export const HALF_OPEN_MAX = 128;

/** Bytes of the text of a refused handshake, which goes to anyone; longer ones are cut. */
export const CHANNEL_REFUSAL_TEXT_BYTES_MAX = 512;

/**
 * Noise messages of one direction under one key: at most 64 MiB. A new key costs a microsecond, and whoever steals one
 * does not read what went before it.
 */
export const REKEY_MESSAGES = 1024;

/** How long a reader may keep replies waiting without taking a byte. Beyond: it is closed with `slow_reader`. */
export const SLOW_READER_TIMEOUT_MS = 30_000;

/** A connection on which nothing comes, not even the answer to a ping, for this long is closed. A multiple of 4. */
export const IDLE_TIMEOUT_SECONDS = 60;
