// The directory and the certificate: renewed in time, and only by who may.
import { describe, expect, test } from 'vitest';
import { ed25519 } from '../../src/crypto/index.ts';
import { Directory, signDirectory } from '../../src/identity/directory.ts';
import { DirectoryContent } from '../../src/identity/directory-content.ts';
import { generateKeyPair } from '../../src/identity/new-key-set.ts';
import { systemCrypto } from '../../src/identity/system-crypto.ts';
import { Refusal } from '../../src/roles/common/refusal.ts';
import type { ManagementRefusal } from '../../src/roles/management/errors.ts';
import { LoadAnswer, ManagementOperation } from '../../src/roles/management/messages.ts';
import { Wallet } from '../../src/wallet/core/index.ts';
import { content, DAY, directory, ROTATION, root, rootKeys } from '../identity/support.ts';
import { encode } from './management.ts';
import { createWallet, enrolledWallet, eur, newWallet, newWorld, openWallet, optionsOf } from './support.ts';

/** The directory of before the rotation: it does not know the second key sets. */
function oldDirectory(): Partial<ReturnType<typeof content>> {
  return { roles: content().roles.map((role) => ({ ...role, keySets: role.keySets.slice(0, 1) })) };
}

const publishedAs = (serial: bigint): Uint8Array =>
  Directory.verify(signDirectory({ ...content(), serial }, root), rootKeys.publicKey, systemCrypto).bytes();

const settled = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await new Promise(setImmediate);
};

test('a receipt of a new key of cash: the directory is fetched, and the load arrives', async () => {
  const world = newWorld();
  world.management.publish(oldDirectory());
  const { management } = world;
  const wallet = await Wallet.create(optionsOf(world), {
    ...newWallet,
    directory: management.published.bytes(),
  });
  await wallet.enrol({ userData: 'Ada', accountNumber: '4000001234567899' });
  management.publish();
  management.cashKeySet = 1;
  world.clock.advance(91n * DAY);
  const { state } = await wallet.load({ amount: eur(100), onFile: true });
  expect(state.kind).toBe('loaded');
  expect(world.events).toContainEqual({ type: 'directory_replaced', serial: 7n });
  await wallet.close();
  const again = await openWallet(world);
  expect(again.directorySerial).toBe(7n);
  expect(await again.verify()).toMatchObject({ sum: 100n, problems: [] });
});

test('before an account number is sealed, a directory that nears its end is replaced', async () => {
  const world = newWorld();
  world.management.publish(oldDirectory());
  const { management } = world;
  const wallet = await Wallet.create(optionsOf(world), {
    ...newWallet,
    directory: management.published.bytes(),
  });
  await wallet.enrol({ userData: 'Ada' });
  management.publish();
  world.clock.advance(ROTATION + DAY - world.clock.now());
  const { state } = await wallet.load({ amount: eur(100), accountNumber: '4000001234567899' });
  expect(state.kind).toBe('loaded');
  expect(management.connections.at(-1)!.managementKey).toEqual(
    directory().role('management')!.keySets[0]!.keys.channel,
  );
});

test.each([
  ['an older one', () => signDirectory({ ...content(), serial: 1n }, root), /serial 5 or later, got 1/],
  [
    'one of another root',
    () => signDirectory({ ...content(), serial: 9n }, strangersRoot()),
    /expected one of the root key/,
  ],
])('management gives out %s: the old one stays', async (_, make, message) => {
  const world = newWorld();
  const wallet = await enrolledWallet(world);
  const bytes = DirectoryContent.signed.encode(make());
  await expect(wallet.replaceDirectory(bytes)).rejects.toMatchObject({
    code: 'directory_invalid',
    message: expect.stringMatching(message),
  });
  expect(wallet.directorySerial).toBe(5n);
});

test('a wallet is not created on a directory of another root', async () => {
  const world = newWorld();
  const strange = DirectoryContent.signed.encode(signDirectory(content(), strangersRoot()));
  const creation = Wallet.create(optionsOf(world), { ...newWallet, directory: strange });
  await expect(creation).rejects.toMatchObject({ code: 'directory_invalid' });
  expect(world.disk.size).toBe(0);
});

test('of directories that come at a time, the newest stays, in memory and in storage', async () => {
  const world = newWorld();
  const wallet = await createWallet(world);
  const serials = [8n, 9n, 7n, 9n];
  const results = await Promise.allSettled(
    serials.map((serial) => wallet.replaceDirectory(publishedAs(serial))),
  );
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
  expect(results.map((result) => result.status === 'fulfilled' && result.value)).toEqual([
    true,
    true,
    false,
    false,
  ]);
  expect(wallet.directorySerial).toBe(9n);
  await wallet.close();
  expect((await openWallet(world)).directorySerial).toBe(9n);
});

