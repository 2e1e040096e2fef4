// What makes a checkpoint the current one: a single record, written last. Pages are stored under the number of their
// checkpoint, so that those of an unfinished one never stand in for the current one's.
import { StateStoreError } from './errors.ts';
import { openValue, sealValue, sha256 } from './sealed-value.ts';

export interface Checkpoint {
  /** 1, 2, 3 … */
  readonly checkpoint: number;
  /** The operation after which the state was as stored, and its timestamp in nanoseconds. */
  readonly op: number;
  readonly timestamp: bigint;
  /** The kernel's Globals. */
  readonly globals: Uint8Array;
  /** Digest of the journal's entry `op`: a journal with another history does not fit this state. */
  readonly digest: Uint8Array;
  /** Pages of each table, in order of the Table enum. */
  readonly pageCounts: readonly number[];
  /** The sessions as the ledger encodes them. */
  readonly sessions: Uint8Array;
}

export type CheckpointHead = Omit<Checkpoint, 'sessions'>;

interface Stored {
  readonly checkpoint: number;
  readonly op: number;
  readonly timestamp: string;
  readonly globals: string;
  readonly digest: string;
  readonly pageCounts: readonly number[];
  readonly sessionsBytes: number;
  readonly sessionsSha256: string;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));

export function encodeCheckpoint(record: Checkpoint): Buffer {
  const stored: Stored = {
    checkpoint: record.checkpoint,
    op: record.op,
    timestamp: String(record.timestamp),
    globals: hex(record.globals),
    digest: hex(record.digest),
    pageCounts: record.pageCounts,
    sessionsBytes: record.sessions.length,
    sessionsSha256: hex(sha256(record.sessions)),
  };
  return sealValue(stored);
}

export interface OpenedCheckpoint {
  readonly head: CheckpointHead;
  readonly sessionsBytes: number;
  /** Throws StateStoreError `state_corrupt` for other bytes than those that were stored. */
  checkSessions(bytes: Uint8Array): void;
}

export function decodeCheckpoint(bytes: Uint8Array): OpenedCheckpoint {
  const stored = openValue(bytes, 'checkpoint record') as Stored;
  return {
    head: {
      checkpoint: stored.checkpoint,
      op: stored.op,
      timestamp: BigInt(stored.timestamp),
      globals: bytesOf(stored.globals),
      digest: bytesOf(stored.digest),
      pageCounts: stored.pageCounts,
    },
    sessionsBytes: stored.sessionsBytes,
    checkSessions(sessions) {
      if (hex(sha256(sessions)) !== stored.sessionsSha256) {
        throw new StateStoreError(
          'state_corrupt',
          `checkpoint ${stored.checkpoint}: expected sessions with SHA-256 ${stored.sessionsSha256}, got others`,
        );
      }
    },
  };
}
