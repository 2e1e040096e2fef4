// Where the time of a request goes in a role: milliseconds from each step of its flow to the next, on average, and how often
// that step came in the life of a request.
import type { Trace } from '../../src/roles/flow/flow.ts';

export interface Stage {
  readonly stage: string;
  readonly milliseconds: number;
  readonly times: number;
}

interface Sum {
  milliseconds: number;
  times: number;
}

export class Stages {
  #sums = new Map<string, Sum>();
  #last = new Map<bigint, { readonly what: string; readonly at: number }>();

  readonly trace: Trace = (point, id, stateName) => {
    const at = performance.now();
    const what = `${point.replace('_', ' ')} ${stateName}`;
    const before = this.#last.get(id);
    if (before !== undefined) {
      const stage = `${before.what} ▶ ${what}`;
      const sum = this.#sums.get(stage) ?? { milliseconds: 0, times: 0 };
      sum.milliseconds += at - before.at;
      sum.times++;
      this.#sums.set(stage, sum);
    }
    this.#last.set(id, { what, at });
  };

  start(): void {
    this.#sums = new Map();
    this.#last = new Map();
  }

  /** In the order in which they came first. */
  stop(): readonly Stage[] {
    const requests = Math.max(1, this.#last.size);
    return [...this.#sums].map(([stage, { milliseconds, times }]) => ({
      stage,
      milliseconds: milliseconds / times,
      times: times / requests,
    }));
  }
}

/** How many have come to a step, in how many batches, and the sum of the times at which they did, in milliseconds. */
export interface StepTotal {
  readonly count: number;
  readonly batches: number;
  readonly atMs: number;
}
export type StepTotals = { readonly [step: string]: StepTotal };

export const NO_STEPS: StepTotal = { count: 0, batches: 0, atMs: 0 };

/**
 * Steps that are told with how many have come to them, and not which: as all come through all steps, the mean time between
 * two is the difference of the sums, by their number.
 */
export class StepTimes {
  readonly #totals: { [step: string]: StepTotal } = {};
  /** Sums of times since the epoch would be too long for their microseconds. */
  readonly #originMs = performance.timeOrigin;

  readonly trace = (step: string, count: number): void => {
    const total = this.#totals[step] ?? NO_STEPS;
    this.#totals[step] = {
      count: total.count + count,
      batches: total.batches + 1,
      atMs: total.atMs + count * performance.now(),
    };
  };

  /** On the clock of all processes, less `EPOCH_MS`. */
  totals(): StepTotals {
    const since = this.#originMs - EPOCH_MS;
    return Object.fromEntries(
      Object.entries(this.#totals).map(([step, { count, batches, atMs }]) => [
        step,
        { count, batches, atMs: atMs + count * since },
      ]),
    );
  }
}

/** 2026-01-01. */
const EPOCH_MS = 1_767_225_600_000;
