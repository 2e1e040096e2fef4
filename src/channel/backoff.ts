// Pauses that double, spread at random over their upper half, so that many clients of one server do not come back at
// the same moment.

export class Backoff {
  readonly #firstMs: number;
  readonly #lastMs: number;
  readonly #random: () => number;
  #attempts = 0;

  /** @param random 0 up to, but not including, 1. */
  constructor(firstMs: number, lastMs: number, random: () => number) {
    this.#firstMs = firstMs;
    this.#lastMs = lastMs;
    this.#random = random;
  }

  /** The next pause in milliseconds. */
  next(): number {
    const wholeMs = Math.min(this.#lastMs, this.#firstMs * 2 ** this.#attempts);
    // 2^30 times anything is past every upper bound; the exponent must not grow for ever.
    this.#attempts = Math.min(this.#attempts + 1, 30);
    return wholeMs * (0.5 + 0.5 * this.#random());
  }

  reset(): void {
    this.#attempts = 0;
  }
}
