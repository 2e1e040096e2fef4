// Where implementations of Ed25519 disagree (Chalkias, Garillot and Nikolaenko, "Taming the many EdDSAs", 2020): points of
// small order, keys with a part of small order, encodings that are not canonical. Here one signature, a batch and the twin
// decide alike on every combination, and as the rule in assembly/curve/verify.ts says.
import { ed25519 } from '@noble/curves/ed25519.js';
import { beforeAll, expect, test } from 'vitest';
import { verifyBatch } from '../../src/crypto/ed25519/batch.ts';
import { prepare } from '../../src/crypto/ed25519/prepare.ts';
import { verify } from '../../src/crypto/ed25519/verify.ts';
import * as reference from '../../src/reference/ed25519.ts';
import {
  add,
  B,
  decode,
  encode,
  isSmallOrder,
  L,
  multiply,
  type Point,
} from '../../src/reference/edwards.ts';
import { fromLittleEndian, P, toLittleEndian } from '../../src/reference/field.ts';
import { sha512 } from '../../src/reference/sha512.ts';
import { eachBuild } from './builds.ts';
import { hex, toHex } from './vectors.ts';

/** All eight points of small order are its multiples. */
const ORDER_8 = decode(hex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'))!;
const TORSION = Array.from({ length: 8 }, (_, i) => multiply(ORDER_8, BigInt(i)));

const SIGN = 1n << 255n;
/** The encodings of points of small order that are not canonical: y = p, p + 1, and x = -0. */
const NOT_CANONICAL = [P, P + 1n, P | SIGN, (P + 1n) | SIGN, 1n | SIGN, (P - 1n) | SIGN].map((y) =>
  toLittleEndian(y),
);

interface Choice {
  readonly name: string;
  readonly encoded: Uint8Array;
  /** The multiple of B in the point. */
  readonly scalar: bigint;
  readonly canonical: boolean;
  readonly smallOrder: boolean;
}

function choices(name: string, scalar: bigint): Choice[] {
  return [
    ...TORSION.map((point, i) => ({
      name: `${i} of 8`,
      encoded: encode(point),
      scalar: 0n,
      canonical: true,
      smallOrder: true,
    })),
    ...NOT_CANONICAL.map((encoded) => ({
      name: toHex(encoded),
      encoded,
      scalar: 0n,
      canonical: false,
      smallOrder: true,
    })),
    ...TORSION.map((point, i) => ({
      name: `${name} + ${i} of 8`,
      encoded: encode(add(multiply(B, scalar), point)),
      scalar,
      canonical: true,
      smallOrder: false,
    })),
  ];
}

interface Case {
  readonly name: string;
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
  readonly expected: boolean;
}

/** Every A with every R: with the S that fulfils the equation with the cofactor, with S + 1 and with S + L. */
function allCases(): Case[] {
  const cases: Case[] = [];
  const message = new TextEncoder().encode('Taming');
  for (const A of choices('a·B', 123_456_789n)) {
    for (const R of choices('r·B', 987_654_321n)) {
      const k = fromLittleEndian(sha512.digest(Uint8Array.of(...R.encoded, ...A.encoded, ...message))) % L;
      const S = (R.scalar + k * A.scalar) % L;
      const good = R.canonical && A.canonical && !A.smallOrder;
      for (const [what, s, expected] of [
        ['S', S, good],
        ['S + 1', (S + 1n) % L, false],
        ['S + L', S + L, false],
      ] as const) {
        cases.push({
          name: `A ${A.name}, R ${R.name}, ${what}`,
          publicKey: A.encoded,
          message,
          signature: Uint8Array.of(...R.encoded, ...toLittleEndian(s)),
          expected,
        });
      }
    }
  }
  return cases;
}

const cases = allCases();

test('the eight points, and the twin on every combination', () => {
  expect(new Set(TORSION.map((point: Point) => toHex(encode(point)))).size).toBe(8);
  for (const point of TORSION) expect(isSmallOrder(point)).toBe(true);
  expect(cases).toHaveLength(22 * 22 * 3);
  expect(cases.filter(({ expected }) => expected)).toHaveLength(8 * 16);
  for (const { name, publicKey, message, signature, expected } of cases) {
    expect(reference.verify(signature, message, publicKey), name).toBe(expected);
  }
}, 120_000);

eachBuild('ed25519 verification at the edges', () => {
  let single: boolean[];
  beforeAll(() => {
    single = cases.map(({ publicKey, message, signature }) => verify(publicKey, message, signature));
  });

  test('one by one: as the rule says', () => {
    cases.forEach(({ name, expected }, i) => {
      expect(single[i], name).toBe(expected);
    });
  });

  test('all in one batch, in batches of every small size, and each beside good ones', () => {
    expect(verifyBatch(cases)).toEqual(single);
    for (const size of [2, 3, 5, 17, 64]) {
      const verdicts: boolean[] = [];
      for (let i = 0; i < cases.length; i += size) verdicts.push(...verifyBatch(cases.slice(i, i + size)));
      expect(verdicts, `batches of ${size}`).toEqual(single);
    }
    const good = cases.filter(({ expected }) => expected);
    expect(verifyBatch(good)).toEqual(good.map(() => true));
    for (const [i, one] of cases.entries()) {
      if (i % 7 === 0)
        expect(verifyBatch([good[0]!, one, good[9]!]), one.name).toEqual([true, one.expected, true]);
    }
  });

  test('prepared keys: those of small order and other encodings are refused, the others verify alike', () => {
    for (const [i, { name, publicKey, message, signature }] of cases.entries()) {
      const A = decode(publicKey);
      if (A === undefined || isSmallOrder(A)) expect(() => prepare(publicKey), name).toThrow('small order');
      else expect(verify(prepare(publicKey), message, signature), name).toBe(single[i]);
    }
    const mixed = cases.slice(-8 * 66);
    const keys = new Map(mixed.map(({ publicKey }) => [toHex(publicKey), prepare(publicKey)]));
    const prepared = mixed.map((one) => ({ ...one, publicKey: keys.get(toHex(one.publicKey))! }));
    expect(verifyBatch(prepared)).toEqual(single.slice(-8 * 66));
  });

  test('@noble/curves, strict: the same verdicts', () => {
    for (const [i, { name, publicKey, message, signature }] of cases.entries()) {
      if (i % 5 !== 0) continue;
      let verdict = false;
      try {
        verdict = ed25519.verify(signature, message, publicKey, { zip215: false });
      } catch {}
      expect(verdict, name).toBe(single[i]);
    }
  });
});
