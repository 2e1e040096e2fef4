// A few pages of runs, kept as the host delivered them. Clock eviction: a page that was used since the hand last passed
// gets a second chance.
//
//     keys   │ run<<32|page │ run<<32|page │ …          64 keys
//     pages  │ 64 KiB       │ 64 KiB       │ …          64 pages, 4 MiB

import { allocate } from "../memory/arena";
import { isPageIntact, RUN_PAGE_SIZE } from "./run-format";

// @ts-ignore: decorator
@external("host", "readRunPage")
declare function hostReadRunPage(runId: u32, page: u32, out: usize): u32;

const CACHE_PAGES: u32 = 64;
const KEY_NONE: u64 = u64.MAX_VALUE;

// Rounded up to whole cache lines.
const CACHE_PAGE_SIZE: u32 = (RUN_PAGE_SIZE + 63) & ~63;

let keys: usize = 0;
let used: usize = 0;
let pages: usize = 0;
let hand: u32 = 0;

/** False when memory is too small. */
export function cacheInitialise(): bool {
  keys = allocate(CACHE_PAGES * 8);
  used = allocate(CACHE_PAGES);
  pages = allocate(CACHE_PAGES * CACHE_PAGE_SIZE);
  if (keys == 0 || used == 0 || pages == 0) return false;
  for (let i: u32 = 0; i < CACHE_PAGES; i++) store<u64>(keys + (<usize>i << 3), KEY_NONE);
  return true;
}

/** Address of a page, valid until the next call; 0 when what the host delivered is not that page, intact. */
export function cachePage(runId: u32, page: u32): usize {
  const key = (<u64>runId << 32) | <u64>page;
  for (let i: u32 = 0; i < CACHE_PAGES; i++) {
    if (load<u64>(keys + (<usize>i << 3)) != key) continue;
    store<u8>(used + i, 1);
    return pages + <usize>i * CACHE_PAGE_SIZE;
  }
  while (load<u8>(used + hand) != 0) {
    store<u8>(used + hand, 0);
    hand = (hand + 1) % CACHE_PAGES;
  }
  const place = hand;
  hand = (hand + 1) % CACHE_PAGES;
  const at = pages + <usize>place * CACHE_PAGE_SIZE;
  store<u64>(keys + (<usize>place << 3), KEY_NONE);
  if (hostReadRunPage(runId, page, at) == 0 || !isPageIntact(at, runId, page)) return 0;
  store<u64>(keys + (<usize>place << 3), key);
  return at;
}

/** Drops the pages of a run. */
export function cacheForget(runId: u32): void {
  for (let i: u32 = 0; i < CACHE_PAGES; i++) {
    const key = keys + (<usize>i << 3);
    if (<u32>(load<u64>(key) >> 32) == runId) store<u64>(key, KEY_NONE);
    if (load<u64>(key) == KEY_NONE) store<u8>(used + i, 0);
  }
}
