// Creating one transfer that moves or reserves money: every rule, in order of precedence. Post and void: post-void.ts;
// the short way for plain transfers: plain-transfer.ts.

import { Account, AccountFlags, CreateTransferStatus, Globals, INDEX_KIND_SHIFT, IndexKind } from "../layout";
import { PendingTail, RECORD_SIZE, TIMESTAMP_MAX, Transfer, TransferFlags, TRANSFER_FLAGS_RESERVED } from "../layout";
import { idsFindAt, idsInsertAt } from "../index/ids";
import { differenceHi, increase, isGreater, sumHi, sumOverflows } from "./amount";
import { answer, eventAt, refAt } from "./batch";
import { chainKeepAccount, chainKeepEvent, pendingOpened } from "./chain";
import { accountAt } from "./create-account";
import { effectAppend } from "./effect";
import { existingTransfer } from "./exists";
import { globals } from "./globals";
import { exceedsCreditLimit, exceedsCredits, exceedsDebitLimit, exceedsDebits } from "./limit";
import { idEntered, idIsUnseen } from "./newest-id";
import { pendingInsert } from "./pending-index";
import { postOrVoid } from "./post-void";
import { accountRow, pendingAllocate, pendingRow } from "./table";

const NANOSECONDS_PER_SECOND: u64 = 1_000_000_000;

const DEBITS_PENDING: usize = offsetof<Account>("debits_pending_lo");
const DEBITS_POSTED: usize = offsetof<Account>("debits_posted_lo");
const CREDITS_PENDING: usize = offsetof<Account>("credits_pending_lo");
const CREDITS_POSTED: usize = offsetof<Account>("credits_posted_lo");

/** Where the effect of the transfer created last starts: CreateResult.effect. */
export let createdEffect: u32 = 0;

/**
 * Creates the transfer in event `index` with this timestamp (its own if imported); returns its CreateTransferStatus.
 * `debitSlot` and `creditSlot` are what its account ids stand for (-1: nothing), both touched. `isNew`: the id is known
 * to be unused.
 */
export function createTransfer(index: u32, timestamp: u64, debitSlot: i32, creditSlot: i32, isNew: bool): i32 {
  const event = changetype<Transfer>(eventAt(index));
  const flags = <u32>event.flags;
  if ((flags & TRANSFER_FLAGS_RESERVED) != 0) return CreateTransferStatus.reserved_flag;
  if ((event.id_lo | event.id_hi) == 0) return CreateTransferStatus.id_must_not_be_zero;
  if ((event.id_lo & event.id_hi) == u64.MAX_VALUE) return CreateTransferStatus.id_must_not_be_int_max;
  if (!isNew && !idIsUnseen(event.id_lo, event.id_hi)) {
    const existing = idsFindAt(index);
    if (existing != 0) return existingTransfer(event, existing);
  }
  if ((flags & (TransferFlags.post_pending_transfer | TransferFlags.void_pending_transfer)) != 0) {
    return postOrVoid(event, index, timestamp);
  }
  const status = validateFields(event, flags);
  if (status != CreateTransferStatus.created) return status;
  return moveOrReserve(event, index, timestamp, debitSlot, creditSlot);
}

