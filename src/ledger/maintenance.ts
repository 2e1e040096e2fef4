// What goes on beside the batches so that memory and recovery time stay bounded:
//
//   sealing      the memtable of transfer ids is full ──▶ frozen ──▶ (its operations are flushed) ──▶ sorted into a run
//   merging      runs whose ranges overlap become one
//   checkpoint   pages as of one operation ──▶ arena ──▶ store thread ──▶ … all there, memtable sealed, journal flushed
//                ──▶ one record makes it the current one
//
// All of it is asynchronous; the writer only asks `roomFor` before a batch and tells `executed` after it.
import type { LedgerKernel } from '../kernel/ledger-kernel.ts';
import { recordSizeOf } from '../layout/record-size.ts';
import type { RunInfo, StateStore } from '../state/state-store.ts';
import type { LedgerLog } from './log.ts';

export interface MaintenanceOptions {
  /** Ids in the memtable that make it worth a run. */
  readonly sealEntries: number;
  /** Journal bytes between checkpoints: at least this … */
  readonly checkpointBytesMin: number;
  /** … and this many times the size of the account and pending pages, so that checkpoints stay a small part of all writing. */
  readonly checkpointRatio: number;
}

export const MAINTENANCE_DEFAULTS: MaintenanceOptions = {
  // 2 million ids are a run of 48 MB; fewer make more runs, more make the memtable outgrow the processor's cache.
  sealEntries: 2_000_000,
  // 256 MiB are about 1.5 million transfers: a replay of half a second.
  checkpointBytesMin: 256 * 1024 * 1024,
  // With 10 million accounts (1.6 GB of pages) a checkpoint every 6.4 GB or 36 million transfers.
  checkpointRatio: 4,
};

/** Journal bytes a transfer takes beside its record, about: result, effect. */
const RESULT_BYTES = 52;

/** Page images of one arena: 8 MB, copied in about 2 ms, written in about 60. */
export const ARENA_PAGES = 2048;

/** Rows that one record can change: two accounts, a pending transfer and, by a payment order, a device. */
const ROWS_PER_RECORD = 4;

/**
 * Rows that can be saved while a checkpoint is under way: 336 MB at most. With ten million accounts that change evenly and
 * a disk that takes 130 MB/s, half a million transfers a second never come to wait.
 */
export const SAVED_ROWS = 2_000_000;

const RETRY_DELAY_MS = 1000;

/** Whom it works beside: first a replay, then the live ledger. */
export interface MaintenanceHost {
  /** Resolves when an operation is flushed. */
  readonly durable: (op: number) => Promise<void>;
  /** Called when there may be room again. */
  readonly relieved: () => void;
}

export interface MaintenanceParts {
  readonly kernel: LedgerKernel;
  readonly store: StateStore;
  readonly options: MaintenanceOptions;
  /** The sessions as of now, for a checkpoint. */
  readonly sessions: () => Uint8Array;
  /** Digest of a flushed entry of the journal. */
  readonly digest: (op: number) => Uint8Array;
  readonly log: LedgerLog;
}

interface Snapshot {
  readonly number: number;
  readonly op: number;
  readonly timestamp: bigint;
  readonly globals: Uint8Array;
  readonly sessions: Uint8Array;
  readonly startedMs: number;
  /** False: given up. */
  readonly sealed: Promise<boolean>;
  pages: number;
}

export class Maintenance {
  readonly #parts: MaintenanceParts;
  #host: MaintenanceHost;
  #bytesSinceCheckpoint = 0;
  #snapshot: Snapshot | undefined;
  #writing: Promise<void> | undefined;
  #sealing: Promise<boolean> | undefined;
  #merging: Promise<void> | undefined;
  #closed = false;
  #failing = false;
  #lastOp = 0;
  #givenUp = false;

  constructor(parts: MaintenanceParts, host: MaintenanceHost) {
    this.#parts = parts;
    this.#host = host;
  }

