// A journal in one LMDB environment. Reads happen in the calling thread, from LMDB's map; writes in a thread of their
// own (append-worker.ts), because a flush blocks.
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import { BATCH_RECORDS_MAX } from '../layout/generated.ts';
import { checkU64, checkU128, checkUint } from '../shared/bytes.ts';
import type { StoreLock } from '../shared/store-lock.ts';
import type { AppendAnswer, AppendTask, AppendTimes, AppendWorkerData } from './append-worker.ts';
import {
  dataFile,
  type Environment,
  ensureRoomForNew,
  MAP_SIZE_DEFAULT_BYTES,
  META_FORMAT_KEY,
  META_IDENTITY_KEY,
  openEnvironment,
} from './environment.ts';
import { JournalError } from './errors.ts';
import { type EntryHeader, FORMAT_VERSION, NO_DIGEST, OP_MAX } from './format.ts';
import type { Journal, JournalEntry, JournalTip } from './journal.ts';
import { LmdbJournalReader } from './lmdb-reader.ts';
import { checkStoreFile } from './store-file.ts';
import { lockStore } from './store-lock.ts';
import { Break, EntryChecker } from './verify.ts';

export interface LmdbJournalOptions {
  /** Directory of the journal; created when missing. */
  readonly path: string;
  /** Largest size of the data file. Address space is reserved for all of it, disk space is not. Default 1 TiB. */
  readonly mapSizeBytes?: number;
}

const IDENTITY_SIZE = 16;
const EMPTY_TIP: JournalTip = { op: 0, timestamp: 0n, digest: NO_DIGEST };
/** Segment ends are read as 32-bit words in place. */
const SLOT_ALIGNMENT = 4;
/** The smallest map that LMDB itself gets; below it, the limit is held by the append alone. */
const MAP_SIZE_MIN_BYTES = 2 ** 20;

const WORKER_FILE = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './append-worker.ts' : './append-worker.js', import.meta.url),
);

function createPool(workerData: AppendWorkerData): Piscina<AppendTask | undefined, AppendAnswer> {
  return new Piscina({
    filename: WORKER_FILE,
    name: 'append',
    minThreads: 1,
    maxThreads: 1,
    // The thread sleeps on an atomic between groups: the quickest way to wake it.
    atomics: 'sync',
    execArgv: WORKER_FILE.endsWith('.ts') ? ['--import', 'tsx'] : [],
    workerData,
  });
}

