// What the ledger's statuses, and what is wrong with a message, are in the codes that banks answer with. Exhaustive: a
// new status does not compile without. docs/iso20022.md has the table.
import type { Iso20022ErrorCode, Reason, ReasonCode } from '../../../iso20022/index.ts';
import type { CreateTransferStatusName } from '../../../layout/generated.ts';
import { reasonOf } from '../reasons.ts';

/** Null: booked, now or before. */
const OF_STATUS: { readonly [name in CreateTransferStatusName]: ReasonCode | null } = {
  created: null,
  exists: null,
  linked_event_failed: 'MS03',
  linked_event_chain_open: 'MS03',
  imported_event_expected: 'MS03',
  imported_event_not_expected: 'MS03',
  timestamp_must_be_zero: 'MS03',
  imported_event_timestamp_out_of_range: 'MS03',
  imported_event_timestamp_must_not_advance: 'MS03',
  imported_event_timestamp_must_not_regress: 'MS03',
  imported_event_timestamp_must_postdate_debit_account: 'MS03',
  imported_event_timestamp_must_postdate_credit_account: 'MS03',
  imported_event_timeout_must_be_zero: 'MS03',
  reserved_flag: 'MS03',
  id_must_not_be_zero: 'MS03',
  id_must_not_be_int_max: 'MS03',
  exists_with_different_flags: 'AM05',
  exists_with_different_user_data_128: 'AM05',
  exists_with_different_user_data_64: 'AM05',
  exists_with_different_user_data_32: 'AM05',
  exists_with_different_ledger: 'AM05',
  exists_with_different_code: 'AM05',
  exists_with_different_pending_id: 'AM05',
  exists_with_different_timeout: 'AM05',
  exists_with_different_debit_account_id: 'AM05',
  exists_with_different_credit_account_id: 'AM05',
  exists_with_different_amount: 'AM05',
  id_already_failed: 'AM05',
  flags_are_mutually_exclusive: 'MS03',
  debit_account_id_must_not_be_zero: 'AC02',
  debit_account_id_must_not_be_int_max: 'AC02',
  credit_account_id_must_not_be_zero: 'AC03',
  credit_account_id_must_not_be_int_max: 'AC03',
  accounts_must_be_different: 'AG01',
  pending_id_must_be_zero: 'MS03',
  pending_id_must_not_be_zero: 'MS03',
  pending_id_must_not_be_int_max: 'MS03',
  pending_id_must_be_different: 'MS03',
  timeout_reserved_for_pending_transfer: 'MS03',
  closing_transfer_must_be_pending: 'MS03',
  ledger_must_not_be_zero: 'AM11',
  code_must_not_be_zero: 'MS03',
  debit_account_not_found: 'AC02',
  credit_account_not_found: 'AC03',
  accounts_must_have_the_same_ledger: 'AM03',
  transfer_must_have_the_same_ledger_as_accounts: 'AM03',
  pending_transfer_not_found: 'MS03',
  pending_transfer_not_pending: 'MS03',
  pending_transfer_has_different_debit_account_id: 'MS03',
  pending_transfer_has_different_credit_account_id: 'MS03',
  pending_transfer_has_different_ledger: 'MS03',
  pending_transfer_has_different_code: 'MS03',
  exceeds_pending_transfer_amount: 'MS03',
  pending_transfer_has_different_amount: 'MS03',
  pending_transfer_already_posted: 'MS03',
  pending_transfer_already_voided: 'MS03',
  pending_transfer_expired: 'MS03',
  debit_account_already_closed: 'AC05',
  credit_account_already_closed: 'AC07',
  overflows_debits_pending: 'AM02',
  overflows_credits_pending: 'AM02',
  overflows_debits_posted: 'AM02',
  overflows_credits_posted: 'AM02',
  overflows_debits: 'AM02',
  overflows_credits: 'AM02',
  overflows_timeout: 'MS03',
  exceeds_credits: 'AM04',
  exceeds_debits: 'AG01',
  exceeds_credit_limit: 'AM14',
  exceeds_debit_limit: 'AM14',
  reserved_field: 'MS03',
  signature_not_checked: 'MS03',
  signature_invalid: 'MS03',
  flags_not_allowed: 'MS03',
  exists_with_different_order: 'AM05',
  order_expired: 'MS03',
  sequence_must_not_be_zero: 'MS03',
  payer_key_differs: 'MS03',
  orders_closed: 'MS03',
  sequence_too_old: 'MS03',
  sequence_used: 'MS03',
  exceeds_payment_limit: 'AM14',
  exceeds_day_limit: 'AM14',
};

const OF_FINDING: { readonly [code in Iso20022ErrorCode]: ReasonCode } = {
  too_large: 'FF01',
  bad_encoding: 'FF01',
  bad_xml: 'FF01',
  forbidden_xml: 'FF01',
  wrong_message: 'FF01',
  missing: 'CH21',
  repeated: 'FF01',
  bad_text: 'FF01',
  bad_date: 'DT01',
  bad_amount: 'AM12',
  zero_amount: 'AM01',
  bad_currency: 'AM11',
  bad_account: 'AC01',
  not_handled: 'AG02',
  bad_count: 'AM18',
  bad_sum: 'AM10',
  duplicate: 'AM05',
};

/** Undefined where the transfer is booked. */
export function reasonOfStatus(status: string): Reason | undefined {
  // A status of a later engine has no code of its own.
  const code = Object.hasOwn(OF_STATUS, status) ? OF_STATUS[status as CreateTransferStatusName] : 'MS03';
  return code === null ? undefined : { code, information: `${status}: ${reasonOf(status)}` };
}

export function reasonOfFinding({
  code,
  path,
  problem,
}: {
  readonly code: Iso20022ErrorCode;
  readonly path: string;
  readonly problem: string;
}): Reason {
  return { code: OF_FINDING[code], information: path === '' ? problem : `${path}: ${problem}` };
}
