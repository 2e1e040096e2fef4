// Seeded random numbers for generators and tests: xoshiro128** (Blackman and Vigna, 2018), state filled from the seed
// by SplitMix64. Repeatable everywhere; not for secrets.
import { checkU64 } from './bytes.ts';
import { exp, log } from './portable-math.ts';

const MASK_64 = 0xffff_ffff_ffff_ffffn;

export class Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;
  #spare: number | undefined;

  /** @param seed 0 to 2^64 - 1. */
  constructor(seed: bigint) {
    let state = checkU64(seed, 'seed');
    const next = (): bigint => {
      state = (state + 0x9e37_79b9_7f4a_7c15n) & MASK_64;
      let z = state;
      z = ((z ^ (z >> 30n)) * 0xbf58_476d_1ce4_e5b9n) & MASK_64;
      z = ((z ^ (z >> 27n)) * 0x94d0_49bb_1331_11ebn) & MASK_64;
      return z ^ (z >> 31n);
    };
    const first = next();
    const second = next();
    this.#a = Number(first & 0xffff_ffffn) | 0;
    this.#b = Number(first >> 32n) | 0;
    this.#c = Number(second & 0xffff_ffffn) | 0;
    this.#d = Number(second >> 32n) | 0;
  }

  /** A generator in the given state, four 32-bit words that are not all zero. */
  static fromState(a: number, b: number, c: number, d: number): Random {
    if ((a | b | c | d) === 0)
      throw new RangeError('random state: expected a word other than 0, got four zeroes');
    const random = new Random(0n);
    random.#a = a | 0;
    random.#b = b | 0;
    random.#c = c | 0;
    random.#d = d | 0;
    return random;
  }

  /** 0 to 2^32 - 1. */
  uint32(): number {
    const x = Math.imul(this.#b, 5);
    const result = Math.imul((x << 7) | (x >>> 25), 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result;
  }

  /** 0 (inclusive) to 1 (exclusive), 53 bits. */
  float(): number {
    return ((this.uint32() >>> 5) * 2 ** 26 + (this.uint32() >>> 6)) / 2 ** 53;
  }

  /** 0 to bound - 1, each equally likely. @param bound 1 to 2^32. */
  below(bound: number): number {
    if (!Number.isInteger(bound) || bound < 1 || bound > 2 ** 32) {
      throw new RangeError(`random bound: expected an integer from 1 to 2^32, got ${bound}`);
    }
    const unbiased = 2 ** 32 - (2 ** 32 % bound);
    let value = this.uint32();
    while (value >= unbiased) value = this.uint32();
    return value % bound;
  }

  chance(probability: number): boolean {
    return this.float() < probability;
  }

  /** `bits` random bits, a multiple of 32. */
  bits(bits: number): bigint {
    let value = 0n;
    for (let i = 0; i < bits; i += 32) value = (value << 32n) | BigInt(this.uint32());
    return value;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  /** Standard normal (Marsaglia's polar method). */
  normal(): number {
    if (this.#spare !== undefined) {
      const spare = this.#spare;
      this.#spare = undefined;
      return spare;
    }
    for (;;) {
      const u = 2 * this.float() - 1;
      const v = 2 * this.float() - 1;
      const square = u * u + v * v;
      if (square >= 1 || square === 0) continue;
      const scale = Math.sqrt((-2 * log(square)) / square);
      this.#spare = v * scale;
      return u * scale;
    }
  }

  /** Log-normal with the given median; `sigma` is the standard deviation of its logarithm. */
  logNormal(median: number, sigma: number): number {
    return median * exp(sigma * this.normal());
  }
}

/**
 * Draws 0 to n - 1 in proportion to given weights, in constant time (Walker's alias method, Vose's construction).
 *
 *     column  0        1        2              a draw takes a column, then its own
 *            ┌────┐   ┌────┐   ┌────┐          number below `share`, else its alias
 *     alias  │ 2  │   │ 2  │   │    │
 *            ├────┤   │    │   │ 2  │
 *     own    │ 0  │   ├─1──┤   │    │
 *            └────┘   └────┘   └────┘
 */
export class WeightedChoice {
  readonly #share: Float64Array;
  readonly #alias: Uint32Array;

  constructor(weights: ArrayLike<number>) {
    const count = weights.length;
    let total = 0;
    for (let i = 0; i < count; i++) total += weights[i]!;
    if (!(total > 0) || total === Number.POSITIVE_INFINITY) {
      throw new RangeError(`weights: expected a positive finite sum, got ${total}`);
    }
    this.#share = new Float64Array(count);
    this.#alias = new Uint32Array(count);
    const small: number[] = [];
    const large: number[] = [];
    for (let i = 0; i < count; i++) {
      this.#share[i] = (weights[i]! * count) / total;
      this.#alias[i] = i;
      (this.#share[i]! < 1 ? small : large).push(i);
    }
    while (small.length > 0 && large.length > 0) {
      const low = small.pop()!;
      const high = large.pop()!;
      this.#alias[low] = high;
      this.#share[high] = this.#share[high]! + this.#share[low]! - 1;
      (this.#share[high]! < 1 ? small : large).push(high);
    }
    for (const rest of [...small, ...large]) this.#share[rest] = 1;
  }

  draw(random: Random): number {
    const column = random.below(this.#share.length);
    return random.float() < this.#share[column]! ? column : this.#alias[column]!;
  }
}

/** Weights of Zipf's law: rank r (from 1) weighs r^-skew. */
export function zipfWeights(count: number, skew: number): Float64Array {
  return Float64Array.from({ length: count }, (_, rank) => exp(-skew * log(rank + 1)));
}
