// Gathers what is asked for in one turn of the event loop into one batch: a hundred swaps that came together cost one round of
// the crypto pool, and, because they go on together, one flush of the store.
//
//     run(a, b) ─┐
//     run(c)    ─┼─ end of the turn ─▶ compute(a, b, c) ─▶ each gets its own
//     run(d, e) ─╯                     compute(d, e)          (at most ITEMS_MAX a call)
import { busy } from './errors.ts';

/** Items of one call of the crypto pool, which splits them over its threads. Beyond: a further call. */
export const ITEMS_MAX = 4096;

/** Items that wait or are computed: at 20 µs each, a second of work for two threads. Beyond: 503. */
export const WAITING_MAX = 100_000;

interface Waiting<Item, Result> {
  readonly items: readonly Item[];
  readonly resolve: (results: Result[]) => void;
  readonly reject: (error: unknown) => void;
}

export interface TurnBatchOptions<Item, Result> {
  readonly compute: (items: readonly Item[]) => Promise<Result[]>;
  /** Runs something when what has come in this turn has been taken in: setImmediate. */
  readonly afterTurn?: (run: () => void) => void;
  readonly itemsMax?: number;
  readonly waitingMax?: number;
}

export class TurnBatch<Item, Result> {
  readonly #compute: (items: readonly Item[]) => Promise<Result[]>;
  readonly #afterTurn: (run: () => void) => void;
  readonly #itemsMax: number;
  readonly #waitingMax: number;
  #gathered: Waiting<Item, Result>[] = [];
  #items = 0;

  constructor({
    compute,
    afterTurn = setImmediate,
    itemsMax = ITEMS_MAX,
    waitingMax = WAITING_MAX,
  }: TurnBatchOptions<Item, Result>) {
    this.#compute = compute;
    this.#afterTurn = afterTurn;
    this.#itemsMax = itemsMax;
    this.#waitingMax = waitingMax;
  }

  /** Results in the order of the items. @throws MintRefused when too much waits */
  run(items: readonly Item[]): Promise<Result[]> {
    if (items.length === 0) return Promise.resolve([]);
    if (this.#items + items.length > this.#waitingMax)
      return Promise.reject(busy('too many notes wait to be looked at, ask again later'));
    this.#items += items.length;
    return new Promise((resolve, reject) => {
      this.#gathered.push({ items, resolve, reject });
      if (this.#gathered.length === 1) this.#afterTurn(() => this.#start());
    });
  }

  #start(): void {
    const gathered = this.#gathered;
    this.#gathered = [];
    let batch: Waiting<Item, Result>[] = [];
    let size = 0;
    for (const waiting of gathered) {
      if (size > 0 && size + waiting.items.length > this.#itemsMax) {
        void this.#batch(batch, size);
        batch = [];
        size = 0;
      }
      batch.push(waiting);
      size += waiting.items.length;
    }
    void this.#batch(batch, size);
  }

  async #batch(batch: readonly Waiting<Item, Result>[], size: number): Promise<void> {
    try {
      const results = await this.#compute(batch.flatMap(({ items }) => items));
      if (results.length !== size)
        throw new RangeError(`batch: expected ${size} results, got ${results.length}`);
      let at = 0;
      for (const { items, resolve } of batch) {
        resolve(results.slice(at, at + items.length));
        at += items.length;
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      this.#items -= size;
    }
  }
}
