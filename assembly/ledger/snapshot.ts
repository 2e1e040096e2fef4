// A consistent picture of all tables, taken while they go on changing.
//
//                touch                 snapshotBegin              snapshotFill: the page is copied
//     clean ─────────────▶ dirty ───────────────────────▶ due ─────────────────────▶ clean, or dirty if a row was saved
//                             (all dirty pages at once)    │ ▲
//                                                          └─┘ touch: the row is saved as it is, once
//
//     page that is due          saved rows                       arena (one of two; the host consumes one
//     ┌────┬────┬────┬──╌╌      ┌─────────┬──────┬──────┐        while the other fills)
//     │row │row'│row │          │ row     │ place│ next │        ┌────────────────────────────┬──╌╌╌
//     └────┴─┬──┴────┴──╌╌      └─────────┴──────┴──────┘        │ table, page, 0 … │ 25 rows │  4,064 bytes
//            └── mask, head ───────▲            └──▶ …           └────────────────────────────┴──╌╌╌
//
// An image is the page with its saved rows put back: what it was when the snapshot began, whenever it is copied. Rows are
// saved, not pages: with ten million accounts a batch changes 16,000 pages (64 MB) but as many rows (3 MB), and a disk that
// takes ten seconds for all pages must not hold up the batches. A transfer changes at most three rows (two accounts, one
// pending), a payment order a fourth (its device): that much room in savedRoom for each record of a batch makes execution
// safe.

import { allocate } from "../memory/arena";
import { PAGE_HEADER_SIZE, PAGE_ROWS, PAGE_SIZE, ROW_SIZE, Table } from "../layout";
import { pageAddress, pageCount, statesOf } from "./pages";
import { PAGE_BYTES, PAGE_CLEAN, PAGE_DIRTY, PAGE_DUE, PAGES_MAX } from "./pages";

export { loadFinish, pageLoad } from "./restore";
export { pageAddress, pageCount } from "./pages";

// Numbers of the Table enum go from 0 on.
const TABLES: u32 = 3;

const DUE_IN_EVERY_BYTE: u64 = 0x0202020202020202;

// A saved row: 160 bytes, its place in its page, index + 1 of the next one of that page (free: of the next free one).
const SAVED_SIZE: u32 = 168;
const SAVED_PLACE: usize = 160;
const SAVED_NEXT: usize = 164;

// Of each page: u32 mask of its rows that are saved, u32 index + 1 of the first of them.
const PAGE_SAVED_SIZE: u32 = 8;

let saved: usize = 0;
let savedCapacity: u32 = 0;
let savedCount: u32 = 0;
// Rows of the pool that were ever used; index + 1 of the first free one among those.
let savedUsed: u32 = 0;
let savedFree: u32 = 0;
let accountSaved: usize = 0;
let pendingSaved: usize = 0;
let deviceSaved: usize = 0;

let arenaPages: u32 = 0;
let arenaFilling: usize = 0;
let arenaOther: usize = 0;
let arenaImages: u32 = 0;

let dirtyPages: u32 = 0;
let duePages: u32 = 0;
// What the snapshot under way has looked at: tables before this one, and pages before this one of it.
let cursorTable: u32 = 0;
let cursorPage: u32 = 0;

/** Two arenas of `pages` images and room for `rows` saved rows; false when memory is exhausted. Untouched, it costs nothing. */
export function initialiseSnapshots(pages: u32, rows: u32): bool {
  if (pages == 0 || <u64>pages * PAGE_SIZE > 0x7fffffff) return false;
  if (rows == 0 || <u64>rows * SAVED_SIZE > 0x7fffffff) return false;
  saved = allocate(rows * SAVED_SIZE);
  accountSaved = allocate(PAGES_MAX * PAGE_SAVED_SIZE);
  pendingSaved = allocate(PAGES_MAX * PAGE_SAVED_SIZE);
  deviceSaved = allocate(PAGES_MAX * PAGE_SAVED_SIZE);
  if (saved == 0 || accountSaved == 0 || pendingSaved == 0 || deviceSaved == 0) return false;
  savedCapacity = rows;
  arenaFilling = allocate(pages * PAGE_SIZE);
  arenaOther = allocate(pages * PAGE_SIZE);
  if (arenaFilling == 0 || arenaOther == 0) return false;
  arenaPages = pages;
  return true;
}

