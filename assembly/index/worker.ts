// Entry of build/runs.wasm: sorts and merges runs of the index of transfer ids, in the store worker.
//
// Sealing: sealPrepare, copy the entries in, sealSort, then sealNextPage until it answers 0; buildPiece for each piece.
// Merging: mergeStart, then mergeStep and what it asks for, until MERGE_DONE; buildPiece for each piece.

import { IndexEntry, RUN_PAGE_ENTRIES } from "../layout/index-entry";
import { allocate } from "../memory/arena";
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
