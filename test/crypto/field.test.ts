// The field against plain bigints: values from the edges, limbs at their bounds, both lanes.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromLittleEndian, mod, P, toLittleEndian } from '../../src/reference/field.ts';
import { eachBuild, kernelOf } from './builds.ts';

/** Any 256-bit number, biased to where carries and reductions happen. */
const number256 = fc.oneof(
  fc.bigInt({ min: 0n, max: (1n << 256n) - 1n }),
  fc.bigInt({ min: 0n, max: 40n }),
  fc.bigInt({ min: -40n, max: 40n }).map((d) => P + d),
  fc.bigInt({ min: -40n, max: 40n }).map((d) => (1n << 255n) + d),
  fc.bigInt({ min: 1n, max: 40n }).map((d) => (1n << 256n) - d),
  fc
    .array(fc.constantFrom(0n, 1n, (1n << 50n) - 1n, 1n << 50n, (1n << 50n) + 1n, (1n << 51n) - 1n), {
      minLength: 5,
      maxLength: 5,
    })
    .map((limbs) => limbs.reduce((sum, limb, i) => sum + (limb << BigInt(51 * i)), 0n)),
);

const element = (value: bigint): bigint => mod(value & ((1n << 255n) - 1n));

eachBuild('field', (kernel) => {
  const { exports } = kernel;
  const at = (pair: number): number => kernel.io + 128 * pair;
  const BYTES = at(20);

  const put = (pair: number, a: bigint, b: bigint): void => {
    kernel.bytes.set(toLittleEndian(a & ((1n << 256n) - 1n)), BYTES);
    kernel.bytes.set(toLittleEndian(b & ((1n << 256n) - 1n)), BYTES + 32);
    exports.fieldFromBytes(at(pair), BYTES, BYTES + 32);
  };
  const get = (pair: number): [bigint, bigint] => {
    exports.fieldToBytes(BYTES, BYTES + 32, at(pair));
    return [fromLittleEndian(kernel.copy(BYTES, 32)), fromLittleEndian(kernel.copy(BYTES + 32, 32))];
  };
  const each = (a: [bigint, bigint], b: [bigint, bigint], f: (x: bigint, y: bigint) => bigint) => [
    mod(f(a[0], b[0])),
    mod(f(a[1], b[1])),
  ];
  const pairs = fc.tuple(number256, number256);

  test('bytes in are taken modulo p, bytes out are the one canonical form', () => {
    fc.assert(
      fc.property(pairs, ([a, b]) => {
        put(0, a, b);
        expect(get(0)).toEqual([element(a), element(b)]);
      }),
      { numRuns: 2000 },
    );
  });

  test('every operation, of sums of as many elements as it may take', () => {
    fc.assert(
      fc.property(pairs, pairs, fc.integer({ min: 0, max: (1 << 17) - 1 }), (x, y, factor) => {
        const a = x.map(element) as [bigint, bigint];
        const b = y.map(element) as [bigint, bigint];
        put(0, ...x);
        put(1, ...y);
        exports.fieldAdd(at(2), at(0), at(1));
        exports.fieldSub(at(3), at(0), at(1));
        exports.fieldSub(at(4), at(3), at(1)); // a - 2b: a sum of three
        expect(get(2)).toEqual(each(a, b, (p, q) => p + q));
        expect(get(3)).toEqual(each(a, b, (p, q) => p - q));
        exports.fieldReduce(at(5), at(4));
        expect(get(5)).toEqual(each(a, b, (p, q) => p - 2n * q));

        exports.fieldMul(at(6), at(0), at(1));
        expect(get(6)).toEqual(each(a, b, (p, q) => p * q));
        exports.fieldMul(at(6), at(0), at(4));
        expect(get(6)).toEqual(each(a, b, (p, q) => p * (p - 2n * q)));
        exports.fieldMul(at(6), at(4), at(1));
        expect(get(6)).toEqual(each(a, b, (p, q) => (p - 2n * q) * q));
        exports.fieldSqr(at(6), at(5));
        expect(get(6)).toEqual(each(a, b, (p, q) => (p - 2n * q) ** 2n));
        exports.fieldMulSmall(at(6), at(2), factor);
        expect(get(6)).toEqual(each(a, b, (p, q) => (p + q) * BigInt(factor)));

        // The result of a product is an operand again, and out may be an operand.
        exports.fieldMul(at(0), at(0), at(0));
        exports.fieldMul(at(0), at(0), at(1));
        exports.fieldSqr(at(0), at(0));
        expect(get(0)).toEqual(each(a, b, (p, q) => (p * p * q) ** 2n));
      }),
      { numRuns: 3000 },
    );
  });

  test('several operations in one, of sums of as many elements as they may take', () => {
    fc.assert(
      fc.property(pairs, pairs, pairs, fc.integer({ min: 0, max: (1 << 17) - 1 }), (x, y, z, factor) => {
        const [a, b, c] = [x, y, z].map((pair) => pair.map(element) as [bigint, bigint]) as [
          [bigint, bigint],
          [bigint, bigint],
          [bigint, bigint],
        ];
        put(0, ...x);
        put(1, ...y);
        put(2, ...z);
        exports.fieldSub(at(3), at(0), at(1));
        exports.fieldSub(at(3), at(3), at(1)); // a - 2b: a sum of three
        const squares = each(a, c, (p, r) => p * p * r) as [bigint, bigint];
        const products = each(a, b, (p, q) => (p - 2n * q) * q) as [bigint, bigint];
        exports.fieldSqr(at(4), at(0));
        // a²·c ± (a - 2b)·b, with the sum of three on either side
        exports.fieldMulAddSub(at(5), at(6), at(4), at(2), at(3), at(1));
        expect(get(5)).toEqual(each(squares, products, (p, q) => p + q));
        expect(get(6)).toEqual(each(squares, products, (p, q) => p - q));
        exports.fieldMulAddSub(at(5), at(6), at(1), at(3), at(2), at(4));
        expect(get(5)).toEqual(each(squares, products, (p, q) => p + q));
        expect(get(6)).toEqual(each(squares, products, (p, q) => q - p));
        exports.fieldSqrAddSub(at(5), at(6), at(0), at(3), at(1));
        expect(get(5)).toEqual(each(a, products, (p, q) => p * p + q));
        expect(get(6)).toEqual(each(a, products, (p, q) => p * p - q));
        exports.fieldSubMulAdd(at(5), at(6), at(0), at(1), factor);
        expect(get(5)).toEqual(each(a, b, (p, q) => p - q));
        expect(get(6)).toEqual(each(a, b, (p, q) => p + BigInt(factor) * (p - q)));

        const [s0, s1] = products;
        exports.fieldMulLanesAddSub(at(5), at(3), at(1)); // (a - 2b)·b
        expect(get(5)).toEqual([mod(s0 + s1), mod(s0 - s1)]);
        exports.fieldMulLanesAddSub(at(5), at(5), at(5));
        expect(get(5)).toEqual([
          mod((s0 + s1) ** 2n + (s0 - s1) ** 2n),
          mod((s0 + s1) ** 2n - (s0 - s1) ** 2n),
        ]);
        const mixed = mod(a[0] + BigInt(factor) * (a[0] - a[1]));
        exports.fieldLanesSubMulAdd(at(5), at(6), at(0), factor);
        expect(get(5)).toEqual([a[0], mod(a[0] - a[1])]);
        expect(get(6)).toEqual([a[1], mixed]);
        exports.fieldMul(at(6), at(5), at(6));
        expect(get(6)).toEqual([mod(a[0] * a[1]), mod((a[0] - a[1]) * mixed)]);

        // The results are operands again, and outputs may be operands.
        exports.fieldSubMulAdd(at(5), at(6), at(0), at(1), factor);
        exports.fieldMul(at(6), at(5), at(6)); // (a - b)·(a + factor·(a - b))
        expect(get(6)).toEqual(each(a, b, (p, q) => (p - q) * (p + BigInt(factor) * (p - q))));
        exports.fieldMulAddSub(at(0), at(1), at(1), at(0), at(2), at(1)); // b·a ± c·b
        expect(get(0)).toEqual(each(each(a, c, (p, r) => p + r) as [bigint, bigint], b, (s, q) => s * q));
        exports.fieldSqrAddSub(at(1), at(0), at(0), at(1), at(0));
        const sums = each(each(a, c, (p, r) => p + r) as [bigint, bigint], b, (s, q) => s * q);
        const differences = each(each(a, c, (p, r) => p - r) as [bigint, bigint], b, (d, q) => d * q);
        const [s, d] = [sums as [bigint, bigint], differences as [bigint, bigint]];
        expect(get(1)).toEqual(each(s, d, (p, q) => p * p + p * q));
        expect(get(0)).toEqual(each(s, d, (p, q) => p * p - p * q));
      }),
      { numRuns: 1000 },
    );
  });

  test('inverse and the power for square roots', () => {
    fc.assert(
      fc.property(pairs, ([a, b]) => {
        put(0, a, b);
        exports.fieldInvert(at(1), at(0));
        exports.fieldMul(at(1), at(1), at(0));
        expect(get(1)).toEqual([element(a) === 0n ? 0n : 1n, element(b) === 0n ? 0n : 1n]);
        exports.fieldPower252(at(1), at(0));
        exports.fieldSqr(at(2), at(1));
        exports.fieldSqr(at(2), at(2));
        exports.fieldSqr(at(2), at(2)); // a^(p - 5)
        exports.fieldMul(at(2), at(2), at(0));
        exports.fieldMul(at(2), at(2), at(0));
        exports.fieldMul(at(2), at(2), at(0));
        exports.fieldMul(at(2), at(2), at(0)); // a^(p - 1)
        expect(get(2)).toEqual([element(a) === 0n ? 0n : 1n, element(b) === 0n ? 0n : 1n]);
      }),
      { numRuns: 100 },
    );
  });

  test('lanes: exchanged, exchanged on condition, gathered and scattered', () => {
    const [a, b, c, d] = [3n, P - 5n, 1n << 200n, 12_345_678_901n];
    put(0, a, b);
    exports.fieldSwapLanes(at(1), at(0));
    expect(get(1)).toEqual([b, a]);
    exports.fieldSwapLanes(at(1), at(1));
    expect(get(1)).toEqual([a, b]);
    const all = (1n << 64n) - 1n;
    for (const [maskA, maskB] of [
      [0n, 0n],
      [all, 0n],
      [0n, all],
      [all, all],
    ] as const) {
      put(0, a, b);
      put(1, c, d);
      for (const out of [2, 1, 0]) {
        exports.fieldSqrEither(at(out), at(0), at(1), maskA, maskB);
        expect(get(out)).toEqual([mod((maskA ? c : a) ** 2n), mod((maskB ? d : b) ** 2n)]);
        put(0, a, b);
        put(1, c, d);
      }
      exports.fieldSwapIf(at(0), at(1), maskA, maskB);
      expect(get(0)).toEqual([maskA ? c : a, maskB ? d : b]);
      expect(get(1)).toEqual([maskA ? a : c, maskB ? b : d]);
    }
    put(0, a, b);
    exports.fieldScatter(at(2), at(2) + 40, at(0));
    exports.fieldGather(at(3), at(2) + 40, at(2));
    expect(get(3)).toEqual([b, a]);
  });
});

