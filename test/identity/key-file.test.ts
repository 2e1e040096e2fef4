import { fc, test as property } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import { toHex } from '../../src/identity/binary-text.ts';
import {
  keyFileText,
  OWNERS,
  parseKeyFile,
  SCRYPT_LOG2_N as SHIPPED_LOG2_N,
} from '../../src/identity/key-file.ts';
import { KEY_USES } from '../../src/identity/key-set.ts';
import { generateKeyPair, generateKeySet } from '../../src/identity/new-key-set.ts';
import { Passphrase } from '../../src/identity/passphrase.ts';
import { noPassphrase, passphraseOf, SCRYPT_LOG2_N } from './folders.ts';
import { START, seededBytes } from './support.ts';

const keys = generateKeySet(seededBytes(60));
const content = { owner: 'cash', number: 3, createdAt: START, keys };
const expected = { owner: 'cash', uses: OWNERS.role, number: 3 };
const SECRET = 'correct horse battery';
const secrets = KEY_USES.map((use) => toHex(keys[use].secretKey));

const encrypted = () =>
  keyFileText(content, {
    passphrase: new Passphrase(SECRET),
    scryptLog2N: SCRYPT_LOG2_N,
    randomBytes: seededBytes(61),
  });

async function refusal(text: string, source = noPassphrase, want = expected): Promise<Error> {
  const error: unknown = await parseKeyFile(text, 'x.key', want, source).then(
    () => expect.fail('expected a refusal'),
    (caught: unknown) => caught,
  );
  const { message } = error as Error;
  for (const secret of [...secrets, SECRET]) expect(message).not.toContain(secret);
  expect(message).toContain('x.key');
  return error as Error;
}

describe('a key file', () => {
  test('in the clear gives back the keys', async () => {
    const text = await keyFileText(content);
    expect(await parseKeyFile(text, 'x.key', expected, noPassphrase)).toEqual(content);
    expect(text).toContain(secrets.join(''));
  });

  test('encrypted gives them back for the passphrase, and shows nothing of them', async () => {
    const text = await encrypted();
    expect(await parseKeyFile(text, 'x.key', expected, passphraseOf(SECRET))).toEqual(content);
    for (const secret of secrets) expect(text).not.toContain(secret);
  });

  test('of the cost that ships', async () => {
    const text = await keyFileText(content, { passphrase: new Passphrase(SECRET) });
    expect(JSON.parse(text)).toMatchObject({
      encryption: { name: 'scrypt', log2N: SHIPPED_LOG2_N, r: 8, p: 1 },
    });
    expect(SHIPPED_LOG2_N).toBe(17);
    expect(await parseKeyFile(text, 'x.key', expected, passphraseOf(SECRET))).toEqual(content);
  });

  test('the same passphrase composed differently is the same', async () => {
    const text = await keyFileText(content, {
      passphrase: new Passphrase('caf\u00e9 au lait'),
      scryptLog2N: SCRYPT_LOG2_N,
    });
    expect(await parseKeyFile(text, 'x.key', expected, passphraseOf('cafe\u0301 au lait'))).toEqual(content);
  });

  test('of a root or an operator has fewer keys', async () => {
    const operator = {
      owner: 'operator anna',
      number: 1,
      createdAt: START,
      keys: { signing: generateKeyPair('signing'), channel: generateKeyPair('channel') },
    };
    const want = { owner: 'operator anna', uses: OWNERS.operator };
    expect(await parseKeyFile(await keyFileText(operator), 'x.key', want, noPassphrase)).toEqual(operator);
  });

  test('that is encrypted needs a passphrase, and the right one', async () => {
    const text = await encrypted();
    expect(await refusal(text)).toMatchObject({ code: 'passphrase_needed' });
    expect(await refusal(text, passphraseOf('another one'))).toMatchObject({ code: 'wrong_passphrase' });
  });
});

