// One WebSocket of the client, from the attempt to its end: proves who it is and whom it talks to where there are keys,
// greets, hands over frames, notices when nobody is there.
//
//     open ──▶ [message 1 ──▶ answer ──▶] hello ──▶ frames
//
// Over a channel only what opens is believed. Close codes are not encrypted, so one that would end the client for good
// counts only when a frame has said the same before; else the connection just broke.
import type { IncomingMessage } from 'node:http';
import WebSocket from 'ws';
import type { ChannelRefusal } from '../wire/channel-refusal.ts';
import type { ReplyFrame } from '../wire/frame.ts';
import { encodeRequest, parseReply, refusalText } from '../wire/frame.ts';
import type { Hello, HelloReply } from '../wire/hello.ts';
import { encodeHello, parseHelloReply } from '../wire/hello.ts';
import { MESSAGE_BYTES_MAX, WRITES_IN_FLIGHT_MAX } from '../wire/limits.ts';
import { RequestOperation } from '../wire/operation.ts';
import { CLOSES_CONNECTION, CloseCode, RequestStatus, requestStatusName } from '../wire/status.ts';
import { FramePool } from './frame-pool.ts';
import type { Initiator } from './secure/initiator.ts';
import { RecordError, SecureChannel, sealedBytes } from './secure/records.ts';

export interface LinkEnd {
  /** WebSocket close code; 1006: it broke off. */
  readonly code: number;
  readonly reason: string;
  /** The upgrade was answered with this HTTP status instead. */
  readonly httpStatus?: number;
  /** The server, and nobody else, has refused the handshake. */
  readonly refused?: ChannelRefusal;
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

const SEALED_BYTES_MAX = sealedBytes(MESSAGE_BYTES_MAX);

/** `ws` masks nothing when the mask is zero: see docs/decisions/0002-websocket-masking.md. */
function zeroMask(mask: Buffer): void {
  mask.fill(0);
}

export class Link {
  readonly #socket: WebSocket;
  readonly #handlers: LinkHandlers;
  readonly #hello: Hello;
  readonly #heartbeat: NodeJS.Timeout;
  /** Undefined: a plain connection. */
  readonly #initiator: Initiator | undefined;
  readonly #sealed: FramePool | undefined;
  #channel: SecureChannel | undefined;
  #handshakeTimer: NodeJS.Timeout | undefined;
  /** What the server has said about the end, in a frame that opened. */
  #announced: LinkEnd | undefined;
  #greeted = false;
  #ended = false;
  #quietBeats = 0;

  constructor(
    url: string,
    hello: Hello,
    handlers: LinkHandlers,
    times: LinkTimes,
    initiator: Initiator | undefined,
  ) {
    this.#handlers = handlers;
    this.#hello = hello;
    this.#initiator = initiator;
    this.#sealed = initiator && new FramePool(WRITES_IN_FLIGHT_MAX, SEALED_BYTES_MAX);
    this.#socket = new WebSocket(url, {
      perMessageDeflate: false,
      generateMask: zeroMask,
      maxPayload: initiator === undefined ? MESSAGE_BYTES_MAX : SEALED_BYTES_MAX,
      handshakeTimeout: times.connectTimeoutMs,
      skipUTF8Validation: true,
    });
    this.#socket.on('open', () => {
      this.#quietBeats = 0;
      if (initiator === undefined) {
        this.#greet();
        return;
      }
      this.#handshakeTimer = setTimeout(
        () => this.drop('expected an answer to the handshake, got none'),
        times.connectTimeoutMs,
      );
      this.#socket.send(initiator.message, { binary: true, compress: false });
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
    if (this.#ended) return;
    if (this.#initiator === undefined) {
      this.#socket.send(frame, { binary: true, compress: false });
      return;
    }
    const memory = this.#sealed!.take(sealedBytes(frame.length));
    const message = this.#channel!.seal(frame, memory);
    // The socket reads it where it lies, until it has left.
    this.#socket.send(message, { binary: true, compress: false }, () => this.#sealed!.give(memory));
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
    clearTimeout(this.#handshakeTimer);
    this.#socket.terminate();
    this.#initiator?.close();
    this.#channel?.close();
    this.#handlers.ended(this.#believed(end));
  }

  #believed(end: LinkEnd): LinkEnd {
    if (
      this.#channel === undefined ||
      (end.code !== CloseCode.bad_frame && end.code !== CloseCode.session_taken_over)
    ) {
      return end;
    }
    return (
      this.#announced ?? { code: 1006, reason: `closed with code ${end.code}, which no frame has announced` }
    );
  }

  #beat(): void {
    this.#quietBeats++;
    if (this.#quietBeats > 2) this.drop('the server has not answered a ping');
    else if (this.#socket.readyState === WebSocket.OPEN) this.#socket.ping();
  }

  #greet(): void {
    this.send(encodeRequest(RequestOperation.hello, 0n, 1, encodeHello(this.#hello)));
  }

  #message(data: Buffer, isBinary: boolean): void {
    if (this.#ended) return;
    this.#quietBeats = 0;
    if (!isBinary) {
      const code = this.#initiator === undefined ? 1003 : CloseCode.record_damaged;
      this.#end({ code, reason: 'expected a binary message, got text' });
      return;
    }
    const message = new Uint8Array(data.buffer, data.byteOffset, data.length);
    if (this.#initiator === undefined) this.#frame(message);
    else if (this.#channel === undefined) this.#answered(this.#initiator, message);
    else this.#record(this.#channel, message);
  }

  #answered(initiator: Initiator, message: Uint8Array): void {
    clearTimeout(this.#handshakeTimer);
    const finished = initiator.finish(message);
    if (finished instanceof SecureChannel) {
      this.#channel = finished;
      this.#greet();
    } else if (typeof finished === 'string') {
      this.#end({ code: CloseCode.handshake_unreadable, reason: finished });
    } else {
      this.#end({ code: CloseCode.handshake_refused, reason: finished.message, refused: finished });
    }
  }

  #record(channel: SecureChannel, message: Uint8Array): void {
    try {
      this.#frame(channel.open(message));
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
      this.#end({ code: CloseCode.record_damaged, reason: error.message });
    }
  }

  #frame(frame: Uint8Array): void {
    const reply = parseReply(frame);
    if (reply.kind === 'refusal') {
      this.#end({ code: 1002, reason: reply.message });
      return;
    }
    this.#note(reply);
    if (reply.operation !== RequestOperation.hello) {
      this.#handlers.received(reply);
    } else if (!this.#greeted) {
      this.#greeted = true;
      this.#handlers.greeted(reply.status === RequestStatus.ok ? parseHelloReply(reply.body) : reply);
    }
    // A hello reply that comes later announces that the session was taken over; the close code says so again.
  }

  #note(reply: ReplyFrame): void {
    const status = requestStatusName(reply.status);
    if (status === undefined || !CLOSES_CONNECTION[status]) return;
    const code = status === 'session_taken_over' ? CloseCode.session_taken_over : CloseCode.bad_frame;
    this.#announced = { code, reason: refusalText(reply) };
  }
}
