// An account: who owns value, in one ledger (currency).
//
//     0                16               32               48               64
//     ┌────────────────┬────────────────┬────────────────┬────────────────┐
//   0 │ id             │ debits_pending │ debits_posted  │ credits_pending│
//     ├────────────────┼────────────────┼────────┬───┬───┼───┬──┬──┬──────┤
//  64 │ credits_posted │ user_data_128  │ ud_64  │u32│lim│led│co│fl│ time │
//     └────────────────┴────────────────┴────────┴───┴───┴───┴──┴──┴──────┘
//
// Little-endian. Field order, flags and meaning are those of TigerBeetle's reference of mid-2026, except for
// `balance_limit` (its `reserved`), which is ours: see docs/decisions/0003-balance-limit.md.

// @ts-ignore: decorator
@unmanaged
export class Account {
  id_lo: u64;
  id_hi: u64;
  debits_pending_lo: u64;
  debits_pending_hi: u64;
  debits_posted_lo: u64;
  debits_posted_hi: u64;
  credits_pending_lo: u64;
  credits_pending_hi: u64;
  credits_posted_lo: u64;
  credits_posted_hi: u64;
  user_data_128_lo: u64;
  user_data_128_hi: u64;
  user_data_64: u64;
  user_data_32: u32;
  balance_limit: u32;
  ledger: u32;
  code: u16;
  flags: u16;
  timestamp: u64;
}

export enum AccountFlags {
  linked = 1 << 0,
  debits_must_not_exceed_credits = 1 << 1,
  credits_must_not_exceed_debits = 1 << 2,
  history = 1 << 3,
  imported = 1 << 4,
  closed = 1 << 5,
  // Ours: the credit balance (credits_posted + credits_pending - debits_posted) never exceeds balance_limit.
  credit_balance_limited = 1 << 6,
  // Ours: the debit balance (debits_posted + debits_pending - credits_posted) never exceeds balance_limit.
  debit_balance_limited = 1 << 7,
}

// Bits that no flag uses; a record that sets one is answered reserved_flag.
export const ACCOUNT_FLAGS_RESERVED: u32 = 0xff00;

if (offsetof<Account>() != 128) ERROR("Account must be 128 bytes");
if (offsetof<Account>("debits_pending_lo") != 16) ERROR("Account.debits_pending must be at 16");
if (offsetof<Account>("credits_posted_lo") != 64) ERROR("Account.credits_posted must be at 64");
if (offsetof<Account>("user_data_128_lo") != 80) ERROR("Account.user_data_128 must be at 80");
if (offsetof<Account>("balance_limit") != 108) ERROR("Account.balance_limit must be at 108");
if (offsetof<Account>("flags") != 118) ERROR("Account.flags must be at 118");
if (offsetof<Account>("timestamp") != 120) ERROR("Account.timestamp must be at 120");
