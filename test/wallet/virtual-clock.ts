// A clock that stands still while anything is being computed, and goes to the next timer when nothing is.
import type { WalletClock } from '../../src/wallet/core/ports.ts';
import { TurnGuard } from '../turn-guard.ts';

interface Timer {
  readonly due: bigint;
  readonly run: () => void;
}

export class VirtualClock implements WalletClock {
  #now: bigint;
  #timers: Timer[] = [];
  #isScheduled = false;
  readonly #guard = new TurnGuard();

  constructor(start: bigint) {
    this.#now = start;
  }

  now(): bigint {
    this.#guard.read();
    return this.#now;
  }

  setTimer(run: () => void, milliseconds: number): () => void {
    const timer: Timer = { due: this.#now + BigInt(Math.ceil(milliseconds * 1e6)), run };
    this.#timers.push(timer);
    this.#schedule();
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => this.setTimer(resolve, milliseconds));
  }

  advance(nanoseconds: bigint): void {
    this.#now += nanoseconds;
  }

  #schedule(): void {
    if (this.#isScheduled || this.#timers.length === 0) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      const [first] = this.#timers.toSorted((a, b) => (a.due < b.due ? -1 : a.due > b.due ? 1 : 0));
      if (first === undefined) return;
      this.#timers = this.#timers.filter((other) => other !== first);
      if (first.due > this.#now) this.#now = first.due;
      first.run();
      this.#schedule();
    });
  }
}
