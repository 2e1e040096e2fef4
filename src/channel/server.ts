// The front end: WebSocket and HTTP on one port; of the loopback interface, unless it has an identity.
//
//     message ──▶ door ──▶ parse ──▶ admit ──▶ engine.submit ──▶ answer, in any order
//              (opens it)    │         │             ▲
//                            │         │             └── waiting ◀── while the engine is congested
//                            └─────────┴──▶ refusal; a frame that is wrong in itself closes its connection
//
// The message's own memory is what the engine reads from: it is lent until submit() returns.

import uWS, {
  type HttpResponse,
  type TemplatedApp,
  type us_listen_socket,
  type WebSocket,
} from 'uWebSockets.js';
import { type AddressInfo, createServer } from 'node:net';
import { BATCH_RECORDS_MAX } from '../layout/generated.ts';
import type { ServerIdentity } from '../wire/channel-identity.ts';
import type { Engine, EngineReply, EngineRequest } from '../wire/engine.ts';
import { RequestError } from '../wire/errors.ts';
import type { RequestFrame } from '../wire/frame.ts';
import { parseRequest, refuseFrame } from '../wire/frame.ts';
import { encodeHelloReply, parseHello } from '../wire/hello.ts';
import { ANSWERS_REMEMBERED, CHANNEL_PATH, MESSAGE_BYTES_RECEIVED_MAX } from '../wire/limits.ts';
import { type OperationShape, RequestOperation } from '../wire/operation.ts';
import { type Peer, peerName } from '../wire/peer.ts';
import { CloseCode, RequestStatus } from '../wire/status.ts';
import type { ConnectionShared, Flight } from './connection.ts';
import { Connection } from './connection.ts';
import { refuseUpgrade, serveHttp } from './http.ts';
import { anyAddress, loopbackAddress } from './loopback.ts';
import type { ChannelMetrics } from './metrics.ts';
import { NO_METRICS } from './metrics.ts';
import { Door } from './secure/door.ts';
import { isHandshake } from './secure/preamble.ts';
import { sealedBytes } from './secure/records.ts';
import { expectKeys } from './secure/responder.ts';
import type { ServerLimits } from './server-limits.ts';
import { SERVER_LIMITS } from './server-limits.ts';
import { WaitingRequests } from './waiting.ts';

export interface ServerOptions {
  engine: Engine;
  /** With one, only encrypted connections are taken in, from anywhere; without, only plain ones of this machine. */
  identity?: ServerIdentity;
  /** Whether a peer may ask for an operation (never hello or ping); any other gets `not_permitted`. Left out: all may. */
  admit?: (peer: Peer, operation: number) => boolean;
  /** 127.0.0.1 unless told otherwise; without an identity, a loopback address. */
  host?: string;
  /** 0: a free one. */
  port?: number;
  limits?: Partial<ServerLimits>;
  metrics?: ChannelMetrics;
  /** Origins of pages whose scripts may connect; none unless told otherwise. */
  origins?: readonly string[];
  /** Nanoseconds since the Unix epoch: the system's clock, unless told otherwise. Ends connections with their certificates. */
  clock?: () => bigint;
  /** Faults of the engine (a submit that throws or rejects) are reported here. */
  onFault?: (error: unknown) => void;
}

/** How long ended sockets get to carry their last bytes before they are torn down. */
const CLOSE_GRACE_MS = 50;

const STOPPING = 'the server is stopping: nothing of this request was applied';

const FAULT: EngineReply = {
  status: RequestStatus.internal_error,
  timestamp: 0n,
  count: 0,
  body: new Uint8Array(0),
  message: 'the engine failed on this request; whether it was applied is unknown: see the log of the server',
};

/**
 * uSockets can listen in two ways: exclusively, and then a restarted server waits a minute for the connections of the
 * one before to time out; or sharing the port with whoever else shares it. So: shared, after Node has been able to bind
 * the port, which it never shares. (uSockets' port 0 is of the first kind.)
 * @param port 0: any
 * @returns a free port
 * @throws Error when the port cannot be had
 */
export function freePort(host: string, port: number): Promise<number> {
  const probe = createServer();
  return new Promise((resolve, reject) => {
    probe.once('error', (error: NodeJS.ErrnoException) => {
      reject(new PortError(host, port, error));
    });
    probe.listen({ host, port, exclusive: true }, () => {
      const { port: free } = probe.address() as AddressInfo;
      probe.close(() => resolve(free));
    });
  });
}

/** The port cannot be had. */
export class PortError extends Error {
  override readonly name = 'PortError';
  constructor(host: string, port: number, cause?: NodeJS.ErrnoException) {
    super(`port: expected one that is free on ${host}, got ${port}${cause?.code ? ` (${cause.code})` : ''}`, {
      cause,
    });
  }
}

function systemClock(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}

