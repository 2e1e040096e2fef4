// Many messages at a time: one verification, one write, and a bad one among them harms no other.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ed25519, hpke } from '../../../src/crypto/index.ts';
import { VERIFY_ON_POOL_FROM } from '../../../src/roles/common/batch-crypto.ts';
import type { ManagementClient } from '../../../src/roles/management/client.ts';
import type { LoadRequest } from '../../../src/roles/management/messages.ts';
import { ManagementOperation, managementProtocol } from '../../../src/roles/management/messages.ts';
import { encodeMessages, parseMessages } from '../../../src/wire/messages.ts';
import { START } from '../../identity/support.ts';
import { Device, ok, rejected, Stage, sealedAccount } from './support.ts';

const devices = Array.from({ length: 24 }, (_, i) => new Device(40 + i));
const codeOf = (result: Awaited<ReturnType<ManagementClient['load']>>): string =>
  result.kind === 'refused' ? result.refusal.code : result.kind === 'ok' ? result.answer.kind : result.kind;

/** A pool that counts what it is asked. */
function countingPool() {
  const sizes: number[] = [];
  return {
    sizes,
    async verifyBatch(items: Parameters<typeof ed25519.verifyBatch>[0]) {
      sizes.push(items.length);
      return ed25519.verifyBatch(items);
    },
    verifyRecords: async () => {
      throw new Error('expected no records');
    },
    openBatch: async (options: Parameters<typeof hpke.openBatch>[0]) => hpke.openBatch(options),
  };
}

test('a turn of loads is verified at once and written at once, and asked of each partner in one turn', async () => {
  const pool = countingPool();
  const stage = await Stage.open({}, undefined, { pool });
  const many = Array.from({ length: VERIFY_ON_POOL_FROM }, (_, i) => new Device(100 + i));
  const numbers = await stage.settle(
    Promise.all(
      many.map(async (device) => {
        const result = await stage.as(device.unenrolled).enrol(device.enrolment());
        return result.kind === 'ok' && result.answer.kind === 'enrolled' ? result.answer.device : 0n;
      }),
    ),
  );
  expect(pool.sizes).toEqual([many.length]);
  const flushes = stage.disk.flushes;
  const load = (device: Device, i: number) =>
    stage
      .as(device.peer(numbers[i]!))
      .load({ order: device.order(BigInt(9_000 + i)), account: sealedAccount() });
  const results = await stage.settle(Promise.all(many.map(load)));
  expect(new Set(results.map(codeOf))).toEqual(new Set(['loaded']));
  expect(pool.sizes).toEqual([many.length, many.length]);
  // Charging, crediting, loaded.
  expect(stage.disk.flushes - flushes).toBe(3);
  // Asked again: nothing is verified any more.
  await stage.settle(Promise.all(many.map(load)));
  expect(pool.sizes).toHaveLength(2);
});

describe('bad ones among good ones', () => {
  const faults: { readonly [name: string]: (message: LoadRequest, device: Device) => LoadRequest } = {
    loaded: (message) => message,
    signature_invalid: ({ order, account }) => ({
      order: { ...order, signature: order.signature.map((byte, i) => (i === 3 ? byte ^ 1 : byte)) },
      account,
    }),
    key_mismatch: ({ order, account }, device) => ({
      order: devices[(devices.indexOf(device) + 1) % devices.length]!.order(order.document.request),
      account,
    }),
    amount_too_large: ({ order, account }, device) => ({
      order: device.order(order.document.request, { amount: 1_000_000n }),
      account,
    }),
    expired: ({ order, account }, device) => ({
      order: device.order(order.document.request, { applyBy: START }),
      account,
    }),
    account_not_on_file: ({ order }) => ({ order, account: undefined }),
    malformed: ({ account }, device) => ({ order: device.order(0n), account }),
  };

  test('each is answered as if it were alone', async () => {
    const stage = await Stage.open();
    const numbers: bigint[] = [];
    for (const device of devices) numbers.push(await stage.enrolled(device));
    let request = 10_000n;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(devices.length - 1), fc.constantFrom(...Object.keys(faults))), {
          minLength: 1,
          maxLength: 40,
        }),
        async (asked) => {
          const results = await stage.settle(
            Promise.all(
              asked.map(([place, fault]) => {
                const device = devices[place]!;
                const message = { order: device.order(request++), account: sealedAccount() };
                return stage.as(device.peer(numbers[place]!)).load(faults[fault]!(message, device));
              }),
            ),
          );
          expect(results.map(codeOf)).toEqual(asked.map(([, fault]) => fault));
        },
      ),
      { numRuns: 40 },
    );
    expect(stage.partners.charged.size).toBe(stage.partners.credited.size);
  });

  test('bytes that are no message are malformed, and only they', async () => {
    const stage = await Stage.open();
    const [device] = devices as [Device];
    const good = devices[0]!.enrolment();
    const { enrol } = managementProtocol.operations;
    const whole = enrol.request.encode(good);
    const messages = [whole.subarray(1), whole, new Uint8Array(0), new Uint8Array(700).fill(255)];
    const reply = await stage.settle(
      stage.role!.engine.submit({
        operation: ManagementOperation.enrol,
        peer: device.unenrolled,
        session: 0n,
        request: 0n,
        payload: encodeMessages(messages),
        count: messages.length,
      } as never),
    );
    // 1, then the code u16: 0 is `malformed`. 0: an answer.
    const starts = parseMessages(reply.body, reply.count).map((answer) => [...answer.subarray(0, 3)]);
    expect(starts.map(([first]) => first)).toEqual([1, 0, 1, 1]);
    expect(starts.filter(([first]) => first === 1)).toEqual([
      [1, 0, 0],
      [1, 0, 0],
      [1, 0, 0],
    ]);
  });
});

