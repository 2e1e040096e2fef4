// Which signatures are good is one rule: alone, in a batch, under a prepared key and by the twin the answer is the same.
// The table is made of what implementations are known to disagree on, after Chalkias, Garillot and Nikolaenko, "Taming
// the many EdDSAs" (2020): keys and R of small and of mixed order, encodings that are not canonical, S beyond L, S = 0.
import { describe, expect, test } from 'vitest';
import { ed25519, type PreparedKey, type SignedMessage } from '../../src/crypto/ed25519/index.ts';
import { CryptoError } from '../../src/crypto/errors.ts';
import * as twin from '../../src/reference/ed25519.ts';
import {
  add,
  B,
  decode,
  encode,
  equal,
  isSmallOrder,
  L,
  multiply,
  NEUTRAL,
  type Point,
} from '../../src/reference/edwards.ts';
import { fromLittleEndian, P, toLittleEndian } from '../../src/reference/field.ts';
import { Random } from '../../src/shared/random.ts';
import { seedOf } from '../property/seed.ts';
import { eachBuild } from './builds.ts';

/** An encoding, and what it was made of: scalar·B + a point of small order; undefined where it encodes no point. */
interface Encoded {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly scalar: bigint | undefined;
  readonly canonical: boolean;
  readonly smallOrder: boolean;
}

interface Case extends SignedMessage {
  readonly name: string;
  readonly publicKey: Uint8Array;
  readonly expected: boolean;
}

const SIGN = 1n << 255n;

const seed = seedOf();
console.log(`SPECIE_SEED=${seed}`);
const random = new Random(BigInt(seed));
const bytes = (length: number): Uint8Array<ArrayBuffer> => Uint8Array.from({ length }, () => random.uint32());
const scalarBelowL = (): bigint => fromLittleEndian(bytes(64)) % L;

/** The eight points whose order divides the cofactor, the neutral one first. */
function torsion(): Point[] {
  for (let y = 2n; ; y++) {
    const point = decode(toLittleEndian(y));
    if (point === undefined) continue;
    const generator = multiply(point, L);
    if (equal(multiply(generator, 4n), NEUTRAL)) continue;
    return Array.from({ length: 8 }, (_, i) => multiply(generator, BigInt(i)));
  }
}

/** Keys or R of every kind. */
function encodings(kind: string): Encoded[] {
  const all: Encoded[] = [];
  const small = torsion();
  const push = (
    name: string,
    bytes: Uint8Array<ArrayBuffer>,
    more: Omit<Encoded, 'name' | 'bytes'>,
  ): void => {
    all.push({ name: `${kind} ${name}`, bytes, ...more });
  };
  small.forEach((point, i) => {
    push(`small order ${i}`, encode(point), { scalar: 0n, canonical: true, smallOrder: true });
  });
  const scalar = scalarBelowL();
  const large = multiply(B, scalar);
  small.forEach((point, i) => {
    const name = i === 0 ? 'prime order' : `mixed order ${i}`;
    push(name, encode(add(large, point)), { scalar, canonical: true, smallOrder: false });
  });
  // x = 0 with the sign of -0, for y = 1 and y = -1; y from p on, of small order, of another and of no point.
  const others = Array.from({ length: 17 }, (_, i) => BigInt(i + 2));
  const point = others.find((y) => decode(toLittleEndian(y)) !== undefined)!;
  const noPoint = others.find((y) => decode(toLittleEndian(y)) === undefined)!;
  const beyond = [0n, 1n, point, noPoint].flatMap((y) => [P + y, (P + y) | SIGN]);
  const notCanonical = [1n | SIGN, (P - 1n) | SIGN, ...beyond];
  for (const number of notCanonical) {
    const y = (number & (SIGN - 1n)) % P;
    const point = decode(toLittleEndian(y));
    push(`not canonical ${number.toString(16)}`, toLittleEndian(number), {
      scalar: point !== undefined && isSmallOrder(point) ? 0n : undefined,
      canonical: false,
      smallOrder: point !== undefined && isSmallOrder(point),
    });
  }
  push('no point', toLittleEndian(noPoint), { scalar: undefined, canonical: false, smallOrder: false });
  return all;
}

const fits = (number: bigint): boolean => number < 1n << 256n;

/** S that solves the equation with the cofactor where there is one, and S around it that must not do. */
function casesOf(key: Encoded, r: Encoded): Case[] {
  const message = bytes(random.uint32() % 100);
  const k = twin.hashToScalar(r.bytes, key.bytes, message);
  const solved = key.scalar !== undefined && r.scalar !== undefined;
  const right = solved ? (r.scalar + k * key.scalar) % L : scalarBelowL();
  const rule = solved && key.canonical && r.canonical && !key.smallOrder;
  const candidates: [string, bigint, boolean][] = [
    ['S', right, rule],
    ['S + 1', (right + 1n) % L, false],
    ['S = 0', 0n, rule && right === 0n],
    ['S + L', right + L, false],
    ['S + 8 L', right + 8n * L, false],
    ['S of 256 bits', right + (((1n << 256n) - 1n - right) / L) * L, false],
  ];
  return candidates
    .filter(([, S]) => fits(S))
    .map(([name, S, expected]) => {
      const signature = new Uint8Array(64);
      signature.set(r.bytes);
      signature.set(toLittleEndian(S), 32);
      return { name: `${key.name}, ${r.name}, ${name}`, publicKey: key.bytes, message, signature, expected };
    });
}

