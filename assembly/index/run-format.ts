// A run as it lies in the store: entries in order of (id, value) on pages, and a header in pieces.
//
//     page: 32 bytes, then up to RUN_PAGE_ENTRIES entries         piece: 64 bytes, then up to 1 MiB of the header
//     ┌──────────┬─────┬──────┬───────┬──┬─────────╌╌            ┌────────────┬────────────────────────╌╌
//     │ checksum │ run │ page │ count │  │ entries               │ RunPiece   │ bytes
//     └──────────┴─────┴──────┴───────┴──┴─────────╌╌            └────────────┴────────────────────────╌╌
//
//     header, all pieces one after the other
//     ┌──────────────────────────────┬───────────────────────────────────────────────┐
//     │ fences: first id of each page│ filter: lines of 64 bytes                     │
//     └──────────────────────────────┴───────────────────────────────────────────────┘
//                                    └ filter_offset, a multiple of 64
//
// Pieces all take blocks of one size in the kernel's memory, so that merges can replace headers for ever without
// fragments. Neither a fence nor a line crosses from one piece to the next. Little-endian.

import { IndexEntry, RUN_PAGE_ENTRIES } from "../layout/index-entry";
import { checksum } from "./checksum";

// @ts-ignore: decorator
@unmanaged
export class RunPage {
  checksum: u64;
  run: u32;
  page: u32;
  count: u32;
  reserved_0: u32;
  reserved_1: u64;
}

// @ts-ignore: decorator
@unmanaged
export class RunPiece {
  checksum: u64;
  run: u32;
  piece: u32;
  // Payload bytes of this piece; pieces of the whole header.
  bytes: u32;
  pieces: u32;
  seed_mark: u64;
  entries: u32;
  pages: u32;
  filter_offset: u32;
  filter_lines: u32;
  reserved_0: u64;
  reserved_1: u64;
}

export const RUN_PAGE_HEADER_SIZE: u32 = 32;
export const RUN_PAGE_SIZE: u32 = RUN_PAGE_HEADER_SIZE + RUN_PAGE_ENTRIES * 24;
export const RUN_PIECE_HEADER_SIZE: u32 = 64;
export const RUN_PIECE_BYTES: u32 = 1 << 20;
export const RUN_PIECE_SIZE: u32 = RUN_PIECE_HEADER_SIZE + RUN_PIECE_BYTES;
export const FENCE_SIZE: u32 = 16;

// Runs have at most this many pieces: 2.6 bytes an entry. Larger ones are never made (see src/state/compaction.ts).
export const RUN_PIECES_MAX: u32 = 512;
export const RUN_ENTRIES_MAX: u32 = 200_000_000;

if (offsetof<RunPage>() != RUN_PAGE_HEADER_SIZE) ERROR("RunPage must be 32 bytes");
if (offsetof<RunPiece>() != RUN_PIECE_HEADER_SIZE) ERROR("RunPiece must be 64 bytes");

/** Fills in the header of a page whose `count` entries are in place; returns its bytes. */
export function sealPage(at: usize, run: u32, page: u32, count: u32): u32 {
  const header = changetype<RunPage>(at);
  memory.fill(at, 0, RUN_PAGE_HEADER_SIZE);
  header.run = run;
  header.page = page;
  header.count = count;
  const bytes = RUN_PAGE_HEADER_SIZE + count * offsetof<IndexEntry>();
  header.checksum = checksum(at + 8, bytes - 8);
  return bytes;
}

/** True when these bytes are that page, intact. */
export function isPageIntact(at: usize, run: u32, page: u32): bool {
  const header = changetype<RunPage>(at);
  return (
    header.run == run &&
    header.page == page &&
    header.count - 1 < RUN_PAGE_ENTRIES &&
    header.checksum == checksum(at + 8, RUN_PAGE_HEADER_SIZE + header.count * offsetof<IndexEntry>() - 8)
  );
}

/** Checksum of a piece whose header fields and bytes are in place. */
export function pieceChecksum(at: usize): u64 {
  return checksum(at + 8, RUN_PIECE_HEADER_SIZE + changetype<RunPiece>(at).bytes - 8);
}

/** True when these bytes are that piece, intact, of a filter with the current seed. */
export function isPieceIntact(at: usize, run: u32, piece: u32, seed_mark: u64): bool {
  const header = changetype<RunPiece>(at);
  return (
    header.run == run &&
    header.piece == piece &&
    piece < header.pieces &&
    header.pieces <= RUN_PIECES_MAX &&
    header.bytes <= RUN_PIECE_BYTES &&
    (header.bytes & 63) == 0 &&
    header.seed_mark == seed_mark &&
    header.checksum == pieceChecksum(at)
  );
}