/** Creates a transfer with a new id and valid fields; returns its CreateTransferStatus. */
export function moveOrReserve(event: Transfer, index: u32, timestamp: u64, debitSlot: i32, creditSlot: i32): i32 {
  const flags = <u32>event.flags;
  const isPending = (flags & TransferFlags.pending) != 0;

  if (debitSlot < 0) return CreateTransferStatus.debit_account_not_found;
  if (creditSlot < 0) return CreateTransferStatus.credit_account_not_found;
  const debitRow = accountRow(debitSlot);
  const creditRow = accountRow(creditSlot);
  const debit = changetype<Account>(debitRow);
  const credit = changetype<Account>(creditRow);
  if (debit.ledger != credit.ledger) return CreateTransferStatus.accounts_must_have_the_same_ledger;
  if (event.ledger != debit.ledger) return CreateTransferStatus.transfer_must_have_the_same_ledger_as_accounts;
  if ((flags & TransferFlags.imported) != 0) {
    if (importedRegresses(timestamp)) return CreateTransferStatus.imported_event_timestamp_must_not_regress;
    if (timestamp <= debit.timestamp) {
      return CreateTransferStatus.imported_event_timestamp_must_postdate_debit_account;
    }
    if (timestamp <= credit.timestamp) {
      return CreateTransferStatus.imported_event_timestamp_must_postdate_credit_account;
    }
    if (event.timeout != 0) return CreateTransferStatus.imported_event_timeout_must_be_zero;
  }
  assert(timestamp > debit.timestamp && timestamp > credit.timestamp, "transfer: expected to be later than its accounts");
  if ((debit.flags & AccountFlags.closed) != 0) return CreateTransferStatus.debit_account_already_closed;
  if ((credit.flags & AccountFlags.closed) != 0) return CreateTransferStatus.credit_account_already_closed;

  // All that is owed on each side so far; never above 2^128 - 1, which the checks below keep up.
  const debitsLo = debit.debits_pending_lo + debit.debits_posted_lo;
  const debitsHi = sumHi(
    debit.debits_pending_lo, debit.debits_pending_hi, debit.debits_posted_lo, debit.debits_posted_hi,
  );
  const creditsLo = credit.credits_pending_lo + credit.credits_posted_lo;
  const creditsHi = sumHi(
    credit.credits_pending_lo, credit.credits_pending_hi, credit.credits_posted_lo, credit.credits_posted_hi,
  );

  let lo = event.amount_lo;
  let hi = event.amount_hi;
  if ((flags & TransferFlags.balancing_debit) != 0) {
    // At most what brings the debit account's debits up to its posted credits.
    const above = isGreater(debit.credits_posted_lo, debit.credits_posted_hi, debitsLo, debitsHi);
    const roomLo = above ? debit.credits_posted_lo - debitsLo : 0;
    const roomHi = above
      ? differenceHi(debit.credits_posted_lo, debit.credits_posted_hi, debitsLo, debitsHi)
      : 0;
    if (isGreater(lo, hi, roomLo, roomHi)) {
      lo = roomLo;
      hi = roomHi;
    }
  }
  if ((flags & TransferFlags.balancing_credit) != 0) {
    const above = isGreater(credit.debits_posted_lo, credit.debits_posted_hi, creditsLo, creditsHi);
    const roomLo = above ? credit.debits_posted_lo - creditsLo : 0;
    const roomHi = above
      ? differenceHi(credit.debits_posted_lo, credit.debits_posted_hi, creditsLo, creditsHi)
      : 0;
    if (isGreater(lo, hi, roomLo, roomHi)) {
      lo = roomLo;
      hi = roomHi;
    }
  }

  if (isPending) {
    if (sumOverflows(lo, hi, debit.debits_pending_lo, debit.debits_pending_hi)) {
      return CreateTransferStatus.overflows_debits_pending;
    }
    if (sumOverflows(lo, hi, credit.credits_pending_lo, credit.credits_pending_hi)) {
      return CreateTransferStatus.overflows_credits_pending;
    }
  }
  if (sumOverflows(lo, hi, debit.debits_posted_lo, debit.debits_posted_hi)) {
    return CreateTransferStatus.overflows_debits_posted;
  }
  if (sumOverflows(lo, hi, credit.credits_posted_lo, credit.credits_posted_hi)) {
    return CreateTransferStatus.overflows_credits_posted;
  }
  if (sumOverflows(lo, hi, debitsLo, debitsHi)) return CreateTransferStatus.overflows_debits;
  if (sumOverflows(lo, hi, creditsLo, creditsHi)) return CreateTransferStatus.overflows_credits;
  const lifetime = <u64>event.timeout * NANOSECONDS_PER_SECOND;
  if (lifetime > TIMESTAMP_MAX - timestamp) return CreateTransferStatus.overflows_timeout;

  const debitsAfterLo = debitsLo + lo;
  const debitsAfterHi = sumHi(debitsLo, debitsHi, lo, hi);
  const creditsAfterLo = creditsLo + lo;
  const creditsAfterHi = sumHi(creditsLo, creditsHi, lo, hi);
  if (exceedsCredits(debit, debitsAfterLo, debitsAfterHi)) return CreateTransferStatus.exceeds_credits;
  if (exceedsDebits(credit, creditsAfterLo, creditsAfterHi)) return CreateTransferStatus.exceeds_debits;
  if (exceedsCreditLimit(credit, creditsAfterLo, creditsAfterHi)) return CreateTransferStatus.exceeds_credit_limit;
  if (exceedsDebitLimit(debit, debitsAfterLo, debitsAfterHi)) return CreateTransferStatus.exceeds_debit_limit;

  // From here on nothing fails.
  chainKeepEvent(index);
  chainKeepAccount(debitSlot);
  chainKeepAccount(creditSlot);
  event.amount_lo = lo;
  event.amount_hi = hi;
  event.timestamp = timestamp;
  if (isPending) {
    increase(debitRow + DEBITS_PENDING, lo, hi);
    increase(creditRow + CREDITS_PENDING, lo, hi);
    if ((flags & TransferFlags.closing_debit) != 0) debit.flags = debit.flags | <u16>AccountFlags.closed;
    if ((flags & TransferFlags.closing_credit) != 0) credit.flags = credit.flags | <u16>AccountFlags.closed;
    reserve(event, index, debitSlot, creditSlot, event.timeout == 0 ? 0 : timestamp + lifetime);
  } else {
    increase(debitRow + DEBITS_POSTED, lo, hi);
    increase(creditRow + CREDITS_POSTED, lo, hi);
  }
  transferCreated(index, timestamp, debitRow, creditRow);
  return CreateTransferStatus.created;
}

