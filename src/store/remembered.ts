// Decoded records of one table, by place: what is on the disk, as far as it has been asked for.
//
//     get ─▶ kept? ── no ──▶ backend, decode ─▶ kept
//     flushed ─▶ what was written is forgotten
import type { Place } from './key.ts';

export class Remembered<Value> {
  readonly #values = new Map<Place, Value>();
  readonly #valuesMax: number;
  readonly #read: (at: Place) => Value | undefined;

  /** @param read from the disk; undefined where there is nothing */
  constructor(read: (at: Place) => Value | undefined, valuesMax: number) {
    this.#read = read;
    this.#valuesMax = valuesMax;
  }

  get(at: Place): Value | undefined {
    const kept = this.#values.get(at);
    if (kept !== undefined) return kept;
    const value = this.#read(at);
    if (value === undefined) return undefined;
    if (this.#values.size >= this.#valuesMax) this.#forgetOldest();
    this.#values.set(at, value);
    return value;
  }

  /** Other bytes are on the disk now, or none. */
  forget(written: Iterable<Place>): void {
    for (const at of written) this.#values.delete(at);
  }

  /** What is on the disk is not known any more. */
  clear(): void {
    this.#values.clear();
  }

  #forgetOldest(): void {
    for (const oldest of this.#values.keys()) {
      this.#values.delete(oldest);
      return;
    }
  }
}
