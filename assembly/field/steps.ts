// Several additions and reductions in one go, with what stands between the products of point formulas. They save no
// arithmetic, only loads and stores: a tenth of a point addition. See pair.ts for the pairs and their bounds, fma.ts and
// limbs.ts for how they look. Without SIMD they are made of the single operations.
import { joinAA, joinAB, joinBA, joinBB } from "./lanes";
import { PAIR_BYTES, add, copy, reduce, sub, swapLanes } from "./pair";

/** 1.5·2^103: what adds it is rounded to a multiple of 2^51. */
const ROUND: f64 = 15211807202738752817960438464512.0;
/** 2^-51 and 19·2^-51. */
const INVERSE: f64 = 1.0 / 2251799813685248.0;
const INVERSE_19: f64 = 19.0 / 2251799813685248.0;

/** The part of a limb that goes to the next one, negative: as in fma.ts. */
// @ts-ignore: decorator
@inline
function negatedCarry(a: v128, round: v128): v128 {
  return f64x2.sub(round, f64x2.add(a, round));
}

/** Stores five limbs, reduced. */
// @ts-ignore: decorator
@inline
function storeReduced(out: usize, a0: v128, a1: v128, a2: v128, a3: v128, a4: v128): void {
  const round = f64x2.splat(ROUND);
  const inverse = f64x2.splat(-INVERSE);
  const q0 = negatedCarry(a0, round);
  const q1 = negatedCarry(a1, round);
  const q2 = negatedCarry(a2, round);
  const q3 = negatedCarry(a3, round);
  const q4 = negatedCarry(a4, round);
  v128.store(out, v128.relaxed_madd<f64>(q4, f64x2.splat(-INVERSE_19), f64x2.add(a0, q0)), 0);
  v128.store(out, v128.relaxed_madd<f64>(q0, inverse, f64x2.add(a1, q1)), 16);
  v128.store(out, v128.relaxed_madd<f64>(q1, inverse, f64x2.add(a2, q2)), 32);
  v128.store(out, v128.relaxed_madd<f64>(q2, inverse, f64x2.add(a3, q3)), 48);
  v128.store(out, v128.relaxed_madd<f64>(q3, inverse, f64x2.add(a4, q4)), 64);
}

/** For limbs of i32. */
function addSubLimbs(plus: usize, minus: usize, a: usize, b: usize): void {
  for (let i: usize = 0; i < PAIR_BYTES; i += 4) {
    const x = load<i32>(a + i);
    const y = load<i32>(b + i);
    store<i32>(plus + i, x + y);
    store<i32>(minus + i, x - y);
  }
}

/** plus = a + b, minus = a - b, not carried. As everywhere, results may be operands. */
// @ts-ignore: decorator
@inline
export function plusMinus(plus: usize, minus: usize, a: usize, b: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) {
    const a0 = v128.load(a, 0);
    const b0 = v128.load(b, 0);
    const a1 = v128.load(a, 16);
    const b1 = v128.load(b, 16);
    const a2 = v128.load(a, 32);
    const b2 = v128.load(b, 32);
    const a3 = v128.load(a, 48);
    const b3 = v128.load(b, 48);
    const a4 = v128.load(a, 64);
    const b4 = v128.load(b, 64);
    v128.store(plus, f64x2.add(a0, b0), 0);
    v128.store(minus, f64x2.sub(a0, b0), 0);
    v128.store(plus, f64x2.add(a1, b1), 16);
    v128.store(minus, f64x2.sub(a1, b1), 16);
    v128.store(plus, f64x2.add(a2, b2), 32);
    v128.store(minus, f64x2.sub(a2, b2), 32);
    v128.store(plus, f64x2.add(a3, b3), 48);
    v128.store(minus, f64x2.sub(a3, b3), 48);
    v128.store(plus, f64x2.add(a4, b4), 64);
    v128.store(minus, f64x2.sub(a4, b4), 64);
  } else {
    addSubLimbs(plus, minus, a, b);
  }
}

