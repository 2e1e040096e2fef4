// Management that lies: nothing is added, the request is visibly in doubt, and the truth still counts.
import { expect, test } from 'vitest';
import { sha256 } from '../../src/crypto/index.ts';
import { keyIdOf } from '../../src/identity/key-set.ts';
import { Refusal } from '../../src/roles/common/refusal.ts';
import type { ManagementRefusal } from '../../src/roles/management/errors.ts';
import { EnrolAnswer, LoadAnswer, ManagementOperation } from '../../src/roles/management/messages.ts';
import { keySets } from '../identity/support.ts';
import { decodeLoad, encode, type TestManagement } from './management.ts';
import { createWallet, enrolledWallet, eur, newWorld, openWallet } from './support.ts';

type Lie = (management: TestManagement, honest: () => Uint8Array) => Uint8Array;

function changed(
  management: TestManagement,
  honest: () => Uint8Array,
  change: Partial<Parameters<TestManagement['receipt']>[0]>,
  secretKey?: Uint8Array,
): Uint8Array {
  const answer = decodeLoad(honest());
  if (answer.kind !== 'loaded') throw new Error(`expected loaded, got ${answer.kind}`);
  const receipt = management.receipt({ ...answer.receipt.document, ...change }, secretKey);
  return encode(LoadAnswer, { kind: 'loaded', receipt });
}

const LIES: readonly (readonly [string, Lie, RegExp])[] = [
  [
    'a larger amount',
    (m, honest) => changed(m, honest, { amount: 101n }),
    /expected one of 100 minor units, got one of 101/,
  ],
  ['a smaller amount', (m, honest) => changed(m, honest, { amount: 99n }), /expected one of 100 minor units/],
  [
    'another device',
    (m, honest) => changed(m, honest, { device: 1001n }),
    /expected one of device 0x0+3e8, got one of device 0x0+3e9/,
  ],
  [
    'another request',
    (m, honest) => changed(m, honest, { request: 7n }),
    /expected one of request .*, got one of request 0x0+7/,
  ],
  [
    'another currency',
    (m, honest) => changed(m, honest, { currency: 840 }),
    /expected one in currency 978, got one in 840/,
  ],
  [
    'a signature of settlement',
    (m, honest) => changed(m, honest, {}, keySets.settlement[0].signing.secretKey),
    /expected what cash has signed/,
  ],
  [
    'a receipt of settlement',
    (m, honest) => {
      const keyId = keyIdOf(keySets.settlement[0].signing.publicKey, sha256);
      return changed(m, honest, { keyId }, keySets.settlement[0].signing.secretKey);
    },
    /expected one signed with a key of cash, got another/,
  ],
  [
    'a key that the directory does not have',
    (m, honest) => changed(m, honest, { keyId: new Uint8Array(8) }),
    /expected one signed with a key of cash, got another/,
  ],
  [
    'a signature with a flipped bit',
    (_, honest) => {
      const bytes = Uint8Array.from(honest());
      bytes[bytes.length - 1]! ^= 1;
      return bytes;
    },
    /expected what cash has signed/,
  ],
  ['bytes that are nothing', () => Uint8Array.of(0, 9, 9), /answer: .*kind: expected 0 to 4/],
  ['no bytes', () => new Uint8Array(), /answer: kind: expected 1 bytes, got 0/],
  ['bytes behind the answer', (_, honest) => Uint8Array.of(...honest(), 0), /answer: expected .* bytes/],
  [
    'that the request is another',
    () =>
      encode(
        LoadAnswer,
        new Refusal<ManagementRefusal>('request_differs', 'expected the same bytes, got others'),
      ),
    /management: expected the same bytes/,
  ],
];

test.each(LIES)('a load answered with %s', async (_, lie, reason) => {
  const world = newWorld();
  const wallet = await enrolledWallet(world);
  const { management } = world;
  management.behaviour = ({ operation }) =>
    operation === ManagementOperation.load ? { answer: (honest) => lie(management, honest) } : 'answer';
  const load = wallet.load({ amount: eur(100), onFile: true });
  await expect(load).rejects.toMatchObject({
    code: 'answer_invalid',
    message: expect.stringMatching(reason),
  });

  const own = await wallet.balance();
  expect(own.balance).toBe(0n);
  expect(own.open).toMatchObject([{ state: { kind: 'in_doubt' }, detail: expect.stringMatching(reason) }]);
  expect(await wallet.receipts()).toEqual([]);
  await wallet.close();

  const again = await openWallet(world);
  expect((await again.resume()).unfinished).toMatchObject([{ error: { code: 'answer_invalid' } }]);
  expect((await again.balance()).balance).toBe(0n);
  management.behaviour = () => 'pending';
  await again.resume({ patienceMs: 1000 });
  expect((await again.balance()).open[0]!.state.kind).toBe('in_doubt');
  management.behaviour = () => 'answer';
  expect((await again.resume()).finished).toMatchObject([{ state: { kind: 'loaded' }, balance: 100n }]);
  expect(await again.verify()).toMatchObject({ sum: 100n, problems: [] });
});

