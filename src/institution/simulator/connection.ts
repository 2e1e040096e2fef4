// One acquirer's connection at the simulator. What it makes the simulator hold is bounded: requests without their answers,
// and answers that are not read; beyond it nothing more is read from the connection.
import type { Socket } from 'node:net';
import { Iso8583Error } from '../iso8583/errors.ts';
import { FrameParser } from '../iso8583/frames.ts';
import { decodeMessage, type Message } from '../iso8583/message.ts';

const OUTSTANDING_MAX = 4_096;
const UNREAD_MAX_BYTES = 1024 * 1024;

export class Connection {
  /** Nothing but a sign-on is taken before it. */
  hasSignedOn = false;
  readonly #socket: Socket;
  #outstanding = 0;
  #parts: Buffer[] = [];

  /** `idleMs`: the connection ends after that long without a byte. */
  constructor(
    socket: Socket,
    idleMs: number,
    onMessage: (message: Message) => void,
    onEnd: (error: Error | undefined) => void,
  ) {
    this.#socket = socket;
    const parser = new FrameParser();
    socket.setNoDelay(true);
    socket.setTimeout(idleMs, () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const bytes of parser.push(chunk)) {
          if (socket.destroyed) return;
          onMessage(decodeMessage(bytes));
        }
      } catch (error) {
        if (!(error instanceof Iso8583Error)) throw error;
        // Who sends this speaks another dialect: there is no message to answer.
        socket.destroy(error);
      }
    });
    let failure: Error | undefined;
    socket.on('error', (error) => {
      failure = error;
    });
    socket.on('drain', () => this.#throttle());
    socket.on('close', () => onEnd(failure));
  }

  /** A request has come, and `settled` will be called for it. */
  opened(): void {
    this.#outstanding++;
    this.#throttle();
  }

  /** `count` requests have been answered, or never will be. */
  settled(count = 1): void {
    this.#outstanding -= count;
    this.#throttle();
  }

  /** Put together with what else leaves until `flush`. */
  send(bytes: Buffer): void {
    this.#parts.push(bytes);
  }

  flush(): void {
    if (this.#parts.length === 0) return;
    const bytes = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
    this.#parts = [];
    if (this.#socket.destroyed) return;
    this.#socket.write(bytes);
    this.#throttle();
  }

  destroy(): void {
    this.#parts = [];
    this.#socket.destroy();
  }

  #throttle(): void {
    const isFull = this.#outstanding >= OUTSTANDING_MAX || this.#socket.writableLength > UNREAD_MAX_BYTES;
    if (isFull) this.#socket.pause();
    else if (this.#socket.isPaused()) this.#socket.resume();
  }
}
