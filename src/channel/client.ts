// The client: calls in, frames out, answers matched by number; a connection that breaks is replaced, and what was not
// answered is sent again in the same session, which the server applies exactly once.
//
//     call ──▶ queue ──▶ window (a number, a frame) ──▶ link ──▶ server
//                          │  ▲                          │
//                          │  └── sent again, in order, over the next link
//                          └── answered: settled, frame used again
//
// Three windows: writes, whose numbers the session remembers; reads, which may simply be repeated; and messages to a role,
// which may be repeated because each names its own request.
import { randomFillSync } from 'node:crypto';
import { U128_MAX } from '../shared/bytes.ts';
import type { Call, CallOptions } from '../wire/calls.ts';
import { LedgerCalls } from '../wire/calls.ts';
import type { ClientIdentity } from '../wire/channel-identity.ts';
import { CHANNEL_ADVICE } from '../wire/channel-refusal.ts';
import { RequestError } from '../wire/errors.ts';
import type { ReplyFrame } from '../wire/frame.ts';
import { refusalText, viewOf, writeHeader } from '../wire/frame.ts';
import type { HelloReply } from '../wire/hello.ts';
import {
  HEADER_SIZE,
  MESSAGE_BYTES_MAX,
  MESSAGES_IN_FLIGHT_MAX,
  READS_IN_FLIGHT_MAX,
  WRITES_IN_FLIGHT_MAX,
} from '../wire/limits.ts';
import { messagesSize, viewMessages, writeMessages } from '../wire/messages.ts';
import { operationName, operationShape, RequestOperation } from '../wire/operation.ts';
import { CloseCode, RETRY_ADVICE, RequestStatus, requestStatusName } from '../wire/status.ts';
import { Backoff } from './backoff.ts';
import type { ClientErrorCode } from './client-error.ts';
import { ClientError } from './client-error.ts';
import { FramePool } from './frame-pool.ts';
import type { LinkEnd } from './link.ts';
import { Link } from './link.ts';
import { Initiator } from './secure/initiator.ts';
import type { Pending } from './window.ts';
import { Window } from './window.ts';

export type ClientEvent =
  | { type: 'connected'; resumed: boolean; resent: number }
  | { type: 'disconnected'; code: number; reason: string; unanswered: number }
  | { type: 'session_renewed'; lost: number }
  | { type: 'busy'; unanswered: number };

export interface ClientOptions {
  /** ws://127.0.0.1:PORT/v1 */
  url: string;
  /**
   * Keys of this client and of the server: the connection is encrypted, and both know whom they talk to. A function is
   * asked anew for each connection. Without, the connection is plain, which only a server on the same machine takes.
   */
  identity?: ClientIdentity | (() => ClientIdentity) | undefined;
  /** How long connect() waits for the first connection, and each attempt for its own. 10 s. */
  connectTimeoutMs?: number;
  /** How long a call waits for its answer, unless it brings a time of its own. 60 s; 0: for ever. */
  requestTimeoutMs?: number;
  /** After this long without a byte the server is pinged, after twice as long it is given up. 10 s. */
  heartbeatMs?: number;
  /** First and longest pause between attempts to connect. 20 ms and 5 s. */
  reconnectFirstMs?: number;
  reconnectLastMs?: number;
  /** Unanswered writes at a time; at most, and unless told otherwise, 32. */
  writesInFlightMax?: number;
  onEvent?: (event: ClientEvent) => void;
  /** Where jitter and the session id come from, and what runs the timers. */
  random?: () => number;
  randomBytes?: (bytes: Uint8Array) => void;
  setTimer?: (run: () => void, milliseconds: number) => () => void;
}

/** Numbers of reads and of messages: never those of writes. The server does not look at them. */
const READ_FIRST = 1n << 63n;
const MESSAGE_FIRST = 1n << 62n;

const BUSY_FIRST_MS = 2;
const BUSY_LAST_MS = 1_000;

/** How long a closing client waits for the server's goodbye. */
const GOODBYE_MS = 1_000;

/** Close codes after which trying again would only repeat the same. */
const FATAL: ReadonlyMap<number, ClientErrorCode> = new Map<number, ClientErrorCode>([
  [CloseCode.session_taken_over, 'session_taken_over'],
  [CloseCode.bad_frame, 'protocol_error'],
  [1002, 'protocol_error'],
  [1003, 'protocol_error'],
]);

