// Looks for secrets that a call has left behind in the kernel's memory: eight bytes of one are enough, as they are or as
// kernels lay them out (words of hashes turned round, keys of HMAC with their padding, words of ChaCha20 in all lanes).
import type { CryptoKernel } from '../../src/kernel/crypto-kernel.ts';
import { IO_BYTES, WORKSPACE_BYTES } from '../../src/kernel/crypto-kernel.ts';

const WINDOW_BYTES = 8;
/** Of a long secret, what is looked for: its beginning. */
const SECRET_BYTES_MAX = 64;

const NEAR_BYTES = 32 << 10;

interface Trace {
  readonly second: number;
  readonly what: string;
}

const FORMS: Record<string, (window: Uint8Array) => Uint8Array> = {
  'as it is': (window) => window,
  'words of 4 bytes turned round': (window) => turned(window, 4),
  'words of 8 bytes turned round': (window) => turned(window, 8),
  'with inner padding': (window) => window.map((byte) => byte ^ 0x36),
  'with outer padding': (window) => window.map((byte) => byte ^ 0x5c),
  'with inner padding, turned round': (window) => turned(window, 4).map((byte) => byte ^ 0x36),
  'with outer padding, turned round': (window) => turned(window, 4).map((byte) => byte ^ 0x5c),
  'first word in all lanes': (window) => Uint8Array.of(...window.subarray(0, 4), ...window.subarray(0, 4)),
  'second word in all lanes': (window) => Uint8Array.of(...window.subarray(4), ...window.subarray(4)),
};

function turned(window: Uint8Array, bytes: number): Uint8Array {
  const result = new Uint8Array(window.length);
  for (let i = 0; i < window.length; i++) result[i] = window[(i & ~(bytes - 1)) + bytes - 1 - (i % bytes)]!;
  return result;
}

const FILTER_BITS = 20;
const slotOf = (word: number): number => Math.imul(word, 0x9e37_79b1) >>> (32 - FILTER_BITS);

export class Residue {
  readonly #kernel: CryptoKernel;
  readonly #traces = new Map<number, Trace[]>();
  /** Says of most words at once that no trace begins with them. */
  readonly #filter = new Uint8Array(1 << FILTER_BITS);

  constructor(kernel: CryptoKernel) {
    this.#kernel = kernel;
  }

  /** Looks for these bytes from now on. */
  add(name: string, secret: Uint8Array): void {
    const bytes = Uint8Array.from(secret.subarray(0, SECRET_BYTES_MAX));
    for (let from = 0; from + WINDOW_BYTES <= bytes.length; from += WINDOW_BYTES) {
      const window = bytes.slice(from, from + WINDOW_BYTES);
      // Bytes that are alike are nobody's.
      if (new Set(window).size < 5) continue;
      for (const [form, formed] of Object.entries(FORMS)) {
        const view = new DataView(formed(window).slice().buffer);
        this.#remember(view.getInt32(0, true), {
          second: view.getInt32(4, true),
          what: `bytes ${from} to ${from + 7} of ${name}, ${form}`,
        });
      }
    }
  }

  #remember(first: number, trace: Trace): void {
    const traces = this.#traces.get(first);
    if (traces === undefined) this.#traces.set(first, [trace]);
    else traces.push(trace);
    this.#filter[slotOf(first)] = 1;
  }

  /** What stands anywhere in io or in the workspace, and where. */
  found(): string[] {
    return this.#foundIn(this.#kernel.io - WORKSPACE_BYTES, WORKSPACE_BYTES + IO_BYTES);
  }

  /** What stands at the beginning of both, where most calls work and the next one writes over it. */
  foundAtOnce(): string[] {
    const { io } = this.#kernel;
    return [...this.#foundIn(io, NEAR_BYTES), ...this.#foundIn(io - WORKSPACE_BYTES, NEAR_BYTES)];
  }

  #foundIn(start: number, bytes: number): string[] {
    const { io, memory } = this.#kernel;
    const words = new Int32Array(memory.buffer, start, bytes / 4);
    const found: string[] = [];
    let a = words[0]!;
    let b = words[1]!;
    for (let i = 0; i + 2 < words.length; i++) {
      const c = words[i + 2]!;
      if ((a | b) !== 0) {
        for (let shift = 0; shift < 32; shift += 8) {
          const first = shift === 0 ? a : (a >>> shift) | (b << (32 - shift));
          if (this.#filter[slotOf(first)] === 0) continue;
          const second = shift === 0 ? b : (b >>> shift) | (c << (32 - shift));
          for (const trace of this.#traces.get(first) ?? []) {
            if (trace.second !== second) continue;
            const address = start + 4 * i + shift / 8;
            const place =
              address < io ? `workspace + ${address - io + WORKSPACE_BYTES}` : `io + ${address - io}`;
            found.push(`${trace.what}: at ${place}`);
          }
        }
      }
      a = b;
      b = c;
    }
    return found;
  }
}
