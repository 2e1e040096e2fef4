// Accounts by id. Structure and bounds: hash-index.ts.

import { INDEX_SIZE, entryOf, findFrom, guessFrom, hashOf, indexFind, indexInitialise } from "./hash-index";
import { indexInsert, indexRemove, indexReserve, indexStashed, insertEntry, rowHasId, segmentOf } from "./hash-index";
import { accountDirectory, accountRow } from "./pages";

const INDEX: usize = memory.data(32, 64);
if (INDEX_SIZE != 32) ERROR("memory.data above must have the size of Index");

// Lookups whose cache misses run side by side. The processor has room for a few dozen loads that wait for memory.
const GROUP: u32 = 64;

// @ts-ignore: decorator
@unmanaged
class Lookup {
  hash: u32;
  segment: u32;
  guess: i32;
  unused: u32;
}

const LOOKUP_SIZE: usize = 16;
const lookups: usize = memory.data(1024, 64);
if (offsetof<Lookup>() != LOOKUP_SIZE) ERROR("Lookup must be 16 bytes");
if (<usize>GROUP * LOOKUP_SIZE != 1024) ERROR("lookups must hold a group");

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
 * cache afterwards. Each group goes through three passes (read the first entry, find the entry and read its row, compare
 * the ids), so that misses of a group overlap instead of following one another. Stopping the second pass at the first
 * entry was no faster than finding one by one: a third of the ids stand further on, and each of those then waited alone.
 */
export function accountFindMany(ids: usize, stride: u32, count: u32, out: usize): void {
  let done: u32 = 0;
  while (done < count) {
    const group = min(GROUP, count - done);
    const first = ids + done * stride;
    let sum: u64 = 0;
    for (let i: u32 = 0, id = first, lookup = lookups; i < group; i += 1, id += stride, lookup += LOOKUP_SIZE) {
      const hash = hashOf(load<u64>(id), load<u64>(id, 8));
      const segment = segmentOf(INDEX, hash);
      store<u32>(lookup, hash, offsetof<Lookup>("hash"));
      store<u32>(lookup, segment, offsetof<Lookup>("segment"));
      sum += load<u64>(entryOf(segment, hash));
    }
    for (let i: u32 = 0, lookup = lookups; i < group; i += 1, lookup += LOOKUP_SIZE) {
      const hash = load<u32>(lookup, offsetof<Lookup>("hash"));
      const guess = guessFrom(load<u32>(lookup, offsetof<Lookup>("segment")), hash);
      store<i32>(lookup, guess, offsetof<Lookup>("guess"));
      if (guess < 0) continue;
      const row = accountRow(guess);
      sum += load<u64>(row) + load<u64>(row, 64) + load<u64>(row, 128);
    }
    warmed = sum;
    for (let i: u32 = 0, id = first, lookup = lookups; i < group; i += 1, id += stride, lookup += LOOKUP_SIZE) {
      const lo = load<u64>(id);
      const hi = load<u64>(id, 8);
      let slot = load<i32>(lookup, offsetof<Lookup>("guess"));
      if (slot < 0 || !rowHasId(accountDirectory, slot, lo, hi)) {
        const hash = load<u32>(lookup, offsetof<Lookup>("hash"));
        slot = findFrom(INDEX, accountDirectory, load<u32>(lookup, offsetof<Lookup>("segment")), hash, lo, hi);
      }
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
      store<u32>(lookups + ((i - slot) << 2), hash);
      sum += load<u64>(segment) + load<u64>(entryOf(segment, hash));
    }
    warmed = sum;
    for (let i = slot; i < last; i += 1) insertEntry(INDEX, load<u32>(lookups + ((i - slot) << 2)), i);
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

/** Ids outside their segments: 0, unless someone chose ids against the keys of the hash. */
export function accountsStashed(): u32 {
  return indexStashed(INDEX);
}
