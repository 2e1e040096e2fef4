// What settlement is asked, and what it answers. Numbers are fixed for ever.
//
// By management: charge, reverse, pay_out, list_outcomes. By operators: lookup_request, list_requests.
import { type Infer, nothing, optional, struct, text, u128, union } from '../../shared/codec.ts';
import { operation, protocol } from '../common/operation.ts';
import {
  ListRequests,
  ListRequestsAnswer,
  LookupRequest,
  LookupRequestAnswer,
} from '../common/request-report.ts';
import { AccountBinding, SealedAccount } from '../documents/account-seal.ts';
import { LoadOrder } from '../documents/load-order.ts';
import { ChargeReceipt, CreditRejection } from '../documents/receipts.ts';
import { SETTLEMENT_REFUSALS } from './errors.ts';
import { ListOutcomesAnswer, ListOutcomesRequest, PayOutAnswer, PayOutRequest } from './payout-messages.ts';

export const SettlementOperation = {
  charge: 32,
  reverse: 33,
  pay_out: 34,
  list_outcomes: 35,
  lookup_request: 48,
  list_requests: 49,
} as const;

const Reason = text(64);

export const ChargeRequest = struct({
  order: LoadOrder.signed,
  account: SealedAccount,
  binding: AccountBinding,
});
export type ChargeRequest = Infer<typeof ChargeRequest>;
export const ChargeAnswer = union({
  /** Not through yet, or unknown as yet: ask again with the same message. */
  pending: struct({ state: text(64) }),
  charged: struct({ receipt: ChargeReceipt.signed }),
  /** By the institution; nothing was charged. */
  declined: struct({ reason: Reason }),
  /** The order's `applyBy` came before the institution was asked. */
  expired: nothing,
  /** What was charged, or may have been, was given back. */
  reversed: struct({ reason: Reason }),
});
export type ChargeAnswer = Infer<typeof ChargeAnswer>;

/** Undoes a charge, also one that never came or is still under way: then it never gives a receipt. */
export const ReverseRequest = struct({
  request: u128,
  reason: Reason,
  /** What is charged, and has a receipt, is given back only when cash has rejected it. */
  rejection: optional(CreditRejection.signed),
});
export type ReverseRequest = Infer<typeof ReverseRequest>;
export const ReverseAnswer = union({
  pending: struct({ state: text(64) }),
  /** Nothing is charged, and nothing will be. */
  reversed: struct({ reason: Reason }),
});
export type ReverseAnswer = Infer<typeof ReverseAnswer>;

export const settlementProtocol = protocol({
  role: 'settlement',
  refusals: SETTLEMENT_REFUSALS,
  operations: {
    charge: operation(SettlementOperation.charge, ChargeRequest, ChargeAnswer),
    reverse: operation(SettlementOperation.reverse, ReverseRequest, ReverseAnswer),
    pay_out: operation(SettlementOperation.pay_out, PayOutRequest, PayOutAnswer),
    list_outcomes: operation(SettlementOperation.list_outcomes, ListOutcomesRequest, ListOutcomesAnswer),
    lookup_request: operation(SettlementOperation.lookup_request, LookupRequest, LookupRequestAnswer),
    list_requests: operation(SettlementOperation.list_requests, ListRequests, ListRequestsAnswer),
  },
});
export type SettlementOperations = (typeof settlementProtocol)['operations'];
