// The state store: everything that is derived from the journal so that a start need not replay it all. Reads happen in
// this thread, from LMDB's map; writes in a thread of their own, since sorting and flushing take long.
//
//     main thread                                   store thread (store-worker.ts)
//     readRunPage, readRunPiece, readPages          sealRun ▸ mergeRuns ▸ removeRuns, writePages ▸ completeCheckpoint
//              │                                              │
//              └──────────▶ <path>/data.mdb ◀─────────────────┘
//
// A promise that has resolved means: committed and flushed. Tasks run in the order of the calls; a merge gives way to
// others every few pages. Whatever is damaged or gone here can be made again from the journal.
import { randomBytes } from 'node:crypto';
import { IndexEntryLayout, PAGE_SIZE } from '../layout/generated.ts';
import { createPool, type Pool } from '../pool/pool.ts';
import { readCheckpoint, readPages, type TakePages } from './checkpoint-reader.ts';
import type { Checkpoint } from './checkpoint-record.ts';
import { planMerge } from './compaction.ts';
import {
  openStateEnvironment,
  peek,
  RunPart,
  runKey,
  STATE_MAP_SIZE_DEFAULT_BYTES,
  type StateEnvironment,
} from './environment.ts';
import { fromPlain, StateStoreError, toStateStoreError } from './errors.ts';
import type { Manifest, RunInfo } from './manifest.ts';
import { damagedRun, readManifest, type Seed } from './run-store.ts';
import type { StoreAnswer, StoreTask, StoreWorkerData } from './store-tasks.ts';

export type { Checkpoint } from './checkpoint-record.ts';
export type { RunInfo } from './manifest.ts';

export interface StateStoreOptions {
  /** Directory of the state; created when missing. */
  readonly path: string;
  /** Address space reserved for the data file, not memory or disk. Default 1 TiB. */
  readonly mapSizeBytes?: number;
}

export interface SealTask {
  /** The kernel's memory, and in it `count` entries of 24 bytes. */
  readonly memory: SharedArrayBuffer;
  readonly address: number;
  readonly count: number;
  /** The entries are those of operations up to this one, and no other run lacks one of them. */
  readonly coveredOp: number;
}

export interface PagesTask {
  /** The kernel's memory, and in it `count` page images of PAGE_SIZE bytes. */
  readonly memory: SharedArrayBuffer;
  readonly address: number;
  readonly count: number;
  /** Always checkpointNumber + 1. */
  readonly checkpoint: number;
}

const META_SEED_KEY = Buffer.from('seed');
const SEED_SIZE = 16;

export class StateStore {
  readonly path: string;
  readonly #environment: StateEnvironment;
  readonly #pool: Pool<StoreTask, StoreAnswer>;
  readonly #seed: Seed;
  #manifest: Manifest;
  #checkpoint: Checkpoint | undefined;
  #closing: Promise<void> | undefined;

  /**
   * Opens the store, makes it when there is none, and removes what a crash has left behind. Throws StateStoreError:
   * `state_corrupt` when its records are damaged.
   */
  static async open({
    path,
    mapSizeBytes = STATE_MAP_SIZE_DEFAULT_BYTES,
  }: StateStoreOptions): Promise<StateStore> {
    let store: StateStore | undefined;
    try {
      store = new StateStore(path, mapSizeBytes);
      await store.#run({ kind: 'clean' });
      return store;
    } catch (error) {
      await store?.close();
      throw toStateStoreError(error, path);
    }
  }

