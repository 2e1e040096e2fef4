// Cards over ISO 8583: settlement's Institution on one TCP connection with many orders in flight.
//
//     authorise, capture, …          window of n                        TCP
//     ┌ queue, bounded ┐  ready   ┌ in flight, by trace number ┐  ───▶ request
//     │ calls that wait│ ───────▶ │ request, timer, resolve    │  ◀─── answer: type, trace, retrieval reference, amount,
//     └────────────────┘          └────────────────────────────┘       currency and request id must all be the request's
//
// The time limit of a call runs from the call on, queue included. Whatever goes wrong on the way is `unknown`: only the
// institution's own words, on exactly this request, are an outcome. Nothing is sent twice by itself; the caller asks again.
import type { Socket } from 'node:net';
import type {
  CardOrder,
  Declined,
  InquiryOutcome,
  Institution,
  InstitutionOutcome,
  ReversalOutcome,
  Unknown,
} from '../roles/settlement/institution.ts';
import {
  type Acquirer,
  checkAcquirer,
  inexpressible,
  isAnswerTo,
  type Operation,
  requestFor,
  type Sending,
  transmissionTime,
} from './dialect.ts';
import { Element } from './iso8583/elements.ts';
import type { Message } from './iso8583/message.ts';
import { Link } from './link.ts';
import { declined, ResponseCode, refusal } from './response-codes.ts';
import { type Clock, systemClock, systemTimers, type Timers } from './timers.ts';
import { TraceNumbers } from './trace-numbers.ts';

export interface CardInstitutionOptions {
  readonly host: string;
  readonly port: number;
  readonly acquirer?: string;
  readonly terminal?: string;
  readonly merchant?: string;
  /** How long an operation may take, waiting for its turn included. */
  readonly timeoutMs?: number;
  /** Messages in flight, 1 to 10,000. */
  readonly window?: number;
  /** Calls that wait for their turn; beyond it they are answered `unknown` at once. */
  readonly queueMax?: number;
  readonly echoMs?: number;
  readonly clock?: Clock;
  readonly timers?: Timers;
  /** 0 up to, but not including, 1: spreads reconnections. */
  readonly random: () => number;
  /** Opens the connection: plain TCP unless given, which only a private line or a tunnel may carry. */
  readonly connect?: (host: string, port: number) => Socket;
}

/** What has come and gone since the start. */
export interface CardInstitutionCounters {
  sent: number;
  answered: number;
  timedOut: number;
  /** Answers to requests whose time was over. */
  late: number;
  /** Second answers. */
  duplicate: number;
  /** Messages that answer nothing that was asked. */
  stray: number;
  /** Messages that could not be decoded. */
  unreadable: number;
  /** Connections lost while in use. */
  lost: number;
}

interface Call {
  readonly operation: Operation;
  readonly order: CardOrder;
  readonly approvalCode: string | undefined;
  readonly settle: (outcome: Message | Unknown) => void;
  timer: unknown;
  /** Once it is sent. */
  request?: Message;
  trace?: string;
}

const WINDOW_MAX = 10_000;
/** Trace numbers whose calls are over, kept to tell late and second answers from strays. */
const FINISHED_MAX = 4_096;
/** Authorisations whose trace number and time are kept for DE 90 of their reversal. */
const ORIGINALS_MAX = 65_536;

export class CardInstitution implements Institution {
  readonly counters: CardInstitutionCounters = {
    sent: 0,
    answered: 0,
    timedOut: 0,
    late: 0,
    duplicate: 0,
    stray: 0,
    unreadable: 0,
    lost: 0,
  };
  readonly #acquirer: Acquirer;
  readonly #timeoutMs: number;
  readonly #window: number;
  readonly #queueMax: number;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #link: Link;
  /** A set, since calls leave from the middle when their time is over. */
  readonly #queue = new Set<Call>();
  readonly #inFlight = new Map<string, Call>();
  readonly #finished = new Map<string, 'answered' | 'timed_out'>();
  readonly #originals = new Map<bigint, Sending>();
  readonly #traces = new TraceNumbers();
  #isClosed = false;

