// Group commit: while one group is being flushed, everything that is executed meanwhile forms the next.
//
//     executed ──▶ [ queue ] ──▶ append + flush (one group at a time) ──▶ settled, in order
//
// A lone batch starts its flush at once; under load a group grows to whatever one flush lets through. An answer leaves
// only after its flush. When the disk refuses, the group stays at the head and is tried again: its batches have been
// executed, so they must become durable before anything else can.

import { JournalError } from '../journal/errors.ts';
import type { Journal, JournalEntry } from '../journal/journal.ts';

/** Entries of one group: 16 full ones are 24 MB, written in one transaction and 20 to 50 ms. */
export const GROUP_ENTRIES_MAX = 256;
export const GROUP_RECORDS_MAX = 16 * 8190;

/** How long a full or failing disk is left alone before the next try. */
const RETRY_DELAY_MS = 250;

export interface Commit {
  readonly entry: JournalEntry;
  /** Called once the entry is flushed. */
  settle(): void;
  /** Called when it can no longer be known whether the entry is stored. */
  abandon(error: Error): void;
}

export interface CommitterEvents {
  /** The disk refused (and will be tried again), or took it at last. */
  stalled(error: JournalError): void;
  resumed(): void;
  /** After each group. */
  committed(op: number): void;
  /** The outcome of a flush is unknown: nothing may be acknowledged any more. */
  failed(error: Error): void;
}

export class Committer {
  readonly #journal: Journal;
  readonly #memory: SharedArrayBuffer;
  readonly #events: CommitterEvents;
  #queue: Commit[] = [];
  #waiters: { op: number; resolve: () => void; reject: (error: Error) => void }[] = [];
  #running = false;
  #durableOp: number;
  #queuedOp: number;
  #failure: Error | undefined;
  #stalled = false;
  #closed = false;
  #retryNow: (() => void) | undefined;

  constructor(journal: Journal, memory: SharedArrayBuffer, events: CommitterEvents) {
    this.#journal = journal;
    this.#memory = memory;
    this.#events = events;
    this.#durableOp = journal.tip.op;
    this.#queuedOp = journal.tip.op;
  }

  /** Last op that is flushed. */
  get durableOp(): number {
    return this.#durableOp;
  }

  get stalled(): boolean {
    return this.#stalled;
  }

  get pending(): number {
    return this.#queuedOp - this.#durableOp;
  }

  push(commit: Commit): void {
    if (this.#failure) {
      commit.abandon(this.#failure);
      return;
    }
    this.#queuedOp = commit.entry.op;
    this.#queue.push(commit);
    if (!this.#running) void this.#run();
  }

  /** Resolves when `op` is flushed; rejects when that can no longer be known. */
  durable(op: number): Promise<void> {
    if (op <= this.#durableOp) return Promise.resolve();
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => this.#waiters.push({ op, resolve, reject }));
  }

  /** Flushes what is queued, or gives up on a disk that still refuses. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#retryNow?.();
    await this.durable(this.#queuedOp).catch(() => {});
  }

  async #run(): Promise<void> {
    this.#running = true;
    // One turn of the event loop: messages that have arrived together are flushed together.
    await new Promise(setImmediate);
    while (this.#queue.length > 0 && !this.#failure) {
      const group = this.#nextGroup();
      const error = await this.#append(group);
      if (error) {
        this.#fail(error, group);
        break;
      }
      this.#durableOp = group.at(-1)!.entry.op;
      this.#journal.refresh();
      for (const commit of group) commit.settle();
      this.#events.committed(this.#durableOp);
      this.#wake();
    }
    this.#running = false;
  }

  #nextGroup(): Commit[] {
    let records = 0;
    let length = 0;
    while (length < this.#queue.length && length < GROUP_ENTRIES_MAX) {
      records += this.#queue[length]!.entry.count;
      if (length > 0 && records > GROUP_RECORDS_MAX) break;
      length++;
    }
    return this.#queue.splice(0, length);
  }

  async #append(group: Commit[]): Promise<Error | undefined> {
    const entries = group.map((commit) => commit.entry);
    for (;;) {
      try {
        await this.#journal.append(this.#memory, entries);
        if (this.#stalled) {
          this.#stalled = false;
          this.#events.resumed();
        }
        return undefined;
      } catch (error) {
        if (!(error instanceof JournalError) || error.code === 'journal_unknown') return error as Error;
        if (this.#closed) return error;
        if (!this.#stalled) {
          this.#stalled = true;
          this.#events.stalled(error);
        }
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, RETRY_DELAY_MS);
          this.#retryNow = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
    }
  }

  #wake(): void {
    const waiting = this.#waiters;
    this.#waiters = waiting.filter((waiter) => waiter.op > this.#durableOp);
    for (const waiter of waiting) if (waiter.op <= this.#durableOp) waiter.resolve();
  }

  #fail(error: Error, group: Commit[]): void {
    this.#failure = error;
    this.#events.failed(error);
    for (const commit of group.concat(this.#queue.splice(0))) commit.abandon(error);
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }
}
