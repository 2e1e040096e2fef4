import { CreateResultLayout, OperationNames, TIMESTAMP_MAX } from '../layout/generated.ts';
import { recordSizeOf } from '../layout/record-size.ts';
import { effectSize } from './effect.ts';
import { JournalError } from './errors.ts';
import {
  DIGEST_SIZE,
  type EntryHeader,
  FormatError,
  HEADER_SIZE,
  headerDigest,
  NO_DIGEST,
  RESULT_SIZE,
  readHeader,
  segmentEffectsOffset,
  segmentRecords,
  sha256,
} from './format.ts';
import type { JournalReader, JournalTip } from './journal.ts';

/** What broke: the kind decides what an operator can do. */
export const FINDING_ADVICE = {
  entry_missing: 'copy the missing entries back from another copy of this journal',
  part_missing: 'copy this entry back from another copy of this journal',
  extra_part:
    'bytes that no entry accounts for were written by something else; restore the journal from a copy',
  extra_entry: 'something else wrote to this journal; restore it from a copy',
  header_damaged: 'copy this entry back from another copy of this journal and check the disk',
  segment_damaged: 'copy this entry back from another copy of this journal and check the disk',
  chain_broken: 'this entry or the one before it belongs to another journal; restore both from one copy',
  order_broken: 'entries are not where they were written; restore the journal from a copy',
  content_wrong:
    'the bytes are as they were written, so the engine wrote them wrong: keep the store, report it',
  tip_behind: 'acknowledged entries are gone from the end; restore the journal from a newer copy',
} as const;

export type FindingKind = keyof typeof FINDING_ADVICE;

export interface Finding {
  readonly kind: FindingKind;
  readonly op: number;
  /** 0: the header, k: segment k - 1. */
  readonly part: number;
  /** Bytes of that part's value, from start to before end. */
  readonly byteRange: readonly [start: number, end: number];
  readonly what: string;
  readonly advice: string;
}

/** Where an entry is not what it has to be. */
export class Break extends Error {
  override readonly name = 'Break';
  readonly finding: Finding;

  constructor(
    kind: FindingKind,
    op: number,
    part: number,
    byteRange: readonly [number, number],
    what: string,
  ) {
    const place = part === 0 ? 'header' : `segment ${part - 1}`;
    super(`op ${op}, ${place}, bytes ${byteRange[0]} to ${byteRange[1]}: ${what}`);
    this.finding = { kind, op, part, byteRange, what, advice: FINDING_ADVICE[kind] };
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function hex(digest: Uint8Array): string {
  return Buffer.from(digest).toString('hex', 0, 8);
}

/** Checks single entries against the one before. */
export class EntryChecker {
  readonly #journal: JournalReader;
  /** Sizes of all segments of the entry that was checked last. */
  bytes = 0;

  constructor(journal: JournalReader) {
    this.#journal = journal;
  }

  /** Throws Break at the first thing that is wrong. */
  check(op: number, before: JournalTip | EntryHeader): EntryHeader {
    const parts = this.#journal.readParts(op);
    if (parts.length === 0) throw new Break('entry_missing', op, 0, [0, 0], 'expected an entry, got none');
    if (parts[0] !== 0)
      throw new Break('part_missing', op, 0, [0, 0], 'expected a header, got segments alone');
    const header = this.#checkHeader(op, before);
    for (let part = 1; part <= header.segments; part++) {
      if (parts[part] !== part) {
        const what = `expected ${header.segments} segments, got parts ${parts.join(', ')}`;
        throw new Break('part_missing', op, part, [0, 0], what);
      }
    }
    const extra = parts[header.segments + 1];
    if (extra !== undefined) {
      throw new Break('extra_part', op, extra, [0, 0], `expected ${header.segments} segments, got one more`);
    }
    this.bytes = 0;
    let effects = 0;
    for (let segment = 0; segment < header.segments; segment++)
      effects += this.#checkSegment(header, segment);
    if (effects !== header.effectsSize) {
      throw new Break(
        'content_wrong',
        op,
        0,
        [56, 60],
        `expected ${effects} bytes of effects, got ${header.effectsSize}`,
      );
    }
    return header;
  }

  #checkHeader(op: number, before: JournalTip | EntryHeader): EntryHeader {
    const bytes = this.#journal.readHeaderBytes(op);
    if (bytes === undefined) throw new Break('part_missing', op, 0, [0, 0], 'expected a header, got none');
    let header: EntryHeader;
    try {
      header = readHeader(bytes);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      throw new Break('header_damaged', op, 0, [error.start, error.end], error.message);
    }
    const digest = headerDigest(bytes);
    if (!sameBytes(digest, header.digest)) {
      const what = `digest: expected ${hex(digest)}…, got ${hex(header.digest)}…`;
      throw new Break('header_damaged', op, 0, [0, bytes.length], what);
    }
    // From here on the bytes are those of some entry; the question is whether of this one.
    if (header.op !== op) {
      throw new Break('order_broken', op, 0, [16, 24], `expected op ${op}, got op ${header.op}`);
    }
    if (!sameBytes(header.previousDigest, before.digest)) {
      const what = `previous digest: expected ${hex(before.digest)}…, got ${hex(header.previousDigest)}…`;
      throw new Break('chain_broken', op, 0, [64, 96], what);
    }
    if (header.timestamp <= before.timestamp || header.timestamp > TIMESTAMP_MAX) {
      const what = `timestamp: expected one after ${before.timestamp}, got ${header.timestamp}`;
      throw new Break('content_wrong', op, 0, [24, 32], what);
    }
    if (!OperationNames.has(header.operation)) {
      throw new Break(
        'content_wrong',
        op,
        0,
        [10, 12],
        `operation: expected a known one, got ${header.operation}`,
      );
    }
    return header;
  }

  /** Returns the bytes of the segment's effects. */
  #checkSegment(header: EntryHeader, segment: number): number {
    const { op } = header;
    const part = segment + 1;
    const bytes = this.#journal.readSegment(op, segment);
    if (bytes === undefined)
      throw new Break('part_missing', op, part, [0, 0], 'expected a segment, got none');
    this.bytes += bytes.length;
    const digest = sha256(bytes);
    const expected = header.segmentDigests.subarray(segment * DIGEST_SIZE, part * DIGEST_SIZE);
    if (!sameBytes(digest, expected)) {
      const what = `digest: expected ${hex(expected)}…, got ${hex(digest)}…`;
      throw new Break('segment_damaged', op, part, [0, bytes.length], what);
    }
    const records = segmentRecords(header.count, segment);
    const effectsOffset = segmentEffectsOffset(records, recordSizeOf(header.operation));
    if (bytes.length < effectsOffset) {
      const what = `expected ${effectsOffset} bytes for ${records} records, got ${bytes.length}`;
      throw new Break('content_wrong', op, part, [0, bytes.length], what);
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let i = 0; i < records; i++) {
      const result = effectsOffset - (records - i) * RESULT_SIZE;
      const effect = view.getUint32(result + CreateResultLayout.effect, true);
      if (effect === 0) continue;
      if (effect < effectsOffset) {
        const what = `result ${i}: expected its effect at ${effectsOffset} or later, got ${effect}`;
        throw new Break('content_wrong', op, part, [result, result + RESULT_SIZE], what);
      }
      try {
        effectSize(view, effect);
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
        throw new Break('content_wrong', op, part, [error.start, error.end], `result ${i}: ${error.message}`);
      }
    }
    return bytes.length - effectsOffset;
  }
}

