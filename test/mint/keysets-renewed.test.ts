// Keysets while a mint runs: a new seed signs, those of before are taken in.
import { expect, test } from 'vitest';
import { noteCrypto } from '../../src/crypto/index.ts';
import { MintKeysets } from '../../src/mint/keysets.ts';

const units = [{ unit: 'eur', organisation: '' }];
const seed = (number: number) => ({ number, seed: new Uint8Array(32).fill(number) });
const keysetsOf = (...numbers: number[]) =>
  MintKeysets.generate({ seeds: numbers.map(seed), units, amounts: 4, crypto: noteCrypto });

test('who has the keysets has the new ones, and still those of before', () => {
  const keysets = keysetsOf(1);
  const before = keysets.active('eur')!;
  const secret = keysets.secretKey(before.id, 4n);
  keysets.renew(keysetsOf(1, 2));
  const after = keysets.active('eur')!;
  expect(after.id).not.toBe(before.id);
  expect(keysets.all.map(({ id, isActive }) => [id, isActive])).toEqual([
    [before.id, false],
    [after.id, true],
  ]);
  expect(keysets.get(before.id)?.keys).toEqual(before.keys);
  expect(keysets.secretKey(before.id, 4n)).toEqual(secret);
  expect(keysets.byId.size).toBe(2);
});

test('none of before may be missing', () => {
  const keysets = keysetsOf(1, 2);
  expect(() => keysets.renew(keysetsOf(2, 3))).toThrow(
    /^keysets: expected 01[0-9a-f]{64} as before, got none$/,
  );
  expect(keysets.all).toHaveLength(2);
});
