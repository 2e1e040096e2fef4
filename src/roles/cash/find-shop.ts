import { Refusal } from '../common/refusal.ts';
import type { CashRefused } from './check.ts';
import type { CashRefusal } from './errors.ts';
import type { CashParts } from './interface.ts';
import type { Shop } from './shops.ts';

/** The registered shop; undefined: none. A record that cannot be read is a matter of its own message, not of the batch. */
export function findShop(
  shop: bigint,
  { shops, log }: Pick<CashParts, 'shops' | 'log'>,
): Shop | CashRefused | undefined {
  try {
    return shops.shop(shop);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    log.error({ shop: String(shop), error: text }, 'a shop could not be read');
    return new Refusal<CashRefusal>('internal_error', `shop ${shop}: expected its record, got a damaged one`);
  }
}
