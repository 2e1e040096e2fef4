// Windows and payouts as management has them. Tables:
//
//     payout-windows   window ▶ report
//     payout-heads     currency ▶ its newest window
//     payouts          window, payout ▶ shop, amount, standing
//     payout-places    payout ▶ window
//     payout-cursors   'outcomes' ▶ how many of settlement's outcomes are booked

import { U128_MAX } from '../../shared/bytes.ts';
import { type Codec, type Infer, struct, u64, u128 } from '../../shared/codec.ts';
import { keyOf } from '../../store/key.ts';
import type { StoreReads, StoreTransaction } from '../../store/store.ts';
import type { PayoutReceipt } from '../documents/payout.ts';
import type { Put } from '../flow/flow.ts';
import { PayoutReport, WindowReport } from './payout-messages.ts';
import { find } from './registry.ts';

const WINDOWS = 'payout-windows';
const HEADS = 'payout-heads';
const PAYOUTS = 'payouts';
const PLACES = 'payout-places';
const CURSORS = 'payout-cursors';
const OUTCOMES_CURSOR = new TextEncoder().encode('outcomes');

const Place = struct({ window: u128 });
export type Place = Infer<typeof Place>;

export const findWindow = (reads: StoreReads, window: bigint): WindowReport | undefined =>
  find(reads, WINDOWS, window, WindowReport);

export const findHead = (reads: StoreReads, currency: number): bigint | undefined =>
  find(reads, HEADS, BigInt(currency), u128 as Codec<bigint>);

export const putWindow = (report: WindowReport): Put => ({
  table: WINDOWS,
  key: report.window,
  value: WindowReport.encode(report),
});

export const putHead = ({ currency, window }: WindowReport): Put => ({
  table: HEADS,
  key: BigInt(currency),
  value: u128.encode(window),
});

export const findPayout = (reads: StoreReads, window: bigint, payout: bigint): PayoutReport | undefined =>
  find(reads, PAYOUTS, keyOf(window, payout), PayoutReport);

export const putPayout = (window: bigint, report: PayoutReport): Put => ({
  table: PAYOUTS,
  key: keyOf(window, report.payout),
  value: PayoutReport.encode(report),
});

export const putPlace = (window: bigint, payout: bigint): Put => ({
  table: PLACES,
  key: payout,
  value: Place.encode({ window }),
});

/** In the order of their ids, after that one. */
export function listWindows(reads: StoreReads, after: bigint | undefined, limit: number): WindowReport[] {
  if (after === U128_MAX) return [];
  const bounds = after === undefined ? { limit } : { from: after + 1n, limit };
  return reads.range(WINDOWS, bounds).map(({ value }) => WindowReport.decode(value));
}

export const hasWindows = (reads: StoreReads): boolean => reads.range(WINDOWS, { limit: 1 }).length > 0;

export function listPayouts(
  reads: StoreReads,
  window: bigint,
  after: bigint | undefined,
  limit: number,
): PayoutReport[] {
  if (after === U128_MAX || window === U128_MAX) return [];
  const from = keyOf(window, after === undefined ? 0n : after + 1n);
  return reads
    .range(PAYOUTS, { from, to: keyOf(window + 1n, 0n), limit })
    .map(({ value }) => PayoutReport.decode(value));
}

/** How many of settlement's outcomes are booked at cash. */
export const outcomesBooked = (reads: StoreReads): bigint =>
  find(reads, CURSORS, OUTCOMES_CURSOR, u64 as Codec<bigint>) ?? 0n;

/** What cash has booked. Returns the windows that have changed. */
export function putOutcomes(tx: StoreTransaction, receipts: readonly PayoutReceipt[]): ReadonlySet<bigint> {
  const changed = new Set<bigint>();
  for (const { payout, outcome, reason, institutionReference } of receipts) {
    const place = find(tx, PLACES, payout, Place);
    if (place === undefined) continue;
    const { window } = place;
    const before = findPayout(tx, window, payout)!;
    const { standing } = before;
    // Told again; cash has booked nothing more either.
    if (standing === outcome || (standing === 'returned' && outcome === 'booked')) continue;
    const report = findWindow(tx, window)!;
    const wasOpen = standing === 'instructing' || standing === 'instructed';
    write(tx, putPayout(window, { ...before, standing: outcome, reason, institutionReference }));
    write(
      tx,
      putWindow({
        ...report,
        open: report.open - (wasOpen ? 1 : 0),
        rejected: report.rejected + (outcome === 'rejected' ? 1 : 0),
        returned: report.returned + (outcome === 'returned' ? 1 : 0),
      }),
    );
    changed.add(window);
  }
  tx.put(CURSORS, OUTCOMES_CURSOR, u64.encode(outcomesBooked(tx) + BigInt(receipts.length)));
  return changed;
}

function write(tx: StoreTransaction, { table, key, value }: Put): void {
  tx.put(table, key, value!);
}
