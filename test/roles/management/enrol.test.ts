// Claim 1's enrolment at management: who gets a number and a certificate, and who does not.
import { describe, expect, test } from 'vitest';
import { DeviceCertificate, openDeviceCertificate } from '../../../src/identity/device-certificate.ts';
import { Directory, signDirectory } from '../../../src/identity/directory.ts';
import type { IdentitySource } from '../../../src/identity/own-keys.ts';
import { systemCrypto } from '../../../src/identity/system-crypto.ts';
import type { Enrolment } from '../../../src/roles/documents/enrolment.ts';
import { DEVICE_NUMBER_MAX, DEVICE_NUMBER_MIN } from '../../../src/roles/management/device-number.ts';
import type { ManagementPeer } from '../../../src/roles/management/peers.ts';
import { content, DAY, directory, keySets, root, rootKeys, START } from '../../identity/support.ts';
import { Device, EUR, HOUR, NO_ANSWER, refused, SECOND, Stage, sealedAccount, USD } from './support.ts';

const ada = new Device(1);
const bob = new Device(2);
const SOON = { applyBy: START + 40n * SECOND };

/** Management's first key set stands in the directory, until it was in wrong hands. */
function withdrawable(): IdentitySource & { withdraw(): void } {
  let state = { directory: directory(), keySets: keySets.management };
  return {
    current: () => state,
    withdraw() {
      const roles = content().roles.map((role) =>
        role.role === 'management'
          ? { ...role, keySets: role.keySets.slice(1).map((keySet) => ({ ...keySet, notBefore: START })) }
          : role,
      );
      const signed = signDirectory({ ...content(), serial: 6n, roles }, root);
      state = { ...state, directory: Directory.verify(signed, rootKeys.publicKey, systemCrypto) };
    },
  };
}

/** What a server's identity makes of a certificate. */
function opened(certificate: Uint8Array, stage: Stage) {
  const now = stage.clock();
  return openDeviceCertificate(certificate, {
    issuerKey: (keyId) => directory().verificationKey('management', keyId, now),
    now,
    revoked: stage.role!.revoked,
    crypto: systemCrypto,
  });
}

const enrol = (stage: Stage, device: Device, change: Partial<Enrolment> = {}, peer = device.unenrolled) =>
  stage.ask(() => stage.as(peer).enrol(device.enrolment(change)));

describe('an enrolment', () => {
  test('gives a number and a certificate that stands', async () => {
    const stage = await Stage.open();
    const answer = await enrol(stage, ada, { account: sealedAccount() });
    if (typeof answer === 'string' || answer.kind !== 'enrolled')
      throw new Error('expected it to be enrolled');
    expect(answer.device).toBeGreaterThanOrEqual(DEVICE_NUMBER_MIN);
    expect(answer.device).toBeLessThanOrEqual(DEVICE_NUMBER_MAX);
    const { certificate } = opened(answer.certificate, stage);
    expect(certificate).toMatchObject({
      device: answer.device,
      serial: 1n,
      signingKey: ada.signing.publicKey,
      channelKey: ada.channel.publicKey,
    });
    expect(certificate!.notAfter - certificate!.notBefore).toBe(
      stage.limits.certificateValidityNs + stage.limits.clockSkewNs,
    );
    expect([...stage.partners.opened]).toEqual([
      [`${answer.device} ${EUR}`, ada.signing.publicKey],
      [`${answer.device} ${USD}`, ada.signing.publicKey],
    ]);
    expect(await stage.stateOf(101n)).toBe('enrolled');
  });

  test('is answered with the same number and certificate whenever it is asked for again', async () => {
    const stage = await Stage.open();
    const first = await enrol(stage, ada);
    expect(await enrol(stage, ada)).toEqual(first);
    stage.crash();
    await stage.start();
    expect(await enrol(stage, ada)).toEqual(first);
    const device = (first as { device: bigint }).device;
    expect(await enrol(stage, ada, {}, ada.peer(device))).toEqual(first);
    // Also after its time: it was in time when it came first.
    await stage.pass(2 * 3_600_000);
    expect(await enrol(stage, ada)).toEqual(first);
    expect(stage.partners.calls).toHaveLength(2);
  });

  test('says pending while cash does not answer, and goes on by itself', async () => {
    const stage = await Stage.open();
    stage.partners.script = (_, __, count) => (count < 6 ? NO_ANSWER : undefined);
    const call = () => stage.as(ada.unenrolled).enrol(ada.enrolment());
    expect(await stage.settle(call())).toEqual({ kind: 'ok', answer: { kind: 'pending' } });
    expect(stage.role!.revoked({ device: 1n } as never)).toBe(true);
    expect(await stage.ask(call)).toMatchObject({ kind: 'enrolled' });
  });

  test('that is not through by its time has expired, for ever, and leaves no device', async () => {
    const stage = await Stage.open();
    stage.partners.script = () => NO_ANSWER;
    expect(await enrol(stage, ada, SOON)).toEqual({ kind: 'expired' });
    stage.partners.script = () => undefined;
    expect(await enrol(stage, ada, SOON)).toEqual({ kind: 'expired' });
    const list = await stage.settle(stage.operator.listDevices({ after: undefined, limit: 10 }));
    expect(list).toEqual({ kind: 'ok', answer: { devices: [] } });
  });

  test('after one of the same key that expired goes on with its number: cash may have opened the account', async () => {
    const stage = await Stage.open({ devicesMax: 1 });
    stage.partners.script = (_, request) => {
      stage.partners.open(request as never);
      return NO_ANSWER;
    };
    await enrol(stage, ada, SOON);
    const numbers = new Set(
      stage.partners.calls.map(({ request }) => (request as { device: bigint }).device),
    );
    stage.partners.script = () => undefined;
    const applyBy = stage.clock() + HOUR;
    const again = await enrol(stage, ada, { request: 999n, applyBy });
    expect(numbers).toEqual(new Set([(again as { device: bigint }).device]));
  });

  test('of a key with which another number was drawn before draws again', async () => {
    const draws = [5, 5, 6].map((byte) => new Uint8Array(16).fill(byte));
    const stage = await Stage.open({}, undefined, { randomBytes: () => draws.shift()! });
    const first = await stage.enrolled(ada);
    const second = await stage.enrolled(bob);
    expect([first, second]).toEqual([BigInt(`0x${'05'.repeat(16)}`), BigInt(`0x${'06'.repeat(16)}`)]);
  });
});

