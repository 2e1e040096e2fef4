// Blind notes: the vectors of NUT-00 and NUT-12, and those of the twin.
import { describe, expect, test } from 'vitest';
import { noteCrypto } from '../../src/crypto/secp256k1/notes.ts';
import { decode, hashPoints } from '../../src/reference/secp256k1.ts';
import { hex, toHex, vectorTest } from './vectors.ts';

interface Nuts {
  readonly files: readonly {
    readonly file: string;
    readonly blocks: readonly {
      readonly path: readonly string[];
      readonly prose: string;
      readonly text: string;
    }[];
  }[];
}

const FILE = 'cashu/nut_test_vectors.json';

/** Every "name: hex" of a text. */
function fields(text: string): [name: string, value: string][] {
  return [...text.matchAll(/"?([A-Za-z_ ()0-9,]+?)"?\s*:\s*"?([0-9a-f]{64,66})\b/g)].map((match) => [
    match[1]!.trim(),
    match[2]!,
  ]);
}

function blocks(nuts: Nuts, file: string, heading: string): string {
  const found = nuts.files.find((each) => each.file === file)!.blocks;
  const under = found.filter(({ path }) => path.includes(heading));
  expect(under.length).toBeGreaterThan(0);
  return under.map(({ prose, text }) => `${prose}\n${text}`).join('\n');
}

const values = (text: string, name: string): string[] =>
  fields(text)
    .filter(([each]) => each === name)
    .map(([, value]) => value);

function value(text: string, name: string): Uint8Array {
  const [found] = values(text, name);
  expect(found, name).toBeDefined();
  return hex(found!);
}

describe('NUT-00', () => {
  vectorTest<Nuts>('hash to curve', FILE, (nuts) => {
    const text = blocks(nuts, 'tests/00-tests.md', 'Hash-to-curve function');
    const messages = values(text, 'Message').map(hex);
    const points = values(text, 'Point');
    expect(points.length).toBe(3);
    expect(noteCrypto.hashToCurve(messages).map(toHex)).toEqual(points);
  });

  vectorTest<Nuts>('blinded messages', FILE, (nuts) => {
    const text = blocks(nuts, 'tests/00-tests.md', 'Blinded messages');
    const factors = values(text, 'r').map(hex);
    const items = values(text, 'x').map((x, i) => ({ message: hex(x), blindingFactor: factors[i]! }));
    expect(items.length).toBe(2);
    expect(noteCrypto.blind(items).map(toHex)).toEqual(values(text, 'B_'));
  });

  vectorTest<Nuts>('blinded signatures', FILE, (nuts) => {
    const text = blocks(nuts, 'tests/00-tests.md', 'Blinded signatures');
    const keys = values(text, 'mint private key').map(hex);
    const items = values(text, 'B_').map((blinded, i) => ({ blinded: hex(blinded), secretKey: keys[i]! }));
    expect(items.length).toBe(2);
    expect(noteCrypto.sign(items).map((signed) => toHex(signed!.signature))).toEqual(values(text, 'C_'));
  });
});

describe('NUT-12', () => {
  vectorTest<Nuts>('the hash of points', FILE, (nuts) => {
    const text = blocks(nuts, 'tests/12-tests.md', '`hash_e` function');
    const points = ['R1', 'R2', 'K', 'C_'].map((name) => decode(value(text, name))!);
    expect(toHex(hashPoints(...points))).toBe(/hash\(.*\): "([0-9a-f]{64})"/.exec(text)![1]);
  });

  vectorTest<Nuts>('the nonce of a proof', FILE, (nuts) => {
    const text = blocks(nuts, 'tests/12-tests.md', 'Deterministic nonce derivation');
    const [signed] = noteCrypto.sign([{ blinded: value(text, 'B_'), secretKey: value(text, 'a') }]);
    expect(noteCrypto.publicKeys([value(text, 'a')])).toEqual([value(text, 'A')]);
    expect(signed).toEqual({
      signature: value(text, 'C_'),
      dleq: { e: value(text, 'e'), s: value(text, 's') },
    });
  });

  vectorTest<Nuts>('a proof of a blind signature', FILE, (nuts) => {
    const text = blocks(nuts, 'tests/12-tests.md', 'DLEQ verification on `BlindSignature`');
    const item = {
      publicKey: value(text, 'A'),
      blinded: value(text, 'B_'),
      signature: value(text, 'C_'),
      dleq: { e: value(text, 'e'), s: value(text, 's') },
    };
    const other = { ...item, dleq: { e: item.dleq.s, s: item.dleq.e } };
    expect(noteCrypto.verifyDleq([item, other])).toEqual([true, false]);
  });

  vectorTest<Nuts>('a proof of a note', FILE, (nuts) => {
    const text = blocks(nuts, 'tests/12-tests.md', 'DLEQ verification on `Proof`');
    const item = {
      publicKey: value(text, 'A'),
      // The UTF-8 of the hexadecimal text: NUT-00.
      message: new TextEncoder().encode(values(text, 'secret')[0]!),
      signature: value(text, 'C'),
      blindingFactor: value(text, 'r'),
      dleq: { e: value(text, 'e'), s: value(text, 's') },
    };
    const other = { ...item, blindingFactor: item.dleq.s };
    expect(noteCrypto.verifyNoteDleq([item, other])).toEqual([true, false]);
  });
});

test('a note goes round', () => {
  const message = new TextEncoder().encode('round');
  const secretKey = new Uint8Array(32).fill(7);
  const blindingFactor = new Uint8Array(32).fill(9);
  const [publicKey] = noteCrypto.publicKeys([secretKey]);
  const [blinded] = noteCrypto.blind([{ message, blindingFactor }]);
  const [signed] = noteCrypto.sign([{ blinded: blinded!, secretKey }]);
  const [signature] = noteCrypto.unblind([
    { signature: signed!.signature, blindingFactor, publicKey: publicKey! },
  ]);
  expect(noteCrypto.verify([{ message, signature: signature!, secretKey }])).toEqual([true]);
});