test('a receipt of another load of the same amount is not added twice', async () => {
  const world = newWorld();
  const wallet = await enrolledWallet(world);
  await wallet.load({ amount: eur(100), onFile: true });
  const [first] = await wallet.receipts();
  world.management.behaviour = () => ({
    answer: () => encode(LoadAnswer, { kind: 'loaded', receipt: first!.receipt }),
  });
  await expect(wallet.load({ amount: eur(100), onFile: true })).rejects.toMatchObject({
    code: 'answer_invalid',
  });
  expect((await wallet.balance()).balance).toBe(100n);
});

test.each(['declined', 'reversed', 'expired', 'refused'] as const)(
  'a load that was charged, though management says it was %s, is added when the receipt comes',
  async (kind) => {
    const world = newWorld();
    const wallet = await enrolledWallet(world);
    const answer =
      kind === 'refused'
        ? new Refusal('amount_too_large' as const, 'expected less')
        : kind === 'expired'
          ? { kind }
          : { kind, reason: 'so it says' };
    world.management.behaviour = () => ({
      answer: (honest) => {
        honest();
        return encode(LoadAnswer, answer);
      },
    });
    const { state, request } = await wallet.load({ amount: eur(100), onFile: true });
    expect(state.kind).toBe(kind);
    expect(await wallet.resume()).toEqual({ finished: [], unfinished: [] });
    expect((await wallet.resume({ request })).finished).toMatchObject([{ state: { kind }, balance: 0n }]);
    world.management.behaviour = () => 'answer';
    expect((await wallet.balance({ online: true })).online).toMatchObject({
      balance: 100n,
      verdict: 'differs',
    });
    expect((await wallet.resume({ request })).finished).toMatchObject([
      { state: { kind: 'loaded' }, balance: 100n },
    ]);
    world.management.behaviour = () => ({ answer: () => encode(LoadAnswer, { kind: 'expired' }) });
    expect((await wallet.resume({ request })).finished).toMatchObject([
      { state: { kind: 'loaded' }, balance: 100n },
    ]);
    expect(await wallet.verify()).toMatchObject({ receipts: 1, sum: 100n, problems: [] });
  },
);

test.each([
  ['another device', (device: bigint) => ({ device: device + 1n })],
  ['no device', () => ({ device: 0n })],
  ['bytes that are no certificate', () => ({ certificate: Uint8Array.of(1, 2, 3) })],
  ["another wallet's certificate", () => ({ certificate: undefined })],
])('an enrolment answered with %s enrols nobody', async (_, change) => {
  const world = newWorld();
  const wallet = await createWallet(world);
  const other = world.management.certificate({
    number: 1000n,
    signingKey: keySets.cash[0].signing.publicKey,
    channelKey: keySets.cash[0].channel.publicKey,
    serial: 1n,
  });
  world.management.behaviour = ({ operation }) =>
    operation !== ManagementOperation.enrol
      ? 'answer'
      : {
          answer: (honest) => {
            honest();
            const certificate = [...world.management.devices.values()].map((d) =>
              world.management.certificate(d),
            )[0]!;
            const changes: { device?: bigint; certificate?: Uint8Array | undefined } = change(1000n);
            const lie = { device: 1000n, certificate, ...changes };
            return encode(EnrolAnswer, { kind: 'enrolled', ...lie, certificate: lie.certificate ?? other });
          },
        };
  await expect(wallet.enrol({ userData: 'Ada' })).rejects.toMatchObject({ code: 'answer_invalid' });
  expect(wallet.device).toBeUndefined();
  world.management.behaviour = () => 'answer';
  await wallet.resume();
  expect(wallet.device).toBe(1000n);
});

test('what management says reaches no terminal as control characters', async () => {
  const world = newWorld();
  const wallet = await enrolledWallet(world);
  world.management.behaviour = () => ({
    answer: () => encode(LoadAnswer, { kind: 'declined', reason: '\x1b[2Jgone\u202e' }),
  });
  const { state } = await wallet.load({ amount: eur(100), onFile: true });
  expect(state).toEqual({ kind: 'declined', reason: '?[2Jgone?' });
});
