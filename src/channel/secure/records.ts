// Frames as encrypted WebSocket messages. A Noise message takes at most 65,519 bytes, so a long frame is cut:
//
//     frame    ┌──────────────────┬──────────────────┬─────────┐
//              │ 65,519 bytes     │ 65,519 bytes     │ rest    │
//              └──────────────────┴──────────────────┴─────────┘
//     message  ┌──────────────────╥──────────────────╥─────────╥┐
//              │ and a tag: 65,535│ 65,535           │ rest+16 ││     one WebSocket message
//              └──────────────────╨──────────────────╨─────────╨┘
//
// The nonce counts Noise messages, so none can be dropped, repeated, moved or changed. How they stand together in WebSocket
// messages is not encrypted; but every frame says its size, at byte 12 behind the tag of its first Noise message, and that
// has to agree with what came. After each 1,024 Noise messages of a direction both sides take the next key.
import { CryptoError } from '../../crypto/errors.ts';
import type { NoiseTransport } from '../../crypto/noise/noise.ts';
import { HeaderLayout, viewOf } from '../../wire/frame.ts';
import { HEADER_SIZE, REKEY_MESSAGES } from '../../wire/limits.ts';

export const TAG_SIZE = 16;
export const NOISE_BYTES_MAX = 65_535;
export const PIECE_BYTES_MAX = NOISE_BYTES_MAX - TAG_SIZE;

/** A WebSocket message that is not the next record: changed, repeated, moved, cut or joined on its way. */
export class RecordError extends Error {
  override readonly name = 'RecordError';
}

/** Bytes of the message that a frame makes. */
export function sealedBytes(frameBytes: number): number {
  return frameBytes + TAG_SIZE * Math.ceil(frameBytes / PIECE_BYTES_MAX);
}

/** Bytes of the frame that a message holds; less than nothing where it can hold none. */
export function openedBytes(messageBytes: number): number {
  return messageBytes - TAG_SIZE * Math.ceil(messageBytes / NOISE_BYTES_MAX);
}

export class SecureChannel {
  readonly #transport: NoiseTransport;
  #sent = 0;
  #received = 0;

  constructor(transport: NoiseTransport) {
    this.#transport = transport;
  }

  /** Seals a frame into `target`; returns the message, a part of that. */
  seal(frame: Uint8Array, target: Uint8Array): Uint8Array {
    let at = 0;
    for (let from = 0; from < frame.length; from += PIECE_BYTES_MAX) {
      const piece = frame.subarray(from, from + PIECE_BYTES_MAX);
      this.#transport.sealInto(piece, target.subarray(at, at + piece.length + TAG_SIZE));
      at += piece.length + TAG_SIZE;
      if (++this.#sent === REKEY_MESSAGES) {
        this.#sent = 0;
        this.#transport.rekeySend();
      }
    }
    return target.subarray(0, at);
  }

  /**
   * Opens a message where it lies; returns the frame, a part of that.
   * @throws RecordError, and then the connection is over: nothing of the message may be used
   */
  open(message: Uint8Array): Uint8Array {
    const frameBytes = openedBytes(message.length);
    if (frameBytes < HEADER_SIZE) {
      throw new RecordError(`record: expected a whole frame, got a message of ${message.length} bytes`);
    }
    let to = 0;
    for (let from = 0; from < message.length; from += NOISE_BYTES_MAX) {
      const sealed = message.subarray(from, from + NOISE_BYTES_MAX);
      const bytes = sealed.length - TAG_SIZE;
      this.#open(sealed, message.subarray(to, to + bytes));
      if (from === 0) expectSize(message, frameBytes);
      to += bytes;
    }
    return message.subarray(0, frameBytes);
  }

  /** Wipes the keys. */
  close(): void {
    this.#transport.close();
  }

  #open(sealed: Uint8Array, target: Uint8Array): void {
    try {
      this.#transport.openInto(sealed, target);
    } catch (cause) {
      if (!(cause instanceof CryptoError)) throw cause;
      throw new RecordError('record: expected the next one of this connection, got another', { cause });
    }
    if (++this.#received === REKEY_MESSAGES) {
      this.#received = 0;
      this.#transport.rekeyReceive();
    }
  }
}

function expectSize(frame: Uint8Array, frameBytes: number): void {
  const size = HEADER_SIZE + viewOf(frame).getUint32(HeaderLayout.bodySize, true);
  if (size !== frameBytes) {
    throw new RecordError(`record: expected a frame of the ${size} bytes it announces, got ${frameBytes}`);
  }
}
