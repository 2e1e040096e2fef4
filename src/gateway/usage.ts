// What a terminal has sent today, and what of it is under way.
//
//     terminal-usage   channel key ▶ day, amount, refused, open
import { type Infer, struct, u32, u128 } from '../shared/codec.ts';
import type { StoreReads, StoreTransaction } from '../store/store.ts';

const TABLE = 'terminal-usage';
const NANOSECONDS_PER_DAY = 86_400_000_000_000n;

const Usage = struct({
  /** UTC, since the Unix epoch; amount and refused are of it. */
  day: u32,
  amount: u128,
  /** Refusals that are remembered. */
  refused: u32,
  /** Exchanges that are not over, of whatever day. */
  open: u32,
});
export type Usage = Infer<typeof Usage>;

export const dayOf = (now: bigint): number => Number(now / NANOSECONDS_PER_DAY);

type Reads = Pick<StoreReads, 'get'>;
type Writes = Pick<StoreTransaction, 'get' | 'put'>;

export function usageOf(reads: Reads, channelKey: Uint8Array): Usage {
  const stored = reads.get(TABLE, channelKey);
  return stored === undefined ? { day: 0, amount: 0n, refused: 0, open: 0 } : Usage.decode(stored);
}

/** As of that day: what was before is over. */
export function usageOn(reads: Reads, channelKey: Uint8Array, day: number): Usage {
  const usage = usageOf(reads, channelKey);
  return usage.day === day ? usage : { ...usage, day, amount: 0n, refused: 0 };
}

/** With its terminal. */
export const forgetUsage = (tx: Pick<StoreTransaction, 'remove'>, channelKey: Uint8Array): void =>
  tx.remove(TABLE, channelKey);

/** @param change of the day on which it was sent; when that is over, only what is under way changes */
export function changeUsage(
  tx: Writes,
  channelKey: Uint8Array,
  day: number,
  change: { readonly amount?: bigint; readonly refused?: number; readonly open?: number },
): void {
  const { amount = 0n, refused = 0, open = 0 } = change;
  const usage = usageOf(tx, channelKey);
  const isLater = usage.day > day;
  const before = isLater ? usage : usageOn(tx, channelKey, day);
  const after: Usage = {
    ...before,
    amount: isLater ? before.amount : before.amount + amount,
    refused: isLater ? before.refused : before.refused + refused,
    open: before.open + open,
  };
  if (after.amount < 0n || after.open < 0)
    throw new RangeError(`usage: expected 0 or more, got ${after.amount} in ${after.open} exchanges`);
  tx.put(TABLE, channelKey, Usage.encode(after));
}
