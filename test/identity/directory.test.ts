import { fc, test as property } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import { ed25519, sha256 } from '../../src/crypto/index.ts';
import { Directory, signDirectory } from '../../src/identity/directory.ts';
import type { DirectoryContent } from '../../src/identity/directory-content.ts';
import { fingerprint, keyIdOf } from '../../src/identity/key-set.ts';
import { systemCrypto } from '../../src/identity/system-crypto.ts';
import {
  content,
  DAY,
  directory,
  flipped,
  keySets,
  OVERLAP_END,
  operatorKeys,
  ROTATION,
  root,
  rootKeys,
  START,
  seededBytes,
  VERIFY_END,
} from './support.ts';

type Unsigned = Omit<DirectoryContent, 'rootKey'>;
const bytes = directory().bytes();
const idOf = (key: { publicKey: Uint8Array }) => keyIdOf(key.publicKey, sha256);

describe('verification', () => {
  test('by the root key, or by its fingerprint', () => {
    expect(Directory.parse(bytes, rootKeys.publicKey, systemCrypto).serial).toBe(5n);
    const pin = fingerprint(rootKeys.publicKey, sha256);
    expect(pin).toMatch(/^SHA256:[A-Za-z0-9+/]{43}$/);
    expect(Directory.parse(bytes, pin, systemCrypto).rootFingerprint).toBe(pin);
  });

  test('a good one of another root is not trusted', () => {
    const other = ed25519.signingKey(seededBytes(9)(32));
    const signed = signDirectory(content(), other);
    expect(() => Directory.verify(signed, rootKeys.publicKey, systemCrypto)).toThrow(
      expect.objectContaining({
        code: 'untrusted_root',
        message: expect.stringMatching(/expected .*SHA256:.*, got/),
      }),
    );
    expect(() => Directory.verify(signed, fingerprint(rootKeys.publicKey, sha256), systemCrypto)).toThrow(
      'SHA256:',
    );
  });

  property.prop([fc.nat({ max: bytes.length * 8 - 1 })], { numRuns: 300 })(
    'with any bit changed never verifies',
    (bit) => {
      expect(() => Directory.parse(flipped(bytes, bit), rootKeys.publicKey, systemCrypto)).toThrow(
        expect.objectContaining({ name: 'IdentityError' }),
      );
    },
  );

  property.prop([fc.uint8Array({ maxLength: 2000 })])('of any bytes is an IdentityError', (any) => {
    expect(() => Directory.parse(any, rootKeys.publicKey, systemCrypto)).toThrow(
      expect.objectContaining({ name: 'IdentityError' }),
    );
  });
});

describe('what is malformed is not signed', () => {
  const changes: [string, (whole: Unsigned) => Unsigned, string][] = [
    ['version', (c) => ({ ...c, version: 2 }), 'version: expected 1, got 2'],
    [
      'a role twice',
      (c) => ({ ...c, roles: [c.roles[0]!, c.roles[0]!] }),
      'roles[1].role: expected each role once',
    ],
    [
      'a key in two roles',
      (c) => ({ ...c, roles: [c.roles[0]!, { ...c.roles[1]!, keySets: c.roles[0]!.keySets }] }),
      'roles[1].keySets[0].keys.signing: expected a key of its own, got the one of roles[0].keySets[0].keys.signing',
    ],
    [
      'a role key that is an operator key',
      (c) => ({
        ...c,
        operators: [{ ...c.operators[0]!, channelKey: c.roles[0]!.keySets[0]!.keys.channel }],
      }),
      'operators[0].channelKey: expected a key of its own',
    ],
    [
      'the root key as a role key',
      (c) => ({ ...c, operators: [{ ...c.operators[0]!, signingKey: rootKeys.publicKey }] }),
      'operators[0].signingKey: expected a key of its own, got the one of rootKey',
    ],
    [
      'key sets out of order',
      (c) => ({ ...c, roles: [{ ...c.roles[0]!, keySets: c.roles[0]!.keySets.toReversed() }] }),
      'roles[0].keySets[1].number: expected a number above 2, got 1',
    ],
    ...(['notAfter', 'openUntil', 'verifyUntil'] as const).map(
      (name): [string, (c: Unsigned) => Unsigned, string] => [
        `${name} before its time`,
        (c) => ({
          ...c,
          roles: [{ ...c.roles[0]!, keySets: [{ ...c.roles[0]!.keySets[0]!, [name]: START - 1n }] }],
        }),
        `roles[0].keySets[0].${name}: expected a time not before`,
      ],
    ),
    [
      'an address that is none',
      (c) => ({ ...c, roles: [{ ...c.roles[0]!, address: 'http://127.0.0.1/v1' }] }),
      'roles[0].address: expected an address such as ws://127.0.0.1:7879/v1',
    ],
    [
      'an address with a password',
      (c) => ({ ...c, roles: [{ ...c.roles[0]!, address: 'ws://a:hidden@127.0.0.1/v1' }] }),
      'roles[0].address',
    ],
    [
      "an operator's name that is none",
      (c) => ({ ...c, operators: [{ ...c.operators[0]!, name: '../x' }] }),
      'operators[0].name: expected a name of 1 to 64',
    ],
    [
      'an operator twice',
      (c) => ({
        ...c,
        operators: [
          c.operators[0]!,
          { ...c.operators[0]!, channelKey: seededBytes(5)(32), signingKey: seededBytes(6)(32) },
        ],
      }),
      'operators[1].name: expected each operator once, got operator again',
    ],
  ];

  test.each(changes)('%s', (_, change, message) => {
    let error: unknown;
    try {
      signDirectory(change(content()), root);
    } catch (caught) {
      error = caught;
    }
    expect(error).toMatchObject({ code: 'malformed', message: expect.stringContaining(message) });
    expect(String(error)).not.toContain('hidden');
  });
});

