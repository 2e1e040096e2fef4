import { describe, expect, test } from 'vitest';
import { ed25519, hpke, noise, sha256 } from '../../src/crypto/index.ts';
import {
  customerClientIdentity,
  deviceClientIdentity,
  keyClientIdentity,
  roleClientIdentity,
  shopClientIdentity,
} from '../../src/identity/client-identity.ts';
import { DeviceCertificate, issueDeviceCertificate } from '../../src/identity/device-certificate.ts';
import { keyIdOf } from '../../src/identity/key-set.ts';
import { generateKeyPair } from '../../src/identity/new-key-set.ts';
import { sealingKey } from '../../src/identity/own-keys.ts';
import { isMintRole, MINT_ROLES, ROLES, type RoleName } from '../../src/identity/roles.ts';
import { serverIdentity } from '../../src/identity/server-identity.ts';
import { issueShopCertificate, ShopCertificate } from '../../src/identity/shop-certificate.ts';
import { shopServerIdentity } from '../../src/identity/shop-server-identity.ts';
import { systemCrypto } from '../../src/identity/system-crypto.ts';
import type { Initiator } from '../../src/wire/channel-identity.ts';
import {
  DAY,
  directory,
  keySets,
  OPERATOR_END,
  OVERLAP_END,
  operatorKeys,
  ROTATION,
  START,
  seededBytes,
  sourceOf,
} from './support.ts';

const EMPTY: Uint8Array = new Uint8Array();
const NOW = START + 2n * DAY;
const deviceChannel = generateKeyPair('channel', seededBytes(51));
const signer = ed25519.signingKey(keySets.management[0].signing.secretKey);
const certificate = issueDeviceCertificate(
  {
    device: 77n,
    signingKey: generateKeyPair('signing', seededBytes(50)).publicKey,
    channelKey: deviceChannel.publicKey,
    serial: 4n,
    notBefore: START + DAY,
    notAfter: START + 90n * DAY,
  },
  signer,
  { sha256 },
);
const payload = DeviceCertificate.signed.encode(certificate);
const shopChannel = generateKeyPair('channel', seededBytes(54));
const shopsCertificate = issueShopCertificate(
  {
    shop: 88n,
    name: 'Kiosk',
    signingKey: generateKeyPair('signing', seededBytes(55)).publicKey,
    channelKey: shopChannel.publicKey,
    serial: 5n,
    notBefore: START + DAY,
    notAfter: START + 90n * DAY,
  },
  signer,
  { sha256 },
);
const shopsPayload = ShopCertificate.signed.encode(shopsCertificate);
const stranger = generateKeyPair('channel', seededBytes(52));
const strangersCertificate = DeviceCertificate.signed.encode(
  issueDeviceCertificate(certificate.document, ed25519.signingKey(seededBytes(53)(32)), { sha256 }),
);

function server(role: RoleName, now: bigint, revoked = (_: { serial: bigint }) => false) {
  const source = sourceOf(role);
  return {
    source,
    identity: serverIdentity({ role, source, clock: () => now, crypto: systemCrypto, revoked }),
  };
}

const UNNAMED: Initiator = { pattern: 'NK', staticKey: undefined, payload: EMPTY };

function ik(staticKey: Uint8Array, payload: Uint8Array = EMPTY): Initiator {
  return { pattern: 'IK', staticKey, payload };
}
function kk(staticKey: Uint8Array, payload: Uint8Array = EMPTY): Initiator {
  return { pattern: 'KK', staticKey, payload };
}

