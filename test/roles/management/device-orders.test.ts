// What operators order about devices, and what a device hears of itself.
import { describe, expect, test } from 'vitest';
import { ed25519 } from '../../../src/crypto/index.ts';
import type { CallResult } from '../../../src/roles/common/role-client.ts';
import { DeviceOrder, type SignedDeviceOrder } from '../../../src/roles/documents/device-order.ts';
import { OPERATOR_END, operatorKeys, START } from '../../identity/support.ts';
import { statement } from './cash-documents.ts';
import { Device, EUR, HOUR, ok, refused, Stage, sealedAccount } from './support.ts';

const ada = new Device(1);
const bob = new Device(2);

const codeOf = (result: CallResult<object>): string =>
  result.kind === 'refused'
    ? result.refusal.code
    : result.kind === 'ok'
      ? ((result.answer as { readonly kind?: string }).kind ?? 'ok')
      : result.kind;

function order(
  device: bigint,
  action: DeviceOrder['action'],
  change: Partial<DeviceOrder> = {},
  key = operatorKeys.signing,
): { order: SignedDeviceOrder } {
  const document: DeviceOrder = {
    ...{ request: 6_000n, operator: 'operator', device, action, reason: 'lost', applyBy: START + HOUR },
    ...change,
  };
  const signature = ed25519.sign(key.secretKey, DeviceOrder.signedBytes(document));
  return { order: { document, signature } };
}

async function scene() {
  const stage = await Stage.open();
  const device = await stage.enrolled(ada, { account: sealedAccount() });
  return {
    stage,
    device,
    send: (message: { order: SignedDeviceOrder }) => stage.ask(() => stage.operator.deviceOrder(message)),
    load: async (request: bigint) =>
      codeOf(
        await stage.settle(
          stage
            .as(ada.peer(device))
            .load({ order: ada.order(request, { account: 101n }), account: undefined }),
        ),
      ),
    report: async () => {
      const result = await stage.settle(stage.operator.listDevices({ after: device - 1n, limit: 1 }));
      return result.kind === 'ok' ? result.answer.devices[0]! : undefined;
    },
  };
}

test('block: cash does it first; then no load, and the channel stays; unblock undoes it', async () => {
  const { stage, device, send, load, report } = await scene();
  const block = order(device, { kind: 'block' });
  expect(await send(block)).toEqual({ kind: 'done', timestamp: START, moved: [] });
  expect(stage.partners.calls.at(-1)).toEqual({ call: 'deviceOrder', request: block });
  expect(await report()).toMatchObject({ blocked: true, revoked: false, replacedBy: undefined });
  expect(await load(5_000n)).toBe('device_blocked');
  expect(stage.role!.revoked({ device } as never)).toBe(false);
  const balance = await stage.settle(stage.as(ada.peer(device)).getBalance({ currency: EUR }));
  expect(balance.kind).toBe('ok');
  expect(await send(order(device, { kind: 'unblock' }, { request: 6_001n }))).toMatchObject({ kind: 'done' });
  expect(await report()).toMatchObject({ blocked: false });
  expect(await load(5_001n)).toBe('loaded');
  expect(await stage.stateOf(6_000n)).toBe('done block');
});

test('replace: the old device is revoked, and its record names the other one', async () => {
  const { stage, device, send, report } = await scene();
  const by = await stage.enrolled(bob);
  const moved = [{ currency: EUR, amount: 2_500n, left: 0n, stillReserved: 100n }];
  stage.partners.script = (call) => (call === 'deviceOrder' ? ok({ timestamp: START, moved }) : undefined);
  expect(await send(order(device, { kind: 'replace', by }))).toEqual({
    kind: 'done',
    timestamp: START,
    moved,
  });
  expect(await report()).toMatchObject({ revoked: true, replacedBy: by });
  expect(stage.role!.revoked({ device } as never)).toBe(true);
  // Again, for what was reserved.
  expect(await send(order(device, { kind: 'replace', by }, { request: 6_001n }))).toMatchObject({
    kind: 'done',
  });
  const another = await stage.enrolled(new Device(3));
  stage.partners.script = (call) => (call === 'deviceOrder' ? refused('device_replaced') : undefined);
  expect(await send(order(device, { kind: 'replace', by: another }, { request: 6_002n }))).toBe(
    'order_refused',
  );
});

test('limits are cash’s to keep', async () => {
  const { device, send, report, stage } = await scene();
  const action = { kind: 'limits', currency: EUR, paymentMax: 5_000n, dayMax: 20_000n } as const;
  const before = await report();
  expect(await send(order(device, action))).toMatchObject({ kind: 'done' });
  expect(await report()).toEqual(before);
  expect(stage.partners.calls.at(-1)).toMatchObject({ request: { order: { document: { action } } } });
});

