import { CreateResultLayout, RECORD_SIZE, REF_INDEX_BITS, SEGMENT_RECORDS_MAX } from '../layout/generated.ts';
import { recordSizeOf } from '../layout/record-size.ts';
import { decodeEffect, type Effect } from './effect.ts';
import { JournalError } from './errors.ts';
import {
  headerCount,
  headerOperation,
  headerTimestamp,
  RESULT_SIZE,
  segmentCount,
  segmentRecords,
} from './format.ts';
import type { JournalReader } from './journal.ts';

export { decodeEffect, type Effect, type EffectBalances } from './effect.ts';

const REF_INDEX_COUNT = 2 ** REF_INDEX_BITS;

/** What became of a record; `effect` is where in its segment its effect starts, 0: it has none. */
export interface StoredResult {
  readonly timestamp: bigint;
  readonly status: number;
  readonly effect: number;
}

/**
 * Records by ref, with the last segment kept: records that follow each other cost one read in 256. All methods throw
 * JournalError `journal_corrupt` for a ref that is not in the journal.
 */
export class RecordReader {
  readonly #journal: JournalReader;
  // A copy (5 µs for a full segment): what the journal returns lives only until the next read of any store.
  #segment = Buffer.alloc(0);
  #view = new DataView(this.#segment.buffer);
  #op = 0;
  #count = 0;
  #recordSize = RECORD_SIZE;
  #index = -1;
  #records = 0;

  constructor(journal: JournalReader) {
    this.#journal = journal;
  }

  /** The first 128 bytes of the record; valid until the next call that needs another segment. */
  readRecord(ref: number): Uint8Array {
    const offset = this.#recordOffset(ref);
    return this.#segment.subarray(offset, offset + RECORD_SIZE);
  }

  /** All of the record, 128 bytes or the 256 of a payment order; valid as long as that of `readRecord`. */
  readWhole(ref: number): Uint8Array {
    const offset = this.#recordOffset(ref);
    return this.#segment.subarray(offset, offset + this.#recordSize);
  }

  /** `readRecord` as a place in a view, which saves a view for each record. */
  locateRecord(ref: number): { readonly view: DataView; readonly offset: number } {
    const offset = this.#recordOffset(ref);
    return { view: this.#view, offset };
  }

  readResult(ref: number): StoredResult {
    const offset = this.#resultOffset(ref);
    return {
      timestamp: this.#view.getBigUint64(offset + CreateResultLayout.timestamp, true),
      status: this.#view.getUint32(offset + CreateResultLayout.status, true),
      effect: this.#view.getUint32(offset + CreateResultLayout.effect, true),
    };
  }

  /** What the record did to its accounts; undefined when it did nothing. */
  readEffect(ref: number): Effect | undefined {
    const offset = this.#view.getUint32(this.#resultOffset(ref) + CreateResultLayout.effect, true);
    return offset === 0 ? undefined : decodeEffect(this.#view, offset);
  }

  #recordOffset(ref: number): number {
    const index = this.#seek(ref);
    return index * this.#recordSize;
  }

  #resultOffset(ref: number): number {
    const index = this.#seek(ref);
    return this.#records * this.#recordSize + index * RESULT_SIZE;
  }

  /** Makes the record's segment current and returns the record's place in it. */
  #seek(ref: number): number {
    const index = ref % REF_INDEX_COUNT;
    const op = (ref - index) / REF_INDEX_COUNT;
    const segment = Math.floor(index / SEGMENT_RECORDS_MAX);
    if (op !== this.#op || segment !== this.#index) this.#load(ref, op, segment);
    const place = index % SEGMENT_RECORDS_MAX;
    if (place >= this.#records) throw this.#missing(ref);
    return place;
  }

  #load(ref: number, op: number, segment: number): void {
    if (op !== this.#op) {
      this.#op = 0;
      const header = this.#journal.readHeaderBytes(op);
      if (header === undefined) throw this.#missing(ref);
      this.#count = headerCount(header);
      this.#recordSize = recordSizeOf(headerOperation(header));
    }
    this.#op = 0;
    if (segment >= segmentCount(this.#count)) throw this.#missing(ref);
    const bytes = this.#journal.readSegment(op, segment);
    if (bytes === undefined) throw this.#missing(ref);
    if (this.#segment.length < bytes.length) this.#segment = Buffer.allocUnsafeSlow(bytes.length * 2);
    this.#segment.set(bytes);
    this.#view = new DataView(this.#segment.buffer, 0, bytes.length);
    this.#op = op;
    this.#index = segment;
    this.#records = segmentRecords(this.#count, segment);
  }

  #missing(ref: number): JournalError {
    const index = ref % REF_INDEX_COUNT;
    return new JournalError(
      'journal_corrupt',
      `ref ${ref}: expected record ${index} of op ${(ref - index) / REF_INDEX_COUNT}, got none`,
    );
  }
}

/**
 * The first entry up to `lastOp` whose timestamp is `timestamp` or later, or lastOp + 1. Its records have the timestamps
 * after the entry before it, up to its own; imported records have times of their own and are found by other means.
 */
export function firstOpAt(
  journal: JournalReader,
  timestamp: bigint,
  lastOp: number = journal.lastOp(),
): number {
  let low = 1;
  let high = lastOp + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const header = journal.readHeaderBytes(middle);
    if (header === undefined) {
      throw new JournalError('journal_corrupt', `op ${middle}: expected a header, got none`);
    }
    if (headerTimestamp(header) < timestamp) low = middle + 1;
    else high = middle;
  }
  return low;
}