/** plus = a + b, reduced; minus = a - b, not carried. Operands: together a sum of up to four. */
// @ts-ignore: decorator
@inline
export function plusReducedMinus(plus: usize, minus: usize, a: usize, b: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) {
    const a0 = v128.load(a, 0);
    const b0 = v128.load(b, 0);
    const a1 = v128.load(a, 16);
    const b1 = v128.load(b, 16);
    const a2 = v128.load(a, 32);
    const b2 = v128.load(b, 32);
    const a3 = v128.load(a, 48);
    const b3 = v128.load(b, 48);
    const a4 = v128.load(a, 64);
    const b4 = v128.load(b, 64);
    v128.store(minus, f64x2.sub(a0, b0), 0);
    v128.store(minus, f64x2.sub(a1, b1), 16);
    v128.store(minus, f64x2.sub(a2, b2), 32);
    v128.store(minus, f64x2.sub(a3, b3), 48);
    v128.store(minus, f64x2.sub(a4, b4), 64);
    storeReduced(
      plus,
      f64x2.add(a0, b0),
      f64x2.add(a1, b1),
      f64x2.add(a2, b2),
      f64x2.add(a3, b3),
      f64x2.add(a4, b4),
    );
  } else {
    addSubLimbs(plus, minus, a, b);
    reduce(plus, plus);
  }
}

/** plus = a + b, not carried; minus = a - b, reduced. Operands: together a sum of up to four. */
// @ts-ignore: decorator
@inline
export function plusMinusReduced(plus: usize, minus: usize, a: usize, b: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) {
    const a0 = v128.load(a, 0);
    const b0 = v128.load(b, 0);
    const a1 = v128.load(a, 16);
    const b1 = v128.load(b, 16);
    const a2 = v128.load(a, 32);
    const b2 = v128.load(b, 32);
    const a3 = v128.load(a, 48);
    const b3 = v128.load(b, 48);
    const a4 = v128.load(a, 64);
    const b4 = v128.load(b, 64);
    v128.store(plus, f64x2.add(a0, b0), 0);
    v128.store(plus, f64x2.add(a1, b1), 16);
    v128.store(plus, f64x2.add(a2, b2), 32);
    v128.store(plus, f64x2.add(a3, b3), 48);
    v128.store(plus, f64x2.add(a4, b4), 64);
    storeReduced(
      minus,
      f64x2.sub(a0, b0),
      f64x2.sub(a1, b1),
      f64x2.sub(a2, b2),
      f64x2.sub(a3, b3),
      f64x2.sub(a4, b4),
    );
  } else {
    addSubLimbs(plus, minus, a, b);
    reduce(minus, minus);
  }
}

// What follows is for one point over both lanes (assembly/curve/single.ts). The scalar side needs a pair of scratch, t.

// @ts-ignore: decorator
@inline
function swapped(x: v128): v128 {
  return v128.shuffle<u64>(x, x, 1, 0);
}

/** Of (x, y): out = (y - x, y + x), or with `turned` (y + x, y - x); not carried. Out is not a. */
// @ts-ignore: decorator
@inline
export function minusAndPlus(out: usize, a: usize, turned: bool, t: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) {
    for (let i: usize = 0; i < PAIR_BYTES; i += 16) {
      const x = v128.load(a + i);
      const y = swapped(x);
      const minus = f64x2.sub(y, x);
      const plus = f64x2.add(y, x);
      v128.store(out + i, turned ? v128.shuffle<u64>(plus, minus, 0, 2) : v128.shuffle<u64>(minus, plus, 0, 2));
    }
  } else {
    swapLanes(out, a);
    addSubLimbs(t, out, out, a);
    if (turned) {
      joinAA(t, t, out);
      copy(out, t);
    } else joinAA(out, out, t);
  }
}

/** Of a = (x, y) and b = (z, …): out = (x, z), other = (y, z). */
// @ts-ignore: decorator
@inline
export function spread(out: usize, other: usize, a: usize, b: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) {
    for (let i: usize = 0; i < PAIR_BYTES; i += 16) {
      const x = v128.load(a + i);
      const z = v128.load(b + i);
      v128.store(out + i, v128.shuffle<u64>(x, z, 0, 2));
      v128.store(other + i, v128.shuffle<u64>(x, z, 1, 2));
    }
  } else {
    joinAA(out, a, b);
    joinBA(other, a, b);
  }
}

/** Stores a pair and the same with its lanes exchanged. */
// @ts-ignore: decorator
@inline
function storeBoth(out: usize, other: usize, x: v128, offset: usize): void {
  v128.store(out + offset, x);
  v128.store(other + offset, swapped(x));
}

