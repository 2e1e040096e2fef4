// The short way for the transfer that nearly all are: no flags, a new id, both accounts there and open, small numbers.
//
// It decides with one branch whether a transfer is that plain, and does then exactly what create-transfer.ts would.
// Whatever is not plain, or would fail, it leaves untouched to that file, which knows all rules and their precedence.

import { Account, AccountFlags, CreateResult, CreateTransferStatus, Globals, INDEX_KIND_SHIFT } from "../layout";
import { IndexKind, Transfer } from "../layout";
import { idsFindAt, idsInsertAt } from "../index/ids";
import { refAt, resultAt } from "./batch";
import { effectAppend } from "./effect";
import { globals } from "./globals";
import { exceedsCreditLimit, exceedsCredits, exceedsDebitLimit, exceedsDebits } from "./limit";
import { idEntered, idIsUnseen } from "./newest-id";
import { accountRow } from "./table";

const BOUNDS: u32 =
  AccountFlags.debits_must_not_exceed_credits |
  AccountFlags.credits_must_not_exceed_debits |
  AccountFlags.credit_balance_limited |
  AccountFlags.debit_balance_limited;

/**
 * Creates the transfer `event`, the batch's `index`-th, and writes its result if it is plain; otherwise changes nothing and returns
 * false. `stamp`: the timestamp that it was submitted with. Both accounts have been touched; no chain is open.
 */
// @ts-ignore: decorator
@inline
export function plainTransfer(
  event: Transfer,
  index: u32,
  timestamp: u64,
  stamp: u64,
  debitSlot: i32,
  creditSlot: i32,
  isNew: bool,
): bool {
  if ((debitSlot | creditSlot) < 0 || debitSlot == creditSlot) return false;
  const debitRow = accountRow(debitSlot);
  const creditRow = accountRow(creditSlot);
  const debit = changetype<Account>(debitRow);
  const credit = changetype<Account>(creditRow);
  const bounds = <u32>(debit.flags | credit.flags);
  const amount = event.amount_lo;

  // Everything that is zero in a plain transfer. With no number above 2^62, no sum of three of them wraps.
  const odd =
    stamp |
    event.pending_id_lo |
    event.pending_id_hi |
    event.amount_hi |
    debit.debits_pending_hi |
    debit.debits_posted_hi |
    debit.credits_pending_hi |
    debit.credits_posted_hi |
    credit.debits_pending_hi |
    credit.debits_posted_hi |
    credit.credits_pending_hi |
    credit.credits_posted_hi |
    ((amount |
      debit.debits_pending_lo |
      debit.debits_posted_lo |
      debit.credits_pending_lo |
      debit.credits_posted_lo |
      credit.debits_pending_lo |
      credit.debits_posted_lo |
      credit.credits_pending_lo |
      credit.credits_posted_lo) >>
      62) |
    <u64>(
      <u32>event.flags |
      event.timeout |
      (event.ledger ^ debit.ledger) |
      (event.ledger ^ credit.ledger) |
      (bounds & AccountFlags.closed) |
      u32(event.code == 0) |
      u32((event.id_lo | event.id_hi) == 0) |
      u32((event.id_lo & event.id_hi) == u64.MAX_VALUE)
    );
  if (odd != 0) return false;
  const isUnseen = isNew || idIsUnseen(event.id_lo, event.id_hi);
  if (!isUnseen && idsFindAt(index) != 0) return false;

  if ((bounds & BOUNDS) != 0) {
    const debits = debit.debits_pending_lo + debit.debits_posted_lo + amount;
    const credits = credit.credits_pending_lo + credit.credits_posted_lo + amount;
    if (exceedsCredits(debit, debits, 0) || exceedsDebits(credit, credits, 0)) return false;
    if (exceedsCreditLimit(credit, credits, 0) || exceedsDebitLimit(debit, debits, 0)) return false;
  }

  const ref = refAt(index);
  event.timestamp = timestamp;
  debit.debits_posted_lo += amount;
  credit.credits_posted_lo += amount;
  idEntered(event.id_lo, event.id_hi);
  idsInsertAt(index, ((<u64>IndexKind.created) << INDEX_KIND_SHIFT) | ref);
  const result = changetype<CreateResult>(resultAt(index));
  result.timestamp = timestamp;
  result.status = CreateTransferStatus.created;
  result.effect = effectAppend(debitRow, creditRow, ref, true);
  const state = changetype<Globals>(globals());
  assert(timestamp > state.transfer_timestamp, "transfer: expected to be later than every other");
  state.transfer_timestamp = timestamp;
  state.transfer_count += 1;
  return true;
}
