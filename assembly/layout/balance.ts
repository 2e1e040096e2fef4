// An account's balances as they were right after one transfer.

// @ts-ignore: decorator
@unmanaged
export class AccountBalance {
  debits_pending_lo: u64;
  debits_pending_hi: u64;
  debits_posted_lo: u64;
  debits_posted_hi: u64;
  credits_pending_lo: u64;
  credits_pending_hi: u64;
  credits_posted_lo: u64;
  credits_posted_hi: u64;
  timestamp: u64;
  reserved_0: u64;
  reserved_1: u64;
  reserved_2: u64;
  reserved_3: u64;
  reserved_4: u64;
  reserved_5: u64;
  reserved_6: u64;
}

if (offsetof<AccountBalance>() != 128) ERROR("AccountBalance must be 128 bytes");
if (offsetof<AccountBalance>("timestamp") != 64) ERROR("AccountBalance.timestamp must be at 64");
