// A payment order: a transfer that the payer's device has signed.
//
//     0                                128        160       168       176      184      188      192              256
//     ┌────────────────────────────────┬──────────┬─────────┬─────────┬────────┬────────┬────────┬────────────────┐
//     │ Transfer                       │ reference│ sequence│ expires │ key_id │ verdict│ 0      │ signature      │
//     └────────────────────────────────┴──────────┴─────────┴─────────┴────────┴────────┴────────┴────────────────┘
//     └─────────── signed, its timestamp taken as zero ──────────────────────┘ └ the host's ┘
//
// The transfer stands first, so that whatever reads a stored transfer reads an order's without knowing of orders.
// `reference` is the SHA-256 of what is paid for, `expires_at` nanoseconds, `key_id` the first 8 bytes of the SHA-256 of
// the device's Ed25519 public key. The kernel goes by `verdict`; the signature is stored for whoever wants to check again.

import { Transfer } from "./transfer";

// @ts-ignore: decorator
@unmanaged
export class PaymentOrder {
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
  // 32 bytes: the lowest first.
  reference_0: u64;
  reference_1: u64;
  reference_2: u64;
  reference_3: u64;
  sequence: u64;
  expires_at: u64;
  key_id: u64;
  verdict: u32;
  reserved_0: u32;
  // 64 bytes.
  signature_0: u64;
  signature_1: u64;
  signature_2: u64;
  signature_3: u64;
  signature_4: u64;
  signature_5: u64;
  signature_6: u64;
  signature_7: u64;
}

// What the host found out about the signature. Anything else is answered `reserved_field`; `foreign` is what the host
// makes of a verdict that came over the network.
export enum OrderVerdict {
  not_checked = 0,
  good = 1,
  bad = 2,
  foreign = 3,
}

export const PAYMENT_ORDER_SIZE: u32 = 256;

// Bytes of an order that its signature covers, after the domain tag; the timestamp among them is taken as zero.
export const PAYMENT_ORDER_SIGNED_SIZE: u32 = 184;

// Orders in one batch: as many bytes as 8,190 transfers, so that a message and a slot hold them.
export const PAYMENT_ORDERS_MAX: u32 = 4095;

// Sequence numbers below the newest one that are still told apart: one bit each.
export const SEQUENCE_WINDOW: u32 = 64;

if (offsetof<PaymentOrder>() != 256) ERROR("PaymentOrder must be 256 bytes");
if (offsetof<PaymentOrder>("timestamp") != offsetof<Transfer>("timestamp")) ERROR("PaymentOrder must begin with a Transfer");
if (offsetof<PaymentOrder>("reference_0") != offsetof<Transfer>()) ERROR("PaymentOrder.reference must follow its Transfer");
if (offsetof<PaymentOrder>("sequence") != 160) ERROR("PaymentOrder.sequence must be at 160");
if (offsetof<PaymentOrder>("key_id") != 176) ERROR("PaymentOrder.key_id must be at 176");
if (offsetof<PaymentOrder>("verdict") != 184) ERROR("PaymentOrder.verdict must be at 184");
if (offsetof<PaymentOrder>("signature_0") != 192) ERROR("PaymentOrder.signature must be at 192");
