// Where page images of a checkpoint wait for the store thread.
//
//     kernel ──▶ [ filling ]   [ full ] [ full ] [ full ] ──▶ store thread ──▶ [ free ] ─┐
//                    ▲                                                                    │
//                    └────────────────────────────────────────────────────────────────────┘
//
// With few accounts two arenas do. With ten million, a batch changes 16,000 pages or 64 MB of them when a checkpoint has
// just begun, far more than a disk takes meanwhile: then further ones are allocated, up to the limit, and kept for the
// next checkpoint. Measured with two arenas only: batches waited for seconds.
import type { LedgerKernel } from '../kernel/ledger-kernel.ts';
import { BATCH_RECORDS_MAX, PAGE_SIZE } from '../layout/generated.ts';

/** Pages that one record can change: those of two accounts and of one pending transfer. */
export const PAGES_PER_RECORD = 3;

/** Images of one arena: more than one batch can change. 100 MB of address space, of memory what is used. */
export const ARENA_PAGES = PAGES_PER_RECORD * BATCH_RECORDS_MAX + 4;

/** Beyond, batches wait for the store thread. 10 are 1 GB of the kernel's 4. */
const ARENAS_MAX = 10;

export interface FullArena {
  readonly address: number;
  readonly count: number;
}

export class Arenas {
  readonly #kernel: LedgerKernel;
  readonly #free: number[] = [];
  #allocated = 1;

  constructor(kernel: LedgerKernel) {
    this.#kernel = kernel;
  }

  /** Goes on in a free arena; what the one so far holds, or undefined when it holds nothing or no other is free. */
  next(): FullArena | undefined {
    const count = this.#kernel.arenaCount();
    if (count === 0) return undefined;
    const free = this.#free.pop() ?? this.#allocate();
    if (free === undefined) return undefined;
    const full = { address: this.#kernel.arenaAddress(), count };
    this.#kernel.arenaUse(free);
    return full;
  }

  release(address: number): void {
    this.#free.push(address);
  }

  #allocate(): number | undefined {
    if (this.#allocated === ARENAS_MAX) return undefined;
    try {
      const address = this.#kernel.allocate(ARENA_PAGES * PAGE_SIZE);
      this.#allocated++;
      return address;
    } catch (error) {
      // Memory is exhausted: the arenas that there are have to do, but two are needed for anything to move.
      if (this.#allocated >= 2) return undefined;
      throw error;
    }
  }
}
