// What is derived from an exchange: the same again, other for everything else, and never what cash keeps for itself.
import { expect, test } from 'vitest';
import { type DerivedOf, requestOf, secretsOf } from '../../src/gateway/derived.ts';

const OF: DerivedOf = { shop: 1n, purpose: 'out', exchange: 5n, attempt: 0 };
const OTHERS: readonly DerivedOf[] = [
  { ...OF, shop: 2n },
  { ...OF, purpose: 'in' },
  { ...OF, exchange: 6n },
  { ...OF, attempt: 1 },
];

test('requests: one each, of the lower half, above 0', () => {
  expect(requestOf(OF)).toBe(requestOf({ ...OF }));
  expect(new Set([OF, ...OTHERS].map(requestOf)).size).toBe(5);
  for (let exchange = 1n; exchange <= 2_000n; exchange++) {
    const request = requestOf({ ...OF, exchange });
    expect(request > 0n && request < 2n ** 127n).toBe(true);
  }
});

test('secrets: one each, and nothing without the seed', () => {
  const seed = new Uint8Array(32).fill(1);
  const all = [OF, ...OTHERS].flatMap((of) => secretsOf(seed, of, 3));
  const others = secretsOf(new Uint8Array(32).fill(2), OF, 3);
  expect(secretsOf(seed, OF, 3)).toEqual(all.slice(0, 3));
  expect(new Set([...all, ...others].map(({ secret }) => secret)).size).toBe(18);
  expect(all[0]!.secret).toMatch(/^[0-9a-f]{64}$/);
});