  private constructor(path: string, mapSizeBytes: number) {
    this.path = path;
    this.#environment = openStateEnvironment(path, mapSizeBytes);
    try {
      this.#seed = openSeed(this.#environment);
      this.#manifest = readManifest(this.#environment);
      this.#checkpoint = readCheckpoint(this.#environment);
    } catch (error) {
      void this.#environment.root.close();
      throw error;
    }
    const data: StoreWorkerData = { path, mapSizeBytes, seed: this.#seed };
    this.#pool = createPool({
      from: import.meta.url,
      file: './store-worker',
      task: 'runStoreTask',
      threads: 1,
      data,
    });
  }

  /** Seed of the filters, 128 bits: the kernel needs it before its first run. */
  get filterSeed(): bigint {
    return (this.#seed.hi << 64n) | this.#seed.lo;
  }

  get runs(): readonly RunInfo[] {
    return this.#manifest.runs;
  }

  /** Runs have every entry of the operations up to this one. */
  get coveredOp(): number {
    return this.#manifest.coveredOp;
  }

  /** The current checkpoint: the newest that is complete. */
  get checkpoint(): Checkpoint | undefined {
    return this.#checkpoint;
  }

  /** Its number; 0: there is none. */
  get checkpointNumber(): number {
    return this.#checkpoint?.checkpoint ?? 0;
  }

  // ---- Runs

  /** Copies a page of a run as stored to `out` (at least 65,504 bytes); returns its bytes, 0 when it is not there. */
  readRunPage(run: number, page: number, out: Uint8Array): number {
    return this.#copy(runKey(run, RunPart.page, page), out);
  }

  /** Likewise for a piece of a run's header (at least 1 MiB + 64 bytes); 0 after the last piece. */
  readRunPiece(run: number, piece: number, out: Uint8Array): number {
    return this.#copy(runKey(run, RunPart.piece, piece), out);
  }

  /** The error for a run that the kernel found damaged. */
  damagedRun(run: number, part: string): StateStoreError {
    return damagedRun(run, part);
  }

  /** Sorts index entries into a run of its own and stores it. The entries are read in place until this resolves. */
  async sealRun({ memory, address, count, coveredOp }: SealTask): Promise<RunInfo> {
    const entries = { buffer: memory, address, bytes: count * IndexEntryLayout.size };
    const { run } = await this.#run({ kind: 'seal', entries, coveredOp });
    return run!;
  }

  /** Ids of runs that should become one; undefined: none for now. */
  planMerge(): number[] | undefined {
    return planMerge(this.#manifest.runs);
  }

  /** Merges these runs: when this resolves the new one has taken their place, while their pages can still be read. */
  async mergeRuns(runs: readonly number[]): Promise<RunInfo> {
    await this.#run({ kind: 'merge', runs });
    for (;;) {
      const { run } = await this.#run({ kind: 'mergeStep' });
      if (run !== undefined) return run;
    }
  }

  /** Frees the pages of runs that were merged. */
  async removeRuns(runs: readonly number[]): Promise<void> {
    for (const run of runs) while ((await this.#run({ kind: 'remove', run })).done !== true) {}
  }

  // ---- Checkpoints

  /** Delivers every page of the current checkpoint, checked; none without one. Not while one is being written. */
  readPages(take: TakePages): void {
    if (this.#checkpoint !== undefined) readPages(this.#environment, this.#checkpoint, take);
  }

  /** Stores page images for the next checkpoint. They are read in place until this resolves. */
  async writePages({ memory, address, count, checkpoint }: PagesTask): Promise<void> {
    await this.#run({
      kind: 'pages',
      images: { buffer: memory, address, bytes: count * PAGE_SIZE },
      checkpoint,
    });
  }

  /** All its pages are written: the next checkpoint becomes the current one. */
  async completeCheckpoint(record: Checkpoint): Promise<void> {
    await this.#run({ kind: 'complete', record });
    this.#checkpoint = record;
  }

  /** Finishes what was asked for, then closes the store in both threads. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#pool.run({ kind: 'close' });
    await this.#pool.close();
    await this.#environment.root.close();
  }

  async #run(task: StoreTask): Promise<StoreAnswer> {
    if (this.#closing !== undefined) {
      throw new StateStoreError(
        'state_closed',
        `state store ${this.path}: expected it to be open, got ${task.kind}`,
      );
    }
    const answer = await this.#pool.run(task);
    if (answer.error !== undefined) throw fromPlain(answer.error);
    // Otherwise this thread goes on reading the store as it was when it began to.
    this.#environment.root.resetReadTxn();
    if (answer.manifest !== undefined) this.#manifest = answer.manifest;
    return answer;
  }

  #copy(key: Buffer, out: Uint8Array): number {
    const value = peek(this.#environment.runs, key);
    if (value === undefined) return 0;
    if (value.length > out.length) {
      throw new StateStoreError(
        'state_corrupt',
        `runs: expected at most ${out.length} bytes, got ${value.length}`,
      );
    }
    out.set(value);
    return value.length;
  }
}

function openSeed({ meta, write }: StateEnvironment): Seed {
  let seed = meta.getBinary(META_SEED_KEY);
  if (seed === undefined) {
    const created = randomBytes(SEED_SIZE);
    write(1, () => meta.putSync(META_SEED_KEY, created));
    seed = created;
  }
  if (seed.length !== SEED_SIZE) {
    throw new StateStoreError('state_corrupt', `seed: expected ${SEED_SIZE} bytes, got ${seed.length}`);
  }
  return { lo: seed.readBigUInt64LE(0), hi: seed.readBigUInt64LE(8) };
}
