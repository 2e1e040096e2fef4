// One entry of the index of transfer ids, 24 bytes: in the memtable in order of arrival, in a run in order of id.
//
//     0        8        16       24
//     ┌────────┬────────┬────────┐
//     │ id_lo  │ id_hi  │ value  │    value = kind << 61 | ref
//     └────────┴────────┴────────┘
//
// An id has at most one entry that says what became of it (created, failed) and one that says how its pending transfer
// was resolved (posted, voided, expired; the ref is that of the resolving event).

// @ts-ignore: decorator
@unmanaged
export class IndexEntry {
  id_lo: u64;
  id_hi: u64;
  value: u64;
}

export enum IndexKind {
  created = 1,
  failed = 2,
  posted = 3,
  voided = 4,
  expired = 5,
}

export const INDEX_KIND_SHIFT: u32 = 61;
export const INDEX_REF_MASK: u64 = 0x1fffffffffffffff;

// Entries on one page of a run as stored in LMDB: 2,728 × 24 + a header of 32 fill 16 LMDB pages of 4 KiB.
export const RUN_PAGE_ENTRIES: u32 = 2728;

if (offsetof<IndexEntry>() != 24) ERROR("IndexEntry must be 24 bytes");
