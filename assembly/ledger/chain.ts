// Linked chains: all of a chain's records are created, or none. What a chain changes is written down first, and taken
// back newest first when one of its records fails. Records outside chains write nothing down.
//
//     log    ┌──────────┬──────────┬───────────┬───────────────┬──╌╌
//            │ event 7  │ row 12   │ row 3     │ pending 5 new │           entries of 176 bytes
//            │ as sent  │ as it was│ as it was │               │
//            └──────────┴──────────┴───────────┴───────────────┴──╌╌
//
// Two changes wait for the end of the chain, so that taking back leaves no trace in the heap of expiries or in the list
// of free rows: a new pending transfer enters the heap, and a resolved one leaves heap, index and table, only then.
// Until then `in_use` of a resolved one's row is 2.

import { allocate } from "../memory/arena";
import { Account, BATCH_RECORDS_MAX, CreateResult, CreateTransferStatus, Globals, PAGE_ROWS } from "../layout";
import { PendingTail, RECORD_SIZE, ROW_SIZE, Table, Transfer } from "../layout";
import { idsMark, idsRollback } from "../index/ids";
import { accountRemove } from "./account-index";
import { batchCount, eventAt, resultAt } from "./batch";
import { effectsMark, effectsRollback } from "./effect";
import { expiryInsert, expiryRemove } from "./expiry";
import { globals } from "./globals";
import { pageOf } from "./pages";
import { pendingRemove } from "./pending-index";
import { forgetPages } from "./snapshot";
import { accountRow, accountTruncate, pendingFree, pendingRow, pendingTouch } from "./table";

const TAIL: usize = offsetof<Transfer>();

const EVENT: u32 = 1;
const ACCOUNT_ROW: u32 = 2;
const PENDING_NEW: u32 = 3;
const PENDING_RESOLVED: u32 = 4;

const ENTRY_HEADER_SIZE: u32 = 16;
const ENTRY_SIZE: u32 = ENTRY_HEADER_SIZE + ROW_SIZE;
// A record changes itself, two accounts and one pending transfer at most. Untouched memory costs nothing.
const LOG_SIZE: u32 = BATCH_RECORDS_MAX * 4 * ENTRY_SIZE;

export const IN_USE: u32 = 1;
export const IN_USE_RESOLVED: u32 = 2;

let log: usize = 0;
let logEnd: usize = 0;

let open: bool = false;
let broken: bool = false;
let first: u32 = 0;
let mark: u32 = 0;
let effects: usize = 0;
const GLOBALS_BEFORE: usize = memory.data(88, 8);
if (offsetof<Globals>() != 88) ERROR("memory.data above must have the size of Globals");

/** False when memory is exhausted. */
export function initialiseChains(): bool {
  log = allocate(LOG_SIZE);
  return log != 0;
}

// @ts-ignore: decorator
@inline
export function chainIsOpen(): bool {
  return open;
}

// @ts-ignore: decorator
@inline
export function chainIsBroken(): bool {
  return broken;
}

export function chainOpen(index: u32): void {
  open = true;
  broken = false;
  first = index;
  mark = idsMark();
  effects = effectsMark();
  logEnd = log;
  memory.copy(GLOBALS_BEFORE, globals(), offsetof<Globals>());
}

/** The chain is over: what it did stays, unless it was broken. */
export function chainClose(): void {
  if (!broken) settle();
  open = false;
  broken = false;
}

/** Record `index` failed: takes back what the chain did before it. */
export function chainBreak(index: u32): void {
  broken = true;
  rollback();
  effectsRollback(effects, first, index);
  for (let i = first; i < index; i += 1) {
    const result = changetype<CreateResult>(resultAt(i));
    result.status = CreateTransferStatus.linked_event_failed;
    result.effect = 0;
  }
}

function settle(): void {
  for (let entry = log; entry < logEnd; entry += ENTRY_SIZE) {
    const kind = load<u32>(entry);
    if (kind < PENDING_NEW) continue;
    const slot = load<u32>(entry, 4);
    const tail = changetype<PendingTail>(pendingRow(slot) + TAIL);
    if (kind == PENDING_RESOLVED) pendingRelease(slot);
    else if (tail.in_use == IN_USE) expiryInsert(slot);
  }
}

