// Cuts a batch into parts: equal in what they cost, as many as there are threads when the batch is worth it, and none too
// large for a slot.
import type { Operation } from './operation.ts';

/** Posting a part and hearing of it costs about a third of this: less work is not divided. */
const PART_NANOSECONDS_MIN = 300_000;
/** Long parts make use of what batches save, short ones let others in and leave less to be done again after a death. */
const PART_NANOSECONDS_MAX = 20_000_000;

export interface Part<Item> {
  readonly first: number;
  readonly items: readonly Item[];
  readonly bodyBytes: number;
}

export interface SplitLimits {
  readonly threads: number;
  /** What the body of a part may take. One item alone may take more. */
  readonly bytesMax: number;
}

export class Splitter<Shared, Item> {
  readonly #operation: Operation<Shared, Item, unknown>;
  readonly #shared: Shared;
  readonly #items: readonly Item[];
  readonly #bytesMax: number;
  #next = 0;
  #nanosecondsLeft = 0;
  #partsLeft: number;

  constructor(
    operation: Operation<Shared, Item, unknown>,
    shared: Shared,
    items: readonly Item[],
    { threads, bytesMax }: SplitLimits,
  ) {
    this.#operation = operation;
    this.#shared = shared;
    this.#items = items;
    this.#bytesMax = bytesMax;
    for (const item of items) this.#nanosecondsLeft += operation.itemNanoseconds(item);
    this.#partsLeft = partCount(this.#nanosecondsLeft, threads);
  }

  get hasMore(): boolean {
    return this.#next < this.#items.length;
  }

  take(): Part<Item> {
    const first = this.#next;
    const target = this.#nanosecondsLeft / this.#partsLeft;
    let spent = 0;
    let bodyBytes = this.#operation.sharedBytes(this.#shared);
    while (this.hasMore && (this.#next === first || spent < target)) {
      const item = this.#items[this.#next]!;
      const bytes = this.#operation.itemBytes(item, this.#shared);
      if (bodyBytes + bytes > this.#bytesMax && this.#next > first) break;
      bodyBytes += bytes;
      spent += this.#operation.itemNanoseconds(item);
      this.#next += 1;
    }
    this.#nanosecondsLeft -= spent;
    this.#partsLeft = Math.max(1, this.#partsLeft - 1);
    return { first, items: this.#items.slice(first, this.#next), bodyBytes };
  }
}

function partCount(nanoseconds: number, threads: number): number {
  const needed = Math.ceil(nanoseconds / PART_NANOSECONDS_MAX);
  if (needed > threads) return Math.ceil(needed / threads) * threads;
  return Math.max(1, Math.min(threads, Math.floor(nanoseconds / PART_NANOSECONDS_MIN)));
}
