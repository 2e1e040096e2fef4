// A client that never lets up, and a notebook of what it asked for and what it was told.
//
//     lanes ──▶ Client (reconnects, resumes) ──▶ engine, dying
//       └──▶ requests: session, number, records ──▶ answer, or that it will never know
import { type Client, type ClientEvent, connect } from '../../src/channel/client.ts';
import { ClientError } from '../../src/channel/client-error.ts';
import type { Account, Transfer } from '../../src/layout/generated.ts';
import { Random } from '../../src/shared/random.ts';
import type { CreateAccountResult, CreateTransferResult } from '../../src/wire/results.ts';
import { type Request, Workload } from '../audit/workload.ts';
import { pause } from './support.ts';

export type Batch = Exclude<Request, { kind: 'pause' }>;
type Result = CreateAccountResult | CreateTransferResult;

export interface Asked {
  readonly batch: Batch;
  readonly session: bigint;
  /** The client numbers its writes 1, 2, 3 … in the order of the calls. */
  readonly number: bigint;
  /** undefined: not answered (yet). */
  answer: readonly Result[] | undefined;
  /** Why it was not answered. */
  error: ClientError | undefined;
}

export interface TrafficOptions {
  readonly url: string;
  readonly seed: bigint;
  readonly lanes: number;
  readonly batchRecordsMax: number;
  readonly devices: number;
  /** Records a second, so that the books stay small. */
  readonly rate: number;
  /** False: a refusal for want of room is written down. Default true: it is a failure. */
  readonly isRefusalFatal?: boolean;
}

/**
 * How long the lanes rest after a refusal, unless something is answered before. A session has 32 numbers beyond its oldest
 * unanswered request: lanes that kept asking would use them up, and then hear nothing at all.
 */
const HELD_MS = 3000;

export class Traffic {
  readonly asked: Asked[] = [];
  readonly events: ClientEvent[] = [];
  /** All sessions, in order. */
  readonly sessions: bigint[] = [];
  accountIds: bigint[] = [];
  client!: Client;
  readonly #options: TrafficOptions;
  readonly #workload: Workload;
  readonly #random: Random;
  #calls = 0n;
  #records = 0;
  #startedMs = 0;
  #heldUntilMs = 0;
  #isRunning = false;
  #lanes: Promise<unknown>[] = [];
  /** What must not happen: it ends the test. */
  failure: Error | undefined;

  private constructor(options: TrafficOptions) {
    this.#options = options;
    const { seed, devices, batchRecordsMax } = options;
    this.#workload = new Workload({ seed, devices, shops: 3, batchRecordsMax });
    this.#random = new Random(seed ^ 0xffn);
  }

  /** Connects and opens the accounts. */
  static async start(options: TrafficOptions): Promise<Traffic> {
    const traffic = new Traffic(options);
    await traffic.#connect();
    for (const request of traffic.#workload.opening()) {
      if (request.kind !== 'accounts') continue;
      traffic.accountIds.push(...request.events.map(({ id }) => id));
      await traffic.#ask(request);
    }
    traffic.accountIds = [...new Set(traffic.accountIds)].filter((id) => id !== 0n);
    return traffic;
  }

  async #connect(): Promise<void> {
    this.#calls = 0n;
    this.client = await connect({
      url: this.#options.url,
      connectTimeoutMs: 60_000,
      requestTimeoutMs: 0,
      heartbeatMs: 2_000,
      reconnectFirstMs: 5,
      reconnectLastMs: 40,
      onEvent: (event) => this.events.push(event),
    });
    this.sessions.push(this.client.session);
  }

  /** Lets the lanes run. */
  run(): void {
    this.#isRunning = true;
    this.#startedMs = performance.now();
    this.#records = 0;
    this.#lanes = Array.from({ length: this.#options.lanes }, () => this.#lane());
  }

  /** Sends nothing new and waits for all answers. */
  async settle(): Promise<void> {
    this.#isRunning = false;
    await Promise.all(this.#lanes);
    if (this.failure !== undefined) throw this.failure;
  }

  /** Dies: what is not answered never will be. Another client takes over, in a session of its own. */
  async abandon(): Promise<void> {
    this.#isRunning = false;
    await this.client.close(0);
    await Promise.all(this.#lanes);
    await this.#connect();
    this.run();
  }

  /** One more request, besides those of the lanes; resolves when it is answered or given up. */
  async one(): Promise<Asked> {
    let request = this.#workload.next();
    while (request.kind === 'pause' || request.events.length === 0) request = this.#workload.next();
    const asked = this.#ask(request);
    const last = this.asked.at(-1)!;
    await asked;
    return last;
  }

  get answered(): number {
    return this.asked.filter(({ answer }) => answer !== undefined).length;
  }

  async #lane(): Promise<void> {
    while (this.#isRunning && this.failure === undefined) {
      const ahead = this.#records - ((performance.now() - this.#startedMs) / 1000) * this.#options.rate;
      if (performance.now() < this.#heldUntilMs) {
        await pause(20);
        continue;
      }
      if (ahead > 0) {
        await pause(1 + (ahead / this.#options.rate) * 1000 * this.#random.float());
        continue;
      }
      const request = this.#workload.next();
      if (request.kind === 'pause') continue;
      this.#records += request.events.length;
      await this.#ask(request);
    }
  }

  /** Resolves when it is answered or given up. */
  async #ask(batch: Batch): Promise<void> {
    // A batch of nothing is answered by the client itself, without a number.
    if (batch.events.length === 0) return;
    this.#calls += 1n;
    const asked: Asked = {
      batch,
      session: this.client.session,
      number: this.#calls,
      answer: undefined,
      error: undefined,
    };
    this.asked.push(asked);
    try {
      asked.answer =
        batch.kind === 'accounts'
          ? await this.client.createAccounts(batch.events as Account[])
          : await this.client.createTransfers(batch.events as Transfer[]);
      this.#heldUntilMs = 0;
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      asked.error = error;
      const isFatal = error.code !== 'closed' && (this.#options.isRefusalFatal ?? true);
      if (isFatal) this.failure ??= error;
      else if (error.code === 'storage_full') this.#heldUntilMs = performance.now() + HELD_MS;
    }
  }
}
