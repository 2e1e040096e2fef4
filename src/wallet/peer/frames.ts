// Messages in pieces that a medium can carry:
//
//     message   ┌──────────────────┬──────────────────┬─────────┐
//               │ n - 1 bytes      │ n - 1 bytes      │ rest    │
//               └──────────────────┴──────────────────┴─────────┘
//     pieces    ┌─╥────────────────┐┌─╥────────────────┐┌─╥─────┐
//               │5║                ││6║                ││7║     │     u8: the piece's number in its direction, modulo 128,
//               └─╨────────────────┘└─╨────────────────┘└─╨─────┘     + 128 in the last piece of a message
//
// A message says its length by its end, so no length can lie; what was collected is bounded. A piece that comes again, as a
// camera sees it again, is left out; any other that is not the next one ends the link.
import { equalBytes } from '../../identity/binary-text.ts';
import type { WalletClock } from '../core/ports.ts';
import { PeerError, type PeerErrorCode } from './errors.ts';
import {
  MESSAGE_BYTES_MAX,
  type PeerTimes,
  PIECE_BYTES_MAX,
  PIECE_BYTES_MIN,
  REPEATED_PIECES_MAX,
} from './limits.ts';
import type { PeerLink } from './link.ts';

const NUMBERS = 128;
const LAST = 128;

/** @param number of the first piece @returns pieces, and the number of the next one */
export function piecesOf(
  message: Uint8Array,
  pieceBytesMax: number,
  number: number,
): { readonly pieces: readonly Uint8Array[]; readonly next: number } {
  if (message.length === 0 || message.length > MESSAGE_BYTES_MAX) {
    throw new RangeError(`message: expected 1 to ${MESSAGE_BYTES_MAX} bytes, got ${message.length}`);
  }
  const pieces: Uint8Array[] = [];
  const room = pieceBytesMax - 1;
  let next = number;
  for (let from = 0; from < message.length; from += room) {
    const part = message.subarray(from, from + room);
    const piece = new Uint8Array(1 + part.length);
    piece[0] = next + (from + room >= message.length ? LAST : 0);
    piece.set(part, 1);
    pieces.push(piece);
    next = (next + 1) % NUMBERS;
  }
  return { pieces, next };
}

/** Puts messages together again. After an error it must not be used any more. */
export class Assembly {
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #next = 0;
  #last: Uint8Array | undefined;
  #repeated = 0;

  /** Whether a message has begun and is not whole yet. */
  get isUnderWay(): boolean {
    return this.#bytes > 0;
  }

