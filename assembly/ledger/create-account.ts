// Creating one account. Rules in order of precedence; those that hold for every kind of record come first, in execute.ts.

import { Account, AccountFlags, ACCOUNT_FLAGS_RESERVED, AccountTail, CreateAccountStatus, Globals } from "../layout";
import { RECORD_SIZE } from "../layout";
import { accountFind, accountInsert } from "./account-index";
import { answer, eventAt } from "./batch";
import { chainKeepEvent } from "./chain";
import { globals } from "./globals";
import { transferAt } from "./host";
import { limitIsValid } from "./limit";
import { accountAppend, accountRow } from "./table";

/** Creates the account in event `index` with this timestamp (its own if imported); returns its CreateAccountStatus. */
export function createAccount(index: u32, timestamp: u64): i32 {
  const event = changetype<Account>(eventAt(index));
  const flags = <u32>event.flags;
  if (!limitIsValid(event.balance_limit, flags)) return CreateAccountStatus.reserved_field;
  if ((flags & ACCOUNT_FLAGS_RESERVED) != 0) return CreateAccountStatus.reserved_flag;
  if ((event.id_lo | event.id_hi) == 0) return CreateAccountStatus.id_must_not_be_zero;
  if ((event.id_lo & event.id_hi) == u64.MAX_VALUE) return CreateAccountStatus.id_must_not_be_int_max;

  const existing = accountFind(event.id_lo, event.id_hi);
  if (existing >= 0) return compare(event, changetype<Account>(accountRow(existing)));

  const status = validate(event, flags, timestamp);
  if (status != CreateAccountStatus.created) return status;

  chainKeepEvent(index);
  event.timestamp = timestamp;
  const slot = accountAppend();
  const row = accountRow(slot);
  memory.copy(row, changetype<usize>(event), RECORD_SIZE);
  assert(changetype<AccountTail>(row + RECORD_SIZE).count == 0, "accounts: expected a new row to be empty");
  accountInsert(event.id_lo, event.id_hi, slot);
  // Timestamps rise with slots: transfers that are imported are checked against them by bisection.
  assert(timestamp > changetype<Globals>(globals()).account_timestamp, "accounts: expected a later timestamp");
  changetype<Globals>(globals()).account_timestamp = timestamp;
  answer(timestamp);
  return CreateAccountStatus.created;
}

function validate(event: Account, flags: u32, timestamp: u64): i32 {
  const exclusive = AccountFlags.debits_must_not_exceed_credits | AccountFlags.credits_must_not_exceed_debits;
  if ((flags & exclusive) == exclusive) return CreateAccountStatus.flags_are_mutually_exclusive;
  const limited = AccountFlags.credit_balance_limited | AccountFlags.debit_balance_limited;
  if ((flags & limited) == limited) return CreateAccountStatus.flags_are_mutually_exclusive;

  if ((event.debits_pending_lo | event.debits_pending_hi) != 0) {
    return CreateAccountStatus.debits_pending_must_be_zero;
  }
  if ((event.debits_posted_lo | event.debits_posted_hi) != 0) {
    return CreateAccountStatus.debits_posted_must_be_zero;
  }
  if ((event.credits_pending_lo | event.credits_pending_hi) != 0) {
    return CreateAccountStatus.credits_pending_must_be_zero;
  }
  if ((event.credits_posted_lo | event.credits_posted_hi) != 0) {
    return CreateAccountStatus.credits_posted_must_be_zero;
  }
  if (event.ledger == 0) return CreateAccountStatus.ledger_must_not_be_zero;
  if (event.code == 0) return CreateAccountStatus.code_must_not_be_zero;

  if ((flags & AccountFlags.imported) != 0) {
    const state = changetype<Globals>(globals());
    if (timestamp <= state.account_timestamp) return CreateAccountStatus.imported_event_timestamp_must_not_regress;
    if (timestamp <= state.transfer_timestamp && transferAt(timestamp)) {
      return CreateAccountStatus.imported_event_timestamp_must_not_regress;
    }
  }
  return CreateAccountStatus.created;
}

function compare(event: Account, existing: Account): i32 {
  if (event.flags != existing.flags) return CreateAccountStatus.exists_with_different_flags;
  // The limit belongs to the flag that asks for it; the reference has no status of its own for it.
  if (event.balance_limit != existing.balance_limit) return CreateAccountStatus.exists_with_different_flags;
  if (event.user_data_128_lo != existing.user_data_128_lo || event.user_data_128_hi != existing.user_data_128_hi) {
    return CreateAccountStatus.exists_with_different_user_data_128;
  }
  if (event.user_data_64 != existing.user_data_64) return CreateAccountStatus.exists_with_different_user_data_64;
  if (event.user_data_32 != existing.user_data_32) return CreateAccountStatus.exists_with_different_user_data_32;
  if (event.ledger != existing.ledger) return CreateAccountStatus.exists_with_different_ledger;
  if (event.code != existing.code) return CreateAccountStatus.exists_with_different_code;
  answer(existing.timestamp);
  return CreateAccountStatus.exists;
}

/** Whether some account has exactly this timestamp: a bisection, because timestamps rise with slots. */
export function accountAt(timestamp: u64): bool {
  const state = changetype<Globals>(globals());
  if (timestamp > state.account_timestamp) return false;
  let low: u32 = 0;
  let high = <u32>state.account_count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (changetype<Account>(accountRow(middle)).timestamp < timestamp) low = middle + 1;
    else high = middle;
  }
  return low < <u32>state.account_count && changetype<Account>(accountRow(low)).timestamp == timestamp;
}
