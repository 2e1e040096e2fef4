// Cashu's interface over HTTP/1.1, for wallets that know nothing of our channels: of this machine's loopback interface unless
// told otherwise. TLS is a proxy's business, or, with key and certificate, done here.
//
//     request ─▶ method, path, size? ─▶ room? ─▶ body, within its time ─▶ mintCall ─▶ answer, unless it was aborted
//                   404 405 413 415      429 503        408 413
//
// A page of any site may ask (CORS): nothing here goes by cookies or addresses, and who holds notes holds them.
import uWS, {
  type HttpRequest,
  type HttpResponse,
  type TemplatedApp,
  type us_listen_socket,
} from 'uWebSockets.js';
import { anyAddress, isLoopback } from '../channel/loopback.ts';
import { freePort, PortError } from '../channel/server.ts';
import { type SetTimer, systemTimer } from '../shared/timer.ts';
import { type MintHttpMetrics, NO_METRICS } from './metrics.ts';
import {
  bodyTooLarge,
  errorAnswer,
  type MintCallAnswer,
  type MintCallOptions,
  methodsOf,
  mintCall,
  operationOf,
  REQUEST_BODY_BYTES_MAX,
} from './mint-call.ts';
import type { MintOperation, MintService } from './service.ts';

export interface MintHttpLimits {
  /** Connections at a time. Beyond: closed at once. */
  readonly connectionsMax: number;
  /** Requests at a time, from their first byte to their answer. Beyond: 503. */
  readonly requestsMax: number;
  /** Of one address (of IPv6: one net of 64 bits); this machine, where a proxy may be, is not counted so. Beyond: 429. */
  readonly requestsOfAddressMax: number;
  /** Bytes of bodies that are held. Beyond: 503. */
  readonly bodyBytesMax: number;
  /** For a whole body: 512 KiB at 400 kbit/s. Beyond: 408. */
  readonly bodyTimeoutMs: number;
  /** For the answer. Beyond: 504, and the request goes on. */
  readonly answerTimeoutMs: number;
  /** For reading the answer. Beyond: the connection is closed. */
  readonly readTimeoutMs: number;
}

export const MINT_HTTP_LIMITS: MintHttpLimits = {
  connectionsMax: 4096,
  requestsMax: 1024,
  requestsOfAddressMax: 64,
  bodyBytesMax: 64 * 1024 * 1024,
  bodyTimeoutMs: 10_000,
  answerTimeoutMs: 60_000,
  readTimeoutMs: 30_000,
};

/** PEM. */
export interface TlsFiles {
  readonly keyFile: string;
  readonly certificateFile: string;
  readonly passphrase?: string;
}

export interface MintHttpOptions extends MintCallOptions {
  readonly service: MintService;
  /** An IP address: 127.0.0.1 unless told otherwise. */
  readonly host?: string;
  /** 0: a free one. */
  readonly port?: number;
  readonly tls?: TlsFiles;
  readonly limits?: Partial<MintHttpLimits>;
  readonly metrics?: MintHttpMetrics;
  readonly setTimer?: SetTimer;
  /** Milliseconds, ever rising: of durations. */
  readonly monotonic?: () => number;
}

const JSON_TYPE = 'application/json; charset=utf-8';
const RETRY_SECONDS = '1';

const STATUS_TEXTS: Readonly<Record<number, string>> = {
  200: '200 OK',
  204: '204 No Content',
  400: '400 Bad Request',
  404: '404 Not Found',
  405: '405 Method Not Allowed',
  408: '408 Request Timeout',
  413: '413 Content Too Large',
  415: '415 Unsupported Media Type',
  429: '429 Too Many Requests',
  500: '500 Internal Server Error',
  502: '502 Bad Gateway',
  503: '503 Service Unavailable',
  504: '504 Gateway Timeout',
};
const statusText = (status: number): string => STATUS_TEXTS[status] ?? `${status} Status`;

