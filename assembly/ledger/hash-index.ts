// From a 128-bit id to a row's slot: extendible hashing. It grows one small segment at a time, so no insert ever waits
// for the whole index to be rehashed.
//
//     hash (32 bits)   ┌─────────────┬──────────────────────┐
//                      │ place: top 9│ directory: low `depth`│
//                      └──────┬──────┴──────────┬───────────┘
//                             │                 ▼
//                             │        ┌──────────────┐        segment (64 + 512 × 8 bytes)
//                             │        │ …00 segment a│ ─────▶ ┌───────────────┐
//                             │        │ …01 segment b│        │ count, depth  │
//                             │        │ …10 segment a│        ├───────────────┤
//                             │        │ …11 segment c│        │ slot + 1 │hash│  entry; slot + 1 = 0: empty
//                             │        └──────────────┘        │ …             │
//                             └──────────────────────────────▶ │ slot + 1 │hash│  linear probing, wraps around
//                                                              └───────────────┘
//
// A segment of depth d holds all ids that agree in the low d bits of their hash. When it is three quarters full it is
// split by bit d; where d = depth the directory doubles first (its upper half becomes a copy of the lower one). Entries
// carry the whole hash, so a split reads no rows and a lookup reads almost no row but the right one.
//
// Bounds. The hash is keyed, and any two ids, whatever they are, agree in any chosen bits of it no more often than by
// chance over the keys (see hashOf): nobody who does not know the keys can choose ids that fill one segment. Should it
// happen all the same, a segment of DEPTH_MAX is filled to its last but one entry, and what comes then goes to the
// stash, a plain list that a search reads when it found nothing else. The same list is why `indexReserve` can promise
// that inserts do not run out of memory without counting on luck: where no spare segment is left, segments fill up,
// then the stash does, and that has room for everything that was reserved.
//
// Measured (Zen 5, Node 20, a 2-core virtual machine with 4 KiB pages, both cores busy), random ids in random order, ns a
// lookup one by one and in groups (accountFindMany): 22 and 18 at 10 thousand accounts, 220 and 125 at 10 million, where
// what counts is address translation (1.7 GB of rows and segments). The slowest insert on the way to 10 million took
// 42 µs (a doubling of the directory), the next 23 µs. Segments of 256 or 1,024 entries and splitting at five eighths
// made no difference.

import { allocate } from "../memory/arena";
import { rowIn } from "./pages";

const SEGMENT_BITS: u32 = 9;
const SEGMENT_ENTRIES: u32 = 1 << SEGMENT_BITS;
const PLACE_MASK: u32 = SEGMENT_ENTRIES - 1;
const PLACE_SHIFT: u32 = 32 - SEGMENT_BITS;
const SEGMENT_SPLIT_AT: u32 = (SEGMENT_ENTRIES * 3) / 4;
// One entry stays empty, so that every search ends.
const SEGMENT_FULL: u32 = SEGMENT_ENTRIES - 1;
const ENTRIES: usize = 64;
const SEGMENT_SIZE: u32 = <u32>ENTRIES + SEGMENT_ENTRIES * 8;

// A million directory entries carry 300 million ids: more rows than memory holds, with four bits to spare for chance.
const DEPTH_MAX: u32 = 20;

// Spare segments kept for a batch: inserting n random ids into a large index splits fewer than n / 190 segments.
const SPARE_RATIO: u32 = 64;
const SPARE_MIN: u32 = 32;

// @ts-ignore: decorator
@unmanaged
class Segment {
  count: u32;
  depth: u32;
  // While spare: the next spare segment.
  next: u32;
}

// @ts-ignore: decorator
@unmanaged
export class Index {
  directory: u32;
  mask: u32;
  depth: u32;
  spare: u32;
  spare_count: u32;
  stash: u32;
  stash_count: u32;
  stash_capacity: u32;
}

// Static bytes of one Index; the modules that own an index make it with memory.data, which wants a literal.
export const INDEX_SIZE: usize = 32;
if (offsetof<Index>() != INDEX_SIZE) ERROR("Index must be 32 bytes");
if (offsetof<Segment>() > ENTRIES) ERROR("Segment must fit before the entries");

let key0: u64 = 0;
let key1: u64 = 0;
let key2: u64 = 0;
let key3: u64 = 0;
let key4: u64 = 0;

const scratch: usize = memory.data(4096, 64);
if (SEGMENT_ENTRIES * 8 != 4096) ERROR("scratch must hold a segment's entries");