interface Attachment {
  connection?: Connection;
}

export class Server {
  readonly #engine: Engine;
  readonly #app: TemplatedApp = uWS.App();
  readonly #limits: ServerLimits;
  readonly #metrics: ChannelMetrics;
  readonly #onFault: (error: unknown) => void;
  readonly #origins: ReadonlySet<string>;
  readonly #door: Door | undefined;
  readonly #permits: (peer: Peer, operation: number) => boolean;
  readonly #understands: (shape: OperationShape, operation: number) => boolean;
  readonly #clock: () => bigint;
  readonly #connections = new Set<Connection>();
  readonly #sessions = new Map<bigint, Connection>();
  readonly #waiting: WaitingRequests;
  readonly #shared: ConnectionShared;
  readonly #readerTimer: NodeJS.Timeout;
  #listener: us_listen_socket | undefined;
  #closing: Promise<void> | undefined;
  /** Looks again whether a closing server is done. */
  #settled: (() => void) | undefined;

  readonly host: string;
  #port = 0;

  /**
   * Resolves when the server accepts connections.
   * @throws Error when the host is no address to listen on, or the port cannot be had.
   */
  static async listen(options: ServerOptions): Promise<Server> {
    const host = options.host ?? '127.0.0.1';
    if (options.identity !== undefined) expectKeys(options.identity);
    const server = new Server(
      options,
      options.identity === undefined ? loopbackAddress(host) : anyAddress(host),
    );
    try {
      await server.#listen(options.port ?? 0);
    } catch (error) {
      clearInterval(server.#readerTimer);
      server.#app.close();
      throw error;
    }
    return server;
  }

  private constructor(options: ServerOptions, host: string) {
    this.host = host;
    this.#engine = options.engine;
    this.#limits = { ...SERVER_LIMITS, ...options.limits };
    this.#metrics = options.metrics ?? NO_METRICS;
    this.#onFault = options.onFault ?? (() => {});
    this.#origins = new Set(options.origins);
    this.#permits = options.admit ?? (() => true);
    this.#understands = ({ kind }, operation) =>
      kind === 'channel' || (this.#engine.understands?.(operation) ?? kind !== 'message');
    this.#clock = options.clock ?? systemClock;
    this.#door =
      options.identity &&
      new Door({
        identity: options.identity,
        limits: this.#limits,
        metrics: this.#metrics,
        proven: () => this.#connections.size - this.#door!.halfOpen,
        stopping: () => this.#closing !== undefined,
        clock: this.#clock,
        onFault: this.#onFault,
      });
    this.#waiting = new WaitingRequests(this.#limits.waitingBytesMax);
    this.#shared = {
      limits: this.#limits,
      metrics: this.#metrics,
      heldBytes: 0,
      settled: () => this.#settled?.(),
    };
    this.#engine.onRelieved(() => this.#pump());
    this.#serveWebSocket();
    serveHttp(this.#app, this.#engine, CHANNEL_PATH, () => this.report());
    this.#readerTimer = setInterval(() => {
      const now = performance.now();
      for (const connection of this.#connections) {
        if (!connection.outlived(this.#clock)) connection.checkReader(now);
      }
      this.#door?.sweep(now);
    }, this.#sweepMs());
    this.#readerTimer.unref();
  }

  /** Often enough to notice what takes too long, a certificate's end within a second. */
  #sweepMs(): number {
    const { slowReaderTimeoutMs, handshakeTimeoutMs } = this.#limits;
    if (this.#door === undefined) return Math.max(10, slowReaderTimeoutMs / 4);
    return Math.max(10, Math.min(1_000, slowReaderTimeoutMs / 4, handshakeTimeoutMs / 4));
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    const host = this.host.includes(':') ? `[${this.host}]` : this.host;
    return `ws://${host}:${this.#port}${CHANNEL_PATH}`;
  }

  /** What the server holds just now. */
  report(): {
    stopping: boolean;
    connections: number;
    halfOpen: number;
    inFlight: number;
    waiting: number;
    waitingBytes: number;
    heldBytes: number;
  } {
    return {
      stopping: this.#closing !== undefined,
      connections: this.#connections.size,
      halfOpen: this.#door?.halfOpen ?? 0,
      inFlight: this.#inFlight(),
      waiting: this.#waiting.length,
      waitingBytes: this.#waiting.bytes,
      heldBytes: this.#shared.heldBytes,
    };
  }

  /** Ends the connections of peers that have lost their authority; returns how many. They may come back if let in again. */
  disconnect(lost: (peer: Peer) => boolean): number {
    const ending = [...this.#connections].filter(({ channel, peer }) => channel !== undefined && lost(peer));
    for (const connection of ending) {
      connection.close(CloseCode.authority_ended, 'the authority of this peer has ended');
    }
    this.#door?.disconnect(lost);
    return ending.length;
  }

  /**
   * Stops listening, refuses what still comes as `stopping`, answers what is in flight, then closes every connection.
   * After `timeoutMs` the connections are closed with what they still owe unanswered.
   */
  close(timeoutMs = 10_000): Promise<void> {
    this.#closing ??= this.#close(timeoutMs);
    return this.#closing;
  }

  async #close(timeoutMs: number): Promise<void> {
    if (this.#listener) uWS.us_listen_socket_close(this.#listener);
    for (let waiting = this.#waiting.shift(); waiting; waiting = this.#waiting.shift()) {
      waiting.connection.refuseAdmitted(waiting.flight, new RequestError('stopping', STOPPING));
    }
    await this.#drained(timeoutMs);
    const open = this.#connections.size > 0;
    for (const connection of this.#connections) connection.close(CloseCode.stopping, 'the server stops');
    clearInterval(this.#readerTimer);
    this.#door?.close();
    if (open) await new Promise((resolve) => setTimeout(resolve, CLOSE_GRACE_MS));
    this.#app.close();
  }

  /** Resolves when every answer has left, at the latest after `timeoutMs`. */
  #drained(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): boolean => {
        for (const connection of this.#connections) {
          if (connection.inFlight > 0 || !connection.flushed) return false;
        }
        return true;
      };
      const finish = (): void => {
        clearTimeout(timeout);
        clearInterval(poll);
        this.#settled = undefined;
        resolve();
      };
      const look = (): void => {
        if (done()) finish();
      };
      const timeout = setTimeout(finish, timeoutMs);
      // Sockets do not say when their last byte has left.
      const poll = setInterval(look, 10);
      // Not at once: whoever settles is about to send.
      this.#settled = () => setImmediate(look);
      look();
    });
  }

  #inFlight(): number {
    let sum = 0;
    for (const connection of this.#connections) sum += connection.inFlight;
    return sum;
  }

  async #listen(wanted: number): Promise<void> {
    const port = await freePort(this.host, wanted);
    await new Promise<void>((resolve, reject) => {
      this.#app.listen(this.host, port, (socket) => {
        if (socket) {
          this.#listener = socket;
          this.#port = port;
          resolve();
        } else {
          reject(new PortError(this.host, port));
        }
      });
    });
  }

  #serveWebSocket(): void {
    this.#app.ws<Attachment>(CHANNEL_PATH, {
      compression: uWS.DISABLED,
      // Whoever has not proven himself yet can have this much held for him.
      maxPayloadLength:
        this.#door === undefined ? MESSAGE_BYTES_RECEIVED_MAX : sealedBytes(this.#limits.messageBytesMax),
      // Connection keeps to a bound of its own, below which nothing is dropped.
      maxBackpressure: 0,
      idleTimeout: this.#limits.idleTimeoutSeconds,
      sendPingsAutomatically: true,

      upgrade: (response, request, context) => {
        const origin = request.getHeader('origin');
        if (this.#closing) {
          this.#refuseUpgrade(response, 503, 'Service Unavailable', STOPPING);
        } else if (origin !== '' && !this.#origins.has(origin)) {
          // A page of any site can open a WebSocket to this machine; browsers name the site, programs do not.
          this.#refuseUpgrade(
            response,
            403,
            'Forbidden',
            `origin: expected none or a listed one, got ${origin}`,
          );
        } else if (this.#door === undefined && this.#connections.size >= this.#limits.connectionsMax) {
          const message = `expected at most ${this.#limits.connectionsMax} connections: try again later`;
          this.#refuseUpgrade(response, 503, 'Service Unavailable', message);
        } else {
          response.upgrade<Attachment>(
            {},
            request.getHeader('sec-websocket-key'),
            request.getHeader('sec-websocket-protocol'),
            request.getHeader('sec-websocket-extensions'),
            context,
          );
        }
      },

      open: (socket) => {
        const connection = new Connection(socket as WebSocket<unknown>, this.#shared);
        socket.getUserData().connection = connection;
        this.#connections.add(connection);
        this.#metrics.connectionOpened();
        this.#door?.opened(connection);
      },

      message: (socket, message, isBinary) => {
        const connection = socket.getUserData().connection!;
        if (this.#door === undefined) {
          if (isBinary) this.#receive(connection, new Uint8Array(message));
          else this.#refuseText(connection, message.byteLength);
          return;
        }
        if (!isBinary) {
          // Not sealed, so not said by the peer that this connection may belong to.
          connection.close(CloseCode.record_damaged, `message: expected a binary one, got text`);
          return;
        }
        const frame = this.#door.receive(connection, new Uint8Array(message));
        if (frame !== undefined && !connection.outlived(this.#clock)) this.#receive(connection, frame);
      },

      drain: (socket) => socket.getUserData().connection!.drained(),

      close: (socket, code) => {
        const connection = socket.getUserData().connection!;
        this.#connections.delete(connection);
        this.#door?.closed(connection);
        if (this.#sessions.get(connection.session) === connection) this.#sessions.delete(connection.session);
        this.#waiting.drop(connection);
        connection.closed();
        this.#metrics.connectionClosed(code);
      },
    });
  }

  #refuseUpgrade(response: HttpResponse, status: number, reason: string, message: string): void {
    this.#metrics.connectionRefused(status);
    refuseUpgrade(response, `${status} ${reason}`, message);
  }

  #refuseText(connection: Connection, bytes: number): void {
    this.#metrics.frameReceived(0, bytes);
    const message = `message: expected a binary one, got text of ${bytes} bytes`;
    connection.refuse(
      { kind: 'refusal', code: 'malformed_frame', operation: 0, request: 0n, message },
      false,
    );
  }

  #receive(connection: Connection, bytes: Uint8Array): void {
    const frame = parseRequest(bytes, this.#understands);
    this.#metrics.frameReceived(frame.operation, bytes.length);
    if (frame.kind === 'refusal') {
      if (frame.code === 'malformed_frame' && connection.channel === undefined && isHandshake(bytes)) {
        const message =
          'this server has no identity and takes plain connections only: expected a frame, got a handshake';
        connection.close(CloseCode.handshake_not_expected, message);
        return;
      }
      connection.refuse(frame, false);
      return;
    }
    try {
      if (frame.operation === RequestOperation.hello) this.#hello(connection, frame);
      else if (frame.operation === RequestOperation.ping)
        connection.reply(frame.operation, frame.request, 0, frame.body);
      else this.#admit(connection, frame);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      connection.refuse(refuseFrame(frame, error.code, error.message), frame.shape.kind === 'write');
    }
  }

  /** @throws RequestError */
  #hello(connection: Connection, frame: RequestFrame): void {
    const hello = parseHello(frame.body);
    if (typeof hello === 'string') throw new RequestError('malformed_frame', hello);
    const { session, acknowledged } = hello;
    if (this.#closing) throw new RequestError('stopping', STOPPING);
    if (connection.session !== 0n && connection.session !== session) {
      throw new RequestError(
        'session_mismatch',
        'expected the session of the first hello, got another: connect anew',
      );
    }
    const { applied, resumed } = this.#engine.openSession(session, acknowledged);
    const older = this.#sessions.get(session);
    if (older !== undefined && older !== connection) {
      const message = 'a newer connection has opened this session';
      older.refuse(
        { kind: 'refusal', code: 'session_taken_over', operation: frame.operation, request: 0n, message },
        false,
      );
    }
    this.#sessions.set(session, connection);
    connection.greeted(session);
    const reply = encodeHelloReply({
      session,
      applied,
      resumed,
      batchRecordsMax: BATCH_RECORDS_MAX,
      writesInFlightMax: this.#limits.writesInFlightMax,
      readsInFlightMax: this.#limits.readsInFlightMax,
      messagesInFlightMax: this.#limits.messagesInFlightMax,
      messageBytesMax: this.#limits.messageBytesMax,
      answersRemembered: ANSWERS_REMEMBERED,
    });
    connection.reply(frame.operation, frame.request, 1, reply);
  }

  /** @throws RequestError */
  #admit(connection: Connection, frame: RequestFrame): void {
    if (!this.#permits(connection.peer, frame.operation)) {
      const message = `expected a peer that may ask for this, got ${peerName(connection.peer)}`;
      throw new RequestError('not_permitted', message);
    }
    if (this.#closing) throw new RequestError('stopping', STOPPING);
    const flight = connection.admit(frame);
    const request: EngineRequest = {
      operation: frame.operation,
      peer: connection.peer,
      session: connection.session,
      request: frame.request,
      payload: frame.body,
      count: frame.count,
    };
    if (this.#waiting.length === 0 && !this.#engine.congested) {
      this.#submit(connection, flight, request);
    } else if (!this.#waiting.push(connection, flight, request)) {
      const message = 'more requests wait than there is room for: try again after a pause';
      connection.refuseAdmitted(flight, new RequestError('busy', message));
    }
  }

  #submit(connection: Connection, flight: Flight, request: EngineRequest): void {
    const fault = (error: unknown): void => {
      this.#onFault(error);
      connection.answer(flight, FAULT);
    };
    try {
      this.#engine.submit(request).then((reply) => connection.answer(flight, reply), fault);
    } catch (error) {
      fault(error);
    }
  }

  #pump(): void {
    while (!this.#engine.congested) {
      const waiting = this.#waiting.shift();
      if (waiting === undefined) return;
      this.#submit(waiting.connection, waiting.flight, waiting.request);
    }
  }
}
