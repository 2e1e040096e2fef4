import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeAddress, encodeAddress } from '../../src/terminal/address.ts';
import { errorOf } from './support.ts';

const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
const address = fc.record({
  side: fc.constantFrom('lan' as const, 'wan' as const),
  channelKey: key,
  sealingKey: key,
});

test('an address is read as it was written, in capitals too', () => {
  fc.assert(
    fc.property(address, (given) => {
      const text = encodeAddress(given);
      expect(text).toMatch(given.side === 'lan' ? /^splan1[a-z0-9]{110}$/ : /^spwan1[a-z0-9]{110}$/);
      expect(decodeAddress(text)).toEqual(given);
      expect(decodeAddress(` ${text.toUpperCase()}\n`)).toEqual(given);
    }),
  );
});

test('a mistake is found out, wherever it is', () => {
  const text = encodeAddress({
    side: 'wan',
    channelKey: new Uint8Array(32).fill(1),
    sealingKey: new Uint8Array(32).fill(2),
  });
  fc.assert(
    fc.property(
      fc.nat(text.length - 1),
      fc.constantFrom(...'qpzry9x8gf2tvdw0s3jn54khce6mua7l'),
      (at, wrong) => {
        fc.pre(text[at] !== wrong);
        expect(() => decodeAddress(text.slice(0, at) + wrong + text.slice(at + 1))).toThrow(
          'address_invalid',
        );
      },
    ),
  );
});

test.each([
  '',
  'splan',
  'splan1qqqq',
  'cashuBabc',
  'x'.repeat(1_000),
  // Bech32m of another prefix, and of 66 bytes (BIP 350).
  'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0',
])('%s is none', async (text) => {
  expect(await errorOf(() => decodeAddress(text))).toBe('address_invalid');
});
