// The index alone as a module, for its tests: what the ledger's module has of it, and the parts on their own.
import { filterAdd, filterHash, filterLine, filterTest } from "./filter";
import { mix } from "./hash";
import {
  idsBeginBatch,
  idsFind,
  idsFindAt,
  idsInsertAt,
  idsReserve,
} from "./ids";
import { INDEX_KIND_SHIFT, IndexKind } from "../layout/index-entry";
import { allocate } from "../memory/arena";

export { checksum } from "./checksum";
export { filterSeed } from "./filter";
export * from "./ids";
export { MEMTABLE_ENTRIES_MAX } from "./memtable";
export { sortEntries, sortInitialise } from "./sort";
export { allocate } from "../memory/arena";

/** Adds ids `first`, `first + 1`, … to the filter at `at`. */
export function filterAddMany(count: u32, lines: u32, at: usize, first: u64): void {
  for (let i: u32 = 0; i < count; i++) {
    const hash = filterHash(first + i, 0);
    filterAdd(at + (<usize>filterLine(hash, lines) << 6), hash);
  }
}

/** How many of the ids `first`, `first + 1`, … pass the filter. */
export function filterPassed(count: u32, lines: u32, at: usize, first: u64): u32 {
  let passed: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const hash = filterHash(first + i, 0);
    if (filterTest(at + (<usize>filterLine(hash, lines) << 6), hash)) passed++;
  }
  return passed;
}

const BATCH: u32 = 8000;
let ids: usize = 0;

// @ts-expect-error: decorator
@inline
function writeId(at: usize, kind: u32, number: u64): void {
  // 0: time-ordered, 1: random, made of their number so that they can be asked for again.
  store<u64>(at, kind == 0 ? number : mix(number * 2 + 1));
  store<u64>(at, kind == 0 ? 7 : mix(number * 2 + 0x9e3779b97f4a7c15), 8);
}

/** Finds and inserts `count` new ids in batches of 8,000 as the ledger would. */
export function bench(kind: u32, count: u32, firstOp: u64): void {
  if (ids == 0) ids = allocate(BATCH * 16);
  for (let done: u32 = 0; done < count; done += BATCH) {
    const op = firstOp + done / BATCH;
    for (let i: u32 = 0; i < BATCH; i++) writeId(ids + (<usize>i << 4), kind, op * BATCH + i);
    assert(idsReserve(BATCH));
    idsBeginBatch(op, ids, 16, BATCH);
    for (let i: u32 = 0; i < BATCH; i++) {
      assert(idsFindAt(i) == 0);
      idsInsertAt(i, (<u64>IndexKind.created << INDEX_KIND_SHIFT) | (op << 13) | i);
    }
  }
}

/** How many of `count` ids that `bench` has inserted (kind 1) are found: number `start`, `start + step`, … */
export function benchFind(count: u32, start: u64, step: u64): u64 {
  if (ids == 0) ids = allocate(BATCH * 16);
  let found: u64 = 0;
  for (let i: u32 = 0; i < count; i++) {
    writeId(ids, 1, start + <u64>i * step);
    if (idsFind(load<u64>(ids), load<u64>(ids, 8)) != 0) found++;
  }
  return found;
}
