// A role behind a server: frames of messages in, frames of answers out.
//
//     frame ─▶ messages ─┬─ one that does not decode ─────────▶ malformed ─────┐
//                        ├─ one that this peer may not send ──▶ not_permitted ─┼─▶ answers, in order ─▶ frame
//                        └─ batch of its operation ───────────▶ handle ────────┘
//                           all frames of one turn of the event loop, at most MESSAGES_MAX
//
// A frame is one promise and one measurement, however many messages it has: a promise and an observation for each took a
// tenth of the time of a purchase.
import type { Registry } from 'prom-client';
import type { Clock } from '../../ledger/clock.ts';
import type { Engine, EngineHealth, EngineReply, EngineRequest, SessionInfo } from '../../wire/engine.ts';
import { MESSAGES_MAX } from '../../wire/limits.ts';
import { encodeMessages, viewMessages } from '../../wire/messages.ts';
import { RequestStatus, type RequestStatusName } from '../../wire/status.ts';
import { type AnswerCodec, answerCodec } from './answer.ts';
import type { AnswerOf, MessageOperation, Operations, RequestOf, RoleProtocol } from './operation.ts';
import { Refusal } from './refusal.ts';
import { RoleMetrics } from './role-metrics.ts';

/** Messages between their frame and their answer. Beyond: the server takes no more from its sockets. */
export const MESSAGES_HANDLED_MAX = 32_768;
/** Beyond this many of them: `busy`. What the server had read already when it was told to stop still fits. */
export const MESSAGES_REFUSED_FROM = 4 * MESSAGES_HANDLED_MAX;

export interface Handler<Request, Answer, Peer, Code extends string> {
  /** May this peer ask for this at all? Whether it may for what the message says is for `handle` to check. */
  allowed(peer: Peer): boolean;
  /**
   * Handles the messages of a turn: message i is of peers[i]. An answer each, in order: a promise each, where one must not
   * wait for another, or one promise of all.
   */
  handle(
    messages: readonly Request[],
    peers: readonly Peer[],
    now: bigint,
  ): readonly Promise<Answer | Refusal<Code>>[] | Promise<readonly (Answer | Refusal<Code>)[]>;
}

export type Handlers<Of extends Operations, Peer, Code extends string> = {
  readonly [Name in keyof Of]: Handler<RequestOf<Of[Name]>, AnswerOf<Of[Name]>, Peer, Code>;
};

export interface RoleEngineOptions<Of extends Operations, Peer, Code extends string> {
  readonly protocol: RoleProtocol<Of, Code>;
  readonly handlers: Handlers<Of, Peer, Code>;
  readonly clock: Clock;
  /** Of its own when left out. */
  readonly registry?: Registry;
  /** Requests in progress: a gauge, and part of the health. */
  readonly openRequests?: () => number;
  readonly health?: () => EngineHealth;
  readonly log?: { error(fields: object, message: string): void };
  /** Runs something when what has come in this turn has been taken in: setImmediate. */
  readonly afterTurn?: (run: () => void) => void;
}

export interface RoleRequest<Peer> extends Omit<EngineRequest, 'peer'> {
  readonly peer: Peer;
}

/** The messages of one request, which are answered together. */
interface Frame {
  /** Encoded, each in its message's place. */
  readonly answers: Uint8Array[];
  /** How many there are not yet. */
  left: number;
  /** All are there. */
  readonly answered: () => void;
}

interface Pending<Peer> {
  readonly message: unknown;
  readonly peer: Peer;
  readonly frame: Frame;
  readonly place: number;
}

interface Batch<Peer> {
  readonly name: string;
  // biome-ignore lint/suspicious/noExplicitAny: a table of operations of any types
  readonly operation: MessageOperation<any, any>;
  // biome-ignore lint/suspicious/noExplicitAny: likewise
  readonly handler: Handler<any, any, Peer, string>;
  readonly answers: AnswerCodec<unknown, string>;
  pending: Pending<Peer>[];
  isScheduled: boolean;
}

const NO_BODY = new Uint8Array(0);

