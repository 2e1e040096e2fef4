// The newest entries of the index, in memory: an append-only array in order of arrival and a directory over it.
//
//     directory: lines of 64 bytes, each 16 slots of u32          entries: 24 bytes each, in order of arrival
//     ┌──────────────┬──────────────┬──────────────┐              ┌────┬────┬────┬────┬────┬╌╌╌╌
//     │ tag│position │ tag│position │ 0            │              │ #1 │ #2 │ #3 │ #4 │ #5 │
//     └──────────────┴──────┬───────┴──────────────┘              └────┴────┴────┴────┴────┴╌╌╌╌
//       10   22 bits        └── position counts from 1 ─────────────────▲
//
// The line of an id is chosen by the hash of id >> 4, so that 16 consecutive ids share one cache line: the time-ordered
// case touches a line of the directory once and then stays in L1. A full line overflows into the next. All 16 slots of
// a line are compared at once; a line with a free slot ends the search.
//
// There are two: the active one takes inserts; the frozen one is being sorted into a run by another thread, which reads
// its entries in place. When the run is registered the frozen one is released, wiped in steps, and waits to be active.
//
// Both are sized at once: memory that is not touched yet costs nothing, and growing would mean a pause or moving.

import { IndexEntry } from "../layout/index-entry";
import { allocate } from "../memory/arena";
import { isResolution } from "./entry";
import { hashPair, multiplierOf } from "./hash";

// 3 × 2^20 entries keep the directory of 2^22 slots at most three quarters full. Hosts freeze at about two thirds of
// this, so that inserts still fit while the frozen half is sorted and flushed.
export const MEMTABLE_ENTRIES_MAX: u32 = 3 << 20;

const DIRECTORY_LINES: u32 = 1 << 18;
const DIRECTORY_LINE_MASK: u32 = DIRECTORY_LINES - 1;
const DIRECTORY_SIZE: u32 = DIRECTORY_LINES << 6;
const POSITION_MASK: u32 = (1 << 22) - 1;
const ENTRY_SIZE: u32 = offsetof<IndexEntry>();

// Bytes wiped in one step: about 0.1 ms.
const WIPE_STEP: u32 = 1 << 20;

if (MEMTABLE_ENTRIES_MAX > POSITION_MASK) ERROR("a position must fit 22 bits");

let key_0: u64 = 1;
let key_1: u64 = 1;

let active_entries: usize = 0;
let active_directory: usize = 0;
let active_count: u32 = 0;

let frozen_entries: usize = 0;
let frozen_directory: usize = 0;
let frozen_count: u32 = 0;

// The half that is not active is spare (no entries) or frozen; of a spare one, bytes below this are zero.
let spare_wiped: u32 = DIRECTORY_SIZE;

/** False when memory is too small for the index. */
export function memtableInitialise(seedLo: u64, seedHi: u64): bool {
  key_0 = multiplierOf(seedLo);
  key_1 = multiplierOf(seedHi ^ 0x5851f42d4c957f2d);
  if (active_entries != 0) return true;
  active_entries = allocate(MEMTABLE_ENTRIES_MAX * ENTRY_SIZE);
  active_directory = allocate(DIRECTORY_SIZE);
  frozen_entries = allocate(MEMTABLE_ENTRIES_MAX * ENTRY_SIZE);
  frozen_directory = allocate(DIRECTORY_SIZE);
  return active_entries != 0 && active_directory != 0 && frozen_entries != 0 && frozen_directory != 0;
}

/** Hash of an id for every function below. */
// @ts-ignore: decorator
@inline
export function memtableHash(lo: u64, hi: u64): u64 {
  return hashPair((lo >> 4) | (hi << 60), hi >> 4, key_0, key_1);
}

/** Entries of the active half. */
export function memtableCount(): u32 {
  return active_count;
}

/** Entries that still fit the active half. */
// @ts-ignore: decorator
@inline
export function memtableRoom(): u32 {
  return MEMTABLE_ENTRIES_MAX - active_count;
}

/** Loads the directory lines of a hash, so that a later search finds them in the cache. The answer means nothing. */
// @ts-ignore: decorator
@inline
export function memtableTouch(hash: u64): u32 {
  const offset = <usize>(<u32>hash & DIRECTORY_LINE_MASK) << 6;
  let sink = load<u32>(active_directory + offset);
  if (frozen_count != 0) sink |= load<u32>(frozen_directory + offset);
  return sink;
}

/** Value of the entry of this id whose kind is a resolution or is not, newest half first; 0: none. */
// @ts-ignore: decorator
@inline
export function memtableFind(lo: u64, hi: u64, hash: u64, resolution: bool): u64 {
  if (active_count != 0) {
    const value = search(active_directory, active_entries, lo, hi, hash, resolution);
    if (value != 0) return value;
  }
  if (frozen_count != 0) return search(frozen_directory, frozen_entries, lo, hi, hash, resolution);
  return 0;
}

