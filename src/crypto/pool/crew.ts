// The threads of a pool, replaced when they die. Piscina starts a new thread for one that exits or throws, and rejects
// the tasks it had; three things remain to be done here:
//
// - Piscina rejects those tasks while the thread may still be ending. Its tasks are rejected here when it is gone, so that
//   nobody else writes to their slots or sits in its seat.
// - A thread that dies before it was ready makes Piscina give up replacing threads by itself: `recruit`.
// - Piscina's own queue stays empty: who asks waits until there is room, and so decides what comes first.
import type { Worker } from 'node:worker_threads';
import type { Piscina } from 'piscina';
import { createPiscina, type PoolOptions } from '../../pool/pool.ts';

/** So that a thread finds the next one when it has finished one. */
const TASKS_PER_THREAD = 2;
/** Batches lie in the shared memory: a thread's own objects are few. */
const HEAP_MEBIBYTES_MAX = 128;

interface Member {
  readonly thread: number;
  readonly exited: Promise<void>;
  ready: boolean;
}

export interface CrewOptions extends Pick<PoolOptions, 'from' | 'file' | 'task' | 'threads' | 'data'> {
  /** There may be room now. */
  readonly onReady: () => void;
  /** That thread has ended. */
  readonly onDeath: (thread: number) => void;
}

export class Crew<Task, Answer> {
  readonly #options: CrewOptions;
  readonly #piscina: Piscina<Task | undefined, Answer>;
  /** Every thread that has not ended yet, those that Piscina has given up included. */
  readonly #members = new Map<Worker, Member>();
  #tasks = 0;
  #recruiting = false;
  #closing = false;
  /** What the last thread that threw died of. */
  lastError: unknown;

  constructor(options: CrewOptions) {
    this.#options = options;
    this.#piscina = createPiscina({
      ...options,
      tasksPerThread: TASKS_PER_THREAD,
      loadBalancer: (_, threads) => (this.#recruiting ? null : leastBusy(threads)),
      // Measured as fast as the other here, and a thread that throws is sure to end.
      atomics: 'disabled',
      heapMebibytesMax: HEAP_MEBIBYTES_MAX,
    });
    // Without a listener an error of an idle thread would end the process.
    this.#piscina.on('error', () => {});
    this.#piscina.on('workerCreate', ({ id }: { id: number }) => {
      this.#adopt();
      for (const member of this.#members.values()) if (member.thread === id) member.ready = true;
      options.onReady();
    });
    // Piscina starts the replacement right after this event.
    this.#piscina.on('workerDestroy', () => queueMicrotask(() => this.#adopt()));
    this.#adopt();
  }

  /** Threads that can take tasks. */
  get ready(): number {
    let ready = 0;
    for (const worker of this.#piscina.threads) if (this.#members.get(worker)?.ready) ready += 1;
    return ready;
  }

  /** Threads that have a task. */
  get busy(): number {
    return Math.max(0, this.ready - this.#piscina.idleThreads);
  }

  /** Tasks that could be taken now. */
  get room(): number {
    return this.ready * TASKS_PER_THREAD - this.#tasks;
  }

  /** Tasks that could be taken if every thread were ready. */
  get roomSoon(): number {
    return Math.max(0, this.#options.threads * TASKS_PER_THREAD - this.#tasks);
  }

  /** Runs a task in the least busy thread. Rejects when the thread dies, after it has ended. */
  async run(task: Task): Promise<Answer> {
    this.#tasks += 1;
    try {
      return await this.#piscina.run(task);
    } catch (error) {
      await this.#endings();
      throw error;
    } finally {
      this.#tasks -= 1;
    }
  }

  /**
   * Makes Piscina start the threads that are missing. It starts one for a task that no thread is to have; that task is
   * then taken back.
   */
  recruit(): void {
    if (this.#closing) return;
    for (let missing = this.#options.threads - this.#piscina.threads.length; missing > 0; missing--) {
      const withdrawal = new AbortController();
      this.#recruiting = true;
      this.#piscina.run(undefined, { signal: withdrawal.signal }).catch(() => {});
      this.#recruiting = false;
      withdrawal.abort();
    }
    this.#adopt();
  }

  /** Ends the threads, at once. */
  async close(): Promise<void> {
    this.#closing = true;
    // A thread that ends on its own after Piscina has ended the others would be replaced.
    await this.#endings();
    while (this.#members.size > 0 || this.#piscina.threads.length > 0) {
      await this.#piscina.destroy();
      this.#adopt();
      await this.#endings();
    }
  }

  /** Until every thread that Piscina has given up has ended. */
  async #endings(): Promise<void> {
    const alive = new Set(this.#piscina.threads);
    await Promise.all(
      [...this.#members].filter(([worker]) => !alive.has(worker)).map(([, { exited }]) => exited),
    );
  }

  #adopt(): void {
    for (const worker of this.#piscina.threads) {
      if (this.#members.has(worker)) continue;
      // The worker forgets its id when it ends.
      const thread = worker.threadId;
      if (thread < 0) continue;
      const exited = new Promise<void>((resolve) => {
        worker.once('error', (error) => {
          this.lastError = error;
        });
        worker.once('exit', () => {
          this.#members.delete(worker);
          this.#options.onDeath(thread);
          resolve();
        });
      });
      this.#members.set(worker, { thread, exited, ready: false });
    }
  }
}

/** The thread with the fewest tasks, if there is room for one more. */
function leastBusy<Thread extends { readonly currentUsage: number }>(
  threads: readonly Thread[],
): Thread | null {
  let best: Thread | null = null;
  for (const thread of threads) {
    if (thread.currentUsage < (best?.currentUsage ?? TASKS_PER_THREAD)) best = thread;
  }
  return best;
}
