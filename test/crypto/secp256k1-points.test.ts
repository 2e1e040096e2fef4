// Points and scalars of secp256k1 against the twin and @noble/curves: encodings, the formulas for all kinds of pairs, multiples by
// scalars from the edges.
import { secp256k1 } from '@noble/curves/secp256k1.js';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mod } from '../../src/reference/field.ts';
import {
  add,
  affine,
  decode,
  encode,
  fromBytes,
  G,
  INFINITY,
  isInfinity,
  multiply,
  N,
  negate,
  P,
  type Point,
  toBytes,
} from '../../src/reference/secp256k1.ts';
import { eachBuild } from './builds.ts';

const PAIR_BYTES = 80;
const POINTS_BYTES = 3 * PAIR_BYTES;
const LAMBDA = 0x5363ad4cc05c30e0a5261c028812645a122e22ea20816678df02967c1b23bd72n;
const BETA = 0x7ae96a2b657c07106e64479eac3434e99cf0497512f58995c1396c28719501een;

const edges = [
  1n,
  2n,
  3n,
  15n,
  16n,
  17n,
  31n,
  32n,
  N - 1n,
  N - 2n,
  (N - 1n) / 2n,
  (N + 1n) / 2n,
  1n << 255n,
  (1n << 255n) - 1n,
  (1n << 128n) - 1n,
  1n << 128n,
  LAMBDA,
  LAMBDA + 1n,
  N - LAMBDA,
  mod(LAMBDA * LAMBDA, N),
];
const scalar = fc.oneof(
  fc.constantFrom(...edges),
  fc.bigInt({ min: 1n, max: N - 1n }),
  fc.bigInt({ min: 1n, max: 1n << 64n }).map((k) => mod(k * LAMBDA, N)),
);

/** The 33 bytes of a point as noble finds it. */
const noblePoint = (k: bigint): Uint8Array => secp256k1.Point.BASE.multiply(k).toBytes(true);

test('the twin: what @noble/curves says, and the endomorphism', () => {
  fc.assert(
    fc.property(scalar, (k) => {
      const point = multiply(G, k);
      expect(encode(point)).toEqual(noblePoint(k));
      const { x, y } = affine(point);
      expect(affine(multiply(point, LAMBDA))).toEqual({ x: mod(x * BETA, P), y });
    }),
    { numRuns: 15, examples: edges.slice(0, 10).map((edge) => [edge]) },
  );
  expect(isInfinity(multiply(G, N))).toBe(true);
  expect(add(G, negate(G)).Z).toBe(0n);
});

test('the constants that take scalars apart', () => {
  const [a1, b1, a2] = [
    0x3086d221a7d46bcde86c90e49284eb15n,
    -0xe4437ed6010e88286f547fa90abfe4c3n,
    0x114ca50f7a8e2f3f657c1108d9d44cfd8n,
  ];
  expect(mod(a1 + b1 * LAMBDA, N)).toBe(0n);
  expect(mod(a2 + a1 * LAMBDA, N)).toBe(0n);
  expect(a1 * a1 - a2 * b1).toBe(N);
  const round = (number: bigint): bigint => (number * 2n + N) / (2n * N);
  expect(round(a1 << 384n)).toBe(0x3086d221a7d46bcde86c90e49284eb153daa8a1471e8ca7fe893209a45dbb031n);
  expect(round(-b1 << 384n)).toBe(0xe4437ed6010e88286f547fa90abfe4c4221208ac9df506c61571b4ae8ac47f71n);
});