/** The slow half of a touch: the first change of a page since the last snapshot began, or a change while it is due. */
export function touchRow(table: u32, page: u32, slot: u32): void {
  const state = statesOf(table) + page;
  if (load<u8>(state) == PAGE_DUE) {
    saveRow(table, page, slot - page * PAGE_ROWS);
    return;
  }
  store<u8>(state, PAGE_DIRTY);
  dirtyPages += 1;
}

function saveRow(table: u32, page: u32, place: u32): void {
  const state = savedOf(table, page);
  const mask = load<u32>(state);
  const bit: u32 = 1 << place;
  if ((mask & bit) != 0) return;
  assert(savedCount < savedCapacity, "snapshot: expected room for a saved row, got none");
  let index = savedFree;
  if (index == 0) index = ++savedUsed;
  else savedFree = load<u32>(savedAt(index), SAVED_NEXT);
  const at = savedAt(index);
  memory.copy(at, pageAddress(table, page) + place * ROW_SIZE, ROW_SIZE);
  store<u32>(at, place, SAVED_PLACE);
  store<u32>(at, load<u32>(state, 4), SAVED_NEXT);
  store<u32>(state, mask | bit);
  store<u32>(state, index, 4);
  savedCount += 1;
}

// @ts-ignore: decorator
@inline
function savedOf(table: u32, page: u32): usize {
  const start = table == Table.accounts ? accountSaved : table == Table.pending ? pendingSaved : deviceSaved;
  return start + page * PAGE_SAVED_SIZE;
}

// @ts-ignore: decorator
@inline
function savedAt(index: u32): usize {
  return saved + (index - 1) * SAVED_SIZE;
}

/** Puts the page's saved rows into its image and forgets them; false: there were none. */
function restoreSaved(table: u32, page: u32, rows: usize): bool {
  const state = savedOf(table, page);
  let index = load<u32>(state, 4);
  if (index == 0) return false;
  while (index != 0) {
    const at = savedAt(index);
    const next = load<u32>(at, SAVED_NEXT);
    memory.copy(rows + load<u32>(at, SAVED_PLACE) * ROW_SIZE, at, ROW_SIZE);
    store<u32>(at, savedFree, SAVED_NEXT);
    savedFree = index;
    savedCount -= 1;
    index = next;
  }
  store<u64>(state, 0);
  return true;
}

/** Rows that can still be saved. */
export function savedRoom(): u32 {
  return savedCapacity - savedCount;
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
  for (let table: u32 = 0; table < TABLES; table += 1) dirtyToDue(statesOf(table), pageCount(table));
  duePages = dirtyPages;
  dirtyPages = 0;
  cursorTable = 0;
  cursorPage = 0;
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
    assert(cursorTable < TABLES, "snapshotFill: expected another due page, got none");
    const end = pageCount(cursorTable);
    cursorPage = nextDue(statesOf(cursorTable), cursorPage, end);
    if (cursorPage >= end) {
      cursorTable += 1;
      cursorPage = 0;
      continue;
    }
    copyOut(cursorTable, cursorPage);
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
  const changed = restoreSaved(table, page, image + PAGE_HEADER_SIZE);
  store<u8>(statesOf(table) + page, changed ? PAGE_DIRTY : PAGE_CLEAN);
  if (changed) dirtyPages += 1;
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

/** Goes on in the other arena, from its start: the host must have consumed that one. */
export function arenaSwap(): void {
  const full = arenaFilling;
  arenaFilling = arenaOther;
  arenaOther = full;
  arenaImages = 0;
}
