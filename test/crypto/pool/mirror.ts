// An operation for tests of the pool: reverses byte strings, in a thread that can be asked to die of one.
import { BatchPool, type CryptoPoolOptions } from '../../../src/crypto/pool/batch-pool.ts';
import type { Operation } from '../../../src/crypto/pool/operation.ts';

/** What the thread does before it computes an item. */
export const Behaviour = {
  none: 0,
  exit: 1,
  /** An error that nobody catches. */
  uncaught: 2,
  /** A trap of the kernel. */
  trap: 3,
  throw: 4,
  /** Takes 5 ms. */
  slow: 5,
  exitOnce: 6,
  trapOnce: 7,
  /** Takes 100 ms. */
  slower: 8,
  /** Runs out of memory the first time. */
  exhaustOnce: 9,
} as const;

export interface MirrorItem {
  readonly bytes: Uint8Array;
  readonly behaviour?: number;
}

const align = (bytes: number): number => Math.ceil(bytes / 16) * 16;

/** Of one call; a call that is made again begins anew with items of its own. */
const attempts = new WeakMap<Uint8Array, number>();

export const MIRROR: Operation<string, MirrorItem, string> = {
  name: 'mirror',
  itemsName: 'items',
  secret: true,
  checkItem({ bytes }, i) {
    if (bytes.length === 13) throw new RangeError(`13 bytes at ${i}`);
  },
  sharedBytes: () => 0,
  itemBytes: ({ bytes }) => 16 + 2 * align(bytes.length),
  itemNanoseconds: ({ bytes }) => 1_000 + bytes.length,
  encode(memory, address, shared, items) {
    if (shared === 'not encodable') throw new RangeError('not encodable');
    const view = new DataView(memory.buffer);
    let at = address;
    for (const { bytes, behaviour = Behaviour.none } of items) {
      view.setUint32(at, bytes.length, true);
      view.setUint32(at + 4, behaviour, true);
      // How often it has been encoded before: an answer that is copied out would not tell.
      const attempt = attempts.get(bytes) ?? 0;
      attempts.set(bytes, attempt + 1);
      view.setUint32(at + 8, attempt, true);
      memory.set(bytes, at + 16);
      at += 16 + 2 * align(bytes.length);
    }
  },
  run() {
    throw new Error('runs in mirror-thread.mjs');
  },
  decode(memory, address, shared, items, first) {
    let at = address;
    return items.map(({ bytes }, i) => {
      if (shared === `refuse ${first + i}`) throw new RangeError(`refused ${first + i}`);
      const answer = at + 16 + align(bytes.length);
      at = answer + align(bytes.length);
      return `${shared}:${Buffer.from(memory.slice(answer, answer + bytes.length)).toString('latin1')}`;
    });
  },
};

export const mirrored = (shared: string, items: readonly MirrorItem[]): string[] =>
  items.map(({ bytes }) => `${shared}:${Buffer.from(bytes).reverse().toString('latin1')}`);

export const mirrorPool = (options: CryptoPoolOptions = {}): BatchPool =>
  new BatchPool(options, { from: import.meta.url, file: './mirror-thread.mjs', task: 'batch' });