function search(directory: usize, entries: usize, lo: u64, hi: u64, hash: u64, resolution: bool): u64 {
  const tag = tagOf(hash);
  const tags = i32x4.splat(<i32>tag);
  const mask = i32x4.splat(<i32>~POSITION_MASK);
  const zero = i32x4.splat(0);
  let line = <u32>hash & DIRECTORY_LINE_MASK;
  while (true) {
    const at = directory + (<usize>line << 6);
    const a = v128.load(at);
    const b = v128.load(at, 16);
    const c = v128.load(at, 32);
    const d = v128.load(at, 48);
    let matches = compact(
      i32x4.eq(v128.and(a, mask), tags),
      i32x4.eq(v128.and(b, mask), tags),
      i32x4.eq(v128.and(c, mask), tags),
      i32x4.eq(v128.and(d, mask), tags),
    );
    while (matches != 0) {
      const slot = load<u32>(at + (<usize>ctz(matches) << 2));
      matches &= matches - 1;
      // A free slot looks like position 0 with tag 0.
      if ((slot & POSITION_MASK) == 0) continue;
      const entry = changetype<IndexEntry>(entries + <usize>((slot & POSITION_MASK) - 1) * ENTRY_SIZE);
      if (entry.id_lo == lo && entry.id_hi == hi && isResolution(entry.value) == resolution) return entry.value;
    }
    if (compact(i32x4.eq(a, zero), i32x4.eq(b, zero), i32x4.eq(c, zero), i32x4.eq(d, zero)) != 0) return 0;
    line = (line + 1) & DIRECTORY_LINE_MASK;
  }
}

/** Appends an entry to the active half; the caller has made sure of room. */
// @ts-ignore: decorator
@inline
export function memtableInsert(lo: u64, hi: u64, hash: u64, value: u64): void {
  const entry = changetype<IndexEntry>(active_entries + <usize>active_count * ENTRY_SIZE);
  entry.id_lo = lo;
  entry.id_hi = hi;
  entry.value = value;
  active_count++;
  const zero = i32x4.splat(0);
  let line = <u32>hash & DIRECTORY_LINE_MASK;
  while (true) {
    const at = active_directory + (<usize>line << 6);
    const free = compact(
      i32x4.eq(v128.load(at), zero),
      i32x4.eq(v128.load(at, 16), zero),
      i32x4.eq(v128.load(at, 32), zero),
      i32x4.eq(v128.load(at, 48), zero),
    );
    if (free != 0) {
      store<u32>(at + (<usize>ctz(free) << 2), tagOf(hash) | active_count);
      return;
    }
    line = (line + 1) & DIRECTORY_LINE_MASK;
  }
}

/** Takes back the newest entries until `count` are left. Last in, first out, so no search can lose its way. */
export function memtableTruncate(count: u32): void {
  while (active_count > count) {
    const entry = changetype<IndexEntry>(active_entries + <usize>(active_count - 1) * ENTRY_SIZE);
    const hash = memtableHash(entry.id_lo, entry.id_hi);
    const slot = tagOf(hash) | active_count;
    let line = <u32>hash & DIRECTORY_LINE_MASK;
    let at: usize = 0;
    do {
      const start = active_directory + (<usize>line << 6);
      const end = start + 64;
      for (at = start; at < end && load<u32>(at) != slot; at += 4) {}
      line = (line + 1) & DIRECTORY_LINE_MASK;
      if (at < end) break;
    } while (true);
    store<u32>(at, 0);
    active_count--;
  }
}

/** True when a freeze is possible: the other half is not frozen. */
export function memtableCanFreeze(): bool {
  return frozen_count == 0;
}

/** The active half becomes the frozen one; the spare one becomes active. */
export function memtableSwap(): void {
  assert(frozen_count == 0, "expected no frozen memtable, got one that is not released");
  while (!memtableWipeStep()) {}
  const entries = active_entries;
  const directory = active_directory;
  active_entries = frozen_entries;
  active_directory = frozen_directory;
  frozen_entries = entries;
  frozen_directory = directory;
  frozen_count = active_count;
  active_count = 0;
}

/** Address of the frozen entries, one after the other in order of arrival. */
export function frozenEntries(): usize {
  return frozen_entries;
}

export function frozenCount(): u32 {
  return frozen_count;
}

/** Forgets the frozen entries: a run has them. */
export function frozenRelease(): void {
  if (frozen_count == 0) return;
  frozen_count = 0;
  spare_wiped = 0;
}

/** Wipes a part of the spare directory; true when nothing is left to wipe. */
export function memtableWipeStep(): bool {
  if (frozen_count != 0 || spare_wiped == DIRECTORY_SIZE) return true;
  memory.fill(frozen_directory + spare_wiped, 0, WIPE_STEP);
  spare_wiped += WIPE_STEP;
  return spare_wiped == DIRECTORY_SIZE;
}

// @ts-ignore: decorator
@inline
function tagOf(hash: u64): u32 {
  return <u32>(hash >> 32) & ~POSITION_MASK;
}

// 16 comparisons of 32 bits to a mask of 16 bits.
// @ts-ignore: decorator
@inline
function compact(a: v128, b: v128, c: v128, d: v128): u32 {
  return <u32>i8x16.bitmask(i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d)));
}
