// What stands in seals of notes: padding hides the count, and nothing but what was sealed is read back.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  NOTES_MAX,
  PADDING_BYTES,
  type PlainNote,
  PlainNotes,
  padded,
  SealedNotes,
  unpadded,
} from '../../../src/roles/documents/notes.ts';

const scalar = fc.uint8Array({ minLength: 32, maxLength: 32 });
const note: fc.Arbitrary<PlainNote> = fc.record({
  amount: fc.bigInt(0n, (1n << 64n) - 1n),
  keysetId: fc.constantFrom('009a1f293253e41e', 'f'.repeat(66)),
  secret: fc.string({ maxLength: 40 }),
  signature: fc.uint8Array({ minLength: 33, maxLength: 33 }),
  dleq: fc.option(fc.record({ e: scalar, s: scalar, r: scalar }), { nil: undefined }),
});

test('notes that are padded come back, and their number does not show', () => {
  fc.assert(
    fc.property(fc.array(note, { maxLength: NOTES_MAX }), (notes) => {
      const plaintext = padded(PlainNotes, notes);
      expect(plaintext.length % PADDING_BYTES).toBe(0);
      expect(unpadded(PlainNotes, plaintext)).toEqual(notes);
    }),
  );
  const one = padded(PlainNotes, [fc.sample(note, 1)[0]!]);
  expect(one.length).toBe(padded(PlainNotes, []).length);
});

test('the longest list fits a seal', () => {
  const longest: PlainNote = {
    amount: 1n,
    keysetId: 'f'.repeat(66),
    secret: 'x'.repeat(128),
    signature: new Uint8Array(33),
    dleq: { e: new Uint8Array(32), s: new Uint8Array(32), r: new Uint8Array(32) },
  };
  const ciphertext = padded(PlainNotes, Array<PlainNote>(NOTES_MAX).fill(longest));
  const sealed = { keyId: new Uint8Array(8), encapsulatedKey: new Uint8Array(32), ciphertext };
  expect(SealedNotes.decode(SealedNotes.encode(sealed))).toEqual(sealed);
});

test.each([
  ['nothing', new Uint8Array(0)],
  ['zeroes', new Uint8Array(PADDING_BYTES)],
  ['another length', new Uint8Array(PADDING_BYTES - 1).fill(1)],
  ['another mark', new Uint8Array(PADDING_BYTES).fill(2)],
])('%s is refused', (_, plaintext) => {
  expect(() => unpadded(PlainNotes, plaintext)).toThrow(/sealed notes: expected|expected/);
});
