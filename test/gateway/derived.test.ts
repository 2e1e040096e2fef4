// Ids that a gateway gives its own requests: cash takes each, and nobody else can tell them.
import { expect, test } from 'vitest';
import { type DerivedOf, requestOf, secretsOf } from '../../src/gateway/derived.ts';
import { isDerived } from '../../src/roles/cash/derived-ids.ts';
import { keyPairOf } from './wide.ts';

const seed = keyPairOf('seed').secretKey;
const of = (exchange: bigint): DerivedOf => ({ shop: 2n ** 64n, purpose: 'out', exchange, attempt: 0 });

test('none is one that cash keeps for itself', () => {
  // One of 256 would be.
  const ids = Array.from({ length: 4_096 }, (_, i) => requestOf(seed, of(BigInt(i + 1))));
  expect(ids.filter((id) => id === 0n || isDerived(id))).toEqual([]);
  expect(new Set(ids).size).toBe(ids.length);
});

test('who knows shop and exchange cannot tell it', () => {
  expect(requestOf(keyPairOf('another seed').secretKey, of(1n))).not.toBe(requestOf(seed, of(1n)));
  expect(requestOf(seed, of(1n))).toBe(requestOf(seed, of(1n)));
  expect(requestOf(seed, { ...of(1n), attempt: 1 })).not.toBe(requestOf(seed, of(1n)));
});

test('secrets: one each, and nothing without the seed', () => {
  const others = secretsOf(keyPairOf('another seed').secretKey, of(1n), 3);
  const all = [
    of(1n),
    of(2n),
    { ...of(1n), shop: 2n },
    { ...of(1n), purpose: 'in' as const },
    { ...of(1n), attempt: 1 },
  ].flatMap((one) => secretsOf(seed, one, 3));
  expect(secretsOf(seed, of(1n), 3)).toEqual(all.slice(0, 3));
  expect(new Set([...all, ...others].map(({ secret }) => secret)).size).toBe(18);
  expect(all[0]!.secret).toMatch(/^[0-9a-f]{64}$/);
});
