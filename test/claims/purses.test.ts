// Purses through management and cash as they are: opened, paid out of without anybody, reported by whoever has the order,
// closed; and one that pays twice, which costs the operator and nobody else.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ManagementClient, managementClient } from '../../src/roles/management/client.ts';
import { Holder } from './holder.ts';
import { accountNumber, answerOf, eventually, System } from './system.ts';

let system: System;
let operator: ManagementClient;

beforeAll(async () => {
  system = await System.start({ deaf: true });
  operator = managementClient(await system.asOperator('management'));
});
afterAll(() => system?.close());

test('a chain, reported in the wrong order and by others; then all is closed, and the audit agrees', async () => {
  const [ada, bob, eve] = [
    await Holder.open(system, 500n, accountNumber(1)),
    await Holder.open(system, 0n, accountNumber(2)),
    await Holder.open(system, 0n, accountNumber(3)),
  ];
  expect(await ada.balance()).toBe(1_500n);
  const { opening, certificate, allowance } = ada;
  expect(answerOf(await ada.management.openPurse({ opening }))).toEqual({
    kind: 'opened',
    certificate,
    allowance,
  });
  const first = ada.pays(bob, 300n);
  const second = bob.pays(eve, 250n);
  // What funds it was not reported yet.
  expect((await eve.reports(second)).outcome.kind).toBe('waiting');
  expect((await ada.closes()) as unknown).toMatchObject({
    answer: { answer: { kind: 'unreported', sequences: [1] } },
  });
  expect(await eve.reports(first)).toMatchObject({
    outcome: { kind: 'settled', from: 'purse' },
    fraud: undefined,
  });
  await eventually(async () => (await bob.reports(second)).outcome.kind === 'settled');
  const [one, other, again] = await Promise.all([ada.reports(first), bob.reports(first), bob.reports(first)]);
  expect([other, again]).toEqual([one, one]);
  expect(await eve.statement()).toMatchObject({ device: eve.purse, balance: 250n });
  for (const [holder, balance] of [
    [ada, 1_700n],
    [bob, 2_050n],
    [eve, 2_250n],
  ] as const) {
    expect(await holder.closes()).toMatchObject({ answer: { kind: 'answered', answer: { kind: 'closed' } } });
    expect(await holder.balance()).toBe(balance);
  }
  expect(answerOf(await operator.deviceExposure({ device: ada.device.number }))).toMatchObject({
    purses: [{ purse: ada.purse, state: 'closed', settled: 300n, left: 0n, payments: 1 }],
    frauds: [],
    blockListSerial: 0n,
  });
  expect(answerOf(await bob.management.getBlockList({ serial: 0n, part: 0 })).list).toBeUndefined();
  expect(await system.audit()).toMatchObject({ passed: true, open: [] });
});

test('two payments under one number: both payees have their money, the device is named and blocked by both', async () => {
  const [mallory, bob, eve] = [
    await Holder.open(system, 400n, accountNumber(4)),
    await Holder.open(system, 0n, accountNumber(5)),
    await Holder.open(system, 0n, accountNumber(6)),
  ];
  const first = mallory.pays(bob, 400n);
  const second = mallory.pays(eve, 350n, false);
  expect(await bob.reports(first)).toMatchObject({
    outcome: { kind: 'settled', from: 'purse' },
    fraud: undefined,
  });
  const told = await eve.reports(second);
  expect(told).toMatchObject({
    outcome: { kind: 'settled', from: 'loss' },
    fraud: { evidence: { kind: 'orders' } },
  });
  expect(await eve.statement()).toMatchObject({ balance: 350n });
  const exposure = answerOf(await operator.deviceExposure({ device: mallory.device.number }));
  expect(exposure).toMatchObject({
    purses: [{ purse: mallory.purse, state: 'cheated', settled: 400n, covered: 350n, coverMax: 400n }],
    frauds: [{ purse: mallory.purse, kind: 'same_sequence', proof: told.fraud }],
    purseCount: 1,
  });
  const { list } = answerOf(await bob.management.getBlockList({ serial: 0n, part: 0 }));
  expect(list!.document).toMatchObject({ serial: exposure.blockListSerial, purses: [mallory.purse] });
  // At cash too, which has found it by itself.
  expect(await mallory.closes()).toMatchObject({ kind: 'refused', refusal: { code: 'purse_cheated' } });
  // A wallet that has both orders can say so itself: the answer is that of then.
  const { blockedAt } = answerOf(await bob.management.reportFraud({ proof: told.fraud! }));
  expect(blockedAt).toBe(exposure.frauds[0]!.provenAt);
  const listed = answerOf(await operator.listDevices({ after: mallory.device.number - 1n, limit: 1 }));
  expect(listed.devices).toMatchObject([{ blocked: true, revoked: false }]);
  expect(await system.audit()).toMatchObject({ passed: true, open: [] });
});