test('what is refused, and cash never sees', async () => {
  const { stage, device, send } = await scene();
  const block = { kind: 'block' } as const;
  const next = (() => {
    let request = 6_100n;
    return () => ({ request: request++ });
  })();
  expect(await send(order(device, block, { ...next(), operator: 'nobody' }))).toBe('operator_unknown');
  expect(await send(order(device, block, next(), ada.signing))).toBe('signature_invalid');
  expect(await send(order(5n, block, next()))).toBe('device_unknown');
  expect(await send(order(device, block, { ...next(), applyBy: START }))).toBe('expired');
  expect(await send(order(device, block, { ...next(), applyBy: START + 2n * HOUR }))).toBe(
    'applies_too_late',
  );
  expect(await send(order(device, block, { request: 0n }))).toBe('malformed');
  expect(await send(order(device, { kind: 'replace', by: device }, next()))).toBe('order_refused');
  expect(await send(order(device, { kind: 'replace', by: 5n }, next()))).toBe('device_unknown');
  const by = await stage.enrolled(bob);
  await stage.revoke(by);
  expect(await send(order(device, { kind: 'replace', by }, next()))).toBe('device_revoked');
  const asDevice = stage.as(ada.peer(device)).deviceOrder(order(device, block, next()));
  expect(codeOf(await stage.settle(asDevice))).toBe('not_permitted');
  // But for the revocation.
  expect(stage.partners.calls.filter(({ call }) => call === 'deviceOrder').length).toBe(1);
  await stage.pass(Number((OPERATOR_END - START) / 1_000_000n) + 1_000);
  const late = order(device, block, { ...next(), applyBy: OPERATOR_END + HOUR });
  expect(await send(late)).toBe('operator_unknown');
});

test.each([
  ['expired', 'expired'],
  ['order_invalid', 'order_refused'],
])('cash refuses it for good: %s', async (code, expected) => {
  const { stage, device, send, report } = await scene();
  stage.partners.script = (call) => (call === 'deviceOrder' ? refused(code) : undefined);
  const message = order(device, { kind: 'block' });
  expect(await send(message)).toBe(expected);
  stage.partners.script = () => undefined;
  expect(await send(message)).toBe(expected);
  expect(await report()).toMatchObject({ blocked: false });
  expect(await stage.stateOf(6_000n)).toBe(`refused ${code}, block`);
});

test('cash refuses what it may not: it is asked until it does it', async () => {
  const { stage, device } = await scene();
  stage.partners.script = (call) => (call === 'deviceOrder' ? refused('device_unknown') : undefined);
  const message = order(device, { kind: 'block' });
  const ask = () => stage.settle(stage.operator.deviceOrder(message));
  expect(await ask()).toMatchObject({ answer: { kind: 'pending', state: 'ordering_distrusted' } });
  expect(await stage.stateOf(6_000n)).toBe('ordering_distrusted device_unknown, block');
  stage.partners.script = () => undefined;
  await stage.pass(40_000);
  expect(await ask()).toMatchObject({ answer: { kind: 'done' } });
});

describe.each(['block', 'replace'] as const)('crashes: %s', (kind) => {
  test.each(['lost', 'flushed'] as const)('at each step, writes %s', async (loss) => {
    const day = async (end: number) => {
      let first = Number.POSITIVE_INFINITY;
      const stage = await Stage.open({}, (number) => (number === first + end ? loss : 'lives'));
      const device = await stage.enrolled(ada);
      const by = await stage.enrolled(bob);
      first = stage.tracePoints;
      const message = order(device, kind === 'block' ? { kind } : { kind, by });
      expect(await stage.ask(() => stage.operator.deviceOrder(message))).toMatchObject({ kind: 'done' });
      const result = await stage.settle(stage.operator.listDevices({ after: device - 1n, limit: 1 }));
      expect(result).toMatchObject({
        answer: { devices: [kind === 'block' ? { blocked: true } : { revoked: true, replacedBy: by }] },
      });
      return { stage, points: stage.tracePoints - first };
    };
    const { points } = await day(0);
    expect(points).toBe(6);
    for (let end = 1; end <= points; end++) expect((await day(end)).stage.crashes).toBe(1);
  });
});

describe('a statement', () => {
  const query = { currency: EUR, after: 0n, purchases: [7n] };

  test('is cash’s, of the device that asks', async () => {
    const { stage, device } = await scene();
    const ask = (more = {}) =>
      stage.settle(stage.as(ada.peer(device)).getStatement({ query: { ...query, ...more } }));
    expect(await ask()).toEqual({ kind: 'ok', answer: { statement: statement({ device, query }) } });
    expect(stage.partners.calls.at(-1)).toEqual({ call: 'getStatement', request: { device, query } });
    expect(codeOf(await ask({ currency: 392 }))).toBe('currency_not_offered');
    stage.partners.script = () => ok({ statement: statement({ device: 5n, query }) });
    expect(codeOf(await ask())).toBe('unknown');
    stage.partners.script = () => refused('device_unknown');
    expect(codeOf(await ask())).toBe('unknown');
    stage.partners.script = () => refused('currency_not_offered');
    expect(codeOf(await ask())).toBe('currency_not_offered');
    await stage.revoke(device);
    expect(codeOf(await ask())).toBe('device_revoked');
    expect(codeOf(await stage.settle(stage.as(ada.unenrolled).getStatement({ query })))).toBe(
      'not_permitted',
    );
  });

  test('that cash does not give in time is asked for again', async () => {
    const stage = await Stage.open();
    const device = await stage.enrolled(ada);
    stage.partners.latencyMs = 3_000;
    stage.crash();
    await stage.start();
    const before = stage.world.nowMs;
    expect(codeOf(await stage.settle(stage.as(ada.peer(device)).getStatement({ query })))).toBe('unknown');
    expect(stage.world.nowMs - before).toBeLessThan(2_500);
  });
});
