// What operators ask management about payouts. messages.ts has the numbers.
import { type Infer, list, oneOf, optional, struct, text, u16, u32, u64, u128 } from '../../shared/codec.ts';

export const WINDOWS_PAGE_MAX = 256;
export const WINDOW_PAYOUTS_PAGE_MAX = 128;

/** Asked again with the same window, it is the same window. */
export const CloseWindowRequest = struct({ window: u128, currency: u32 });
export type CloseWindowRequest = Infer<typeof CloseWindowRequest>;
export const CloseWindowAnswer = struct({ state: text(64) });
export type CloseWindowAnswer = Infer<typeof CloseWindowAnswer>;

/**
 * `closing`: cash is asked for its cutoff. `booking`: shops are booked and settlement is told. `instructed`: settlement has all
 * payouts. `settled`: each is booked or rejected by the institution; what comes back later is still taken in.
 */
export const WindowState = oneOf('closing', 'booking', 'instructed', 'settled');
export type WindowState = Infer<typeof WindowState>;

export const WindowReport = struct({
  window: u128,
  currency: u32,
  state: WindowState,
  /** What was wrong with a partner's last answer; empty: nothing. */
  problem: text(64),
  /** Of the currency's windows, from 1; 0 while it is closing. */
  number: u64,
  /** Of the ledger: the window holds from < timestamp <= cutoff. */
  from: u64,
  cutoff: u64,
  payouts: u32,
  /** Without an outcome. */
  open: u32,
  rejected: u32,
  returned: u32,
  /** Of all payouts, minor units. */
  amount: u128,
});
export type WindowReport = Infer<typeof WindowReport>;

export const ListWindowsRequest = struct({ after: optional(u128), limit: u16 });
export const ListWindowsAnswer = struct({ windows: list(WindowReport, WINDOWS_PAGE_MAX) });

export const ShowWindowRequest = struct({ window: u128, after: optional(u128), limit: u16 });
export type ShowWindowRequest = Infer<typeof ShowWindowRequest>;
export const PayoutStanding = oneOf('instructing', 'instructed', 'booked', 'rejected', 'returned');
export const PayoutReport = struct({
  payout: u128,
  shop: u128,
  amount: u128,
  standing: PayoutStanding,
  reason: text(140),
  institutionReference: text(140),
});
export type PayoutReport = Infer<typeof PayoutReport>;
export const ShowWindowAnswer = struct({
  window: WindowReport,
  /** In the order of their ids, after that one. */
  payouts: list(PayoutReport, WINDOW_PAYOUTS_PAGE_MAX),
});
export type ShowWindowAnswer = Infer<typeof ShowWindowAnswer>;
