// Expiring one pending transfer: the kernel itself picks it and writes the event, a copy of the transfer.

import { CreateTransferStatus, Globals, INDEX_KIND_SHIFT, IndexKind, PendingTail, RECORD_SIZE } from "../layout";
import { Transfer } from "../layout";
import { idsInsert } from "../index/ids";
import { batchTimestamp, eventAt, refAt, timestampAt } from "./batch";
import { pendingRelease } from "./chain";
import { effectAppend } from "./effect";
import { expiryPeek } from "./expiry";
import { globals } from "./globals";
import { release } from "./post-void";
import { accountRow, accountTouch, pendingRow } from "./table";

/** Expires the next one as event `index`; returns CreateResult.effect. */
export function expireNext(index: u32): u32 {
  const slot = expiryPeek();
  assert(slot >= 0, "expire: expected a pending transfer that expires, got none");
  const row = pendingRow(slot);
  const pending = changetype<Transfer>(row);
  const tail = changetype<PendingTail>(row + RECORD_SIZE);
  assert(tail.expires_at <= batchTimestamp, "expire: expected a pending transfer that is due");
  memory.copy(eventAt(index), row, RECORD_SIZE);

  const debitSlot = tail.debit_slot;
  const creditSlot = tail.credit_slot;
  accountTouch(debitSlot);
  accountTouch(creditSlot);
  const debitRow = accountRow(debitSlot);
  const creditRow = accountRow(creditSlot);
  release(pending, debitRow, creditRow, true);
  const ref = refAt(index);
  idsInsert(pending.id_lo, pending.id_hi, ((<u64>IndexKind.expired) << INDEX_KIND_SHIFT) | ref);
  pendingRelease(slot);

  const timestamp = timestampAt(index);
  const state = changetype<Globals>(globals());
  assert(timestamp > state.transfer_timestamp, "expire: expected to be later than every transfer");
  state.transfer_timestamp = timestamp;
  return effectAppend(debitRow, creditRow, ref, false);
}

/** Status of an expiry that took place. */
export const EXPIRED: i32 = CreateTransferStatus.created;
