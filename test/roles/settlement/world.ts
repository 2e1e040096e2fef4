// A world with a clock of its own: timers fire only when nothing else is left to happen.
import type { SetTimer } from '../../../src/shared/timer.ts';

const MS = 1_000_000n;
/** Turns of the event loop after which nothing is under way that does not wait for a timer. */
const QUIET_TURNS = 12;

interface Timer {
  readonly at: bigint;
  readonly order: number;
  readonly run: () => void;
}

export class World {
  /** Nanoseconds. */
  now: bigint;
  readonly #timers = new Set<Timer>();
  #order = 0;

  constructor(now = 1_900_000_000_000_000_000n) {
    this.now = now;
  }

  readonly clock = (): bigint => this.now;

  readonly setTimer: SetTimer = (run, milliseconds) => {
    const timer = { at: this.now + BigInt(Math.ceil(milliseconds)) * MS, order: this.#order++, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  };

  later(milliseconds: number): Promise<void> {
    return new Promise((resolve) => void this.setTimer(resolve, milliseconds));
  }

  /** All that happens without the time going on. */
  async quiet(turns = QUIET_TURNS): Promise<void> {
    for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Lets the time go on until the promise is settled. */
  async until<T>(promise: Promise<T>, hours = 24): Promise<T> {
    let isSettled = false;
    const settled = (): void => {
      isSettled = true;
    };
    promise.then(settled, settled);
    const end = this.now + BigInt(hours) * 3_600_000n * MS;
    for (;;) {
      await this.quiet();
      if (isSettled) return promise;
      if (!this.#fireNext(end)) throw new Error('the world stands still, or its time is over');
    }
  }

  /** Lets everything happen that is going to within that time. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.now + BigInt(milliseconds) * MS;
    do await this.quiet();
    while (this.#fireNext(end));
    this.now = end;
  }

  #fireNext(end: bigint): boolean {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (next === undefined || timer.at < next.at || (timer.at === next.at && timer.order < next.order)) {
        next = timer;
      }
    }
    if (next === undefined || next.at > end) return false;
    this.#timers.delete(next);
    if (next.at > this.now) this.now = next.at;
    next.run();
    return true;
  }
}
