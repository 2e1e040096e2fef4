// Entry of build/ledger.wasm: what the host may call. Typed on the other side by src/kernel/exports.ts.

import { idsFind, idsFindResolution, idsInitialise } from "../index/ids";
import { indexCovered as idsCovered } from "../index/ids";
import { initialiseChains } from "./chain";
import { executeCovered } from "./execute";
import { initialiseLimits } from "./limit";
import * as devices from "./device";
import * as table from "./table";

export { allocate } from "../memory/arena";
export { execute, reserve } from "./execute";
export { accountSlot, deviceSlot, lookupAccounts } from "./lookup";
export { expiriesDue, nextExpiry } from "./expiry";
export { arenaAddress, arenaCount, arenaRoom, arenaSwap, initialiseSnapshots, savedRoom } from "./snapshot";
export { loadFinish, pageAddress, pageCount, pageLoad } from "./snapshot";
export { snapshotBegin, snapshotDirty, snapshotDue, snapshotFill } from "./snapshot";
export { frozenCount, frozenEntries, frozenRelease, memtableCount, memtableFreeze } from "../index/ids";
export { indexDamage, runAdd, runCount, runFilterSeed, runInstall, runPiece, runRemove } from "../index/ids";

/**
 * Once, before anything else. The seeds key the hash tables in memory: secret, and no result depends on them. Aborts
 * when memory is exhausted.
 */
export function initialise(seedLo: u64, seedHi: u64): void {
  assert(table.initialiseTables(seedLo, seedHi), "initialise: expected memory for the tables, got none");
  idsInitialise(seedLo, seedHi);
  assert(initialiseChains(), "initialise: expected memory for the log of chains, got none");
  initialiseLimits();
}

/** Address of Globals. */
export function globals(): usize {
  return table.globals();
}

export function accountRow(slot: u32): usize {
  return table.accountRow(slot);
}

export function pendingRow(slot: u32): usize {
  return table.pendingRow(slot);
}

export function deviceRow(slot: u32): usize {
  return devices.deviceRow(slot);
}

/** Value (kind << 61 | ref) of what became of an id: created or failed; 0: nothing that is visible now. */
export function findTransfer(idLo: u64, idHi: u64): u64 {
  return idsFind(idLo, idHi);
}

/** Value of how a pending transfer was resolved: posted, voided or expired; 0: it was not. */
export function findResolution(idLo: u64, idHi: u64): u64 {
  return idsFindResolution(idLo, idHi);
}

/** Recovery: runs have the entries of all operations up to `op`. */
export function indexCovered(op: u64): void {
  idsCovered(op);
  executeCovered(op);
}
