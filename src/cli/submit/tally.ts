// Counts of answers and the times they took.

export interface Latencies {
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export class Tally {
  readonly #answers = new Map<string, number>();
  readonly #latenciesMs: number[] = [];
  records = 0;

  add(answer: string): void {
    this.records++;
    this.#answers.set(answer, (this.#answers.get(answer) ?? 0) + 1);
  }

  addLatency(ms: number): void {
    this.#latenciesMs.push(ms);
  }

  count(answer: string): number {
    return this.#answers.get(answer) ?? 0;
  }

  /** Most frequent first. */
  answers(): Record<string, number> {
    return Object.fromEntries([...this.#answers].sort((a, b) => b[1] - a[1]));
  }

  get batches(): number {
    return this.#latenciesMs.length;
  }

  latencies(): Latencies {
    const sorted = [...this.#latenciesMs].sort((a, b) => a - b);
    const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
    return { p50Ms: at(0.5), p90Ms: at(0.9), p99Ms: at(0.99), maxMs: at(1) };
  }
}
