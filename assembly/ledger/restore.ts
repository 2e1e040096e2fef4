// Fills the empty tables from a checkpoint: the pages as they were stored, then everything that is derived from them.
// The order of calls: Globals written by the host, pageLoad for every page, loadFinish.

import { DeviceRow, Globals, PAGE_ROWS, PendingTail, Table, Transfer } from "../layout";
import { accountIndexReserve, accountInsertRows } from "./account-index";
import { deviceEnter, deviceRow, devicesReserve } from "./device";
import { expiryInsert, expiryReserve } from "./expiry";
import { globals } from "./globals";
import { PAGE_BYTES, accountChunksReserve, deviceChunksReserve, pageAddress, pageCount } from "./pages";
import { pendingChunksReserve, pendingRow } from "./pages";
import { pendingIndexReserve, pendingInsert } from "./pending-index";

const TAIL: usize = offsetof<Transfer>();

// Rows inserted between two reservations: as many as a batch has, for which the reservation is made.
const GROUP: u32 = 8192;

/** Copies the 25 rows at `rows` into the page. Stops the engine when memory is exhausted or the page is no page. */
export function pageLoad(table: u32, page: u32, rows: usize): void {
  assert(page < pageCount(table), "pageLoad: expected a page that Globals counts, got one beyond");
  const end = (<u64>page + 1) * PAGE_ROWS;
  assert(chunksReserve(table, end), "pageLoad: expected memory for the page, got none");
  memory.copy(pageAddress(table, page), rows, PAGE_BYTES);
}

function chunksReserve(table: u32, rows: u64): bool {
  if (table == Table.accounts) return accountChunksReserve(rows);
  return table == Table.pending ? pendingChunksReserve(rows) : deviceChunksReserve(rows);
}

/** Builds the indexes and the heap from the rows. Stops the engine when memory is exhausted or rows contradict Globals. */
export function loadFinish(): void {
  const accounts = <u32>load<u64>(globals(), offsetof<Globals>("account_count"));
  for (let first: u32 = 0; first < accounts; first += GROUP) {
    const count = min(GROUP, accounts - first);
    assert(accountIndexReserve(count), "loadFinish: expected memory for the index of accounts, got none");
    accountInsertRows(first, count);
  }

  const slots = <u32>load<u64>(globals(), offsetof<Globals>("pending_slots"));
  assert(expiryReserve(0), "loadFinish: expected memory for the heap of expiries, got none");
  let open: u32 = 0;
  for (let slot: u32 = 0; slot < slots; slot += 1) {
    if (slot % GROUP == 0) {
      assert(pendingIndexReserve(GROUP), "loadFinish: expected memory for the index of pending transfers, got none");
    }
    const row = pendingRow(slot);
    if (load<u32>(row + TAIL, offsetof<PendingTail>("in_use")) == 0) continue;
    pendingInsert(load<u64>(row), load<u64>(row, 8), slot);
    expiryInsert(slot);
    open += 1;
  }
  assert(
    <u64>open == load<u64>(globals(), offsetof<Globals>("pending_count")),
    "loadFinish: expected as many open pending transfers as Globals counts, got another number",
  );
  checkFreeList(slots, slots - open);

  const devices = <u32>load<u64>(globals(), offsetof<Globals>("device_count"));
  assert(devices == 0 || devicesReserve(0), "loadFinish: expected memory for the places of devices, got none");
  for (let slot: u32 = 0; slot < devices; slot += 1) {
    const accountSlot = load<u32>(deviceRow(slot), offsetof<DeviceRow>("account_slot"));
    assert(accountSlot < accounts, "loadFinish: expected the device of an account that exists");
    deviceEnter(accountSlot, slot);
  }
}

// A list that is shorter, longer or endless would hand out rows twice.
function checkFreeList(slots: u32, length: u32): void {
  let next = <u32>load<u64>(globals(), offsetof<Globals>("pending_free"));
  for (let i: u32 = 0; i < length; i += 1) {
    assert(next != 0 && next <= slots, "loadFinish: expected a free row in the list, got its end");
    const tail = pendingRow(next - 1) + TAIL;
    assert(load<u32>(tail, offsetof<PendingTail>("in_use")) == 0, "loadFinish: expected a free row, got one in use");
    next = load<u32>(tail, offsetof<PendingTail>("link"));
  }
  assert(next == 0, "loadFinish: expected the end of the free list, got another row");
}