describe('an enrolment is refused', () => {
  const other = new Device(9);
  const cases: [string, string, Partial<Enrolment>, ManagementPeer?][] = [
    ['without a request id', 'malformed', { request: 0n }],
    ['with a request id that is kept for settlement', 'malformed', { request: 0xffn << 120n }],
    ['over the channel of another key', 'key_mismatch', {}, other.unenrolled],
    ['over the channel of another device', 'key_mismatch', {}, other.peer(5n)],
    ['by a role', 'not_permitted', {}, { kind: 'role' }],
    ['when its time has come', 'expired', { applyBy: START }],
    ['when its time comes too soon', 'applies_too_soon', { applyBy: START + 29n * SECOND }],
    ['when its time lies far ahead', 'applies_too_late', { applyBy: START + 8n * DAY }],
    [
      'with an account sealed to nobody known',
      'seal_key_unknown',
      { account: { ...sealedAccount(), keyId: new Uint8Array(8) } },
    ],
  ];
  test.each(cases)('%s: %s', async (_, code, change, peer) => {
    const stage = await Stage.open();
    expect(await enrol(stage, ada, change, peer ?? ada.unenrolled)).toBe(code);
    expect(stage.partners.calls).toEqual([]);
    expect(stage.disk.records.size).toBe(0);
  });

  test('with a signature that is not good', async () => {
    const stage = await Stage.open();
    const { enrolment } = ada.enrolment();
    const forged = { enrolment: { ...enrolment, document: { ...enrolment.document, userData: 'Eve' } } };
    expect(await stage.ask(() => stage.as(ada.unenrolled).enrol(forged))).toBe('signature_invalid');
    expect(stage.disk.records.size).toBe(0);
  });

  test('with a key sealed to management in place of settlement', async () => {
    const stage = await Stage.open();
    const listed = directory().currentKeySet('management', START);
    const keyId = directory().keyOfId(systemCrypto.sha256(listed.keys.sealing).subarray(0, 8))!.id;
    expect(await enrol(stage, ada, { account: { ...sealedAccount(), keyId } })).toBe('seal_key_unknown');
    expect(stage.identity.misses).toBe(1);
  });

  test('when the same request came with other content', async () => {
    const stage = await Stage.open();
    await stage.enrolled(ada);
    expect(await enrol(stage, ada, { userData: 'somebody else' })).toBe('request_differs');
  });

  test('when either key is taken', async () => {
    const stage = await Stage.open();
    await stage.enrolled(ada);
    const records = stage.disk.records.size;
    expect(await enrol(stage, ada, { request: 7n })).toBe('already_enrolled');
    const { channelKey } = ada.enrolment().enrolment.document;
    expect(await enrol(stage, bob, { channelKey }, ada.unenrolled)).toBe('already_enrolled');
    expect(stage.disk.records.size).toBe(records);
  });

  test('when there are as many devices as there may be', async () => {
    const stage = await Stage.open({ devicesMax: 1 });
    await stage.enrolled(ada);
    expect(await enrol(stage, bob)).toBe('devices_exhausted');
  });
});

