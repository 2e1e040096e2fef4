// Messages in pieces, and messages too long for the kernel's io at once. Between two calls a stream's record lives here,
// not in the kernel: nothing of it stays there, and any number of streams may go on side by side.
import type { CryptoExports } from '../kernel/crypto-exports.ts';
import { CryptoError, expectBytes, expectReadable } from './errors.ts';
import { kernel } from './kernel.ts';

/** Room in io for a stream's record and, when it ends, its digest. */
export const RECORD_BYTES_MAX = 512;

/** How much of a message goes to the kernel at once: enough to hide what a call costs, little enough for the cache. */
export const PIECE_BYTES = 64 << 10;

/** What a stream computes. A record is what the kernel needs between two pieces: the context, a key after it. */
export interface StreamFunctions {
  /** What it is, for messages of errors. */
  readonly name: string;
  readonly digestBytes: number;
  update(exports: CryptoExports, record: number, address: number, bytes: number): void;
  final(exports: CryptoExports, record: number, out: number): void;
}

export class HashStream {
  readonly #functions: StreamFunctions;
  readonly #record: Uint8Array;
  #ended = false;

  /** `record` is the begun stream's, and its own from now on. */
  constructor(functions: StreamFunctions, record: Uint8Array) {
    this.#functions = functions;
    this.#record = record;
  }

  /** Goes on with `piece`. @throws CryptoError invalid_state after digest(). */
  update(piece: Uint8Array): this {
    expectBytes('piece', piece);
    expectReadable('piece', piece);
    this.#expectOpen();
    const { exports, bytes, io } = kernel();
    const place = io + RECORD_BYTES_MAX;
    try {
      bytes.set(this.#record, io);
      for (let from = 0; from < piece.length; from += PIECE_BYTES) {
        const part = piece.subarray(from, from + PIECE_BYTES);
        bytes.set(part, place);
        this.#functions.update(exports, io, place, part.length);
      }
      this.#record.set(bytes.subarray(io, io + this.#record.length));
    } finally {
      kernel().wipe(io, RECORD_BYTES_MAX + Math.min(piece.length, PIECE_BYTES));
    }
    return this;
  }

  /** The digest of all pieces. The stream is over. @throws CryptoError invalid_state the second time. */
  digest(): Uint8Array<ArrayBuffer> {
    this.#expectOpen();
    this.#ended = true;
    const { digestBytes } = this.#functions;
    const { exports, bytes, io } = kernel();
    const out = io + RECORD_BYTES_MAX;
    bytes.set(this.#record, io);
    this.#record.fill(0);
    this.#functions.final(exports, io, out);
    const digest = bytes.slice(out, out + digestBytes);
    kernel().wipe(io, RECORD_BYTES_MAX + digestBytes);
    return digest;
  }

  /** Gives up: wipes what the stream holds, which of an HMAC is as secret as its key. */
  close(): void {
    this.#ended = true;
    this.#record.fill(0);
  }

  #expectOpen(): void {
    if (this.#ended) {
      throw new CryptoError(
        'invalid_state',
        `expected an open ${this.#functions.name} stream, got an ended one`,
      );
    }
  }
}