/** What is wrong with the fields of a transfer that moves or reserves money, whatever the state. */
export function validateFields(event: Transfer, flags: u32): i32 {
  const debitLo = event.debit_account_id_lo;
  const debitHi = event.debit_account_id_hi;
  const creditLo = event.credit_account_id_lo;
  const creditHi = event.credit_account_id_hi;
  if ((debitLo | debitHi) == 0) return CreateTransferStatus.debit_account_id_must_not_be_zero;
  if ((debitLo & debitHi) == u64.MAX_VALUE) return CreateTransferStatus.debit_account_id_must_not_be_int_max;
  if ((creditLo | creditHi) == 0) return CreateTransferStatus.credit_account_id_must_not_be_zero;
  if ((creditLo & creditHi) == u64.MAX_VALUE) return CreateTransferStatus.credit_account_id_must_not_be_int_max;
  if (((debitLo ^ creditLo) | (debitHi ^ creditHi)) == 0) return CreateTransferStatus.accounts_must_be_different;
  if ((event.pending_id_lo | event.pending_id_hi) != 0) return CreateTransferStatus.pending_id_must_be_zero;
  if ((flags & TransferFlags.pending) == 0) {
    if (event.timeout != 0) return CreateTransferStatus.timeout_reserved_for_pending_transfer;
    if ((flags & (TransferFlags.closing_debit | TransferFlags.closing_credit)) != 0) {
      return CreateTransferStatus.closing_transfer_must_be_pending;
    }
  }
  if (event.ledger == 0) return CreateTransferStatus.ledger_must_not_be_zero;
  if (event.code == 0) return CreateTransferStatus.code_must_not_be_zero;
  return CreateTransferStatus.created;
}

/** Whether an imported transfer's timestamp is not later than every transfer, or is an account's. */
export function importedRegresses(timestamp: u64): bool {
  return timestamp <= changetype<Globals>(globals()).transfer_timestamp || accountAt(timestamp);
}

function reserve(event: Transfer, index: u32, debitSlot: u32, creditSlot: u32, expiresAt: u64): void {
  const slot = pendingAllocate();
  const row = pendingRow(slot);
  memory.copy(row, changetype<usize>(event), RECORD_SIZE);
  const tail = changetype<PendingTail>(row + RECORD_SIZE);
  tail.ref = refAt(index);
  tail.expires_at = expiresAt;
  tail.debit_slot = debitSlot;
  tail.credit_slot = creditSlot;
  pendingInsert(event.id_lo, event.id_hi, slot);
  pendingOpened(slot);
}

/** What every created transfer does at its end, when event and balances are complete. */
export function transferCreated(index: u32, timestamp: u64, debitRow: usize, creditRow: usize): void {
  const ref = refAt(index);
  const event = changetype<Transfer>(eventAt(index));
  idEntered(event.id_lo, event.id_hi);
  idsInsertAt(index, ((<u64>IndexKind.created) << INDEX_KIND_SHIFT) | ref);
  createdEffect = effectAppend(debitRow, creditRow, ref, false);
  const state = changetype<Globals>(globals());
  assert(timestamp > state.transfer_timestamp, "transfer: expected to be later than every other");
  state.transfer_timestamp = timestamp;
  state.transfer_count += 1;
  answer(timestamp);
}
