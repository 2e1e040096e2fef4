// A device or a shop that an operator stops, through management and cash: what is paid before, meanwhile and after.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Client } from '../../src/channel/client.ts';
import { DeviceOrder } from '../../src/roles/documents/device-order.ts';
import { type ManagementClient, managementClient } from '../../src/roles/management/client.ts';
import type { PayAnswer, PayRequest } from '../../src/roles/management/messages.ts';
import { id } from '../../src/shared/id.ts';
import { readCreateTransferResults } from '../../src/wire/results.ts';
import { paymentOrder } from '../roles/cash/pay-support.ts';
import { Device, signedBy, soon } from './device.ts';
import { HandmadeShop } from './shop.ts';
import { accountNumber, answerOf, EUR, eventually, System, toldBy } from './system.ts';

let system: System;
let shop: HandmadeShop;
let till: ManagementClient;
let operator: ManagementClient;

beforeAll(async () => {
  system = await System.start({ deaf: true });
  shop = await HandmadeShop.open(system, accountNumber(1));
  till = managementClient(await shop.connect());
  operator = managementClient(await system.asOperator('management'));
});
afterAll(() => system?.close());

async function withMoney(place: number): Promise<Device> {
  const device = await Device.enrolled(system, accountNumber(place));
  const management = await device.management();
  const order = device.order(2_000n);
  await eventually(async () => toldBy(await management.load({ order, account: undefined })) === 'loaded');
  return device;
}

async function pay(message: PayRequest): Promise<PayAnswer> {
  let answer: PayAnswer | undefined;
  await eventually(async () => {
    answer = answerOf(await till.pay(message));
    return answer.kind !== 'pending' || answer.state !== 'paying';
  });
  return answer!;
}

async function orders(device: Device, action: DeviceOrder['action']): Promise<void> {
  const document = {
    ...{ request: id(), operator: system.operator.name, device: device.number, action },
    ...{ reason: 'for the test', applyBy: soon() },
  };
  const order = signedBy(DeviceOrder, document, system.operator.signing);
  await eventually(async () => answerOf(await operator.deviceOrder({ order })).kind === 'done');
}

test('blocked: what was paid stays paid, what comes is rejected for good by cash, and after that it pays again', async () => {
  const ada = await withMoney(2);
  const first = shop.sale(ada, 300n);
  const paid = await pay(first);
  expect(paid).toMatchObject({ kind: 'paid', receipt: { document: { amount: 300n, shop: shop.number } } });
  await orders(ada, { kind: 'block' });
  const second = shop.sale(ada, 300n);
  const rejected = await pay(second);
  expect(rejected).toMatchObject({ kind: 'rejected', rejection: { document: { reason: 'orders_closed' } } });
  // The shop did not hear the first answer, and asks again.
  expect(await pay(first)).toEqual(paid);
  await orders(ada, { kind: 'unblock' });
  expect(await pay(second)).toEqual(rejected);
  expect(await pay(shop.sale(ada, 200n))).toMatchObject({ kind: 'paid' });
  expect(answerOf(await operator.lookupRequest({ request: second.request })).report).toMatchObject({
    kind: 'purchase',
    state: 'rejected',
    device: ada.number,
    detail: expect.stringMatching(/^orders_closed, shop 0x/),
  });
});

test('revoked: what was paid stays paid, and what comes is rejected for good by cash', async () => {
  const bob = await withMoney(3);
  const first = shop.sale(bob, 300n);
  const paid = await pay(first);
  expect(paid).toMatchObject({ kind: 'paid' });
  await orders(bob, { kind: 'revoke' });
  expect(await pay(first)).toEqual(paid);
  expect(await pay(shop.sale(bob, 300n))).toMatchObject({
    kind: 'rejected',
    rejection: { document: { reason: 'orders_closed' } },
  });
  // Of a purchase that ran out long ago, cash is asked.
  const late = shop.sale(bob, 300n, 1n);
  expect(await pay(late)).toMatchObject({
    kind: 'rejected',
    rejection: { document: { reason: 'order_expired' } },
  });
});

/** Straight to cash, as an acquirer. */
async function submitted(acquirer: Client, device: Device): Promise<string> {
  const payer = { device: device.number, key: device.signing };
  const order = paymentOrder(
    payer,
    { shop: shop.number, key: shop.signing },
    { id: id(), amount: 100n, ledger: EUR, expiresAt: soon() },
  );
  return readCreateTransferResults(await acquirer.createPaymentOrders(order))[0]!.status;
}

test('who does not ask management is not served either: cash knows what is revoked, and which shop is closed', async () => {
  const [cleo, dora] = [await withMoney(4), await withMoney(5)];
  const acquirer = await shop.connect('cash');
  expect(await submitted(acquirer, cleo)).toBe('created');
  await orders(cleo, { kind: 'revoke' });
  expect(await submitted(acquirer, cleo)).toBe('orders_closed');
  expect(await submitted(acquirer, dora)).toBe('created');

  const paid = shop.sale(dora, 200n);
  expect(await pay(paid)).toMatchObject({ kind: 'paid' });
  const close = { shop: shop.number, reason: 'rent' };
  await eventually(async () => answerOf(await operator.closeShop(close)).kind === 'closed');
  await expect(submitted(acquirer, dora)).rejects.toThrow(/expected a shop that is open/);
  await expect(shop.connect('cash')).rejects.toThrow(/revoked/);
  await expect(shop.connect()).rejects.toThrow(/revoked/);
  expect(await system.audit()).toMatchObject({ passed: true, open: [] });
});
