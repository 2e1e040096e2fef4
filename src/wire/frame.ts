// A frame: one binary WebSocket message, the same in both directions. Little-endian.
//
//     0       4   5   6     8      12     16       24          32
//     ┌───────┬───┬───┬─────┬──────┬──────┬────────┬───────────┬───────────────────────┐
//     │ magic │ver│op │stat │count │ size │request │ timestamp │ body: size bytes      │
//     └───────┴───┴───┴─────┴──────┴──────┴────────┴───────────┴───────────────────────┘
//
// magic:     the bytes 53 50 43 45, "SPCE"
// ver, op:   u8 each: protocol version, RequestOperation
// stat:      u16: RequestStatus in a reply, 0 in a request
// count:     u32: records or messages in the body
// size:      u32: bytes of the body: count × the operation's record size, or count messages, each after its length; in a
//            refusal, bytes of a UTF-8 text
// request:   u64: chosen by the client, repeated in the reply
// timestamp: u64: nanoseconds, in a reply; 0 in a request
import { HEADER_SIZE, PROTOCOL_VERSION, REFUSAL_TEXT_BYTES_MAX } from './limits.ts';
import { messagesMismatch } from './message-lengths.ts';
import type { OperationShape } from './operation.ts';
import { operationName, operationShape, RequestOperation } from './operation.ts';
import type { RequestStatusName } from './status.ts';
import { RequestStatus, requestStatusName } from './status.ts';

export const MAGIC = 0x4543_5053;

export const HeaderLayout = {
  size: HEADER_SIZE,
  magic: 0,
  version: 4,
  operation: 5,
  status: 6,
  count: 8,
  bodySize: 12,
  request: 16,
  timestamp: 24,
} as const;

export interface Header {
  operation: number;
  status: number;
  count: number;
  bodySize: number;
  request: bigint;
  timestamp: bigint;
}

export interface RequestFrame {
  readonly kind: 'request';
  readonly operation: number;
  readonly shape: OperationShape;
  readonly count: number;
  readonly request: bigint;
  /** A view into the frame that was parsed. */
  readonly body: Uint8Array;
}

export interface ReplyFrame {
  readonly kind: 'reply';
  readonly operation: number;
  readonly status: number;
  readonly count: number;
  readonly request: bigint;
  readonly timestamp: bigint;
  /** A view into the frame that was parsed: records, or the text of a refusal. */
  readonly body: Uint8Array;
}

/** What is wrong with a frame, and as much of its header as could be read. */
export interface Refusal {
  readonly kind: 'refusal';
  readonly code: RequestStatusName;
  readonly operation: number;
  readonly request: bigint;
  /** "expected …, got …" */
  readonly message: string;
}

const MAGIC_HEX = '53 50 43 45';
const text = new TextEncoder();
const untext = new TextDecoder();

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Writes 32 bytes at the start of `view`. */
export function writeHeader(view: DataView, header: Header): void {
  view.setUint32(HeaderLayout.magic, MAGIC, true);
  view.setUint8(HeaderLayout.version, PROTOCOL_VERSION);
  view.setUint8(HeaderLayout.operation, header.operation);
  view.setUint16(HeaderLayout.status, header.status, true);
  view.setUint32(HeaderLayout.count, header.count, true);
  view.setUint32(HeaderLayout.bodySize, header.bodySize, true);
  view.setBigUint64(HeaderLayout.request, header.request, true);
  view.setBigUint64(HeaderLayout.timestamp, header.timestamp, true);
}

/** A whole request. */
export function encodeRequest(
  operation: number,
  request: bigint,
  count: number,
  body: Uint8Array,
): Uint8Array {
  const frame = new Uint8Array(HEADER_SIZE + body.length);
  writeHeader(viewOf(frame), { operation, status: 0, count, bodySize: body.length, request, timestamp: 0n });
  frame.set(body, HEADER_SIZE);
  return frame;
}

/** A whole reply. */
export function encodeReply(header: Omit<Header, 'bodySize'>, body: Uint8Array): Uint8Array {
  const frame = new Uint8Array(HEADER_SIZE + body.length);
  writeHeader(viewOf(frame), { ...header, bodySize: body.length });
  frame.set(body, HEADER_SIZE);
  return frame;
}

/** A refusal as a whole frame; a text longer than 1,024 bytes is cut between two characters. */
export function encodeRefusal(
  operation: number,
  status: number,
  request: bigint,
  message: string,
): Uint8Array {
  const body = new Uint8Array(REFUSAL_TEXT_BYTES_MAX);
  const { written } = text.encodeInto(message, body);
  return encodeReply({ operation, status, count: 0, request, timestamp: 0n }, body.subarray(0, written));
}

export function refusalText(frame: ReplyFrame): string {
  return untext.decode(frame.body);
}

