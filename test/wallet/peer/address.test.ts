import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  decodePurseAddress,
  encodePurseAddress,
  PURSE_ADDRESS_CHARACTERS_MAX,
  type PurseAddress,
} from '../../../src/wallet/peer/address.ts';
import { PeerError } from '../../../src/wallet/peer/errors.ts';

const address: PurseAddress = {
  place: '127.0.0.1:40123',
  channelKey: new Uint8Array(32).fill(200),
  currency: 978,
  amount: 750n,
  memo: 'Mittagessen, für zwei',
};

const tried = (work: () => unknown): string => {
  try {
    work();
    return 'taken';
  } catch (error) {
    if (!(error instanceof PeerError)) throw error;
    return error.code;
  }
};

test('a line that says where, which key, and perhaps how much and what for', () => {
  const line = encodePurseAddress(address);
  expect(line).toMatch(/^specie-purse:[A-Za-z0-9+/]+$/);
  expect(decodePurseAddress(` ${line}\n`)).toEqual(address);
  const bare = { ...address, amount: undefined, memo: '' };
  expect(decodePurseAddress(encodePurseAddress(bare))).toEqual(bare);
  // A QR code of version 6 takes 134 bytes.
  expect(encodePurseAddress(bare).length).toBeLessThan(134);
});

test('the longest one fits its bound', () => {
  const longest = { ...address, place: `${'a'.repeat(249)}:65535`, memo: 'x'.repeat(64) };
  expect(decodePurseAddress(encodePurseAddress(longest))).toEqual(longest);
  expect(encodePurseAddress(longest).length).toBeLessThanOrEqual(PURSE_ADDRESS_CHARACTERS_MAX);
});

test.each(['127.0.0.1:1', 'ada.local:65535', '[::1]:8080', '[fe80::1]:80', ''])('%j is a place', (place) => {
  expect(decodePurseAddress(encodePurseAddress({ ...address, place })).place).toBe(place);
});

test.each([
  ...['host', ':80', 'host:0', 'host:65536', 'host:', 'a b:80', 'host:80/x', 'host:80?x', 'user@host:80'],
  ...['[::1:80', '::1:80', '-x:80', 'ho#st:80', 'host:080000', `${'a'.repeat(254)}:80`],
])('%j is no place', (place) => {
  expect(tried(() => encodePurseAddress({ ...address, place }))).toBe('address_invalid');
});

test.each([
  ['nothing', ''],
  ['another scheme', 'specie-shop:AAAA'],
  ['no base64', 'specie-purse:AA AA'],
  ['base64 that is padded', 'specie-purse:AAA='],
  ['a longer one', `${encodePurseAddress(address)}AAAA`],
  ['a shorter one', encodePurseAddress(address).slice(0, -4)],
  ['another version', encodePurseAddress(address).replace('specie-purse:A', 'specie-purse:B')],
  ['megabytes', `specie-purse:${'A'.repeat(5_000_000)}`],
  ['megabytes of nothing', ' '.repeat(5_000_000)],
])('%s is refused', (_, line) => {
  expect(tried(() => decodePurseAddress(line))).toBe('address_invalid');
});

test.each([
  ['an amount of 0', { amount: 0n }],
  ['a memo that moves the cursor', { memo: 'x\u001b[2J' }],
  ['a memo that turns round', { memo: '\u202e' }],
  ['a memo that is too long', { memo: 'x'.repeat(65) }],
  ['a key that is too short', { channelKey: new Uint8Array(31) }],
])('%s is refused', (_, changes) => {
  expect(tried(() => encodePurseAddress({ ...address, ...changes }))).toBe('address_invalid');
});

test('garbage is refused, and what is taken comes back as the same line', () => {
  const line = encodePurseAddress(address);
  const changed = fc.tuple(fc.nat({ max: line.length - 1 }), fc.constantFrom(...'AZaz09+/?:= '));
  fc.assert(
    fc.property(fc.oneof(fc.string(), changed), (one) => {
      const text = typeof one === 'string' ? one : line.slice(0, one[0]) + one[1] + line.slice(one[0] + 1);
      let decoded: PurseAddress;
      try {
        decoded = decodePurseAddress(text);
      } catch (error) {
        expect(error).toBeInstanceOf(PeerError);
        return;
      }
      expect(encodePurseAddress(decoded)).toBe(text.trim());
    }),
    { numRuns: 300 },
  );
});