describe('whom a server lets in', () => {
  const [mgmt, mgmtNext] = keySets.management;
  const operator = operatorKeys.channel.publicKey;
  const device = deviceChannel.publicKey;
  test.each<[string, RoleName, bigint, Initiator, object]>([
    [
      'a role',
      'cash',
      NOW,
      kk(mgmt.channel.publicKey),
      { peer: { kind: 'role', role: 'management' }, until: OVERLAP_END },
    ],
    ['a role in the overlap', 'cash', OVERLAP_END, kk(mgmt.channel.publicKey), { peer: { kind: 'role' } }],
    [
      'a role after the overlap',
      'cash',
      OVERLAP_END + 1n,
      kk(mgmt.channel.publicKey),
      { refused: 'unknown_key' },
    ],
    ['a role with its new key', 'cash', ROTATION, kk(mgmtNext.channel.publicKey), { peer: { kind: 'role' } }],
    [
      'a role with its new key too early',
      'cash',
      ROTATION - 1n,
      kk(mgmtNext.channel.publicKey),
      { refused: 'not_yet_valid' },
    ],
    ['a stranger as a role', 'cash', NOW, kk(stranger.publicKey), { refused: 'unknown_key' }],
    [
      "a role by another role's sealing key",
      'cash',
      NOW,
      kk(mgmt.sealing.publicKey),
      { refused: 'unknown_key' },
    ],
    ['an operator as a role', 'cash', NOW, kk(operator), { refused: 'unknown_key' }],
    [
      'a role with a payload',
      'cash',
      NOW,
      kk(mgmt.channel.publicKey, payload),
      { refused: 'malformed_payload' },
    ],
    [
      'a role by IK',
      'management',
      NOW,
      ik(keySets.cash[0].channel.publicKey),
      { refused: 'pattern_not_allowed' },
    ],
    ...ROLES.map((role): [string, RoleName, bigint, Initiator, object] => [
      'an operator',
      role,
      NOW,
      ik(operator),
      { peer: { kind: 'operator', name: 'operator', channelKey: operator }, until: OPERATOR_END },
    ]),
    ['an operator at his last moment', 'cash', OPERATOR_END, ik(operator), { peer: { kind: 'operator' } }],
    [
      'an operator beyond his time',
      'management',
      OPERATOR_END + 1n,
      ik(operator),
      { refused: 'expired_certificate' },
    ],
    ['an operator before his time', 'management', START - 1n, ik(operator), { refused: 'not_yet_valid' }],
    [
      'an unknown key at management',
      'management',
      NOW,
      ik(stranger.publicKey),
      { peer: { kind: 'unenrolled', channelKey: stranger.publicKey } },
    ],
    ['an unknown key at cash', 'cash', NOW, ik(stranger.publicKey), { refused: 'unknown_key' }],
    ['an unknown key at settlement', 'settlement', NOW, ik(stranger.publicKey), { refused: 'unknown_key' }],
    [
      'a device',
      'management',
      NOW,
      ik(device, payload),
      {
        peer: { kind: 'device', device: 77n, serial: 4n, channelKey: device },
        until: certificate.document.notAfter,
      },
    ],
    ['a device at cash', 'cash', NOW, ik(device, payload), { refused: 'wrong_role' }],
    ['a device at settlement', 'settlement', NOW, ik(device, payload), { refused: 'wrong_role' }],
    ...MINT_ROLES.flatMap((role): [string, RoleName, bigint, Initiator, object][] => [
      ['a device', role, NOW, ik(device, payload), { refused: 'wrong_role' }],
      ['an unknown key', role, NOW, ik(stranger.publicKey), { refused: 'unknown_key' }],
      ['a role', role, NOW, kk(keySets.cash[0].channel.publicKey), { peer: { kind: 'role', role: 'cash' } }],
      ['the unnamed', role, NOW, UNNAMED, { peer: { kind: 'unnamed' } }],
      ['the unnamed who say more', role, NOW, { ...UNNAMED, payload }, { refused: 'malformed_payload' }],
      [
        'the unnamed with a key',
        role,
        NOW,
        { ...UNNAMED, staticKey: device },
        { refused: 'pattern_not_allowed' },
      ],
    ]),
    ...ROLES.filter((role) => role !== 'settlement').map(
      (role): [string, RoleName, bigint, Initiator, object] => [
        'a shop',
        role,
        NOW,
        ik(shopChannel.publicKey, shopsPayload),
        {
          peer: { kind: 'shop', shop: 88n, serial: 5n, channelKey: shopChannel.publicKey },
          until: shopsCertificate.document.notAfter,
        },
      ],
    ),
    [
      'a shop at settlement',
      'settlement',
      NOW,
      ik(shopChannel.publicKey, shopsPayload),
      { refused: 'wrong_role' },
    ],
    [
      "a shop's certificate of another channel key",
      'cash',
      NOW,
      ik(stranger.publicKey, shopsPayload),
      { refused: 'untrusted_certificate' },
    ],
    [
      "a shop's certificate too late",
      'cash',
      START + 91n * DAY,
      ik(shopChannel.publicKey, shopsPayload),
      { refused: 'expired_certificate' },
    ],
    [
      "a shop's certificate that says it is a device's",
      'management',
      NOW,
      ik(shopChannel.publicKey, Uint8Array.of(1, ...shopsPayload.subarray(1))),
      { refused: 'malformed_payload' },
    ],
    [
      "a device's certificate that says it is a shop's",
      'cash',
      NOW,
      ik(device, Uint8Array.of(0x81, ...payload.subarray(1))),
      { refused: 'malformed_payload' },
    ],
    [
      'a certificate of another channel key',
      'management',
      NOW,
      ik(stranger.publicKey, payload),
      { refused: 'untrusted_certificate' },
    ],
    [
      "an operator with a device's certificate",
      'management',
      NOW,
      ik(operator, payload),
      { refused: 'untrusted_certificate' },
    ],
    [
      'a certificate of another system',
      'management',
      NOW,
      ik(device, strangersCertificate),
      { refused: 'untrusted_certificate' },
    ],
    ['a certificate too early', 'management', START, ik(device, payload), { refused: 'not_yet_valid' }],
    [
      'a certificate too late',
      'management',
      START + 91n * DAY,
      ik(device, payload),
      { refused: 'expired_certificate' },
    ],
    [
      'a payload of anything',
      'management',
      NOW,
      ik(device, seededBytes(1)(200)),
      { refused: 'malformed_payload' },
    ],
    ...ROLES.filter((role) => !isMintRole(role)).map(
      (role): [string, RoleName, bigint, Initiator, object] => [
        'the unnamed',
        role,
        NOW,
        UNNAMED,
        { refused: 'pattern_not_allowed' },
      ],
    ),
  ])('%s: at %s', (_, role, now, initiator, expected) => {
    const decision = server(role, now).identity.authorise(initiator);
    expect(decision).toMatchObject(expected);
    if ('refused' in decision) expect(decision.message).toMatch(/expected .*, got/);
  });

  test('a revoked certificate', () => {
    const { identity } = server('management', NOW, ({ serial }) => serial === 4n);
    expect(identity.authorise(ik(device, payload))).toMatchObject({ refused: 'revoked_certificate' });
    expect(identity.authorise(ik(shopChannel.publicKey, shopsPayload))).toHaveProperty('peer');
  });

  test("a shop's revoked certificate", () => {
    const { identity } = server('cash', NOW, ({ serial }) => serial === 5n);
    expect(identity.authorise(ik(shopChannel.publicKey, shopsPayload))).toMatchObject({
      refused: 'revoked_certificate',
    });
  });

  test.each<[string, Initiator, object]>([
    ['a customer', { pattern: 'NK', staticKey: undefined, payload: EMPTY }, { peer: { kind: 'unnamed' } }],
    [
      'a customer who says more',
      { pattern: 'NK', staticKey: undefined, payload },
      { refused: 'malformed_payload' },
    ],
    ['a device', ik(device, payload), { refused: 'pattern_not_allowed' }],
    ['an operator', ik(operator), { refused: 'pattern_not_allowed' }],
    ['a role', kk(mgmt.channel.publicKey), { refused: 'pattern_not_allowed' }],
  ])('at a shop: %s', (_, initiator, expected) => {
    const identity = shopServerIdentity(shopChannel);
    expect(identity.authorise(initiator)).toMatchObject(expected);
    expect(identity.channelKeys()).toEqual([shopChannel]);
    expect(identity.peerKey(keyIdOf(mgmt.channel.publicKey, sha256))).toBeUndefined();
  });

  test('what nobody knows makes the directory be looked at again', () => {
    const { source, identity } = server('cash', NOW);
    identity.authorise(kk(mgmt.channel.publicKey));
    expect(identity.peerKey(keyIdOf(mgmt.channel.publicKey, sha256))).toEqual(mgmt.channel.publicKey);
    expect(source.misses).toBe(0);
    identity.authorise(kk(stranger.publicKey));
    identity.authorise(ik(stranger.publicKey));
    expect(identity.peerKey(keyIdOf(stranger.publicKey, sha256))).toBeUndefined();
    expect(source.misses).toBe(3);
  });

  test('a key without an end gives no end of the connection', () => {
    const decision = server('cash', ROTATION).identity.authorise(kk(mgmtNext.channel.publicKey));
    expect(decision).not.toHaveProperty('until');
  });
});