test('a look for a newer directory does not put the old one back', async () => {
  const world = newWorld();
  const wallet = await enrolledWallet(world);
  await wallet.close();
  world.clock.advance(2n * DAY);
  const again = await openWallet(world);
  // Asked for when it connects; meanwhile a newer one comes from elsewhere.
  const newer = publishedAs(9n);
  await Promise.all([again.balance({ online: true }), again.replaceDirectory(newer)]);
  await settled();
  await again.close();
  expect((await openWallet(world)).directorySerial).toBe(9n);
});

test('a certificate that nears its end is renewed', async () => {
  const world = newWorld();
  const wallet = await enrolledWallet(world);
  const first = wallet.certificate!;
  await wallet.close();
  world.clock.advance(330n * DAY);
  const again = await openWallet(world);
  await again.balance({ online: true });
  await settled();
  expect(again.certificate).not.toEqual(first);
  expect(world.events.filter(({ type }) => type === 'certificate_renewed')).toHaveLength(1);
  await again.close();
  const third = await openWallet(world);
  expect(third.certificate).toEqual(again.certificate);
});

test('a certificate with other keys does not take the place of the old one', async () => {
  const world = newWorld();
  const wallet = await enrolledWallet(world);
  const first = wallet.certificate!;
  await wallet.close();
  world.clock.advance(330n * DAY);
  for (const device of world.management.devices.values()) {
    Object.assign(device, { channelKey: generateKeyPair('channel').publicKey });
  }
  const again = await openWallet(world);
  await again.balance({ online: true });
  await settled();
  expect(again.certificate).toEqual(first);
  expect(world.events).toContainEqual({
    type: 'warning',
    message: expect.stringMatching(/expected this wallet's channel key, got another/),
  });
});

test('a device that management does not let in any more is told why', async () => {
  const world = newWorld();
  const wallet = await enrolledWallet(world);
  await wallet.close();
  world.management.refuseConnections = 'revoked_certificate';
  const again = await openWallet(world);
  await expect(again.load({ amount: eur(1), onFile: true })).rejects.toMatchObject({
    code: 'channel_refused',
    message: expect.stringMatching(/revoked_certificate/),
  });
  expect((await again.balance()).open).toHaveLength(1);
});

test.each(['expired_certificate', 'untrusted_certificate'])(
  'a device that is not let in (%s) gets another certificate as one without any, and goes on',
  async (code) => {
    const world = newWorld();
    const wallet = await enrolledWallet(world);
    const first = wallet.certificate!;
    await wallet.close();
    const { management } = world;
    management.refuseConnections = ({ certificate }) =>
      certificate !== undefined && Buffer.from(certificate).equals(first) ? code : undefined;
    world.clock.advance(400n * DAY);
    management.calls.length = 0;
    const again = await openWallet(world);
    expect((await again.load({ amount: eur(1), onFile: true })).state.kind).toBe('loaded');
    expect(again.certificate).not.toEqual(first);
    const renewals = management.calls.filter(
      ({ operation }) => operation === ManagementOperation.renew_certificate,
    );
    expect(renewals.map(({ as }) => as)).toEqual(['unenrolled']);
    await again.close();
    expect((await openWallet(world)).certificate).toEqual(again.certificate);
  },
);

test('a device that is not let in with another certificate either is told why', async () => {
  const world = newWorld();
  const wallet = await enrolledWallet(world);
  await wallet.close();
  world.management.refuseConnections = ({ as }) => (as === 'device' ? 'expired_certificate' : undefined);
  const again = await openWallet(world);
  await expect(again.load({ amount: eur(1), onFile: true })).rejects.toMatchObject({
    code: 'channel_refused',
    message: expect.stringMatching(/expired_certificate/),
  });
});

test('enrols as nobody, and loads as the device', async () => {
  const world = newWorld();
  const wallet = await createWallet(world);
  await wallet.enrol({ userData: 'Ada', accountNumber: '4000001234567899' });
  await wallet.load({ amount: eur(1), onFile: true });
  expect(world.management.connections.map(({ as, certificate }) => [as, certificate !== undefined])).toEqual([
    ['unenrolled', false],
    ['device', true],
  ]);
  expect(world.management.calls.map(({ operation }) => operation)).toEqual([
    ManagementOperation.enrol,
    ManagementOperation.load,
  ]);
});

function strangersRoot() {
  return ed25519.signingKey(generateKeyPair('signing').secretKey);
}

test('a directory that was not looked for in a day is looked for at the next connection', async () => {
  const world = newWorld();
  const wallet = await enrolledWallet(world);
  await wallet.close();
  world.management.publish();
  world.clock.advance(DAY + 1n);
  for (const fetches of [1, 1]) {
    const again = await openWallet(world);
    await again.balance({ online: true });
    await again.close();
    const asked = world.management.calls.filter(
      ({ operation }) => operation === ManagementOperation.get_directory,
    );
    expect(asked).toHaveLength(fetches);
    expect(again.directorySerial).toBe(6n);
  }
});

test('a seal to a key that settlement has retired: the next load is sealed to the right one', async () => {
  const world = newWorld();
  const { management } = world;
  management.publish(oldDirectory());
  const wallet = await Wallet.create(optionsOf(world), {
    ...newWallet,
    directory: management.published.bytes(),
  });
  await wallet.enrol({ userData: 'Ada' });
  management.publish();
  management.behaviour = ({ operation }) =>
    operation === ManagementOperation.load
      ? { answer: () => encode(LoadAnswer, new Refusal<ManagementRefusal>('seal_key_unknown', 'seal anew')) }
      : 'answer';
  const { state } = await wallet.load({ amount: eur(1), accountNumber: '4000001234567899' });
  expect(state).toMatchObject({ kind: 'refused', code: 'seal_key_unknown' });
  expect(wallet.directorySerial).toBe(7n);
});

test('a wallet made with a directory whose keys have run out enrols all the same', async () => {
  const world = newWorld();
  const { management } = world;
  management.publish(oldDirectory());
  const old = management.published.bytes();
  management.publish();
  world.clock.advance(ROTATION + DAY - world.clock.now());
  const wallet = await Wallet.create(optionsOf(world), { ...newWallet, directory: old });
  const { state } = await wallet.enrol({ userData: 'Ada', accountNumber: '4000001234567899' });
  expect(state.kind).toBe('enrolled');
  expect(wallet.directorySerial).toBe(7n);
});

describe('connections that break: each try makes a few, though what else is to be asked breaks them too', () => {
  const cases: readonly [string, { readonly loads: number; readonly days: bigint }][] = [
    ['ten declined loads to be asked for again', { loads: 10, days: 0n }],
    ['directory and certificate to be renewed', { loads: 0, days: 360n }],
    ['all of it', { loads: 10, days: 360n }],
  ];
  test.each(cases)('%s', async (_, { loads, days }) => {
    const world = newWorld();
    const { management } = world;
    const wallet = await enrolledWallet(world);
    management.declined.add('4000001234567899');
    for (let i = 0; i < loads; i++) await wallet.load({ amount: eur(1), onFile: true });
    await wallet.close();
    world.clock.advance(days * DAY);
    management.behaviour = () => 'unreachable';
    const earlier = management.connections.length;
    const again = await openWallet(world, { times: { patienceMs: 10_000 } });
    await expect(again.load({ amount: eur(1), onFile: true })).rejects.toMatchObject({ code: 'unreachable' });
    await settled();
    const [request] = (await again.balance()).open;
    const tries = world.events.filter(
      ({ type, ...of }) => type === 'sent' && 'request' in of && of.request === request!.request,
    );
    expect(tries.length).toBeGreaterThan(3);
    // The load's, and one each for directory, certificate, and a declined load.
    expect(management.connections.length - earlier).toBeLessThanOrEqual(4 * tries.length);
    await again.close();
  });
});

test('a load that was said to be declined, and was charged, is added at the next connection', async () => {
  const world = newWorld();
  const wallet = await enrolledWallet(world);
  let isHonest = false;
  world.management.behaviour = ({ operation }) =>
    operation !== ManagementOperation.load || isHonest
      ? 'answer'
      : { answer: () => encode(LoadAnswer, { kind: 'declined', reason: 'a lie' }) };
  const told = await wallet.load({ amount: eur(100), onFile: true });
  expect(told.state.kind).toBe('declined');
  await wallet.close();
  isHonest = true;
  const again = await openWallet(world);
  await again.balance({ online: true });
  await settled();
  expect((await again.lookup(told.request)).state.kind).toBe('loaded');
  expect(await again.verify()).toMatchObject({ sum: 100n, problems: [] });
});
