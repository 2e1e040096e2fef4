// A journal entry: one header and its segments, each a value of its own.
//
//     key:     0           6      8
//              ┌───────────┬──────┐     big-endian, so that keys sort in the order of the journal;
//              │ op        │ part │     part 0 is the header, part k is segment k - 1
//              └───────────┴──────┘
//
//     header:  0          8    10    12     16      24         32         48       56      60       64
//              ┌──────────┬────┬─────┬──────┬───────┬──────────┬──────────┬────────┬───────┬────────┐
//              │ SPECJRNL │ver.│oper.│count │ op    │timestamp │ session  │request │effects│segments│
//              ├──────────┴────┴─────┴──────┼───────┴──────────┼──────────┴────────┴───────┴────────┤
//           64 │ previous entry's digest    │ digest           │ zero                           256 │
//              ├────────────────────────────┼──────────────────┼────────────────────────────────────┤
//          256 │ digest of segment 0        │ of segment 1     │ … 32 bytes each                    │
//              └────────────────────────────┴──────────────────┴────────────────────────────────────┘
//
//     segment: 0                n*size          n*(size + 16)
//              ┌────────────────┬───────────────┬─────────────┐     n: 256, in the last segment what is left
//              │ n records      │ n results     │ effects     │
//              └────────────────┴───────────────┴─────────────┘     size: 128, of payment orders 256
//
// All numbers in values are little-endian. Digests are SHA-256: of a segment's bytes; of an entry's header with its own
// digest taken as zeros, so that it covers the segments' digests and, through the previous one, all entries before.
import { createHash, hash } from 'node:crypto';
import {
  BATCH_RECORDS_MAX,
  CreateResultLayout,
  OP_MAX as LAYOUT_OP_MAX,
  SEGMENT_RECORDS_MAX,
} from '../layout/generated.ts';
import { recordsMaxOf } from '../layout/record-size.ts';
import { readU128, writeU128 } from '../shared/bytes.ts';
import type { JournalEntry, JournalTip } from './journal.ts';

export const KEY_SIZE = 8;
export const HEADER_SIZE = 256;
export const DIGEST_SIZE = 32;
export const RESULT_SIZE = CreateResultLayout.size;
export const FORMAT_VERSION = 1;
/** Segments of a full batch. */
export const SEGMENTS_MAX = Math.ceil(BATCH_RECORDS_MAX / SEGMENT_RECORDS_MAX);
export const HEADER_SIZE_MAX = HEADER_SIZE + SEGMENTS_MAX * DIGEST_SIZE;
/** As a number, like all ops here. */
export const OP_MAX = Number(LAYOUT_OP_MAX);
export const NO_DIGEST: Uint8Array = new Uint8Array(DIGEST_SIZE);

const MAGIC = new TextEncoder().encode('SPECJRNL');
const PREVIOUS_DIGEST_OFFSET = 64;
const ENTRY_DIGEST_OFFSET = 96;
const RESERVED_OFFSET = 128;

export interface EntryHeader {
  readonly version: number;
  /** One of `Operation`. */
  readonly operation: number;
  readonly count: number;
  readonly op: number;
  /** Nanoseconds. */
  readonly timestamp: bigint;
  readonly session: bigint;
  readonly request: bigint;
  /** Bytes of all segments' effects. */
  readonly effectsSize: number;
  readonly segments: number;
  readonly previousDigest: Uint8Array;
  readonly digest: Uint8Array;
  /** `segments` digests of 32 bytes, one after the other. */
  readonly segmentDigests: Uint8Array;
}

/** Bytes that are not what the format says; `start` and `end` bound them inside the value. */
export class FormatError extends Error {
  override readonly name = 'FormatError';
  readonly start: number;
  readonly end: number;

  constructor(message: string, start: number, end: number) {
    super(message);
    this.start = start;
    this.end = end;
  }
}

export function segmentCount(count: number): number {
  return Math.ceil(count / SEGMENT_RECORDS_MAX);
}

/** Records in one segment of an entry of `count` records. */
export function segmentRecords(count: number, segment: number): number {
  return Math.min(SEGMENT_RECORDS_MAX, count - segment * SEGMENT_RECORDS_MAX);
}

export function writeKey(target: Buffer, op: number, part: number): Buffer {
  target.writeUIntBE(op, 0, 6);
  target.writeUInt16BE(part, 6);
  return target;
}

export function sha256(bytes: Uint8Array): Uint8Array {
  return hash('sha256', bytes, 'buffer');
}

/**
 * Writes the header of `entry` and returns its digest. `target` holds exactly HEADER_SIZE + segments × DIGEST_SIZE bytes
 * and has the segments' digests in place already.
 */
