// A consistent picture of both tables, taken while they go on changing.
//
//                touch                 snapshotBegin              touch or snapshotFill: the page is copied
//     clean ─────────────▶ dirty ───────────────────────▶ due ──────────────────────────────────────────────┐
//       ▲                   ▲  (all dirty pages at once)    │                                                │
//       │                   └────────── touch ──────────────┘                                                │
//       └───────────────────────────────────────────────────────────────────────────────── snapshotFill ─────┘
//
//     arena (the host brings another one before this is full, and consumes it)
//     ┌────────────────────────────┬────────────────────────────┬──╌╌╌
//     │ table, page, 0 … │ 25 rows │ table, page, 0 … │ 25 rows │          images of 4,064 bytes
//     └────────────────────────────┴────────────────────────────┴──╌╌╌
//
// A page that is due still holds what it held when the snapshot began, because the first change after that goes through
// `touchPage`. So every image equals the page at that moment, whenever it was copied. A transfer changes at most three pages (two accounts, one pending
// row): that many images of room for each record of a batch, or as many as are due, make execution safe.

import { allocate } from "../memory/arena";
import { PAGE_HEADER_SIZE, PAGE_SIZE, Table } from "../layout";
import { accountStates, pageAddress, pageCount, pendingStates, statesOf } from "./pages";
import { PAGE_BYTES, PAGE_CLEAN, PAGE_DIRTY, PAGE_DUE } from "./pages";

export { loadFinish, pageLoad } from "./restore";
export { pageAddress, pageCount } from "./pages";

const DUE_IN_EVERY_BYTE: u64 = 0x0202020202020202;

let arenaPages: u32 = 0;
let arenaFilling: usize = 0;
let arenaImages: u32 = 0;

let dirtyPages: u32 = 0;
let duePages: u32 = 0;
// Pages before these have been looked at in the snapshot under way.
let accountCursor: u32 = 0;
let pendingCursor: u32 = 0;

/** The first arena, of `pages` images like all of them; false when memory is exhausted. Untouched memory costs nothing. */
export function initialiseSnapshots(pages: u32): bool {
  if (pages == 0 || <u64>pages * PAGE_SIZE > 0x7fffffff) return false;
  arenaFilling = allocate(pages * PAGE_SIZE);
  if (arenaFilling == 0) return false;
  arenaPages = pages;
  return true;
}

/** The slow half of a touch: the first change of a page after a snapshot began. */
export function touchPage(table: u32, page: u32): void {
  const state = statesOf(table) + page;
  if (load<u8>(state) == PAGE_DUE) copyOut(table, page);
  store<u8>(state, PAGE_DIRTY);
  dirtyPages += 1;
}

/** Takes pages out of the table's end: they are in no later snapshot. */
export function forgetPages(table: u32, first: u32, end: u32): void {
  for (let page = first; page < end; page += 1) {
    const state = statesOf(table) + page;
    if (load<u8>(state) != PAGE_DIRTY) continue;
    store<u8>(state, PAGE_CLEAN);
    dirtyPages -= 1;
  }
}

/** Makes every dirty page due; returns their number. The snapshot before must be complete. */
export function snapshotBegin(): u32 {
  assert(duePages == 0, "snapshotBegin: expected the snapshot before to be complete, got pages still due");
  dirtyToDue(accountStates, pageCount(Table.accounts));
  dirtyToDue(pendingStates, pageCount(Table.pending));
  duePages = dirtyPages;
  dirtyPages = 0;
  accountCursor = 0;
  pendingCursor = 0;
  return duePages;
}

// Every state is 0 or 1 here, so one shift turns eight dirty pages into due ones: 10 million accounts in 50 µs.
function dirtyToDue(states: usize, pages: u32): void {
  const end = states + pages;
  for (let at = states; at < end; at += 8) store<u64>(at, load<u64>(at) << 1);
}

/** Copies up to `max` due pages, no more than the arena has room for; returns how many are still due. */
export function snapshotFill(max: u32): u32 {
  let budget = min(max, arenaRoom());
  while (budget > 0 && duePages > 0) {
    let table: u32 = Table.accounts;
    let page = nextDue(accountStates, accountCursor, pageCount(Table.accounts));
    accountCursor = page;
    if (page == pageCount(Table.accounts)) {
      table = Table.pending;
      page = nextDue(pendingStates, pendingCursor, pageCount(Table.pending));
      pendingCursor = page;
      assert(page < pageCount(Table.pending), "snapshotFill: expected another due page, got none");
    }
    copyOut(table, page);
    store<u8>(statesOf(table) + page, PAGE_CLEAN);
    budget -= 1;
  }
  return duePages;
}

// First due page from `page` on, `end` if there is none.
function nextDue(states: usize, page: u32, end: u32): u32 {
  while (page < end) {
    if ((page & 7) == 0 && (load<u64>(states + page) & DUE_IN_EVERY_BYTE) == 0) {
      page += 8;
      continue;
    }
    if (load<u8>(states + page) == PAGE_DUE) return page;
    page += 1;
  }
  return end;
}

function copyOut(table: u32, page: u32): void {
  assert(arenaImages < arenaPages, "snapshot arena: expected room for a page, got none");
  const image = arenaFilling + arenaImages * PAGE_SIZE;
  memory.fill(image, 0, PAGE_HEADER_SIZE);
  store<u32>(image, table);
  store<u32>(image, page, 4);
  memory.copy(image + PAGE_HEADER_SIZE, pageAddress(table, page), PAGE_BYTES);
  arenaImages += 1;
  duePages -= 1;
}

/** Pages of the snapshot under way that are not in an arena yet. */
export function snapshotDue(): u32 {
  return duePages;
}

/** Pages that a snapshot begun now would have. */
export function snapshotDirty(): u32 {
  return dirtyPages;
}

export function arenaAddress(): usize {
  return arenaFilling;
}

export function arenaCount(): u32 {
  return arenaImages;
}

export function arenaRoom(): u32 {
  return arenaPages - arenaImages;
}

/** Goes on in the arena at `address`, from its start: memory for as many images, which the host does not read any more. */
export function arenaUse(address: usize): void {
  arenaFilling = address;
  arenaImages = 0;
}