describe('a key file that was changed', () => {
  const file = async (text: Promise<string>) =>
    JSON.parse(await text) as { public: object; encryption: object; secret: string };
  const plain = () => file(keyFileText(content));
  const sealed = () => file(encrypted());
  const other = toHex(generateKeyPair('channel', seededBytes(62)).publicKey);

  test.each<[string, () => Promise<object>, string, string]>([
    ['no JSON', async () => ({ toJSON: () => undefined }), 'damaged', 'expected JSON'],
    [
      'another kind',
      async () => ({ ...(await plain()), kind: 'x' }),
      'damaged',
      'kind: expected "specie keys", got "x"',
    ],
    [
      'a version to come',
      async () => ({ ...(await plain()), version: 2 }),
      'damaged',
      'version: expected 1, got 2',
    ],
    [
      'another owner',
      async () => ({ ...(await plain()), owner: 'management' }),
      'damaged',
      'expected keys of cash, got those of management',
    ],
    [
      'another number',
      async () => ({ ...(await plain()), number: 4 }),
      'damaged',
      'expected number 3, got 4',
    ],
    ['a field more', async () => ({ ...(await plain()), password: 'x' }), 'damaged', 'got "password"'],
    [
      'no secret',
      async () => ({ ...(await plain()), secret: undefined }),
      'damaged',
      'secret: expected the hex',
    ],
    [
      'a secret cut short',
      async () => ({ ...(await plain()), secret: secrets[0] }),
      'damaged',
      'expected a secret of 96 bytes, got 32',
    ],
    [
      'a public key of another',
      async () => ({ ...(await plain()), public: { ...(await plain()).public, channel: other } }),
      'damaged',
      'expected a secret channel key that belongs to the public one',
    ],
    [
      'a key fewer',
      async () => ({ ...(await plain()), public: { ...(await plain()).public, sealing: undefined } }),
      'damaged',
      'expected public keys for signing, channel, sealing, got signing, channel',
    ],
    [
      'a cost beyond bounds',
      async () => ({ ...(await sealed()), encryption: { ...(await sealed()).encryption, log2N: 30 } }),
      'damaged',
      'encryption: expected null, or name, log2N, r, p and salt of scrypt within their bounds',
    ],
    [
      'encrypted: another number',
      async () => ({ ...(await sealed()), number: 4 }),
      'damaged',
      'expected number 3',
    ],
    [
      'encrypted: another time',
      async () => ({ ...(await sealed()), createdAt: '2020-01-01T00:00:00Z' }),
      'wrong_passphrase',
      'expected the passphrase',
    ],
    [
      'encrypted: a public key of another',
      async () => ({ ...(await sealed()), public: { ...(await sealed()).public, channel: other } }),
      'wrong_passphrase',
      'expected the passphrase',
    ],
  ])('%s', async (_, change, code, message) => {
    const text = JSON.stringify(await change()) ?? '{';
    expect(await refusal(text, passphraseOf(SECRET))).toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });

  property.prop([fc.nat({ max: 8 * (96 + 16) - 1 })], { numRuns: 20 })(
    'encrypted: any bit of the secret',
    async (bit) => {
      const changed = await sealed();
      const bytes = Buffer.from(changed.secret, 'hex');
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      const text = JSON.stringify({ ...changed, secret: bytes.toString('hex') });
      expect(await refusal(text, passphraseOf(SECRET))).toMatchObject({ code: 'wrong_passphrase' });
    },
  );
});

test('a passphrase shows in no log', () => {
  const passphrase = new Passphrase(SECRET);
  expect(JSON.stringify(passphrase)).toBe('{}');
  passphrase.wipe();
  expect(passphrase.bytes.every((byte) => byte === 0)).toBe(true);
  expect(() => new Passphrase('')).toThrow(expect.objectContaining({ code: 'wrong_passphrase' }));
  expect(() => new Passphrase('x'.repeat(1025))).toThrow('expected 1 to 1024 bytes, got 1025');
});