/**
 * Close codes of a handshake that came to nothing, with what to do. They are not encrypted, so once the client has been
 * connected they count for a broken connection: whoever can cut it must not be able to stop the client for good.
 */
const NO_HANDSHAKE: ReadonlyMap<number, string> = new Map([
  [CloseCode.handshake_expected, 'the server takes encrypted connections only: connect with an identity'],
  [CloseCode.handshake_not_expected, 'the server has no identity: connect to one that has, or without one'],
  [CloseCode.handshake_unreadable, 'check that address and key of the server belong together'],
  [CloseCode.unknown_recipient, 'renew the directory'],
  [CloseCode.unknown_initiator, 'renew the directory of the server'],
  [CloseCode.unsupported_channel, 'use a program of the same version as the server'],
]);

interface Lane {
  readonly window: Window;
  readonly queue: Pending[];
}

function systemTimer(run: () => void, milliseconds: number): () => void {
  const timer = setTimeout(run, milliseconds);
  return () => clearTimeout(timer);
}

/** Whether a request may change something, so that its outcome matters even when nobody waits for it any more. */
function changes(operation: number): boolean {
  const kind = operationShape(operation)?.kind;
  return kind === 'write' || kind === 'message';
}

function systemRandom(): number {
  const bytes = new Uint32Array(1);
  randomFillSync(bytes);
  return bytes[0]! / 2 ** 32;
}

/**
 * Connects to a server and opens a session.
 * @throws ClientError connection_failed: no connection within connectTimeoutMs, or something else listens there.
 */
export function connect(options: ClientOptions): Promise<Client> {
  const client = new Client(options);
  return client.connected.then(() => client);
}

export class Client extends LedgerCalls {
  readonly #options: Required<Omit<ClientOptions, 'onEvent' | 'identity'>>;
  readonly #identity: ClientIdentity | (() => ClientIdentity) | undefined;
  readonly #onEvent: (event: ClientEvent) => void;
  readonly #frames = new FramePool(WRITES_IN_FLIGHT_MAX, MESSAGE_BYTES_MAX);
  readonly #writes: Lane;
  readonly #reads: Lane = { window: new Window(READ_FIRST, READS_IN_FLIGHT_MAX), queue: [] };
  readonly #messages: Lane = { window: new Window(MESSAGE_FIRST, MESSAGES_IN_FLIGHT_MAX), queue: [] };
  /** In the order in which they are sent. */
  readonly #lanes: readonly Lane[];
  readonly #reconnect: Backoff;
  readonly #busy: Backoff;
  #session: bigint;
  /** Largest number answered ok in this session. */
  #acknowledged = 0n;
  #link: Link | undefined;
  /** Hello was answered on this link. */
  #up = false;
  #everUp = false;
  /** A write was refused for want of room: nothing new is sent until all that was refused has been sent again. */
  #holding = false;
  #cancelResend: (() => void) | undefined;
  #cancelReconnect: (() => void) | undefined;
  #lastFailure = 'no attempt has ended yet';
  #closing: Promise<void> | undefined;
  #over: ClientError | undefined;
  readonly #wanting = new Set<() => void>();
  readonly #idle = new Set<() => void>();

  /** Settles once: when the first connection is there, or has failed. */
  readonly connected: Promise<void>;
  #connectedResolve!: () => void;
  #connectedReject!: (error: ClientError) => void;
  readonly #cancelConnectTimeout: () => void;

