// Several operations on pairs in one, for the build with relaxed SIMD: what would be carried, stored and loaded between them
// is not. See pair.ts for what each computes, fma.ts for how a product is made.
import {
  CROSSED_FOLDS,
  FOLDS,
  INVERSE,
  INVERSE_19,
  ONLY_B,
  SECOND_FOLDS,
  SQUARE_FOLDS,
  carry,
  constant,
  endColumn,
  finish,
  folded,
  multiply,
  negatedCarry,
  scratch,
  square,
  squareAt,
} from "./fma";

/** Folds the ten columns to five and puts them aside. */
// @ts-ignore: decorator
@inline
function putAside(columns: usize, folds: usize): void {
  v128.store(columns, folded(columns, 0, constant(folds)), 160);
  v128.store(columns, folded(columns, 1, constant(folds + 1)), 176);
  v128.store(columns, folded(columns, 2, constant(folds + 2)), 192);
  v128.store(columns, folded(columns, 3, constant(folds + 3)), 208);
  v128.store(columns, folded(columns, 4, constant(folds + 4)), 224);
  endColumn();
}

/** Carries the columns put aside plus the ten columns, and the columns put aside minus the ten columns. */
// @ts-ignore: decorator
@inline
function finishBoth(columns: usize, outSum: usize, outDifference: usize): void {
  const u0 = v128.load(columns, 160);
  const u1 = v128.load(columns, 176);
  const u2 = v128.load(columns, 192);
  const u3 = v128.load(columns, 208);
  const u4 = v128.load(columns, 224);
  const v0 = folded(columns, 0, constant(SECOND_FOLDS));
  const v1 = folded(columns, 1, constant(SECOND_FOLDS + 1));
  const v2 = folded(columns, 2, constant(SECOND_FOLDS + 2));
  const v3 = folded(columns, 3, constant(SECOND_FOLDS + 3));
  const v4 = folded(columns, 4, constant(SECOND_FOLDS + 4));
  v128.store(columns, i64x2.sub(u0, v0), 160);
  v128.store(columns, i64x2.sub(u1, v1), 176);
  v128.store(columns, i64x2.sub(u2, v2), 192);
  v128.store(columns, i64x2.sub(u3, v3), 208);
  v128.store(columns, i64x2.sub(u4, v4), 224);
  carry(outSum, i64x2.add(u0, v0), i64x2.add(u1, v1), i64x2.add(u2, v2), i64x2.add(u3, v3), i64x2.add(u4, v4));
  endColumn();
  carry(
    outDifference,
    v128.load(columns, 160),
    v128.load(columns, 176),
    v128.load(columns, 192),
    v128.load(columns, 208),
    v128.load(columns, 224),
  );
}

export function mulAddSub(outSum: usize, outDifference: usize, a: usize, b: usize, c: usize, d: usize): void {
  const columns = scratch;
  multiply(columns, a, b);
  putAside(columns, FOLDS);
  multiply(columns, c, d);
  finishBoth(columns, outSum, outDifference);
}

export function sqrAddSub(outSum: usize, outDifference: usize, a: usize, c: usize, d: usize): void {
  const columns = scratch;
  squareAt(columns, a);
  putAside(columns, SQUARE_FOLDS);
  multiply(columns, c, d);
  finishBoth(columns, outSum, outDifference);
}

/** A limb of a, or of b in the lanes whose mask is all ones. */
// @ts-ignore: decorator
@inline
function either(a: usize, b: usize, mask: v128, offset: usize): v128 {
  const x = v128.load(a + offset);
  return v128.xor(x, v128.and(v128.xor(x, v128.load(b + offset)), mask));
}

export function sqrEither(out: usize, a: usize, b: usize, maskA: u64, maskB: u64): void {
  const columns = scratch;
  const mask = i64x2.replace_lane(i64x2.splat(maskA), 1, maskB);
  square(
    columns,
    either(a, b, mask, 0),
    either(a, b, mask, 16),
    either(a, b, mask, 32),
    either(a, b, mask, 48),
    either(a, b, mask, 64),
  );
  finish(columns, out, SQUARE_FOLDS);
}

