// Points of secp256k1, two at a time, one in each lane of every pair:
//
//     points, 240 bytes      X, Y, Z        x = X/Z, y = Y/Z;  infinity is (0 : 1 : 0)
//     affine, 160 bytes      x, y           never infinity
//
// The formulas are complete (Renes, Costello, Batina: "Complete addition formulas for prime order elliptic curves", 2015, with
// a = 0 and 3b = 21): right for all pairs of points, equal, opposite or infinite. So secrets meet no exception, and what
// strangers send cannot provoke one. Cross terms are sums of two products, X1·Y2 + X2·Y1, not the usual product of sums: here a
// second product costs less than to reduce the sums.
import {
  PAIR_BYTES,
  add as addPair,
  addTimes,
  copy,
  doublingTerms,
  mul,
  mulAdd,
  mulSmall,
  mulSub,
  negateIf,
  sqr,
  sqrAdd,
  sub,
  swapIf,
} from "./field";
import { release, take } from "../memory/workspace";
import { ONE, ZERO } from "./constants";

export const X: usize = 0;
export const Y: usize = PAIR_BYTES;
export const Z: usize = 2 * PAIR_BYTES;
export const POINTS_BYTES: usize = 3 * PAIR_BYTES;
export const AFFINE_BYTES: usize = 2 * PAIR_BYTES;

const T0: usize = 0;
const T1: usize = PAIR_BYTES;
const T2: usize = 2 * PAIR_BYTES;
const T3: usize = 3 * PAIR_BYTES;
const T4: usize = 4 * PAIR_BYTES;
const T5: usize = 5 * PAIR_BYTES;
const T6: usize = 6 * PAIR_BYTES;
const T7: usize = 7 * PAIR_BYTES;
const SCRATCH_BYTES: usize = 8 * PAIR_BYTES;

/** This instance's own, for the formulas. */
let scratch: usize = 0;

/** After the field's; once. */
export function initialisePoints(): void {
  scratch = take(SCRATCH_BYTES);
}

/** Overwrites what the last formula left behind. */
export function wipePoints(): void {
  memory.fill(scratch, 0, SCRATCH_BYTES);
}

export function setInfinity(out: usize): void {
  copy(out + X, ZERO);
  copy(out + Y, ONE);
  copy(out + Z, ZERO);
}

export function copyPoints(out: usize, p: usize): void {
  memory.copy(out, p, POINTS_BYTES);
}

/** out = the points of affine coordinates. */
export function fromAffine(out: usize, affine: usize): void {
  memory.copy(out, affine, AFFINE_BYTES);
  copy(out + Z, ONE);
}

/**
 * out = 2·p. With A = Y² and B = 21·Z²:
 *
 *     X3 = 2·(A - 3B)·XY      Y3 = (A - 3B)·(A + B) + 8A·B = A² + Z²·63·(2A - B)      Z3 = 8A·YZ
 */
export function double(out: usize, p: usize): void {
  const s = scratch;
  sqr(s + T0, p + Y);
  sqr(s + T1, p + Z);
  mul(s + T2, p + Y, p + Z);
  mul(s + T3, p + X, p + Y);
  doublingTerms(s + T7, s + T5, s + T6, s + T0, s + T1);
  mul(out + X, s + T5, s + T3);
  sqrAdd(out + Y, s + T0, s + T1, s + T6);
  mul(out + Z, s + T7, s + T2);
}

/**
 * The end of an addition: of s, XX in T0, YY in T1, 21·ZZ in T2, xy in T3, yz in T4, w = 21·xz in T5,
 *
 *     X3 = xy·(YY - 21·ZZ) - yz·w      Y3 = (YY + 21·ZZ)·(YY - 21·ZZ) + 3·XX·w      Z3 = yz·(YY + 21·ZZ) + 3·XX·xy
 */
// @ts-ignore: decorator
@inline
function endAddition(out: usize, s: usize): void {
  mulSmall(s + T0, s + T0, 3);
  sub(s + T6, s + T1, s + T2);
  addPair(s + T1, s + T1, s + T2);
  mulSub(out + X, s + T3, s + T6, s + T4, s + T5);
  mulAdd(out + Y, s + T1, s + T6, s + T0, s + T5);
  mulAdd(out + Z, s + T4, s + T1, s + T0, s + T3);
}

/** out = p + q. */
export function add(out: usize, p: usize, q: usize): void {
  const s = scratch;
  mul(s + T0, p + X, q + X);
  mul(s + T1, p + Y, q + Y);
  mul(s + T2, p + Z, q + Z);
  mulAdd(s + T3, p + X, q + Y, q + X, p + Y);
  mulAdd(s + T4, p + Y, q + Z, q + Y, p + Z);
  mulAdd(s + T5, p + X, q + Z, q + X, p + Z);
  mulSmall(s + T2, s + T2, 21);
  mulSmall(s + T5, s + T5, 21);
  endAddition(out, s);
}

/** out = p + affine. */
export function addAffine(out: usize, p: usize, affine: usize): void {
  const s = scratch;
  mul(s + T0, p + X, affine + X);
  mul(s + T1, p + Y, affine + Y);
  mulAdd(s + T3, p + X, affine + Y, affine + X, p + Y);
  mul(s + T4, affine + Y, p + Z);
  mul(s + T5, affine + X, p + Z);
  mulSmall(s + T2, p + Z, 21);
  addPair(s + T4, s + T4, p + Y);
  addTimes(s + T5, s + T5, p + X, 21);
  endAddition(out, s);
}

/** p = p + affine in the lanes whose mask is all ones, and p where it is 0; in constant time. */
export function addAffineIf(p: usize, affine: usize, maskA: u64, maskB: u64): void {
  const sum = take(POINTS_BYTES);
  addAffine(sum, p, affine);
  for (let i: usize = 0; i < POINTS_BYTES; i += PAIR_BYTES) swapIf(p + i, sum + i, maskA, maskB);
  memory.fill(sum, 0, POINTS_BYTES);
  release(sum);
}

/** p = -p in the lanes whose mask is all ones, not where it is 0; in constant time. Also of affine ones. */
// @ts-ignore: decorator
@inline
export function negatePointsIf(p: usize, maskA: u64, maskB: u64): void {
  negateIf(p + Y, maskA, maskB);
}
