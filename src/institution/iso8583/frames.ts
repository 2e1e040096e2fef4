// Messages in a TCP stream: each behind its length, two bytes big-endian, which do not count themselves.
//
//     ┌ u16 ┬ message ──────┬ u16 ┬ message ──┬ …
import { Iso8583Error } from './errors.ts';

/** The dialect's longest message takes 320 bytes; beyond this a length is a sign that the stream is out of step. */
export const MESSAGE_BYTES_MAX = 1024;
/** Type and one bitmap. */
export const MESSAGE_BYTES_MIN = 12;
const PREFIX_BYTES = 2;

/** @throws Iso8583Error for a message longer than MESSAGE_BYTES_MAX. */
export function frame(message: Uint8Array): Buffer {
  if (message.length > MESSAGE_BYTES_MAX) {
    throw new Iso8583Error(
      'bad_frame',
      `message: expected at most ${MESSAGE_BYTES_MAX} bytes, got ${message.length}`,
    );
  }
  const bytes = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  bytes.writeUInt16BE(message.length, 0);
  bytes.set(message, PREFIX_BYTES);
  return bytes;
}

/** Cuts a stream into messages; keeps at most one unfinished one. */
export class FrameParser {
  #rest: Buffer = Buffer.alloc(0);

  /**
   * The messages that are complete now: views of `chunk`, or copies.
   * @throws Iso8583Error `bad_frame` for a length that no message can have: the stream cannot be read on.
   */
  *push(chunk: Buffer): Generator<Buffer, void, void> {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = Buffer.alloc(0);
    let at = 0;
    while (bytes.length - at >= PREFIX_BYTES) {
      const length = bytes.readUInt16BE(at);
      if (length < MESSAGE_BYTES_MIN || length > MESSAGE_BYTES_MAX) {
        throw new Iso8583Error(
          'bad_frame',
          `frame: expected ${MESSAGE_BYTES_MIN} to ${MESSAGE_BYTES_MAX} bytes, got ${length}`,
        );
      }
      if (bytes.length - at - PREFIX_BYTES < length) break;
      at += PREFIX_BYTES + length;
      yield bytes.subarray(at - length, at);
    }
    // A copy, so that a few bytes do not keep a whole chunk.
    if (at < bytes.length) this.#rest = Buffer.from(bytes.subarray(at));
  }

  /** Bytes of an unfinished message. */
  get pendingBytes(): number {
    return this.#rest.length;
  }
}
