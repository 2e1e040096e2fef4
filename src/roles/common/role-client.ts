// Calls to a role: the calls of one turn travel together, as messages of one frame or a few.
//
//     call ─▶ queue of its operation ─ end of the turn ─▶ frames ─▶ transport ─▶ answers, in order
//                                                        at most framesInFlightMax an operation
//
// While frames are under way, what comes gathers and is the next frame: a lone call goes at once, a thousand a millisecond
// go as a few frames. An operation that is not answered holds up none of the others.
import { HEADER_SIZE, MESSAGE_BYTES_MAX } from '../../wire/limits.ts';
import { LENGTH_SIZE } from '../../wire/message-lengths.ts';
import { type AnswerCodec, answerCodec } from './answer.ts';
import type { AnswerOf, MessageOperation, Operations, RequestOf, RoleProtocol } from './operation.ts';
import { mayRepeat, Refusal } from './refusal.ts';

/** A connection to a role: the channel's client, or a network in memory. */
export interface MessageTransport {
  /** Rejects when there is no answer: then nobody knows what became of the messages. */
  call(operation: number, messages: readonly Uint8Array[]): Promise<readonly Uint8Array[]>;
}

/**
 * - `refused`: definite. Nothing was done, and the same request would be refused again.
 * - `unknown`: no answer, or one that says to come again. The caller asks again, with the same request id.
 */
export type CallResult<Answer, Code extends string = string> =
  | { readonly kind: 'ok'; readonly answer: Answer }
  | { readonly kind: 'refused'; readonly refusal: Refusal<Code> }
  | { readonly kind: 'unknown'; readonly reason: string };

/**
 * Frames of one operation without an answer yet. Four keep a connection busy while each is a thousand messages. Beyond:
 * calls wait.
 */
export const FRAMES_IN_FLIGHT_MAX = 4;
/** Calls that wait for a frame. Beyond: `unknown` at once. */
export const CALLS_WAITING_MAX = 65_536;

export interface RoleClientOptions<Of extends Operations, Code extends string> {
  readonly protocol: RoleProtocol<Of, Code>;
  readonly transport: MessageTransport;
  readonly framesInFlightMax?: number;
  readonly callsWaitingMax?: number;
  /** Bytes of a frame, where the role takes shorter ones than the protocol allows. */
  readonly frameBytesMax?: number;
}

interface Call {
  readonly message: Uint8Array;
  readonly settle: (result: CallResult<unknown>) => void;
  /** Aborted: nobody waits for it any more. */
  readonly signal: AbortSignal | undefined;
}

interface Queue {
  // biome-ignore lint/suspicious/noExplicitAny: queues of operations of any types
  readonly operation: MessageOperation<any, any>;
  readonly answers: AnswerCodec<unknown, string>;
  calls: Call[];
  framesInFlight: number;
}

export class RoleClient<Of extends Operations, Code extends string = string> {
  readonly #role: string;
  readonly #transport: MessageTransport;
  readonly #framesInFlightMax: number;
  readonly #callsWaitingMax: number;
  readonly #bodyBytesMax: number;
  readonly #queues = new Map<keyof Of, Queue>();
  #waiting = 0;
  #isScheduled = false;

  constructor(options: RoleClientOptions<Of, Code>) {
    const { protocol, transport, framesInFlightMax, callsWaitingMax, frameBytesMax } = options;
    this.#role = protocol.role;
    this.#transport = transport;
    this.#framesInFlightMax = framesInFlightMax ?? FRAMES_IN_FLIGHT_MAX;
    this.#callsWaitingMax = callsWaitingMax ?? CALLS_WAITING_MAX;
    this.#bodyBytesMax = (frameBytesMax ?? MESSAGE_BYTES_MAX) - HEADER_SIZE;
    for (const [name, operation] of Object.entries(protocol.operations)) {
      const answers = answerCodec<unknown, string>(operation.answer, protocol.refusals);
      this.#queues.set(name, { operation, answers, calls: [], framesInFlight: 0 });
    }
  }

