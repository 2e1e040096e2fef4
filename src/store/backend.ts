// What a store writes to: an ordered map of bytes on a disk, or in a simulation's memory.
import type { Place } from './key.ts';

/** Records to write; undefined: to remove. */
export type Changes = ReadonlyMap<Place, Uint8Array | undefined>;

export interface PlacedRecord {
  readonly at: Place;
  readonly value: Uint8Array;
}

export interface StoreBackend {
  /** As of the last write() that has resolved. @throws StoreError store_corrupt */
  get(at: Place): Uint8Array | undefined;
  /** from <= place < to, ascending. @throws StoreError store_corrupt */
  range(from: Place, to: Place, limit: number): PlacedRecord[];
  /**
   * All of it or nothing, flushed when it resolves; one at a time. Rejects with StoreError; unless that is
   * store_unknown, nothing was written.
   */
  write(changes: Changes): Promise<void>;
  close(): Promise<void>;
}
