// How long the callers of one submit() wait: one timer for all of them.
import type { SetTimer } from '../../shared/timer.ts';

export interface Awaited<Standing> {
  /** Called, once, when the request is final or the runner closes. */
  readonly waiting: Set<(standing: Standing) => void>;
}

export class Patience<Standing> {
  readonly #give = new Set<() => void>();
  readonly #cancelTimer: (() => void) | undefined;
  #isOver: boolean;

  constructor(waitMs: number, setTimer: SetTimer) {
    this.#isOver = waitMs <= 0;
    if (!this.#isOver) this.#cancelTimer = setTimer(() => this.end(), waitMs);
  }

  /** What the request was answered with, or its present standing when the time is over. */
  wait({ waiting }: Awaited<Standing>, present: () => Standing): Promise<Standing> {
    if (this.#isOver) return Promise.resolve(present());
    return new Promise((resolve) => {
      const answered = (standing: Standing): void => {
        this.#give.delete(giveUp);
        resolve(standing);
      };
      const giveUp = (): void => {
        waiting.delete(answered);
        resolve(present());
      };
      waiting.add(answered);
      this.#give.add(giveUp);
    });
  }

  /** Nobody waits any longer. */
  end(): void {
    this.#isOver = true;
    this.#cancelTimer?.();
    for (const giveUp of this.#give) giveUp();
    this.#give.clear();
  }
}
