// Open pending transfers by the id of the transfer. Structure and bounds: hash-index.ts.

import { INDEX_SIZE, indexFind, indexInitialise, indexInsert, indexRemove, indexReserve } from "./hash-index";
import { pendingDirectory } from "./pages";

const INDEX: usize = memory.data(32, 64);
if (INDEX_SIZE != 32) ERROR("memory.data above must have the size of Index");

/** Makes the empty index; false when memory is exhausted. */
export function initialisePendingIndex(): bool {
  return indexInitialise(INDEX);
}

/** Slot of the open pending transfer with this id, -1 if none. */
export function pendingFind(lo: u64, hi: u64): i32 {
  return indexFind(INDEX, pendingDirectory, lo, hi);
}

/** Adds an id that is not in the index; its row must hold the id before the next search. */
export function pendingInsert(lo: u64, hi: u64, slot: u32): void {
  indexInsert(INDEX, lo, hi, slot);
}

/** Removes an id if it is there. Before the row is freed: the row is what ids are compared with. */
export function pendingRemove(lo: u64, hi: u64): void {
  indexRemove(INDEX, pendingDirectory, lo, hi);
}

/** Makes room for that many further inserts; false when memory is exhausted. */
export function pendingIndexReserve(extra: u32): bool {
  return indexReserve(INDEX, extra);
}
