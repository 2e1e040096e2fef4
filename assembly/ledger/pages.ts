// Where rows are. A table is a list of chunks of 256 pages; a page is 25 rows of 160 bytes, contiguous, so that it can
// be copied as it is into a checkpoint. Chunks never move: growth copies nothing and makes no pause.
//
//     slot ──× 1/25──▶ page ──>> 8──▶ directory                 chunk (1,024,000 bytes)
//                       │             ┌────────────┐            ┌────────┬────────┬───╌╌╌──┬─────────┐
//                       │             │ chunk 0 - 0│ ─────────▶ │ page 0 │ page 1 │        │ page 255│
//                       │             │ chunk 1 - s│            └────────┴────────┴───╌╌╌──┴─────────┘
//                       │             │ …          │              25 rows
//                       ▼             └────────────┘
//                      states: one byte a page: 0 clean, 1 dirty, 2 due
//
// The directory holds each chunk's address minus the bytes of all rows before it (modulo 2^32), so a row's address is
// directory[page >> 8] + slot * 160: one multiplication, one load that stays in the first cache, no remainder.
//
// dirty: changed since the last snapshot began; the next snapshot will contain it.
// due:   belongs to the snapshot under way and has not been copied yet; its rows are saved before they change.

import { allocate } from "../memory/arena";
import { Globals, PAGE_ROWS, ROW_SIZE, Table } from "../layout";
import { globals } from "./globals";

const CHUNK_PAGES_BITS: u32 = 8;
export const CHUNK_ROWS: u32 = PAGE_ROWS << CHUNK_PAGES_BITS;
const CHUNK_SIZE: u32 = CHUNK_ROWS * ROW_SIZE;

export const PAGE_BYTES: u32 = PAGE_ROWS * ROW_SIZE;

// 4 GiB hold no more rows than this; every table over slots has its directory made for that many, so that no directory
// ever grows. Memory that is not touched costs address space only.
export const SLOTS_MAX: u32 = 26_843_545;
export const PAGES_MAX: u32 = SLOTS_MAX / PAGE_ROWS + 1;
const CHUNKS_MAX: u32 = SLOTS_MAX / CHUNK_ROWS + 1;

export const PAGE_CLEAN: u32 = 0;
export const PAGE_DIRTY: u32 = 1;
export const PAGE_DUE: u32 = 2;

// States are scanned eight at a time: the array ends on a whole word.
export const STATES_SIZE: u32 = (PAGES_MAX + 7) & ~7;

export let accountDirectory: usize = 0;
export let pendingDirectory: usize = 0;
export let deviceDirectory: usize = 0;
let accountChunks: u32 = 0;
let pendingChunks: u32 = 0;
let deviceChunks: u32 = 0;
export let accountStates: usize = 0;
export let pendingStates: usize = 0;
export let deviceStates: usize = 0;

/** Makes the empty tables; false when memory is exhausted. */
export function initialisePages(): bool {
  accountDirectory = allocate(CHUNKS_MAX * 4);
  pendingDirectory = allocate(CHUNKS_MAX * 4);
  deviceDirectory = allocate(CHUNKS_MAX * 4);
  accountStates = allocate(STATES_SIZE);
  pendingStates = allocate(STATES_SIZE);
  deviceStates = allocate(STATES_SIZE);
  if (accountDirectory == 0 || pendingDirectory == 0 || deviceDirectory == 0) return false;
  return accountStates != 0 && pendingStates != 0 && deviceStates != 0;
}

// slot / 25 for every u32; the multiplication is spelled out because V8's first compiler would divide.
// @ts-ignore: decorator
@inline
export function pageOf(slot: u32): u32 {
  return <u32>((<u64>slot * 0x51eb851f) >> 35);
}

// @ts-ignore: decorator
@inline
export function accountRow(slot: u32): usize {
  return rowIn(accountDirectory, slot);
}

// @ts-ignore: decorator
@inline
export function pendingRow(slot: u32): usize {
  return rowIn(pendingDirectory, slot);
}

// @ts-ignore: decorator
@inline
export function deviceRow(slot: u32): usize {
  return rowIn(deviceDirectory, slot);
}

// @ts-ignore: decorator
@inline
export function rowIn(directory: usize, slot: u32): usize {
  return load<u32>(directory + ((pageOf(slot) >> CHUNK_PAGES_BITS) << 2)) + slot * ROW_SIZE;
}

// @ts-ignore: decorator
@inline
export function statesOf(table: u32): usize {
  if (table == Table.accounts) return accountStates;
  return table == Table.pending ? pendingStates : deviceStates;
}

// @ts-ignore: decorator
@inline
function directoryOf(table: u32): usize {
  if (table == Table.accounts) return accountDirectory;
  return table == Table.pending ? pendingDirectory : deviceDirectory;
}

/** Address of the page's first row. */
export function pageAddress(table: u32, page: u32): usize {
  return rowIn(directoryOf(table), page * PAGE_ROWS);
}

function rowCount(table: u32): u64 {
  if (table == Table.accounts) return load<u64>(globals(), offsetof<Globals>("account_count"));
  if (table == Table.pending) return load<u64>(globals(), offsetof<Globals>("pending_slots"));
  assert(table == Table.devices, "pages: expected one of three tables");
  return load<u64>(globals(), offsetof<Globals>("device_count"));
}

/** Pages that hold the table's rows, as Globals counts them. */
export function pageCount(table: u32): u32 {
  return pageOf(<u32>rowCount(table) + (PAGE_ROWS - 1));
}

/** Makes chunks for slots 0 to rows - 1; false when memory is exhausted or rows are too many. */
export function accountChunksReserve(rows: u64): bool {
  while (<u64>accountChunks * CHUNK_ROWS < rows) {
    if (!chunkAppend(accountDirectory, accountChunks)) return false;
    accountChunks += 1;
  }
  return true;
}

export function pendingChunksReserve(rows: u64): bool {
  while (<u64>pendingChunks * CHUNK_ROWS < rows) {
    if (!chunkAppend(pendingDirectory, pendingChunks)) return false;
    pendingChunks += 1;
  }
  return true;
}

export function deviceChunksReserve(rows: u64): bool {
  while (<u64>deviceChunks * CHUNK_ROWS < rows) {
    if (!chunkAppend(deviceDirectory, deviceChunks)) return false;
    deviceChunks += 1;
  }
  return true;
}

function chunkAppend(directory: usize, chunk: u32): bool {
  if (chunk >= CHUNKS_MAX) return false;
  const address = allocate(CHUNK_SIZE);
  if (address == 0) return false;
  store<u32>(directory + (chunk << 2), address - chunk * CHUNK_SIZE);
  return true;
}
