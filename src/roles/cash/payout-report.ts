// The operation `window_report`: a window's positions as they were booked, and what became of its payouts.
import { U128_MAX } from '../../shared/bytes.ts';
import type { CashRefused } from './check.ts';
import type { CashParts } from './interface.ts';
import { windowUnknown } from './payout-book.ts';
import {
  PAYOUTS_PAGE_MAX,
  type ReportedPosition,
  type WindowReportAnswer,
  type WindowReportRequest,
} from './payout-messages.ts';
import {
  findPayout,
  findWindow,
  type LeftOut,
  listLeftOut,
  listPositions,
  payoutId,
  type ShopPosition,
} from './payout-windows.ts';

type Answer = WindowReportAnswer | CashRefused;

export async function windowReports(
  requests: readonly WindowReportRequest[],
  { store }: Pick<CashParts, 'store'>,
): Promise<Answer[]> {
  return requests.map(({ window, after }) => {
    const record = findWindow(store, window);
    if (record === undefined) return windowUnknown(window);
    const { currency, number, from, cutoff, isBooked } = record;
    const positions = [
      ...listPositions(store, window, after, U128_MAX - 1n, PAYOUTS_PAGE_MAX).map((position) =>
        reported(window, position, store),
      ),
      ...listLeftOut(store, window, after, PAYOUTS_PAGE_MAX).map(leftOut),
    ]
      .sort((left, right) => (left.shop < right.shop ? -1 : 1))
      .slice(0, PAYOUTS_PAGE_MAX);
    const isFull = positions.length === PAYOUTS_PAGE_MAX;
    return {
      ...{ currency, number, from, cutoff, isBooked, positions },
      next: isFull ? positions.at(-1)!.shop : undefined,
    };
  });
}

function reported(window: bigint, position: ShopPosition, store: CashParts['store']): ReportedPosition {
  const { shop, carriedIn, sales, refunds, returned, fee, carriedOut, feeCarriedOut } = position;
  const isPaidOut = position.timestamp !== 0n;
  const payout = isPaidOut ? payoutId(window, shop) : 0n;
  return {
    ...{ shop, carriedIn, sales, refunds, returned, fee, carriedOut, feeCarriedOut },
    payout,
    amount: position.payout,
    standing: isPaidOut ? (findPayout(store, payout)?.outcome ?? 'under_way') : 'none',
    problem: '',
  };
}

function leftOut({ shop, problem }: LeftOut): ReportedPosition {
  return {
    ...{
      shop,
      carriedIn: 0n,
      sales: 0n,
      refunds: 0n,
      returned: 0n,
      fee: 0n,
      carriedOut: 0n,
      feeCarriedOut: 0n,
    },
    ...{ payout: 0n, amount: 0n, standing: 'left_out', problem },
  };
}
