// Entry of the module that test/kernel/tables compiles: the storage primitives by themselves. Never part of a build.

export { allocate } from "../memory/arena";
export { accountAppend, accountsReserve, accountTruncate, globals, initialiseTables } from "./table";
export { pendingAllocate, pendingFree, pendingReserve } from "./table";
export { accountFindMany, accountIndexReserve, accountRemove, accountsStashed } from "./account-index";
export { pendingFind, pendingIndexReserve, pendingInsert, pendingRemove } from "./pending-index";
export { deviceOf, devicesReserve } from "./device";
export { expiriesDue, expiryInsert, expiryPeek, expiryRemove, expiryReserve, nextExpiry } from "./expiry";
export { arenaAddress, arenaCount, arenaRoom, arenaSwap, initialiseSnapshots, savedRoom } from "./snapshot";
export { loadFinish, pageAddress, pageCount, pageLoad } from "./snapshot";
export { snapshotBegin, snapshotDirty, snapshotDue, snapshotFill } from "./snapshot";

import * as accounts from "./account-index";
import * as devices from "./device";
import * as table from "./table";

export function accountFind(lo: u64, hi: u64): i32 {
  return accounts.accountFind(lo, hi);
}

export function accountInsert(lo: u64, hi: u64, slot: u32): void {
  accounts.accountInsert(lo, hi, slot);
}

export function accountRow(slot: u32): usize {
  return table.accountRow(slot);
}

export function pendingRow(slot: u32): usize {
  return table.pendingRow(slot);
}

export function deviceFind(accountSlot: u32): i32 {
  return devices.deviceFind(accountSlot);
}

export function deviceRow(slot: u32): usize {
  return devices.deviceRow(slot);
}

export function accountTouch(slot: u32): void {
  table.accountTouch(slot);
}

export function pendingTouch(slot: u32): void {
  table.pendingTouch(slot);
}
