// The adapter's one connection to the institution, made again whenever it is lost.
//
//     connecting ──▶ signing on ──0810, code 00──▶ ready ──silence, or an answer overdue──▶ echo ──0810──▶ ready
//         ▲               │                          │                                      │
//         └── pause that doubles ◀── lost, no answer in time, unreadable length ◀────────────┘
import { connect, type Socket } from 'node:net';
import { Backoff } from '../channel/backoff.ts';
import { isAnswerTo, networkRequest, type Sending } from './dialect.ts';
import { Element } from './iso8583/elements.ts';
import { FrameParser, frame } from './iso8583/frames.ts';
import { decodeMessage, encodeMessage, type Message } from './iso8583/message.ts';
import { ResponseCode } from './response-codes.ts';
import type { Timers } from './timers.ts';

const FIRST_PAUSE_MS = 50;
const LAST_PAUSE_MS = 5_000;

export interface LinkOptions {
  readonly host: string;
  readonly port: number;
  /** How long a connection, a sign-on or an echo may take. */
  readonly timeoutMs: number;
  /** An echo is sent after this long without a word from the institution. */
  readonly echoMs: number;
  readonly timers: Timers;
  /** 0 up to, but not including, 1. */
  readonly random: () => number;
  readonly connect?: ((host: string, port: number) => Socket) | undefined;
  /** Trace number and time of the next message. */
  readonly nextSending: () => Sending;
  readonly onReady: () => void;
  /** Whatever the institution says, save answers to sign-on and echo. */
  readonly onMessage: (message: Message) => void;
  readonly onUnreadable: (error: Error) => void;
  /** The connection was ready, and is lost. */
  readonly onLost: (why: string) => void;
}

type State = 'waiting' | 'connecting' | 'signing_on' | 'ready' | 'closed';

export class Link {
  readonly #options: LinkOptions;
  readonly #backoff: Backoff;
  #state: State = 'waiting';
  #socket: Socket | undefined;
  /** Of the pause, the connection, the sign-on or the echo, whichever is under way. */
  #timer: unknown;
  /** Sign-on or echo that waits for its answer. */
  #network: Message | undefined;
  #heard = false;
  #outgoing: Buffer[] = [];
  connects = 0;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#backoff = new Backoff(FIRST_PAUSE_MS, LAST_PAUSE_MS, options.random);
    this.#connect();
  }

  get isReady(): boolean {
    return this.#state === 'ready';
  }

  /** Only while ready. All that is sent in one turn of the event loop leaves in one write. */
  send(message: Message): void {
    this.#outgoing.push(frame(encodeMessage(message)));
    if (this.#outgoing.length > 1) return;
    const socket = this.#socket!;
    queueMicrotask(() => {
      const bytes = Buffer.concat(this.#outgoing);
      this.#outgoing = [];
      if (socket === this.#socket) socket.write(bytes);
    });
  }

  /** An answer is overdue: is there still anyone? A connection may be dead without a sign of it. */
  probe(): void {
    if (this.#state === 'ready' && this.#network === undefined) this.#ask('echo');
  }

  close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#options.timers.clear(this.#timer);
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  #connect(): void {
    const {
      host,
      port,
      connect: open = (h: string, p: number) => connect({ host: h, port: p }),
    } = this.#options;
    this.#state = 'connecting';
    this.#network = undefined;
    this.#outgoing = [];
    let socket: Socket;
    try {
      socket = open(host, port);
    } catch (error) {
      this.#lose((error as Error).message);
      return;
    }
    this.#socket = socket;
    const parser = new FrameParser();
    this.#after(this.#options.timeoutMs, () => this.#lose('no connection in time'));
    socket.setNoDelay(true);
    socket.on('connect', () => {
      if (socket !== this.#socket) return;
      this.connects++;
      this.#state = 'signing_on';
      this.#ask('sign_on');
    });
    socket.on('data', (chunk: Buffer) => {
      if (socket !== this.#socket) return;
      this.#heard = true;
      try {
        for (const bytes of parser.push(chunk)) {
          this.#take(bytes);
          // What a message led to may have ended the connection.
          if (socket !== this.#socket) return;
        }
      } catch (error) {
        this.#lose((error as Error).message);
      }
    });
    socket.on('error', (error) => {
      if (socket === this.#socket) this.#lose(error.message);
    });
    socket.on('close', () => {
      if (socket === this.#socket) this.#lose('closed by the institution');
    });
  }

  #take(bytes: Buffer): void {
    let message: Message;
    try {
      message = decodeMessage(bytes);
    } catch (error) {
      this.#options.onUnreadable(error as Error);
      return;
    }
    if (this.#network === undefined || !isAnswerTo(message, this.#network)) {
      this.#options.onMessage(message);
      return;
    }
    this.#network = undefined;
    const code = message.elements[Element.responseCode];
    if (code !== ResponseCode.approved) {
      this.#lose(`sign-on or echo answered with code ${code ?? 'none'}`);
      return;
    }
    this.#listen();
    if (this.#state !== 'signing_on') return;
    this.#state = 'ready';
    this.#backoff.reset();
    this.#options.onReady();
  }

  /** Waits for silence. */
  #listen(): void {
    this.#heard = false;
    this.#after(this.#options.echoMs, () => {
      if (this.#heard) this.#listen();
      else this.#ask('echo');
    });
  }

  #ask(kind: 'sign_on' | 'echo'): void {
    this.#network = networkRequest(kind, this.#options.nextSending());
    this.#after(this.#options.timeoutMs, () => this.#lose(`no answer to ${kind.replace('_', '-')} in time`));
    this.#socket!.write(frame(encodeMessage(this.#network)));
  }

  #lose(why: string): void {
    if (this.#state === 'closed') return;
    const wasReady = this.#state === 'ready';
    const socket = this.#socket;
    this.#socket = undefined;
    this.#outgoing = [];
    this.#state = 'waiting';
    // The listener for errors stays: a socket that is going down may still report one.
    socket?.destroy();
    this.#after(this.#backoff.next(), () => this.#connect());
    if (wasReady) this.#options.onLost(why);
  }

  #after(ms: number, callback: () => void): void {
    this.#options.timers.clear(this.#timer);
    this.#timer = this.#options.timers.set(callback, ms);
  }
}
