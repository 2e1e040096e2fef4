// What a role remembers: named tables of bytes, changed by transactions that are on the disk when they resolve. Reads
// outside transactions see only what is on the disk.
import type { StoreError } from './errors.ts';
import type { Key } from './key.ts';

export interface StoreReads {
  /** The value, not to be written to. @throws StoreError store_corrupt for a damaged record, naming table and key */
  get(table: string, key: Key): Uint8Array | undefined;
  /** Records with from <= key < to in the order of their keys, at most `limit` (1 to RANGE_MAX) of them. */
  range(table: string, bounds: RangeBounds): StoredRecord[];
}

export interface RangeBounds {
  /** Inclusive; left out: from the first. */
  readonly from?: Key;
  /** Exclusive; left out: to the last. */
  readonly to?: Key;
  readonly limit: number;
}

export interface StoredRecord {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export interface StoreTransaction extends StoreReads {
  put(table: string, key: Key, value: Uint8Array): void;
  remove(table: string, key: Key): void;
}

/** Records of one range at most. Beyond: RangeError; read on from the last key. */
export const RANGE_MAX = 16_384;

/** Bytes of a value at most. Beyond: RangeError. */
export const VALUE_BYTES_MAX = 1024 * 1024;

export interface RoleStore extends StoreReads {
  /** Why nothing can be written any more, until the store is opened anew; for the role's health. */
  readonly failure?: StoreError | undefined;
  /**
   * Runs `run` at once. It is synchronous, and sees its own writes and those of every transaction before it, flushed or
   * not. What it returns comes when all it wrote *and all it saw* is flushed. If it throws, its writes are gone and the
   * promise rejects with what it threw.
   *
   * Transactions gather while a group is being flushed, and are flushed together. When a group cannot be written,
   * nothing of it is stored, and all that came after it, and may have seen it, rejects too.
   *
   * @throws StoreError store_full, store_busy, store_io: nothing was stored; store_unknown: the store must be opened anew
   */
  transaction<T>(run: (tx: StoreTransaction) => T): Promise<T>;
  /**
   * For records of one table that are asked for all the time: sees what `get` sees, but reads and decodes each only once
   * until it is written anew. Keeps `valuesMax` values; the value must not be changed, and what there is not is not kept.
   */
  remember<Value>(
    table: string,
    decode: (stored: Uint8Array) => Value,
    valuesMax: number,
  ): (key: Key) => Value | undefined;
  /** Finishes what was begun. */
  close(): Promise<void>;
}
