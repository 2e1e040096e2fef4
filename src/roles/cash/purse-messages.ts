// What cash is asked about purses. messages.ts has the numbers. A purse's statement is get_statement with its number.
import {
  bytes,
  type Infer,
  list,
  oneOf,
  optional,
  struct,
  text,
  u16,
  u32,
  u64,
  u128,
  union,
} from '../../shared/codec.ts';
import { FraudProof } from '../documents/fraud-proof.ts';
import { PaymentReceipt, PaymentRejection } from '../documents/payment-receipts.ts';
import { PAYMENT_ORDER_BYTES } from '../documents/purchase.ts';
import { Allowance, PURSE_PAYMENTS_MAX, PurseClosing, PurseOpening } from '../documents/purse.ts';
import { REJECTION_REASON_BYTES_MAX } from '../documents/receipts.ts';

export const OpenPurseRequest = struct({
  /** Drawn by management: the purse, and its account. */
  purse: u128,
  opening: PurseOpening.signed,
});
export type OpenPurseRequest = Infer<typeof OpenPurseRequest>;
export const OpenPurseAnswer = union({
  /** The same for a repeated request. */
  opened: struct({ allowance: Allowance.signed }),
  /** For good: not enough on the device, another purse of it is open, out of time … Nothing was reserved. */
  rejected: struct({ reason: text(REJECTION_REASON_BYTES_MAX) }),
});
export type OpenPurseAnswer = Infer<typeof OpenPurseAnswer>;

/** A transfer as management passes it on; management has looked whose purse it is. */
export const SettleTransferRequest = struct({
  /** The payer. */
  device: u128,
  order: bytes(PAYMENT_ORDER_BYTES),
});
export type SettleTransferRequest = Infer<typeof SettleTransferRequest>;
export const SettleTransferAnswer = struct({
  outcome: union({
    /** The payee's purse has it, from the payer's purse or, where that has cheated, from the operator. */
    settled: struct({ receipt: PaymentReceipt.signed, from: oneOf('purse', 'loss') }),
    /** Signed and in time, but what funds it was not reported yet: it is settled once that is, until `reportBy`. */
    waiting: struct({ reportBy: u64 }),
    /** The payer has cheated, and the operator's cover for this purse is used up: an operator has to decide. */
    disputed: struct({ reason: text(REJECTION_REASON_BYTES_MAX) }),
    /** For good: reported too late. */
    rejected: struct({ rejection: PaymentRejection.signed }),
  }),
  /** The first proof against the payer's purse, whatever became of this transfer. */
  fraud: optional(FraudProof),
});
export type SettleTransferAnswer = Infer<typeof SettleTransferAnswer>;

export const ClosePurseRequest = struct({ closing: PurseClosing.signed });
export type ClosePurseRequest = Infer<typeof ClosePurseRequest>;
export const ClosePurseAnswer = union({
  /** What was left is on the device's balance again; what is credited to the purse from now on follows it. */
  closed: struct({ released: u128, timestamp: u64 }),
  /** Payments that were not reported, or are not settled yet, by their numbers. Nothing was closed. */
  unreported: struct({ sequences: list(u16, PURSE_PAYMENTS_MAX) }),
});
export type ClosePurseAnswer = Infer<typeof ClosePurseAnswer>;

export const EXPOSURE_PURSES_MAX = 64;
/** What a lost or cloned device can still have spent without a server. */
export const DeviceExposureRequest = struct({ device: u128 });
export type DeviceExposureRequest = Infer<typeof DeviceExposureRequest>;
export const PurseExposure = struct({
  purse: u128,
  currency: u32,
  state: oneOf('open', 'cheated', 'closed', 'ended'),
  epoch: u32,
  /** Minor units: what was reserved, what other purses have paid in, what was settled out of it, what is left. */
  allowance: u128,
  received: u128,
  settled: u128,
  left: u128,
  /** Signed and waiting for what funds it; paid by the operator; beyond the operator's cover. */
  waiting: u128,
  covered: u128,
  disputed: u128,
  /** Most that the operator pays for this purse if it has cheated. */
  coverMax: u128,
  /** Payments that were reported, of PURSE_PAYMENTS_MAX. */
  payments: u16,
  expiresAt: u64,
  reportBy: u64,
});
export type PurseExposure = Infer<typeof PurseExposure>;
export const DeviceExposureAnswer = struct({ purses: list(PurseExposure, EXPOSURE_PURSES_MAX) });
export type DeviceExposureAnswer = Infer<typeof DeviceExposureAnswer>;
