// Memory for frames that are kept until they are answered. A fresh MiB costs page faults each time it is filled, so
// that of large frames is used again; small ones are left to the collector.
import { HEADER_SIZE, MESSAGE_BYTES_MAX } from '../wire/limits.ts';

const LARGE_BYTES_MIN = 64 * 1024;

export class FramePool {
  readonly #keepMax: number;
  #free: ArrayBuffer[] = [];

  constructor(keepMax: number) {
    this.#keepMax = keepMax;
  }

  /** A frame with room for `bodySize` bytes, of any content. */
  take(bodySize: number): Uint8Array {
    const size = HEADER_SIZE + bodySize;
    if (size < LARGE_BYTES_MIN) return new Uint8Array(size);
    return new Uint8Array(this.#free.pop() ?? new ArrayBuffer(MESSAGE_BYTES_MAX), 0, size);
  }

  /** Nobody may use the frame from now on. */
  give(frame: Uint8Array): void {
    if (frame.buffer.byteLength === MESSAGE_BYTES_MAX && this.#free.length < this.#keepMax) {
      this.#free.push(frame.buffer as ArrayBuffer);
    }
  }
}