// @ts-ignore: decorator
@inline
function difference(a: usize, b: usize, offset: usize): v128 {
  return f64x2.sub(v128.load(a + offset), v128.load(b + offset));
}

export function subMulAdd(outDifference: usize, outSum: usize, a: usize, b: usize, factor: u32): void {
  const c1 = constant(0);
  const c = f64x2.splat(<f64>factor);
  const inverse = f64x2.splat(-INVERSE);
  const inverse19 = f64x2.splat(-INVERSE_19);
  let e0 = difference(a, b, 0);
  let e1 = difference(a, b, 16);
  let e2 = difference(a, b, 32);
  let e3 = difference(a, b, 48);
  let e4 = difference(a, b, 64);
  let q0 = f64x2.sub(c1, f64x2.add(e0, c1));
  let q1 = f64x2.sub(c1, f64x2.add(e1, c1));
  let q2 = f64x2.sub(c1, f64x2.add(e2, c1));
  let q3 = f64x2.sub(c1, f64x2.add(e3, c1));
  let q4 = f64x2.sub(c1, f64x2.add(e4, c1));
  e0 = v128.relaxed_madd<f64>(q4, inverse19, f64x2.add(e0, q0));
  e1 = v128.relaxed_madd<f64>(q0, inverse, f64x2.add(e1, q1));
  e2 = v128.relaxed_madd<f64>(q1, inverse, f64x2.add(e2, q2));
  e3 = v128.relaxed_madd<f64>(q2, inverse, f64x2.add(e3, q3));
  e4 = v128.relaxed_madd<f64>(q3, inverse, f64x2.add(e4, q4));
  v128.store(outDifference, e0, 0);
  v128.store(outDifference, e1, 16);
  v128.store(outDifference, e2, 32);
  v128.store(outDifference, e3, 48);
  v128.store(outDifference, e4, 64);
  q0 = negatedCarry(e0, c, c1);
  q1 = negatedCarry(e1, c, c1);
  q2 = negatedCarry(e2, c, c1);
  q3 = negatedCarry(e3, c, c1);
  q4 = negatedCarry(e4, c, c1);
  e0 = v128.relaxed_madd<f64>(q4, inverse19, v128.relaxed_madd<f64>(e0, c, q0));
  e1 = v128.relaxed_madd<f64>(q0, inverse, v128.relaxed_madd<f64>(e1, c, q1));
  e2 = v128.relaxed_madd<f64>(q1, inverse, v128.relaxed_madd<f64>(e2, c, q2));
  e3 = v128.relaxed_madd<f64>(q2, inverse, v128.relaxed_madd<f64>(e3, c, q3));
  e4 = v128.relaxed_madd<f64>(q3, inverse, v128.relaxed_madd<f64>(e4, c, q4));
  v128.store(outSum, f64x2.add(e0, v128.load(a, 0)), 0);
  v128.store(outSum, f64x2.add(e1, v128.load(a, 16)), 16);
  v128.store(outSum, f64x2.add(e2, v128.load(a, 32)), 32);
  v128.store(outSum, f64x2.add(e3, v128.load(a, 48)), 48);
  v128.store(outSum, f64x2.add(e4, v128.load(a, 64)), 64);
}


/** The folded column (x, y) as (x + y, x - y). */
// @ts-ignore: decorator
@inline
function crossed(columns: usize, k: usize, onlyB: v128): v128 {
  const x = folded(columns, k, constant(CROSSED_FOLDS + k));
  return i64x2.add(v128.shuffle<u64>(x, x, 1, 0), i64x2.sub(v128.xor(x, onlyB), onlyB));
}

