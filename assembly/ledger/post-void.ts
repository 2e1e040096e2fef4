// Posting (all or part of) a pending transfer, or voiding it: every rule, in order of precedence. The second half of
// createTransfer, which has checked flags and id.

import { Account, AccountFlags, CreateTransferStatus, INDEX_KIND_SHIFT, IndexKind, PendingTail } from "../layout";
import { RECORD_SIZE, Transfer, TransferFlags } from "../layout";
import { idsFind, idsFindResolution, idsInsert } from "../index/ids";
import { decrease, increase, isGreater } from "./amount";
import { refAt, storedTransfer } from "./batch";
import { chainKeepAccount, chainKeepEvent, IN_USE, pendingResolved } from "./chain";
import { importedRegresses, transferCreated } from "./create-transfer";
import { differs, takesWholeAmount } from "./exists";
import { pendingFind } from "./pending-index";
import { accountRow, accountTouch, pendingRow } from "./table";

const EXCLUDED: u32 =
  TransferFlags.pending |
  TransferFlags.balancing_debit |
  TransferFlags.balancing_credit |
  TransferFlags.closing_debit |
  TransferFlags.closing_credit;
const BOTH: u32 = TransferFlags.post_pending_transfer | TransferFlags.void_pending_transfer;

export function postOrVoid(event: Transfer, index: u32, timestamp: u64): i32 {
  const flags = <u32>event.flags;
  const isVoid = (flags & TransferFlags.void_pending_transfer) != 0;
  if ((flags & BOTH) == BOTH || (flags & EXCLUDED) != 0) return CreateTransferStatus.flags_are_mutually_exclusive;

  const idLo = event.pending_id_lo;
  const idHi = event.pending_id_hi;
  if ((idLo | idHi) == 0) return CreateTransferStatus.pending_id_must_not_be_zero;
  if ((idLo & idHi) == u64.MAX_VALUE) return CreateTransferStatus.pending_id_must_not_be_int_max;
  if (!differs(idLo, idHi, event.id_lo, event.id_hi)) return CreateTransferStatus.pending_id_must_be_different;
  if (event.timeout != 0) return CreateTransferStatus.timeout_reserved_for_pending_transfer;

  // Open: a row says all. Otherwise the index and the journal tell what the id was and what became of it.
  const slot = pendingFind(idLo, idHi);
  const isOpen = slot >= 0 && changetype<PendingTail>(pendingRow(slot) + RECORD_SIZE).in_use == IN_USE;
  let pending: Transfer;
  if (slot >= 0) pending = changetype<Transfer>(pendingRow(slot));
  else {
    const value = idsFind(idLo, idHi);
    if (value >> INDEX_KIND_SHIFT != <u64>IndexKind.created) return CreateTransferStatus.pending_transfer_not_found;
    pending = changetype<Transfer>(storedTransfer(value, 0));
  }
  assert(!differs(pending.id_lo, pending.id_hi, idLo, idHi), "ids: expected the record of the pending transfer");
  if ((<u32>pending.flags & TransferFlags.pending) == 0) return CreateTransferStatus.pending_transfer_not_pending;

  if (
    (event.debit_account_id_lo | event.debit_account_id_hi) != 0 &&
    differs(event.debit_account_id_lo, event.debit_account_id_hi, pending.debit_account_id_lo, pending.debit_account_id_hi)
  ) {
    return CreateTransferStatus.pending_transfer_has_different_debit_account_id;
  }
  if (
    (event.credit_account_id_lo | event.credit_account_id_hi) != 0 &&
    differs(event.credit_account_id_lo, event.credit_account_id_hi, pending.credit_account_id_lo, pending.credit_account_id_hi)
  ) {
    return CreateTransferStatus.pending_transfer_has_different_credit_account_id;
  }
  if (event.ledger != 0 && event.ledger != pending.ledger) {
    return CreateTransferStatus.pending_transfer_has_different_ledger;
  }
  if (event.code != 0 && event.code != pending.code) return CreateTransferStatus.pending_transfer_has_different_code;

  const whole = takesWholeAmount(event);
  const lo = whole ? pending.amount_lo : event.amount_lo;
  const hi = whole ? pending.amount_hi : event.amount_hi;
  if (isGreater(lo, hi, pending.amount_lo, pending.amount_hi)) {
    return CreateTransferStatus.exceeds_pending_transfer_amount;
  }
  if (isVoid && differs(lo, hi, pending.amount_lo, pending.amount_hi)) {
    return CreateTransferStatus.pending_transfer_has_different_amount;
  }

  if (!isOpen) return resolvedStatus(idsFindResolution(idLo, idHi));
  const tail = changetype<PendingTail>(pendingRow(slot) + RECORD_SIZE);
  // Its time is over, though no expiry has released it yet.
  if (tail.expires_at != 0 && tail.expires_at <= timestamp) return CreateTransferStatus.pending_transfer_expired;
  if ((flags & TransferFlags.imported) != 0 && importedRegresses(timestamp)) {
    return CreateTransferStatus.imported_event_timestamp_must_not_regress;
  }

  const debitRow = accountRow(tail.debit_slot);
  const creditRow = accountRow(tail.credit_slot);
  // All that may happen to a closed account is that something pending is voided.
  if (!isVoid) {
    if (isClosed(debitRow)) return CreateTransferStatus.debit_account_already_closed;
    if (isClosed(creditRow)) return CreateTransferStatus.credit_account_already_closed;
  }
  assert(timestamp > pending.timestamp, "transfer: expected to be later than its pending transfer");

  // From here on nothing fails.
  accountTouch(tail.debit_slot);
  accountTouch(tail.credit_slot);
  chainKeepEvent(index);
  chainKeepAccount(tail.debit_slot);
  chainKeepAccount(tail.credit_slot);
  complete(event, pending, lo, hi, timestamp);
  release(pending, debitRow, creditRow, isVoid);
  if (!isVoid) {
    increase(debitRow + offsetof<Account>("debits_posted_lo"), lo, hi);
    increase(creditRow + offsetof<Account>("credits_posted_lo"), lo, hi);
  }
  const kind = isVoid ? IndexKind.voided : IndexKind.posted;
  idsInsert(idLo, idHi, ((<u64>kind) << INDEX_KIND_SHIFT) | refAt(index));
  pendingResolved(slot);
  transferCreated(index, timestamp, debitRow, creditRow);
  return CreateTransferStatus.created;
}