test('the same load many times at once is done once', async () => {
  const stage = await Stage.open();
  const [device] = devices as [Device];
  const number = await stage.enrolled(device);
  const message = { order: device.order(9_000n), account: sealedAccount() };
  const results = await stage.settle(
    Promise.all(Array.from({ length: 50 }, () => stage.as(device.peer(number)).load(message))),
  );
  expect(new Set(results.map(codeOf))).toEqual(new Set(['loaded']));
  expect(stage.partners.calls.filter(({ call }) => call === 'charge')).toHaveLength(1);
});

test('of two different loads of one id the first is done, the other refused', async () => {
  const stage = await Stage.open();
  const [ada, bob] = devices as [Device, Device];
  const [first, second] = [await stage.enrolled(ada), await stage.enrolled(bob)];
  const results = await stage.settle(
    Promise.all([
      stage.as(ada.peer(first)).load({ order: ada.order(9_000n), account: sealedAccount() }),
      stage.as(bob.peer(second)).load({ order: bob.order(9_000n), account: sealedAccount() }),
    ]),
  );
  expect(results.map(codeOf)).toEqual(['loaded', 'request_differs']);
});

test('loads of many outcomes: what was charged is what was credited', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom('loaded', 'declined', 'reversed', 'late', 'lost'), {
        minLength: 1,
        maxLength: 12,
      }),
      async (fates) => {
        const stage = await Stage.open();
        const [device] = devices as [Device];
        const number = await stage.enrolled(device);
        const asked = new Map<string, number>();
        stage.partners.script = (call, request) => {
          if (call !== 'charge' && call !== 'credit') return undefined;
          const { order } = request as LoadRequest;
          const fate = fates[Number(order.document.request) - 1];
          const key = `${call} ${order.document.request}`;
          asked.set(key, (asked.get(key) ?? 0) + 1);
          if (fate === 'declined' && call === 'charge') return ok({ kind: 'declined', reason: 'no_funds' });
          if (fate === 'reversed' && call === 'credit') return rejected(request);
          if (fate === 'late' && asked.get(key)! < 3) return { kind: 'unknown', reason: 'late' };
          // It is done, and the answer is lost.
          if (fate === 'lost' && asked.get(key) === 1) {
            stage.partners[call](request as never);
            return { kind: 'unknown', reason: 'lost' };
          }
          return undefined;
        };
        const loads = fates.map((_, i) => ({ order: device.order(BigInt(i + 1)), account: sealedAccount() }));
        await stage.settle(Promise.all(loads.map((message) => stage.as(device.peer(number)).load(message))));
        const became: string[] = [];
        for (const message of loads) {
          const answer = await stage.ask(() => stage.as(device.peer(number)).load(message));
          became.push(typeof answer === 'string' ? answer : answer.kind);
        }
        expect(became).toEqual(fates.map((fate) => (fate === 'late' || fate === 'lost' ? 'loaded' : fate)));
        expect([...stage.partners.charged.keys()].sort()).toEqual([...stage.partners.credited.keys()].sort());
      },
    ),
    { numRuns: 30 },
  );
});