/** Reduces five limbs and stores them in both orders. */
// @ts-ignore: decorator
@inline
function storeReducedBoth(out: usize, other: usize, a0: v128, a1: v128, a2: v128, a3: v128, a4: v128): void {
  const round = f64x2.splat(ROUND);
  const inverse = f64x2.splat(-INVERSE);
  const q0 = negatedCarry(a0, round);
  const q1 = negatedCarry(a1, round);
  const q2 = negatedCarry(a2, round);
  const q3 = negatedCarry(a3, round);
  const q4 = negatedCarry(a4, round);
  storeBoth(out, other, v128.relaxed_madd<f64>(q4, f64x2.splat(-INVERSE_19), f64x2.add(a0, q0)), 0);
  storeBoth(out, other, v128.relaxed_madd<f64>(q0, inverse, f64x2.add(a1, q1)), 16);
  storeBoth(out, other, v128.relaxed_madd<f64>(q1, inverse, f64x2.add(a2, q2)), 32);
  storeBoth(out, other, v128.relaxed_madd<f64>(q2, inverse, f64x2.add(a3, q3)), 48);
  storeBoth(out, other, v128.relaxed_madd<f64>(q3, inverse, f64x2.add(a4, q4)), 64);
}

// @ts-ignore: decorator
@inline
function doubleEG(ab: usize, products: usize, offset: usize): v128 {
  const x = v128.load(ab + offset);
  const w = v128.load(products + offset);
  return v128.shuffle<u64>(f64x2.add(w, w), f64x2.sub(x, swapped(x)), 0, 3);
}

/**
 * Between the products of a doubling. Of ab = (A, B) and products = (XY, ZZ): E = 2XY, G = B - A, reduced, F = 2ZZ - G,
 * H = A + B; eg = (E, G), ge = (G, E), fh = (F, H).
 */
// @ts-ignore: decorator
@inline
export function crossDouble(eg: usize, ge: usize, fh: usize, ab: usize, products: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) {
    storeReducedBoth(
      eg,
      ge,
      doubleEG(ab, products, 0),
      doubleEG(ab, products, 16),
      doubleEG(ab, products, 32),
      doubleEG(ab, products, 48),
      doubleEG(ab, products, 64),
    );
    for (let i: usize = 0; i < PAIR_BYTES; i += 16) {
      const x = v128.load(ab + i);
      const w = v128.load(products + i);
      const f = f64x2.sub(f64x2.add(w, w), v128.load(eg + i));
      v128.store(fh + i, v128.shuffle<u64>(f, f64x2.add(x, swapped(x)), 1, 3));
    }
  } else {
    add(products, products, products);
    swapLanes(ge, ab);
    addSubLimbs(ge, fh, ab, ge); // H either way, (…, G)
    joinAB(eg, products, fh);
    reduce(eg, eg);
    sub(fh, products, eg);
    joinBB(fh, fh, ge);
    swapLanes(ge, eg);
  }
}

// @ts-ignore: decorator
@inline
function addEG(ab: usize, dc: usize, turned: bool, offset: usize): v128 {
  const x = v128.load(ab + offset);
  const z = v128.load(dc + offset);
  if (turned) return v128.shuffle<u64>(f64x2.sub(x, swapped(x)), f64x2.sub(z, swapped(z)), 0, 2);
  return v128.shuffle<u64>(f64x2.sub(swapped(x), x), f64x2.add(z, swapped(z)), 0, 2);
}

/**
 * Between the products of an addition. Of ab = (A, B) and dc = (D, C): E = B - A, G = D + C, both reduced, F = D - C,
 * H = B + A; eg = (E, G), ge = (G, E), fh = (F, H). With `turned` A and B stand exchanged, and C is negative.
 */
// @ts-ignore: decorator
@inline
export function crossAdd(eg: usize, ge: usize, fh: usize, ab: usize, dc: usize, turned: bool): void {
  if (ASC_FEATURE_RELAXED_SIMD) {
    storeReducedBoth(
      eg,
      ge,
      addEG(ab, dc, turned, 0),
      addEG(ab, dc, turned, 16),
      addEG(ab, dc, turned, 32),
      addEG(ab, dc, turned, 48),
      addEG(ab, dc, turned, 64),
    );
    for (let i: usize = 0; i < PAIR_BYTES; i += 16) {
      const x = v128.load(ab + i);
      const z = v128.load(dc + i);
      const f = turned ? f64x2.add(z, swapped(z)) : f64x2.sub(z, swapped(z));
      v128.store(fh + i, v128.shuffle<u64>(f, f64x2.add(x, swapped(x)), 0, 2));
    }
  } else {
    swapLanes(eg, ab);
    if (turned) addSubLimbs(ab, eg, ab, eg);
    else addSubLimbs(ab, eg, eg, ab); // H either way, (E, …)
    swapLanes(ge, dc);
    addSubLimbs(dc, ge, dc, ge); // D + C either way, (D - C, …)
    joinAA(fh, turned ? dc : ge, ab);
    joinAA(eg, eg, turned ? ge : dc);
    reduce(eg, eg);
    swapLanes(ge, eg);
  }
}