  /** Work goes on for another host; what is under way, and what fails and is tried again, goes with it. */
  moveTo(host: MaintenanceHost): void {
    this.#host = host;
  }

  /** A run or a checkpoint is under way; `relieved` will be called. */
  get busy(): boolean {
    return this.#sealing !== undefined || this.#snapshot !== undefined;
  }

  /** Ids are on their way into a run: the memtable will have room again. */
  get sealing(): boolean {
    return this.#sealing !== undefined;
  }

  /** The state store refuses: checkpoints and runs wait, the journal does not. */
  get failing(): boolean {
    return this.#failing;
  }

  /** Whether a batch of `count` records may run now; if not, `relieved` is called when it may. */
  roomFor(count: number): boolean {
    if (this.#snapshot === undefined) return true;
    const { kernel } = this.#parts;
    return kernel.snapshotDue() === 0 || kernel.savedRoom() >= ROWS_PER_RECORD * count;
  }

  executed(operation: number, op: number, timestamp: bigint, count: number): void {
    const { kernel, options } = this.#parts;
    this.#bytesSinceCheckpoint += count * (recordSizeOf(operation) + RESULT_BYTES) + 512;
    this.#lastOp = op;
    if (this.#closed || this.#sealing !== undefined) return;
    if (this.#snapshot === undefined && this.#bytesSinceCheckpoint >= this.#checkpointBytes()) {
      this.#beginCheckpoint(op, timestamp);
    } else if (kernel.memtableCount() >= options.sealEntries) {
      this.#seal(op);
    }
  }

  /** A checkpoint of the present state; resolves when it is complete. Nothing may be executed meanwhile. */
  async checkpointNow(op: number, timestamp: bigint): Promise<void> {
    await this.#sealedAndWritten();
    // What was given up is nowhere: ids in no run, pages in no checkpoint. The next start replays it.
    if (this.#bytesSinceCheckpoint === 0 || this.#givenUp) return;
    this.#beginCheckpoint(op, timestamp);
    await this.#sealedAndWritten();
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    do {
      await this.#sealedAndWritten();
      await this.#merging;
    } while (this.#merging !== undefined);
  }

  async #sealedAndWritten(): Promise<void> {
    while (this.#snapshot !== undefined || this.#sealing !== undefined) {
      await Promise.all([this.#sealing, this.#writing]);
      await new Promise(setImmediate);
    }
  }

  /** From now on nothing new is begun by itself, and nothing that fails is tried again. */
  close(): void {
    this.#closed = true;
  }

  #checkpointBytes(): number {
    const { options, kernel } = this.#parts;
    return Math.max(options.checkpointBytesMin, options.checkpointRatio * kernel.pagesBytes());
  }

  #beginCheckpoint(op: number, timestamp: bigint): void {
    const { kernel, store, sessions, log } = this.#parts;
    this.#bytesSinceCheckpoint = 0;
    const globals = kernel.globalsCopy();
    const pages = kernel.snapshotBegin();
    this.#seal(op);
    this.#snapshot = {
      number: store.checkpointNumber + 1,
      op,
      timestamp,
      globals,
      sessions: sessions(),
      startedMs: performance.now(),
      sealed: this.#sealing ?? Promise.resolve(true),
      pages,
    };
    log('checkpoint started', { op, pages });
    this.#writing = this.#write(this.#snapshot);
  }

  /** Copies due pages into one arena while the store thread writes the other, until nothing is left. */
  async #write(snapshot: Snapshot): Promise<void> {
    const { kernel, store } = this.#parts;
    let written = Promise.resolve(true);
    for (;;) {
      kernel.snapshotFill(ARENA_PAGES);
      // Pages that are copied give back the room of their saved rows.
      this.#host.relieved();
      const [address, count] = [kernel.arenaAddress(), kernel.arenaCount()];
      if (!(await written)) {
        this.#snapshot = undefined;
        this.#writing = undefined;
        return;
      }
      if (count === 0) break;
      kernel.arenaSwap();
      const pages = { memory: kernel.memory, address, count, checkpoint: snapshot.number };
      written = this.#insist('checkpoint pages', () => store.writePages(pages));
    }
    await this.#complete(snapshot);
  }

  async #complete(snapshot: Snapshot): Promise<void> {
    const { store, digest, log, kernel } = this.#parts;
    const done = await this.#insist('checkpoint', async () => {
      // A checkpoint whose ids are in no run would let them be used again.
      if (!(await snapshot.sealed)) throw new Error('expected its ids in a run, but that was given up');
      await this.#host.durable(snapshot.op);
      await store.completeCheckpoint({
        checkpoint: snapshot.number,
        op: snapshot.op,
        timestamp: snapshot.timestamp,
        globals: snapshot.globals,
        sessions: snapshot.sessions,
        digest: digest(snapshot.op),
        pageCounts: kernel.pageCounts(snapshot.globals),
      });
    });
    this.#snapshot = undefined;
    this.#writing = undefined;
    if (done) {
      const ms = Math.round(performance.now() - snapshot.startedMs);
      log('checkpoint complete', { op: snapshot.op, pages: snapshot.pages, ms });
    }
    this.#host.relieved();
  }

  /** Freezes the memtable and makes it a run that covers all operations up to `op`. */
  #seal(op: number): void {
    const { kernel, store, options, log } = this.#parts;
    if (this.#sealing !== undefined || kernel.memtableCount() === 0) return;
    kernel.memtableFreeze();
    const startedMs = performance.now();
    this.#sealing = this.#insist('run', async () => {
      // A run of operations that a crash may still undo would tell later ones that their ids exist.
      await this.#host.durable(op);
      const run = await store.sealRun({
        memory: kernel.memory,
        address: kernel.frozenEntries(),
        count: kernel.frozenCount(),
        coveredOp: op,
      });
      kernel.runAdd(run);
      kernel.frozenRelease();
      const ms = Math.round(performance.now() - startedMs);
      log('run sealed', { run: run.id, entries: run.entries, coveredOp: op, ms });
    }).then((sealed) => {
      this.#sealing = undefined;
      // Under load the next one may be full already, and nothing more can be executed until it is sealed.
      if (sealed && !this.#closed && kernel.memtableCount() >= options.sealEntries) this.#seal(this.#lastOp);
      this.#merge();
      this.#host.relieved();
      return sealed;
    });
  }

  #merge(): void {
    if (this.#merging !== undefined || this.#closed) return;
    const plan = this.#parts.store.planMerge();
    if (plan === undefined) return;
    this.#merging = this.#mergeRuns(plan).then(() => {
      this.#merging = undefined;
      this.#merge();
    });
  }

  async #mergeRuns(plan: readonly number[]): Promise<void> {
    const { kernel, store, log } = this.#parts;
    const startedMs = performance.now();
    let merged: RunInfo | undefined;
    await this.#insist('merge', async () => {
      merged = await store.mergeRuns(plan);
    });
    if (merged === undefined) return;
    kernel.runAdd(merged);
    for (const id of plan) kernel.runRemove(id);
    // By itself: the merge is done, and cannot be done again.
    await this.#insist('removal of merged runs', () => store.removeRuns(plan));
    const ms = Math.round(performance.now() - startedMs);
    log('runs merged', { runs: plan.length, into: merged.id, entries: merged.entries, ms });
  }

  /** Runs `work` until it succeeds; false: closed meanwhile. Everything here can be done again from the journal. */
  async #insist(what: string, work: () => Promise<void>): Promise<boolean> {
    for (;;) {
      try {
        await work();
        this.#failing = false;
        return true;
      } catch (error) {
        this.#failing = true;
        this.#parts.log(`${what} failed`, { error: (error as Error).message });
        if (this.#closed) {
          this.#givenUp = true;
          return false;
        }
        await new Promise((resolve) => setTimeout(resolve, RETRY_DELAY_MS));
      }
    }
  }
}
