// NUT-00: hash to curve, blinding, signing, and tokens of both versions.
import { expect } from 'vitest';
import { noteCrypto } from '../../src/crypto/secp256k1/notes.ts';
import { NotesError } from '../../src/notes/errors.ts';
import {
  decodeToken,
  decodeTokenBytes,
  encodeToken,
  encodeTokenBytes,
  encodeTokenV3,
  type Token,
} from '../../src/notes/token.ts';
import { hex, toHex } from '../crypto/vectors.ts';
import { nutTests } from './nuts.ts';
import { plainToken } from './plain.ts';

/** The specification's diagnostic notation of CBOR, as JSON: bytes become their hex. */
const fromDiagnostic = (text: string): unknown =>
  JSON.parse(text.replace(/h'([0-9a-f]*)'/g, '"$1"').replace(/,(\s*[}\]])/g, '$1'));

interface V4 {
  readonly t: {
    readonly i: string;
    readonly p: { readonly a: number; readonly s: string; readonly c: string }[];
  }[];
  readonly m: string;
  readonly u: string;
  readonly d?: string;
}

const plainV4 = ({ t, m, u, d }: V4): unknown => ({
  mint: m,
  unit: u,
  ...(d === undefined ? {} : { memo: d }),
  notes: t.flatMap(({ i, p }) =>
    p.map(({ a, s, c }) => ({ amount: BigInt(a), keysetId: i, secret: s, signature: c })),
  ),
});

function refused(token: string): NotesError {
  try {
    decodeToken(token);
  } catch (error) {
    expect(error).toBeInstanceOf(NotesError);
    return error as NotesError;
  }
  throw new Error('expected a refusal');
}

nutTests('00-tests.md', {
  'hash to curve': {
    blocks: [0],
    run(blocks) {
      const points = noteCrypto.hashToCurve(blocks.values(0, 'Message').map(hex));
      expect(points.map(toHex)).toEqual(blocks.values(0, 'Point'));
      expect(points.length).toBe(3);
    },
  },
  'blinded messages': {
    blocks: [1],
    run(blocks) {
      const factors = blocks.values(1, 'r').map(hex);
      const items = blocks.values(1, 'x').map((x, i) => ({ message: hex(x), blindingFactor: factors[i]! }));
      expect(noteCrypto.blind(items).map(toHex)).toEqual(blocks.values(1, 'B_'));
      expect(items.length).toBe(2);
    },
  },
  'blind signatures': {
    blocks: [2],
    run(blocks) {
      const keys = blocks.values(2, 'mint private key').map(hex);
      const items = blocks.values(2, 'B_').map((point, i) => ({ blinded: hex(point), secretKey: keys[i]! }));
      expect(noteCrypto.sign(items).map((signed) => toHex(signed!.signature))).toEqual(
        blocks.values(2, 'C_'),
      );
      expect(items.length).toBe(2);
    },
  },
  'tokens of version 3, written': {
    blocks: [3, 4],
    run(blocks) {
      const token = decodeToken(blocks.text(4));
      const json = blocks.json<{ token: { mint: string; proofs: Record<string, unknown>[] }[] }>(3);
      expect(token).toMatchObject({ mint: 'https://8333.space:3338', unit: 'sat', memo: 'Thank you.' });
      expect(
        token.notes.map(({ amount, keysetId, secret, signature }) => ({
          amount: Number(amount),
          id: keysetId,
          secret,
          C: toHex(signature),
        })),
      ).toEqual(json.token[0]!.proofs);
      expect(encodeTokenV3(token)).toBe(blocks.text(4));
    },
  },
  'what is no token of version 3': {
    blocks: [5],
    run(blocks) {
      const tokens = blocks
        .text(5)
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#'));
      expect(tokens.length).toBe(2);
      for (const token of tokens) expect(refused(token).code).toBe('unsupported');
    },
  },
  'a token of version 3': {
    blocks: [6],
    run: (blocks) => expect(encodeTokenV3(decodeToken(blocks.text(6)))).toBe(blocks.text(6)),
  },
  'with and without padding': {
    blocks: [7],
    run(blocks) {
      const [, padded, plain] = blocks.text(7).split('\n');
      expect(padded).toMatch(/=$/);
      expect(decodeToken(padded!)).toEqual(decodeToken(plain!));
      expect(encodeTokenV3(decodeToken(padded!))).toBe(plain);
    },
  },
  'a token of version 4': {
    blocks: [8, 9],
    run(blocks) {
      const token = decodeToken(blocks.text(9));
      expect(plainToken(token)).toEqual(plainV4(fromDiagnostic(blocks.text(8)) as V4));
      expect(encodeToken(token)).toBe(blocks.text(9).replace(/=+$/, ''));
    },
  },
  'of several keysets': {
    blocks: [10, 11],
    run(blocks) {
      const token = decodeToken(blocks.text(11));
      expect(plainToken(token)).toEqual(plainV4(fromDiagnostic(blocks.text(10)) as V4));
      expect(encodeToken(token)).toBe(blocks.text(11));
    },
  },
  'as bytes': {
    blocks: [12],
    run(blocks) {
      const plain = plainV4(fromDiagnostic(blocks.text(12)) as V4) as Token;
      // The block gives the value alone; its bytes stand in the text before it, where the specification has them.
      const notes = plain.notes.map((note) => ({
        ...note,
        signature: hex(note.signature as unknown as string),
      }));
      const bytes = encodeTokenBytes({ ...plain, notes });
      expect(new TextDecoder().decode(bytes.subarray(0, 5))).toBe('crawB');
      expect(plainToken(decodeTokenBytes(bytes))).toEqual(plain);
      expect(`cashuB${Buffer.from(bytes.subarray(5)).toString('base64url')}`).toBe(
        blocks.text(9).replace(/=+$/, ''),
      );
    },
  },
});