/** Reads what any frame must have right; a refusal names the first thing that is wrong. */
function parseHeader(bytes: Uint8Array): Header | Refusal {
  if (bytes.length < HEADER_SIZE) {
    return refuse(
      'malformed_frame',
      0,
      0n,
      `frame: expected at least ${HEADER_SIZE} bytes, got ${bytes.length}`,
    );
  }
  const view = viewOf(bytes);
  if (view.getUint32(HeaderLayout.magic, true) !== MAGIC) {
    const got = Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
    return refuse('malformed_frame', 0, 0n, `magic: expected ${MAGIC_HEX}, got ${got}`);
  }
  // Only version 1 is known to have the fields below where they are.
  const version = view.getUint8(HeaderLayout.version);
  if (version !== PROTOCOL_VERSION) {
    return refuse('unsupported_version', 0, 0n, `version: expected ${PROTOCOL_VERSION}, got ${version}`);
  }
  return {
    operation: view.getUint8(HeaderLayout.operation),
    status: view.getUint16(HeaderLayout.status, true),
    count: view.getUint32(HeaderLayout.count, true),
    bodySize: view.getUint32(HeaderLayout.bodySize, true),
    request: view.getBigUint64(HeaderLayout.request, true),
    timestamp: view.getBigUint64(HeaderLayout.timestamp, true),
  };
}

/**
 * Parses a frame that a client sent. Never throws; a refusal carries the status to answer.
 * @param understands whether this server takes the operation
 */
export function parseRequest(
  bytes: Uint8Array,
  understands: (shape: OperationShape, operation: number) => boolean = () => true,
): RequestFrame | Refusal {
  const header = parseHeader(bytes);
  if ('kind' in header) return header;
  const { operation, status, count, request, timestamp } = header;
  if (status !== 0) {
    return refuse('malformed_frame', operation, request, `status of a request: expected 0, got ${status}`);
  }
  if (timestamp !== 0n) {
    return refuse(
      'malformed_frame',
      operation,
      request,
      `timestamp of a request: expected 0, got ${timestamp}`,
    );
  }
  const shape = operationShape(operation);
  if (shape === undefined) {
    return refuse('unknown_operation', operation, request, `operation: expected ${KNOWN}, got ${operation}`);
  }
  if (!understands(shape, operation)) {
    const message = `operation: expected one that this server takes, got ${operation} (${shape.name})`;
    return refuse('unknown_operation', operation, request, message);
  }
  if (shape.kind === 'write' && request === 0n) {
    return refuse(
      'malformed_frame',
      operation,
      request,
      `request number of ${shape.name}: expected 1 or more, got 0`,
    );
  }
  const mismatch = bodyMismatch(bytes, header, shape, shape.requestSize);
  if (mismatch !== undefined) return refuse('body_size_mismatch', operation, request, mismatch);
  if (count > shape.countMax) {
    const message = `records of ${shape.name}: expected at most ${shape.countMax}, got ${count}`;
    return refuse('too_many_records', operation, request, message);
  }
  if (count < shape.countMin) {
    const message = `records of ${shape.name}: expected at least ${shape.countMin}, got ${count}`;
    return refuse('too_few_records', operation, request, message);
  }
  return { kind: 'request', operation, shape, count, request, body: bytes.subarray(HEADER_SIZE) };
}

/** Parses a frame that a server sent. Never throws; the code of a refusal is only for the client's own message. */
export function parseReply(bytes: Uint8Array): ReplyFrame | Refusal {
  const header = parseHeader(bytes);
  if ('kind' in header) return header;
  const { operation, status, count, bodySize, request, timestamp } = header;
  const body = bytes.subarray(HEADER_SIZE);
  if (status !== RequestStatus.ok) {
    const name = requestStatusName(status) ?? `status ${status}`;
    if (bodySize !== body.length || count !== 0) {
      const message = `${name}: expected 0 records and ${bodySize} bytes of text, got ${count} and ${body.length}`;
      return refuse('body_size_mismatch', operation, request, message);
    }
    return { kind: 'reply', operation, status, count, request, timestamp, body };
  }
  const shape = operationShape(operation);
  if (shape === undefined) {
    return refuse('unknown_operation', operation, request, `operation: expected ${KNOWN}, got ${operation}`);
  }
  const mismatch = bodyMismatch(bytes, header, shape, shape.replySize);
  if (mismatch !== undefined) return refuse('body_size_mismatch', operation, request, mismatch);
  if (count > shape.replyCountMax) {
    const message = `records of the reply to ${shape.name}: expected at most ${shape.replyCountMax}, got ${count}`;
    return refuse('too_many_records', operation, request, message);
  }
  return { kind: 'reply', operation, status, count, request, timestamp, body };
}

const KNOWN = `one of ${Object.entries(RequestOperation)
  .map(([name, number]) => `${number} (${name})`)
  .join(', ')} or a message operation (32 to 127)`;

function bodyMismatch(
  bytes: Uint8Array,
  header: Header,
  { name, kind }: OperationShape,
  recordSize: number,
): string | undefined {
  const came = bytes.length - HEADER_SIZE;
  if (header.bodySize !== came)
    return `body of ${name}: expected the ${header.bodySize} bytes it announces, got ${came}`;
  if (kind === 'message') {
    const mismatch = messagesMismatch(bytes.subarray(HEADER_SIZE), header.count);
    return mismatch && `body of ${name}: ${mismatch}`;
  }
  const expected = header.count * recordSize;
  if (came === expected) return undefined;
  return `body of ${name}: expected ${header.count} records of ${recordSize} bytes (${expected}), got ${came}`;
}

function refuse(code: RequestStatusName, operation: number, request: bigint, message: string): Refusal {
  return { kind: 'refusal', code, operation, request, message };
}

/** A refusal of a frame that is right in itself. */
export function refuseFrame(frame: RequestFrame, code: RequestStatusName, message: string): Refusal {
  return refuse(code, frame.operation, frame.request, `${operationName(frame.operation)}: ${message}`);
}
