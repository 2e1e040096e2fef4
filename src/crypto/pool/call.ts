// One call of the pool's user: its items, the parts that are under way, and the answers that have arrived.
import type { Operation } from './operation.ts';
import { type Part, type SplitLimits, Splitter } from './split.ts';

/** A part that has a slot. */
export interface PartUnderWay {
  readonly call: Call;
  readonly part: Part<unknown>;
  readonly address: number;
  readonly slotBytes: number;
  /** Threads that died of it, and traps. */
  failures: number;
}

export class Call {
  // Calls of every operation stand in one queue; only this class puts their types together.
  readonly operation: Operation<unknown, unknown, unknown>;
  readonly shared: unknown;
  readonly promise: Promise<unknown[]>;
  readonly #parts: Splitter<unknown, unknown>;
  readonly #results: unknown[];
  #pending: Part<unknown> | undefined;
  #underWay = 0;
  #failure: { readonly first: number; readonly error: unknown } | undefined;
  #resolve!: (results: unknown[]) => void;
  #reject!: (error: unknown) => void;
  /** Whether a part has been started. */
  started = false;

  constructor(
    operation: Operation<unknown, unknown, unknown>,
    shared: unknown,
    items: readonly unknown[],
    limits: SplitLimits,
  ) {
    this.operation = operation;
    this.shared = shared;
    this.#parts = new Splitter(operation, shared, items, limits);
    this.#results = new Array(items.length);
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** The part to start next; the same one until it is started. Undefined when all are. */
  get next(): Part<unknown> | undefined {
    if (this.#failure === undefined && this.#pending === undefined && this.#parts.hasMore) {
      this.#pending = this.#parts.take();
    }
    return this.#pending;
  }

  start(): void {
    this.started = true;
    this.#pending = undefined;
    this.#underWay += 1;
  }

  /** Whether a part that failed need not be tried again, since the call has failed at an earlier one. */
  isDecidedBefore(first: number): boolean {
    return this.#failure !== undefined && this.#failure.first <= first;
  }

  answer(first: number, results: readonly unknown[]): void {
    for (let i = 0; i < results.length; i++) this.#results[first + i] = results[i];
  }

  /** The call will reject, with the error of its first part that failed; no further part is started. */
  fail(first: number, error: unknown): void {
    if (!this.isDecidedBefore(first)) this.#failure = { first, error };
    this.#pending = undefined;
  }

  /** A part that was started is done with. */
  finish(): void {
    this.#underWay -= 1;
  }

  /** Settles the promise once nothing of the call is left to be done. Answers whether it did. */
  settle(): boolean {
    if (this.#underWay > 0 || this.next !== undefined) return false;
    if (this.#failure === undefined) this.#resolve(this.#results);
    else this.#reject(this.#failure.error);
    return true;
  }
}
