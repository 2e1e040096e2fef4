// Payees of notes as texts: one text each, and nothing else is read.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  decodeNotePayee,
  encodeNotePayee,
  NOTE_PAYEE_CHARACTERS_MAX,
  type NotePayee,
  NotePayeeError,
} from '../../../src/roles/documents/note-payee.ts';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const payee: fc.Arbitrary<NotePayee> = fc.oneof(
  fc.record({ kind: fc.constant('shop' as const), shop: fc.bigInt(0n, (1n << 128n) - 1n) }),
  fc.record({
    kind: fc.constant('device' as const),
    sealed: fc.record({ keyId: bytes(8), encapsulatedKey: bytes(32), ciphertext: bytes(36) }),
  }),
);

test('what is written is read back, fits, and needs no quoting in an address of the web', () => {
  fc.assert(
    fc.property(payee, (one) => {
      const text = encodeNotePayee(one);
      expect(text.length).toBeLessThanOrEqual(NOTE_PAYEE_CHARACTERS_MAX);
      expect(text).toMatch(/^specie-(?:shop:0x[0-9a-f]{32}|device:[A-Za-z0-9_-]{102})$/);
      expect(decodeNotePayee(` ${text}\n`)).toEqual(one);
    }),
  );
});

test('a number may be decimal', () => {
  expect(decodeNotePayee('specie-shop:18446744073709551616')).toEqual({ kind: 'shop', shop: 1n << 64n });
});

const device = encodeNotePayee({
  kind: 'device',
  sealed: {
    keyId: new Uint8Array(8),
    encapsulatedKey: new Uint8Array(32).fill(255),
    ciphertext: new Uint8Array(36),
  },
});

test.each([
  '',
  'specie-shop:',
  'specie-shop:-1',
  'specie-shop:0x',
  `specie-shop:${1n << 128n}`,
  // A shop's card.
  'specie-shop:ARYAAAB3czov?offer=2SJB6G',
  'specie-purse:AZE5tg',
  'specie-device:',
  device.slice(0, -1),
  `${device}A`,
  device.replace('_', '/'),
  `${device}=`,
  `specie-device:${'A'.repeat(4_000)}`,
])('refused: %s', (text) => {
  expect(() => decodeNotePayee(text)).toThrow(NotePayeeError);
});