test('numbers of enrolments that expire count as devices until their key comes back', async () => {
  const stage = await Stage.open({ devicesMax: 3 });
  // Cash opens the account, its answer is lost.
  stage.partners.script = (_, request) => {
    stage.partners.open(request as never);
    return NO_ANSWER;
  };
  const strangers = [40, 41, 42, 43, 44].map((seed) => new Device(seed));
  const outcomes: unknown[] = [];
  for (const stranger of strangers) {
    outcomes.push(await enrol(stage, stranger, { applyBy: stage.clock() + 31n * SECOND }));
  }
  const expired = { kind: 'expired' };
  expect(outcomes).toEqual([expired, expired, expired, 'devices_exhausted', 'devices_exhausted']);
  expect(stage.partners.opened.size).toBe(3);

  stage.partners.script = () => undefined;
  stage.crash();
  await stage.start();
  const applyBy = stage.clock() + HOUR;
  expect(await enrol(stage, strangers[4]!, { applyBy })).toBe('devices_exhausted');
  expect(await enrol(stage, strangers[1]!, { request: 7n, applyBy })).toMatchObject({ kind: 'enrolled' });
  expect(await enrol(stage, strangers[4]!, { applyBy })).toBe('devices_exhausted');
});

test('while cash does not answer, strangers take so much room and no more; it is given back', async () => {
  const stage = await Stage.open({ enrollingMax: 2 });
  stage.partners.script = () => NO_ANSWER;
  const devices = [30, 31, 32].map((seed) => new Device(seed));
  const ask = () =>
    stage.settle(
      Promise.all(devices.map((device) => stage.as(device.unenrolled).enrol(device.enrolment(SOON)))),
    );
  // `busy`: to be asked again.
  expect((await ask()).map(({ kind }) => kind)).toEqual(['ok', 'ok', 'unknown']);
  stage.partners.script = () => undefined;
  await stage.pass(5_000);
  expect((await ask()).map((result) => result.kind === 'ok' && result.answer.kind)).toEqual([
    'enrolled',
    'enrolled',
    'enrolled',
  ]);
  stage.partners.script = () => NO_ANSWER;
  for (let round = 0; round < 3; round++) {
    for (const seed of [33, 34]) {
      const applyBy = stage.clock() + 31n * SECOND;
      expect(await enrol(stage, new Device(seed + 2 * round), { applyBy })).toEqual({ kind: 'expired' });
    }
  }
});

test('of two enrolments that race for a key one is enrolled, the other refused', async () => {
  const stage = await Stage.open();
  const { channelKey } = ada.enrolment().enrolment.document;
  const results = await stage.settle(
    Promise.all([
      stage.as(ada.unenrolled).enrol(ada.enrolment({ request: 1n })),
      stage.as(ada.unenrolled).enrol(ada.enrolment({ request: 2n })),
      stage.as(ada.unenrolled).enrol(bob.enrolment({ request: 3n, channelKey })),
    ]),
  );
  expect(results.map((result) => (result.kind === 'refused' ? result.refusal.code : 'taken in'))).toEqual([
    'taken in',
    'already_enrolled',
    'already_enrolled',
  ]);
  await stage.pass(1_000);
  expect(new Set([...stage.partners.opened.values()])).toEqual(new Set([ada.signing.publicKey]));
});

test('of enrolments that race for the last place one is enrolled', async () => {
  const stage = await Stage.open({ devicesMax: 3 });
  const devices = Array.from({ length: 8 }, (_, i) => new Device(20 + i));
  const results = await stage.settle(
    Promise.all(devices.map((device) => stage.as(device.unenrolled).enrol(device.enrolment()))),
  );
  const codes = results.map((result) => (result.kind === 'refused' ? result.refusal.code : 'taken in'));
  expect(codes.filter((code) => code === 'taken in')).toHaveLength(3);
  expect(codes.filter((code) => code === 'devices_exhausted')).toHaveLength(5);
});

test('cash that refuses an account is asked again, the state shows it, and the enrolment expires', async () => {
  const stage = await Stage.open();
  stage.partners.script = () => refused('device_differs');
  await stage.settle(stage.as(ada.unenrolled).enrol(ada.enrolment({ applyBy: START + 100n * SECOND })));
  expect(await stage.stateOf(101n)).toBe('opening_distrusted device_differs');
  await stage.pass(150_000);
  expect(await stage.stateOf(101n)).toBe('expired');
  // At once, twice soon after, and then every half minute.
  expect(stage.partners.calls.length).toBeLessThan(9);
  expect(stage.log.filter(({ level }) => level === 'warn')).toHaveLength(stage.partners.calls.length);
});

