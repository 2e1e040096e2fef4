// What an account's payment orders have to keep to, set by the operator. Terms replace those before as a whole.
//
//     0            16            32        48                                      118   120        128
//     ┌────────────┬─────────────┬─────────┬───────────────────────────────────────┬─────┬──────────┐
//     │ account_id │ payment_max │ day_max │ 0                                     │flags│ timestamp│
//     └────────────┴─────────────┴─────────┴───────────────────────────────────────┴─────┴──────────┘
//
// payment_max: most that one order may be; day_max: most that all orders of one UTC day may be. 0: no limit.

// @ts-ignore: decorator
@unmanaged
export class OrderTerms {
  account_id_lo: u64;
  account_id_hi: u64;
  payment_max_lo: u64;
  payment_max_hi: u64;
  day_max_lo: u64;
  day_max_hi: u64;
  reserved_0: u64;
  reserved_1: u64;
  reserved_2: u64;
  reserved_3: u64;
  reserved_4: u64;
  reserved_5: u64;
  reserved_6: u64;
  reserved_7: u64;
  reserved_8: u32;
  reserved_9: u16;
  flags: u16;
  timestamp: u64;
}

export enum OrderTermsFlags {
  // No order of this account is taken any more; what is pending can still be posted or voided.
  orders_closed = 1 << 0,
}

// Bits that no flag uses; a record that sets one is answered reserved_flag.
export const ORDER_TERMS_FLAGS_RESERVED: u32 = 0xfffe;

if (offsetof<OrderTerms>() != 128) ERROR("OrderTerms must be 128 bytes");
if (offsetof<OrderTerms>("reserved_0") != 48) ERROR("OrderTerms.reserved_0 must be at 48");
if (offsetof<OrderTerms>("flags") != 118) ERROR("OrderTerms.flags must be at 118");
if (offsetof<OrderTerms>("timestamp") != 120) ERROR("OrderTerms.timestamp must be at 120");