export interface VerifyOptions {
  /** First op to check; the header before it is taken as it is. Default 1. */
  readonly fromOp?: number;
  /** Last op to check. Default: the end. */
  readonly toOp?: number;
  /** An entry that is known from elsewhere, a checkpoint for instance: it must be there with this digest. */
  readonly known?: { readonly op: number; readonly digest: Uint8Array };
  /** Called every few entries with the last op that is proved. */
  readonly onProgress?: (op: number, toOp: number) => void;
}

/** What holds: entries from fromOp to toOp are whole, in order, and chained. */
export interface Proof {
  readonly fromOp: number;
  /** fromOp - 1: nothing. */
  readonly toOp: number;
  readonly records: number;
  /** Of headers and segments. */
  readonly bytes: number;
  /** Timestamp and digest of entry toOp. */
  readonly timestamp: bigint;
  readonly digest: Uint8Array;
}

/** Without a finding, all that was asked for is proved. */
export interface Verification {
  readonly proof: Proof;
  readonly finding?: Finding;
}

// 64 full entries are about 0.1 s of work, after which others get a turn.
const ENTRIES_A_TURN = 64;

/**
 * Re-reads entries in order and checks keys, headers, continuity, digests, the chain, and that effects lie within their
 * segments. Stops at the first break. It does not run the batches again: replay does.
 */
export async function verifyChain(
  journal: JournalReader,
  options: VerifyOptions = {},
): Promise<Verification> {
  const { fromOp = 1, known, onProgress } = options;
  journal.refresh();
  const checker = new EntryChecker(journal);
  let before: JournalTip | EntryHeader = { op: 0, timestamp: 0n, digest: NO_DIGEST };
  let records = 0;
  let bytes = 0;
  let proved = fromOp - 1;
  const proof = (): Proof => ({
    fromOp,
    toOp: proved,
    records,
    bytes,
    timestamp: before.timestamp,
    digest: before.digest,
  });
  let toOp = 0;
  try {
    const lastOp = journal.lastOp();
    toOp = options.toOp ?? lastOp;
    if (fromOp > 1) {
      const header = journal.readHeader(fromOp - 1);
      if (header === undefined) {
        throw new Break(
          'entry_missing',
          fromOp - 1,
          0,
          [0, 0],
          'expected the entry before the first one, got none',
        );
      }
      before = header;
    } else if (journal.nextOp(-1) === 0) {
      throw new Break('extra_entry', 0, journal.readParts(0)[0] ?? 0, [0, 0], 'expected no op 0, got one');
    }
    for (let op = fromOp; op <= toOp; op++) {
      const header = checker.check(op, before);
      if (known !== undefined && known.op === op && !sameBytes(known.digest, header.digest)) {
        const what = `digest: expected ${hex(known.digest)}… as known from elsewhere, got ${hex(header.digest)}…`;
        throw new Break('chain_broken', op, 0, [96, 128], what);
      }
      before = header;
      proved = op;
      records += header.count;
      bytes += checker.bytes + HEADER_SIZE + header.segmentDigests.length;
      if ((op - fromOp) % ENTRIES_A_TURN === ENTRIES_A_TURN - 1) {
        onProgress?.(op, toOp);
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    if (known !== undefined && known.op > lastOp) {
      throw new Break(
        'tip_behind',
        known.op,
        0,
        [0, 0],
        `expected entry ${known.op}, but the journal ends at ${lastOp}`,
      );
    }
  } catch (error) {
    if (error instanceof Break) return { proof: proof(), finding: error.finding };
    if (error instanceof JournalError && error.code === 'journal_corrupt') {
      // A key that no op has: where entries begin and end cannot be told any more.
      const { finding } = new Break('extra_entry', proved + 1, 0, [0, 0], error.message);
      return { proof: proof(), finding };
    }
    throw error;
  }
  onProgress?.(proved, toOp);
  return { proof: proof() };
}