test('relaxed SIMD: limbs at their very bounds', () => {
  const kernel = kernelOf('simd');
  const { exports, io } = kernel;
  const limbs = new Float64Array(kernel.memory.buffer, io, 40);
  const REDUCED = 2 ** 50 + 2 ** 17;
  const SUM_OF_3 = Math.floor(2 ** 102 / REDUCED);
  const largest = (from: number, to: number): number => Math.max(...limbs.subarray(from, to).map(Math.abs));
  const value = (offset: number): bigint =>
    mod([0, 1, 2, 3, 4].reduce((sum, i) => sum + (BigInt(limbs[offset + 2 * i]!) << BigInt(51 * i)), 0n));
  const bounded = (max: number) =>
    fc.array(
      fc.oneof(
        fc.constantFrom(max, -max, max - 1, 1 - max, 0, 1, -1, 2 ** 50, -(2 ** 50)),
        fc.integer({ min: -(2 ** 31), max: 2 ** 31 }).map((x) => Math.trunc((x / 2 ** 31) * max)),
      ),
      { minLength: 10, maxLength: 10 },
    );
  fc.assert(
    fc.property(bounded(REDUCED), bounded(SUM_OF_3), (a, b) => {
      limbs.set(a, 0);
      limbs.set(b, 10);
      exports.fieldMul(io + 160, io, io + 80);
      for (const lane of [0, 1]) {
        expect(value(20 + lane)).toBe(mod(value(lane) * value(10 + lane)));
      }
      expect(largest(20, 30)).toBeLessThanOrEqual(2 ** 50 + 2 ** 13);
      exports.fieldSqr(io + 160, io);
      for (const lane of [0, 1]) expect(value(20 + lane)).toBe(mod(value(lane) ** 2n));
      exports.fieldReduce(io + 160, io + 80);
      for (const lane of [0, 1]) expect(value(20 + lane)).toBe(value(10 + lane));
      expect(largest(20, 30)).toBeLessThanOrEqual(2 ** 50 + 2 ** 7);
      exports.fieldMulLanesAddSub(io + 160, io, io + 80);
      expect(value(20)).toBe(mod(value(0) * value(10) + value(1) * value(11)));
      expect(value(21)).toBe(mod(value(0) * value(10) - value(1) * value(11)));
      expect(largest(20, 30)).toBeLessThanOrEqual(2 ** 50 + 2 ** 13);
      exports.fieldMulAddSub(io + 160, io + 240, io, io + 80, io + 80, io);
      for (const lane of [0, 1]) {
        expect(value(20 + lane)).toBe(mod(2n * value(lane) * value(10 + lane)));
        expect(value(30 + lane)).toBe(0n);
      }
      expect(largest(20, 40)).toBeLessThanOrEqual(2 ** 50 + 2 ** 13);
      exports.fieldSqrAddSub(io + 160, io + 240, io, io + 80, io);
      for (const lane of [0, 1]) {
        expect(value(20 + lane)).toBe(mod(value(lane) ** 2n + value(lane) * value(10 + lane)));
        expect(value(30 + lane)).toBe(mod(value(lane) ** 2n - value(lane) * value(10 + lane)));
      }
      expect(largest(20, 40)).toBeLessThanOrEqual(2 ** 50 + 2 ** 13);
    }),
    { numRuns: 5000 },
  );
});