  /** @returns the message that it completes @throws PeerError */
  add(piece: Uint8Array): Uint8Array | undefined {
    if (piece.length < 2 || piece.length > PIECE_BYTES_MAX) {
      throw new PeerError(
        'piece_invalid',
        `piece: expected 2 to ${PIECE_BYTES_MAX} bytes, got ${piece.length}`,
      );
    }
    const number = piece[0]! % NUMBERS;
    if (number !== this.#next) {
      if (this.#last === undefined || !equalBytes(this.#last, piece)) {
        throw new PeerError('piece_invalid', `piece: expected number ${this.#next}, got ${number}`);
      }
      this.#repeated += 1;
      if (this.#repeated <= REPEATED_PIECES_MAX) return undefined;
      throw new PeerError(
        'flooded',
        `piece: expected a message with at most ${REPEATED_PIECES_MAX} repeated ones, got more`,
      );
    }
    this.#last = piece;
    this.#next = (number + 1) % NUMBERS;
    this.#bytes += piece.length - 1;
    if (this.#bytes > MESSAGE_BYTES_MAX) {
      throw new PeerError(
        'message_too_long',
        `message: expected at most ${MESSAGE_BYTES_MAX} bytes, got more`,
      );
    }
    this.#parts.push(piece.subarray(1));
    if (piece[0]! < LAST) return undefined;
    const message = new Uint8Array(this.#bytes);
    let at = 0;
    for (const part of this.#parts) {
      message.set(part, at);
      at += part.length;
    }
    this.#parts = [];
    this.#bytes = 0;
    this.#repeated = 0;
    return message;
  }
}

/** Whole messages over a link, each within its time. The first failure ends the link, and is the answer to every later call. */
export class FramedLink {
  readonly #link: PeerLink;
  readonly #clock: WalletClock;
  readonly #times: PeerTimes;
  readonly #assembly = new Assembly();
  readonly #end: () => void;
  #next = 0;
  #failure: PeerError | undefined;
  /** What whoever waits just now is waiting for. */
  #interrupt: ((error: PeerError) => void) | undefined;

  /** @throws RangeError for a link whose pieces are too small or too large */
  constructor(link: PeerLink, clock: WalletClock, times: PeerTimes) {
    const { pieceBytesMax } = link;
    if (
      !Number.isInteger(pieceBytesMax) ||
      pieceBytesMax < PIECE_BYTES_MIN ||
      pieceBytesMax > PIECE_BYTES_MAX
    ) {
      throw new RangeError(
        `link: expected pieces of ${PIECE_BYTES_MIN} to ${PIECE_BYTES_MAX} bytes, got ${pieceBytesMax}`,
      );
    }
    this.#link = link;
    this.#clock = clock;
    this.#times = times;
    this.#end = clock.setTimer(
      () => this.#fail('timed_out', `session: expected its end within ${times.sessionMs} ms, got none`),
      times.sessionMs,
    );
  }

  get isOpen(): boolean {
    return this.#failure === undefined && this.#link.isOpen;
  }

  /** @throws PeerError */
  async send(message: Uint8Array): Promise<void> {
    const { pieces, next } = piecesOf(message, this.#link.pieceBytesMax, this.#next);
    this.#next = next;
    for (const piece of pieces) {
      if (this.#failure === undefined && !this.#link.isOpen) this.#broken();
      await this.#within(this.#times.pieceMs, 'expected a piece to be taken', () => this.#link.send(piece));
    }
  }

  /** @param firstMs until its first piece @throws PeerError */
  async receive(firstMs: number): Promise<Uint8Array> {
    for (;;) {
      const waitMs = this.#assembly.isUnderWay ? this.#times.pieceMs : firstMs;
      const piece = await this.#within(waitMs, 'expected a piece', () => this.#link.receive());
      if (piece === undefined) this.#broken();
      try {
        const message = this.#assembly.add(piece);
        if (message !== undefined) return message;
      } catch (error) {
        if (!(error instanceof PeerError)) throw error;
        throw this.#failed(error);
      }
    }
  }

  close(): void {
    this.#fail('link_broken', 'link: expected it open, got one that this side has closed');
  }

  #broken(): never {
    throw this.#failed(
      new PeerError('link_broken', 'link: expected the other side, got the end of the connection'),
    );
  }

  #fail(code: PeerErrorCode, message: string): void {
    this.#failed(new PeerError(code, message));
  }

  #failed(error: PeerError): PeerError {
    if (this.#failure === undefined) {
      this.#failure = error;
      this.#end();
      this.#link.close();
      this.#interrupt?.(error);
    }
    return this.#failure;
  }

  async #within<T>(milliseconds: number, what: string, work: () => Promise<T>): Promise<T> {
    if (this.#failure !== undefined) throw this.#failure;
    const cancel = this.#clock.setTimer(
      () => this.#fail('timed_out', `link: ${what} within ${milliseconds} ms, got none`),
      milliseconds,
    );
    try {
      return await new Promise<T>((resolve, reject) => {
        this.#interrupt = reject;
        work().then(resolve, (cause: unknown) => {
          const { message } = cause as Error;
          reject(this.#failed(new PeerError('link_broken', `link: ${message}`, { cause })));
        });
      });
    } finally {
      this.#interrupt = undefined;
      cancel();
    }
  }
}
