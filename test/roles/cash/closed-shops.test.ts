// A shop that was closed: nothing new is paid to it, by whatever way; what was paid is given back, captured and paid out.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { OrderVerdict } from '../../../src/layout/generated.ts';
import { TransferCode } from '../../../src/roles/cash/accounts.ts';
import { stamp } from '../../../src/roles/cash/order-records.ts';
import { RequestOperation } from '../../../src/wire/operation.ts';
import { readCreateTransferResults } from '../../../src/wire/results.ts';
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
import { earned, ordered, paid, shopOrder } from './shop-support.ts';
import { answerOf, OPERATOR, TestCash, type TestDevice } from './support.ts';

const disk = new MemoryDisk();
let cash: TestCash;
let device: TestDevice;

beforeAll(async () => {
  cash = await TestCash.open({ store: memoryRoleStore(disk) });
  device = await funded(cash, 10_000n);
});
afterAll(() => cash.close());

const close = async ({ shop }: TestShop): Promise<bigint> =>
  answerOf(await cash.client().closeShop({ shop })).timestamp;
const pay = async (...requests: Parameters<typeof payAll>[1][]) =>
  (await payAll(cash, ...requests)).map(outcome);

/** As an acquirer, straight to cash. */
async function submitted({ shop, key }: TestShop, order: Uint8Array): Promise<string> {
  const { publicKey: signingKey } = key;
  const { status, body, message } = await cash.submit({
    operation: RequestOperation.create_payment_orders,
    payload: order,
    count: 1,
    peer: { kind: 'shop', shop, signingKey, channelKey: signingKey, serial: 1n, notAfter: 1n << 63n },
  });
  return status === 0 ? readCreateTransferResults(body)[0]!.status : message!;
}

test('new purchases are rejected for good; what was paid before has its receipt; the rest of the batch is paid', async () => {
  const [shop, other] = [await openedShop(cash), await openedShop(cash)];
  const before = purchaseOf(device, shop, { amount: 300n });
  const [receipt] = await payAll(cash, before);
  const poor = purchaseOf(device, shop, { amount: 1_000_000n });
  expect(await pay(poor)).toEqual(['rejected: exceeds_credits']);
  const since = await close(shop);
  expect(await close(shop)).toBe(since);
  const late = purchaseOf(device, shop, { amount: 50n });
  const elsewhere = purchaseOf(device, other, { amount: 20n });
  expect(await pay(late, before, elsewhere, poor)).toEqual([
    'rejected: shop_closed',
    'paid',
    'paid',
    'rejected: exceeds_credits',
  ]);
  const [again, rejection] = await payAll(cash, before, late);
  expect(signedBytesOf(again!)).toEqual(signedBytesOf(receipt!));
  signedBytesOf(rejection!);
  expect([await earned(cash, shop), await earned(cash, other)]).toEqual([300n, 20n]);
  const { report } = answerOf(await cash.client(OPERATOR).lookupRequest(late.request));
  expect(report).toMatchObject({ kind: 'payment', state: 'rejected', detail: 'shop_closed' });
});

test('a rejection is one whoever submits the order later: an operator cannot have it paid either', async () => {
  const shop = await openedShop(cash);
  await close(shop);
  const order = paymentOrder(device, shop, { amount: 50n });
  expect(await pay(payRequest(order, device, shop))).toEqual(['rejected: shop_closed']);
  stamp(new DataView(order.buffer), 0, OrderVerdict.good);
  const straight = await cash.ledger.createPaymentOrders(order);
  expect(readCreateTransferResults(straight)).toMatchObject([{ status: 'id_already_failed' }]);
  expect(await earned(cash, shop)).toBe(0n);
});

test('refunds, captures and voids of what was before are done', async () => {
  const shop = await openedShop(cash);
  const sale = await paid(cash, device, shop, { amount: 100n });
  const fuel = await paid(cash, device, shop, { amount: 90n, timeoutSeconds: 3_600 });
  const room = await paid(cash, device, shop, { amount: 80n, timeoutSeconds: 3_600 });
  await close(shop);
  expect(
    await ordered(
      cash,
      shopOrder(shop, { action: 'refund', purchase: sale, amount: 40n }),
      shopOrder(shop, { action: 'capture', purchase: fuel, amount: 60n }),
      shopOrder(shop, { action: 'void', purchase: room }),
    ),
  ).toEqual(['done: 40', 'done: 60', 'done: 80']);
  expect(await earned(cash, shop)).toBe(120n);
});

test('its own batches are refused, and its certificate opens no channel, also after a restart', async () => {
  const [shop, other] = [await openedShop(cash), await openedShop(cash)];
  const order = () => paymentOrder(device, shop, { amount: 5n, code: TransferCode.payment });
  expect(await submitted(shop, order())).toBe('created');
  expect(cash.cash.revoked({ shop: shop.shop } as never)).toBe(false);
  await close(shop);
  expect(await submitted(shop, order())).toMatch(
    /expected a shop that is open, got shop \d+, which was closed/,
  );
  expect(await submitted(other, paymentOrder(device, other, { amount: 5n }))).toBe('created');
  const isRevoked = ({ shop }: TestShop) => cash.cash.revoked({ shop } as never);
  expect([isRevoked(shop), isRevoked(other)]).toEqual([true, false]);
  await cash.cash.close();
  const { path, ledger } = cash;
  cash = await TestCash.open({ path, ledger, store: memoryRoleStore(disk) });
  expect([isRevoked(shop), isRevoked(other)]).toEqual([true, false]);
  expect(await submitted(shop, order())).toMatch(/which was closed/);
  expect(await earned(cash, shop)).toBe(5n);
});

test('one that cash does not know is refused', async () => {
  expect(await cash.client().closeShop({ shop: (1n << 92n) + 5n })).toMatchObject({
    refusal: { code: 'shop_unknown' },
  });
  expect(await cash.client().closeShop({ shop: 7n })).toMatchObject({ refusal: { code: 'malformed' } });
});
