// Comparisons of ids and of index entries.

import { INDEX_KIND_SHIFT, INDEX_REF_MASK, IndexEntry, IndexKind } from "../layout/index-entry";

// @ts-ignore: decorator
@inline
export function isLess(aLo: u64, aHi: u64, bLo: u64, bHi: u64): bool {
  return aHi < bHi || (aHi == bHi && aLo < bLo);
}

/** Order of entries in a run: by id, then by value (kind in its highest bits). */
// @ts-ignore: decorator
@inline
export function isBefore(a: IndexEntry, b: IndexEntry): bool {
  if (a.id_hi != b.id_hi) return a.id_hi < b.id_hi;
  if (a.id_lo != b.id_lo) return a.id_lo < b.id_lo;
  return a.value < b.value;
}

/** True for what became of a pending transfer: posted, voided, expired. */
// @ts-ignore: decorator
@inline
export function isResolution(value: u64): bool {
  return value >= <u64>IndexKind.posted << INDEX_KIND_SHIFT;
}

// @ts-ignore: decorator
@inline
export function isRefBelow(value: u64, ref_end: u64): bool {
  return (value & INDEX_REF_MASK) < ref_end;
}
