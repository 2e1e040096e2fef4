// What each answer to a record means for whoever wrote the file. Exhaustive: a new status does not compile without.
import {
  type CreateAccountStatusName,
  CreateAccountStatusNames,
  type CreateTransferStatusName,
  CreateTransferStatusNames,
} from '../../layout/generated.ts';
import type { RecordKind } from '../files/columns.ts';

type Name = CreateAccountStatusName | CreateTransferStatusName;

const different = (field: string): string =>
  `the id exists with another ${field}: use a new id, or correct the record`;

const REASONS: { readonly [name in Name]: string } = {
  created: 'created',
  exists: 'the same record was created before: nothing to do',
  linked_event_failed: 'another record of its chain was refused, so none of the chain was applied',
  linked_event_chain_open:
    'the last record of the file carries the flag linked: a chain must end with a record without it',
  imported_event_expected: 'the first record of its batch is imported, this one is not: do not mix them',
  imported_event_not_expected: 'the first record of its batch is not imported, this one is: do not mix them',
  timestamp_must_be_zero: 'only imported records have a timestamp of their own',
  imported_event_timestamp_out_of_range: 'an imported record needs a timestamp from 1 to 2^63-2',
  imported_event_timestamp_must_not_advance: 'an imported record needs a timestamp in the past',
  imported_event_timestamp_must_not_regress: 'imported records must come in the order of their timestamps',
  imported_event_timestamp_must_postdate_debit_account: 'the transfer is older than the account it debits',
  imported_event_timestamp_must_postdate_credit_account: 'the transfer is older than the account it credits',
  imported_event_timeout_must_be_zero: 'an imported pending transfer has no timeout',
  reserved_field:
    'a balance limit needs the flag credit_balance_limited or debit_balance_limited, and an exponent up to 30; a payment order has no verdict of its own',
  signature_not_checked:
    'nobody has checked the order’s signature: submit it to cash, not to the bare ledger',
  signature_invalid: 'the signature is not that of the order and its key',
  flags_not_allowed: 'a payment order may be pending and nothing else',
  reserved_flag: 'the flags hold a bit that means nothing',
  id_must_not_be_zero: 'the id is zero',
  id_must_not_be_int_max: 'the id is 2^128-1, which is reserved',
  exists_with_different_flags: different('set of flags or balance limit'),
  exists_with_different_user_data_128: different('user_data_128'),
  exists_with_different_user_data_64: different('user_data_64'),
  exists_with_different_user_data_32: different('user_data_32'),
  exists_with_different_ledger: different('ledger'),
  exists_with_different_code: different('code'),
  exists_with_different_pending_id: different('pending_id'),
  exists_with_different_timeout: different('timeout'),
  exists_with_different_debit_account_id: different('debit_account_id'),
  exists_with_different_credit_account_id: different('credit_account_id'),
  exists_with_different_amount: different('amount'),
  exists_with_different_order:
    'the id exists, but not from this order: its reference, sequence number, expiry or key is another',
  id_already_failed: 'this id was refused before for a reason that may have passed: try again under a new id',
  order_expired: 'the order was valid until an earlier time: the payer has to sign a new one',
  sequence_must_not_be_zero: 'sequence numbers of orders begin at 1',
  flags_are_mutually_exclusive: 'its flags contradict each other',
  debits_pending_must_be_zero: 'a new account has no balances: debits_pending must be empty',
  debits_posted_must_be_zero: 'a new account has no balances: debits_posted must be empty',
  credits_pending_must_be_zero: 'a new account has no balances: credits_pending must be empty',
  credits_posted_must_be_zero: 'a new account has no balances: credits_posted must be empty',
  ledger_must_not_be_zero: 'the ledger (currency) is missing',
  code_must_not_be_zero: 'the code is missing',
  debit_account_id_must_not_be_zero: 'debit_account_id is missing',
  debit_account_id_must_not_be_int_max: 'debit_account_id is 2^128-1, which is reserved',
  credit_account_id_must_not_be_zero: 'credit_account_id is missing',
  credit_account_id_must_not_be_int_max: 'credit_account_id is 2^128-1, which is reserved',
  accounts_must_be_different: 'it debits and credits the same account',
  pending_id_must_be_zero: 'only a transfer that posts or voids another has a pending_id',
  pending_id_must_not_be_zero: 'a transfer that posts or voids another needs its pending_id',
  pending_id_must_not_be_int_max: 'pending_id is 2^128-1, which is reserved',
  pending_id_must_be_different: 'pending_id is its own id',
  timeout_reserved_for_pending_transfer: 'only a pending transfer has a timeout',
  closing_transfer_must_be_pending: 'a transfer that closes an account must be pending',
  debit_account_not_found: 'no account has this debit_account_id',
  payer_key_differs: 'the account it debits has another signing key',
  orders_closed: 'the account it debits takes no payment orders any more',
  sequence_too_old: 'the account has had an order with a sequence number 64 or more above this one',
  sequence_used: 'the account has had an order with this sequence number',
  exceeds_payment_limit: 'it is more than the account may pay at once',
  exceeds_day_limit: 'with it the account would pay more than it may in a day',
  credit_account_not_found: 'no account has this credit_account_id',
  accounts_must_have_the_same_ledger: 'the two accounts are in different ledgers (currencies)',
  transfer_must_have_the_same_ledger_as_accounts: 'its ledger (currency) is not that of its accounts',
  pending_transfer_not_found: 'no transfer has this pending_id',
  pending_transfer_not_pending: 'the transfer with this pending_id is not a pending one',
  pending_transfer_has_different_debit_account_id: 'the pending transfer debits another account',
  pending_transfer_has_different_credit_account_id: 'the pending transfer credits another account',
  pending_transfer_has_different_ledger: 'the pending transfer is in another ledger',
  pending_transfer_has_different_code: 'the pending transfer has another code',
  exceeds_pending_transfer_amount: 'it posts more than the pending transfer holds',
  pending_transfer_has_different_amount: 'a void has no amount, or exactly the pending one',
  pending_transfer_already_posted: 'the pending transfer was posted before',
  pending_transfer_already_voided: 'the pending transfer was voided before',
  pending_transfer_expired: 'the pending transfer had timed out',
  debit_account_already_closed: 'the account it debits is closed',
  credit_account_already_closed: 'the account it credits is closed',
  overflows_debits_pending: 'the pending debits of an account would exceed 2^128-1',
  overflows_credits_pending: 'the pending credits of an account would exceed 2^128-1',
  overflows_debits_posted: 'the posted debits of an account would exceed 2^128-1',
  overflows_credits_posted: 'the posted credits of an account would exceed 2^128-1',
  overflows_debits: 'the debits of an account would exceed 2^128-1',
  overflows_credits: 'the credits of an account would exceed 2^128-1',
  overflows_timeout: 'its timeout ends beyond the range of timestamps',
  exceeds_credits: 'the account it debits does not hold enough',
  exceeds_debits: 'the account it credits does not owe enough',
  exceeds_credit_limit: 'the account it credits would hold more than its limit',
  exceeds_debit_limit: 'the account it debits would owe more than its limit',
};

/** The name of an answer's number. */
export function statusName(kind: RecordKind, status: number): string {
  const names: ReadonlyMap<number, string> =
    kind.name === 'accounts' ? CreateAccountStatusNames : CreateTransferStatusNames;
  return names.get(status) ?? `status_${status}`;
}

export function reasonOf(name: string): string {
  return Object.hasOwn(REASONS, name) ? REASONS[name as Name] : 'a status of a later version of the engine';
}