/** Takes an open pending transfer out of heap, index and table. */
export function pendingRelease(slot: u32): void {
  const row = pendingRow(slot);
  expiryRemove(slot);
  pendingRemove(changetype<Transfer>(row).id_lo, changetype<Transfer>(row).id_hi);
  pendingFree(slot);
}

function rollback(): void {
  const slotsBefore = <u32>changetype<Globals>(GLOBALS_BEFORE).pending_slots;
  for (let entry = logEnd; entry > log; ) {
    entry -= ENTRY_SIZE;
    const kind = load<u32>(entry);
    const number = load<u32>(entry, 4);
    const image = entry + ENTRY_HEADER_SIZE;
    if (kind == EVENT) memory.copy(eventAt(number), image, RECORD_SIZE);
    else if (kind == ACCOUNT_ROW) memory.copy(accountRow(number), image, ROW_SIZE);
    else if (kind == PENDING_RESOLVED) changetype<PendingTail>(pendingRow(number) + TAIL).in_use = IN_USE;
    else {
      const row = pendingRow(number);
      pendingRemove(changetype<Transfer>(row).id_lo, changetype<Transfer>(row).id_hi);
      // A row that was free is the newest free one again, with the link that it had.
      if (number < slotsBefore) pendingFree(number);
    }
  }
  logEnd = log;
  accountsRollback();
  pendingSlotsRollback(slotsBefore);
  idsRollback(mark);
  memory.copy(globals(), GLOBALS_BEFORE, offsetof<Globals>());
}

function accountsRollback(): void {
  const before = changetype<Globals>(GLOBALS_BEFORE).account_count;
  const count = changetype<Globals>(globals()).account_count;
  if (count == before) return;
  for (let slot = before; slot < count; slot += 1) {
    const account = changetype<Account>(accountRow(<u32>slot));
    accountRemove(account.id_lo, account.id_hi);
  }
  accountTruncate(before);
}

// Rows that the chain was the first ever to use go back to never having been used.
function pendingSlotsRollback(before: u32): void {
  const slots = <u32>changetype<Globals>(globals()).pending_slots;
  if (slots == before) return;
  for (let slot = before; slot < slots; slot += 1) memory.fill(pendingRow(slot), 0, ROW_SIZE);
  forgetPages(Table.pending, pageOf(before + (PAGE_ROWS - 1)), pageOf(slots + (PAGE_ROWS - 1)));
}

function append(kind: u32, number: u32): usize {
  assert(logEnd + ENTRY_SIZE <= log + LOG_SIZE, "chain: expected room in the log");
  const entry = logEnd;
  store<u32>(entry, kind);
  store<u32>(entry, number, 4);
  logEnd = entry + ENTRY_SIZE;
  return entry + ENTRY_HEADER_SIZE;
}

/** Each of these comes before the change it names, and does nothing outside a chain. */
export function chainKeepEvent(index: u32): void {
  if (open) memory.copy(append(EVENT, index), eventAt(index), RECORD_SIZE);
}

export function chainKeepAccount(slot: u32): void {
  if (open) memory.copy(append(ACCOUNT_ROW, slot), accountRow(slot), ROW_SIZE);
}

/** The new pending transfer in `slot` is complete, apart from the heap of expiries. */
export function pendingOpened(slot: u32): void {
  if (open) append(PENDING_NEW, slot);
  else expiryInsert(slot);
}

/** The pending transfer in `slot` has been posted, voided or has expired. Its row is gone afterwards, or after the chain. */
export function pendingResolved(slot: u32): void {
  if (!open) {
    pendingRelease(slot);
    return;
  }
  append(PENDING_RESOLVED, slot);
  pendingTouch(slot);
  changetype<PendingTail>(pendingRow(slot) + TAIL).in_use = IN_USE_RESOLVED;
}

/** A batch ends with every chain closed. */
export function chainsEnd(): void {
  assert(!open, "chain: expected every chain to be closed at the end of the batch");
  assert(batchCount <= BATCH_RECORDS_MAX, "batch: expected at most 8,190 records");
}
