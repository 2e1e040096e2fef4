// Shops that management has closed: nothing is paid to them from then on.
//
//     payment orders that the shop submits itself ─▶ not_permitted (order-desk.ts)
//     purchases that management passes on         ─▶ rejected: shop_closed (book-payments.ts)
//     refunds, captures, voids, payouts           ─▶ as before: they are of what was paid
//
// Management's word is enough, as it is to open one: it can refuse each purchase too.
import { Refusal } from '../common/refusal.ts';
import { type CashRefused, checkNumber, shopUnknown } from './check.ts';
import { findShop } from './find-holder.ts';
import type { CashParts } from './interface.ts';
import type { CloseShopAnswer, CloseShopRequest } from './messages.ts';

/** One answer a request, in order. @throws StoreError: the same requests may come again */
export async function closeShops(
  requests: readonly CloseShopRequest[],
  parts: CashParts,
): Promise<(CloseShopAnswer | CashRefused)[]> {
  const { shops, clock } = parts;
  return Promise.all(
    requests.map(async ({ shop }) => {
      const known = checkNumber('shop', shop) ?? findShop(shop, parts) ?? shopUnknown(shop);
      return known instanceof Refusal ? known : { timestamp: await shops.close(shop, clock()) };
    }),
  );
}
