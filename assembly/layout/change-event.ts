// One change of balances, with both accounts as they were right after it. For an expiry the transfer fields are those
// of the pending transfer, and `timestamp` is when it expired.

// @ts-ignore: decorator
@unmanaged
export class ChangeEvent {
  transfer_id_lo: u64;
  transfer_id_hi: u64;
  transfer_amount_lo: u64;
  transfer_amount_hi: u64;
  transfer_pending_id_lo: u64;
  transfer_pending_id_hi: u64;
  transfer_user_data_128_lo: u64;
  transfer_user_data_128_hi: u64;
  transfer_user_data_64: u64;
  transfer_user_data_32: u32;
  transfer_timeout: u32;
  transfer_code: u16;
  transfer_flags: u16;
  ledger: u32;
  type: u32;
  reserved_0: u32;
  reserved_1: u64;
  reserved_2: u64;
  reserved_3: u64;
  reserved_4: u64;
  debit_account_id_lo: u64;
  debit_account_id_hi: u64;
  debit_account_debits_pending_lo: u64;
  debit_account_debits_pending_hi: u64;
  debit_account_debits_posted_lo: u64;
  debit_account_debits_posted_hi: u64;
  debit_account_credits_pending_lo: u64;
  debit_account_credits_pending_hi: u64;
  debit_account_credits_posted_lo: u64;
  debit_account_credits_posted_hi: u64;
  credit_account_id_lo: u64;
  credit_account_id_hi: u64;
  credit_account_debits_pending_lo: u64;
  credit_account_debits_pending_hi: u64;
  credit_account_debits_posted_lo: u64;
  credit_account_debits_posted_hi: u64;
  credit_account_credits_pending_lo: u64;
  credit_account_credits_pending_hi: u64;
  credit_account_credits_posted_lo: u64;
  credit_account_credits_posted_hi: u64;
  timestamp: u64;
  transfer_timestamp: u64;
  debit_account_timestamp: u64;
  credit_account_timestamp: u64;
  debit_account_flags: u16;
  credit_account_flags: u16;
  reserved_5: u32;
  reserved_6: u64;
  reserved_7: u64;
  reserved_8: u64;
  reserved_9: u64;
  reserved_10: u64;
  reserved_11: u64;
  reserved_12: u64;
}

export enum ChangeEventType {
  single_phase = 0,
  two_phase_pending = 1,
  two_phase_posted = 2,
  two_phase_voided = 3,
  two_phase_expired = 4,
}

if (offsetof<ChangeEvent>() != 384) ERROR("ChangeEvent must be 384 bytes");
if (offsetof<ChangeEvent>("debit_account_id_lo") != 128) ERROR("ChangeEvent.debit_account_id must be at 128");
if (offsetof<ChangeEvent>("credit_account_id_lo") != 208) ERROR("ChangeEvent.credit_account_id must be at 208");
if (offsetof<ChangeEvent>("timestamp") != 288) ERROR("ChangeEvent.timestamp must be at 288");