  /** Never rejects for what happens on the way. @throws RangeError for a message that does not fit its declaration */
  call<Name extends keyof Of>(
    name: Name,
    message: RequestOf<Of[Name]>,
  ): Promise<CallResult<AnswerOf<Of[Name]>, Code>> {
    const queue = this.#queues.get(name)!;
    const encoded: Uint8Array = queue.operation.request.encode(message);
    if (this.#isFull) return Promise.resolve(this.#full());
    return new Promise((resolve) => {
      this.#enqueue(queue, { message: encoded, settle: resolve as Call['settle'], signal: undefined });
    });
  }

  /**
   * Many calls, and one promise of all results, in order. When `signal` is aborted, those without an answer are `unknown`,
   * and those that were not sent yet never are.
   */
  callAll<Name extends keyof Of>(
    name: Name,
    messages: readonly RequestOf<Of[Name]>[],
    signal?: AbortSignal,
  ): Promise<CallResult<AnswerOf<Of[Name]>, Code>[]> {
    const queue = this.#queues.get(name)!;
    const encoded = messages.map((message): Uint8Array => queue.operation.request.encode(message));
    return new Promise((resolve) => {
      const results: CallResult<unknown>[] = new Array(encoded.length);
      let left = encoded.length;
      const end = (): void => {
        signal?.removeEventListener('abort', giveUp);
        resolve(results as CallResult<AnswerOf<Of[Name]>, Code>[]);
      };
      const giveUp = (): void => {
        const late = unknown(`expected an answer of ${this.#role} in time, got none`);
        for (let i = 0; i < encoded.length; i++) results[i] ??= late;
        left = 0;
        this.#forget(queue);
        end();
      };
      if (left === 0) return end();
      if (signal?.aborted === true) return giveUp();
      signal?.addEventListener('abort', giveUp);
      encoded.forEach((message, i) => {
        const settle = (result: CallResult<unknown>): void => {
          if (results[i] !== undefined) return;
          results[i] = result;
          if (--left === 0) end();
        };
        if (this.#isFull) settle(this.#full());
        else this.#enqueue(queue, { message, settle, signal });
      });
    });
  }

  get #isFull(): boolean {
    return this.#waiting >= this.#callsWaitingMax;
  }

  #full(): CallResult<never, Code> {
    return unknown(`expected at most ${this.#callsWaitingMax} calls to wait for ${this.#role}`);
  }

  /** Takes away what nobody waits for any more: mostly the oldest. */
  #forget({ calls }: Queue): void {
    let count = 0;
    while (calls[count]?.signal?.aborted === true) count++;
    calls.splice(0, count);
    this.#waiting -= count;
  }

  #enqueue(queue: Queue, call: Call): void {
    queue.calls.push(call);
    this.#waiting++;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#send();
    });
  }

  /** A frame of each operation in turn, as long as there are calls and frames may be sent. */
  #send(): void {
    for (let hasSent = true; hasSent; ) {
      hasSent = false;
      for (const queue of this.#queues.values()) {
        if (queue.calls.length === 0 || queue.framesInFlight >= this.#framesInFlightMax) continue;
        const waiting = queue.calls.length;
        const calls = takeFrame(queue, this.#bodyBytesMax);
        this.#waiting -= waiting - queue.calls.length;
        if (calls.length === 0) continue;
        void this.#exchange(queue, calls);
        hasSent = true;
      }
    }
  }

  async #exchange(queue: Queue, calls: readonly Call[]): Promise<void> {
    const { operation, answers } = queue;
    queue.framesInFlight++;
    let encoded: readonly Uint8Array[];
    try {
      encoded = await this.#transport.call(
        operation.number,
        calls.map(({ message }) => message),
      );
      if (encoded.length !== calls.length) {
        throw new Error(`expected ${calls.length} answers, got ${encoded.length}`);
      }
    } catch (error) {
      const result = unknown(`${this.#role}: ${textOf(error)}`);
      for (const { settle } of calls) settle(result);
      return;
    } finally {
      queue.framesInFlight--;
      this.#schedule();
    }
    calls.forEach(({ settle }, i) => {
      settle(readAnswer(this.#role, answers, encoded[i]!));
    });
  }
}

/** As many calls as one frame may hold; those that nobody waits for any more fall out on the way. */
function takeFrame({ calls, operation }: Queue, bodyBytesMax: number): readonly Call[] {
  const frame: Call[] = [];
  let next = 0;
  for (let bytes = 0; next < calls.length && frame.length < operation.messagesMax; next++) {
    const call = calls[next]!;
    if (call.signal?.aborted === true) continue;
    bytes += LENGTH_SIZE + call.message.length;
    if (bytes > bodyBytesMax && frame.length > 0) break;
    frame.push(call);
  }
  calls.splice(0, next);
  return frame;
}

function readAnswer(
  role: string,
  answers: AnswerCodec<unknown, string>,
  encoded: Uint8Array,
): CallResult<unknown> {
  let answer: unknown;
  try {
    answer = answers.decode(encoded);
  } catch (error) {
    return unknown(`answer of ${role}: ${textOf(error)}`);
  }
  if (!(answer instanceof Refusal)) return { kind: 'ok', answer };
  if (mayRepeat(answer)) return unknown(`${role}: ${answer.code}: ${answer.message}`);
  return { kind: 'refused', refusal: answer };
}

const unknown = (reason: string): { kind: 'unknown'; reason: string } => ({ kind: 'unknown', reason });
const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
