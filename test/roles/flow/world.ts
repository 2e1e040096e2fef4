// A simulated world: one queue of events in virtual time, all chance from one seed. Between two events everything that
// the code does by itself (promises) comes to rest.
import { Random } from '../../../src/shared/random.ts';
import type { SetTimer } from '../../../src/shared/timer.ts';
import { TurnGuard } from '../../turn-guard.ts';

interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
  isCancelled: boolean;
}

/** Of one run: the longest have some thousands. */
const EVENTS_MAX = 1_000_000;

export class World {
  readonly random: Random;
  #queue: Event[] = [];
  #nowMs = 0;
  #order = 0;
  readonly #guard = new TurnGuard();

  constructor(seed: bigint) {
    this.random = new Random(seed);
  }

  get nowMs(): number {
    this.#guard.read();
    return this.#nowMs;
  }

  readonly clock = (): bigint => 1_000_000_000_000n + BigInt(Math.round(this.nowMs * 1e6));

  readonly setTimer: SetTimer = (run, milliseconds) => {
    const event = { at: this.#nowMs + milliseconds, order: this.#order++, run, isCancelled: false };
    this.#queue.push(event);
    return () => {
      event.isCancelled = true;
    };
  };

  /** At the end of the turn: before anything that takes time. */
  readonly afterTurn = (run: () => void): void => void this.setTimer(run, 0);

  /** Runs events until `isDone`, or fails after `limitMs` of virtual time. */
  async runUntil(isDone: () => boolean, limitMs: number): Promise<void> {
    await rest();
    for (let events = 0; !isDone(); events++) {
      if (events > EVENTS_MAX) throw new Error(`not done within ${EVENTS_MAX} events, at ${this.#nowMs} ms`);
      let first = 0;
      this.#queue.forEach((event, i) => {
        const best = this.#queue[first]!;
        if (event.at < best.at || (event.at === best.at && event.order < best.order)) first = i;
      });
      const [event] = this.#queue.splice(first, 1);
      if (event === undefined) throw new Error(`nothing happens any more at ${this.#nowMs} ms`);
      if (event.isCancelled) continue;
      if (event.at > limitMs) throw new Error(`not done within ${limitMs} ms`);
      this.#nowMs = event.at;
      event.run();
      await rest();
    }
  }
}

/** Until every promise that can settle has. */
const rest = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
