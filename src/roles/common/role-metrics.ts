// What an operator watches of a role, in the Prometheus text format.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { MESSAGES_MAX } from '../../wire/limits.ts';
import { WeightedHistogram } from './weighted-histogram.ts';

export class RoleMetrics {
  readonly #registry: Registry;
  /** By operation and outcome, since somebody last looked: counting under labels costs as much as a digest. */
  readonly #answered = new Map<string, Map<string, number>>();
  readonly #seconds: WeightedHistogram;
  readonly #sizes: Histogram<'operation'>;

  /** @param registry of one role alone; of its own, with what Node tells of the process, when left out */
  constructor(role: string, openRequests: () => number, registry?: Registry) {
    this.#registry = registry ?? new Registry();
    if (registry === undefined) collectDefaultMetrics({ register: this.#registry });
    this.#registry.setDefaultLabels({ role });
    const registers = [this.#registry];
    new Gauge({
      name: 'specie_role_open_requests',
      help: 'Requests that are not final',
      registers,
      collect() {
        this.set(openRequests());
      },
    });
    const answered = this.#answered;
    new Counter({
      name: 'specie_role_messages_total',
      help: 'Messages answered: ok, or refused with a code',
      labelNames: ['operation', 'outcome'],
      registers,
      collect() {
        for (const [operation, outcomes] of answered) {
          for (const [outcome, count] of outcomes) this.inc({ operation, outcome }, count);
        }
        answered.clear();
      },
    });
    this.#seconds = new WeightedHistogram({
      name: 'specie_role_message_seconds',
      help: 'From the arrival of a message to its answer',
      label: 'operation',
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
      registry: this.#registry,
    });
    this.#sizes = new Histogram({
      name: 'specie_role_batch_messages',
      help: 'Messages handled together',
      labelNames: ['operation'],
      buckets: [1, 4, 16, 64, 256, MESSAGES_MAX],
      registers,
    });
  }

  answered(operation: string, outcome: string): void {
    let outcomes = this.#answered.get(operation);
    if (outcomes === undefined) {
      outcomes = new Map();
      this.#answered.set(operation, outcomes);
    }
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }

  /** So many messages, which came together, were answered together. */
  took(operation: string, messages: number, ms: number): void {
    this.#seconds.observe(operation, ms / 1000, messages);
  }

  handled(operation: string, messages: number): void {
    this.#sizes.observe({ operation }, messages);
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }
}
