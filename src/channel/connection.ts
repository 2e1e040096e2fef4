// One WebSocket of the server: what is in flight on it, and the replies its reader has not made room for yet.
//
//     answer ──▶ socket, while it owes its reader at most backpressureBytesMax
//            └─▶ held ──▶ socket, when it drains
//
// A request is in flight until its reply has been handed to the socket, so a reader that takes nothing soon may ask for
// nothing more: what it can make the server hold is bounded by its requests in flight. Refusals and pongs are never held:
// a reader that lets too many of those pile up is closed.
//
// On a secured server it has a channel from its first frame on, which seals all that is sent.
import type { WebSocket } from 'uWebSockets.js';
import type { Admission } from '../wire/channel-identity.ts';
import type { EngineReply } from '../wire/engine.ts';
import { RequestError } from '../wire/errors.ts';
import type { Refusal, RequestFrame } from '../wire/frame.ts';
import { encodeRefusal, viewOf, writeHeader } from '../wire/frame.ts';
import { HEADER_SIZE, MESSAGE_BYTES_MAX } from '../wire/limits.ts';
import type { OperationKind } from '../wire/operation.ts';
import { LOCAL_PEER, type Peer } from '../wire/peer.ts';
import { CLOSES_CONNECTION, CloseCode, RequestStatus } from '../wire/status.ts';
import type { ChannelMetrics } from './metrics.ts';
import { type SecureChannel, sealedBytes } from './secure/records.ts';
import type { ServerLimits } from './server-limits.ts';

/** What all connections of a server share. */
export interface ConnectionShared {
  readonly limits: ServerLimits;
  readonly metrics: ChannelMetrics;
  /** Bytes of replies held back, all connections together. */
  heldBytes: number;
  /** Called when a request is no longer in flight. */
  readonly settled: () => void;
}

/** A request that has been admitted and not answered yet. */
export interface Flight {
  readonly operation: number;
  readonly request: bigint;
  readonly kind: OperationKind;
  /** Bytes of its frame. */
  readonly bytes: number;
  /** When it came, in milliseconds of performance.now(). */
  readonly since: number;
}

interface Held {
  readonly flight: Flight;
  readonly reply: EngineReply;
}

/** uWebSockets copies what it is given before send() returns, so one buffer serves all replies. */
const scratch = new Uint8Array(MESSAGE_BYTES_MAX);
const scratchView = viewOf(scratch);
/** Of a secured server: what scratch becomes. */
let sealed: Uint8Array | undefined;

/** RFC 6455: a close frame's reason takes at most 123 bytes. */
const CLOSE_REASON_CHARACTERS_MAX = 120;

/** Refusals and pongs that a reader may leave unread at least: sixty of the longest. */
const SMALL_REPLIES_BYTES_MAX = 64 * 1024;

const NO_BODY = new Uint8Array(0);

export class Connection {
  readonly #shared: ConnectionShared;
  #socket: WebSocket<unknown> | undefined;
  #held: Held[] = [];
  #heldBytes = 0;
  #writesInFlight = 0;
  #readsInFlight = 0;
  #messagesInFlight = 0;
  #bytesInFlight = 0;
  #channel: SecureChannel | undefined;
  #until: bigint | undefined;
  #peer: Peer = LOCAL_PEER;
  /** When the reader last took something, while it owes us room. */
  #stalledSince: number | undefined;
  #flushing = false;
  /** Lowest write number that was refused and has not come again: see admit(). */
  #refusedFrom: bigint | undefined;

  /** The session that hello named; 0n: none yet. */
  session = 0n;

  constructor(socket: WebSocket<unknown>, shared: ConnectionShared) {
    this.#socket = socket;
    this.#shared = shared;
  }

  get open(): boolean {
    return this.#socket !== undefined;
  }

  get inFlight(): number {
    return this.#writesInFlight + this.#readsInFlight + this.#messagesInFlight;
  }

  /** Who is at the other end. */
  get peer(): Peer {
    return this.#peer;
  }

  /** Undefined: what is sent is sent as it is. */
  get channel(): SecureChannel | undefined {
    return this.#channel;
  }

  /** From here on every frame is sealed, both ways. */
  proven(channel: SecureChannel, { peer, until }: Admission): void {
    this.#channel = channel;
    this.#peer = peer;
    this.#until = until;
    sealed ??= new Uint8Array(sealedBytes(MESSAGE_BYTES_MAX));
  }

