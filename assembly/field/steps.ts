// Several additions and reductions in one go, with what stands between the products of point formulas. They save no
// arithmetic, only loads and stores: a tenth of a point addition. See pair.ts for the pairs and their bounds, fma.ts and
// limbs.ts for how they look. Without SIMD they are made of the single operations.
import { PAIR_BYTES, gather, reduce } from "./pair";

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

// @ts-ignore: decorator
@inline
function limbs2(elementA: usize, elementB: usize, offset: usize): v128 {
  return v128.load_lane<u64>(elementB + offset, v128.load_zero<u64>(elementA + offset), 1);
}

/** plus = a + b, minus = a - b, not carried: a and b are two elements of ELEMENT_BYTES each. */
// @ts-ignore: decorator
@inline
export function gatherPlusMinus(plus: usize, minus: usize, a0: usize, a1: usize, b0: usize, b1: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) {
    for (let i: usize = 0; i < 40; i += 8) {
      const a = limbs2(a0, a1, i);
      const b = limbs2(b0, b1, i);
      v128.store(plus + 2 * i, f64x2.add(a, b));
      v128.store(minus + 2 * i, f64x2.sub(a, b));
    }
  } else {
    gather(plus, a0, a1);
    gather(minus, b0, b1);
    addSubLimbs(plus, minus, plus, minus);
  }
}