test('relaxed SIMD: the exponents taken off a column are those that went in', () => {
  const ROUND = 0x4668000000000000n;
  const LOW = 0x4338000000000000n;
  const folds = (standsFor: (i: number, j: number) => boolean): bigint[] => {
    const [low, high] = [new Array<bigint>(10).fill(0n), new Array<bigint>(10).fill(0n)];
    for (let i = 0; i < 5; i++) {
      for (let j = 0; j < 5; j++) {
        if (!standsFor(i, j)) continue;
        low[i + j]! += 1n;
        high[i + j + 1]! += 1n;
      }
    }
    const exponents = (k: number): bigint => low[k]! * LOW + high[k]! * ROUND;
    return [0, 1, 2, 3, 4].map((k) =>
      BigInt.asUintN(64, (1n << 62n) + (1n << 50n) - exponents(k) - 19n * exponents(k + 5)),
    );
  };
  expect(folds(() => true)).toEqual([
    0xe794000000000000n,
    0x94d4000000000000n,
    0x4214000000000000n,
    0xef54000000000000n,
    0x9c94000000000000n,
  ]);
  expect(folds((i, j) => i <= j)).toEqual([
    0x5554000000000000n,
    0x48a4000000000000n,
    0x0294000000000000n,
    0xf5e4000000000000n,
    0xafd4000000000000n,
  ]);
});
