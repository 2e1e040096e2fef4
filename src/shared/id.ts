// Time-ordered 128-bit ids: the ledger's fast case, as a batch of them is one ascending run.
//
//     127              80 79                                0
//     ┌──────────────────┬──────────────────────────────────┐
//     │ milliseconds, 48 │ random, 80                       │
//     └──────────────────┴──────────────────────────────────┘
//
// Within a millisecond, and while the clock stands or goes back, the next id is the one before plus one. Random bits are
// drawn once a millisecond: 3 µs, against 0.1 µs for an id. Nothing here is of Node: wallets use it in browsers.

const RANDOM_BITS = 80n;
const RANDOM_MAX = (1n << RANDOM_BITS) - 1n;
const MILLISECONDS_MAX = 2 ** 48 - 1;

export interface IdSources {
  /** Milliseconds since the Unix epoch. */
  now?: () => number;
  /** Fills the bytes with random ones. */
  random?: (bytes: Uint8Array) => void;
}

const systemRandom = (bytes: Uint8Array): void => {
  crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>);
};

/** A generator of its own; each call of what it returns gives a larger id. */
export function idGenerator({ now = Date.now, random = systemRandom }: IdSources = {}): () => bigint {
  const bytes = new Uint8Array(10);
  const view = new DataView(bytes.buffer);
  let milliseconds = 0;
  let base = 0n;
  let tail = 0n;

  return () => {
    const current = Math.floor(now());
    if (!(current >= 0 && current <= MILLISECONDS_MAX)) {
      throw new RangeError(`clock: expected milliseconds from 0 to 2^48-1, got ${current}`);
    }
    if (current > milliseconds) {
      milliseconds = current;
      base = BigInt(milliseconds) << RANDOM_BITS;
      random(bytes);
      tail = (BigInt(view.getUint16(8, true)) << 64n) | view.getBigUint64(0, true);
      return base | tail;
    }
    if (tail === RANDOM_MAX) {
      // All of this millisecond's tails are used up: borrow the next millisecond.
      milliseconds += 1;
      base = BigInt(milliseconds) << RANDOM_BITS;
      tail = 0n;
    } else {
      tail += 1n;
    }
    return base | tail;
  };
}

/** A time-ordered id of this process's own generator. */
export const id: () => bigint = idGenerator();

/** When an id was made, in milliseconds since the Unix epoch. */
export function idMilliseconds(value: bigint): number {
  return Number(value >> RANDOM_BITS);
}
