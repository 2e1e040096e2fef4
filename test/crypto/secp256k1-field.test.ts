// The field of secp256k1 against plain bigints: values from the edges, limbs at their bounds, both lanes.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mod as modulo } from '../../src/reference/field.ts';
import { fromBytes, P, toBytes } from '../../src/reference/secp256k1.ts';
import { eachBuild, kernelOf } from './builds.ts';

const mod = (a: bigint): bigint => modulo(a, P);
const WIDTHS = [0n, 52n, 103n, 154n, 205n];

/** Any 256-bit number, biased to where carries and reductions happen. */
const number256 = fc.oneof(
  fc.bigInt({ min: 0n, max: (1n << 256n) - 1n }),
  fc.bigInt({ min: 0n, max: 40n }),
  fc.bigInt({ min: -40n, max: 40n }).map((d) => P + d),
  fc.bigInt({ min: 1n, max: 40n }).map((d) => (1n << 256n) - d),
  fc.bigInt({ min: -3n, max: 3n }).map((d) => (1n << 255n) + d),
  fc
    .array(fc.constantFrom(0n, 1n, (1n << 50n) - 1n, 1n << 50n, (1n << 50n) + 1n, (1n << 51n) - 1n), {
      minLength: 5,
      maxLength: 5,
    })
    .map((limbs) => limbs.reduce((sum, limb, i) => sum + (limb << WIDTHS[i]!), 0n)),
);

eachBuild('field of secp256k1', (kernel) => {
  const { exports } = kernel;
  const at = (pair: number): number => kernel.io + 128 * pair;
  const BYTES = at(20);

  const put = (pair: number, [a, b]: readonly bigint[]): void => {
    kernel.bytes.set(toBytes(a!), BYTES);
    kernel.bytes.set(toBytes(b!), BYTES + 32);
    exports.secpFromBytes(at(pair), BYTES, BYTES + 32);
  };
  const get = (pair: number): bigint[] => {
    exports.secpToBytes(BYTES, BYTES + 32, at(pair));
    return [fromBytes(kernel.copy(BYTES, 32)), fromBytes(kernel.copy(BYTES + 32, 32))];
  };
  const pairs = fc.tuple(number256, number256);
  const lanes = (f: (lane: number) => bigint): bigint[] => [mod(f(0)), mod(f(1))];

  test('every operation, of results of every other', () => {
    fc.assert(
      fc.property(pairs, pairs, pairs, fc.integer({ min: -2047, max: 2047 }), (a, b, c, factor) => {
        put(0, a);
        put(1, b);
        put(2, c);
        expect(get(0)).toEqual(lanes((i) => a[i]!));
        exports.secpAdd(at(3), at(0), at(1));
        expect(get(3)).toEqual(lanes((i) => a[i]! + b[i]!));
        exports.secpSub(at(4), at(0), at(1));
        expect(get(4)).toEqual(lanes((i) => a[i]! - b[i]!));
        exports.secpMulSmall(at(5), at(4), factor);
        const d = [0, 1].map((i) => (a[i]! - b[i]!) * BigInt(factor));
        expect(get(5)).toEqual(lanes((i) => d[i]!));
        exports.secpAddTimes(at(6), at(3), at(2), factor >> 1);
        expect(get(6)).toEqual(lanes((i) => (a[i]! + b[i]! + c[i]!) * BigInt(factor >> 1)));
        exports.secpMul(at(7), at(5), at(3));
        expect(get(7)).toEqual(lanes((i) => d[i]! * (a[i]! + b[i]!)));
        exports.secpSqr(at(8), at(5));
        expect(get(8)).toEqual(lanes((i) => d[i]! ** 2n));
        exports.secpMulAdd(at(9), at(5), at(0), at(5), at(1));
        expect(get(9)).toEqual(lanes((i) => d[i]! * (a[i]! + b[i]!)));
        exports.secpMulSub(at(9), at(5), at(7), at(1), at(2));
        expect(get(9)).toEqual(lanes((i) => d[i]! ** 2n * (a[i]! + b[i]!) - b[i]! * c[i]!));
        exports.secpSqrAdd(at(9), at(5), at(0), at(1));
        expect(get(9)).toEqual(lanes((i) => d[i]! ** 2n + a[i]! * b[i]!));
        // A result may be an operand.
        exports.secpMulSub(at(0), at(0), at(1), at(0), at(2));
        exports.secpSqr(at(0), at(0));
        exports.secpMul(at(0), at(0), at(1));
        expect(get(0)).toEqual(lanes((i) => (a[i]! * (b[i]! - c[i]!)) ** 2n * b[i]!));
      }),
      { numRuns: 300 },
    );
  });

  test('inverse and square root', () => {
    fc.assert(
      fc.property(pairs, (a) => {
        put(0, a);
        exports.secpInvert(at(1), at(0));
        exports.secpMul(at(1), at(1), at(0));
        expect(get(1)).toEqual(a.map((x) => (mod(x) === 0n ? 0n : 1n)));
        exports.secpSqr(at(1), at(0));
        exports.secpSquareRoot(at(1), at(1));
        const roots = get(1);
        roots.forEach((root, i) => {
          expect([mod(a[i]!), mod(-a[i]!)]).toContain(root);
        });
      }),
      { numRuns: 60 },
    );
  });
});