/** One request, from its head to its answer. When it is over, answered or aborted, its response is not touched any more. */
interface Exchange {
  readonly response: HttpResponse;
  /** Lower case. */
  readonly method: string;
  readonly path: string;
  /** undefined: this machine's. */
  readonly address: string | undefined;
  readonly operation: MintOperation | undefined;
  readonly beganMs: number;
  bytes: number;
  isOver: boolean;
  cancelTimer: (() => void) | undefined;
}

export class MintHttpServer {
  readonly #service: MintService;
  readonly #callOptions: MintCallOptions;
  readonly #limits: MintHttpLimits;
  readonly #metrics: MintHttpMetrics;
  readonly #setTimer: SetTimer;
  readonly #monotonic: () => number;
  readonly #app: TemplatedApp;
  readonly #scheme: 'http' | 'https';
  readonly #open = new Set<Exchange>();
  readonly #byAddress = new Map<string, number>();
  #bytes = 0;
  #connections = 0;
  #listener: us_listen_socket | undefined;
  #closing: Promise<void> | undefined;
  /** Looks again whether a closing server is done. */
  #settled: (() => void) | undefined;

  readonly host: string;
  #port = 0;

  /** Resolves when it accepts connections. @throws Error when the host is no address; PortError */
  static async listen(options: MintHttpOptions): Promise<MintHttpServer> {
    const server = new MintHttpServer(options);
    try {
      await server.#listen(options.port ?? 0);
    } catch (error) {
      server.#app.close();
      throw error;
    }
    return server;
  }

  private constructor({
    service,
    host = '127.0.0.1',
    tls,
    limits,
    metrics = NO_METRICS,
    setTimer = systemTimer,
    monotonic = () => performance.now(),
    onFault,
  }: MintHttpOptions) {
    this.host = anyAddress(host);
    this.#service = service;
    this.#callOptions = onFault === undefined ? {} : { onFault };
    this.#limits = { ...MINT_HTTP_LIMITS, ...limits };
    this.#metrics = metrics;
    this.#setTimer = setTimer;
    this.#monotonic = monotonic;
    this.#scheme = tls === undefined ? 'http' : 'https';
    this.#app = tls === undefined ? uWS.App() : secureApp(tls);
    this.#app.filter((response, change) => this.#connectionChanged(response, Number(change)));
    this.#app.any('/*', (response, request) => this.#take(response, request));
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    const host = this.host.includes(':') ? `[${this.host}]` : this.host;
    return `${this.#scheme}://${host}:${this.#port}`;
  }

  /** Requests that are not answered yet. */
  get inFlight(): number {
    return this.#open.size;
  }

  /** Stops listening, refuses what still comes, answers what is in flight for `timeoutMs`, then closes every connection. */
  close(timeoutMs = 10_000): Promise<void> {
    this.#closing ??= this.#close(timeoutMs);
    return this.#closing;
  }

