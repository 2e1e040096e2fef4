// A row of the account table or of the pending table: the public record, then what only the engine needs.
//
//     0                              128         136       144        152     160
//     ┌──────────────────────────────┬───────────┬─────────┬──────────┬───────┐
//     │ Account                      │ head      │skip_256 │skip_65536│ count │
//     ├──────────────────────────────┼───────────┼─────────┼──────────┼───────┤
//     │ Transfer (pending)           │ ref       │expires  │ next free│ slots│
//     └──────────────────────────────┴───────────┴─────────┴──────────┴───────┘
//
// An account's history is a chain through the journal: `head` is the ref of its newest event, and each event names the
// one before (see effect.ts). Every 256th and every 65,536th event also names the one 256 or 65,536 before, so that a
// query reaches any time in a few hundred steps however long the history is.

// @ts-ignore: decorator
@unmanaged
export class AccountTail {
  head: u64;
  skip_256: u64;
  skip_65536: u64;
  count: u64;
}

// @ts-ignore: decorator
@unmanaged
export class PendingTail {
  ref: u64;
  // Nanoseconds; 0: never expires.
  expires_at: u64;
  // Of a free row: next free row + 1 (0: none). Of one in use: 0.
  link: u32;
  in_use: u32;
  debit_slot: u32;
  credit_slot: u32;
}

export const ROW_SIZE: u32 = 160;

// Rows on one page of a checkpoint. 25 rows and a 64-byte header fill one LMDB overflow page of 4 KiB.
export const PAGE_ROWS: u32 = 25;
export const PAGE_HEADER_SIZE: u32 = 64;
export const PAGE_SIZE: u32 = 4064;

export enum Table {
  accounts = 0,
  pending = 1,
}

if (offsetof<AccountTail>() != 32) ERROR("AccountTail must be 32 bytes");
if (offsetof<PendingTail>() != 32) ERROR("PendingTail must be 32 bytes");