describe('a certificate', () => {
  test('is renewed for the same keys when it nears its end, and not before', async () => {
    const stage = await Stage.open({ certificateValidityNs: 10n * HOUR, certificateRenewalNs: 2n * HOUR });
    const first = (await enrol(stage, ada)) as { device: bigint; certificate: Uint8Array };
    const renew = () => stage.settle(stage.as(ada.peer(first.device)).renewCertificate({}));
    const same = { kind: 'ok', answer: { certificate: first.certificate } };
    expect(await renew()).toEqual(same);
    await stage.pass(7 * 3_600_000);
    expect(await renew()).toEqual(same);
    await stage.pass(2 * 3_600_000);
    const results = await stage.settle(
      Promise.all(Array.from({ length: 3 }, () => stage.as(ada.peer(first.device)).renewCertificate({}))),
    );
    expect(new Set(results.map((result) => JSON.stringify(result, bigintText))).size).toBe(1);
    const [result] = results;
    if (result?.kind !== 'ok') throw new Error('expected a certificate');
    const { certificate } = opened(result.answer.certificate, stage);
    expect(certificate).toMatchObject({
      device: first.device,
      serial: 2n,
      signingKey: ada.signing.publicKey,
    });
    expect(await renew()).toEqual(result);
  });

  test('of a device that was away for too long comes with its enrolment', async () => {
    const stage = await Stage.open({ certificateValidityNs: 10n * HOUR, certificateRenewalNs: 2n * HOUR });
    const first = (await enrol(stage, ada)) as { device: bigint; certificate: Uint8Array };
    await stage.pass(20 * 3_600_000);
    expect(opened(first.certificate, stage).refusal?.reason).toBe('expired');
    const now = (await enrol(stage, ada)) as { device: bigint; certificate: Uint8Array };
    expect(now.device).toBe(first.device);
    expect(opened(now.certificate, stage).certificate).toMatchObject({ serial: 2n });
  });

  test('of a key that was withdrawn is replaced, for whoever proves the channel key', async () => {
    const identity = withdrawable();
    const stage = await Stage.open({}, undefined, { identity });
    const first = (await enrol(stage, ada)) as { device: bigint; certificate: Uint8Array };
    await stage.enrolled(bob);
    const renew = (peer: ManagementPeer) => stage.settle(stage.as(peer).renewCertificate({}));
    expect(await renew(ada.unenrolled)).toEqual({ kind: 'ok', answer: { certificate: first.certificate } });

    identity.withdraw();
    const result = await renew(ada.unenrolled);
    if (result.kind !== 'ok') throw new Error('expected a certificate');
    const { document } = DeviceCertificate.signed.decode(result.answer.certificate);
    const issuer = systemCrypto.sha256(keySets.management[1].signing.publicKey).subarray(0, 8);
    expect(document).toMatchObject({
      device: first.device,
      serial: 2n,
      signingKey: ada.signing.publicKey,
      channelKey: ada.channel.publicKey,
    });
    expect(Buffer.from(document.issuer).equals(issuer)).toBe(true);
    // Whoever asks, and however: the same from then on.
    expect(await renew(ada.peer(first.device))).toEqual(result);
    expect(await enrol(stage, ada)).toMatchObject({ certificate: result.answer.certificate });
  });

  test('is for registered devices that are not revoked, and for nobody else', async () => {
    const stage = await Stage.open();
    const device = await stage.enrolled(ada);
    const codeFor = async (peer: ManagementPeer) => {
      const result = await stage.settle(stage.as(peer).renewCertificate({}));
      return result.kind === 'refused' ? result.refusal.code : result.kind;
    };
    expect(await codeFor(bob.unenrolled)).toBe('device_unknown');
    stage.partners.script = () => NO_ANSWER;
    await stage.settle(stage.as(bob.unenrolled).enrol(bob.enrolment()));
    expect(await codeFor(bob.unenrolled)).toBe('device_unknown');
    expect(await codeFor({ kind: 'operator' })).toBe('not_permitted');
    await stage.revoke(device);
    expect(await codeFor(ada.unenrolled)).toBe('device_revoked');
  });

  test('is signed by the key that is in use', async () => {
    const stage = await Stage.open();
    await stage.pass(Number((100n * DAY) / 1_000_000n) + 1);
    const answer = await enrol(stage, ada, { applyBy: stage.clock() + HOUR });
    const { certificate } = opened((answer as { certificate: Uint8Array }).certificate, stage);
    const issuer = systemCrypto.sha256(keySets.management[1].signing.publicKey).subarray(0, 8);
    expect(Buffer.from(certificate!.issuer).equals(issuer)).toBe(true);
  });
});

function bigintText(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