export function mulLanesAddSub(out: usize, a: usize, b: usize): void {
  const columns = scratch;
  multiply(columns, a, b);
  const onlyB = constant(ONLY_B);
  carry(
    out,
    crossed(columns, 0, onlyB),
    crossed(columns, 1, onlyB),
    crossed(columns, 2, onlyB),
    crossed(columns, 3, onlyB),
    crossed(columns, 4, onlyB),
  );
}

/** The limb (x, y) as (y - x, x - y). */
// @ts-ignore: decorator
@inline
function lanesDifference(a: usize, offset: usize): v128 {
  const x = v128.load(a + offset);
  return f64x2.sub(v128.shuffle<u64>(x, x, 1, 0), x);
}

/** Of a limb (x, y), with e and m for lane B: (x, e) and (y, x + m). */
// @ts-ignore: decorator
@inline
function storeFactors(outA: usize, outB: usize, a: usize, e: v128, m: v128, onlyB: v128, offset: usize): void {
  const x = v128.load(a + offset);
  v128.store(outA + offset, v128.shuffle<u64>(x, e, 0, 3));
  v128.store(outB + offset, f64x2.add(v128.shuffle<u64>(x, x, 1, 0), v128.and(m, onlyB)));
}

export function lanesSubMulAdd(outA: usize, outB: usize, a: usize, factor: u32): void {
  const c1 = constant(0);
  const c = f64x2.splat(<f64>factor);
  const inverse = f64x2.splat(-INVERSE);
  const inverse19 = f64x2.splat(-INVERSE_19);
  const onlyB = constant(ONLY_B);
  let e0 = lanesDifference(a, 0);
  let e1 = lanesDifference(a, 16);
  let e2 = lanesDifference(a, 32);
  let e3 = lanesDifference(a, 48);
  let e4 = lanesDifference(a, 64);
  let q0 = f64x2.sub(c1, f64x2.add(e0, c1));
  let q1 = f64x2.sub(c1, f64x2.add(e1, c1));
  let q2 = f64x2.sub(c1, f64x2.add(e2, c1));
  let q3 = f64x2.sub(c1, f64x2.add(e3, c1));
  let q4 = f64x2.sub(c1, f64x2.add(e4, c1));
  e0 = v128.relaxed_madd<f64>(q4, inverse19, f64x2.add(e0, q0));
  e1 = v128.relaxed_madd<f64>(q0, inverse, f64x2.add(e1, q1));
  e2 = v128.relaxed_madd<f64>(q1, inverse, f64x2.add(e2, q2));
  e3 = v128.relaxed_madd<f64>(q2, inverse, f64x2.add(e3, q3));
  e4 = v128.relaxed_madd<f64>(q3, inverse, f64x2.add(e4, q4));
  q0 = negatedCarry(e0, c, c1);
  q1 = negatedCarry(e1, c, c1);
  q2 = negatedCarry(e2, c, c1);
  q3 = negatedCarry(e3, c, c1);
  q4 = negatedCarry(e4, c, c1);
  const m0 = v128.relaxed_madd<f64>(q4, inverse19, v128.relaxed_madd<f64>(e0, c, q0));
  const m1 = v128.relaxed_madd<f64>(q0, inverse, v128.relaxed_madd<f64>(e1, c, q1));
  const m2 = v128.relaxed_madd<f64>(q1, inverse, v128.relaxed_madd<f64>(e2, c, q2));
  const m3 = v128.relaxed_madd<f64>(q2, inverse, v128.relaxed_madd<f64>(e3, c, q3));
  const m4 = v128.relaxed_madd<f64>(q3, inverse, v128.relaxed_madd<f64>(e4, c, q4));
  storeFactors(outA, outB, a, e0, m0, onlyB, 0);
  storeFactors(outA, outB, a, e1, m1, onlyB, 16);
  storeFactors(outA, outB, a, e2, m2, onlyB, 32);
  storeFactors(outA, outB, a, e3, m3, onlyB, 48);
  storeFactors(outA, outB, a, e4, m4, onlyB, 64);
}
