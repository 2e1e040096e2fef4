// A row of the account table or of the pending table: the public record, then what only the engine needs. A row of the
// device table is what the engine knows of one account's payment orders.
//
//     0                              128         136       144        152     160
//     ┌──────────────────────────────┬───────────┬─────────┬──────────┬───────┐
//     │ Account                      │ head      │skip_256 │skip_65536│ count │
//     ├──────────────────────────────┼───────────┼─────────┼──────────┼───────┤
//     │ Transfer (pending)           │ ref       │expires  │ next free│ slots│
//     └──────────────────────────────┴───────────┴─────────┴──────────┴───────┘
//
//     0              8         16       24    32        48            64        80       88       96             160
//     ┌──────┬───────┬─────────┬────────┬─────┬─────────┬─────────────┬─────────┬────────┬────────┬──────────────┐
//     │ slot │ flags │ newest  │ window │ day │ spent   │ payment_max │ day_max │ terms  │ orders │ 0            │
//     └──────┴───────┴─────────┴────────┴─────┴─────────┴─────────────┴─────────┴────────┴────────┴──────────────┘
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

// Made at an account's first order that is applied, or first terms.
// @ts-ignore: decorator
@unmanaged
export class DeviceRow {
  account_slot: u32;
  // OrderTermsFlags.
  flags: u32;
  // Greatest sequence number of an order that was applied; bit i of the window: newest_sequence - i was applied.
  newest_sequence: u64;
  window: u64;
  // UTC day (days since the epoch) of the last order, and what the orders of that day add up to.
  day: u64;
  spent_lo: u64;
  spent_hi: u64;
  payment_max_lo: u64;
  payment_max_hi: u64;
  day_max_lo: u64;
  day_max_hi: u64;
  // When the terms were set, nanoseconds; 0: never.
  terms_timestamp: u64;
  // Orders that were applied.
  order_count: u64;
  reserved_0: u64;
  reserved_1: u64;
  reserved_2: u64;
  reserved_3: u64;
  reserved_4: u64;
  reserved_5: u64;
  reserved_6: u64;
  reserved_7: u64;
}

export const ROW_SIZE: u32 = 160;

// Rows on one page of a checkpoint. 25 rows and a 64-byte header fill one LMDB overflow page of 4 KiB.
export const PAGE_ROWS: u32 = 25;
export const PAGE_HEADER_SIZE: u32 = 64;
export const PAGE_SIZE: u32 = 4064;

export enum Table {
  accounts = 0,
  pending = 1,
  devices = 2,
}

if (offsetof<AccountTail>() != 32) ERROR("AccountTail must be 32 bytes");
if (offsetof<PendingTail>() != 32) ERROR("PendingTail must be 32 bytes");
if (offsetof<DeviceRow>() != 160) ERROR("DeviceRow must be 160 bytes");
