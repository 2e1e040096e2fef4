// Accounts by id. Structure and bounds: hash-index.ts.

import { INDEX_SIZE, entryOf, findFrom, hashOf, indexFind, indexInitialise } from "./hash-index";
import { indexInsert, indexRemove, indexReserve, insertEntry, segmentOf } from "./hash-index";
import { accountDirectory, accountRow } from "./pages";

const INDEX: usize = memory.data(32, 64);
if (INDEX_SIZE != 32) ERROR("memory.data above must have the size of Index");

// Lookups whose cache misses run side by side. The processor has room for a few dozen loads that wait for memory.
const GROUP: u32 = 32;

// @ts-ignore: decorator
@unmanaged
class Lookup {
  hash: u32;
  segment: u32;
}

const lookups: usize = memory.data(256, 64);
if (GROUP * offsetof<Lookup>() != 256) ERROR("lookups must hold a group");

// What the warming loads read is kept here, so that the compiler cannot drop them.
let warmed: u64 = 0;

/** Makes the empty index; false when memory is exhausted. */
export function initialiseAccountIndex(): bool {
  return indexInitialise(INDEX);
}

/** Slot of the account with this id, -1 if none. */
export function accountFind(lo: u64, hi: u64): i32 {
  return indexFind(INDEX, accountDirectory, lo, hi);
}

/**
 * Finds `count` ids that lie `stride` bytes apart from `ids` on: out[i] (i32) = slot, -1 if none; found rows are in the
 * cache afterwards. Each group goes through three passes, so that its misses (entry, then row) overlap instead of
 * following one another.
 */
export function accountFindMany(ids: usize, stride: u32, count: u32, out: usize): void {
  let done: u32 = 0;
  while (done < count) {
    const group = min(GROUP, count - done);
    let sum: u64 = 0;
    for (let i: u32 = 0; i < group; i += 1) {
      const id = ids + (done + i) * stride;
      const hash = hashOf(load<u64>(id), load<u64>(id, 8));
      const segment = segmentOf(INDEX, hash);
      const lookup = lookups + i * <u32>offsetof<Lookup>();
      store<u32>(lookup, hash, offsetof<Lookup>("hash"));
      store<u32>(lookup, segment, offsetof<Lookup>("segment"));
      sum += load<u64>(entryOf(segment, hash));
    }
    for (let i: u32 = 0; i < group; i += 1) {
      const id = ids + (done + i) * stride;
      const lookup = lookups + i * <u32>offsetof<Lookup>();
      const hash = load<u32>(lookup, offsetof<Lookup>("hash"));
      const entry = load<u64>(entryOf(load<u32>(lookup, offsetof<Lookup>("segment")), hash));
      // Empty entries have slot + 1 = 0: row 0 is read for nothing then, which is cheaper than a branch.
      const row = accountRow(max<u32>(<u32>entry, 1) - 1);
      sum += load<u64>(row) + load<u64>(row, 64) + load<u64>(row, 128);
    }
    warmed = sum;
    for (let i: u32 = 0; i < group; i += 1) {
      const id = ids + (done + i) * stride;
      const lookup = lookups + i * <u32>offsetof<Lookup>();
      const hash = load<u32>(lookup, offsetof<Lookup>("hash"));
      const segment = load<u32>(lookup, offsetof<Lookup>("segment"));
      const slot = findFrom(INDEX, accountDirectory, segment, hash, load<u64>(id), load<u64>(id, 8));
      store<i32>(out + ((done + i) << 2), slot);
    }
    done += group;
  }
}

/** Adds an id that is not in the index; its row must hold the id before the next search. */
export function accountInsert(lo: u64, hi: u64, slot: u32): void {
  indexInsert(INDEX, lo, hi, slot);
}

/** Adds the ids of that many rows from `first` on, none of which is there yet. Room must have been reserved. */
export function accountInsertRows(first: u32, count: u32): void {
  const end = first + count;
  for (let slot = first; slot < end; slot += GROUP) {
    const last = min(slot + GROUP, end);
    let sum: u64 = 0;
    for (let i = slot; i < last; i += 1) {
      const row = accountRow(i);
      const hash = hashOf(load<u64>(row), load<u64>(row, 8));
      const segment = segmentOf(INDEX, hash);
      store<u32>(lookups + ((i - slot) << 3), hash);
      sum += load<u64>(segment) + load<u64>(entryOf(segment, hash));
    }
    warmed = sum;
    for (let i = slot; i < last; i += 1) insertEntry(INDEX, load<u32>(lookups + ((i - slot) << 3)), i);
  }
}

/** Removes an id if it is there. Before the row is truncated: the row is what ids are compared with. */
export function accountRemove(lo: u64, hi: u64): void {
  indexRemove(INDEX, accountDirectory, lo, hi);
}

/** Makes room for that many further inserts; false when memory is exhausted. */
export function accountIndexReserve(extra: u32): bool {
  return indexReserve(INDEX, extra);
}
