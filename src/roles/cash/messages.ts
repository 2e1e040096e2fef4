// What cash is asked beside the ledger's own operations, and what it answers. Numbers are fixed for ever.
//
// By management: open_account, credit, get_balance. By operators: lookup_request.
import { type Infer, struct, text, u32, u64, u128, union } from '../../shared/codec.ts';
import { LoadOrder } from '../documents/load-order.ts';
import { ChargeReceipt, CreditReceipt } from '../documents/receipts.ts';
import { publicKey } from '../documents/signed.ts';

export const CashOperation = {
  open_account: 32,
  credit: 33,
  get_balance: 34,
  lookup_request: 48,
} as const;

export const OpenAccountRequest = struct({
  device: u128,
  /** Orders of this key move the balance. */
  signingKey: publicKey,
  currency: u32,
});
export type OpenAccountRequest = Infer<typeof OpenAccountRequest>;
/** When the ledger opened the account, nanoseconds; the same for a repeated request. */
export const OpenAccountAnswer = struct({ timestamp: u64 });
export type OpenAccountAnswer = Infer<typeof OpenAccountAnswer>;

export const CreditRequest = struct({
  device: u128,
  order: LoadOrder.signed,
  receipt: ChargeReceipt.signed,
});
export type CreditRequest = Infer<typeof CreditRequest>;
export const CreditAnswer = union({
  credited: struct({ receipt: CreditReceipt.signed }),
  /** For good: the ledger refuses it (a limit, a closed account) and never will do otherwise. */
  rejected: struct({ reason: text(64) }),
});
export type CreditAnswer = Infer<typeof CreditAnswer>;

export const GetBalanceRequest = struct({ device: u128, currency: u32 });
export type GetBalanceRequest = Infer<typeof GetBalanceRequest>;
export const GetBalanceAnswer = struct({ balance: u128, reserved: u128, timestamp: u64 });
export type GetBalanceAnswer = Infer<typeof GetBalanceAnswer>;