export function writeHeader(
  target: Uint8Array,
  entry: JournalEntry,
  effectsSize: number,
  previous: JournalTip,
): Uint8Array {
  const view = new DataView(target.buffer, target.byteOffset, target.byteLength);
  target.fill(0, 0, HEADER_SIZE);
  target.set(MAGIC, 0);
  view.setUint16(8, FORMAT_VERSION, true);
  view.setUint16(10, entry.operation, true);
  view.setUint32(12, entry.count, true);
  view.setBigUint64(16, BigInt(entry.op), true);
  view.setBigUint64(24, entry.timestamp, true);
  writeU128(view, 32, entry.session, 'JournalEntry.session');
  view.setBigUint64(48, entry.request, true);
  view.setUint32(56, effectsSize, true);
  view.setUint32(60, segmentCount(entry.count), true);
  target.set(previous.digest, PREVIOUS_DIGEST_OFFSET);
  const digest = sha256(target);
  target.set(digest, ENTRY_DIGEST_OFFSET);
  return digest;
}

/** The digest that a header's bytes should carry. */
export function headerDigest(bytes: Uint8Array): Uint8Array {
  return createHash('sha256')
    .update(bytes.subarray(0, ENTRY_DIGEST_OFFSET))
    .update(NO_DIGEST)
    .update(bytes.subarray(ENTRY_DIGEST_OFFSET + DIGEST_SIZE))
    .digest();
}

/**
 * Reads a header's fields; digests are copies. Checks the shape alone: magic, version, sizes that agree with each other,
 * reserved bytes. Throws FormatError.
 */
export function readHeader(bytes: Uint8Array): EntryHeader {
  if (bytes.length < HEADER_SIZE || bytes.length > HEADER_SIZE_MAX) {
    throw new FormatError(
      `header: expected ${HEADER_SIZE} to ${HEADER_SIZE_MAX} bytes, got ${bytes.length}`,
      0,
      bytes.length,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (!MAGIC.every((byte, i) => bytes[i] === byte)) {
    throw new FormatError('header: expected it to begin with "SPECJRNL"', 0, 8);
  }
  const version = view.getUint16(8, true);
  if (version !== FORMAT_VERSION) {
    throw new FormatError(`version: expected ${FORMAT_VERSION}, got ${version}`, 8, 10);
  }
  const operation = view.getUint16(10, true);
  const count = view.getUint32(12, true);
  const countMax = recordsMaxOf(operation);
  if (count > countMax) throw new FormatError(`count: expected at most ${countMax}, got ${count}`, 12, 16);
  const op = view.getBigUint64(16, true);
  if (op < 1n || op > BigInt(OP_MAX)) throw new FormatError(`op: expected 1 to ${OP_MAX}, got ${op}`, 16, 24);
  const segments = view.getUint32(60, true);
  if (segments !== segmentCount(count)) {
    throw new FormatError(
      `segments: expected ${segmentCount(count)} for ${count} records, got ${segments}`,
      60,
      64,
    );
  }
  const size = HEADER_SIZE + segments * DIGEST_SIZE;
  if (bytes.length !== size) {
    throw new FormatError(
      `header: expected ${size} bytes for ${segments} segments, got ${bytes.length}`,
      0,
      bytes.length,
    );
  }
  for (let i = RESERVED_OFFSET; i < HEADER_SIZE; i++) {
    if (bytes[i] !== 0) throw new FormatError(`reserved byte: expected 0, got ${bytes[i]}`, i, i + 1);
  }
  return {
    version,
    operation,
    count,
    op: Number(op),
    timestamp: view.getBigUint64(24, true),
    session: readU128(view, 32),
    request: view.getBigUint64(48, true),
    effectsSize: view.getUint32(56, true),
    segments,
    previousDigest: Uint8Array.from(bytes.subarray(PREVIOUS_DIGEST_OFFSET, ENTRY_DIGEST_OFFSET)),
    digest: Uint8Array.from(bytes.subarray(ENTRY_DIGEST_OFFSET, RESERVED_OFFSET)),
    segmentDigests: Uint8Array.from(bytes.subarray(HEADER_SIZE)),
  };
}

/** `operation`, `count` and `timestamp` of a header without the rest, for searches. */
export function headerOperation(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint16(10, true);
}

export function headerCount(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(12, true);
}

export function headerTimestamp(bytes: Uint8Array): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(24, true);
}

/** Bytes of a segment before its effects; `recordSize` bytes a record. */
export function segmentEffectsOffset(records: number, recordSize: number): number {
  return records * (recordSize + RESULT_SIZE);
}