  async #close(timeoutMs: number): Promise<void> {
    if (this.#listener !== undefined) uWS.us_listen_socket_close(this.#listener);
    this.#listener = undefined;
    if (this.#open.size > 0) {
      await new Promise<void>((resolve) => {
        const cancel = this.#setTimer(resolve, timeoutMs);
        this.#settled = () => {
          if (this.#open.size > 0) return;
          cancel();
          resolve();
        };
      });
      // What was just answered leaves with the end of this turn.
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#app.close();
    for (const exchange of [...this.#open]) {
      this.#end(exchange);
      this.#release(exchange);
    }
  }

  async #listen(wanted: number): Promise<void> {
    const port = await freePort(this.host, wanted);
    await new Promise<void>((resolve, reject) => {
      this.#app.listen(this.host, port, (socket) => {
        if (socket) {
          this.#listener = socket;
          this.#port = port;
          resolve();
        } else reject(new PortError(this.host, port));
      });
    });
  }

  #connectionChanged(response: HttpResponse, change: number): void {
    this.#connections += change;
    this.#metrics.connections(this.#connections);
    if (change > 0 && this.#connections > this.#limits.connectionsMax) response.close();
  }

  #take(response: HttpResponse, request: HttpRequest): void {
    const method = request.getMethod();
    const path = request.getUrl();
    const remote = new Uint8Array(response.getRemoteAddress());
    const exchange: Exchange = {
      response,
      method,
      path,
      address: addressOf(remote),
      operation: operationOf({ method: callMethod(method), path }),
      beganMs: this.#monotonic(),
      bytes: 0,
      isOver: false,
      cancelTimer: undefined,
    };
    response.onAborted(() => {
      this.#end(exchange);
      this.#release(exchange);
    });
    if (method === 'options') {
      this.#answerOptions(exchange);
      return;
    }
    const early = this.#refusal(exchange, request);
    if (early !== undefined) {
      // What of the body is on its way is not waited for.
      this.#answer(exchange, early, true);
      return;
    }
    this.#open.add(exchange);
    if (exchange.address !== undefined)
      this.#byAddress.set(exchange.address, (this.#byAddress.get(exchange.address) ?? 0) + 1);
    if (method === 'post') this.#receive(exchange);
    else this.#run(exchange, new Uint8Array(0));
  }

  /** What can be said by the head alone. */
  #refusal({ method, path, address }: Exchange, request: HttpRequest): MintCallAnswer | undefined {
    const methods = methodsOf(path);
    if (methods.length === 0) return errorAnswer(404, 'path: expected one of the interface, got another');
    if (!methods.includes(callMethod(method) as 'GET' | 'POST'))
      return errorAnswer(405, `method: expected ${methods.join(' or ')}, got another`);
    if (this.#closing !== undefined) return errorAnswer(503, 'the mint is stopping');
    const { requestsMax, requestsOfAddressMax } = this.#limits;
    if (this.#open.size >= requestsMax) return errorAnswer(503, 'too many requests, ask again later');
    if (address !== undefined && (this.#byAddress.get(address) ?? 0) >= requestsOfAddressMax)
      return errorAnswer(429, `expected at most ${requestsOfAddressMax} requests at a time`);
    if (method !== 'post') return undefined;
    const type = request.getHeader('content-type');
    if (type !== '' && !/^application\/json *(;|$)/i.test(type))
      return errorAnswer(415, 'content-type: expected application/json, got another');
    return Number(request.getHeader('content-length')) > REQUEST_BODY_BYTES_MAX ? bodyTooLarge() : undefined;
  }

  #receive(exchange: Exchange): void {
    const chunks: Uint8Array[] = [];
    exchange.cancelTimer = this.#setTimer(() => {
      this.#answer(exchange, errorAnswer(408, 'body: expected all of it in time'), true);
    }, this.#limits.bodyTimeoutMs);
    exchange.response.onData((chunk, isLast) => {
      if (exchange.isOver) return;
      exchange.bytes += chunk.byteLength;
      this.#bytes += chunk.byteLength;
      if (exchange.bytes > REQUEST_BODY_BYTES_MAX) {
        this.#answer(exchange, bodyTooLarge(), true);
        return;
      }
      if (this.#bytes > this.#limits.bodyBytesMax) {
        this.#answer(exchange, errorAnswer(503, 'too many requests, ask again later'), true);
        return;
      }
      // The chunk's memory is lent for this call.
      chunks.push(Uint8Array.from(new Uint8Array(chunk)));
      if (isLast) this.#run(exchange, new Uint8Array(Buffer.concat(chunks, exchange.bytes)));
    });
  }

  #run(exchange: Exchange, body: Uint8Array): void {
    exchange.cancelTimer?.();
    exchange.cancelTimer = this.#setTimer(() => {
      this.#answer(exchange, errorAnswer(504, 'the mint takes its time: ask the same again'), true);
    }, this.#limits.answerTimeoutMs);
    const call = { method: callMethod(exchange.method), path: exchange.path, body };
    void mintCall(this.#service, call, this.#callOptions).then((answer) => this.#answer(exchange, answer));
  }

  #answerOptions(exchange: Exchange): void {
    const methods = methodsOf(exchange.path);
    this.#answer(exchange, { status: methods.length === 0 ? 404 : 204, body: new Uint8Array(0) });
  }

  #answer(exchange: Exchange, { status, body }: MintCallAnswer, isLast = false): void {
    if (exchange.isOver) return;
    const { response, method, path } = exchange;
    this.#end(exchange, status);
    let isSent = true;
    response.cork(() => {
      response
        .writeStatus(statusText(status))
        .writeHeader('access-control-allow-origin', '*')
        .writeHeader('cache-control', 'no-store')
        .writeHeader('x-content-type-options', 'nosniff');
      if (method === 'options') {
        response
          .writeHeader('access-control-allow-methods', 'GET, HEAD, POST, OPTIONS')
          .writeHeader('access-control-allow-headers', 'content-type')
          .writeHeader('access-control-max-age', '86400')
          .writeHeader('allow', allowed(path));
        response.endWithoutBody(undefined, true);
        return;
      }
      response.writeHeader('content-type', JSON_TYPE);
      if (status === 405) response.writeHeader('allow', allowed(path));
      if (status === 429 || status === 503) response.writeHeader('retry-after', RETRY_SECONDS);
      if (method === 'head') response.endWithoutBody(body.length, true);
      else if (isLast) response.end(body, true);
      else isSent = this.#send(exchange, body);
    });
    if (isSent) this.#release(exchange);
  }

  /**
   * end() would take any number of answers into memory of a client that asks and does not read. This way one is held at
   * most: while it waits to be read, a further request on the connection ends it.
   */
  #send(exchange: Exchange, body: Uint8Array): boolean {
    const { response } = exchange;
    const begin = response.getWriteOffset();
    const [isSent] = response.tryEnd(body, body.length);
    if (isSent) return true;
    exchange.cancelTimer = this.#setTimer(() => response.close(), this.#limits.readTimeoutMs);
    response.onWritable((offset) => {
      const [isDone] = response.tryEnd(body.subarray(offset - begin), body.length);
      if (isDone) this.#release(exchange);
      return isDone;
    });
    return false;
  }

  /** Over: answered, or aborted. */
  #end(exchange: Exchange, status = 0): void {
    if (exchange.isOver) return;
    exchange.isOver = true;
    exchange.cancelTimer?.();
    this.#bytes -= exchange.bytes;
    const { operation, beganMs } = exchange;
    this.#metrics.requestEnded(operation ?? 'none', status, (this.#monotonic() - beganMs) / 1000);
  }

  /** Its answer has left, or never will. */
  #release(exchange: Exchange): void {
    exchange.cancelTimer?.();
    if (!this.#open.delete(exchange)) return;
    const { address } = exchange;
    if (address !== undefined) {
      const left = this.#byAddress.get(address)! - 1;
      if (left > 0) this.#byAddress.set(address, left);
      else this.#byAddress.delete(address);
    }
    this.#settled?.();
  }
}

