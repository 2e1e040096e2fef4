// Virtual time goes on only between turns of the event loop. Code that goes round on promises alone never lets a turn
// come, and no time limit of a test with it; but it reads the clock.

/** Readings in one turn: a few hundred in the busiest test. */
const READINGS_MAX = 20_000;

export class TurnGuard {
  #readings = 0;
  #error: Error | undefined;

  /** @throws once there were too many, and from then on: whoever goes on with this world must hear of it */
  read(): void {
    if (this.#readings === 0) {
      setImmediate(() => {
        this.#readings = 0;
      });
    }
    this.#readings += 1;
    if (this.#readings > READINGS_MAX) {
      this.#error ??= new Error(
        `virtual time: expected a turn of the event loop within ${READINGS_MAX} readings of the clock, got none`,
      );
    }
    if (this.#error !== undefined) throw this.#error;
  }
}
