// The header of a slot: who works on it. It is read when a thread has died, to tell the part it died of from the part that
// had merely been given to it.
//
//     0        4        8                  64
//     ┌────────┬────────┬──────────────────┐
//     │ state  │ count  │ unused           │
//     └────────┴────────┴──────────────────┘

export const SLOT_HEADER_BYTES = 64;

/** What a thread is sent: everything else is in the slot. */
export interface BatchTask {
  readonly operation: string;
  readonly address: number;
}

/** What it answers: nothing, or why it could not compute. */
export type BatchAnswer = undefined | { readonly trap: string; readonly place: string };

const STATE_POSTED = 0;
const STATE_UNDER_WAY = 1;

export class SlotHeaders {
  readonly #words: Int32Array;

  /** The memory does not grow while a pool lives. */
  constructor(memory: WebAssembly.Memory) {
    this.#words = new Int32Array(memory.buffer);
  }

  post(address: number, count: number): void {
    Atomics.store(this.#words, address / 4 + 1, count);
    Atomics.store(this.#words, address / 4, STATE_POSTED);
  }

  /** In a thread of the pool: this slot is being worked on from now on. Answers how many items it holds. */
  begin(address: number): number {
    Atomics.store(this.#words, address / 4, STATE_UNDER_WAY);
    return Atomics.load(this.#words, address / 4 + 1);
  }

  hasBegun(address: number): boolean {
    return Atomics.load(this.#words, address / 4) === STATE_UNDER_WAY;
  }
}