function secureApp({ keyFile, certificateFile, passphrase }: TlsFiles): TemplatedApp {
  try {
    return uWS.SSLApp({
      key_file_name: keyFile,
      cert_file_name: certificateFile,
      ...(passphrase === undefined ? {} : { passphrase }),
    });
  } catch (error) {
    // All that the addon says is that it failed.
    throw new Error(
      `TLS: expected a key in ${keyFile} and its certificate in ${certificateFile}, got others`,
      { cause: error },
    );
  }
}

const MAPPED_IPV4 = '00000000000000000000ffff';
const IPV6_BYTES = 16;
/** What one customer has of IPv6 is a net of 2^64 addresses. */
const NET_BYTES = 8;

/** What requests are counted by; undefined: this machine. */
function addressOf(remote: Uint8Array): string | undefined {
  if (isLoopback(remote)) return undefined;
  const address = Buffer.from(remote);
  if (address.length !== IPV6_BYTES || address.toString('hex').startsWith(MAPPED_IPV4))
    return address.toString('hex');
  return address.subarray(0, NET_BYTES).toString('hex');
}

/** As mintCall has it: HEAD is GET without the body. */
const callMethod = (method: string): string => (method === 'head' ? 'GET' : method.toUpperCase());

const allowed = (path: string): string =>
  [...methodsOf(path).flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])), 'OPTIONS'].join(
    ', ',
  );