/** What docs/cryptography.md says of a limb: limb 0 has 52 bits, the others 51. */
const BOUNDS = [
  2 ** 51 + 2 ** 43,
  2 ** 50 + 2 ** 12,
  2 ** 50 + 2 ** 12,
  2 ** 50 + 2 ** 12,
  2 ** 50 + 2 ** 12,
];

test('relaxed SIMD: limbs at their very bounds', () => {
  const kernel = kernelOf('simd');
  const { exports, io } = kernel;
  const limbs = new Float64Array(kernel.memory.buffer, io, 60);
  const value = (offset: number): bigint =>
    mod([0, 1, 2, 3, 4].reduce((sum, i) => sum + (BigInt(limbs[offset + 2 * i]!) << WIDTHS[i]!), 0n));
  const isReduced = (offset: number): boolean =>
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].every((i) => Math.abs(limbs[offset + i]!) <= BOUNDS[i >> 1]!);
  const bounded = fc.tuple(
    ...[0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((i) => {
      const max = BOUNDS[i >> 1]!;
      return fc.oneof(
        fc.constantFrom(max, -max, max - 1, 1 - max, 0, 1, -1, 2 ** 50, -(2 ** 50)),
        fc.integer({ min: -(2 ** 31), max: 2 ** 31 }).map((x) => Math.trunc((x / 2 ** 31) * max)),
      );
    }),
  );
  const [a, b, c, d, out] = [io, io + 80, io + 160, io + 240, io + 320] as const;
  const lane = (f: (offset: number) => bigint): void => {
    for (const i of [0, 1]) expect(value(40 + i)).toBe(mod(f(i)));
    expect(isReduced(40)).toBe(true);
  };
  fc.assert(
    fc.property(bounded, bounded, bounded, bounded, (w, x, y, z) => {
      [w, x, y, z].forEach((each, i) => {
        limbs.set(each, 10 * i);
      });
      exports.secpMul(out, a, b);
      lane((i) => value(i) * value(10 + i));
      exports.secpSqr(out, a);
      lane((i) => value(i) ** 2n);
      exports.secpMulAdd(out, a, b, c, d);
      lane((i) => value(i) * value(10 + i) + value(20 + i) * value(30 + i));
      exports.secpMulSub(out, a, b, c, d);
      lane((i) => value(i) * value(10 + i) - value(20 + i) * value(30 + i));
      exports.secpSqrAdd(out, a, c, d);
      lane((i) => value(i) ** 2n + value(20 + i) * value(30 + i));
      exports.secpMulSmall(out, a, -2047);
      lane((i) => -2047n * value(i));
      exports.secpAddTimes(out, a, b, 1023);
      lane((i) => 1023n * (value(i) + value(10 + i)));
      exports.secpAdd(out, a, b);
      lane((i) => value(i) + value(10 + i));
      for (const [eight, slope, other] of [
        [out, out + 80, out + 160],
        [out + 160, out, out + 80],
        [out + 80, out + 160, out],
      ] as const) {
        exports.secpDoublingTerms(eight, slope, other, a, b);
        if (eight === out) lane((i) => 8n * value(i));
        if (slope === out) lane((i) => 2n * value(i) - 126n * value(10 + i));
        if (other === out) lane((i) => 63n * (2n * value(i) - 21n * value(10 + i)));
      }
      exports.secpSub(out, a, b);
      lane((i) => value(i) - value(10 + i));
    }),
    { numRuns: 400 },
  );
});

