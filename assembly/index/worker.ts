// Entry of build/runs.wasm: sorts and merges runs of the index of transfer ids, in the store worker.
//
// Sealing: sealPrepare, copy the entries in, sealSort, then sealNextPage until it answers 0; buildPiece for each piece.
// Merging: mergeStart, then mergeStep and what it asks for, until MERGE_DONE; buildPiece for each piece.
// Checkpoint pages: copied to pagesBuffer, then stampPages before they are stored and checkPages after they are read.

import { IndexEntry, RUN_PAGE_ENTRIES } from "../layout/index-entry";
import { PAGE_SIZE } from "../layout/row";
import { allocate } from "../memory/arena";
import { checksum } from "./checksum";
import { filterSeed } from "./filter";
import { mergeBegin } from "./merge";
import { buildAdd, buildBegin, buildPage, buildPending } from "./run-builder";
import { sortEntries, sortInitialise } from "./sort";

export { buildPage, buildPiece, buildPieces, pageAddress, pageNumber, pieceAddress } from "./run-builder";
export { MERGE_DONE, MERGE_INPUTS_MAX, MERGE_PAGE_FULL, mergeEnd, mergeFeed, mergeInput, mergeStep } from "./merge";
export { FENCE_SIZE, RUN_ENTRIES_MAX, RUN_PAGE_HEADER_SIZE, RUN_PAGE_SIZE, RUN_PIECE_HEADER_SIZE, RUN_PIECE_SIZE } from "./run-format";

const ENTRY_SIZE: usize = offsetof<IndexEntry>();

let entries: usize = 0;
let scratch: usize = 0;
let capacity: u32 = 0;
let entry_count: u32 = 0;
let entry_next: u32 = 0;

/** The store's seed of filters, before anything else. */
export function initialise(seedLo: u64, seedHi: u64): void {
  filterSeed(seedLo, seedHi);
  assert(sortInitialise(), "expected memory for sorting, got none");
}

/** Room for `count` entries to be sorted; 0 when memory is too small. */
export function sealPrepare(count: u32): usize {
  if (count > capacity) {
    // Doubled, so that what growing leaves behind is at most as much as what is in use.
    capacity = max<u32>(count, capacity << 1);
    entries = allocate(capacity * <u32>ENTRY_SIZE);
    scratch = allocate(capacity * <u32>ENTRY_SIZE);
    if (entries == 0 || scratch == 0) {
      capacity = 0;
      return 0;
    }
  }
  entry_count = count;
  return entries;
}

/** Sorts the entries that were copied in and begins the run; false when memory is too small. */
export function sealSort(runId: u32): bool {
  sortEntries(entries, scratch, entry_count);
  entry_next = 0;
  return buildBegin(runId, entry_count);
}

/** Makes the next page; returns its bytes, 0 when there is none left. */
export function sealNextPage(): u32 {
  const end = min(entry_count, entry_next + RUN_PAGE_ENTRIES);
  for (; entry_next < end; entry_next++) buildAdd(entries + <usize>entry_next * ENTRY_SIZE);
  return buildPending() == 0 ? 0 : buildPage();
}

/** Address of the first (index 0) or last sorted entry: the run's least and greatest id. */
export function sealEntry(index: u32): usize {
  return entries + <usize>index * ENTRY_SIZE;
}

/** Begins a merge of `inputs` runs with `total` entries together; false when memory is too small. */
export function mergeStart(runId: u32, total: u32, inputs: u32): bool {
  return buildBegin(runId, total) && mergeBegin(inputs);
}

// A checkpoint page's header as stored: table u32, page u32, then these two.
const PAGE_CHECKPOINT_OFFSET: usize = 8;
const PAGE_CHECKSUM_OFFSET: usize = 16;

export const PAGES_BUFFERED_MAX: u32 = 1024;

let pages: usize = 0;

/** Room for PAGES_BUFFERED_MAX checkpoint pages of PAGE_SIZE bytes; 0 when memory is too small. */
export function pagesBuffer(): usize {
  if (pages == 0) pages = allocate(PAGES_BUFFERED_MAX * PAGE_SIZE);
  return pages;
}

/** Writes the checkpoint's number and the checksum into the first `count` buffered pages. */
export function stampPages(count: u32, checkpoint: u64): void {
  for (let i: u32 = 0; i < count; i++) {
    const at = pages + <usize>i * PAGE_SIZE;
    store<u64>(at, checkpoint, PAGE_CHECKPOINT_OFFSET);
    store<u64>(at, 0, PAGE_CHECKSUM_OFFSET);
    store<u64>(at, checksum(at, PAGE_SIZE), PAGE_CHECKSUM_OFFSET);
  }
}

/** Place of the first of `count` buffered pages whose checksum is wrong; -1: all are intact. Checksums are zeroed. */
export function checkPages(count: u32): i32 {
  for (let i: u32 = 0; i < count; i++) {
    const at = pages + <usize>i * PAGE_SIZE;
    const expected = load<u64>(at, PAGE_CHECKSUM_OFFSET);
    store<u64>(at, 0, PAGE_CHECKSUM_OFFSET);
    if (checksum(at, PAGE_SIZE) != expected) return <i32>i;
  }
  return -1;
}
