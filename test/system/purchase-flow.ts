// What a wallet and a shop do with each other, with an end of each kind, each checked on both sides.
import { expect } from 'vitest';
import type { Around } from './enumeration.ts';
import type { KeptShop } from './shop.ts';
import type { TestWallet } from './system.ts';

/** What one run costs the wallet, minor units: 780 bought and given back; 1,790 reserved, 895 taken, 500 given back. */
export const RUN_COSTS = 395n;

/**
 * A sale, refunded in two parts; a reservation of which a part is taken, and of that a part refunded; another that is
 * released; and the wallet hears of all of it from cash's statement.
 * @param around runs each request
 */
export async function everyTrade({ wallet }: TestWallet, shop: KeptShop, around: Around): Promise<void> {
  const before = (await wallet.balance()).balance;
  const { card } = shop;
  const coffee = [
    { article: 'coffee', quantity: 2 },
    { article: 'tea', quantity: 1 },
  ];
  const sale = await around(() => wallet.buy({ shop: card, articles: coffee }));
  expect(sale).toMatchObject({ state: { kind: 'paid' }, amount: 780n });
  await around(() => shop.order('refund', sale.request, 500n, ({ refunded }) => refunded >= 500n));
  await around(() => shop.order('refund', sale.request, 280n, ({ refunded }) => refunded >= 780n));

  const fuel = [{ article: 'fuel', quantity: 10 }];
  const reserve = () => around(() => wallet.buy({ shop: card, articles: fuel, kind: 'authorisation' }));
  const taken = await reserve();
  expect(taken).toMatchObject({ state: { kind: 'reserved' }, amount: 1790n });
  await around(() => shop.order('capture', taken.request, 895n, ({ state }) => state === 'captured'));
  await around(() => shop.order('refund', taken.request, 500n, ({ refunded }) => refunded >= 500n));
  const released = await reserve();
  await around(() => shop.order('void', released.request, 0n, ({ state }) => state === 'voided'));

  await around(() => wallet.sync());
  // Again, as the one before may have been answered from before a kill.
  const { balance, online } = await wallet.sync();
  expect(online).toMatchObject({ verdict: 'agrees', balance, reserved: 0n });
  expect(balance).toBe(before - RUN_COSTS);
  const report = await wallet.balance();
  expect([report.open, report.reserved, report.available]).toEqual([[], [], balance]);
  expect(await wallet.verify()).toMatchObject({ problems: [], balance });
  expect(await shop.sale(sale.request)).toMatchObject({ state: 'paid', amount: 780n, refunded: 780n });
  expect(await shop.sale(taken.request)).toMatchObject({ state: 'captured', captured: 895n, refunded: 500n });
  expect(await shop.sale(released.request)).toMatchObject({ state: 'voided', captured: 0n, refunded: 0n });
}
