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
