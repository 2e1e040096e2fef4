import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { exp, log, pow } from '../../src/shared/portable-math.ts';
import { Random, WeightedChoice, zipfWeights } from '../../src/shared/random.ts';

const bits = (value: number): bigint => {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return view.getBigUint64(0);
};

describe('portable mathematics', () => {
  test.prop([fc.double({ min: -700, max: 700, noNaN: true })])('exp agrees with the engine', (x) => {
    expect(Math.abs(exp(x) / Math.exp(x) - 1)).toBeLessThan(1e-15);
  });

  test.prop([fc.double({ min: 1e-300, max: 1e300, noNaN: true })])('log agrees with the engine', (x) => {
    expect(Math.abs(log(x) - Math.log(x))).toBeLessThanOrEqual(4e-16 * Math.max(1, Math.abs(Math.log(x))));
  });

  test('the same bits everywhere', () => {
    expect([exp(1), exp(-3.5), log(2), log(10), pow(2.5, 1.5)].map(bits)).toEqual(KNOWN_BITS);
  });

  test.each([Number.NaN, 0, -1, Number.POSITIVE_INFINITY])('log(%d) is refused', (x) => {
    expect(() => log(x)).toThrow('expected a positive normal number');
  });

  test.each([Number.NaN, 701, -701])('exp(%d) is refused', (x) => {
    expect(() => exp(x)).toThrow('expected a number from -700 to 700');
  });
});

describe('random numbers', () => {
  test('xoshiro128** from state 1, 2, 3, 4 gives the sequence of the reference implementation', () => {
    const random = Random.fromState(1, 2, 3, 4);
    expect(Array.from({ length: 10 }, () => random.uint32())).toEqual([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
    ]);
    expect(() => Random.fromState(0, 0, 0, 0)).toThrow('four zeroes');
  });

  test.prop([fc.bigInt({ min: 0n, max: (1n << 64n) - 1n })])('a seed repeats', (seed) => {
    const draw = (random: Random) => [random.uint32(), random.float(), random.normal(), random.bits(96)];
    expect(draw(new Random(seed))).toEqual(draw(new Random(seed)));
    expect(draw(new Random(seed))).not.toEqual(draw(new Random(seed ^ 1n)));
  });

  test('bounded draws are even', () => {
    const random = new Random(1n);
    const counts = new Array<number>(7).fill(0);
    for (let i = 0; i < 70_000; i++) counts[random.below(7)]!++;
    // Chi-square with 6 degrees of freedom: 22.5 has probability 0.001.
    expect(counts.reduce((sum, n) => sum + (n - 10_000) ** 2 / 10_000, 0)).toBeLessThan(22.5);
    expect(() => random.below(0)).toThrow('expected an integer from 1 to 2^32');
    expect(() => new Random(-1n)).toThrow('seed');
  });

  test('normal draws have mean 0, deviation 1, and the tails of a normal', () => {
    const random = new Random(2n);
    const draws = Float64Array.from({ length: 100_000 }, () => random.normal());
    const mean = draws.reduce((a, b) => a + b) / draws.length;
    const variance = draws.reduce((sum, x) => sum + (x - mean) ** 2, 0) / draws.length;
    expect(Math.abs(mean)).toBeLessThan(0.01);
    expect(Math.abs(variance - 1)).toBeLessThan(0.02);
    expect(draws.filter((x) => Math.abs(x) > 1.96).length / draws.length).toBeCloseTo(0.05, 2);
  });

  test('weighted draws follow their weights', () => {
    const weights = [5, 0, 1, 3, 1];
    const choice = new WeightedChoice(weights);
    const random = new Random(3n);
    const counts = weights.map(() => 0);
    for (let i = 0; i < 100_000; i++) counts[choice.draw(random)]!++;
    expect(counts[1]).toBe(0);
    for (const [i, weight] of weights.entries()) expect(counts[i]! / 100_000).toBeCloseTo(weight / 10, 2);
    expect(() => new WeightedChoice([0, 0])).toThrow('positive finite sum');
  });

  test("Zipf's weights fall with the rank's power", () => {
    const weights = zipfWeights(100, 1.2);
    expect(weights[0]).toBe(1);
    expect(weights[9]! / weights[99]!).toBeCloseTo(10 ** 1.2, 10);
  });
});

const KNOWN_BITS = [
  4613303445314885482n,
  4584361024591036262n,
  4604418534313441775n,
  4612367379483415830n,
  4616083439107502632n,
];
