// Equality of two sets of index entries that lie in different orders: the sum and the exclusive or of a hash of each.
import { INDEX_KIND_SHIFT, IndexEntryLayout } from '../layout/generated.ts';
import { StateStoreError } from '../state/errors.ts';
import type { StateStore } from '../state/state-store.ts';
import { opOf } from './refs.ts';

/** A page of a run as stored: a header, then its entries (assembly/index/run-format.ts). */
const RUN_PAGE_HEADER_SIZE = 32;
const RUN_PAGE_SIZE = 65_504;
const WORDS = IndexEntryLayout.size / 4;
const KIND_BITS = INDEX_KIND_SHIFT - 32;
const REF_HIGH_MASK = 2 ** KIND_BITS - 1;

export class IndexSum {
  readonly #coveredOp: number;
  #sum = 0;
  #xor = 0;
  entries = 0;

  /** Entries of later operations than `coveredOp` do not count. */
  constructor(coveredOp: number) {
    this.#coveredOp = coveredOp;
  }

  /** All entries of all runs. Throws StateStoreError when one is not as long as the manifest says. */
  addRuns(store: StateStore): void {
    const page = Buffer.allocUnsafeSlow(RUN_PAGE_SIZE);
    for (const run of store.runs) {
      let left = run.entries;
      for (let number = 0; number < run.pages; number++) {
        const length = store.readRunPage(run.id, number, page);
        const entries = (length - RUN_PAGE_HEADER_SIZE) / IndexEntryLayout.size;
        if (length === 0 || !Number.isInteger(entries)) throw store.damagedRun(run.id, `page ${number}`);
        this.add(page.subarray(RUN_PAGE_HEADER_SIZE, length));
        left -= entries;
      }
      if (left !== 0)
        throw new StateStoreError('state_corrupt', `run ${run.id}: ${left} entries are missing`);
    }
  }

  /** Entries of 24 bytes, aligned to 4. */
  add(bytes: Uint8Array): void {
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    for (let at = 0; at < words.length; at += WORDS) {
      const ref = (words[at + 5]! & REF_HIGH_MASK) * 2 ** 32 + words[at + 4]!;
      if (opOf(ref) > this.#coveredOp) continue;
      let hash = 0x9e3779b9;
      for (let i = 0; i < WORDS; i++) {
        hash = Math.imul(hash ^ words[at + i]!, 0x85ebca6b);
        hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2ae35);
        hash ^= hash >>> 13;
      }
      this.#sum = (this.#sum + hash) | 0;
      this.#xor ^= Math.imul(hash ^ 0x5bd1e995, 0x27d4eb2f);
      this.entries++;
    }
  }

  equals(other: IndexSum): boolean {
    return this.#sum === other.#sum && this.#xor === other.#xor && this.entries === other.entries;
  }
}
