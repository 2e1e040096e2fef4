// Builds one run: pages go out one by one as they fill, the header (fences, filter) grows in memory and goes out at the
// end in pieces.
//
//     entries in order ──▶ page ──▶ out
//                      ├─▶ fences │ one id for each page      ┐ header, contiguous here,
//                      └─▶ filter │ 64 bytes for 25 entries   ┘ cut into pieces at the end

import { IndexEntry, RUN_PAGE_ENTRIES } from "../layout/index-entry";
import { allocate } from "../memory/arena";
import { filterAdd, filterHash, filterLine, filterLines, filterSeedMark } from "./filter";
import {
  FENCE_SIZE,
  pieceChecksum,
  RUN_ENTRIES_MAX,
  RUN_PAGE_HEADER_SIZE,
  RUN_PAGE_SIZE,
  RUN_PIECE_BYTES,
  RUN_PIECE_HEADER_SIZE,
  RUN_PIECE_SIZE,
  RunPiece,
  sealPage,
} from "./run-format";

const ENTRY_SIZE: usize = offsetof<IndexEntry>();

let run_id: u32 = 0;
let run_entries: u32 = 0;
let run_pages: u32 = 0;
let added: u32 = 0;

let header: usize = 0;
let header_capacity: u32 = 0;
let header_bytes: u32 = 0;
let filter_offset: u32 = 0;
let filter_lines: u32 = 0;

let page: usize = 0;
let page_count: u32 = 0;
let page_number: u32 = 0;
let piece: usize = 0;

/** Begins a run of exactly `entries` entries (1 … RUN_ENTRIES_MAX). False when memory is too small. */
export function buildBegin(runId: u32, entries: u32): bool {
  assert(entries - 1 < RUN_ENTRIES_MAX, "expected 1 to 200,000,000 entries in a run");
  run_id = runId;
  run_entries = entries;
  run_pages = (entries + RUN_PAGE_ENTRIES - 1) / RUN_PAGE_ENTRIES;
  filter_lines = filterLines(entries);
  filter_offset = (run_pages * FENCE_SIZE + 63) & ~63;
  header_bytes = filter_offset + (filter_lines << 6);
  if (header_bytes > header_capacity) {
    // Doubled, so that what growing leaves behind is at most as much as what is in use.
    const capacity = max<u32>(header_bytes, header_capacity << 1);
    header = allocate(capacity);
    header_capacity = header == 0 ? 0 : capacity;
    if (header == 0) return false;
  } else memory.fill(header, 0, header_bytes);
  if (page == 0) page = allocate(RUN_PAGE_SIZE);
  if (piece == 0) piece = allocate(RUN_PIECE_SIZE);
  added = 0;
  page_count = 0;
  page_number = 0;
  return page != 0 && piece != 0;
}

/** Adds the next entry; true when it filled a page, which buildPage must take before the next one. */
// @ts-ignore: decorator
@inline
export function buildAdd(entry: usize): bool {
  const lo = load<u64>(entry);
  const hi = load<u64>(entry, 8);
  if (page_count == 0) {
    const fence = header + page_number * FENCE_SIZE;
    store<u64>(fence, lo);
    store<u64>(fence, hi, 8);
  }
  const target = page + RUN_PAGE_HEADER_SIZE + <usize>page_count * ENTRY_SIZE;
  store<u64>(target, lo);
  store<u64>(target, hi, 8);
  store<u64>(target, load<u64>(entry, 16), 16);
  const hash = filterHash(lo, hi);
  filterAdd(header + filter_offset + (<usize>filterLine(hash, filter_lines) << 6), hash);
  page_count++;
  added++;
  return page_count == RUN_PAGE_ENTRIES;
}

/** Entries on the page that is being filled. */
export function buildPending(): u32 {
  return page_count;
}

/** Finishes the page being filled; returns its bytes, to be taken from pageAddress() as page number pageNumber(). */
export function buildPage(): u32 {
  const bytes = sealPage(page, run_id, page_number, page_count);
  page_count = 0;
  page_number++;
  return bytes;
}

export function pageAddress(): usize {
  return page;
}

/** Number of the page that buildPage finished last. */
export function pageNumber(): u32 {
  return page_number - 1;
}

/** Pieces of the header, when all entries are added. */
export function buildPieces(): u32 {
  assert(added == run_entries && page_count == 0, "expected the number of entries that was announced");
  return (header_bytes + RUN_PIECE_BYTES - 1) / RUN_PIECE_BYTES;
}

/** Prepares piece `number` of the header at pieceAddress(); returns its bytes. */
export function buildPiece(number: u32): u32 {
  const start = number * RUN_PIECE_BYTES;
  const bytes = min(RUN_PIECE_BYTES, header_bytes - start);
  memory.fill(piece, 0, RUN_PIECE_HEADER_SIZE);
  const fields = changetype<RunPiece>(piece);
  fields.run = run_id;
  fields.piece = number;
  fields.bytes = bytes;
  fields.pieces = buildPieces();
  fields.seed_mark = filterSeedMark();
  fields.entries = run_entries;
  fields.pages = run_pages;
  fields.filter_offset = filter_offset;
  fields.filter_lines = filter_lines;
  memory.copy(piece + RUN_PIECE_HEADER_SIZE, header + start, bytes);
  fields.checksum = pieceChecksum(piece);
  return RUN_PIECE_HEADER_SIZE + bytes;
}

export function pieceAddress(): usize {
  return piece;
}
