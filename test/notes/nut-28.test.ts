// NUT-28: blinded keys of conditions.
import { expect, test } from 'vitest';
import {
  blindedSecretKey,
  blindKey,
  blindKeys,
  ephemeralKeyPair,
  sharedSecret,
  signingKeysOf,
  slotFactor,
} from '../../src/notes/conditions/blinded-keys.ts';
import { checkConditions } from '../../src/notes/conditions/check.ts';
import { conditionOf, lockedSecret } from '../../src/notes/conditions/condition.ts';
import { signInputs } from '../../src/notes/conditions/sign.ts';
import { noteField } from '../../src/notes/json/notes.ts';
import { parseJson } from '../../src/notes/json/value.ts';
import { fromScalar, ORDER, toScalar } from '../../src/notes/point.ts';
import { publicKeyOf } from '../../src/notes/schnorr.ts';
import { hex, toHex } from '../crypto/vectors.ts';
import { mintNotes, testKeyset } from './mint.ts';
import { type Blocks, nutTests } from './nuts.ts';

const SLOTS = Array.from({ length: 11 }, (_, slot) => slot);

const given = (blocks: Blocks, name: string): Uint8Array => hex(blocks.value(0, name));

/** Lines "slot: hex". */
const bySlot = (text: string): string[] =>
  [...text.matchAll(/^r?(\d+):? "([0-9a-f]+)"/gm)].map(([, slot, value], i) => {
    expect(Number(slot) % 11).toBe(i % 11);
    return value!;
  });

nutTests('28-tests.md', {
  'a note': {
    blocks: [0, 1],
    run(blocks) {
      expect(toHex(publicKeyOf(given(blocks, 'e')))).toBe(blocks.value(0, 'E'));
      const note = noteField.read(parseJson(blocks.text(1)), 'note');
      expect(toHex(note.ephemeralKey!)).toBe(blocks.value(0, 'E'));
      const [key, ...others] = signingKeysOf(note, [given(blocks, 'p')]);
      expect(others).toEqual([]);
      expect(toHex(publicKeyOf(key!).subarray(1))).toBe(
        toHex(conditionOf(note.secret)!.publicKeys[0]!.subarray(1)),
      );
      checkConditions({ inputs: signInputs({ inputs: [note] }, { secretKeys: [key!] }) }, 0n);
      expect(signingKeysOf(note, [given(blocks, 'e')])).toEqual([]);
    },
  },
  'the shared secret': {
    blocks: [2],
    run(blocks) {
      const expected = blocks.value(2, 'Zx');
      expect(toHex(sharedSecret(given(blocks, 'P'), given(blocks, 'e')))).toBe(expected);
      expect(toHex(sharedSecret(given(blocks, 'E'), given(blocks, 'p')))).toBe(expected);
    },
  },
  factors: {
    blocks: [3],
    run(blocks) {
      const shared = hex(blocks.value(2, 'Zx'));
      expect(SLOTS.map((slot) => toHex(slotFactor(shared, slot)))).toEqual(bySlot(blocks.text(3)));
    },
  },
  'blinded keys': {
    blocks: [4],
    run(blocks) {
      const blinded = SLOTS.map((slot) => toHex(blindKey(given(blocks, 'P'), given(blocks, 'e'), slot)));
      expect(blinded).toEqual(bySlot(blocks.text(4)));
    },
  },
  'secret keys': {
    blocks: [5],
    run(blocks) {
      const expected = bySlot(blocks.text(5));
      expect(expected.length).toBe(22);
      const [key, blinder, ephemeral] = [given(blocks, 'p'), given(blocks, 'e'), given(blocks, 'E')];
      const derived = (publicKey: Uint8Array): string[] =>
        SLOTS.map((slot) =>
          toHex(blindedSecretKey(key, ephemeral, blindKey(publicKey, blinder, slot), slot)!),
        );
      // The keys of a point and of its negative: the second half is the one that belongs to P.
      const natural = publicKeyOf(key);
      expect(derived(natural)).toEqual(expected.slice(0, 11));
      expect(derived(given(blocks, 'P'))).toEqual(expected.slice(11));
      expect(toHex(natural)).not.toBe(blocks.value(0, 'P'));
    },
  },
  'which of them': {
    blocks: [6],
    run(blocks) {
      expect(toHex(publicKeyOf(given(blocks, 'p')))).toBe(blocks.value(6, 'pG'));
      expect(blocks.value(6, 'P')).toBe(blocks.value(0, 'P'));
    },
  },
});

test('keys of payee and payer, blinded, spend as the condition says', () => {
  const [payee, second, payer] = [5n, ORDER - 7n, 9n].map(fromScalar);
  const ephemeral = ephemeralKeyPair();
  const blinded = blindKeys(
    {
      publicKeys: [publicKeyOf(payee!), publicKeyOf(second!)],
      refundKeys: [publicKeyOf(payer!)],
      isHash: false,
    },
    ephemeral.secretKey,
  );
  const secret = lockedSecret({ ...blinded, requiredSignatures: 2, locktime: 100n });
  for (const key of [payee!, second!, payer!])
    expect(secret).not.toContain(toHex(publicKeyOf(key).subarray(1)));
  const keyset = testKeyset();
  const [minted] = mintNotes([1n], keyset, [{ secret, blindingFactor: fromScalar(11n) }]);
  const note = { ...minted!, ephemeralKey: ephemeral.publicKey };

  const both = signingKeysOf(note, [payee!, second!]);
  expect(both.length).toBe(2);
  checkConditions({ inputs: signInputs({ inputs: [note] }, { secretKeys: both }) }, 50n);
  const refund = signInputs({ inputs: [note] }, { secretKeys: signingKeysOf(note, [payer!]) });
  expect(() => checkConditions({ inputs: refund }, 50n)).toThrow();
  checkConditions({ inputs: refund }, 100n);
  expect(toScalar(both[0]!)).not.toBe(5n);
});
