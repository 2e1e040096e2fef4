// Runs the requests of a role. What has come (new requests, outcomes of effects) is written; when that is flushed, the
// effects of the new states are performed, and their outcomes come back as input. The store gathers what comes while it
// flushes, so a lone request waits for nothing and a thousand cost one flush.
//
//       submit ──▶ admit ─┐                        ┌─▶ waiting callers (final states)
//                         ├─▶ transaction ─ flush ─┤
//     ┌─▶ outcome ▶ next ─┘   request, open        └─▶ due ─▶ perform, all of one turn together ─┐
//     └──────────────────────────────────────────────────────────────────────────────────────────┘
//
// Tables:
//     requests        id ▶ record                    for ever
//     open-requests   id ▶ nothing                   those that are not final: what a start has to take up
//
// After a crash, an effect whose outcome was not written is performed again; so is one whose outcome could not be
// written because the disk was full. Nothing else is ever remembered of an effect: the state is all there is.
import { randomBytes } from 'node:crypto';
import type { Clock } from '../../ledger/clock.ts';
import { Random } from '../../shared/random.ts';
import { type SetTimer, systemTimer } from '../../shared/timer.ts';
import { StoreError } from '../../store/errors.ts';
import { idOfKey, keyOf } from '../../store/key.ts';
import { RANGE_MAX, type RoleStore, type StoreTransaction } from '../../store/store.ts';
import { cut } from '../common/answer.ts';
import { mayRepeat, Refusal } from '../common/refusal.ts';
import type {
  Again,
  EffectItem,
  Flow,
  Perform,
  RequestRecord,
  Standing,
  Submission,
  Trace,
  Wait,
} from './flow.ts';
import { type Awaited, Patience } from './patience.ts';
import { decodeRecord, encodeRecord, historyWith, type StoredRequest } from './record.ts';
import { REQUESTS_TABLE as REQUESTS } from './request-ids.ts';

const OPEN = 'open-requests';
const REFUSED = 'refused';
const NOTHING = new Uint8Array(0);

/** Requests in progress. A hundred thousand take about 100 MB. Beyond: new ones are refused with `busy`. */
export const OPEN_MAX = 100_000;
/** Bytes of the states of requests in progress. Beyond: likewise. */
export const OPEN_BYTES_MAX = 256 * 1024 * 1024;
/** Effects given to `perform` at a time; as many as messages fit a frame. Beyond: several calls. */
export const EFFECTS_MAX = 1024;
/** First and longest pause before an effect is performed again: a restart is bridged soon, an outage costs little. */
const PAUSE_FIRST_MS = 50;
const PAUSE_LAST_MS = 30_000;
/** A state that waits is asked again at least so often: timers do not see a clock that was set, or a machine that slept. */
const WAIT_MAX_MS = 60_000;

// biome-ignore lint/suspicious/noExplicitAny: flows of any types stand side by side; run() has checked each pair
type AnyFlow = Flow<any, any, any>;

/** A flow with what performs its effects; made by run(). */
export interface RunnableFlow {
  readonly flow: AnyFlow;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly perform: Perform<any, any>;
}

export function run<State, Effect extends object, Outcome>(
  flow: Flow<State, Effect, Outcome>,
  perform: Perform<Effect, Outcome>,
): RunnableFlow {
  return { flow, perform };
}

/** As pino's loggers have it. */
export interface FlowLog {
  error(fields: object, message: string): void;
}

export interface FlowRunnerOptions {
  /** Stays its opener's: close it after the runner. */
  readonly store: RoleStore;
  readonly flows: readonly RunnableFlow[];
  readonly clock: Clock;
  readonly setTimer?: SetTimer;
  /** 0 up to, but not including, 1: spreads pauses. */
  readonly random?: () => number;
  readonly trace?: Trace;
  readonly log?: FlowLog;
  readonly openMax?: number;
  readonly openBytesMax?: number;
}

/** What was written of a request. */
interface Written {
  readonly stored: StoredRequest;
  readonly state: unknown;
  readonly isFinal: boolean;
}

/** A request in progress: `written` is always what was flushed last. */
interface Open extends Awaited<Standing<unknown>> {
  readonly id: bigint;
  readonly runnable: RunnableFlow;
  written: Written;
  /** Effects performed in this state. */
  attempt: number;
  cancelTimer: (() => void) | undefined;
}

