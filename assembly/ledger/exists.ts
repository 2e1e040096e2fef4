// A transfer id that has been seen: the same transfer again answers `exists`, another one says where it differs.

import { CreateTransferStatus, INDEX_KIND_SHIFT, IndexKind, Transfer, TransferFlags } from "../layout";
import { idsFind } from "../index/ids";
import { answer, storedTransfer } from "./batch";

const RESOLVES: u32 = TransferFlags.post_pending_transfer | TransferFlags.void_pending_transfer;
const BALANCES: u32 = TransferFlags.balancing_debit | TransferFlags.balancing_credit;

/** Status of a transfer whose id the index knows as `value` (created or failed). */
export function existingTransfer(event: Transfer, value: u64): i32 {
  if (value >> INDEX_KIND_SHIFT == <u64>IndexKind.failed) return CreateTransferStatus.id_already_failed;
  assert(value >> INDEX_KIND_SHIFT == <u64>IndexKind.created, "ids: expected created or failed");
  const existing = changetype<Transfer>(storedTransfer(value, 0));
  assert(existing.id_lo == event.id_lo && existing.id_hi == event.id_hi, "ids: expected the record of this id");

  // Flags decide what the other fields mean.
  if (event.flags != existing.flags) return CreateTransferStatus.exists_with_different_flags;
  if (event.pending_id_lo != existing.pending_id_lo || event.pending_id_hi != existing.pending_id_hi) {
    return CreateTransferStatus.exists_with_different_pending_id;
  }
  if (event.timeout != existing.timeout) return CreateTransferStatus.exists_with_different_timeout;
  const status =
    (<u32>event.flags & RESOLVES) != 0 ? compareResolving(event, existing) : compareMoving(event, existing);
  if (status == CreateTransferStatus.exists) answer(existing.timestamp);
  return status;
}

function compareMoving(event: Transfer, existing: Transfer): i32 {
  if (differs(event.debit_account_id_lo, event.debit_account_id_hi, existing.debit_account_id_lo, existing.debit_account_id_hi)) {
    return CreateTransferStatus.exists_with_different_debit_account_id;
  }
  if (differs(event.credit_account_id_lo, event.credit_account_id_hi, existing.credit_account_id_lo, existing.credit_account_id_hi)) {
    return CreateTransferStatus.exists_with_different_credit_account_id;
  }
  // The amount of a balancing transfer is an upper bound: what was moved may be less.
  const less =
    event.amount_hi < existing.amount_hi ||
    (event.amount_hi == existing.amount_hi && event.amount_lo < existing.amount_lo);
  const different = (<u32>event.flags & BALANCES) != 0 ? less : differsAmount(event, existing);
  if (different) return CreateTransferStatus.exists_with_different_amount;
  if (differs(event.user_data_128_lo, event.user_data_128_hi, existing.user_data_128_lo, existing.user_data_128_hi)) {
    return CreateTransferStatus.exists_with_different_user_data_128;
  }
  if (event.user_data_64 != existing.user_data_64) return CreateTransferStatus.exists_with_different_user_data_64;
  if (event.user_data_32 != existing.user_data_32) return CreateTransferStatus.exists_with_different_user_data_32;
  if (event.ledger != existing.ledger) return CreateTransferStatus.exists_with_different_ledger;
  if (event.code != existing.code) return CreateTransferStatus.exists_with_different_code;
  return CreateTransferStatus.exists;
}

// A post or void may leave fields out: the stored one then has what its pending transfer has.
function compareResolving(event: Transfer, existing: Transfer): i32 {
  const pending = changetype<Transfer>(
    storedTransfer(idsFind(existing.pending_id_lo, existing.pending_id_hi), 1),
  );
  assert(
    pending.id_lo == existing.pending_id_lo && pending.id_hi == existing.pending_id_hi,
    "ids: expected the pending transfer",
  );

  if (
    (event.debit_account_id_lo | event.debit_account_id_hi) != 0 &&
    differs(event.debit_account_id_lo, event.debit_account_id_hi, existing.debit_account_id_lo, existing.debit_account_id_hi)
  ) {
    return CreateTransferStatus.exists_with_different_debit_account_id;
  }
  if (
    (event.credit_account_id_lo | event.credit_account_id_hi) != 0 &&
    differs(event.credit_account_id_lo, event.credit_account_id_hi, existing.credit_account_id_lo, existing.credit_account_id_hi)
  ) {
    return CreateTransferStatus.exists_with_different_credit_account_id;
  }
  if (differsAmount(takesWholeAmount(event) ? pending : event, existing)) {
    return CreateTransferStatus.exists_with_different_amount;
  }
  const user_data_128 = (event.user_data_128_lo | event.user_data_128_hi) == 0 ? pending : event;
  if (differs(user_data_128.user_data_128_lo, user_data_128.user_data_128_hi, existing.user_data_128_lo, existing.user_data_128_hi)) {
    return CreateTransferStatus.exists_with_different_user_data_128;
  }
  const user_data_64 = event.user_data_64 == 0 ? pending : event;
  if (user_data_64.user_data_64 != existing.user_data_64) {
    return CreateTransferStatus.exists_with_different_user_data_64;
  }
  const user_data_32 = event.user_data_32 == 0 ? pending : event;
  if (user_data_32.user_data_32 != existing.user_data_32) {
    return CreateTransferStatus.exists_with_different_user_data_32;
  }
  if (event.ledger != 0 && event.ledger != existing.ledger) {
    return CreateTransferStatus.exists_with_different_ledger;
  }
  if (event.code != 0 && event.code != existing.code) return CreateTransferStatus.exists_with_different_code;
  return CreateTransferStatus.exists;
}

/** A post of 2^128 - 1 and a void of 0 stand for all that is pending. */
// @ts-ignore: decorator
@inline
export function takesWholeAmount(event: Transfer): bool {
  return (<u32>event.flags & TransferFlags.post_pending_transfer) != 0
    ? (event.amount_lo & event.amount_hi) == u64.MAX_VALUE
    : (event.amount_lo | event.amount_hi) == 0;
}

// @ts-ignore: decorator
@inline
function differsAmount(a: Transfer, b: Transfer): bool {
  return differs(a.amount_lo, a.amount_hi, b.amount_lo, b.amount_hi);
}

// @ts-ignore: decorator
@inline
export function differs(aLo: u64, aHi: u64, bLo: u64, bHi: u64): bool {
  return ((aLo ^ bLo) | (aHi ^ bHi)) != 0;
}
