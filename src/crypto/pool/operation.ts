// What the pool has to know of one batch operation. The thread that asks encodes and decodes, a thread of the pool runs;
// both sides know the operation by its name, and only bytes in the shared memory pass between them.
//
//     slot: a part of a batch, 64-byte aligned
//     ┌──────────────────────┬───────────────────────────────────────────────┐
//     │ header (slot.ts)     │ body: what the operation makes of its items   │
//     └──────────────────────┴───────────────────────────────────────────────┘
//
// When the thread that runs a slot dies or traps, the slot is encoded again before another runs it: `run` may overwrite
// what it was given, and nothing that a dying thread left behind is ever read.
import type { CryptoKernel } from '../../kernel/crypto-kernel.ts';

/** `Shared` is what all items of a call have in common (a key, say), checked already; `Item` one item, `Result` its answer. */
export interface Operation<Shared, Item, Result> {
  readonly name: string;
  /** What the items are called in messages. */
  readonly itemsName: string;
  /** Whether a slot may hold a secret; then it is wiped as soon as its answers are out. */
  readonly secret: boolean;
  /** Throws CryptoError unless the item can be computed. Called for every item before anything else. */
  checkItem(item: Item, index: number): void;
  /** What a body takes besides its items. */
  sharedBytes(shared: Shared): number;
  /** What one more item takes in a body, its answer and its padding included. */
  itemBytes(item: Item, shared: Shared): number;
  /** What one item costs about: parts of a batch are made equal by this. */
  itemNanoseconds(item: Item): number;
  /**
   * Writes a body at `address`, which is 64-byte aligned; `bytes` is all of the shared memory. Nothing there is wiped yet.
   */
  encode(bytes: Uint8Array<ArrayBuffer>, address: number, shared: Shared, items: readonly Item[]): void;
  /** In a thread of the pool: computes the answers of the `count` items of the body at `address`, in place. */
  run(kernel: CryptoKernel, address: number, count: number): void;
  /** Copies the answers out. `first` is the index in the call of the first item. May throw CryptoError. */
  decode(bytes: Uint8Array, address: number, shared: Shared, items: readonly Item[], first: number): Result[];
}

/** What a thread of the pool runs: any operation, seen from there. */
export type Runnable = Pick<Operation<never, never, unknown>, 'name' | 'run'>;

/** What the body of these items takes. */
export function bodyBytes<Shared, Item>(
  operation: Operation<Shared, Item, unknown>,
  shared: Shared,
  items: readonly Item[],
): number {
  return items.reduce((sum, item) => sum + operation.itemBytes(item, shared), operation.sharedBytes(shared));
}
