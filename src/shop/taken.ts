// Which purchases have no outcome yet: written once for a whole batch, taken away with the last of its outcomes, so that a
// start finds them without reading what a shop has ever sold.
//
//     taken    number of the batch ─▶ requests that were taken in together
import { list, u128 } from '../shared/codec.ts';
import { idOfKey } from '../store/key.ts';
import type { StoreTransaction } from '../store/store.ts';

export const TAKEN = 'taken';
/** Bounds what is read; a batch is what comes in one turn of the event loop. */
const Requests = list(u128, 65_536);

export class Taken {
  readonly #batchOf = new Map<bigint, bigint>();
  readonly #left = new Map<bigint, number>();
  #last = 0n;

  /** As the last process left them. @param isOpen whether a purchase has no outcome */
  constructor(
    stored: Iterable<{ readonly key: Uint8Array; readonly value: Uint8Array }>,
    isOpen: (request: bigint) => boolean,
  ) {
    for (const { key, value } of stored) {
      this.#last = idOfKey(key);
      // One that was refused, and has come again, stands in two batches: it is of the later one.
      for (const request of Requests.decode(value)) if (isOpen(request)) this.#add(request, this.#last);
    }
  }

  /** Of the open ones, in the order in which they were taken in. */
  requests(): IterableIterator<bigint> {
    return this.#batchOf.keys();
  }

  /** @returns takes it back, if the transaction comes to nothing */
  takeIn(tx: StoreTransaction, requests: readonly bigint[]): () => void {
    const batch = ++this.#last;
    tx.put(TAKEN, batch, Requests.encode(requests));
    for (const request of requests) this.#add(request, batch);
    return () => {
      for (const request of requests) this.#remove(request);
    };
  }

  /** They have an outcome. @returns takes it back, if the transaction comes to nothing */
  finish(tx: StoreTransaction, requests: readonly bigint[]): () => void {
    const removed = requests.map((request) => [request, this.#remove(request)] as const);
    for (const batch of new Set(removed.map(([, batch]) => batch))) {
      if (batch !== undefined && !this.#left.has(batch)) tx.remove(TAKEN, batch);
    }
    return () => {
      for (const [request, batch] of removed) if (batch !== undefined) this.#add(request, batch);
    };
  }

  #add(request: bigint, batch: bigint): void {
    this.#remove(request);
    this.#batchOf.set(request, batch);
    this.#left.set(batch, (this.#left.get(batch) ?? 0) + 1);
  }

  /** @returns the batch that it was of */
  #remove(request: bigint): bigint | undefined {
    const batch = this.#batchOf.get(request);
    if (batch === undefined) return undefined;
    this.#batchOf.delete(request);
    const left = this.#left.get(batch)! - 1;
    if (left > 0) this.#left.set(batch, left);
    else this.#left.delete(batch);
    return batch;
  }
}
