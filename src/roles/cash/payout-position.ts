// What a shop is owed of a settlement window, computed: no clock, no ledger, no store.
//
//     carried in + sales − refunds + returned  =  fee + payout + carried out
//     └───── balance at the window's cutoff ─┘    └ booked ──┘   └ stays with the shop
//
// The fee is a share of what was sold, refunds taken off, and a fixed amount for each payout. What of the share the balance
// does not carry is owed on (`feeCarriedOut`), and taken of the next window.

/** Basis points of one. */
const WHOLE = 10_000n;

/** What an operator asks of shops, for one currency. Minor units. */
export interface PayoutTerms {
  /** Of sales less refunds: 100 are one per cent. 0 to 10,000. */
  readonly feeBasisPoints: number;
  /** For each payout. */
  readonly feePerPayout: bigint;
  /** A smaller payout waits for the next window. At least 1. */
  readonly amountMin: bigint;
}

export const NO_FEE: PayoutTerms = { feeBasisPoints: 0, feePerPayout: 0n, amountMin: 1n };

/** An account's posted sums at a moment. */
export interface Sums {
  readonly credits: bigint;
  readonly debits: bigint;
}

/** What a window before this one has left. */
export interface Carried {
  readonly fee: bigint;
  readonly payout: bigint;
  readonly carriedOut: bigint;
  readonly feeCarriedOut: bigint;
}

export const NOTHING_CARRIED: Carried = { fee: 0n, payout: 0n, carriedOut: 0n, feeCarriedOut: 0n };

export interface Turnover {
  readonly carriedIn: bigint;
  readonly feeCarriedIn: bigint;
  readonly sales: bigint;
  readonly refunds: bigint;
  /** Payouts that came back. */
  readonly returned: bigint;
}

/** An account's sums and what was booked of it contradict each other: nothing of it can be paid out. */
export class PositionError extends RangeError {
  override readonly name = 'PositionError';
}

/**
 * What went in and out between two cutoffs. The window before is booked after its cutoff and before the next one: its fee and
 * its payout are among the debits.
 * @throws PositionError for sums that cannot be
 */
export function turnoverOf(from: Sums, to: Sums, returned: bigint, before: Carried): Turnover {
  const sales = to.credits - from.credits - returned;
  const refunds = to.debits - from.debits - before.fee - before.payout;
  const { carriedOut: carriedIn, feeCarriedOut: feeCarriedIn } = before;
  if (sales < 0n || refunds < 0n)
    throw new PositionError(`turnover: expected sums that grow, got sales ${sales} and refunds ${refunds}`);
  const turnover = { carriedIn, feeCarriedIn, sales, refunds, returned };
  const balance = to.credits - to.debits;
  if (balanceOf(turnover) !== balance)
    throw new PositionError(`turnover: expected a balance of ${balance}, got ${balanceOf(turnover)}`);
  return turnover;
}

/** At the cutoff. */
export function balanceOf({ carriedIn, sales, refunds, returned }: Turnover): bigint {
  return carriedIn + sales - refunds + returned;
}

/** The share of sales less refunds, rounded half up, never below 0. */
export function feeShare(net: bigint, basisPoints: number): bigint {
  if (net <= 0n) return 0n;
  return (net * BigInt(basisPoints) + WHOLE / 2n) / WHOLE;
}

export interface Due {
  readonly fee: bigint;
  /** 0: none. */
  readonly payout: bigint;
}

/** What is to be booked. @param free what the account has now: refunds after the cutoff may have left less than was due */
export function dueOf(turnover: Turnover, terms: PayoutTerms, free: bigint): Due {
  const balance = balanceOf(turnover);
  const available = free < balance ? free : balance;
  const share = shareOf(turnover, terms);
  const taken = share < available ? share : available;
  const payout = available - taken - terms.feePerPayout;
  return payout > 0n && payout >= terms.amountMin
    ? { fee: taken + terms.feePerPayout, payout }
    : { fee: taken, payout: 0n };
}

function shareOf({ feeCarriedIn, sales, refunds }: Turnover, { feeBasisPoints }: PayoutTerms): bigint {
  return feeCarriedIn + feeShare(sales - refunds, feeBasisPoints);
}

export interface Position extends Turnover, Carried {}

/**
 * When that was booked. What refunds after the cutoff have taken of it is a refund of the next window.
 * @throws PositionError for more than the balance
 */
export function positionOf(turnover: Turnover, { fee, payout }: Due, terms: PayoutTerms): Position {
  const carriedOut = balanceOf(turnover) - fee - payout;
  if (carriedOut < 0n)
    throw new PositionError(`position: expected bookings within the balance, got ${-carriedOut} more`);
  const share = shareOf(turnover, terms);
  return { ...turnover, fee, payout, carriedOut, feeCarriedOut: fee < share ? share - fee : 0n };
}