interface Due {
  readonly open: Open;
  readonly effect: object;
}

export class FlowRunner {
  readonly #store: RoleStore;
  readonly #byKind = new Map<number, RunnableFlow>();
  readonly #clock: Clock;
  readonly #setTimer: SetTimer;
  readonly #random: () => number;
  readonly #trace: Trace;
  readonly #log: FlowLog | undefined;
  readonly #openMax: number;
  readonly #openBytesMax: number;
  readonly #open = new Map<bigint, Open>();
  /** Of #open, and of requests whose first write is under way. */
  #openCount = 0;
  #openBytes = 0;
  /** Effects to be performed at the end of this turn. */
  #due: Due[] = [];
  readonly #writes = new Set<Promise<unknown>>();
  #isClosing = false;

  /**
   * Takes up every request of the store that is not final.
   * @throws StoreError store_corrupt; RangeError when a stored request's flow is not among `flows`
   */
  static open(options: FlowRunnerOptions): FlowRunner {
    const runner = new FlowRunner(options);
    runner.#takeUp();
    return runner;
  }

  private constructor(options: FlowRunnerOptions) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#setTimer = options.setTimer ?? systemTimer;
    this.#random = options.random ?? systemRandom();
    this.#trace = options.trace ?? (() => {});
    this.#log = options.log;
    this.#openMax = options.openMax ?? OPEN_MAX;
    this.#openBytesMax = options.openBytesMax ?? OPEN_BYTES_MAX;
    for (const runnable of options.flows) {
      const { kind, name } = runnable.flow;
      if (!Number.isInteger(kind) || kind < 1 || kind > 255 || this.#byKind.has(kind)) {
        throw new RangeError(`flow ${name}: expected a kind from 1 to 255 of its own, got ${kind}`);
      }
      this.#byKind.set(kind, runnable);
    }
  }

  /** Requests in progress. */
  get openCount(): number {
    return this.#openCount;
  }

  /** True: new requests are refused with `busy`. */
  get isFull(): boolean {
    return this.#openCount >= this.#openMax || this.#openBytes >= this.#openBytesMax;
  }

  /**
   * Takes in requests. Each promise resolves when its request is final, or after `waitMs` with its present standing, or
   * with a Refusal: that of `admit`, `request_differs`, or one after which it may be repeated. None rejects.
   */
  submit<State, Effect extends object, Outcome, Code extends string = never>(
    flow: Flow<State, Effect, Outcome>,
    items: readonly Submission<State, Code>[],
    waitMs: number,
  ): Promise<Standing<State> | Refusal<Code>>[] {
    const runnable = this.#byKind.get(flow.kind);
    if (runnable?.flow !== flow)
      throw new RangeError(`submit: expected a flow of this runner, got ${flow.name}`);
    const patience = new Patience<Standing<unknown>>(waitMs, this.#setTimer);
    const answers = items.map((item) => this.#submitOne(runnable, item as Submission<unknown>, patience));
    void Promise.all(answers).then(() => patience.end());
    return answers as Promise<Standing<State> | Refusal<Code>>[];
  }

  /** Something has come that the request's effect waits for: it is performed now, and not after its pause. */
  wake(id: bigint): void {
    const open = this.#open.get(id);
    // Without a timer it is being performed or written.
    if (open?.cancelTimer === undefined || this.#isClosing) return;
    open.cancelTimer();
    open.cancelTimer = undefined;
    this.#follow(open);
  }

  /** What became of a request, for ever; undefined: it is not known here. @throws StoreError store_corrupt */
  lookup(id: bigint): RequestRecord | undefined {
    const bytes = this.#store.get(REQUESTS, id);
    if (bytes === undefined) return undefined;
    const { runnable, written } = this.#read(id, bytes);
    const { digest, history } = written.stored;
    const refusal = refusalIn(written);
    return { ...standing(id, written), flow: runnable.flow.name, refusal, digest, history };
  }

  /** Takes nothing more, finishes writes in progress, leaves effects to the next start; who waits gets what is known. */
  async close(): Promise<void> {
    this.#isClosing = true;
    while (this.#writes.size > 0) await Promise.allSettled(this.#writes);
    for (const open of this.#open.values()) {
      open.cancelTimer?.();
      this.#answer(open);
    }
    this.#open.clear();
  }

  // ---- New requests

  async #submitOne(
    runnable: RunnableFlow,
    item: Submission<unknown>,
    patience: Patience<Standing<unknown>>,
  ): Promise<Standing<unknown> | Refusal> {
    if (this.#isClosing) return new Refusal('stopping', 'expected a running role, got one that stops');
    const { id } = item;
    let open = this.#open.get(id);
    if (open === undefined) {
      const admitted = await this.#admit(runnable, item);
      if (admitted instanceof Refusal) return admitted;
      open = this.#open.get(id);
      if (open === undefined) return standing(id, admitted);
    } else if (!isSame(open.written.stored, runnable, item)) {
      return differs(id);
    }
    const waitedFor = open;
    if (answersNow(waitedFor)) return standing(id, waitedFor.written);
    return patience.wait(waitedFor, () => standing(id, waitedFor.written));
  }

  /** What is stored of the request, or it is stored now. */
  async #admit(runnable: RunnableFlow, item: Submission<unknown>): Promise<Written | Refusal> {
    const { id } = item;
    let created: Written | undefined;
    let result: Written | Refusal;
    try {
      result = await this.#transaction((tx) => {
        const bytes = tx.get(REQUESTS, id);
        if (bytes !== undefined) {
          const { written } = this.#read(id, bytes);
          return isSame(written.stored, runnable, item) ? (refusalIn(written) ?? written) : differs(id);
        }
        if (this.isFull)
          return new Refusal('busy', `expected fewer requests in progress, got ${this.#openCount}`);
        const state = item.admit(tx);
        if (state instanceof Refusal) {
          if (!mayRepeat(state)) this.#putRefusal(tx, id, runnable, state, item.digest);
          return state;
        }
        created = this.#put(tx, id, runnable, undefined, state, item.digest);
        if (!created.isFinal) this.#claim(created, 1);
        return created;
      });
    } catch (error) {
      if (created?.isFinal === false) this.#claim(created, -1);
      return this.#refusalOf(id, error);
    }
    if (created !== undefined) {
      this.#trace('after_write', id, nameOf(created));
      if (!created.isFinal) this.#begin(id, runnable, created);
    }
    return result;
  }

  /** Reads all requests that are not final. */
  #takeUp(): void {
    for (let from: Uint8Array | undefined; ; ) {
      const records = this.#store.range(OPEN, { ...(from !== undefined && { from }), limit: RANGE_MAX });
      for (const { key } of records) {
        const id = idOfKey(key);
        const bytes = this.#store.get(REQUESTS, id);
        if (bytes === undefined) {
          throw new StoreError(
            'store_corrupt',
            `request ${id}: expected its record, as it is open, got none`,
          );
        }
        const { runnable, written } = this.#read(id, bytes);
        this.#claim(written, 1);
        this.#begin(id, runnable, written);
      }
      if (records.length < RANGE_MAX) return;
      from = keyOf(records.at(-1)!.key, new Uint8Array(1));
    }
  }

  #begin(id: bigint, runnable: RunnableFlow, written: Written): void {
    const open: Open = { id, runnable, written, attempt: 0, waiting: new Set(), cancelTimer: undefined };
    this.#open.set(id, open);
    this.#follow(open);
  }

  // ---- Effects

  /** Sees to what the request's state asks for. */
  #follow(open: Open): void {
    if (this.#isClosing) return;
    const { runnable, written } = open;
    const now = this.#clock();
    let effect: object | undefined;
    try {
      effect = runnable.flow.effect(written.state, now);
    } catch (error) {
      this.#fault(open, error, 'a flow could not tell its effect');
      return;
    }
    if (effect === undefined) {
      void this.#settle(open);
    } else if ('waitUntil' in effect) {
      const pauseMs = Number((effect as Wait).waitUntil - now) / 1e6;
      this.#later(open, Math.min(WAIT_MAX_MS, Math.max(1, Math.ceil(pauseMs))));
    } else {
      if (this.#due.length === 0) queueMicrotask(() => this.#performDue());
      this.#due.push({ open, effect });
    }
  }

  /** Performs what became due in this turn, together. */
  #performDue(): void {
    const due = this.#due;
    this.#due = [];
    if (this.#isClosing) return;
    for (const runnable of this.#byKind.values()) {
      const own = due.filter(({ open }) => open.runnable === runnable);
      for (let at = 0; at < own.length; at += EFFECTS_MAX)
        this.#perform(runnable, own.slice(at, at + EFFECTS_MAX));
    }
  }

  #perform(runnable: RunnableFlow, due: readonly Due[]): void {
    const items = due.map(({ open, effect }): EffectItem<object> => {
      open.attempt++;
      this.#trace('before_effect', open.id, nameOf(open.written));
      return { id: open.id, effect, attempt: open.attempt };
    });
    let outcomes: readonly Promise<unknown>[] = [];
    try {
      outcomes = runnable.perform(items);
    } catch (error) {
      outcomes = items.map(() => Promise.reject(error));
    }
    due.forEach(({ open }, i) => {
      const outcome =
        outcomes[i] ?? Promise.reject(new Error(`expected ${due.length} outcomes, got ${outcomes.length}`));
      outcome.then(
        (value) => this.#outcome(open, value),
        (error) => this.#fault(open, error, 'an effect failed without an outcome'),
      );
    });
  }

  #outcome(open: Open, outcome: unknown): void {
    this.#trace('after_effect', open.id, nameOf(open.written));
    if (isAgain(outcome)) this.#pause(open, outcome.afterMs);
    else void this.#advance(open, (now) => open.runnable.flow.next(open.written.state, outcome, now));
  }

  /** Writes the next state; when it is flushed, follows it. */
  async #advance(open: Open, next: (now: bigint) => unknown): Promise<void> {
    if (this.#isClosing) return;
    const { id, runnable, written: before } = open;
    try {
      const after = await this.#transaction((tx) => {
        const state = next(this.#clock());
        return this.#put(tx, id, runnable, before, state, before.stored.digest);
      });
      this.#trace('after_write', id, nameOf(after));
      open.written = after;
      open.attempt = 0;
      this.#openBytes += after.stored.state.length - before.stored.state.length;
    } catch (error) {
      // As after a crash: the outcome is gone, the effect is performed again.
      this.#fault(open, error, 'a state could not be written');
      return;
    }
    if (open.written.isFinal) this.#end(open);
    else {
      if (answersNow(open)) this.#answer(open);
      this.#follow(open);
    }
  }

  /** Of a request that was open to an earlier version of its flow, and whose state is final to this one. */
  async #settle(open: Open): Promise<void> {
    try {
      await this.#transaction((tx) => tx.remove(OPEN, open.id));
    } catch (error) {
      this.#fault(open, error, 'a request could not be settled');
      return;
    }
    this.#end(open);
  }

  #end(open: Open): void {
    this.#open.delete(open.id);
    this.#claim(open.written, -1);
    this.#answer(open);
  }

  #fault(open: Open, error: unknown, what: string): void {
    this.#log?.error({ request: String(open.id), state: nameOf(open.written), error: textOf(error) }, what);
    this.#pause(open, 0);
  }

  /** Tries again after a pause that doubles from attempt to attempt, spread over its upper half. */
  #pause(open: Open, leastMs: number): void {
    const usualMs = Math.min(PAUSE_LAST_MS, PAUSE_FIRST_MS * 2 ** Math.min(open.attempt - 1, 20));
    this.#later(open, Math.max(leastMs, usualMs * (0.5 + 0.5 * this.#random())));
  }

  #later(open: Open, pauseMs: number): void {
    if (this.#isClosing) return;
    open.cancelTimer = this.#setTimer(() => {
      open.cancelTimer = undefined;
      this.#follow(open);
    }, pauseMs);
  }

  #answer({ id, written, waiting }: Open): void {
    const answer = standing(id, written);
    for (const resolve of waiting) resolve(answer);
    waiting.clear();
  }

  // ---- Records

  #transaction<T>(run: (tx: StoreTransaction) => T): Promise<T> {
    const write = this.#store.transaction(run);
    this.#writes.add(write);
    const done = (): void => void this.#writes.delete(write);
    write.then(done, done);
    return write;
  }

  /** Puts the record of a state, with all that belongs to it. */
  #put(
    tx: StoreTransaction,
    id: bigint,
    runnable: RunnableFlow,
    before: Written | undefined,
    state: unknown,
    digest: Uint8Array,
  ): Written {
    const { flow } = runnable;
    const now = this.#clock();
    const last = before?.stored.updatedAt ?? 0n;
    const updatedAt = now > last ? now : last;
    const stateName = flow.stateName(state);
    const stored: StoredRequest = {
      kind: flow.kind,
      digest,
      createdAt: before?.stored.createdAt ?? updatedAt,
      updatedAt,
      history: historyWith(before?.stored.history ?? [], stateName, updatedAt),
      refused: undefined,
      state: flow.state.encode(state),
    };
    const isFinal = flow.effect(state, now) === undefined;
    this.#trace('before_write', id, stateName);
    for (const { table, key, value } of flow.writes?.(before?.state, state, { id, now, reads: tx }) ?? []) {
      if (value === undefined) tx.remove(table, key);
      else tx.put(table, key, value);
    }
    tx.put(REQUESTS, id, encodeRecord(stored));
    if (isFinal && before !== undefined) tx.remove(OPEN, id);
    if (!isFinal && before === undefined) tx.put(OPEN, id, NOTHING);
    return { stored, state, isFinal };
  }

  #putRefusal(
    tx: StoreTransaction,
    id: bigint,
    { flow }: RunnableFlow,
    { code, message }: Refusal,
    digest: Uint8Array,
  ): void {
    const now = this.#clock();
    this.#trace('before_write', id, REFUSED);
    const stored: StoredRequest = {
      kind: flow.kind,
      digest,
      createdAt: now,
      updatedAt: now,
      history: historyWith([], REFUSED, now),
      refused: { code, message: cut(message) },
      state: NOTHING,
    };
    tx.put(REQUESTS, id, encodeRecord(stored));
  }

  #read(id: bigint, bytes: Uint8Array): { readonly runnable: RunnableFlow; readonly written: Written } {
    const stored = decodeRecord(id, bytes);
    const runnable = this.#byKind.get(stored.kind);
    if (runnable === undefined) {
      throw new RangeError(`request ${id}: expected a flow of kind ${stored.kind}, got none`);
    }
    if (stored.refused !== undefined)
      return { runnable, written: { stored, state: undefined, isFinal: true } };
    let state: unknown;
    try {
      state = runnable.flow.state.decode(stored.state);
    } catch (error) {
      throw new StoreError('store_corrupt', `state of request ${id}: ${textOf(error)}`, { cause: error });
    }
    return {
      runnable,
      written: { stored, state, isFinal: runnable.flow.effect(state, this.#clock()) === undefined },
    };
  }

  #claim({ stored }: Written, sign: 1 | -1): void {
    this.#openCount += sign;
    this.#openBytes += sign * stored.state.length;
  }

  #refusalOf(id: bigint, error: unknown): Refusal {
    if (error instanceof StoreError && error.code === 'store_full') {
      return new Refusal('storage_full', 'nothing was stored, the disk is full');
    }
    if (error instanceof StoreError && error.code === 'store_busy') return new Refusal('busy', error.what);
    this.#log?.error({ request: String(id), error: textOf(error) }, 'a request could not be admitted');
    return new Refusal('internal_error', 'the request could not be admitted');
  }
}

const answersNow = ({ runnable: { flow }, written }: Open): boolean =>
  flow.answersIn?.(written.state) === true;

function standing(id: bigint, written: Written): Standing<unknown> {
  const { stored, state, isFinal } = written;
  const { createdAt, updatedAt } = stored;
  return { id, state, stateName: nameOf(written), isFinal, createdAt, updatedAt };
}

function refusalIn({ stored: { refused } }: Written): Refusal | undefined {
  return refused && new Refusal(refused.code, refused.message);
}

const nameOf = ({ stored }: Written): string => stored.history.at(-1)!.stateName;

function isSame({ kind, digest }: StoredRequest, { flow }: RunnableFlow, item: Submission<unknown>): boolean {
  return kind === flow.kind && Buffer.compare(digest, item.digest) === 0;
}

function differs(id: bigint): Refusal {
  return new Refusal(
    'request_differs',
    `request ${id}: expected what was asked for before, got something else`,
  );
}

function isAgain(outcome: unknown): outcome is Again {
  return typeof outcome === 'object' && outcome !== null && (outcome as Partial<Again>).again === true;
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function systemRandom(): () => number {
  const random = new Random(randomBytes(8).readBigUInt64LE());
  return () => random.float();
}
