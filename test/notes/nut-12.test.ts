// NUT-12: proofs of signatures.
import { expect } from 'vitest';
import { noteCrypto } from '../../src/crypto/secp256k1/notes.ts';
import { checkNotes } from '../../src/notes/dleq.ts';
import { noteField, signatureField } from '../../src/notes/json/notes.ts';
import { parseJson } from '../../src/notes/json/value.ts';
import { decode, hashPoints } from '../../src/reference/secp256k1.ts';
import { hex, toHex } from '../crypto/vectors.ts';
import { nutTests } from './nuts.ts';

nutTests('12-tests.md', {
  'the hash of points': {
    blocks: [0, 1],
    run(blocks) {
      const points = ['R1', 'R2', 'K', 'C_'].map((name) => decode(hex(blocks.value(0, name)))!);
      expect(toHex(hashPoints(...points))).toBe(blocks.value(1, 'hash(R1, R2, K, C_)'));
    },
  },
  'the nonce': {
    blocks: [2, 3],
    run(blocks) {
      const secretKey = hex(blocks.value(2, 'a'));
      const [signed] = noteCrypto.sign([{ blinded: hex(blocks.value(2, 'B_')), secretKey }]);
      expect(noteCrypto.publicKeys([secretKey]).map(toHex)).toEqual([blocks.value(2, 'A')]);
      expect(toHex(signed!.signature)).toBe(blocks.value(2, 'C_'));
      expect(toHex(signed!.dleq.e)).toBe(blocks.value(3, 'e'));
      expect(toHex(signed!.dleq.s)).toBe(blocks.value(3, 's'));
    },
  },
  'a blind signature': {
    blocks: [4, 5],
    run(blocks) {
      const { signature, dleq } = signatureField.read(parseJson(blocks.text(5)), 'signature');
      const publicKey = hex(blocks.value(4, 'A'));
      const item = { publicKey, blinded: hex(blocks.value(4, 'B_')), signature, dleq: dleq! };
      expect(noteCrypto.verifyDleq([item])).toEqual([true]);
      const swapped = { ...item, dleq: { e: dleq!.s, s: dleq!.e } };
      expect(noteCrypto.verifyDleq([swapped])).toEqual([false]);
    },
  },
  'a note': {
    blocks: [6, 7],
    run(blocks) {
      const note = noteField.read(parseJson(blocks.text(7)), 'note');
      const keyset = {
        id: note.keysetId,
        unit: 'sat',
        isActive: true,
        inputFeePpk: 0,
        keys: new Map([[1n, hex(blocks.value(6, 'A'))]]),
      };
      checkNotes([note], new Map([[keyset.id, keyset]]), noteCrypto);
      const { e, s, r } = note.dleq!;
      const changed = { ...note, dleq: { e, s, r: e } };
      expect(() => checkNotes([changed], new Map([[keyset.id, keyset]]), noteCrypto)).toThrow();
      expect(toHex(r)).not.toBe(toHex(s));
    },
  },
});
