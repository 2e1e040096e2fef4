// The index of transfer ids: what became of an id, for ever.
//
//     idsFind ──▶ active memtable ──▶ frozen memtable ──▶ runs (sorted, in LMDB; see runs.ts)
//
// An id has at most one entry that tells whether it was created or failed (idsFind) and at most one that tells how its
// pending transfer was resolved (idsFindResolution). Values are kind << 61 | ref, never 0.
//
// Visibility. Runs may be ahead of a restored state. While operation N executes, an entry of a run whose ref belongs to
// an operation >= N does not exist yet: only the memtable knows what the current batch has done.
//
// One batch: idsReserve, idsBeginBatch, then for each record finds, inserts, and rollbacks of broken chains (last in,
// first out). No function allocates, waits or fails between idsReserve and the end of the batch.

import { REF_INDEX_BITS } from "../layout/limits";
import { INDEX_REF_MASK } from "../layout/index-entry";
import { allocate } from "../memory/arena";
import {
  frozenCount,
  frozenEntries,
  frozenRelease,
  memtableCount as count,
  memtableFind,
  memtableHash,
  memtableInitialise,
  memtableInsert,
  memtableRoom,
  memtableSwap,
  memtableTouch,
  memtableTruncate,
  memtableWipeStep,
} from "./memtable";

export { frozenCount, frozenEntries, frozenRelease };

// Records of one batch: 8,190, rounded up.
const BATCH_CAPACITY: u32 = 8192;

// Refs of runs below this are visible.
let visible_ref_end: u64 = u64.MAX_VALUE;

// Operations up to this one are in runs already.
let covered_op: u64 = 0;

// While a covered operation executes, what it inserts is kept only until the next batch: the memtable's count before.
let covered_mark: u32 = u32.MAX_VALUE;

// Hash of each id of the current batch.
let batch_hashes: usize = 0;
let batch_ids: usize = 0;
let batch_stride: u32 = 0;
let batch_count: u32 = 0;
let batch_sink: u32 = 0;

/** Once, before anything else. Seeds are secret and need not be the same after a restart. Aborts without memory. */
export function idsInitialise(seedLo: u64, seedHi: u64): void {
  assert(memtableInitialise(seedLo, seedHi), "expected memory for the index of transfer ids, got none");
  if (batch_hashes == 0) batch_hashes = allocate(BATCH_CAPACITY * 8);
  assert(batch_hashes != 0, "expected memory for the index of transfer ids, got none");
}

/**
 * Before a batch: true when `entries` more inserts are sure to succeed (a post or void inserts two: its own and the
 * resolution). False: refuse the batch until the frozen memtable is released and the active one frozen.
 */
export function idsReserve(entries: u32): bool {
  memtableWipeStep();
  return memtableRoom() >= entries;
}

/**
 * Begins operation `op`. `ids` is the address of the first record's id, the next ones follow every `stride` bytes; they
 * must stay in place until the next batch begins. `size` is 0 … 8,190.
 */
export function idsBeginBatch(op: u64, ids: usize, stride: u32, size: u32): void {
  assert(size <= BATCH_CAPACITY, "expected at most 8192 ids in a batch");
  dropCovered();
  visible_ref_end = op << REF_INDEX_BITS;
  if (op <= covered_op) covered_mark = count();
  batch_ids = ids;
  batch_stride = stride;
  batch_count = size;
  // The loads below do not wait for one another, while those of a find would: with 2 million random ids in the
  // memtable most lines of the directory are not in the cache.
  let sink: u32 = 0;
  for (let i: u32 = 0; i < size; i++) {
    const at = ids + <usize>i * stride;
    const hash = memtableHash(load<u64>(at), load<u64>(at, 8));
    store<u64>(batch_hashes + (<usize>i << 3), hash);
    sink |= memtableTouch(hash);
  }
  batch_sink = sink;
}

/** Created or failed entry of any id as visible now; 0: none. For the batch's own ids idsFindAt is faster. */
export function idsFind(lo: u64, hi: u64): u64 {
  return find(lo, hi, memtableHash(lo, hi), false);
}

/** Created or failed entry of the id of record `index` of the current batch; 0: none. */
export function idsFindAt(index: u32): u64 {
  const at = batch_ids + <usize>index * batch_stride;
  return find(load<u64>(at), load<u64>(at, 8), load<u64>(batch_hashes + (<usize>index << 3)), false);
}

/** Posted, voided or expired entry of any id as visible now; 0: none. */
export function idsFindResolution(lo: u64, hi: u64): u64 {
  return find(lo, hi, memtableHash(lo, hi), true);
}

// @ts-ignore: decorator
@inline
function find(lo: u64, hi: u64, hash: u64, resolution: bool): u64 {
  return memtableFind(lo, hi, hash, resolution);
}

/** Adds an entry. The caller has reserved room and knows that the id has none of this sort yet. */
export function idsInsert(lo: u64, hi: u64, value: u64): void {
  memtableInsert(lo, hi, memtableHash(lo, hi), value);
}

/** idsInsert for the id of record `index` of the current batch, faster. */
export function idsInsertAt(index: u32, value: u64): void {
  const at = batch_ids + <usize>index * batch_stride;
  memtableInsert(load<u64>(at), load<u64>(at, 8), load<u64>(batch_hashes + (<usize>index << 3)), value);
}

/** Where the current batch's inserts stand, for idsRollback. */
export function idsMark(): u32 {
  return count();
}

/** Takes back every insert since `mark`, which belongs to the current batch. */
export function idsRollback(mark: u32): void {
  memtableTruncate(mark);
}

/** Recovery: runs have the entries of all operations up to `op`, so that executing those again must not keep any. */
export function indexCovered(op: u64): void {
  covered_op = op;
}

/** Entries of the active memtable that no run has. */
export function memtableCount(): u32 {
  return min(count(), covered_mark);
}

/** Between batches: the active memtable becomes the frozen one, to be sealed as a run. Aborts when one is frozen. */
export function memtableFreeze(): void {
  dropCovered();
  memtableSwap();
}

function dropCovered(): void {
  if (covered_mark == u32.MAX_VALUE) return;
  memtableTruncate(covered_mark);
  covered_mark = u32.MAX_VALUE;
}

// @ts-ignore: decorator
@inline
export function isVisible(value: u64): bool {
  return (value & INDEX_REF_MASK) < visible_ref_end;
}
