// What settlement is asked about payouts. messages.ts has the numbers.
import { type Infer, list, struct, text, u16, u64, u128 } from '../../shared/codec.ts';
import { AccountBinding, SealedAccount } from '../documents/account-seal.ts';
import { PayoutOrder, PayoutReceipt } from '../documents/payout.ts';
import { ShopEnrolment } from '../documents/shop-enrolment.ts';

/** Payouts of one message to the institution; with their sealed accounts they fit a stored state. */
export const PAGE_PAYOUTS_MAX = 128;
export const OUTCOMES_PAGE_MAX = 64;

/** As settlement keeps it. */
export const Payout = struct({
  order: PayoutOrder.signed,
  account: SealedAccount,
  /** Purpose `payout`, and the shop's enrolment. */
  binding: AccountBinding,
});
export type Payout = Infer<typeof Payout>;

/**
 * Anyone can seal an account's number, in any shop's name: the shop's signature over its enrolment, which holds the seal,
 * says that the account is the shop's choice.
 */
export const PayoutInstruction = struct({ order: PayoutOrder.signed, enrolment: ShopEnrolment.signed });
export type PayoutInstruction = Infer<typeof PayoutInstruction>;

/** One message to the institution. The page's id is its name there, for ever. */
export const PayOutRequest = struct({ page: u128, payouts: list(PayoutInstruction, PAGE_PAYOUTS_MAX) });
export type PayOutRequest = Infer<typeof PayOutRequest>;
/** It is stored and will be instructed; outcomes are listed. */
export const PayOutAnswer = struct({ state: text(64) });
export type PayOutAnswer = Infer<typeof PayOutAnswer>;

/** In the order in which they became known, after that one; the first is 1. */
export const ListOutcomesRequest = struct({ after: u64, limit: u16 });
export type ListOutcomesRequest = Infer<typeof ListOutcomesRequest>;
export const ListOutcomesAnswer = struct({ receipts: list(PayoutReceipt.signed, OUTCOMES_PAGE_MAX) });
export type ListOutcomesAnswer = Infer<typeof ListOutcomesAnswer>;