function resolvedStatus(resolution: u64): i32 {
  const kind = resolution >> INDEX_KIND_SHIFT;
  if (kind == <u64>IndexKind.posted) return CreateTransferStatus.pending_transfer_already_posted;
  if (kind == <u64>IndexKind.voided) return CreateTransferStatus.pending_transfer_already_voided;
  assert(kind == <u64>IndexKind.expired, "ids: expected to know what became of a pending transfer");
  return CreateTransferStatus.pending_transfer_expired;
}

// What a post or void leaves out, it has from its pending transfer.
function complete(event: Transfer, pending: Transfer, lo: u64, hi: u64, timestamp: u64): void {
  event.debit_account_id_lo = pending.debit_account_id_lo;
  event.debit_account_id_hi = pending.debit_account_id_hi;
  event.credit_account_id_lo = pending.credit_account_id_lo;
  event.credit_account_id_hi = pending.credit_account_id_hi;
  event.amount_lo = lo;
  event.amount_hi = hi;
  if ((event.user_data_128_lo | event.user_data_128_hi) == 0) {
    event.user_data_128_lo = pending.user_data_128_lo;
    event.user_data_128_hi = pending.user_data_128_hi;
  }
  if (event.user_data_64 == 0) event.user_data_64 = pending.user_data_64;
  if (event.user_data_32 == 0) event.user_data_32 = pending.user_data_32;
  event.ledger = pending.ledger;
  event.code = pending.code;
  event.timestamp = timestamp;
}

/** Takes the reservation off both accounts; `reopens`: also what closed them. */
export function release(pending: Transfer, debitRow: usize, creditRow: usize, reopens: bool): void {
  decrease(debitRow + offsetof<Account>("debits_pending_lo"), pending.amount_lo, pending.amount_hi);
  decrease(creditRow + offsetof<Account>("credits_pending_lo"), pending.amount_lo, pending.amount_hi);
  const closes = <u32>pending.flags & (TransferFlags.closing_debit | TransferFlags.closing_credit);
  if (closes == 0) return;
  assert(reopens, "pending transfer: expected one that closes an account to be never posted");
  if ((closes & TransferFlags.closing_debit) != 0) reopen(debitRow);
  if ((closes & TransferFlags.closing_credit) != 0) reopen(creditRow);
}

function reopen(row: usize): void {
  assert(isClosed(row), "account: expected it to be closed");
  const account = changetype<Account>(row);
  account.flags = account.flags & ~(<u16>AccountFlags.closed);
}

// @ts-ignore: decorator
@inline
function isClosed(row: usize): bool {
  return (<u32>changetype<Account>(row).flags & AccountFlags.closed) != 0;
}