describe('questions', () => {
  const whole = directory();
  const [first, second] = keySets.settlement;

  test.each([
    [START, 1],
    [ROTATION - 1n, 1],
    // Both are in use for one nanosecond: the newer is taken.
    [ROTATION, 2],
    [ROTATION + 1n, 2],
    [OVERLAP_END + 1n, 2],
  ])('at %d the current key set is %d', (now, number) => {
    expect(whole.currentKeySet('settlement', now).number).toBe(number);
  });

  test('before the first there is none', () => {
    expect(() => whole.currentKeySet('settlement', START - 1n)).toThrow(
      expect.objectContaining({ code: 'not_listed' }),
    );
  });

  test('keys by their id, for their use and time only', () => {
    expect(whole.keyOfId(idOf(first.sealing))).toMatchObject({ role: 'settlement', use: 'sealing' });
    expect(whole.keyOfId(new Uint8Array(8))).toBeUndefined();
    expect(whole.openingKey('sealing', idOf(first.sealing), OVERLAP_END)?.publicKey).toEqual(
      first.sealing.publicKey,
    );
    expect(whole.openingKey('sealing', idOf(first.sealing), OVERLAP_END + 1n)).toBeUndefined();
    expect(whole.openingKey('channel', idOf(first.sealing), START)).toBeUndefined();
    expect(whole.verificationKey('settlement', idOf(first.signing), VERIFY_END)).toEqual(
      first.signing.publicKey,
    );
    expect(whole.verificationKey('settlement', idOf(first.signing), VERIFY_END + 1n)).toBeUndefined();
    expect(whole.verificationKey('settlement', idOf(second.signing), ROTATION - 1n)).toBeUndefined();
    expect(whole.verificationKey('cash', idOf(first.signing), START)).toBeUndefined();
    expect(whole.verificationKey('settlement', idOf(first.channel), START)).toBeUndefined();
  });

  test('who has a channel key', () => {
    expect(whole.roleOfChannelKey(first.channel.publicKey)?.role).toBe('settlement');
    expect(whole.roleOfChannelKey(first.sealing.publicKey)).toBeUndefined();
    expect(whole.operatorOfChannelKey(operatorKeys.channel.publicKey)?.name).toBe('operator');
    expect(whole.operatorOfChannelKey(operatorKeys.signing.publicKey)).toBeUndefined();
    expect(whole.operator('operator')?.notBefore).toBe(START);
    expect(whole.operator('nobody')).toBeUndefined();
  });

  test('a role that is not listed', () => {
    const some = signDirectory({ ...content(), roles: content().roles.slice(0, 1) }, root);
    const small = Directory.verify(some, rootKeys.publicKey, systemCrypto);
    expect(small.role('cash')).toBeUndefined();
    expect(() => small.address('cash')).toThrow('expected the role cash');
    expect(small.currentKeySet('management', START + DAY).number).toBe(1);
  });
});
