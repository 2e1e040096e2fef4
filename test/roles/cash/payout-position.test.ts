// The arithmetic of payouts: fees, what is carried, and that nothing is lost between windows.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  balanceOf,
  dueOf,
  feeShare,
  NOTHING_CARRIED,
  type PayoutTerms,
  positionOf,
  turnoverOf,
} from '../../../src/roles/cash/payout-position.ts';

const TERMS: PayoutTerms = { feeBasisPoints: 150, feePerPayout: 25n, amountMin: 1_000n };
const turnover = (sales: bigint, refunds = 0n, carriedIn = 0n, feeCarriedIn = 0n) => ({
  carriedIn,
  feeCarriedIn,
  sales,
  refunds,
  returned: 0n,
});

describe('fee', () => {
  test.each(
    [
      ['net', 'basis points', 'fee'],
      [10_000n, 150, 150n],
      [33n, 150, 0n],
      [34n, 150, 1n],
      [100n, 50, 1n],
      [99n, 50, 0n],
      [0n, 10_000, 0n],
      [-500n, 150, 0n],
    ].slice(1) as [bigint, number, bigint][],
  )('of %d at %d is %d', (net, basisPoints, fee) => {
    expect(feeShare(net, basisPoints)).toBe(fee);
  });

  test('is the nearest whole number, halves up', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 1n << 100n), fc.integer({ min: 0, max: 10_000 }), (net, points) => {
        const error = feeShare(net, points) * 20_000n - net * BigInt(points) * 2n;
        expect(error > -10_000n && error <= 10_000n).toBe(true);
      }),
    );
  });
});

describe('what is due', () => {
  test('a payout, with its fixed fee', () => {
    expect(dueOf(turnover(10_000n), TERMS, 10_000n)).toEqual({ fee: 175n, payout: 9_825n });
  });

  test('below the least payout only the share is taken', () => {
    const due = dueOf(turnover(1_039n), TERMS, 1_039n);
    expect(due).toEqual({ fee: 16n, payout: 0n });
    expect(positionOf(turnover(1_039n), due, TERMS)).toMatchObject({ carriedOut: 1_023n, feeCarriedOut: 0n });
  });

  test('refunds after the cutoff are not paid out, and what is missing of the share is owed on', () => {
    expect(dueOf(turnover(10_000n), TERMS, 5_000n)).toEqual({ fee: 175n, payout: 4_825n });
    const due = dueOf(turnover(10_000n), TERMS, 100n);
    expect(due).toEqual({ fee: 100n, payout: 0n });
    expect(positionOf(turnover(10_000n), due, TERMS)).toMatchObject({
      carriedOut: 9_900n,
      feeCarriedOut: 50n,
    });
  });
});

const amount = fc.bigInt(0n, 100_000n);
const terms = fc.record({
  feeBasisPoints: fc.integer({ min: 0, max: 10_000 }),
  feePerPayout: fc.bigInt(0n, 200n),
  amountMin: fc.bigInt(1n, 2_000n),
});

test('window after window, everything that came in is paid out, taken as a fee, refunded or carried', () => {
  const window = fc.record({
    sales: amount,
    refunded: fc.double({ min: 0, max: 1, noNaN: true }),
    free: amount,
  });
  fc.assert(
    fc.property(terms, fc.array(window, { maxLength: 12 }), (rule, windows) => {
      let sums = { credits: 0n, debits: 0n };
      let before = NOTHING_CARRIED;
      for (const { sales, refunded, free } of windows) {
        const from = sums;
        const held = from.credits - from.debits - before.fee - before.payout + sales;
        const refunds = (held * BigInt(Math.floor(refunded * 1_000))) / 1_000n;
        const debits = from.debits + before.fee + before.payout + refunds;
        sums = { credits: from.credits + sales, debits };
        const found = turnoverOf(from, sums, 0n, before);
        expect(found).toMatchObject({ sales, refunds });
        const due = dueOf(found, rule, free);
        expect(due.fee + due.payout <= (free < balanceOf(found) ? free : balanceOf(found))).toBe(true);
        expect(due.payout === 0n || due.payout >= rule.amountMin).toBe(true);
        before = positionOf(found, due, rule);
      }
    }),
  );
});

test('sums that cannot be are refused', () => {
  expect(() =>
    turnoverOf({ credits: 5n, debits: 0n }, { credits: 4n, debits: 0n }, 0n, NOTHING_CARRIED),
  ).toThrow('expected sums that grow');
});
