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
  /** One part, if it has room. */
  readonly isWhole?: boolean;
}

export class Splitter<Shared, Item> {
  readonly #items: readonly Item[];
  readonly #bytesMax: number;
  readonly #sharedBytes: number;
  /** Measured once: who waits must not find other items than were asked for. */
  readonly #itemBytes: Float64Array;
  readonly #itemNanoseconds: Float64Array;
  #next = 0;
  #nanosecondsLeft = 0;
  #partsLeft: number;

  constructor(
    operation: Operation<Shared, Item, unknown>,
    shared: Shared,
    items: readonly Item[],
    { threads, bytesMax, isWhole = false }: SplitLimits,
  ) {
    this.#items = items.slice();
    this.#bytesMax = bytesMax;
    this.#sharedBytes = operation.sharedBytes(shared);
    this.#itemBytes = new Float64Array(items.length);
    this.#itemNanoseconds = new Float64Array(items.length);
    // Not Float64Array.from: two of those take 140 ns an item, a hundred thousand payment orders a second 14 ms of it.
    for (let i = 0; i < items.length; i++) {
      const item = items[i]!;
      const nanoseconds = operation.itemNanoseconds(item);
      this.#itemBytes[i] = operation.itemBytes(item, shared);
      this.#itemNanoseconds[i] = nanoseconds;
      this.#nanosecondsLeft += nanoseconds;
    }
    this.#partsLeft = isWhole ? 1 : partCount(this.#nanosecondsLeft, threads);
  }

  get hasMore(): boolean {
    return this.#next < this.#items.length;
  }

  take(): Part<Item> {
    const first = this.#next;
    const target = this.#nanosecondsLeft / this.#partsLeft;
    let spent = 0;
    let bodyBytes = this.#sharedBytes;
    while (this.hasMore && (this.#next === first || spent < target)) {
      const bytes = this.#itemBytes[this.#next]!;
      if (bodyBytes + bytes > this.#bytesMax && this.#next > first) break;
      bodyBytes += bytes;
      spent += this.#itemNanoseconds[this.#next]!;
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
