// Sends a day's file and remembers the answer to each record. The file is read and packed ahead of the sending, a
// window of batches at a time, so that what is measured is the engine and the wire, not the reading of text.
import type { LedgerCalls } from '../../wire/calls.ts';
import { type BatchOptions, type ReadBatch, readBatches } from '../submit/batches.ts';
import { type Answered, Pipeline } from '../submit/pipeline.ts';
import { answersOf, sendBatch } from '../submit/submit-file.ts';
import { type Latencies, Tally } from '../submit/tally.ts';

/** Batches packed before they are sent: half a million records, 67 MB. */
const WINDOW_BATCHES = 64;

export interface DayAnswers {
  /** The answer to each record, in the order of the file. */
  readonly answers: AnswerList;
  readonly counts: Record<string, number>;
  readonly records: number;
  readonly batches: number;
  /** Time spent sending and waiting for answers; reading and packing not included. */
  readonly sendingSeconds: number;
  readonly latency: Latencies;
}

/** Two bytes a record instead of a string. */
export class AnswerList {
  readonly #names: string[] = [];
  readonly #numbers = new Map<string, number>();
  #list = new Uint16Array(1024);
  length = 0;

  push(name: string): void {
    let number = this.#numbers.get(name);
    if (number === undefined) {
      number = this.#names.push(name) - 1;
      this.#numbers.set(name, number);
    }
    if (this.length === this.#list.length) {
      const longer = new Uint16Array(this.#list.length * 2);
      longer.set(this.#list);
      this.#list = longer;
    }
    this.#list[this.length++] = number;
  }

  at(index: number): string | undefined {
    return index < this.length ? this.#names[this.#list[index]!] : undefined;
  }
}

export async function submitDay(
  client: LedgerCalls,
  options: BatchOptions,
  inFlightMax: number,
  onProgress: (records: number) => void,
): Promise<DayAnswers> {
  const answers = new AnswerList();
  const tally = new Tally();
  let sendingMs = 0;
  let answered = 0;
  const send = async (window: readonly ReadBatch[]): Promise<void> => {
    // Sorting the answers waits until the window is through: it is the reader's work, not the engine's.
    const received: Answered<ReadBatch>[] = [];
    const started = performance.now();
    const pipeline = new Pipeline<ReadBatch>(
      (item) => sendBatch(client, item.kind, item.batch),
      inFlightMax,
      (answer) => {
        received.push(answer);
        answered += answer.item.batch!.count;
        onProgress(answered);
      },
    );
    for (const item of window) await pipeline.push(item);
    await pipeline.drain();
    sendingMs += performance.now() - started;
    for (const { item, results, latencyMs } of received) {
      tally.addLatency(latencyMs);
      for (const { status } of answersOf(item.kind, item.batch!, results)) {
        answers.push(status);
        tally.add(status);
      }
    }
  };
  let window: ReadBatch[] = [];
  for await (const item of readBatches(options)) {
    const [refusal] = item.refusals;
    if (refusal !== undefined) {
      throw new RangeError(
        `sample day: expected every line to be readable, got line ${refusal.line}: ${refusal.reason}`,
      );
    }
    window.push(item);
    if (window.length < WINDOW_BATCHES) continue;
    await send(window);
    window = [];
  }
  await send(window);
  return {
    answers,
    counts: tally.answers(),
    records: tally.records,
    batches: tally.batches,
    sendingSeconds: sendingMs / 1000,
    latency: tally.latencies(),
  };
}
