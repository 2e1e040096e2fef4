// A histogram in the Prometheus text format that takes many equal observations at once: prom-client's takes one at a time,
// which costs a microsecond.
import type { Metric, MetricValue, Registry } from 'prom-client';

export interface WeightedHistogramOptions {
  readonly name: string;
  readonly help: string;
  readonly label: string;
  /** Upper bounds, ascending. */
  readonly buckets: readonly number[];
  readonly registry: Registry;
}

interface Tally {
  /** By bucket; what is beyond the last one is in `count` alone. */
  readonly counts: Float64Array;
  sum: number;
  count: number;
}

export class WeightedHistogram {
  readonly name: string;
  readonly help: string;
  readonly type = 'histogram';
  readonly aggregator = 'sum';
  readonly #label: string;
  readonly #buckets: readonly number[];
  readonly #tallies = new Map<string, Tally>();

  constructor({ name, help, label, buckets, registry }: WeightedHistogramOptions) {
    this.name = name;
    this.help = help;
    this.#label = label;
    this.#buckets = buckets;
    // Of a metric a registry uses nothing else; the type names prom-client's own classes alone.
    registry.registerMetric(this as unknown as Metric);
  }

  /** `times` observations of the same value. */
  observe(of: string, value: number, times: number): void {
    let tally = this.#tallies.get(of);
    if (tally === undefined) {
      tally = { counts: new Float64Array(this.#buckets.length), sum: 0, count: 0 };
      this.#tallies.set(of, tally);
    }
    const bucket = this.#buckets.findIndex((bound) => value <= bound);
    if (bucket >= 0) tally.counts[bucket]! += times;
    tally.sum += value * times;
    tally.count += times;
  }

  /** What a registry asks for. */
  async get() {
    const values: (MetricValue<string> & { readonly metricName: string })[] = [];
    for (const [of, { counts, sum, count }] of this.#tallies) {
      const labels = { [this.#label]: of };
      let below = 0;
      this.#buckets.forEach((le, i) => {
        below += counts[i]!;
        values.push({ labels: { le, ...labels }, value: below, metricName: `${this.name}_bucket` });
      });
      values.push({ labels: { le: '+Inf', ...labels }, value: count, metricName: `${this.name}_bucket` });
      values.push({ labels, value: sum, metricName: `${this.name}_sum` });
      values.push({ labels, value: count, metricName: `${this.name}_count` });
    }
    const { name, help, type, aggregator } = this;
    return { name, help, type, aggregator, values };
  }

  reset(): void {
    this.#tallies.clear();
  }
}
