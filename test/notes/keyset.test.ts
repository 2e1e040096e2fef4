// A mint's keys: what they come of, what their ids hold, and that no secret gets out.
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { noteCrypto } from '../../src/crypto/secp256k1/notes.ts';
import { NotesError } from '../../src/notes/errors.ts';
import {
  checkKeyset,
  expandKeysetId,
  generateKeyset,
  isShortKeysetId,
  keysetIdVersion,
  type PublicKeyset,
  type SecretKeysetOptions,
  shortKeysetId,
} from '../../src/notes/keyset.ts';
import { isScalar } from '../../src/notes/point.ts';
import { toHex } from '../crypto/vectors.ts';
import { SEED, testKeyset } from './mint.ts';

const options: SecretKeysetOptions = {
  seed: SEED,
  unit: 'eur',
  organisation: 'campus',
  number: 0,
  amounts: 3,
};

test('the same options give the same keys, and each option other ones', () => {
  const id = (change: Partial<SecretKeysetOptions>): string =>
    toHex(generateKeyset({ ...options, ...change }, noteCrypto).public.keys.get(1n)!);
  expect(id({})).toBe(id({}));
  const others = [
    id({}),
    id({ seed: new Uint8Array(32) }),
    id({ unit: 'usd' }),
    id({ organisation: 'town' }),
    id({ number: 1 }),
    // Text that goes over from one field into the next.
    id({ unit: 'eurc', organisation: 'ampus' }),
  ];
  expect(new Set(others).size).toBe(others.length);
});

test('keys for each power of two, whose points are the published ones', () => {
  const keyset = generateKeyset(
    { ...options, amounts: 64, inputFeePpk: 100, finalExpiry: 2_000_000_000n },
    noteCrypto,
  );
  checkKeyset(keyset.public);
  expect([...keyset.public.keys.keys()]).toEqual(Array.from({ length: 64 }, (_, i) => 1n << BigInt(i)));
  const secretKeys = [...keyset.public.keys.keys()].map((amount) => keyset.secretKey(amount)!);
  expect(secretKeys.every(isScalar)).toBe(true);
  expect(new Set(secretKeys.map(toHex)).size).toBe(64);
  expect(noteCrypto.publicKeys(secretKeys.slice(0, 3))).toEqual([...keyset.public.keys.values()].slice(0, 3));
  expect(keyset.secretKey(3n)).toBeUndefined();
  expect(keysetIdVersion(keyset.public.id)).toBe(2);
  expect(keysetIdVersion(testKeyset(1).public.id)).toBe(1);
});

test('no secret key is in what is printed or written', () => {
  const keyset = testKeyset();
  const secret = toHex(keyset.secretKey(1n)!);
  for (const text of [
    inspect(keyset, { depth: 9, showHidden: true }),
    JSON.stringify(keyset, (_, value) => (typeof value === 'bigint' ? `${value}` : value)),
  ]) {
    expect(text).not.toContain(secret);
    expect(text).not.toContain([...keyset.secretKey(1n)!].slice(0, 8).join(', '));
    expect(text).not.toContain([...keyset.secretKey(1n)!].slice(0, 8).join(','));
  }
  expect(keyset.withActive(false).public).toEqual({ ...keyset.public, isActive: false });
  expect(keyset.withActive(false).secretKey(1n)).toEqual(keyset.secretKey(1n));
});

test('options out of their bounds', () => {
  for (const wrong of [
    { seed: new Uint8Array(31) },
    { unit: '' },
    { unit: 'a|b' },
    { number: -1 },
    { number: 2 ** 32 },
    { amounts: 0 },
    { amounts: 65 },
    { inputFeePpk: -1 },
    { inputFeePpk: 0.5 },
    { finalExpiry: 0n },
    { finalExpiry: 1n << 64n },
  ]) {
    expect(() => generateKeyset({ ...options, ...wrong }, noteCrypto), Object.keys(wrong)[0]).toThrow(
      RangeError,
    );
  }
});

test('a keyset that is none', () => {
  const keyset = testKeyset().public;
  const [first, second] = [...keyset.keys.values()];
  const withKeys = (...entries: [bigint, Uint8Array][]): PublicKeyset => ({
    ...keyset,
    keys: new Map(entries),
  });
  const noPoint = Uint8Array.from(first!);
  noPoint.set([2, ...new Array(31).fill(0), 5]);
  const cases: [string, PublicKeyset][] = [
    ['unsupported', { ...keyset, id: 'x' }],
    ['unsupported', { ...keyset, id: `02${keyset.id.slice(2)}` }],
    ['unsupported', { ...keyset, id: keyset.id.toUpperCase() }],
    ['unsupported', { ...keyset, id: keyset.id.slice(0, 16) }],
    ['bad_keyset', { ...keyset, unit: 'e|r' }],
    ['bad_keyset', { ...keyset, inputFeePpk: 0.5 }],
    ['bad_keyset', { ...keyset, keys: new Map() }],
    ['bad_keyset', withKeys([3n, first!])],
    ['bad_keyset', withKeys([0n, first!])],
    ['bad_keyset', withKeys([1n << 64n, first!])],
    ['bad_keyset', withKeys([1n, noPoint])],
    ['bad_keyset', withKeys([1n, new Uint8Array(65).fill(4)])],
    ['bad_keyset', withKeys([1n, second!], [2n, first!])],
  ];
  for (const [code, wrong] of cases) {
    try {
      checkKeyset(wrong);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(NotesError);
      expect((error as NotesError).code).toBe(code);
    }
  }
});

test('a short id means the one keyset that begins so', () => {
  const [one, two] = [testKeyset(2, 2).public.id, testKeyset(2, 3).public.id];
  const short = shortKeysetId(one);
  expect(isShortKeysetId(short)).toBe(true);
  expect(expandKeysetId(short, [two, one, one])).toBe(one);
  expect(expandKeysetId(one, [])).toBe(one);
  const old = testKeyset(1).public.id;
  expect(expandKeysetId(old, [])).toBe(old);
  const like = `${short}${'0'.repeat(50)}`;
  expect(() => expandKeysetId(short, [one, like])).toThrow(
    expect.objectContaining({ code: 'ambiguous_keyset' }),
  );
  expect(() => expandKeysetId(short, [two])).toThrow(expect.objectContaining({ code: 'unknown_keyset' }));
  expect(() => expandKeysetId('02aaaaaaaaaaaaaa', [one])).toThrow(
    expect.objectContaining({ code: 'unsupported' }),
  );
});
