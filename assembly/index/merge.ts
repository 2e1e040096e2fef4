// Merges up to eight runs into one, a page at a time: memory stays small however long the runs are.
//
//     input 0 │ page ▸ next entry ┐
//     input 1 │ page ▸ next entry ├─▶ order: inputs by their next entry ──▶ run builder ──▶ page
//     input 2 │ page ▸ next entry ┘

import { IndexEntry } from "../layout/index-entry";
import { allocate } from "../memory/arena";
import { isBefore } from "./entry";
import { buildAdd, buildPending } from "./run-builder";
import { isPageIntact, RUN_PAGE_HEADER_SIZE, RUN_PAGE_SIZE, RunPage } from "./run-format";

export const MERGE_INPUTS_MAX: u32 = 8;

/** What mergeStep asks for: a number below MERGE_INPUTS_MAX asks for the next page of that input. */
export const MERGE_PAGE_FULL: u32 = 16;
export const MERGE_DONE: u32 = 17;

const ENTRY_SIZE: usize = offsetof<IndexEntry>();
const INPUT_SIZE: u32 = (RUN_PAGE_SIZE + 63) & ~63;

const next_entry: usize = memory.data(32, 16);
const last_entry: usize = memory.data(32, 16);
const order: usize = memory.data(32, 16);

let buffers: usize = 0;
let inputs: u32 = 0;
// Inputs that have a next entry, first in `order`; inputs that were fed or ended at least once.
let ready: u32 = 0;
let started: u32 = 0;
// Input that must be fed before the merge can go on.
let hungry: u32 = 0;

/** Begins a merge of 1 to 8 inputs into the run that buildBegin has begun. False when memory is too small. */
export function mergeBegin(inputCount: u32): bool {
  assert(inputCount - 1 < MERGE_INPUTS_MAX, "expected 1 to 8 inputs of a merge");
  if (buffers == 0) buffers = allocate(INPUT_SIZE * MERGE_INPUTS_MAX);
  inputs = inputCount;
  ready = 0;
  started = 0;
  hungry = 0;
  return buffers != 0;
}

/** Where the next page of an input goes. */
export function mergeInput(input: u32): usize {
  return buffers + <usize>input * INPUT_SIZE;
}

/** The page at mergeInput(input) is in place; false when it is not that page, intact. */
export function mergeFeed(input: u32, runId: u32, page: u32): bool {
  assert(input == hungry, "expected the page that mergeStep asked for");
  const at = mergeInput(input);
  if (!isPageIntact(at, runId, page)) return false;
  const first = at + RUN_PAGE_HEADER_SIZE;
  store<u32>(next_entry + (<usize>input << 2), <u32>first);
  store<u32>(last_entry + (<usize>input << 2), <u32>(first + <usize>(changetype<RunPage>(at).count - 1) * ENTRY_SIZE));
  let place = ready;
  while (place > 0 && isBefore(changetype<IndexEntry>(first), nextAt(place - 1))) {
    store<u32>(order + (<usize>place << 2), load<u32>(order + (<usize>(place - 1) << 2)));
    place--;
  }
  store<u32>(order + (<usize>place << 2), input);
  ready++;
  fed();
  return true;
}

/** The input has no further page. */
export function mergeEnd(input: u32): void {
  assert(input == hungry, "expected the input that mergeStep asked for");
  fed();
}

function fed(): void {
  if (started < inputs) {
    started++;
    hungry = started;
    if (started == inputs) hungry = u32.MAX_VALUE;
  } else hungry = u32.MAX_VALUE;
}

/** Goes on until an input needs its next page, the page being built is full, or all is merged. */
export function mergeStep(): u32 {
  if (hungry != u32.MAX_VALUE) return hungry;
  while (ready > 0) {
    const input = load<u32>(order);
    const slot = next_entry + (<usize>input << 2);
    const at = load<u32>(slot);
    const full = buildAdd(at);
    if (at == load<u32>(last_entry + (<usize>input << 2))) {
      ready--;
      memory.copy(order, order + 4, <usize>ready << 2);
      hungry = input;
      return full ? MERGE_PAGE_FULL : input;
    }
    store<u32>(slot, at + <u32>ENTRY_SIZE);
    const entry = changetype<IndexEntry>(<usize>at + ENTRY_SIZE);
    let place: u32 = 0;
    while (place + 1 < ready && isBefore(nextAt(place + 1), entry)) {
      store<u32>(order + (<usize>place << 2), load<u32>(order + (<usize>(place + 1) << 2)));
      place++;
    }
    store<u32>(order + (<usize>place << 2), input);
    if (full) return MERGE_PAGE_FULL;
  }
  return buildPending() != 0 ? MERGE_PAGE_FULL : MERGE_DONE;
}

// @ts-ignore: decorator
@inline
function nextAt(place: u32): IndexEntry {
  return changetype<IndexEntry>(<usize>load<u32>(next_entry + (<usize>load<u32>(order + (<usize>place << 2)) << 2)));
}
