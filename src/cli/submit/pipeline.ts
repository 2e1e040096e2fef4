// Sends batches without waiting for each answer, and hands the answers on in the order of the batches.
//
//     push ─▶ ┌────┬────┬────┬────┐ ─▶ answered, oldest first
//             │ 9  │ 8  │ 7  │ 6  │        up to `inFlightMax` batches; push waits while they are all taken
//             └────┴────┴────┴────┘

export interface Answered<T> {
  readonly item: T;
  /** Results, 16 bytes a record. */
  readonly results: Uint8Array;
  /** From handing the batch over to having its answer. */
  readonly latencyMs: number;
}

interface Flight<T> {
  readonly item: T;
  readonly answer: Promise<{ results: Uint8Array; latencyMs: number }>;
}

export class Pipeline<T> {
  readonly #send: (item: T) => Promise<Uint8Array>;
  readonly #inFlightMax: number;
  readonly #answered: (answer: Answered<T>) => void | Promise<void>;
  readonly #flights: Flight<T>[] = [];

  constructor(
    send: (item: T) => Promise<Uint8Array>,
    inFlightMax: number,
    answered: (answer: Answered<T>) => void | Promise<void>,
  ) {
    this.#send = send;
    this.#inFlightMax = inFlightMax;
    this.#answered = answered;
  }

  /** Resolves when the item is under way. Rejects with the failure of the oldest batch. */
  async push(item: T): Promise<void> {
    while (this.#flights.length >= this.#inFlightMax) await this.#takeOldest();
    const started = performance.now();
    const answer = this.#send(item).then((results) => ({ results, latencyMs: performance.now() - started }));
    // A failure is met when its turn comes; until then it must not count as unhandled.
    answer.catch(() => {});
    this.#flights.push({ item, answer });
  }

  /** Resolves when everything is answered. */
  async drain(): Promise<void> {
    while (this.#flights.length > 0) await this.#takeOldest();
  }

  async #takeOldest(): Promise<void> {
    const { item, answer } = this.#flights[0]!;
    const { results, latencyMs } = await answer;
    this.#flights.shift();
    await this.#answered({ item, results, latencyMs });
  }
}
