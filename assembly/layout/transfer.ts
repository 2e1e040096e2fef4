// A transfer: an amount that moves from a debit account to a credit account, once and for ever.
//
//     0                16               32               48               64
//     ┌────────────────┬────────────────┬────────────────┬────────────────┐
//   0 │ id             │ debit_account  │ credit_account │ amount         │
//     ├────────────────┼────────────────┼────────┬───┬───┼───┬──┬──┬──────┤
//  64 │ pending_id     │ user_data_128  │ ud_64  │u32│tmo│led│co│fl│ time │
//     └────────────────┴────────────────┴────────┴───┴───┴───┴──┴──┴──────┘
//
// Little-endian; timeout in seconds; timestamp in nanoseconds since the Unix epoch. Field order, flags and meaning
// are those of TigerBeetle's reference of mid-2026.

// @ts-ignore: decorator
@unmanaged
export class Transfer {
  id_lo: u64;
  id_hi: u64;
  debit_account_id_lo: u64;
  debit_account_id_hi: u64;
  credit_account_id_lo: u64;
  credit_account_id_hi: u64;
  amount_lo: u64;
  amount_hi: u64;
  pending_id_lo: u64;
  pending_id_hi: u64;
  user_data_128_lo: u64;
  user_data_128_hi: u64;
  user_data_64: u64;
  user_data_32: u32;
  timeout: u32;
  ledger: u32;
  code: u16;
  flags: u16;
  timestamp: u64;
}

export enum TransferFlags {
  linked = 1 << 0,
  pending = 1 << 1,
  post_pending_transfer = 1 << 2,
  void_pending_transfer = 1 << 3,
  balancing_debit = 1 << 4,
  balancing_credit = 1 << 5,
  closing_debit = 1 << 6,
  closing_credit = 1 << 7,
  imported = 1 << 8,
}

// Bits that no flag uses; a record that sets one is answered reserved_flag.
export const TRANSFER_FLAGS_RESERVED: u32 = 0xfe00;

if (offsetof<Transfer>() != 128) ERROR("Transfer must be 128 bytes");
if (offsetof<Transfer>("debit_account_id_lo") != 16) ERROR("Transfer.debit_account_id must be at 16");
if (offsetof<Transfer>("amount_lo") != 48) ERROR("Transfer.amount must be at 48");
if (offsetof<Transfer>("pending_id_lo") != 64) ERROR("Transfer.pending_id must be at 64");
if (offsetof<Transfer>("timeout") != 108) ERROR("Transfer.timeout must be at 108");
if (offsetof<Transfer>("flags") != 118) ERROR("Transfer.flags must be at 118");
if (offsetof<Transfer>("timestamp") != 120) ERROR("Transfer.timestamp must be at 120");
