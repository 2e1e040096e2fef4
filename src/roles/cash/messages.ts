// What cash is asked beside the ledger's own operations, and what it answers. Numbers are fixed for ever.
//
// By management: open_account, credit, get_balance. By operators: lookup_request.
import { type Infer, struct, text, u32, u64, u128, union } from '../../shared/codec.ts';
import { operation, protocol } from '../common/operation.ts';
import { LookupRequest, LookupRequestAnswer } from '../common/request-report.ts';
import { LoadOrder } from '../documents/load-order.ts';
import {
  ChargeReceipt,
  CreditReceipt,
  CreditRejection,
  REJECTION_REASON_BYTES_MAX,
} from '../documents/receipts.ts';
import { publicKey } from '../documents/signed.ts';
import { CASH_REFUSALS } from './errors.ts';

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
  /**
   * For good: the ledger refuses it (a limit, a closed account) or the device has no account in that currency; its request
   * id is used up. The only answer that says so: after a refusal the same order may still be credited.
   */
  rejected: struct({ reason: text(REJECTION_REASON_BYTES_MAX), rejection: CreditRejection.signed }),
});
export type CreditAnswer = Infer<typeof CreditAnswer>;

export const GetBalanceRequest = struct({ device: u128, currency: u32 });
export type GetBalanceRequest = Infer<typeof GetBalanceRequest>;
export const GetBalanceAnswer = struct({ balance: u128, reserved: u128, timestamp: u64 });
export type GetBalanceAnswer = Infer<typeof GetBalanceAnswer>;

export const cashProtocol = protocol({
  role: 'cash',
  refusals: CASH_REFUSALS,
  operations: {
    open_account: operation(CashOperation.open_account, OpenAccountRequest, OpenAccountAnswer),
    credit: operation(CashOperation.credit, CreditRequest, CreditAnswer),
    get_balance: operation(CashOperation.get_balance, GetBalanceRequest, GetBalanceAnswer),
    lookup_request: operation(CashOperation.lookup_request, LookupRequest, LookupRequestAnswer),
  },
});
export type CashOperations = (typeof cashProtocol)['operations'];
