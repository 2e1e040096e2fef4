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
// first out). A find may ask the host for a run's header or page; inserts cannot fail after idsReserve.
//
// idsBeginBatch looks at all ids of the batch at once: ids above every run's need no run at all (the time-ordered case);
// the others are sieved through the filters of the runs whose range meets the batch's, run by run, and each id keeps a
// mask of the runs that may have it.

import { REF_INDEX_BITS } from "../layout/limits";
import { allocate } from "../memory/arena";
import { isLess } from "./entry";
import { filterHash, filterSeed } from "./filter";
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
import {
  indexDamage,
  isNewerThanRuns,
  runAdd,
  runCount,
  runInstall,
  runPiece,
  runRemove,
  runSieve,
  runsFind,
  runsFindAmong,
  runsInitialise,
  runsMeeting,
} from "./runs";

export { frozenCount, frozenEntries, frozenRelease };
export { indexDamage, runAdd, runCount, runInstall, runPiece, runRemove };

// Records of one batch: 8,190, rounded up.
const BATCH_CAPACITY: u32 = 8192;

// Runs that one batch is sieved through; with more, each find searches on its own.
const CANDIDATES_MAX: u32 = 64;

// Refs of runs below this are visible.
let visible_ref_end: u64 = u64.MAX_VALUE;

// The operation that executes or executed last.
let current_op: u64 = 0;

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

// Runs whose range meets the batch's, and for each id the mask of those that passed.
let candidates: usize = 0;
let candidate_count: u32 = 0;
let batch_filter_hashes: usize = 0;
let batch_masks: usize = 0;

/** Once, before anything else. Seeds are secret and need not be the same after a restart. Aborts without memory. */
export function idsInitialise(seedLo: u64, seedHi: u64): void {
  assert(memtableInitialise(seedLo, seedHi), "expected memory for the index of transfer ids, got none");
  assert(runsInitialise(), "expected memory for the index of transfer ids, got none");
  if (batch_hashes != 0) return;
  batch_hashes = allocate(BATCH_CAPACITY * 8);
  batch_filter_hashes = allocate(BATCH_CAPACITY * 8);
  batch_masks = allocate(BATCH_CAPACITY * 8);
  candidates = allocate(CANDIDATES_MAX * 4);
  assert(candidates != 0, "expected memory for the index of transfer ids, got none");
}

/** The store's seed of filters, before the first run is installed. */
export function runFilterSeed(seedLo: u64, seedHi: u64): void {
  filterSeed(seedLo, seedHi);
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
  current_op = op;
  visible_ref_end = op << REF_INDEX_BITS;
  if (op <= covered_op) covered_mark = count();
  batch_ids = ids;
  batch_stride = stride;
  batch_count = size;
  // The loads below do not wait for one another, while those of a find would: with 2 million random ids in the
  // memtable most lines of the directory are not in the cache.
  let sink: u32 = 0;
  let min_lo: u64 = u64.MAX_VALUE;
  let min_hi: u64 = u64.MAX_VALUE;
  let max_lo: u64 = 0;
  let max_hi: u64 = 0;
  for (let i: u32 = 0; i < size; i++) {
    const at = ids + <usize>i * stride;
    const lo = load<u64>(at);
    const hi = load<u64>(at, 8);
    if (isLess(lo, hi, min_lo, min_hi)) {
      min_lo = lo;
      min_hi = hi;
    }
    if (isLess(max_lo, max_hi, lo, hi)) {
      max_lo = lo;
      max_hi = hi;
    }
    const hash = memtableHash(lo, hi);
    store<u64>(batch_hashes + (<usize>i << 3), hash);
    sink |= memtableTouch(hash);
  }
  batch_sink = sink;
  candidate_count = 0;
  if (size != 0 && !isNewerThanRuns(min_lo, min_hi)) sieve(min_lo, min_hi, max_lo, max_hi);
}

function sieve(min_lo: u64, min_hi: u64, max_lo: u64, max_hi: u64): void {
  candidate_count = runsMeeting(min_lo, min_hi, max_lo, max_hi, candidates, CANDIDATES_MAX);
  if (candidate_count == 0 || candidate_count > CANDIDATES_MAX) return;
  for (let i: u32 = 0; i < batch_count; i++) {
    const at = batch_ids + <usize>i * batch_stride;
    store<u64>(batch_filter_hashes + (<usize>i << 3), filterHash(load<u64>(at), load<u64>(at, 8)));
    store<u64>(batch_masks + (<usize>i << 3), 0);
  }
  for (let c: u32 = 0; c < candidate_count; c++) {
    const run = <usize>load<u32>(candidates + (<usize>c << 2));
    runSieve(run, c, batch_ids, batch_stride, batch_count, batch_filter_hashes, batch_masks);
  }
}

/** Created or failed entry of any id as visible now; 0: none. For the batch's own ids idsFindAt is faster. */
export function idsFind(lo: u64, hi: u64): u64 {
  return find(lo, hi, false);
}

/** Posted, voided or expired entry of any id as visible now; 0: none. */
export function idsFindResolution(lo: u64, hi: u64): u64 {
  return find(lo, hi, true);
}

/** Created or failed entry of the id of record `index` of the current batch; 0: none. */
export function idsFindAt(index: u32): u64 {
  const at = batch_ids + <usize>index * batch_stride;
  const lo = load<u64>(at);
  const hi = load<u64>(at, 8);
  const value = memtableFind(lo, hi, load<u64>(batch_hashes + (<usize>index << 3)), false);
  if (value != 0 || candidate_count == 0) return value;
  if (candidate_count > CANDIDATES_MAX) return runsFind(lo, hi, false, visible_ref_end);
  const mask = load<u64>(batch_masks + (<usize>index << 3));
  return mask == 0 ? 0 : runsFindAmong(mask, candidates, lo, hi, false, visible_ref_end);
}

function find(lo: u64, hi: u64, resolution: bool): u64 {
  const value = memtableFind(lo, hi, memtableHash(lo, hi), resolution);
  if (value != 0 || isNewerThanRuns(lo, hi)) return value;
  return runsFind(lo, hi, resolution, visible_ref_end);
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
  // What the last operation has inserted may be asked for after it has become part of a run.
  visible_ref_end = (current_op + 1) << REF_INDEX_BITS;
}

function dropCovered(): void {
  if (covered_mark == u32.MAX_VALUE) return;
  memtableTruncate(covered_mark);
  covered_mark = u32.MAX_VALUE;
}