/** Keys of the hash, from 128 random bits. Before the first insert, never after. */
export function indexKeys(seedLo: u64, seedHi: u64): void {
  key0 = splitmix(seedLo);
  key1 = splitmix(seedHi ^ key0);
  key2 = splitmix(seedLo + key1);
  key3 = splitmix(seedHi + key2);
  key4 = splitmix(seedLo ^ key3);
}

function splitmix(seed: u64): u64 {
  let z = seed + 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

/**
 * Multiply-shift over four 32-bit words with 64-bit random keys, upper half kept: strongly universal (Dietzfelbinger
 * 1996; Thorup 2015, section 3.5). Simpler mixers of two 64-bit words have pairs that collide under every key.
 */
// @ts-ignore: decorator
@inline
export function hashOf(lo: u64, hi: u64): u32 {
  const sum = key0 * (lo & 0xffffffff) + key1 * (lo >> 32) + key2 * (hi & 0xffffffff) + key3 * (hi >> 32) + key4;
  return <u32>(sum >> 32);
}

// Where an entry of this hash belongs in its segment. Sequential ids have hashes a constant step apart, which under some
// keys crowded a few places: linear probing then took 400 ns a find at 10 million accounts instead of 130. The
// multiplication (by the golden ratio) breaks the steps up.
// @ts-ignore: decorator
@inline
function placeOf(hash: u32): u32 {
  return (hash * 0x9e3779b1) >> PLACE_SHIFT;
}

/** Makes an empty index; false when memory is exhausted. */
export function indexInitialise(index: usize): bool {
  // As large as it ever gets: doubling then copies inside it, and the untouched part takes no memory.
  const directory = allocate(4 << DEPTH_MAX);
  if (directory == 0) return false;
  const segment = allocate(SEGMENT_SIZE);
  if (segment == 0) return false;
  store<u32>(directory, segment);
  store<u32>(index, directory, offsetof<Index>("directory"));
  return true;
}

/** Makes room for that many further inserts; false when memory is exhausted. */
export function indexReserve(index: usize, extra: u32): bool {
  const spares = extra / SPARE_RATIO + SPARE_MIN;
  while (load<u32>(index, offsetof<Index>("spare_count")) < spares) {
    const segment = allocate(SEGMENT_SIZE);
    if (segment == 0) return false;
    store<u32>(segment, load<u32>(index, offsetof<Index>("spare")), offsetof<Segment>("next"));
    store<u32>(index, segment, offsetof<Index>("spare"));
    store<u32>(
      index,
      load<u32>(index, offsetof<Index>("spare_count")) + 1,
      offsetof<Index>("spare_count"),
    );
  }
  return stashReserve(index, extra);
}

// @ts-ignore: decorator
@inline
export function segmentOf(index: usize, hash: u32): usize {
  return load<u32>(
    load<u32>(index, offsetof<Index>("directory")) + ((hash & load<u32>(index, offsetof<Index>("mask"))) << 2),
  );
}

/** Address of the entry where the search for this hash starts. */
// @ts-ignore: decorator
@inline
export function entryOf(segment: usize, hash: u32): usize {
  return segment + ENTRIES + (placeOf(hash) << 3);
}

/** Slot of the row with this id, -1 if none; `rows` is the directory of the table that the slots belong to. */
// @ts-ignore: decorator
@inline
export function indexFind(index: usize, rows: usize, lo: u64, hi: u64): i32 {
  const hash = hashOf(lo, hi);
  return findFrom(index, rows, segmentOf(index, hash), hash, lo, hi);
}

/** As indexFind, where hash and segment are known already. */
// @ts-ignore: decorator
@inline
export function findFrom(index: usize, rows: usize, segment: usize, hash: u32, lo: u64, hi: u64): i32 {
  const entries = segment + ENTRIES;
  let at = placeOf(hash);
  for (;;) {
    const value = load<u64>(entries + (at << 3));
    if (<u32>value == 0) break;
    if (<u32>(value >> 32) == hash && rowHasId(rows, <u32>value - 1, lo, hi)) return <i32>(<u32>value) - 1;
    at = (at + 1) & PLACE_MASK;
  }
  return load<u32>(index, offsetof<Index>("stash_count")) == 0 ? -1 : stashFind(index, rows, hash, lo, hi);
}

/**
 * Slot in the first entry with this hash, -1 if the segment has none: without a look at the row, so right nearly always
 * when it is not -1. Another id may share the hash, and the stash was not searched.
 */
// @ts-ignore: decorator
@inline
export function guessFrom(segment: usize, hash: u32): i32 {
  const entries = segment + ENTRIES;
  let at = placeOf(hash);
  let value = load<u64>(entries + (at << 3));
  while (<u32>value != 0 && <u32>(value >> 32) != hash) {
    at = (at + 1) & PLACE_MASK;
    value = load<u64>(entries + (at << 3));
  }
  return <i32>(<u32>value) - 1;
}

// @ts-ignore: decorator
@inline
export function rowHasId(rows: usize, slot: u32, lo: u64, hi: u64): bool {
  const row = rowIn(rows, slot);
  return load<u64>(row) == lo && load<u64>(row, 8) == hi;
}

/** Adds an id that is not there yet. Room must have been reserved. */
// @ts-ignore: decorator
@inline
export function indexInsert(index: usize, lo: u64, hi: u64, slot: u32): void {
  insertEntry(index, hashOf(lo, hi), slot);
}

/** Removes an id if it is there; its row must still hold the id. */
// @ts-ignore: decorator
@inline
export function indexRemove(index: usize, rows: usize, lo: u64, hi: u64): void {
  const slot = indexFind(index, rows, lo, hi);
  if (slot >= 0) removeEntry(index, hashOf(lo, hi), slot);
}

export function insertEntry(index: usize, hash: u32, slot: u32): void {
  let segment = segmentOf(index, hash);
  while (load<u32>(segment, offsetof<Segment>("count")) >= SEGMENT_SPLIT_AT && split(index, segment, hash)) {
    segment = segmentOf(index, hash);
  }
  const entry = (<u64>hash << 32) | <u64>(slot + 1);
  if (load<u32>(segment, offsetof<Segment>("count")) == SEGMENT_FULL) stashPush(index, entry);
  else place(segment, entry);
}

function place(segment: usize, entry: u64): void {
  const entries = segment + ENTRIES;
  let at = placeOf(<u32>(entry >> 32));
  while (<u32>load<u64>(entries + (at << 3)) != 0) at = (at + 1) & PLACE_MASK;
  store<u64>(entries + (at << 3), entry);
  store<u32>(segment, load<u32>(segment, offsetof<Segment>("count")) + 1, offsetof<Segment>("count"));
}

// Divides the segment by the next bit of the hash; false when it must not be divided further or no spare is left.
function split(index: usize, segment: usize, hash: u32): bool {
  const depth = load<u32>(segment, offsetof<Segment>("depth"));
  const other: usize = load<u32>(index, offsetof<Index>("spare"));
  if (depth == DEPTH_MAX || other == 0) return false;
  store<u32>(index, load<u32>(other, offsetof<Segment>("next")), offsetof<Index>("spare"));
  store<u32>(
    index,
    load<u32>(index, offsetof<Index>("spare_count")) - 1,
    offsetof<Index>("spare_count"),
  );
  if (depth == load<u32>(index, offsetof<Index>("depth"))) directoryDouble(index);

  memory.copy(scratch, segment + ENTRIES, SEGMENT_ENTRIES * 8);
  memory.fill(segment, 0, SEGMENT_SIZE);
  store<u32>(segment, depth + 1, offsetof<Segment>("depth"));
  store<u32>(other, depth + 1, offsetof<Segment>("depth"));
  store<u32>(other, 0, offsetof<Segment>("next"));
  for (let i: u32 = 0; i < SEGMENT_ENTRIES; i += 1) {
    const entry = load<u64>(scratch + (i << 3));
    if (<u32>entry != 0) place(select<usize>(other, segment, ((entry >> (32 + depth)) & 1) != 0), entry);
  }

  const directory = load<u32>(index, offsetof<Index>("directory"));
  const mask = load<u32>(index, offsetof<Index>("mask"));
  const step: u32 = 2 << depth;
  for (let i: u32 = (hash & ((1 << depth) - 1)) | (1 << depth); i <= mask; i += step) {
    store<u32>(directory + (i << 2), other);
  }
  return true;
}

function directoryDouble(index: usize): void {
  const directory = load<u32>(index, offsetof<Index>("directory"));
  const depth = load<u32>(index, offsetof<Index>("depth"));
  memory.copy(directory + (4 << depth), directory, 4 << depth);
  store<u32>(index, depth + 1, offsetof<Index>("depth"));
  store<u32>(index, (2 << depth) - 1, offsetof<Index>("mask"));
}

// The entry of this slot has just been found.
function removeEntry(index: usize, hash: u32, slot: u32): void {
  const entry = (<u64>hash << 32) | <u64>(slot + 1);
  const segment = segmentOf(index, hash);
  const entries = segment + ENTRIES;
  let at = placeOf(hash);
  for (;;) {
    const value = load<u64>(entries + (at << 3));
    if (value == entry) break;
    if (<u32>value == 0) {
      stashRemove(index, entry);
      return;
    }
    at = (at + 1) & PLACE_MASK;
  }
  // Moves back each later entry of the cluster that may stand in the gap, so that no search ends too early and no
  // tombstones gather.
  let next = at;
  for (;;) {
    next = (next + 1) & PLACE_MASK;
    const value = load<u64>(entries + (next << 3));
    if (<u32>value == 0) break;
    const home = placeOf(<u32>(value >> 32));
    if (((next - home) & PLACE_MASK) < ((next - at) & PLACE_MASK)) continue;
    store<u64>(entries + (at << 3), value);
    at = next;
  }
  store<u64>(entries + (at << 3), 0);
  store<u32>(segment, load<u32>(segment, offsetof<Segment>("count")) - 1, offsetof<Segment>("count"));
}

// First makes use of what has become possible since: entries go back to their segments where these can take them.
function stashReserve(index: usize, extra: u32): bool {
  let count = load<u32>(index, offsetof<Index>("stash_count"));
  if (count != 0) {
    stashDrain(index);
    count = load<u32>(index, offsetof<Index>("stash_count"));
  }
  const capacity = load<u32>(index, offsetof<Index>("stash_capacity"));
  if (count + extra <= capacity) return true;
  const wanted = max(count + extra, capacity * 2);
  const stash = allocate(wanted * 8);
  if (stash == 0) return false;
  memory.copy(stash, load<u32>(index, offsetof<Index>("stash")), count * 8);
  store<u32>(index, stash, offsetof<Index>("stash"));
  store<u32>(index, wanted, offsetof<Index>("stash_capacity"));
  return true;
}

function stashDrain(index: usize): void {
  const stash: usize = load<u32>(index, offsetof<Index>("stash"));
  const count = load<u32>(index, offsetof<Index>("stash_count"));
  let kept: u32 = 0;
  for (let i: u32 = 0; i < count; i += 1) {
    const entry = load<u64>(stash + (i << 3));
    const hash = <u32>(entry >> 32);
    let segment = segmentOf(index, hash);
    while (load<u32>(segment, offsetof<Segment>("count")) >= SEGMENT_SPLIT_AT && split(index, segment, hash)) {
      segment = segmentOf(index, hash);
    }
    if (load<u32>(segment, offsetof<Segment>("count")) == SEGMENT_FULL) {
      store<u64>(stash + (kept << 3), entry);
      kept += 1;
    } else {
      place(segment, entry);
    }
  }
  store<u32>(index, kept, offsetof<Index>("stash_count"));
}

/** Ids that stand outside their segments. Other than 0 for long only if someone knows the keys. */
// @ts-ignore: decorator
@inline
export function indexStashed(index: usize): u32 {
  return load<u32>(index, offsetof<Index>("stash_count"));
}

function stashPush(index: usize, entry: u64): void {
  const count = load<u32>(index, offsetof<Index>("stash_count"));
  assert(
    count < load<u32>(index, offsetof<Index>("stash_capacity")),
    "index insert: expected reserved room, got none",
  );
  store<u64>(load<u32>(index, offsetof<Index>("stash")) + (count << 3), entry);
  store<u32>(index, count + 1, offsetof<Index>("stash_count"));
}

function stashFind(index: usize, rows: usize, hash: u32, lo: u64, hi: u64): i32 {
  const stash: usize = load<u32>(index, offsetof<Index>("stash"));
  const count = load<u32>(index, offsetof<Index>("stash_count"));
  for (let i: u32 = 0; i < count; i += 1) {
    const value = load<u64>(stash + (i << 3));
    if (<u32>(value >> 32) == hash && rowHasId(rows, <u32>value - 1, lo, hi)) return <i32>(<u32>value) - 1;
  }
  return -1;
}

function stashRemove(index: usize, entry: u64): void {
  const stash: usize = load<u32>(index, offsetof<Index>("stash"));
  const last = load<u32>(index, offsetof<Index>("stash_count")) - 1;
  let i: u32 = 0;
  while (load<u64>(stash + (i << 3)) != entry) i += 1;
  store<u64>(stash + (i << 3), load<u64>(stash + (last << 3)));
  store<u32>(index, last, offsetof<Index>("stash_count"));
}
