// Executes journal entries again. Execution is deterministic, so the stored records, results and effects must come out
// as the journal has them, byte for byte: recovery and verification both rest on that.

import { DIGEST_SIZE, type EntryHeader, RESULT_SIZE, segmentRecords, sha256 } from '../journal/format.ts';
import type { JournalReader } from '../journal/journal.ts';
import type { LedgerKernel } from '../kernel/ledger-kernel.ts';
import {
  SEGMENT_RECORDS_MAX,
  SLOT_EFFECTS_OFFSET,
  SLOT_EVENTS_OFFSET,
  SLOT_RESULTS_OFFSET,
  SLOT_SEGMENT_ENDS_OFFSET,
} from '../layout/generated.ts';
import { recordSizeOf } from '../layout/record-size.ts';

/** The journal and its execution disagree, or an entry is damaged. */
export class ReplayError extends Error {
  override readonly name = 'ReplayError';
  readonly op: number;
  readonly segment: number | undefined;

  constructor(op: number, segment: number | undefined, what: string) {
    super(`operation ${op}${segment === undefined ? '' : `, segment ${segment}`}: ${what}`);
    this.op = op;
    this.segment = segment;
  }
}

/** Segments of one entry, one after the other, as they are stored. */
const SEGMENT_SIZE_MAX = 128 * 1024;

export class Replay {
  readonly #journal: JournalReader;
  readonly #kernel: LedgerKernel;
  readonly #slot: number;
  readonly #stored: Buffer[] = [];

  /** `slot` has room for 8,190 records and is the replay's own while it runs. */
  constructor(journal: JournalReader, kernel: LedgerKernel, slot: number) {
    this.#journal = journal;
    this.#kernel = kernel;
    this.#slot = slot;
  }

  /** Loads entry `op` into the slot and checks its digests. Throws ReplayError. */
  load(op: number): EntryHeader {
    const header = this.#journal.readHeader(op);
    if (header === undefined) throw new ReplayError(op, undefined, 'expected an entry, found none');
    for (let segment = 0; segment < header.segments; segment++) this.#loadSegment(header, segment);
    return header;
  }

  #loadSegment(header: EntryHeader, segment: number): void {
    const { op } = header;
    const bytes = this.#journal.readSegment(op, segment);
    if (bytes === undefined) throw new ReplayError(op, segment, 'expected a segment, found none');
    const expected = header.segmentDigests.subarray(segment * DIGEST_SIZE, (segment + 1) * DIGEST_SIZE);
    if (Buffer.compare(sha256(bytes), expected) !== 0) {
      throw new ReplayError(op, segment, 'its SHA-256 is not the one in the header: run `specie verify`');
    }
    const records = segmentRecords(header.count, segment);
    const size = recordSizeOf(header.operation);
    let kept = this.#stored[segment];
    if (kept === undefined || kept.buffer.byteLength < bytes.length) {
      kept = Buffer.allocUnsafeSlow(Math.max(bytes.length, SEGMENT_SIZE_MAX));
    }
    const stored = Buffer.from(kept.buffer, 0, bytes.length);
    stored.set(bytes);
    this.#stored[segment] = stored;
    const at = this.#slot + SLOT_EVENTS_OFFSET + segment * SEGMENT_RECORDS_MAX * size;
    this.#kernel.bytes(at, records * size).set(stored.subarray(0, records * size));
    // A record that was created carries the timestamp it was given; the results tell the kernel which ones those are.
    const results = this.#slot + SLOT_RESULTS_OFFSET + segment * SEGMENT_RECORDS_MAX * RESULT_SIZE;
    const resultsSize = records * RESULT_SIZE;
    this.#kernel
      .bytes(results, resultsSize)
      .set(stored.subarray(records * size, records * size + resultsSize));
  }

  /** Executes what `load` has loaded and compares. Throws ReplayError. */
  execute(header: EntryHeader): void {
    const { op, operation, timestamp, count } = header;
    const size = recordSizeOf(operation);
    this.#kernel.execute(operation, op, timestamp, this.#slot, count, true);
    for (let segment = 0, start = 0; segment < header.segments; segment++) {
      const stored = this.#stored[segment]!;
      const records = segmentRecords(count, segment);
      const first = segment * SEGMENT_RECORDS_MAX;
      const end = this.#kernel.u32(this.#slot + SLOT_SEGMENT_ENDS_OFFSET + segment * 4);
      const parts = [
        ['records', SLOT_EVENTS_OFFSET + first * size, records * size],
        ['results', SLOT_RESULTS_OFFSET + first * RESULT_SIZE, records * RESULT_SIZE],
        ['effects', SLOT_EFFECTS_OFFSET + start, end - start],
      ] as const;
      let at = 0;
      for (const [what, offset, length] of parts) {
        const made = this.#kernel.bytes(this.#slot + offset, length);
        if (Buffer.compare(made, stored.subarray(at, at + length)) !== 0) {
          throw new ReplayError(op, segment, `executing it again gave other ${what} than the journal has`);
        }
        at += length;
      }
      if (at !== stored.length)
        throw new ReplayError(op, segment, `expected ${at} bytes, got ${stored.length}`);
      start = end;
    }
  }
}