/** Every bit of a good signature and of its key, and one of its message, changed alone. */
function changedBits(): Case[] {
  const secretKey = bytes(32);
  const message = bytes(20);
  const good = { publicKey: twin.publicKey(secretKey), message, signature: twin.sign(secretKey, message) };
  const cases: Case[] = [{ ...good, name: 'unchanged', expected: true }];
  for (const part of ['signature', 'publicKey', 'message'] as const) {
    for (let bit = 0; bit < good[part].length * 8; bit++) {
      const changed = good[part].slice();
      changed[bit >> 3]! ^= 1 << (bit & 7);
      cases.push({ ...good, [part]: changed, name: `${part}, bit ${bit}`, expected: false });
    }
  }
  return cases;
}

const shuffled = <T>(items: readonly T[]): T[] =>
  items
    .map((item) => ({ item, order: random.uint32() }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item);

/** The names of the cases whose verdict is not the expected one. */
function wrong(cases: readonly Case[], verdicts: readonly boolean[]): string[] {
  expect(verdicts).toHaveLength(cases.length);
  return cases.filter(({ expected }, i) => verdicts[i] !== expected).map(({ name }) => name);
}

function prepared(key: Uint8Array): PreparedKey | undefined {
  try {
    return ed25519.prepare(key);
  } catch (error) {
    if (error instanceof CryptoError && error.code === 'invalid_public_key') return undefined;
    throw error;
  }
}

const keys = encodings('A');
const table = keys.flatMap((key) => encodings('R').flatMap((r) => casesOf(key, r)));
const flips = changedBits();

test('the twin decides as the rule says', () => {
  const verdicts = [...table, ...flips].map(({ publicKey, message, signature }) =>
    twin.verify(signature, message, publicKey),
  );
  expect(wrong([...table, ...flips], verdicts)).toEqual([]);
  // Keys of prime and of mixed order with every R that has an encoding.
  expect(table.filter(({ expected }) => expected)).toHaveLength(8 * 16);
});

eachBuild('ed25519 agreement', () => {
  describe.each([
    ['table', table],
    ['changed bits', flips],
  ])('%s', (_, cases) => {
    test('one at a time', () => {
      const verdicts = cases.map(({ publicKey, message, signature }) =>
        ed25519.verify(publicKey, message, signature),
      );
      expect(wrong(cases, verdicts)).toEqual([]);
    });

    test('under prepared keys', () => {
      const keys = new Map<Uint8Array, PreparedKey | undefined>();
      const verdicts = cases.map(({ publicKey, message, signature }) => {
        if (!keys.has(publicKey)) keys.set(publicKey, prepared(publicKey));
        const key = keys.get(publicKey);
        return key !== undefined && ed25519.verify(key, message, signature);
      });
      expect(wrong(cases, verdicts)).toEqual([]);
    });

    test('in batches of every size', () => {
      const mixed = shuffled(cases);
      expect(wrong(mixed, ed25519.verifyBatch(mixed))).toEqual([]);
      for (const size of [2, 7, 64]) {
        const verdicts: boolean[] = [];
        for (let from = 0; from < mixed.length; from += size) {
          verdicts.push(...ed25519.verifyBatch(mixed.slice(from, from + size)));
        }
        expect(wrong(mixed, verdicts), `size ${size}`).toEqual([]);
      }
    });

    test('each bad one alone among good ones', () => {
      const good = cases.filter(({ expected }) => expected).slice(0, 5);
      for (const bad of shuffled(cases.filter(({ expected }) => !expected)).slice(0, 200)) {
        const batch = shuffled([...good, bad]);
        expect(wrong(batch, ed25519.verifyBatch(batch))).toEqual([]);
      }
    });

    test('prepared and other keys in one batch', () => {
      const batch = shuffled(cases).map((item, i) => {
        const key = i % 2 === 0 ? prepared(item.publicKey) : undefined;
        return { ...item, publicKey: key ?? item.publicKey };
      });
      const verdicts = ed25519.verifyBatch(batch);
      expect(batch.filter(({ expected }, i) => verdicts[i] !== expected).map(({ name }) => name)).toEqual([]);
    });
  });

  test('errors that would cancel out in a sum without coefficients are found', () => {
    const scalarOf = (signature: Uint8Array): bigint => fromLittleEndian(signature.slice(32));
    const withScalar = (item: Case, by: bigint): Case => {
      const signature = item.signature.slice();
      signature.set(toLittleEndian((scalarOf(signature) + by + L) % L), 32);
      return { ...item, signature, name: `${item.name}, S + ${by}`, expected: false };
    };
    const good = table.filter(({ expected }) => expected);
    for (let i = 0; i + 1 < good.length; i += 2) {
      const pair = [withScalar(good[i]!, 1n), withScalar(good[i + 1]!, -1n)];
      expect(wrong(pair, ed25519.verifyBatch(pair))).toEqual([]);
      expect(wrong([...pair, ...good], ed25519.verifyBatch([...pair, ...good]))).toEqual([]);
    }
  });

  test('random signatures: every changed bit is refused, one at a time and in a batch', () => {
    for (let round = 0; round < 4; round++) {
      const secretKey = bytes(32);
      const message = bytes(random.uint32() % 300);
      const [publicKey, signature] = [ed25519.publicKey(secretKey), ed25519.sign(secretKey, message)];
      const items: SignedMessage[] = [];
      for (let bit = 0; bit < 768; bit++) {
        const [k, s] = [publicKey.slice(), signature.slice()];
        if (bit < 512) s[bit >> 3]! ^= 1 << (bit & 7);
        else k[(bit - 512) >> 3]! ^= 1 << (bit & 7);
        items.push({ publicKey: k, message, signature: s });
      }
      items.splice(random.uint32() % 768, 0, { publicKey, message, signature });
      const alone = items.map((item) => ed25519.verify(item.publicKey, item.message, item.signature));
      expect(alone.filter((verdict) => verdict)).toHaveLength(1);
      expect(ed25519.verifyBatch(items)).toEqual(alone);
    }
  });
});