test('scalar: limbs at their very bounds', () => {
  const kernel = kernelOf('scalar');
  const { exports, io } = kernel;
  const limbs = new Int32Array(kernel.memory.buffer, io, 100);
  const MAX = 2 ** 25 + 2 ** 14;
  /** Of limb 9, which has 22 bits. */
  const MAX_TOP = 2 ** 21;
  const maxOf = (i: number): number => (i % 10 === 9 ? MAX_TOP : MAX);
  const value = (offset: number): bigint =>
    mod(
      Array.from({ length: 10 }, (_, i) => BigInt(limbs[offset + i]!) << BigInt(26 * i)).reduce(
        (s, x) => s + x,
      ),
    );
  const bounded = fc.tuple(
    ...Array.from({ length: 20 }, (_, i) =>
      fc.oneof(fc.constantFrom(maxOf(i), -maxOf(i)), fc.integer({ min: -maxOf(i), max: maxOf(i) })),
    ),
  );
  const [a, b, c, d, out] = [io, io + 80, io + 160, io + 240, io + 320] as const;
  const lane = (f: (offset: number) => bigint): void => {
    for (const i of [0, 10]) expect(value(80 + i)).toBe(mod(f(i)));
    expect(limbs.subarray(80, 100).every((limb, i) => Math.abs(limb) <= maxOf(i))).toBe(true);
  };
  fc.assert(
    fc.property(bounded, bounded, bounded, bounded, (w, x, y, z) => {
      [w, x, y, z].forEach((each, i) => {
        limbs.set(each, 20 * i);
      });
      exports.secpMul(out, a, b);
      lane((i) => value(i) * value(20 + i));
      exports.secpMulSub(out, a, b, c, d);
      lane((i) => value(i) * value(20 + i) - value(40 + i) * value(60 + i));
      exports.secpSqrAdd(out, a, c, d);
      lane((i) => value(i) ** 2n + value(40 + i) * value(60 + i));
      exports.secpMulSmall(out, a, -2047);
      lane((i) => -2047n * value(i));
      exports.secpSub(out, a, b);
      lane((i) => value(i) - value(20 + i));
    }),
    { numRuns: 400 },
  );
});

test('relaxed SIMD: the constants of a column are the exponents that went in, halves and signs', () => {
  const LOW = 0x4338000000000000n;
  const high = (column: number): bigint => (column % 5 === 0 ? 0x4678000000000000n : 0x4668000000000000n);
  const bits = (column: number): bigint => (column % 5 === 0 ? 52n : 51n);
  const QUOTIENT = 1n << 34n;
  const POSITIVE = 1n << 62n;
  const constants = (products: bigint): bigint[] => {
    const counts = [1n, 2n, 3n, 4n, 5n, 4n, 3n, 2n, 1n, 0n].map((count) => count * products);
    const exponents = counts.map((count, k) => count * LOW + (k === 0 ? 0n : counts[k - 1]! * high(k - 1)));
    return exponents.map((sum, k) => {
      // Upper limbs times c come down: a low part to every lower column, a high part to every next one.
      const down = k < 5 ? LOW + (k === 0 ? 0n : high(k + 4)) : 0n;
      const round = 1n << (bits(k) - 1n);
      const below = k === 9 ? POSITIVE >> 51n : 0n;
      const quotient = k === 0 ? 977n * QUOTIENT : k === 1 ? QUOTIENT >> 20n : 0n;
      const own = k === 9 ? LOW : round + POSITIVE;
      return BigInt.asUintN(64, own - sum - down - below - quotient);
    });
  };
  const kernel = kernelOf('simd');
  const statics = new BigUint64Array(kernel.memory.buffer, 0, kernel.exports.staticEnd() >> 3);
  for (const products of [1n, 2n]) {
    const expected = constants(products).flatMap((constant) => [constant, constant]);
    const found = statics.some((_, from) => expected.every((constant, i) => statics[from + i] === constant));
    expect(found, `constants of ${products} products in the kernel`).toBe(true);
  }
});
