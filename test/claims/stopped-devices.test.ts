// A device that an operator stops, at a shop, through management and cash: what it pays before, meanwhile and after.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DeviceOrder } from '../../src/roles/documents/device-order.ts';
import { type ManagementClient, managementClient } from '../../src/roles/management/client.ts';
import type { PayAnswer, PayRequest } from '../../src/roles/management/messages.ts';
import { id } from '../../src/shared/id.ts';
import { Device, signedBy, soon } from './device.ts';
import { HandmadeShop } from './shop.ts';
import { accountNumber, answerOf, eventually, System, toldBy } from './system.ts';

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

test('revoked: nothing is paid, and nothing definite is said before the purchase has run out', async () => {
  const bob = await withMoney(3);
  const first = shop.sale(bob, 300n);
  expect(await pay(first)).toMatchObject({ kind: 'paid' });
  answerOf(await operator.revokeDevice({ device: bob.number, reason: 'lost' }));
  for (const message of [first, shop.sale(bob, 300n)]) {
    expect(await pay(message)).toEqual({ kind: 'pending', state: 'device_revoked' });
  }
  // Of a purchase that ran out long ago, cash is asked.
  const late = shop.sale(bob, 300n, 1n);
  expect(await pay(late)).toMatchObject({
    kind: 'rejected',
    rejection: { document: { reason: 'order_expired' } },
  });
});
