// The journal's thread: takes batches out of shared memory, hashes them, chains them, and stores a group of them in one
// flushed transaction.
//
//     shared memory                     this thread                                      LMDB
//     ┌ slot ──────────┐   copy   ┌ bytes ─────────────────────────┐   put    ┌ entries ───────────┐
//     │ events, results│ ───────▶ │ segment 0 │ segment 1 │ …      │ ───────▶ │ header, segments … │ commit, flush
//     │ effects        │          ├ headers ───────────────────────┤          └────────────────────┘
//     └────────────────┘          │ header │ digests of segments   │
//                                 └────────────────────────────────┘
//
// LMDB must never see a view of shared memory (it takes the address of the wrong buffer and crashes), hence the copy.
import { statfsSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { ABORT } from 'lmdb';
import {
  SEGMENT_RECORDS_MAX,
  SLOT_EFFECTS_OFFSET,
  SLOT_EVENTS_OFFSET,
  SLOT_RESULTS_OFFSET,
  SLOT_SEGMENT_ENDS_OFFSET,
  SLOT_SIZE,
} from '../layout/generated.ts';
import { recordSizeOf } from '../layout/record-size.ts';
import { type DiskRoom, NoRoomError } from '../shared/disk-room.ts';
import { diskRoom, type Environment, openEnvironment, PAGE_BYTES, usedBytes } from './environment.ts';
import type { JournalErrorCode } from './errors.ts';
import {
  DIGEST_SIZE,
  HEADER_SIZE,
  KEY_SIZE,
  OP_MAX,
  RESULT_SIZE,
  segmentCount,
  segmentEffectsOffset,
  segmentRecords,
  sha256,
  writeHeader,
  writeKey,
} from './format.ts';
import type { JournalEntry, JournalTip } from './journal.ts';

export interface AppendWorkerData {
  readonly path: string;
  readonly mapSizeBytes: number;
}

export interface AppendTask {
  readonly memory: SharedArrayBuffer;
  readonly entries: readonly JournalEntry[];
  readonly tip: JournalTip;
}

/** Errors lose their class between threads, so a failure is an answer. Times are milliseconds. */
export type AppendAnswer =
  | { readonly tip: JournalTip; readonly usedBytes: number; readonly times: AppendTimes }
  | { readonly code: JournalErrorCode; readonly message: string };

export interface AppendTimes {
  readonly copy: number;
  readonly hash: number;
  readonly put: number;
  readonly commit: number;
}

// An LMDB overflow page carries 24 bytes of its own; branches, leaves and the free list of one group fit the slack.
const OVERFLOW_HEADER_BYTES = 24;
const GROUP_SLACK_PAGES = 64;
const ENTRY_SLACK_PAGES = 4;

const MDB_MAP_FULL = -30792;
const MDB_PANIC = -30795;
// MDB_MAP_FULL, EFBIG, ENOSPC, EDQUOT.
const NO_ROOM_CODES: ReadonlySet<number> = new Set([MDB_MAP_FULL, 27, 28, 122]);

// The largest block that glibc takes as a sign (32 MiB), less a page of LMDB's; a map that would have to grow for it is
// left alone.
const FREED_BLOCK_BYTES = 31 * 2 ** 20;
const FREED_BLOCK_MAP_MIN_BYTES = 2 ** 30;

interface Put {
  readonly op: number;
  readonly part: number;
  readonly value: Buffer;
}

const key = Buffer.alloc(KEY_SIZE);
let environment: Environment | undefined;
let room: DiskRoom | undefined;
let bytes = Buffer.alloc(0);

function settings(): AppendWorkerData {
  // Piscina hands a worker [its own data, ours].
  return Array.isArray(workerData) ? workerData[1] : workerData;
}

class Misuse extends Error {}

/** Throws Misuse unless the slot lies in memory and its segment ends rise within its effects. */
function checkSlot(memory: SharedArrayBuffer, ends: Uint32Array, entry: JournalEntry): void {
  let before = 0;
  for (const [i, end] of ends.entries()) {
    if (end < before || end > SLOT_SIZE - SLOT_EFFECTS_OFFSET) {
      throw new Misuse(
        `segment_ends[${i}] of op ${entry.op}: expected ${before} to ${SLOT_SIZE - SLOT_EFFECTS_OFFSET}, got ${end}`,
      );
    }
    before = end;
  }
  const used = entry.slot + SLOT_EFFECTS_OFFSET + before;
  if (used > memory.byteLength) {
    throw new Misuse(`slot of op ${entry.op}: expected it within ${memory.byteLength} bytes, got ${used}`);
  }
}

function segmentEnds(memory: SharedArrayBuffer, entry: JournalEntry): Uint32Array {
  const start = entry.slot + SLOT_SEGMENT_ENDS_OFFSET;
  const segments = segmentCount(entry.count);
  if (start + segments * 4 > memory.byteLength) {
    throw new Misuse(
      `slot of op ${entry.op}: expected it within ${memory.byteLength} bytes, got ${entry.slot}`,
    );
  }
  const ends = new Uint32Array(memory, start, segments);
  checkSlot(memory, ends, entry);
  return ends;
}

function copySegment(
  target: Buffer,
  memory: SharedArrayBuffer,
  entry: JournalEntry,
  segment: number,
  effectsStart: number,
  effectsEnd: number,
): void {
  const first = segment * SEGMENT_RECORDS_MAX;
  const records = segmentRecords(entry.count, segment);
  const size = recordSizeOf(entry.operation);
  const copy = (to: number, from: number, length: number): void =>
    target.set(new Uint8Array(memory, entry.slot + from, length), to);
  copy(0, SLOT_EVENTS_OFFSET + first * size, records * size);
  copy(records * size, SLOT_RESULTS_OFFSET + first * RESULT_SIZE, records * RESULT_SIZE);
  copy(segmentEffectsOffset(records, size), SLOT_EFFECTS_OFFSET + effectsStart, effectsEnd - effectsStart);
}

interface Group {
  readonly puts: Put[];
  readonly tip: JournalTip;
  /** Upper bound of what the data file grows by. */
  readonly growthBytes: number;
  readonly copyTime: number;
  readonly hashTime: number;
}

function valuePages(size: number): number {
  return Math.ceil((size + OVERFLOW_HEADER_BYTES) / PAGE_BYTES);
}

/** Copies and hashes all entries into `bytes`, which it enlarges as needed. */
function assemble({ memory, entries, tip }: AppendTask): Group {
  const ends = entries.map((entry) => segmentEnds(memory, entry));
  const size = entries.reduce((sum, entry, i) => {
    const segments = segmentCount(entry.count);
    const records = segmentEffectsOffset(entry.count, recordSizeOf(entry.operation));
    return sum + HEADER_SIZE + segments * DIGEST_SIZE + records + (ends[i]?.at(-1) ?? 0);
  }, 0);
  // Slow: a buffer of its own, whose address stays the same from group to group.
  if (bytes.length < size) bytes = Buffer.allocUnsafeSlow(Math.max(size, bytes.length * 2));

  const puts: Put[] = [];
  let used = 0;
  let pages = GROUP_SLACK_PAGES;
  let newest = tip;
  let copyTime = 0;
  let hashTime = 0;
  const take = (length: number): Buffer => {
    const part = bytes.subarray(used, used + length);
    used += length;
    pages += valuePages(length);
    return part;
  };
  for (const [i, entry] of entries.entries()) {
    const segments = segmentCount(entry.count);
    const recordSize = recordSizeOf(entry.operation);
    const entryEnds = ends[i]!;
    const header = take(HEADER_SIZE + segments * DIGEST_SIZE);
    puts.push({ op: entry.op, part: 0, value: header });
    pages += ENTRY_SLACK_PAGES;
    let effectsStart = 0;
    for (let segment = 0; segment < segments; segment++) {
      const effectsEnd = entryEnds[segment]!;
      const value = take(
        segmentEffectsOffset(segmentRecords(entry.count, segment), recordSize) + effectsEnd - effectsStart,
      );
      const start = performance.now();
      copySegment(value, memory, entry, segment, effectsStart, effectsEnd);
      const copied = performance.now();
      header.set(sha256(value), HEADER_SIZE + segment * DIGEST_SIZE);
      hashTime += performance.now() - copied;
      copyTime += copied - start;
      effectsStart = effectsEnd;
      puts.push({ op: entry.op, part: segment + 1, value });
    }
    const digest = writeHeader(header, entry, effectsStart, newest);
    newest = { op: entry.op, timestamp: entry.timestamp, digest };
  }
  return { puts, tip: newest, growthBytes: pages * PAGE_BYTES, copyTime, hashTime };
}

/** What an error of LMDB's means, given that its transaction was not committed. */
function explain(error: unknown, { root }: Environment, neededBytes: number): AppendAnswer {
  const { code, message } = error as { code?: unknown; message?: unknown };
  const text = `append: ${message ?? error}`;
  try {
    root.transactionSync(() => ABORT);
  } catch (refusal) {
    // The page that commits could not be written or taken back: LMDB itself does not know what is on the disk.
    if ((refusal as { code?: unknown }).code === MDB_PANIC) return { code: 'journal_unknown', message: text };
    return { code: 'journal_io', message: `${text}; then ${(refusal as Error).message}` };
  }
  if (typeof code === 'number' && NO_ROOM_CODES.has(code)) return { code: 'journal_full', message: text };
  // A short write, the first sign of a full disk, reaches us as EIO.
  const { bavail, bsize } = statfsSync(settings().path);
  if (bavail * bsize < neededBytes) {
    return { code: 'journal_full', message: `${text}; ${bavail * bsize} bytes are left on the disk` };
  }
  return { code: 'journal_io', message: text };
}

/**
 * Makes the C library keep freed memory for the next group. LMDB allocates every page of a transaction and frees it
 * after; glibc returns that to the system each time, and faulting it in again took 1 of 1.25 ms for each full entry in
 * groups of four. Once it has seen a large block freed it keeps twice as much; LMDB frees one when a transaction with a
 * large value is aborted. Nothing is written.
 */
function keepFreedMemory({ root, entries }: Environment): void {
  root.transactionSync(() => {
    entries.putSync(writeKey(key, OP_MAX, 1), Buffer.alloc(FREED_BLOCK_BYTES));
    return ABORT;
  });
}

function openHere(): Environment {
  const { path, mapSizeBytes } = settings();
  const opened = openEnvironment(path, mapSizeBytes);
  if (mapSizeBytes >= FREED_BLOCK_MAP_MIN_BYTES) keepFreedMemory(opened);
  return opened;
}

/** Opens the environment ahead of the first append. */
export function prepare(): void {
  environment ??= openHere();
}

export function append(task: AppendTask): AppendAnswer {
  const { mapSizeBytes } = settings();
  environment ??= openHere();
  const { root, entries } = environment;
  let group: Group;
  try {
    group = assemble(task);
  } catch (error) {
    if (error instanceof Misuse) return { code: 'journal_misuse', message: error.message };
    throw error;
  }
  // lmdb-js enlarges its map by itself and never says MDB_MAP_FULL, so the limit is held here.
  const needed = usedBytes(environment) + group.growthBytes;
  if (needed > mapSizeBytes) {
    return {
      code: 'journal_full',
      message: `append: expected at most ${mapSizeBytes} bytes in data.mdb, got ${needed} with this group`,
    };
  }
  const start = performance.now();
  let put = start;
  try {
    room ??= diskRoom(settings().path);
    room.ensure(needed);
    root.transactionSync(() => {
      for (const { op, part, value } of group.puts) {
        // Append fills pages to the brim (the default splits them in half) and refuses a key that is not the last.
        const isStored: unknown = entries.putSync(writeKey(key, op, part), value, { append: true });
        if (isStored !== true) throw new Misuse(`op ${op}, part ${part}: expected a key after the last one`);
      }
      put = performance.now();
    });
  } catch (error) {
    if (error instanceof Misuse) return { code: 'journal_misuse', message: error.message };
    if (error instanceof NoRoomError) return { code: 'journal_full', message: `append: ${error.message}` };
    return explain(error, environment, group.growthBytes);
  }
  return {
    tip: group.tip,
    usedBytes: usedBytes(environment),
    times: {
      copy: group.copyTime,
      hash: group.hashTime,
      put: put - start,
      commit: performance.now() - put,
    },
  };
}

/** Closes what this thread holds of LMDB; a later append opens it again. */
export async function close(): Promise<void> {
  await environment?.root.close();
  environment = undefined;
}
