// Rows of the device table: what the engine knows of an account's payment orders. An account has at most one; it is found
// by the account's slot, which a batch has looked up anyway.
//
//     account slot ──>> 14──▶ directory ──▶ places, one u32 for each account: device slot + 1, 0: no row
//                                           ┌───┬───┬───┬───┬╌╌
//                                           │ 0 │ 3 │ 0 │ 1 │
//                                           └───┴───┴───┴───┴╌╌
//
// Rows are appended in the order of first use, and never removed: no chain can hold an order. Places are derived from
// the rows (restore.ts).

import { allocate } from "../memory/arena";
import { DeviceRow, Globals, Table } from "../layout";
import { globals } from "./globals";
import { PAGE_DIRTY, SLOTS_MAX, deviceChunksReserve, deviceRow, deviceStates, pageOf } from "./pages";
import { touchRow } from "./snapshot";

export { deviceRow } from "./pages";

const PLACES_BITS: u32 = 14;
const PLACES_MASK: u32 = (1 << PLACES_BITS) - 1;
const PLACE_CHUNKS_MAX: u32 = (SLOTS_MAX >> PLACES_BITS) + 1;

let directory: usize = 0;
let chunks: u32 = 0;

/** Makes the empty directory; false when memory is exhausted. */
export function initialiseDevices(): bool {
  directory = allocate(PLACE_CHUNKS_MAX * 4);
  return directory != 0;
}

/** Makes room for that many further rows, and a place for every account; false when memory is exhausted. */
export function devicesReserve(extra: u32): bool {
  const accounts = load<u64>(globals(), offsetof<Globals>("account_count"));
  while (<u64>chunks << PLACES_BITS < accounts) {
    if (chunks == PLACE_CHUNKS_MAX) return false;
    const address = allocate(4 << PLACES_BITS);
    if (address == 0) return false;
    store<u32>(directory + (chunks << 2), address);
    chunks += 1;
  }
  return deviceChunksReserve(load<u64>(globals(), offsetof<Globals>("device_count")) + extra);
}

// @ts-ignore: decorator
@inline
function placeOf(accountSlot: u32): usize {
  return load<u32>(directory + ((accountSlot >> PLACES_BITS) << 2)) + ((accountSlot & PLACES_MASK) << 2);
}

/** Slot of the account's row, -1 if it has none. */
// @ts-ignore: decorator
@inline
export function deviceFind(accountSlot: u32): i32 {
  if (accountSlot >> PLACES_BITS >= chunks) return -1;
  return <i32>load<u32>(placeOf(accountSlot)) - 1;
}

/** Notes whose row it is; there must be a place for every account. */
export function deviceEnter(accountSlot: u32, slot: u32): void {
  assert(accountSlot >> PLACES_BITS < chunks, "devices: expected a place for the account, got none");
  assert(deviceFind(accountSlot) < 0, "devices: expected one row an account, got two");
  store<u32>(placeOf(accountSlot), slot + 1);
}

/** Announces a change of the row: has to come before the first store to it. */
// @ts-ignore: decorator
@inline
export function deviceTouch(slot: u32): void {
  const page = pageOf(slot);
  if (load<u8>(deviceStates + page) != PAGE_DIRTY) touchRow(Table.devices, page, slot);
}

/** The account's row, touched: the one it has, or a new one. Room must have been reserved. */
export function deviceOf(accountSlot: u32): usize {
  const found = deviceFind(accountSlot);
  if (found >= 0) {
    deviceTouch(found);
    return deviceRow(found);
  }
  const count = load<u64>(globals(), offsetof<Globals>("device_count"));
  const slot = <u32>count;
  deviceTouch(slot);
  store<u64>(globals(), count + 1, offsetof<Globals>("device_count"));
  const row = deviceRow(slot);
  changetype<DeviceRow>(row).account_slot = accountSlot;
  deviceEnter(accountSlot, slot);
  return row;
}
