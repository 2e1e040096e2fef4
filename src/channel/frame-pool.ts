// Memory for frames that are kept until they are answered. A fresh MiB costs page faults each time it is filled, so
// that of large frames is used again; small ones are left to the collector.

const LARGE_BYTES_MIN = 64 * 1024;

export class FramePool {
  readonly #keepMax: number;
  readonly #bytesMax: number;
  #free: ArrayBuffer[] = [];

  /** @param bytesMax of the longest frame */
  constructor(keepMax: number, bytesMax: number) {
    this.#keepMax = keepMax;
    this.#bytesMax = bytesMax;
  }

  /** `size` bytes of any content. */
  take(size: number): Uint8Array {
    if (size < LARGE_BYTES_MIN) return new Uint8Array(size);
    return new Uint8Array(this.#free.pop() ?? new ArrayBuffer(this.#bytesMax), 0, size);
  }

  /** Nobody may use the frame from now on. */
  give(frame: Uint8Array): void {
    if (frame.buffer.byteLength === this.#bytesMax && this.#free.length < this.#keepMax) {
      this.#free.push(frame.buffer as ArrayBuffer);
    }
  }
}