  constructor(options: ClientOptions) {
    super();
    const { identity, ...rest } = options;
    this.#identity = identity;
    this.#options = {
      connectTimeoutMs: 10_000,
      requestTimeoutMs: 60_000,
      heartbeatMs: 10_000,
      reconnectFirstMs: 20,
      reconnectLastMs: 5_000,
      writesInFlightMax: WRITES_IN_FLIGHT_MAX,
      random: systemRandom,
      randomBytes: randomFillSync,
      setTimer: systemTimer,
      ...rest,
    };
    this.#onEvent = options.onEvent ?? (() => {});
    const { reconnectFirstMs, reconnectLastMs, random, writesInFlightMax, connectTimeoutMs } = this.#options;
    if (
      !Number.isInteger(writesInFlightMax) ||
      writesInFlightMax < 1 ||
      writesInFlightMax > WRITES_IN_FLIGHT_MAX
    ) {
      throw new ClientError(
        'invalid_argument',
        `writesInFlightMax: expected an integer from 1 to ${WRITES_IN_FLIGHT_MAX}, got ${writesInFlightMax}`,
        'none',
      );
    }
    this.#writes = { window: new Window(1n, writesInFlightMax), queue: [] };
    this.#lanes = [this.#writes, this.#reads, this.#messages];
    this.#reconnect = new Backoff(reconnectFirstMs, reconnectLastMs, random);
    this.#busy = new Backoff(BUSY_FIRST_MS, BUSY_LAST_MS, random);
    this.#session = this.#newSession();
    this.connected = new Promise((resolve, reject) => {
      this.#connectedResolve = resolve;
      this.#connectedReject = reject;
    });
    // Whoever waits for it hears of the failure; nobody has to.
    this.connected.catch(() => {});
    this.#cancelConnectTimeout = this.#options.setTimer(() => {
      const message = `expected a connection to ${this.#options.url} within ${connectTimeoutMs} ms, got none: ${this.#lastFailure}`;
      this.#fail(new ClientError('connection_failed', message, 'none'));
    }, connectTimeoutMs);
    this.#open();
  }

  /** 128 random bits that name this client's session. */
  get session(): bigint {
    return this.#session;
  }

  /** It has given up, or was closed: no call will be answered any more. */
  get isOver(): boolean {
    return this.#over !== undefined;
  }

  /** Requests that have not been answered, and calls that wait for their turn. */
  get unanswered(): number {
    return this.#sent + this.#lanes.reduce((sum, { queue }) => sum + queue.length, 0);
  }

  get #sent(): number {
    return this.#lanes.reduce((sum, { window }) => sum + window.size, 0);
  }

  /**
   * Resolves when the next write would be sent at once. A producer that awaits this before it makes each batch holds no
   * more than the window's batches in memory.
   * @throws ClientError when there will be no next write
   */
  async ready(): Promise<void> {
    while (!this.#wanted()) {
      await new Promise<void>((resolve) => this.#wanting.add(resolve));
    }
    if (this.#over !== undefined) throw new ClientError(this.#over.code, this.#over.message, 'none');
  }

  /**
   * Sends messages to a role (`operation` 32 to 127); one answer each, in order. They are sent again over new connections
   * until they are answered, so each must name its request in a way that the role recognises. Borrowed until then. Answers
   * share the memory of their frame: who keeps one keeps a copy.
   */
  async call(
    operation: number,
    messages: readonly Uint8Array[],
    options: CallOptions = {},
  ): Promise<Uint8Array[]> {
    if (operationShape(operation)?.kind !== 'message') {
      const message = `operation: expected a message operation (32 to 127), got ${operation}`;
      throw new ClientError('invalid_argument', message, 'none');
    }
    if (messages.length === 0) return [];
    let bodySize: number;
    try {
      bodySize = messagesSize(messages);
    } catch (error) {
      throw error instanceof RequestError ? this.argumentError(error) : error;
    }
    const write = (body: Uint8Array): void => writeMessages(body, messages);
    const body = await this.exchange({ operation, count: messages.length, bodySize, write, options });
    return viewMessages(body, messages.length);
  }

  /** Asks the server for a sign of life; resolves with the round trip in milliseconds. */
  async ping(options: CallOptions = {}): Promise<number> {
    const since = performance.now();
    await this.exchange({
      operation: RequestOperation.ping,
      count: 0,
      bodySize: 0,
      write: () => {},
      options,
    });
    return performance.now() - since;
  }

  /**
   * Takes no more calls, waits at most `timeoutMs` for the answers of those under way, then says goodbye. What is still
   * unanswered then is rejected as `closed`.
   */
  close(timeoutMs = 10_000): Promise<void> {
    this.#closing ??= this.#close(timeoutMs);
    return this.#closing;
  }

  protected override exchange(call: Call): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const name = operationName(call.operation);
      if (this.#over !== undefined || this.#closing !== undefined) {
        const why = this.#over === undefined ? 'the client is closed' : this.#over.message;
        reject(new ClientError(this.#over?.code ?? 'closed', `${name}: nothing was sent: ${why}`, 'none'));
        return;
      }
      const pending: Pending = {
        call,
        resolve,
        reject,
        frame: undefined,
        number: 0n,
        settled: false,
        refused: false,
        release: () => {},
      };
      if (!this.#watch(pending)) return;
      this.#laneOf(pending.call.operation).queue.push(pending);
      this.#pump();
    });
  }

  protected override argumentError(error: RangeError | RequestError): Error {
    const code = error instanceof RequestError ? error.code : 'invalid_argument';
    return new ClientError(code as ClientErrorCode, error.message, 'none', { cause: error });
  }

  // ---- connection

  #open(): void {
    let initiator: Initiator | undefined;
    try {
      const identity = typeof this.#identity === 'function' ? this.#identity() : this.#identity;
      initiator = identity && new Initiator(identity);
    } catch (error) {
      this.#lastFailure = `identity: ${error instanceof Error ? error.message : 'cannot be used'}`;
      // What was good once, a directory in mid-change may spoil for a moment.
      if (this.#everUp) this.#openLater();
      else this.#fail(new ClientError('invalid_argument', this.#lastFailure, 'unknown', { cause: error }));
      return;
    }
    const link: Link = new Link(
      this.#options.url,
      { session: this.#session, acknowledged: this.#acknowledged },
      {
        greeted: (reply) => this.#greeted(reply),
        received: (reply) => this.#received(reply),
        ended: (end) => this.#ended(end),
      },
      this.#options,
      initiator,
    );
    this.#link = link;
  }

  #greeted(reply: HelloReply | ReplyFrame): void {
    if ('kind' in reply) {
      this.#lastFailure = refusalText(reply);
      if (reply.status === RequestStatus.session_expired) this.#renew();
      else this.#link!.drop(this.#lastFailure);
      return;
    }
    this.#cancelConnectTimeout();
    this.#reconnect.reset();
    this.#writes.window.narrow(reply.writesInFlightMax);
    this.#reads.window.narrow(reply.readsInFlightMax);
    this.#messages.window.narrow(reply.messagesInFlightMax);
    this.#up = true;
    this.#everUp = true;
    this.#stopHolding();
    const again = this.#lanes.flatMap(({ window }) => window.resend());
    for (const { frame } of again) this.#link!.send(frame!);
    this.#event({ type: 'connected', resumed: reply.resumed, resent: again.length });
    this.#connectedResolve();
    this.#pump();
  }

  #ended(end: LinkEnd): void {
    const { code, reason } = end;
    this.#up = false;
    this.#link = undefined;
    this.#stopHolding();
    if (this.#over !== undefined) {
      this.#settleIdle();
      return;
    }
    this.#lastFailure = reason === '' ? `closed with code ${code}` : reason;
    this.#event({ type: 'disconnected', code, reason, unanswered: this.#sent });
    const final = this.#final(end);
    if (final !== undefined) {
      this.#fail(final);
    } else {
      this.#openLater();
    }
  }

  #openLater(): void {
    this.#cancelReconnect = this.#options.setTimer(() => this.#open(), this.#reconnect.next());
  }

  /** Why connecting again would only repeat the same; undefined: it may help. */
  #final({ code, reason, httpStatus, refused }: LinkEnd): ClientError | undefined {
    const { url } = this.#options;
    if (refused !== undefined) {
      const advice = CHANNEL_ADVICE[refused.refused];
      if (advice === 'retry') return undefined;
      const message = `${url} refuses this identity: ${refused.refused}: ${refused.message}. What to do: ${advice}`;
      return new ClientError(refused.refused, message, 'unknown');
    }
    const fatal = FATAL.get(code);
    if (fatal !== undefined) {
      return new ClientError(fatal, `the connection was closed for good (${code}): ${reason}`, 'unknown');
    }
    const advice = NO_HANDSHAKE.get(code);
    if (advice !== undefined && (this.#identity === undefined || !this.#everUp)) {
      return new ClientError('handshake_failed', `${url}: ${reason}. What to do: ${advice}`, 'unknown');
    }
    if (!this.#everUp && httpStatus !== undefined && httpStatus !== 503) {
      return new ClientError('connection_failed', `${url}: ${reason}`, 'none');
    }
    return undefined;
  }

  /** The server has forgotten the session: what was sent in it and not answered is lost from sight. */
  #renew(): void {
    const lost = this.#writes.window.clear();
    this.#session = this.#newSession();
    this.#acknowledged = 0n;
    for (const pending of lost) {
      const message =
        `${operationName(pending.call.operation)}: the server has forgotten this session, so whether request ` +
        `${pending.number} was applied is unknown. Submit the same records with the same ids again: what was ` +
        'applied answers exists, the rest is created.';
      this.#settle(pending, new ClientError('outcome_unknown', message, 'unknown'));
    }
    this.#event({ type: 'session_renewed', lost: lost.length });
    this.#link?.drop('the session has expired');
  }

  // ---- replies

  #received(reply: ReplyFrame): void {
    const kind = operationShape(reply.operation)?.kind;
    const { window } = this.#laneOf(reply.operation);
    const pending = window.get(reply.request);
    // A refusal of a frame whose header could not be read, or an answer sent twice: the close code says what follows.
    if (pending === undefined || pending.call.operation !== reply.operation) return;
    if (reply.status === RequestStatus.ok) {
      if (kind === 'write' && reply.request > this.#acknowledged) this.#acknowledged = reply.request;
      this.#busy.reset();
      this.#finish(window, pending, this.#checked(pending, reply));
      return;
    }
    const code = requestStatusName(reply.status);
    const advice = code === undefined ? 'renew' : RETRY_ADVICE[code];
    if (advice === 'repeat') {
      window.refuse(pending);
      if (kind === 'write') this.#holding = true;
      this.#resendLater();
    } else if (advice === 'reconnect') {
      this.#link!.drop(refusalText(reply));
    } else if (code === 'session_expired') {
      this.#renew();
    } else {
      const text = `${operationName(reply.operation)}: ${code ?? `status ${reply.status}`}: ${refusalText(reply)}`;
      const outcome = changes(reply.operation) && advice === 'renew' ? 'unknown' : 'none';
      this.#finish(
        window,
        pending,
        new ClientError((code ?? 'internal_error') as ClientErrorCode, text, outcome),
      );
    }
  }

  /** The body, unless it cannot be the answer. */
  #checked({ call }: Pending, reply: ReplyFrame): Uint8Array | ClientError {
    if (!changes(call.operation) || reply.count === call.count) return reply.body;
    const message = `${operationName(call.operation)}: expected ${call.count} results, got ${reply.count}`;
    return new ClientError('protocol_error', message, 'unknown');
  }

  #finish(window: Window, pending: Pending, result: Uint8Array | ClientError): void {
    window.remove(pending);
    this.#settle(pending, result);
    this.#frames.give(pending.frame!);
    if (this.#holding) this.#resendLater();
    this.#pump();
  }

  /** Sends again what was refused, after a pause, when nothing else is on its way: in order, or not at all. */
  #resendLater(): void {
    if (this.#cancelResend !== undefined) return;
    const { window: writes } = this.#writes;
    if (writes.size > writes.refused && writes.refused > 0) return;
    if (this.#lanes.every(({ window }) => window.refused === 0)) {
      this.#stopHolding();
      return;
    }
    this.#event({ type: 'busy', unanswered: this.#sent });
    this.#cancelResend = this.#options.setTimer(() => {
      this.#stopHolding();
      for (const { window } of this.#lanes) {
        for (const { frame } of window.takeRefused()) this.#link!.send(frame!);
      }
      this.#pump();
    }, this.#busy.next());
  }

  #stopHolding(): void {
    this.#cancelResend?.();
    this.#cancelResend = undefined;
    this.#holding = false;
  }

  // ---- calls

  #laneOf(operation: number): Lane {
    const kind = operationShape(operation)?.kind;
    return kind === 'write' ? this.#writes : kind === 'message' ? this.#messages : this.#reads;
  }

  /** Gives numbers and frames to calls while there is room, and sends them. */
  #pump(): void {
    for (const lane of this.#lanes) this.#fill(lane);
    if (this.#wanting.size > 0 && this.#wanted()) {
      for (const wake of this.#wanting) wake();
      this.#wanting.clear();
    }
    this.#settleIdle();
  }

  #fill({ queue, window }: Lane): void {
    while (queue.length > 0 && window.room && !(this.#holding && window === this.#writes.window)) {
      const pending = queue.shift()!;
      const { operation, count, bodySize, write } = pending.call;
      const frame = this.#frames.take(HEADER_SIZE + bodySize);
      try {
        write(frame.subarray(HEADER_SIZE));
      } catch (error) {
        this.#frames.give(frame);
        this.#settle(pending, this.argumentError(error as RangeError));
        continue;
      }
      window.add(pending);
      writeHeader(viewOf(frame), {
        operation,
        status: 0,
        count,
        bodySize,
        request: pending.number,
        timestamp: 0n,
      });
      pending.frame = frame;
      if (this.#up) this.#link!.send(frame);
    }
  }

  #wanted(): boolean {
    if (this.#over !== undefined || this.#closing !== undefined) return true;
    return this.#up && !this.#holding && this.#writes.queue.length === 0 && this.#writes.window.room;
  }

  /** Sets up the call's timer and abort listener; false: it was aborted already. */
  #watch(pending: Pending): boolean {
    const { signal, timeoutMs = this.#options.requestTimeoutMs } = pending.call.options;
    const stop = (code: 'timeout' | 'aborted', why: string): void => {
      this.#settle(pending, this.#stopped(pending, code, why));
      const { queue } = this.#laneOf(pending.call.operation);
      const at = queue.indexOf(pending);
      if (at >= 0) queue.splice(at, 1);
      this.#pump();
    };
    const onAbort = (): void => stop('aborted', 'aborted by the caller');
    if (signal?.aborted) {
      onAbort();
      return false;
    }
    signal?.addEventListener('abort', onAbort, { once: true });
    const cancelTimeout =
      timeoutMs > 0
        ? this.#options.setTimer(() => stop('timeout', `no answer within ${timeoutMs} ms`), timeoutMs)
        : () => {};
    pending.release = () => {
      cancelTimeout();
      signal?.removeEventListener('abort', onAbort);
    };
    return true;
  }

  /** The error of a call that nobody waits for any longer. A frame that has a number stays in its window. */
  #stopped({ call, frame }: Pending, code: ClientErrorCode, why: string): ClientError {
    const name = operationName(call.operation);
    const { kind } = operationShape(call.operation)!;
    if (frame === undefined) return new ClientError(code, `${name}: ${why}; nothing was sent`, 'none');
    if (kind === 'message') {
      const message = `${name}: ${why}; whether it is or will be acted on is unknown. Send the same messages again.`;
      return new ClientError(code, message, 'unknown');
    }
    if (kind !== 'write') return new ClientError(code, `${name}: ${why}`, 'none');
    const message =
      `${name}: ${why}; whether it is or will be applied is unknown. Submit the same records with the same ids ` +
      'again: what was applied answers exists, the rest is created.';
    return new ClientError(code, message, 'unknown');
  }

  #settle(pending: Pending, result: Uint8Array | Error): void {
    if (pending.settled) return;
    pending.settled = true;
    pending.release();
    if (result instanceof Error) pending.reject(result);
    else pending.resolve(result);
  }

  // ---- the end

  async #close(timeoutMs: number): Promise<void> {
    await this.#until(() => this.unanswered === 0 || this.#over !== undefined, timeoutMs);
    this.#cancelConnectTimeout();
    const link = this.#link;
    this.#fail(new ClientError('closed', 'the client is closed', 'unknown'), false);
    if (link === undefined) return;
    link.close();
    await this.#until(() => this.#link === undefined, GOODBYE_MS);
    link.drop('the server did not say goodbye');
  }

  #until(done: () => boolean, timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (done()) finish();
      };
      const finish = (): void => {
        this.#idle.delete(look);
        cancel();
        resolve();
      };
      const cancel = this.#options.setTimer(finish, timeoutMs);
      this.#idle.add(look);
      look();
    });
  }

  #settleIdle(): void {
    for (const look of [...this.#idle]) look();
  }

  /** No more connections: everything that waits is rejected. */
  #fail(error: ClientError, drop = true): void {
    if (this.#over !== undefined) return;
    this.#over = error;
    this.#cancelConnectTimeout();
    this.#cancelReconnect?.();
    this.#stopHolding();
    const sent = this.#lanes.flatMap(({ window }) => window.clear());
    const waiting = this.#lanes.flatMap(({ queue }) => queue.splice(0));
    for (const pending of [...sent, ...waiting]) {
      this.#settle(pending, this.#stopped(pending, error.code, error.message));
    }
    if (drop) this.#link?.drop(error.message);
    this.#connectedReject(error);
    this.#pump();
  }

  #newSession(): bigint {
    const bytes = new Uint8Array(16);
    const view = viewOf(bytes);
    for (;;) {
      this.#options.randomBytes(bytes);
      const session = (view.getBigUint64(8, true) << 64n) | view.getBigUint64(0, true);
      if (session !== 0n && session !== U128_MAX) return session;
    }
  }

  #event(event: ClientEvent): void {
    this.#onEvent(event);
  }
}