eachBuild('points of secp256k1', (kernel) => {
  const { exports, io } = kernel;
  const ENCODED = io;
  const COORDINATES = io + 128;
  const SCALARS = io + 512;
  const INFINITE = io + 768;
  const at = (i: number): number => io + 1024 + 256 * i;
  const TABLES = io + 16_384;

  /** Affine points, at(i). */
  const put = (i: number, a: Point, b: Point): void => {
    kernel.bytes.set(encode(a), ENCODED);
    kernel.bytes.set(encode(b), ENCODED + 40);
    expect(exports.secpDecode(at(i), ENCODED, ENCODED + 40)).toBe(3);
  };
  /** What stands at(i), and nothing for infinity. */
  const get = (i: number): (Uint8Array | undefined)[] => {
    const copy = at(30);
    kernel.bytes.copyWithin(copy, at(i), at(i) + POINTS_BYTES);
    exports.secpNormalise(copy, POINTS_BYTES, 1, INFINITE);
    exports.secpStoreCoordinates(COORDINATES, COORDINATES + 64, copy);
    return [0, 1].map((lane) => {
      if ((kernel.bytes[INFINITE]! >> lane) & 1) return undefined;
      const place = COORDINATES + 64 * lane;
      return Uint8Array.of(2 | (kernel.bytes[place + 63]! & 1), ...kernel.copy(place, 32));
    });
  };
  const shown = (point: Point): Uint8Array | undefined => (isInfinity(point) ? undefined : encode(point));
  const putScalar = (i: number, k: bigint): number => {
    kernel.bytes.set(toBytes(k).reverse(), SCALARS + 32 * i);
    return SCALARS + 32 * i;
  };

  test('encodings', () => {
    const good = encode(multiply(G, 5n));
    const answer = (a: Uint8Array, b: Uint8Array): number => {
      kernel.bytes.set(a, ENCODED);
      kernel.bytes.set(b, ENCODED + 40);
      return exports.secpDecode(at(0), ENCODED, ENCODED + 40);
    };
    const withX = (x: bigint, prefix = 2): Uint8Array => Uint8Array.of(prefix, ...toBytes(x));
    const cases = [
      good,
      Uint8Array.from(good, (byte, i) => (i === 0 ? byte ^ 1 : byte)),
      ...[0, 1, 4, 5, 6, 7, 0x82, 0xff].map((prefix) =>
        Uint8Array.from(good, (byte, i) => (i === 0 ? prefix : byte)),
      ),
      ...[0n, 1n, 2n, 3n, 4n, 5n, P - 1n, P - 2n, P, P + 1n, P + 2n, (1n << 256n) - 1n].flatMap((x) => [
        withX(x, 2),
        withX(x, 3),
      ]),
    ];
    for (const bytes of cases) {
      const point = decode(bytes);
      expect(answer(bytes, good)).toBe(point === undefined ? 2 : 3);
      expect(answer(good, bytes)).toBe(point === undefined ? 1 : 3);
      if (point === undefined) continue;
      exports.secpStoreCoordinates(COORDINATES, COORDINATES + 64, at(0));
      const { x, y } = affine(point);
      expect(fromBytes(kernel.copy(COORDINATES + 64, 32))).toBe(x);
      expect(fromBytes(kernel.copy(COORDINATES + 96, 32))).toBe(y);
    }
    expect(answer(withX(P), withX(P))).toBe(0);
  });

  test('sums of all kinds of points: equal, opposite, infinite', () => {
    const points = [G, negate(G), multiply(G, 2n), multiply(G, N - 2n), multiply(G, 7n)];
    // Projective, with a Z of its own: doubled and taken off again.
    const lay = (i: number, a: Point, b: Point): void => {
      put(i, a, b);
      exports.secpBuildTable(TABLES, at(i));
      exports.secpPointsAdd(at(i), TABLES + 2 * POINTS_BYTES, TABLES);
      put(29, negate(a), negate(b));
      exports.secpPointsAddAffine(at(i), at(i), at(29));
    };
    for (const p of points) {
      for (const q of points) {
        lay(0, p, q);
        lay(1, q, p);
        exports.secpPointsAdd(at(2), at(0), at(1));
        expect(get(2)).toEqual([shown(add(p, q)), shown(add(p, q))]);
        put(3, q, p);
        exports.secpPointsAddAffine(at(2), at(0), at(3));
        expect(get(2)).toEqual([shown(add(p, q)), shown(add(p, q))]);
        exports.secpPointsDouble(at(2), at(0));
        expect(get(2)).toEqual([shown(add(p, p)), shown(add(q, q))]);
        // And with infinity.
        exports.secpBuildTable(TABLES, at(3));
        exports.secpPointsAdd(at(2), TABLES, at(0));
        expect(get(2)).toEqual([shown(p), shown(q)]);
        exports.secpPointsAdd(at(2), at(0), TABLES);
        expect(get(2)).toEqual([shown(p), shown(q)]);
        exports.secpPointsAddAffine(at(2), TABLES, at(3));
        expect(get(2)).toEqual([shown(q), shown(p)]);
      }
    }
    exports.secpPointsDouble(at(2), TABLES);
    exports.secpPointsAdd(at(2), at(2), TABLES);
    expect(get(2)).toEqual([shown(INFINITY), undefined]);
  });

  test('multiples of any point and of G', () => {
    const base = 0xc0ffee_1234_5678_9abc_def0n;
    fc.assert(
      fc.property(scalar, scalar, (k, l) => {
        put(0, multiply(G, base), multiply(G, 3n));
        exports.secpBuildTable(TABLES, at(0));
        const [a, b] = [putScalar(0, k), putScalar(2, l)];
        exports.secpMultiply(at(1), TABLES, a, b, 1);
        expect(get(1)).toEqual([noblePoint(mod(k * base, N)), noblePoint(mod(l * 3n, N))]);
        exports.secpMultiplyBase(at(1), a, b);
        expect(get(1)).toEqual([noblePoint(k), noblePoint(l)]);
      }),
      { numRuns: 25, examples: edges.map((edge, i) => [edge, edges[(i + 7) % edges.length]!]) },
    );
  });

  test('sums of two multiples, also where they cancel', () => {
    for (const [k, l] of [
      [5n, 7n],
      [N - 5n, 5n],
      [1n, N - 1n],
      [LAMBDA, N - LAMBDA],
      [(N - 1n) / 2n, (N + 1n) / 2n],
    ] as const) {
      put(0, G, G);
      exports.secpBuildTable(TABLES, at(0));
      exports.secpBuildTable(TABLES + exports.SECP_TABLE_BYTES.value, at(0));
      putScalar(0, k);
      putScalar(1, l);
      putScalar(2, l);
      putScalar(3, 3n);
      exports.secpMultiply(at(1), TABLES, SCALARS, SCALARS + 64, 2);
      expect(get(1)).toEqual([shown(multiply(G, k + l)), shown(multiply(G, l + 3n))]);
    }
  });

  test('scalars: products modulo n, and parts of 128 bits', () => {
    const number = fc.oneof(
      scalar,
      fc.constantFrom(0n, N, (1n << 256n) - 1n),
      fc.bigInt({ min: 0n, max: (1n << 256n) - 1n }),
    );
    const read = (place: number, bytes: number): bigint => fromBytes(kernel.copy(place, bytes).reverse());
    fc.assert(
      fc.property(number, number, number, (a, b, c) => {
        putScalar(0, a);
        putScalar(1, b);
        putScalar(2, c);
        exports.secpOrderMulAdd(SCALARS + 96, SCALARS, SCALARS + 32, SCALARS + 64);
        expect(read(SCALARS + 96, 32)).toBe(mod(a * b + c, N));
        const k = mod(a, N);
        putScalar(0, k);
        const signs = exports.secpOrderSplit(SCALARS + 96, SCALARS + 128, SCALARS);
        const [part1, part2] = [read(SCALARS + 96, 24), read(SCALARS + 128, 24)];
        expect(part1 < 1n << 128n && part2 < 1n << 128n).toBe(true);
        const sum = (signs & 1 ? -part1 : part1) + (signs & 2 ? -part2 : part2) * LAMBDA;
        expect(mod(sum, N)).toBe(k);
      }),
      { numRuns: 500, examples: edges.map((edge) => [edge, N - 1n, N - 1n]) },
    );
  });
});