describe('keys in the course of a rotation', () => {
  const [first, second] = keySets.cash;
  test.each([
    [NOW, [first.channel, second.channel]],
    [ROTATION + 1n, [second.channel, first.channel]],
    [OVERLAP_END, [second.channel, first.channel]],
    [OVERLAP_END + 1n, [second.channel]],
  ])('at %d a server answers with', (now, keys) => {
    expect(server('cash', now).identity.channelKeys()).toEqual(keys);
  });

  test('roles begin with the key in use', () => {
    const clock = { now: NOW };
    const client = roleClientIdentity({
      role: 'management',
      to: 'cash',
      source: sourceOf('management'),
      clock: () => clock.now,
    });
    expect(client.staticKey).toEqual(keySets.management[0].channel.secretKey);
    expect(client.remoteStaticKey).toEqual(first.channel.publicKey);
    clock.now = ROTATION;
    expect(client.staticKey).toEqual(keySets.management[1].channel.secretKey);
    expect(client.remoteStaticKey).toEqual(second.channel.publicKey);
  });

  test('a role without the secret of the set in use says so', () => {
    const client = roleClientIdentity({
      role: 'management',
      to: 'cash',
      source: { current: () => ({ directory: directory(), keySets: [keySets.management[0]] }) },
      clock: () => ROTATION,
    });
    expect(() => client.staticKey).toThrow(expect.objectContaining({ code: 'missing' }));
  });

  test('what was sealed to the old key still opens, by its key id, until the overlap ends', () => {
    const source = sourceOf('settlement');
    const state = source.current();
    const listed = state.directory.currentKeySet('settlement', NOW).keys.sealing;
    const keyId = keyIdOf(listed, sha256);
    const info = new TextEncoder().encode('test');
    const { enc, ciphertext } = hpke.seal({
      recipientPublicKey: listed,
      info,
      plaintext: new TextEncoder().encode('4111'),
    });
    for (const now of [NOW, ROTATION, OVERLAP_END]) {
      const key = sealingKey(state, 'settlement', keyId, now)!;
      const opened = hpke.open({ recipientPrivateKey: key.secretKey, info, enc, ciphertext });
      expect(new TextDecoder().decode(opened)).toBe('4111');
    }
    expect(sealingKey(state, 'settlement', keyId, OVERLAP_END + 1n)).toBeUndefined();
    expect(sealingKey(state, 'cash', keyId, NOW)).toBeUndefined();
    expect(sealingKey(state, 'settlement', new Uint8Array(8), NOW)).toBeUndefined();
  });
});