  /** Begins to connect, and goes on trying until closed. @throws RangeError for an option out of range. */
  constructor(options: CardInstitutionOptions) {
    const { host, port, acquirer = '1', terminal = 'SPECIE', merchant = 'SPECIE', random, connect } = options;
    const { timeoutMs = 5_000, window = 256, queueMax = 65_536, echoMs = 30_000 } = options;
    this.#acquirer = { acquirer, terminal, merchant };
    checkAcquirer(this.#acquirer);
    checkRange('timeoutMs', timeoutMs, 1, 600_000);
    checkRange('window', window, 1, WINDOW_MAX);
    checkRange('queueMax', queueMax, 0, 10_000_000);
    checkRange('echoMs', echoMs, 1, 86_400_000);
    this.#timeoutMs = timeoutMs;
    this.#window = window;
    this.#queueMax = queueMax;
    this.#clock = options.clock ?? systemClock;
    this.#timers = options.timers ?? systemTimers;
    this.#link = new Link({
      host,
      port,
      timeoutMs,
      echoMs,
      timers: this.#timers,
      random,
      connect,
      nextSending: () => this.#nextSending(),
      onReady: () => this.#pump(),
      onMessage: (message) => this.#take(message),
      onUnreadable: () => {
        this.counters.unreadable++;
      },
      onLost: (why) => this.#lose(why),
    });
  }

  get isConnected(): boolean {
    return this.#link.isReady;
  }

  async authorise(order: CardOrder): Promise<InstitutionOutcome> {
    const refused = refusedHere(order);
    if (refused !== undefined) return refused;
    return approvalOf(await this.#call('authorise', order));
  }

  async capture(order: CardOrder, institutionReference: string): Promise<InstitutionOutcome> {
    const refused = refusedHere(order);
    if (refused !== undefined) return refused;
    if (typeof institutionReference !== 'string' || !/^[A-Za-z0-9 ]{6}$/.test(institutionReference)) {
      return { kind: 'declined', reason: 'not_expressible', responseCode: '' };
    }
    return approvalOf(await this.#call('capture', order, institutionReference));
  }

  async reverse(order: CardOrder): Promise<ReversalOutcome> {
    const refused = refusedHere(order);
    if (refused !== undefined) return refused;
    const answer = await this.#call('reverse', order);
    if ('kind' in answer) return answer;
    const code = answer.elements[Element.responseCode];
    if (code === ResponseCode.approved) return { kind: 'reversed' };
    return code === undefined ? NO_CODE : refusal(code);
  }

  async inquire(order: CardOrder): Promise<InquiryOutcome> {
    // What cannot be expressed was never sent.
    if (refusedHere(order) !== undefined) return { kind: 'not_found' };
    const answer = await this.#call('inquire', order);
    return 'kind' in answer ? answer : standingOf(answer);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#link.close();
    for (const call of [...this.#inFlight.values(), ...this.#queue]) {
      this.#finish(call, unknown('the adapter was closed'));
    }
  }

  #call(operation: Operation, order: CardOrder, approvalCode?: string): Promise<Message | Unknown> {
    return new Promise((resolve) => {
      if (this.#isClosed) {
        resolve(unknown('not sent: the adapter is closed'));
      } else if (this.#queue.size >= this.#queueMax && !this.#hasRoom) {
        resolve(unknown(`not sent: ${this.#queue.size} calls are waiting`));
      } else {
        const call: Call = { operation, order, approvalCode, settle: resolve, timer: undefined };
        call.timer = this.#timers.set(() => this.#expire(call), this.#timeoutMs);
        this.#queue.add(call);
        this.#pump();
      }
    });
  }

  get #hasRoom(): boolean {
    return this.#link.isReady && this.#inFlight.size < this.#window;
  }

  #pump(): void {
    for (const call of this.#queue) {
      if (!this.#hasRoom) return;
      this.#queue.delete(call);
      const sending = this.#nextSending();
      const { operation, order, approvalCode } = call;
      call.trace = sending.trace;
      call.request = requestFor(operation, order, sending, this.#acquirer, {
        ...(approvalCode === undefined ? {} : { approvalCode }),
        original: this.#originals.get(order.reference),
      });
      this.#inFlight.set(sending.trace, call);
      this.#finished.delete(sending.trace);
      if (operation === 'authorise') keepNewest(this.#originals, order.reference, sending, ORIGINALS_MAX);
      this.counters.sent++;
      this.#link.send(call.request);
    }
  }

  #nextSending(): Sending {
    const trace = this.#traces.next((number) => this.#inFlight.has(number));
    return { trace, transmission: transmissionTime(this.#clock()) };
  }

  #take(answer: Message): void {
    const trace = answer.elements[Element.traceNumber] ?? '';
    const call = this.#inFlight.get(trace);
    if (call !== undefined && isAnswerTo(answer, call.request!)) {
      this.counters.answered++;
      keepNewest(this.#finished, trace, 'answered', FINISHED_MAX);
      this.#finish(call, answer);
      this.#pump();
      return;
    }
    const past = call === undefined ? this.#finished.get(trace) : undefined;
    if (past === 'answered') this.counters.duplicate++;
    else if (past === 'timed_out') this.counters.late++;
    else this.counters.stray++;
  }

  #expire(call: Call): void {
    this.counters.timedOut++;
    if (call.trace === undefined) {
      this.#finish(call, unknown(`not sent: no connection or no turn within ${this.#timeoutMs} ms`));
      return;
    }
    keepNewest(this.#finished, call.trace, 'timed_out', FINISHED_MAX);
    this.#finish(call, unknown(`no answer within ${this.#timeoutMs} ms`));
    this.#link.probe();
    this.#pump();
  }

  #lose(why: string): void {
    this.counters.lost++;
    // Those that wait go out over the next connection.
    for (const call of [...this.#inFlight.values()]) this.#finish(call, unknown(`connection lost: ${why}`));
    this.#finished.clear();
  }

  #finish(call: Call, outcome: Message | Unknown): void {
    this.#timers.clear(call.timer);
    if (call.trace === undefined) this.#queue.delete(call);
    else this.#inFlight.delete(call.trace);
    call.settle(outcome);
  }
}

function unknown(why: string): Unknown {
  return { kind: 'unknown', why };
}

const NO_CODE = unknown('unreadable answer: no response code');

/** The order's own fault, found before anything is sent. */
function refusedHere(order: CardOrder): Declined | undefined {
  const field = inexpressible(order);
  if (field === undefined) return undefined;
  const reason = field === 'amount' ? 'invalid_amount' : 'not_expressible';
  return { kind: 'declined', reason, responseCode: '' };
}

function approvalOf(answer: Message | Unknown): InstitutionOutcome {
  if ('kind' in answer) return answer;
  const { [Element.responseCode]: code, [Element.approvalCode]: approvalCode } = answer.elements;
  if (code === undefined) return NO_CODE;
  if (code !== ResponseCode.approved) return refusal(code);
  if (approvalCode === undefined) return unknown('unreadable answer: approved without an approval code');
  return { kind: 'approved', institutionReference: approvalCode };
}

function standingOf({ elements }: Message): InquiryOutcome {
  const { [Element.responseCode]: code, [Element.approvalCode]: approvalCode } = elements;
  if (code === undefined) return NO_CODE;
  if (code === ResponseCode.not_found) return { kind: 'not_found' };
  // Of all other refusals only this one is about the order.
  if (code === ResponseCode.inconsistent) return refusal(code);
  if (code !== ResponseCode.approved) return unknown(`inquiry answered with code ${code}`);
  const standing = elements[Element.standing] ?? '';
  if (standing === 'REVERSED') return { kind: 'reversed' };
  const refused = /^DECLINED ([A-Za-z0-9]{2})$/.exec(standing);
  if (refused !== null) return declined(refused[1]!);
  if (approvalCode !== undefined && standing === 'AUTHORISED') {
    return { kind: 'authorised', institutionReference: approvalCode };
  }
  if (approvalCode !== undefined && standing === 'CAPTURED') {
    return { kind: 'captured', institutionReference: approvalCode };
  }
  return unknown('unreadable answer: no standing');
}

function keepNewest<K, V>(map: Map<K, V>, key: K, value: V, max: number): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > max) map.delete(map.keys().next().value!);
}

function checkRange(name: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(`${name}: expected a whole number from ${min} to ${max}, got ${value}`);
  }
}
