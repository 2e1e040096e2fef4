// One WebSocket of the client, from the attempt to its end: greets, hands over frames, notices when nobody is there.
import type { IncomingMessage } from 'node:http';
import WebSocket from 'ws';
import type { ReplyFrame } from '../wire/frame.ts';
import { encodeRequest, parseReply } from '../wire/frame.ts';
import type { Hello, HelloReply } from '../wire/hello.ts';
import { encodeHello, parseHelloReply } from '../wire/hello.ts';
import { MESSAGE_BYTES_MAX } from '../wire/limits.ts';
import { RequestOperation } from '../wire/operation.ts';
import { RequestStatus } from '../wire/status.ts';

export interface LinkEnd {
  /** WebSocket close code; 1006: it broke off. */
  readonly code: number;
  readonly reason: string;
  /** The upgrade was answered with this HTTP status instead. */
  readonly httpStatus?: number;
}

export interface LinkHandlers {
  /** Hello was answered, with ok or with a refusal. */
  readonly greeted: (reply: HelloReply | ReplyFrame) => void;
  readonly received: (reply: ReplyFrame) => void;
  /** Called once, last. */
  readonly ended: (end: LinkEnd) => void;
}

export interface LinkTimes {
  readonly connectTimeoutMs: number;
  /** After this long without a byte the server is pinged, after twice as long the link is given up. */
  readonly heartbeatMs: number;
}

/** `ws` masks nothing when the mask is zero: see docs/decisions/0002-websocket-masking.md. */
function zeroMask(mask: Buffer): void {
  mask.fill(0);
}

export class Link {
  readonly #socket: WebSocket;
  readonly #handlers: LinkHandlers;
  readonly #heartbeat: NodeJS.Timeout;
  #greeted = false;
  #ended = false;
  #quietBeats = 0;

  constructor(url: string, hello: Hello, handlers: LinkHandlers, times: LinkTimes) {
    this.#handlers = handlers;
    this.#socket = new WebSocket(url, {
      perMessageDeflate: false,
      generateMask: zeroMask,
      maxPayload: MESSAGE_BYTES_MAX,
      handshakeTimeout: times.connectTimeoutMs,
      skipUTF8Validation: true,
    });
    this.#socket.on('open', () => {
      this.#quietBeats = 0;
      this.send(encodeRequest(RequestOperation.hello, 0n, 1, encodeHello(hello)));
    });
    this.#socket.on('message', (data, isBinary) => this.#message(data as Buffer, isBinary));
    this.#socket.on('ping', () => {
      this.#quietBeats = 0;
    });
    this.#socket.on('pong', () => {
      this.#quietBeats = 0;
    });
    this.#socket.on('unexpected-response', (_request, response: IncomingMessage) => {
      response.resume();
      const httpStatus = response.statusCode ?? 0;
      this.#end({
        code: 1006,
        reason: `expected a WebSocket upgrade, got HTTP status ${httpStatus}`,
        httpStatus,
      });
    });
    this.#socket.on('error', (error) => this.#end({ code: 1006, reason: error.message || String(error) }));
    this.#socket.on('close', (code, reason) => this.#end({ code, reason: reason.toString() }));
    this.#heartbeat = setInterval(() => this.#beat(), times.heartbeatMs);
  }

  /** The frame must not change until it is answered or the link has ended. */
  send(frame: Uint8Array): void {
    this.#socket.send(frame, { binary: true, compress: false });
  }

  /** Says goodbye; ended() follows when the server has done so too. */
  close(): void {
    this.#socket.close(1000);
  }

  /** Ends the link at once. */
  drop(reason: string): void {
    this.#end({ code: 1006, reason });
  }

  #end(end: LinkEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#heartbeat);
    this.#socket.terminate();
    this.#handlers.ended(end);
  }

  #beat(): void {
    this.#quietBeats++;
    if (this.#quietBeats > 2) this.drop('the server has not answered a ping');
    else if (this.#socket.readyState === WebSocket.OPEN) this.#socket.ping();
  }

  #message(data: Buffer, isBinary: boolean): void {
    if (this.#ended) return;
    this.#quietBeats = 0;
    if (!isBinary) {
      this.#end({ code: 1003, reason: 'expected a binary message, got text' });
      return;
    }
    const reply = parseReply(new Uint8Array(data.buffer, data.byteOffset, data.length));
    if (reply.kind === 'refusal') {
      this.#end({ code: 1002, reason: reply.message });
    } else if (reply.operation !== RequestOperation.hello) {
      this.#handlers.received(reply);
    } else if (!this.#greeted) {
      this.#greeted = true;
      this.#handlers.greeted(reply.status === RequestStatus.ok ? parseHelloReply(reply.body) : reply);
    }
    // A hello reply that comes later announces that the session was taken over; the close code says so again.
  }
}
