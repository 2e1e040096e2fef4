import type { EntryHeader } from './format.ts';

/** One batch that is to be written: what the journal needs to know beside the bytes in the slot. */
export interface JournalEntry {
  /** Consecutive: the first one of a group is the tip's op + 1. */
  readonly op: number;
  /** One of `Operation`. */
  readonly operation: number;
  /** Nanoseconds, greater than that of the entry before. */
  readonly timestamp: bigint;
  /** Records in the slot, 0 to BATCH_RECORDS_MAX. */
  readonly count: number;
  /** u128; 0n: the entry belongs to no session. */
  readonly session: bigint;
  /** u64 */
  readonly request: bigint;
  /** Byte address of the slot (see assembly/layout/slot.ts) in the shared memory. */
  readonly slot: number;
}

/** The newest entry. An empty journal has op 0, timestamp 0n and a digest of zeros. */
export interface JournalTip {
  readonly op: number;
  readonly timestamp: bigint;
  readonly digest: Uint8Array;
}

/** The reads of a journal; each thread that reads has its own. */
export interface JournalReader {
  /** The header of entry `op`, or undefined when there is none. Throws JournalError `journal_corrupt`. */
  readHeader(op: number): EntryHeader | undefined;

  /**
   * Records, results and effects of a segment (see format.ts), or undefined when there is none. The bytes are valid
   * until this thread reads from any LMDB store again.
   */
  readSegment(op: number, segment: number): Uint8Array | undefined;

  /** The header's bytes as they are stored; valid as long as those of `readSegment`. */
  readHeaderBytes(op: number): Uint8Array | undefined;

  /** The highest op that anything is stored under; 0: none. */
  lastOp(): number;

  /** The lowest op above `after` that anything is stored under. */
  nextOp(after: number): number | undefined;

  /** The parts stored under `op`, rising: 0 is the header, k the segment k - 1. */
  readParts(op: number): number[];

  /** Lets the reads of this thread see everything that was appended up to now. */
  refresh(): void;

  close(): Promise<void>;
}

/**
 * The log of all batches: the truth that everything else is derived from. One process writes to it. A replicated log
 * can stand behind the same calls.
 */
export interface Journal extends JournalReader {
  /** 16 random bytes, drawn when the journal was created. */
  readonly identity: Uint8Array;
  readonly tip: JournalTip;

  /**
   * Stores the entries, all or none, and resolves with the new tip when they are flushed. The slots are read while this
   * runs and must not change until it settles. One call at a time.
   *
   * Rejects with JournalError: `journal_full` and `journal_io` stored nothing and may be tried again; `journal_unknown`
   * leaves the outcome open until the journal is opened again; `journal_misuse` for entries that do not follow the tip.
   */
  append(memory: SharedArrayBuffer, entries: readonly JournalEntry[]): Promise<JournalTip>;
}
