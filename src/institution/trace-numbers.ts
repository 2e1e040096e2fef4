// DE 11: six digits that go round, leaving out those in use.

const TRACE_MAX = 999_999;

export class TraceNumbers {
  #last: number;

  /** @param last the number before the first one. */
  constructor(last = 0) {
    this.#last = last;
  }

  /** @param isInUse of far fewer than a million numbers. */
  next(isInUse: (trace: string) => boolean): string {
    for (;;) {
      this.#last = this.#last >= TRACE_MAX ? 1 : this.#last + 1;
      const trace = String(this.#last).padStart(6, '0');
      if (!isInUse(trace)) return trace;
    }
  }
}