  /** Whether the peer's authority has ended at `clock()`; the connection is closed then. */
  outlived(clock: () => bigint): boolean {
    if (this.#until === undefined || clock() < this.#until) return false;
    this.close(CloseCode.authority_ended, 'the certificate of this connection has expired');
    return true;
  }

  /** The second message of a handshake. */
  sendAnswer(answer: Uint8Array): void {
    this.#socket?.send(answer, true);
  }

  /** Everything that was answered has left for the network. */
  get flushed(): boolean {
    return this.#socket === undefined || (this.#held.length === 0 && this.#socket.getBufferedAmount() === 0);
  }

  /**
   * Counts a request in, or throws the RequestError that refuses it. Once a write has been refused for want of room,
   * all later ones are, until it comes again: what a client pipelines is applied in the client's order or not at all.
   */
  admit(frame: RequestFrame): Flight {
    const { limits } = this.#shared;
    const { kind } = frame.shape;
    const bytes = HEADER_SIZE + frame.body.length;
    if (kind === 'write') {
      if (this.session === 0n) {
        throw new RequestError(
          'hello_expected',
          'expected a hello that names the session before the first write, got none',
        );
      }
      if (this.#refusedFrom !== undefined && frame.request > this.#refusedFrom) {
        throw new RequestError(
          'busy',
          `expected request ${this.#refusedFrom}, which was refused, to come again first, got ${frame.request}`,
        );
      }
      if (frame.request === this.#refusedFrom) this.#refusedFrom = undefined;
    }
    const [used, max, what] =
      kind === 'write'
        ? [this.#writesInFlight, limits.writesInFlightMax, 'writes']
        : kind === 'message'
          ? [this.#messagesInFlight, limits.messagesInFlightMax, 'message operations']
          : [this.#readsInFlight, limits.readsInFlightMax, 'reads'];
    if (used >= max) {
      throw new RequestError(
        'too_many_in_flight',
        `expected at most ${max} unanswered ${what}, got one more`,
      );
    }
    if (this.#bytesInFlight + bytes > limits.bytesInFlightMax) {
      throw new RequestError(
        'too_many_in_flight',
        `expected at most ${limits.bytesInFlightMax} bytes of unanswered requests, got ${this.#bytesInFlight + bytes}`,
      );
    }
    this.#count(kind, 1);
    this.#bytesInFlight += bytes;
    return { operation: frame.operation, request: frame.request, kind, bytes, since: performance.now() };
  }

  /** A hello starts over: nothing is refused on account of an earlier refusal. */
  greeted(session: bigint): void {
    this.session = session;
    this.#refusedFrom = undefined;
  }

  /** Answers an admitted request, now or when the reader has made room. */
  answer(flight: Flight, reply: EngineReply): void {
    if (this.#socket === undefined) return;
    if (reply.status === RequestStatus.busy && flight.kind === 'write') this.#refuseFrom(flight);
    if (this.#held.length === 0 && this.#roomy()) {
      this.#settle(flight);
      this.#send(flight.operation, flight.request, reply, flight.since);
      return;
    }
    this.#stalledSince ??= performance.now();
    this.#held.push({ flight, reply });
    this.#heldBytes += reply.body.length;
    this.#shared.heldBytes += reply.body.length;
    if (this.#shared.heldBytes > this.#shared.limits.heldBytesMax) {
      this.close(CloseCode.slow_reader, 'replies held for slow readers exceed the limit');
    }
  }

  /** Refuses an admitted request: it is out of flight. */
  refuseAdmitted(flight: Flight, error: RequestError): void {
    this.#settle(flight);
    this.refuse(
      {
        kind: 'refusal',
        code: error.code,
        operation: flight.operation,
        request: flight.request,
        message: error.message,
      },
      flight.kind === 'write',
    );
  }

  /** Answers a frame that was not admitted; closes the connection where the status says so. */
  refuse(refusal: Refusal, write: boolean): void {
    if (this.#socket === undefined) return;
    const { code, operation, request, message } = refusal;
    if (write && (code === 'busy' || code === 'too_many_in_flight')) this.#refuseFrom(refusal);
    const takenOver = code === 'session_taken_over';
    if (!this.#roomyForSmall()) {
      if (takenOver) this.close(CloseCode.session_taken_over, message);
      else this.close(CloseCode.slow_reader, 'requests come in, but their answers are not read');
      return;
    }
    const frame = encodeRefusal(operation, RequestStatus[code], request, message);
    this.#write(frame);
    this.#shared.metrics.replySent(operation, RequestStatus[code], frame.length, 0);
    if (CLOSES_CONNECTION[code]) {
      this.close(takenOver ? CloseCode.session_taken_over : CloseCode.bad_frame, message);
    }
  }

  /** Replies of the channel itself, which were never in flight. */
  reply(operation: number, request: bigint, count: number, body: Uint8Array): void {
    if (this.#socket === undefined) return;
    if (!this.#roomyForSmall()) {
      this.close(CloseCode.slow_reader, 'requests come in, but their answers are not read');
      return;
    }
    this.#send(
      operation,
      request,
      { status: RequestStatus.ok, timestamp: 0n, count, body },
      performance.now(),
    );
  }

  /**
   * The socket has taken some of what it owes. Replies follow in a turn of their own: a large message that is sent from
   * within the drain handler and does not fit loses the socket's wish to write, so that the rest would never leave
   * (uSockets' us_socket_write2 does not set last_write_failed; seen with uWebSockets.js 20.x).
   */
  drained(): void {
    this.#stalledSince = this.#held.length > 0 ? performance.now() : undefined;
    if (this.#held.length === 0 || this.#flushing) return;
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    let sent = 0;
    while (sent < this.#held.length && this.#socket !== undefined && this.#roomy()) {
      const { flight, reply } = this.#held[sent++]!;
      this.#release(reply.body.length);
      this.#settle(flight);
      this.#send(flight.operation, flight.request, reply, flight.since);
    }
    this.#held.splice(0, sent);
  }

  /** Closes a reader that has not taken a byte for too long. */
  checkReader(now: number): void {
    if (this.#stalledSince === undefined) return;
    if (now - this.#stalledSince < this.#shared.limits.slowReaderTimeoutMs) return;
    this.close(CloseCode.slow_reader, `no answer was read for ${this.#shared.limits.slowReaderTimeoutMs} ms`);
  }

  /** Sends a close frame behind what the socket still owes. */
  close(code: number, reason: string): void {
    this.#socket?.end(code, reason.slice(0, CLOSE_REASON_CHARACTERS_MAX).replace(/[^\x20-\x7e]/g, '?'));
  }

  /** The socket is gone, however that came. */
  closed(): void {
    this.#socket = undefined;
    this.#channel?.close();
    this.#release(this.#heldBytes);
    this.#held = [];
    this.#writesInFlight = 0;
    this.#readsInFlight = 0;
    this.#messagesInFlight = 0;
    this.#bytesInFlight = 0;
    this.#stalledSince = undefined;
    this.#shared.settled();
  }

  #roomy(): boolean {
    return this.#socket!.getBufferedAmount() <= this.#shared.limits.backpressureBytesMax;
  }

  /** One large reply may have gone out on top of the bound, and small ones on top of that. */
  #roomyForSmall(): boolean {
    const { backpressureBytesMax } = this.#shared.limits;
    return (
      this.#socket!.getBufferedAmount() <= backpressureBytesMax + MESSAGE_BYTES_MAX + SMALL_REPLIES_BYTES_MAX
    );
  }

  #refuseFrom({ request }: { readonly request: bigint }): void {
    if (this.#refusedFrom === undefined || request < this.#refusedFrom) this.#refusedFrom = request;
  }

  #release(bytes: number): void {
    this.#heldBytes -= bytes;
    this.#shared.heldBytes -= bytes;
  }

  #settle(flight: Flight): void {
    this.#count(flight.kind, -1);
    this.#bytesInFlight -= flight.bytes;
    this.#shared.settled();
  }

  #count(kind: OperationKind, by: 1 | -1): void {
    if (kind === 'write') this.#writesInFlight += by;
    else if (kind === 'message') this.#messagesInFlight += by;
    else this.#readsInFlight += by;
  }

  #send(operation: number, request: bigint, reply: EngineReply, since: number): void {
    const { status, timestamp, count } = reply;
    let frame: Uint8Array;
    if (status === RequestStatus.ok) {
      const body = reply.body;
      if (HEADER_SIZE + body.length > MESSAGE_BYTES_MAX) {
        const message = `reply: expected at most ${MESSAGE_BYTES_MAX} bytes, got ${HEADER_SIZE + body.length}`;
        this.#send(
          operation,
          request,
          { status: RequestStatus.internal_error, timestamp: 0n, count: 0, body: NO_BODY, message },
          since,
        );
        return;
      }
      writeHeader(scratchView, { operation, status, count, bodySize: body.length, request, timestamp });
      scratch.set(body, HEADER_SIZE);
      frame = scratch.subarray(0, HEADER_SIZE + body.length);
    } else {
      frame = encodeRefusal(operation, status, request, reply.message ?? '');
    }
    this.#write(frame);
    this.#shared.metrics.replySent(operation, status, frame.length, (performance.now() - since) / 1000);
  }

  #write(frame: Uint8Array): void {
    this.#socket!.send(this.#channel === undefined ? frame : this.#channel.seal(frame, sealed!), true);
    if (!this.#roomy()) this.#stalledSince ??= performance.now();
  }
}
