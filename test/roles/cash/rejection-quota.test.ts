// Rejected payments of one device: bounded a day, counted across restarts; what was decided before keeps its answer.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MemoryDisk, memoryRoleStore } from '../../store/memory-backend.ts';
import {
  funded,
  openedShop,
  outcome,
  payAll,
  paymentOrder,
  payRequest,
  purchaseOf,
  signedBytesOf,
  type TestShop,
} from './pay-support.ts';
import { TestCash, type TestDevice } from './support.ts';

const DAY = 86_400_000_000_000n;
const MAX = 3;
const disk = new MemoryDisk();
let now = 20_000n * DAY;
const clock = () => ++now;

let cash: TestCash;
let shop: TestShop;
let device: TestDevice;
let honest: TestDevice;

const options = { limits: { deviceRejectionsPerDay: MAX }, clock };

async function reopen(): Promise<void> {
  await cash.cash.close();
  const { path, ledger } = cash;
  cash = await TestCash.open({ path, ledger, store: memoryRoleStore(disk), ...options });
}

beforeAll(async () => {
  cash = await TestCash.open({ store: memoryRoleStore(disk), ...options });
  shop = await openedShop(cash);
  device = await funded(cash, 1_000n);
  honest = await funded(cash, 1_000n);
});
afterAll(() => cash.close());

const pay = async (...requests: Parameters<typeof payAll>[1][]) =>
  (await payAll(cash, ...requests)).map(outcome);
const hopeless = () => purchaseOf(device, shop, { amount: 1_000_000n });
const REJECTED = 'rejected: exceeds_credits';
const REFUSED = 'refused: too_many_rejected';
const kept = () => cash.store.range('payment-rejections', { limit: 1_024 }).length;

test('beyond, nothing new is booked, a good one neither; what was decided has its answer; others pay', async () => {
  const paid = purchaseOf(device, shop, { amount: 10n });
  const [receipt] = await payAll(cash, paid);
  const first = hopeless();
  const [rejection] = await payAll(cash, first);
  // Asked for again, it is the same one.
  expect(await pay(first, first)).toEqual([REJECTED, REJECTED]);
  expect(await pay(hopeless(), hopeless())).toEqual([REJECTED, REJECTED]);
  expect(kept()).toBe(MAX);

  const good = purchaseOf(device, shop, { amount: 10n });
  expect(await pay(hopeless(), good, purchaseOf(honest, shop, { amount: 10n }))).toEqual([
    REFUSED,
    REFUSED,
    'paid',
  ]);
  const again = await payAll(cash, paid, first);
  expect(again.map(signedBytesOf)).toEqual([signedBytesOf(receipt!), signedBytesOf(rejection!)]);
  // Another order under an id of his that is paid.
  const other = paymentOrder(device, shop, { id: paid.request, amount: 11n });
  expect(await pay(payRequest(other, device, shop))).toEqual([REFUSED]);
  expect(kept()).toBe(MAX);

  await reopen();
  expect(await pay(hopeless(), good, paid)).toEqual([REFUSED, REFUSED, 'paid']);
  now += DAY;
  expect(await pay(good, hopeless())).toEqual(['paid', REJECTED]);
  await reopen();
  expect(await pay(hopeless(), hopeless(), hopeless())).toEqual([REJECTED, REJECTED, REJECTED]);
  expect(await pay(hopeless())).toEqual([REFUSED]);
});

test('a thousand at once: those that are under way when it is used up, and no more', async () => {
  now += DAY;
  const before = kept();
  for (let round = 0; round < 4; round++) {
    await payAll(cash, ...Array.from({ length: 25 }, hopeless));
  }
  expect(kept() - before).toBeLessThanOrEqual(25);
});
