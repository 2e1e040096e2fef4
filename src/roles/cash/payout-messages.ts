// What cash is asked about payouts: windows closed, booked, reported; outcomes booked. messages.ts has the numbers.
import { bool, type Infer, list, oneOf, optional, struct, text, u32, u64, u128 } from '../../shared/codec.ts';
import { PayoutOrder, PayoutReceipt } from '../documents/payout.ts';

/** Shops of an answer, payouts of a page, outcomes of a message: what is carried between roles fits a stored state. */
export const PAYOUTS_PAGE_MAX = 128;
/** A receipt has two texts of 140 bytes. */
export const OUTCOMES_PAGE_MAX = 64;
/** Of a text that names sums. Here and not where it is stored: wallets in browsers read messages of cash. */
export const PROBLEM_BYTES_MAX = 256;

export const CloseWindowRequest = struct({ window: u128, currency: u32 });
export type CloseWindowRequest = Infer<typeof CloseWindowRequest>;
/** The window holds what the ledger wrote with from < timestamp <= cutoff. The same for a repeated request. */
export const CloseWindowAnswer = struct({
  /** Of the currency's windows, from 1. */
  number: u64,
  from: u64,
  cutoff: u64,
});
export type CloseWindowAnswer = Infer<typeof CloseWindowAnswer>;

/** Books the window's shops in the order of their numbers, those after that one. */
export const BookPayoutsRequest = struct({ window: u128, after: optional(u128) });
export type BookPayoutsRequest = Infer<typeof BookPayoutsRequest>;
export const BookPayoutsAnswer = struct({
  /** Of shops that are paid out; the same for a repeated request. */
  payouts: list(PayoutOrder.signed, PAYOUTS_PAGE_MAX),
  /** To go on after; none: all shops are booked. */
  next: optional(u128),
});
export type BookPayoutsAnswer = Infer<typeof BookPayoutsAnswer>;

/** In the order in which settlement has told them. All are booked, or the message is refused. */
export const BookOutcomesRequest = struct({ receipts: list(PayoutReceipt.signed, OUTCOMES_PAGE_MAX) });
export type BookOutcomesRequest = Infer<typeof BookOutcomesRequest>;
export const BookOutcomesAnswer = struct({ timestamps: list(u64, OUTCOMES_PAGE_MAX) });
export type BookOutcomesAnswer = Infer<typeof BookOutcomesAnswer>;

export const WindowReportRequest = struct({ window: u128, after: optional(u128) });
export type WindowReportRequest = Infer<typeof WindowReportRequest>;
/** `under_way`: booked, and no outcome yet. `left_out`: nothing is booked; the next window counts what this one has. */
export const PayoutStanding = oneOf('none', 'under_way', 'booked', 'rejected', 'returned', 'left_out');
export const ReportedPosition = struct({
  shop: u128,
  carriedIn: u128,
  sales: u128,
  refunds: u128,
  returned: u128,
  fee: u128,
  /** Names the payout; 0 where there is none. */
  payout: u128,
  amount: u128,
  carriedOut: u128,
  /** Owed on: the balance did not carry it. */
  feeCarriedOut: u128,
  standing: PayoutStanding,
  /** Why it is left out; else empty. */
  problem: text(PROBLEM_BYTES_MAX),
});
export type ReportedPosition = Infer<typeof ReportedPosition>;
export const WindowReportAnswer = struct({
  currency: u32,
  number: u64,
  from: u64,
  cutoff: u64,
  isBooked: bool,
  /** Shops that had anything, in the order of their numbers. */
  positions: list(ReportedPosition, PAYOUTS_PAGE_MAX),
  next: optional(u128),
});
export type WindowReportAnswer = Infer<typeof WindowReportAnswer>;
