// The kernel's state beside its tables. A checkpoint stores these bytes as they are.

// @ts-ignore: decorator
@unmanaged
export class Globals {
  // Number of the last executed operation.
  op: u64;
  // Timestamp of the last executed operation; the clock never goes back behind it.
  timestamp: u64;
  // Largest timestamp of any account, of any transfer or expiry (imported records have timestamps of their own).
  account_timestamp: u64;
  transfer_timestamp: u64;
  // Rows in use in the account table; a row's slot is the account's order of creation.
  account_count: u64;
  // Transfers created since the beginning, post and void included.
  transfer_count: u64;
  // Open pending transfers; rows of the pending table ever used; first free row + 1 (0: none).
  pending_count: u64;
  pending_slots: u64;
  pending_free: u64;
  // Rows in use in the device table; payment orders applied since the beginning. Both came with version 0.4.0: in a
  // checkpoint without them they are zero.
  device_count: u64;
  order_count: u64;
}

if (offsetof<Globals>() != 88) ERROR("Globals must be 88 bytes");
