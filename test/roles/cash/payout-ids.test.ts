// Ids of a window's bookings are made of what others may know: whoever pays a purchase under one of them must not make cash
// take it for its own booking.
import { expect, test } from 'vitest';
import { OrderVerdict, PaymentOrderLayout } from '../../../src/layout/generated.ts';
import { outcomeId, payoutId } from '../../../src/roles/cash/payout-windows.ts';
import { readCreateTransferResults } from '../../../src/wire/results.ts';
import { funded, openedShop, outcome, payAll, paymentOrder, purchaseOf } from './pay-support.ts';
import { booked, closed, reported } from './payout-support.ts';
import { earned, ordered, paid, shopOrder } from './shop-support.ts';
import { answerOf, EUR, TestCash } from './support.ts';

test("a purchase under the id of a window's payout is no payout", async () => {
  const cash = await TestCash.open();
  const [shop, device] = [await openedShop(cash), await funded(cash, 1_000n)];
  await paid(cash, device, shop, { amount: 500n });
  const { window } = await closed(cash);
  const id = payoutId(window, shop.shop);
  // An operator's own, which the desk does not look at.
  const order = paymentOrder(device, shop, { id, amount: 300n });
  new DataView(order.buffer).setUint32(PaymentOrderLayout.verdict, OrderVerdict.good, true);
  const results = readCreateTransferResults(await cash.ledger.createPaymentOrders(order));
  expect(results.map(({ status }) => status)).toEqual(['created']);
  expect(await booked(cash, window)).toEqual([]);
  expect(await reported(cash, window)).toMatchObject([{ sales: 500n, amount: 0n, carriedOut: 500n }]);
  expect(await earned(cash, shop)).toBe(800n);
  // What stayed is due again.
  const next = await closed(cash);
  const orders = await booked(cash, next.window);
  expect(orders.map(({ document }) => document.amount)).toEqual([800n]);
  await cash.close();
});

test('nobody can choose an id that cash makes', async () => {
  const cash = await TestCash.open();
  const [shop, device] = [await openedShop(cash), await funded(cash, 1_000n)];
  const purchase = await paid(cash, device, shop, { amount: 500n });
  const { window } = await closed(cash);
  const payout = payoutId(window, shop.shop);
  for (const id of [payout, outcomeId(payout, 'returned')]) {
    const [result] = await payAll(cash, purchaseOf(device, shop, { id }));
    expect(outcome(result!)).toBe('refused: malformed');
    const refund = shopOrder(shop, { action: 'refund', purchase, amount: 1n, request: id });
    expect(await ordered(cash, refund)).toEqual(['refused: malformed']);
  }
  expect(answerOf(await cash.client().closeWindow({ window, currency: EUR })).number).toBe(1n);
  expect((await booked(cash, window)).map(({ document }) => document.payout)).toEqual([payout]);
  await cash.close();
});
