// What a query asks for. Zero means "any" in every matching field and "no bound" in both timestamps (nanoseconds,
// inclusive). Layouts are those of TigerBeetle's reference of mid-2026.

// @ts-ignore: decorator
@unmanaged
export class AccountFilter {
  account_id_lo: u64;
  account_id_hi: u64;
  user_data_128_lo: u64;
  user_data_128_hi: u64;
  user_data_64: u64;
  user_data_32: u32;
  code: u16;
  reserved_0: u16;
  reserved_1: u64;
  reserved_2: u64;
  reserved_3: u64;
  reserved_4: u64;
  reserved_5: u64;
  reserved_6: u64;
  reserved_7: u64;
  timestamp_min: u64;
  timestamp_max: u64;
  limit: u32;
  flags: u32;
}

export enum AccountFilterFlags {
  debits = 1 << 0,
  credits = 1 << 1,
  reversed = 1 << 2,
}

export const ACCOUNT_FILTER_FLAGS_RESERVED: u32 = 0xfffffff8;

// @ts-ignore: decorator
@unmanaged
export class ChangeEventsFilter {
  timestamp_min: u64;
  timestamp_max: u64;
  limit: u32;
  reserved_0: u32;
  reserved_1: u64;
  reserved_2: u64;
  reserved_3: u64;
  reserved_4: u64;
  reserved_5: u64;
}

if (offsetof<AccountFilter>() != 128) ERROR("AccountFilter must be 128 bytes");
if (offsetof<AccountFilter>("code") != 44) ERROR("AccountFilter.code must be at 44");
if (offsetof<AccountFilter>("timestamp_min") != 104) ERROR("AccountFilter.timestamp_min must be at 104");
if (offsetof<AccountFilter>("flags") != 124) ERROR("AccountFilter.flags must be at 124");
if (offsetof<ChangeEventsFilter>() != 64) ERROR("ChangeEventsFilter must be 64 bytes");