describe('handshakes with what the builders give', () => {
  const clock = () => NOW;
  const clients = {
    role: roleClientIdentity({ role: 'cash', to: 'management', source: sourceOf('cash'), clock }),
    operator: keyClientIdentity({ to: 'management', directory, clock, channelKey: operatorKeys.channel }),
    unenrolled: keyClientIdentity({ to: 'management', directory, clock, channelKey: stranger }),
    device: deviceClientIdentity({
      directory,
      clock,
      channelKey: deviceChannel,
      certificate: () => certificate,
    }),
    shop: shopClientIdentity({
      to: 'management',
      directory,
      clock,
      channelKey: shopChannel,
      certificate: () => shopsCertificate,
    }),
  };
  test.each(Object.entries(clients))('%s', (kind, client) => {
    const { identity } = server('management', NOW);
    const { pattern, staticKey, remoteStaticKey, payload } = client;
    const initiator = noise.initiate({ pattern, staticKey, remoteStaticKey });
    const responder = noise.respond({
      pattern,
      staticKey: identity.channelKeys()[0]!.secretKey,
      ...(pattern === 'KK'
        ? { remoteStaticKey: identity.peerKey(keyIdOf(keySets.cash[0].channel.publicKey, sha256)) }
        : {}),
    });
    const received = responder.readMessage(initiator.writeMessage(payload));
    const decision = identity.authorise({
      pattern,
      staticKey: responder.remoteStaticKey,
      payload: received,
    });
    expect(decision).toMatchObject({ peer: { kind } });
  });

  test('unnamed', () => {
    const client = customerClientIdentity(shopsCertificate.document);
    const initiator = noise.initiate(client);
    const responder = noise.respond({ pattern: 'NK', staticKey: shopChannel.secretKey });
    expect(responder.readMessage(initiator.writeMessage())).toEqual(EMPTY);
    expect(responder.remoteStaticKey).toBeUndefined();
  });
});
