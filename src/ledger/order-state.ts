// What the ledger knows of an account's payment orders (assembly/layout/row.ts), as an object.
import { DeviceRowLayout } from '../layout/generated.ts';
import { readU128 } from '../shared/bytes.ts';

export interface OrderState {
  /** Greatest sequence number that was applied; 0n: none. */
  readonly newestSequence: bigint;
  /** Bit i: newestSequence - i was applied. */
  readonly window: bigint;
  /** Orders that were applied. */
  readonly orders: bigint;
  /** UTC day (days since the epoch) of the last one, and what the orders of that day add up to. */
  readonly day: bigint;
  readonly spent: bigint;
  /** Terms: 0n is no limit; flags are OrderTermsFlags; when they were set (nanoseconds), 0n: never. */
  readonly paymentMax: bigint;
  readonly dayMax: bigint;
  readonly flags: number;
  readonly termsTimestamp: bigint;
}

export function readOrderState(row: DataView): OrderState {
  const at = DeviceRowLayout;
  return {
    newestSequence: row.getBigUint64(at.newestSequence, true),
    window: row.getBigUint64(at.window, true),
    orders: row.getBigUint64(at.orderCount, true),
    day: row.getBigUint64(at.day, true),
    spent: readU128(row, at.spent),
    paymentMax: readU128(row, at.paymentMax),
    dayMax: readU128(row, at.dayMax),
    flags: row.getUint32(at.flags, true),
    termsTimestamp: row.getBigUint64(at.termsTimestamp, true),
  };
}
