// QR codes: module by module the ones that an independent reader (jsQR 1.4.0) has read back, for one text of each form: without and
// with alignment patterns, with version information, with blocks of two lengths, the longest.
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { qrCode } from '../../../src/cli/qr/encode.ts';
import { qrText } from '../../../src/cli/qr/terminal.ts';

const text = (length: number): string => 'specie-purse:'.padEnd(length, 'AZE5tg+/9x').slice(0, length);

const digest = (modules: readonly (readonly boolean[])[]): string =>
  createHash('sha256')
    .update(modules.map((row) => row.map((isDark) => (isDark ? '1' : '0')).join('')).join('\n'))
    .digest('hex')
    .slice(0, 16);

test.each([
  [1, 21, '509ad9b59ef149fc'],
  [17, 21, '62a58f6d9c6a374f'],
  [18, 25, '97a732413bea66fc'],
  [125, 41, 'b43fab2107cffd63'],
  [155, 49, '72c7bc447cbe5046'],
  [200, 53, '07cb77ae8fcd8803'],
  [300, 61, 'd4414deabb7a26ac'],
  [640, 85, '7d040570b7f39d87'],
  [858, 97, '6b15b226822daa0b'],
])('%i bytes: %i modules a side', (length, size, expected) => {
  const modules = qrCode(new TextEncoder().encode(text(length)));
  expect(modules).toHaveLength(size);
  expect(digest(modules)).toBe(expected);
});

test('what does not fit is refused', () => {
  expect(() => qrCode(new Uint8Array(859))).toThrow('expected at most 858 bytes, got 859');
});

test('in a terminal: two rows a line, light modules drawn, a margin around', () => {
  const lines = qrText('specie').split('\n');
  expect(lines).toHaveLength(13);
  expect(new Set(lines.map(({ length }) => length))).toEqual(new Set([25]));
  expect(lines[0]).toBe('█'.repeat(25));
  expect(lines[1]).toMatch(/^██ ▄{5} /);
  expect(lines.at(-1)).toBe('▀'.repeat(25));
});