export class RoleEngine<Of extends Operations, Peer, Code extends string = string> implements Engine {
  readonly #clock: Clock;
  readonly #batches = new Map<number, Batch<Peer>>();
  readonly #metrics: RoleMetrics;
  readonly #openRequests: () => number;
  readonly #health: (() => EngineHealth) | undefined;
  readonly #log: RoleEngineOptions<Of, Peer, Code>['log'];
  readonly #afterTurn: (run: () => void) => void;
  readonly #relieved: (() => void)[] = [];
  readonly #role: string;
  #handled = 0;
  #isClosed = false;

  constructor(options: RoleEngineOptions<Of, Peer, Code>) {
    const { protocol, handlers, clock, registry, openRequests, health, log, afterTurn } = options;
    this.#role = protocol.role;
    this.#clock = clock;
    this.#openRequests = openRequests ?? (() => 0);
    this.#metrics = new RoleMetrics(protocol.role, this.#openRequests, registry);
    this.#health = health;
    this.#log = log;
    this.#afterTurn = afterTurn ?? setImmediate;
    for (const [name, operation] of Object.entries(protocol.operations)) {
      const handler = handlers[name]!;
      const answers = answerCodec<unknown, string>(operation.answer, protocol.refusals);
      this.#batches.set(operation.number, {
        name,
        operation,
        handler,
        answers,
        pending: [],
        isScheduled: false,
      });
    }
  }

  understands(operation: number): boolean {
    return this.#batches.has(operation);
  }

  async submit(request: EngineRequest): Promise<EngineReply> {
    // Nothing of the payload may be read after the first pause: it is borrowed.
    const { peer } = request as unknown as RoleRequest<Peer>;
    const { operation, payload, count } = request;
    const batch = this.#batches.get(operation);
    if (batch === undefined) {
      return refuse('unknown_operation', `expected an operation of ${this.#role}, got ${operation}`);
    }
    if (this.#isClosed) return refuse('stopping', `${this.#role} is stopping`);
    const { messagesMax } = batch.operation;
    if (count < 1) return refuse('too_few_records', `expected 1 to ${messagesMax} messages, got ${count}`);
    if (count > messagesMax) {
      return refuse('too_many_records', `expected 1 to ${messagesMax} messages, got ${count}`);
    }
    if (this.#handled + count > MESSAGES_REFUSED_FROM) {
      return refuse('busy', `expected at most ${MESSAGES_REFUSED_FROM} messages at a time`);
    }
    let messages: readonly Uint8Array[];
    try {
      messages = viewMessages(payload, count);
    } catch (error) {
      return refuse('body_size_mismatch', textOf(error));
    }
    this.#handled += count;
    const answers = await this.#answersTo(batch, messages, peer);
    this.#release(count);
    return { status: RequestStatus.ok, timestamp: this.#clock(), count, body: encodeMessages(answers) };
  }

  /** A role knows requests by their ids, not by sessions. */
  openSession(): SessionInfo {
    return { resumed: false, applied: 0n };
  }

  get congested(): boolean {
    return this.#handled >= MESSAGES_HANDLED_MAX;
  }

  onRelieved(listener: () => void): void {
    this.#relieved.push(listener);
  }

  metrics(): Promise<string> {
    return this.#metrics.text();
  }

  health(): EngineHealth {
    if (this.#isClosed) return { status: 'stopped', detail: { role: this.#role } };
    const { status, detail } = this.#health?.() ?? { status: 'ok', detail: {} };
    return {
      status,
      detail: { role: this.#role, messages: this.#handled, openRequests: this.#openRequests(), ...detail },
    };
  }

  /** Frames from now on are refused with `stopping`; those taken in are still answered. */
  close(): void {
    this.#isClosed = true;
  }

  /** Reads the messages at once; resolves with their encoded answers, in order. */
  async #answersTo(batch: Batch<Peer>, messages: readonly Uint8Array[], peer: Peer): Promise<Uint8Array[]> {
    const arrivedMs = performance.now();
    const answers: Uint8Array[] = new Array(messages.length);
    await new Promise<void>((answered) => {
      const frame: Frame = { answers, left: messages.length, answered };
      messages.forEach((encoded, place) => {
        const message = this.#read(batch, encoded, peer);
        if (message instanceof Refusal) this.#answer(batch, frame, place, message);
        else this.#enqueue(batch, { message, peer, frame, place });
      });
    });
    this.#metrics.took(batch.name, messages.length, performance.now() - arrivedMs);
    return answers;
  }

  #read({ name, operation, handler }: Batch<Peer>, encoded: Uint8Array, peer: Peer): unknown {
    try {
      if (handler.allowed(peer)) return operation.request.decode(encoded);
      return new Refusal('not_permitted', `expected a peer that may call ${name}`);
    } catch (error) {
      return new Refusal('malformed', `${name}: ${textOf(error)}`);
    }
  }

  #enqueue(batch: Batch<Peer>, pending: Pending<Peer>): void {
    batch.pending.push(pending);
    if (batch.pending.length >= MESSAGES_MAX) {
      this.#handle(batch);
    } else if (!batch.isScheduled) {
      batch.isScheduled = true;
      this.#afterTurn(() => {
        batch.isScheduled = false;
        if (batch.pending.length > 0) this.#handle(batch);
      });
    }
  }

  #handle(batch: Batch<Peer>): void {
    const { name, handler, pending } = batch;
    batch.pending = [];
    this.#metrics.handled(name, pending.length);
    const failed = (error: unknown): Refusal => {
      this.#log?.error({ operation: name, error: textOf(error) }, 'a message could not be handled');
      return new Refusal('internal_error', `${name} could not be handled`);
    };
    let answers: readonly Promise<unknown>[] | Promise<readonly unknown[]>;
    try {
      answers = handler.handle(
        pending.map(({ message }) => message),
        pending.map(({ peer }) => peer),
        this.#clock(),
      );
    } catch (error) {
      answers = Promise.reject(error);
    }
    const give = ({ frame, place }: Pending<Peer>, value: unknown): void => {
      const answer = value ?? failed(new Error(`expected ${pending.length} answers, got fewer`));
      this.#answer(batch, frame, place, answer);
    };
    if (isList(answers)) {
      pending.forEach((message, i) => {
        (answers[i] ?? Promise.resolve(undefined)).then(
          (value) => give(message, value),
          (error) => give(message, failed(error)),
        );
      });
    } else {
      // Not a promise for each: thousands of messages a second come this way.
      answers.then(
        (all) => pending.forEach((message, i) => void give(message, all[i])),
        (error) => {
          for (const message of pending) give(message, failed(error));
        },
      );
    }
  }

  #answer(batch: Batch<Peer>, frame: Frame, place: number, answer: unknown): void {
    const { bytes, outcome } = this.#encode(batch, answer);
    this.#metrics.answered(batch.name, outcome);
    frame.answers[place] = bytes;
    if (--frame.left === 0) frame.answered();
  }

  #encode(batch: Batch<Peer>, answer: unknown): { readonly bytes: Uint8Array; readonly outcome: string } {
    try {
      const bytes = batch.answers.encode(answer);
      return { bytes, outcome: answer instanceof Refusal ? answer.code : 'ok' };
    } catch (error) {
      this.#log?.error(
        { operation: batch.name, error: textOf(error) },
        'an answer does not fit its declaration',
      );
      const refusal = new Refusal('internal_error', `${batch.name} could not be answered`);
      return { bytes: batch.answers.encode(refusal), outcome: refusal.code };
    }
  }

  #release(count: number): void {
    const wasCongested = this.congested;
    this.#handled -= count;
    if (wasCongested && !this.congested) for (const listener of this.#relieved) listener();
  }
}

const isList = (answers: unknown): answers is readonly Promise<unknown>[] => Array.isArray(answers);

function refuse(status: RequestStatusName, message: string): EngineReply {
  return { status: RequestStatus[status], timestamp: 0n, count: 0, body: NO_BODY, message };
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
