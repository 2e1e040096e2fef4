// Rows of accounts and of pending transfers: adding, freeing, announcing changes. Where rows are: pages.ts; those of
// devices: device.ts.
//
//     accounts   ┌───┬───┬───┬───┬───┐ account_count
//                │ 0 │ 1 │ 2 │ 3 │ 4 │ ▶ append only; a failed chain takes its rows off the end again
//                └───┴───┴───┴───┴───┘
//     pending    ┌───┬───┬───┬───┬───┐ pending_slots
//                │ 0 │ – │ 2 │ – │ 4 │ ▶ appended to when no row is free
//                └───┴─┬─┴───┴─▲─┴───┘
//         pending_free ┘ └─link─┘          free rows, newest first (link: slot + 1, 0 ends the list)
//
// Slots are a function of the sequence of calls alone, never of memory or hash seeds, so replay gives the same rows.

import { Globals, PAGE_ROWS, PendingTail, ROW_SIZE, Table, Transfer } from "../layout";
import { initialiseAccountIndex } from "./account-index";
import { initialiseDevices } from "./device";
import { initialiseExpiry } from "./expiry";
import { globals } from "./globals";
import { indexKeys } from "./hash-index";
import { accountChunksReserve, accountRow, accountStates, initialisePages, pageOf } from "./pages";
import { PAGE_DIRTY, pendingChunksReserve, pendingRow, pendingStates } from "./pages";
import { initialisePendingIndex } from "./pending-index";
import { forgetPages, touchRow } from "./snapshot";

export { accountRow, pendingRow } from "./pages";
export { globals } from "./globals";

const TAIL: usize = offsetof<Transfer>();

/**
 * Makes the empty tables, their indexes and the heap; false when memory is exhausted. The seeds key the hash of the
 * indexes; nothing that is stored or answered depends on them.
 */
export function initialiseTables(seedLo: u64, seedHi: u64): bool {
  indexKeys(seedLo, seedHi);
  return (
    initialisePages() &&
    initialiseAccountIndex() &&
    initialisePendingIndex() &&
    initialiseExpiry() &&
    initialiseDevices()
  );
}

/** Announces a change of the row: has to come before the first store to it. */
// @ts-ignore: decorator
@inline
export function accountTouch(slot: u32): void {
  const page = pageOf(slot);
  if (load<u8>(accountStates + page) != PAGE_DIRTY) touchRow(Table.accounts, page, slot);
}

// @ts-ignore: decorator
@inline
export function pendingTouch(slot: u32): void {
  const page = pageOf(slot);
  if (load<u8>(pendingStates + page) != PAGE_DIRTY) touchRow(Table.pending, page, slot);
}

// @ts-ignore: decorator
@inline
function accountCount(): u64 {
  return load<u64>(globals(), offsetof<Globals>("account_count"));
}

/** Makes room for that many further accounts; false when memory is exhausted. */
export function accountsReserve(extra: u32): bool {
  return accountChunksReserve(accountCount() + extra);
}

/** A new zeroed row at the end, already touched. Room must have been reserved. */
export function accountAppend(): u32 {
  const slot = <u32>accountCount();
  accountTouch(slot);
  store<u64>(globals(), <u64>slot + 1, offsetof<Globals>("account_count"));
  return slot;
}

/**
 * Takes the rows from `count` on off again. Only for rows appended since the last snapshot began: those before may be
 * in a checkpoint already. Their ids must have been removed from the index.
 */
export function accountTruncate(count: u64): void {
  const end = <u32>accountCount();
  for (let slot = <u32>count; slot < end; slot += 1) {
    accountTouch(slot);
    memory.fill(accountRow(slot), 0, ROW_SIZE);
  }
  store<u64>(globals(), count, offsetof<Globals>("account_count"));
  forgetPages(Table.accounts, pageOf(<u32>count + (PAGE_ROWS - 1)), pageOf(end + (PAGE_ROWS - 1)));
}

/** Makes room for that many further pending rows; false when memory is exhausted. */
export function pendingReserve(extra: u32): bool {
  const slots = load<u64>(globals(), offsetof<Globals>("pending_slots"));
  const free = slots - load<u64>(globals(), offsetof<Globals>("pending_count"));
  return free >= extra || pendingChunksReserve(slots + extra - free);
}

/** A zeroed row with in_use set, already touched: the row freed last, else a new one. Room must have been reserved. */
export function pendingAllocate(): u32 {
  const state = globals();
  const free = <u32>load<u64>(state, offsetof<Globals>("pending_free"));
  let slot: u32;
  let row: usize;
  if (free != 0) {
    slot = free - 1;
    row = pendingRow(slot);
    pendingTouch(slot);
    store<u64>(state, load<u32>(row + TAIL, offsetof<PendingTail>("link")), offsetof<Globals>("pending_free"));
    store<u32>(row + TAIL, 0, offsetof<PendingTail>("link"));
  } else {
    const slots = load<u64>(state, offsetof<Globals>("pending_slots"));
    slot = <u32>slots;
    row = pendingRow(slot);
    pendingTouch(slot);
    store<u64>(state, slots + 1, offsetof<Globals>("pending_slots"));
  }
  store<u32>(row + TAIL, 1, offsetof<PendingTail>("in_use"));
  store<u64>(
    state,
    load<u64>(state, offsetof<Globals>("pending_count")) + 1,
    offsetof<Globals>("pending_count"),
  );
  return slot;
}

/** Frees the row: zero apart from the link. It must have left the heap and the index (both read the row) before. */
export function pendingFree(slot: u32): void {
  const state = globals();
  const row = pendingRow(slot);
  pendingTouch(slot);
  memory.fill(row, 0, ROW_SIZE);
  store<u32>(
    row + TAIL,
    <u32>load<u64>(state, offsetof<Globals>("pending_free")),
    offsetof<PendingTail>("link"),
  );
  store<u64>(state, <u64>slot + 1, offsetof<Globals>("pending_free"));
  store<u64>(
    state,
    load<u64>(state, offsetof<Globals>("pending_count")) - 1,
    offsetof<Globals>("pending_count"),
  );
}
