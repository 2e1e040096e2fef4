// What the audit reads of purses in a running system: their balances, and that nothing moved when nothing did.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fromCash } from '../../../src/cli/audit/collect.ts';
import { CashClient } from '../../../src/roles/cash/client.ts';
import { Device } from '../../claims/device.ts';
import { accountNumber, answerOf, EUR, eventually, System, toldBy } from '../../claims/system.ts';
import { handover, openingOf, pays, type TestPurse } from '../../roles/cash/purse-support.ts';

let system: System;
beforeAll(async () => {
  system = await System.start({ deaf: true });
});
afterAll(() => system?.close());

async function loaded(amount: bigint): Promise<Device> {
  const device = await Device.enrolled(system, accountNumber(1));
  const management = await device.management();
  const order = device.orderGiven(amount);
  const { request } = order.document;
  const account = device.seal(accountNumber(1), { purpose: 'load', request });
  await eventually(async () => toldBy(await management.load({ order, account })) === 'loaded');
  return device;
}

async function opened(
  cash: CashClient,
  { number, signing: key }: Device,
  amount: bigint,
): Promise<TestPurse> {
  const device = { device: number, key };
  const opening = openingOf(device, { amount, key });
  const answer = answerOf(await cash.openPurse(opening));
  if (answer.kind !== 'opened') throw new Error(`expected an allowance, got ${answer.reason}`);
  const { document: allowance } = answer.allowance;
  return { purse: opening.purse, key, device, allowance, sequence: 0n, total: 0n };
}

test('purses and what the operator has paid for one of them add up', async () => {
  const [alice, bob] = [await loaded(1_000n), await Device.enrolled(system, accountNumber(2))];
  const cash = new CashClient(await system.asRole('management', 'cash'));
  const [payer, payee] = [await opened(cash, alice, 600n), await opened(cash, bob, 0n)];
  for (const order of [handover(payer, payee, { amount: 50n }), pays(payer, payee, 100n)]) {
    const { outcome } = answerOf(await cash.settleTransfer({ device: alice.number, order }));
    expect(outcome.kind).toBe('settled');
  }
  const client = await system.asOperator('cash');
  const devices = [alice.number, bob.number];
  const { others, balances, float, movedMeanwhile } = await fromCash(client, {
    currency: EUR,
    devices,
    shops: [],
  });
  await client.close(0);
  const of = (name: string): bigint[] =>
    others.filter(({ account }) => account === name).map(({ balance }) => balance);
  expect(of('purses').sort()).toEqual([150n, 550n]);
  expect(of('offline_loss')).toEqual([-100n]);
  expect(balances.map(({ balance }) => balance).sort()).toEqual([0n, 400n]);
  expect(float.get(EUR)).toBe(1_000n);
  expect(movedMeanwhile.size).toBe(0);
});