function flushDirectory(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** The identity of the journal; a journal without one is given it, if it is still empty. */
function openIdentity({ root, entries, meta }: Environment, path: string): Uint8Array {
  const format = meta.getBinary(META_FORMAT_KEY);
  const identity = meta.getBinary(META_IDENTITY_KEY);
  if (format === undefined && identity === undefined) {
    for (const _ of entries.getKeys({ limit: 1 })) {
      throw new JournalError(
        'journal_corrupt',
        `journal ${path}: expected an identity beside its entries, got none`,
      );
    }
    const created = randomBytes(IDENTITY_SIZE);
    root.transactionSync(() => {
      meta.put(META_FORMAT_KEY, Buffer.from([FORMAT_VERSION]));
      meta.put(META_IDENTITY_KEY, created);
    });
    return Uint8Array.from(created);
  }
  if (format?.length !== 1 || format[0] !== FORMAT_VERSION) {
    throw new JournalError(
      'journal_corrupt',
      `journal ${path}: expected format ${FORMAT_VERSION}, got ${format?.toString('hex') ?? 'none'}`,
    );
  }
  if (identity?.length !== IDENTITY_SIZE) {
    throw new JournalError(
      'journal_corrupt',
      `journal ${path}: expected an identity of ${IDENTITY_SIZE} bytes, got ${identity?.length ?? 0}`,
    );
  }
  return Uint8Array.from(identity);
}

/** Throws JournalError `journal_misuse` for fields that do not fit the format. */
function checkEntry({ op, operation, count, session, request, slot }: JournalEntry): void {
  try {
    checkUint(operation, 0xffff, `op ${op}: operation`);
    checkUint(count, BATCH_RECORDS_MAX, `op ${op}: count`);
    checkU128(session, `op ${op}: session`);
    checkU64(request, `op ${op}: request`);
    checkUint(slot / SLOT_ALIGNMENT, 2 ** 32, `op ${op}: slot / ${SLOT_ALIGNMENT}`);
  } catch (error) {
    throw new JournalError('journal_misuse', `append: ${(error as Error).message}`, { cause: error });
  }
}

export class LmdbJournal implements Journal {
  readonly path: string;
  readonly identity: Uint8Array;
  readonly #environment: Environment;
  readonly #reader: LmdbJournalReader;
  readonly #lock: StoreLock;
  readonly #pool: Piscina<AppendTask | undefined, AppendAnswer>;
  #tip: JournalTip = EMPTY_TIP;
  #pending: Promise<unknown> | undefined;
  /** Why no append is possible any more. */
  #stopped: JournalError | undefined;
  #times: AppendTimes | undefined;

  /**
   * Opens or creates the journal in `options.path` and checks its newest entry. Throws JournalError `journal_locked`,
   * `journal_corrupt`.
   */
  static async open(options: LmdbJournalOptions): Promise<LmdbJournal> {
    const path = resolve(options.path);
    const mapSizeBytes = options.mapSizeBytes ?? MAP_SIZE_DEFAULT_BYTES;
    mkdirSync(path, { recursive: true });
    const lock = await lockStore(path);
    try {
      // LMDB trusts its file and would take the process down with it, so the file is checked before LMDB sees it.
      checkStoreFile(dataFile(path));
      const isNew = !existsSync(dataFile(path));
      if (isNew) ensureRoomForNew(path);
      const environment = openEnvironment(path, Math.max(mapSizeBytes, MAP_SIZE_MIN_BYTES));
      try {
        // A flushed file is lost all the same if the directory that names it was not flushed.
        if (isNew) for (const directory of [path, dirname(path)]) flushDirectory(directory);
        const journal = new LmdbJournal(path, mapSizeBytes, environment, lock);
        await journal.#start();
        return journal;
      } catch (error) {
        await environment.root.close();
        throw error;
      }
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  private constructor(path: string, mapSizeBytes: number, environment: Environment, lock: StoreLock) {
    this.path = path;
    this.#environment = environment;
    this.#reader = new LmdbJournalReader(environment);
    this.#lock = lock;
    this.identity = openIdentity(environment, path);
    this.#tip = this.#recoverTip();
    this.#pool = createPool({ path, mapSizeBytes });
  }

  async #start(): Promise<void> {
    try {
      await this.#pool.run(undefined, { name: 'prepare' });
    } catch (error) {
      await this.#pool.destroy();
      throw error;
    }
  }

  get tip(): JournalTip {
    return this.#tip;
  }

  /** Milliseconds that the parts of the last append took in its thread. */
  get lastAppendTimes(): AppendTimes | undefined {
    return this.#times;
  }

  async append(memory: SharedArrayBuffer, entries: readonly JournalEntry[]): Promise<JournalTip> {
    if (this.#stopped !== undefined) throw this.#stopped;
    if (this.#pending !== undefined) {
      throw new JournalError('journal_misuse', 'append: expected one call at a time, got a second one');
    }
    this.#check(entries);
    if (entries.length === 0) return this.#tip;
    const running = this.#pool.run({ memory, entries, tip: this.#tip });
    this.#pending = running.catch(() => {});
    let answer: AppendAnswer;
    try {
      answer = await running;
    } catch (error) {
      this.#stopped = new JournalError(
        'journal_unknown',
        `append: expected an answer from the journal's thread, got ${(error as Error).message}`,
        { cause: error },
      );
      throw this.#stopped;
    } finally {
      this.#pending = undefined;
    }
    if ('code' in answer) {
      const error = new JournalError(answer.code, answer.message);
      if (answer.code === 'journal_unknown') this.#stopped = error;
      throw error;
    }
    this.#times = answer.times;
    this.#tip = answer.tip;
    return answer.tip;
  }

  #check(entries: readonly JournalEntry[]): void {
    let { op, timestamp } = this.#tip;
    for (const entry of entries) {
      checkEntry(entry);
      if (entry.op !== op + 1 || entry.op > OP_MAX) {
        throw new JournalError('journal_misuse', `append: expected op ${op + 1}, got ${entry.op}`);
      }
      if (entry.timestamp <= timestamp) {
        throw new JournalError(
          'journal_misuse',
          `append: op ${entry.op}: expected a timestamp after ${timestamp}, got ${entry.timestamp}`,
        );
      }
      ({ op, timestamp } = entry);
    }
  }

  readHeaderBytes(op: number): Uint8Array | undefined {
    return this.#reader.readHeaderBytes(op);
  }

  readHeader(op: number): EntryHeader | undefined {
    return this.#reader.readHeader(op);
  }

  readSegment(op: number, segment: number): Uint8Array | undefined {
    return this.#reader.readSegment(op, segment);
  }

  lastOp(): number {
    return this.#reader.lastOp();
  }

  nextOp(after: number): number | undefined {
    return this.#reader.nextOp(after);
  }

  readParts(op: number): number[] {
    return this.#reader.readParts(op);
  }

  refresh(): void {
    this.#reader.refresh();
  }

  /** Ends the journal's thread at once, as a crash of it would: no further append, reads go on. For tests. */
  async terminateThread(): Promise<void> {
    await Promise.all(this.#pool.threads.map((thread) => thread.terminate()));
  }

  async close(): Promise<void> {
    if (this.#stopped?.code === 'journal_closed') return;
    this.#stopped = new JournalError('journal_closed', 'journal: expected it open, got a call after close');
    await this.#pending;
    await this.#pool.run(undefined, { name: 'close' }).catch(() => {});
    await this.#pool.destroy();
    await this.#environment.root.close();
    await this.#lock.release();
  }

  /** The newest entry, checked: whole, its digests right, its link to the entry before it right. */
  #recoverTip(): JournalTip {
    const op = this.lastOp();
    if (op === 0) return EMPTY_TIP;
    const before = op === 1 ? EMPTY_TIP : this.readHeader(op - 1);
    if (before === undefined) {
      throw new JournalError(
        'journal_corrupt',
        `journal ${this.path}: op ${op - 1}: expected a header, got none`,
      );
    }
    const checker = new EntryChecker(this.#reader);
    try {
      const header = checker.check(op, before);
      return { op, timestamp: header.timestamp, digest: header.digest };
    } catch (error) {
      if (!(error instanceof Break)) throw error;
      throw new JournalError('journal_corrupt', `journal ${this.path}: ${error.message}`, { cause: error });
    }
  }
}
