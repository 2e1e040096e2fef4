// A shop whose account contradicts what cash has written of it: the others are paid, an operator is told, and when it is
// mended nothing of it is lost. And a shop to which more came back than is read at a time.
import { expect, test } from 'vitest';
import {
  findPosition,
  listReturns,
  type PositionRecord,
  putPosition,
  putReturn,
} from '../../../src/roles/cash/payout-windows.ts';
import { MemoryDisk, memoryRoleStore } from '../../store/memory-backend.ts';
import { funded, openedShop, type TestShop } from './pay-support.ts';
import { booked, closed, reported } from './payout-support.ts';
import { paid } from './shop-support.ts';
import { EUR, TestCash } from './support.ts';

test('one shop is left out, the others are paid', async () => {
  const cash = await TestCash.open();
  const shops = [await openedShop(cash), await openedShop(cash)];
  const [bad, good] = shops as [TestShop, TestShop];
  const device = await funded(cash, 10_000n);
  const health = () => cash.cash.engine.health();
  const sell = async (amount: bigint): Promise<void> => {
    for (const shop of shops) await paid(cash, device, shop, { amount });
  };
  const window = async (): Promise<bigint> => {
    const { window: number } = await closed(cash);
    await booked(cash, number);
    return number;
  };
  await sell(500n);
  const first = await window();
  const right = findPosition(cash.store, first, bad.shop)!;
  const put = (position: PositionRecord) =>
    cash.store.transaction((tx) => putPosition(tx, first, bad.shop, position));
  await put({ ...right, carriedOut: 7n });

  // Twice in a row.
  for (const number of [1n, 2n]) {
    await sell(300n);
    const left = await window();
    const positions = await reported(cash, left);
    expect(positions.map(({ shop, standing, amount }) => [shop, standing, amount])).toEqual([
      [bad.shop, 'left_out', 0n],
      [good.shop, 'under_way', 300n],
    ]);
    expect(positions[0]!.problem).toBe(
      `turnover: expected a balance of ${300n * number}, got ${300n * number + 7n}`,
    );
    expect(health()).toMatchObject({ status: 'degraded', detail: { shopsLeftOut: 1 } });
    expect(cash.logged.filter(({ message }) => message === 'a shop is left out of a window')).toHaveLength(
      Number(number),
    );
  }

  await put(right);
  await sell(100n);
  const last = await window();
  const position = (await reported(cash, last)).find(({ shop }) => shop === bad.shop);
  // Of this window and of both before it.
  expect(position).toMatchObject({ carriedIn: 0n, sales: 700n, refunds: 0n, amount: 700n, problem: '' });
  expect(health()).toMatchObject({ status: 'ok', detail: { shopsLeftOut: 0 } });
  await cash.close();
});

test('however much has come back to a shop, all of it is read', async () => {
  const store = memoryRoleStore(new MemoryDisk());
  const payouts = Array.from({ length: 2_050 }, (_, i) => BigInt(i) * 3n);
  await store.transaction((tx) => {
    for (const payout of payouts) putReturn(tx, 9n, { payout, currency: EUR, transfer: payout + 1n });
    putReturn(tx, 10n, { payout: 1n, currency: EUR, transfer: 2n });
    putReturn(tx, 9n, { payout: (1n << 128n) - 1n, currency: EUR, transfer: 5n });
  });
  expect(listReturns(store, 9n).map(({ payout }) => payout)).toEqual([...payouts, (1n << 128n) - 1n]);
  await store.close();
});
