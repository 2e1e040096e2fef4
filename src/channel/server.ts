// The front end: WebSocket and HTTP on one port of the loopback interface.
//
//     message ──▶ parse ──▶ admit ──▶ engine.submit ──▶ answer, in any order
//                   │         │             ▲
//                   │         │             └── waiting ◀── while the engine is congested
//                   └─────────┴──▶ refusal; a frame that is wrong in itself closes its connection
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
import type { Engine, EngineReply, EngineRequest } from '../wire/engine.ts';
import { RequestError } from '../wire/errors.ts';
import type { RequestFrame } from '../wire/frame.ts';
import { parseRequest, refuseFrame } from '../wire/frame.ts';
import { encodeHelloReply, parseHello } from '../wire/hello.ts';
import {
  ANSWERS_REMEMBERED,
  CHANNEL_PATH,
  MESSAGE_BYTES_MAX,
  MESSAGE_BYTES_RECEIVED_MAX,
} from '../wire/limits.ts';
import { RequestOperation } from '../wire/operation.ts';
import { CloseCode, RequestStatus } from '../wire/status.ts';
import type { ConnectionShared, Flight } from './connection.ts';
import { Connection } from './connection.ts';
import { refuseUpgrade, serveHttp } from './http.ts';
import { loopbackAddress } from './loopback.ts';
import type { ChannelMetrics } from './metrics.ts';
import { NO_METRICS } from './metrics.ts';
import type { ServerLimits } from './server-limits.ts';
import { SERVER_LIMITS } from './server-limits.ts';
import { WaitingRequests } from './waiting.ts';

export interface ServerOptions {
  engine: Engine;
  /** A loopback address: 127.0.0.1 unless told otherwise. */
  host?: string;
  /** 0: a free one. */
  port?: number;
  limits?: Partial<ServerLimits>;
  metrics?: ChannelMetrics;
  /** Origins of pages whose scripts may connect; none unless told otherwise. */
  origins?: readonly string[];
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
function freePort(host: string, port: number): Promise<number> {
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
   * @throws Error when the host is not a loopback address, or the port cannot be had.
   */
  static async listen(options: ServerOptions): Promise<Server> {
    const server = new Server(options, loopbackAddress(options.host ?? '127.0.0.1'));
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
    this.#readerTimer = setInterval(
      () => {
        const now = performance.now();
        for (const connection of this.#connections) connection.checkReader(now);
      },
      Math.max(10, this.#limits.slowReaderTimeoutMs / 4),
    );
    this.#readerTimer.unref();
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
    inFlight: number;
    waiting: number;
    waitingBytes: number;
    heldBytes: number;
  } {
    return {
      stopping: this.#closing !== undefined,
      connections: this.#connections.size,
      inFlight: this.#inFlight(),
      waiting: this.#waiting.length,
      waitingBytes: this.#waiting.bytes,
      heldBytes: this.#shared.heldBytes,
    };
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
      maxPayloadLength: MESSAGE_BYTES_RECEIVED_MAX,
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
        } else if (this.#connections.size >= this.#limits.connectionsMax) {
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
      },

      message: (socket, message, isBinary) => {
        const connection = socket.getUserData().connection!;
        if (isBinary) this.#receive(connection, new Uint8Array(message));
        else this.#refuseText(connection, message.byteLength);
      },

      drain: (socket) => socket.getUserData().connection!.drained(),

      close: (socket, code) => {
        const connection = socket.getUserData().connection!;
        this.#connections.delete(connection);
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
    const frame = parseRequest(bytes);
    this.#metrics.frameReceived(frame.operation, bytes.length);
    if (frame.kind === 'refusal') {
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
      messageBytesMax: MESSAGE_BYTES_MAX,
      answersRemembered: ANSWERS_REMEMBERED,
    });
    connection.reply(frame.operation, frame.request, 1, reply);
  }

  /** @throws RequestError */
  #admit(connection: Connection, frame: RequestFrame): void {
    if (this.#closing) throw new RequestError('stopping', STOPPING);
    const flight = connection.admit(frame);
    const request: EngineRequest = {
      operation: frame.operation,
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
