// Arithmetic modulo p = 2^255 - 19 on two field elements at once, one in each lane of a v128: the build with relaxed SIMD.
// See pair.ts for what each function does and which operands it takes, docs/cryptography.md for the proof of the bounds.
//
//     element = l0 + l1·2^51 + l2·2^102 + l3·2^153 + l4·2^204        limbs: signed integers, held as f64
//
//     pair, 80 bytes      0        8        16                                  80
//                         ┌────────┬────────┬────────┬────────┬╌╌╌╌╌╌╌┬────────┐
//                         │ l0  A  │ l0  B  │ l1  A  │ l1  B  │       │ l4  B  │
//                         └────────┴────────┴────────┴────────┴╌╌╌╌╌╌╌┴────────┘
//
// A product of limbs is split by two fused multiply-adds, each of which rounds once:
//
//     h = a·b + 1.5·2^103                the ulp of h is 2^51, so its low bits, read as an integer, are round(a·b / 2^51)
//     l = a·b + (1.5·2^103 + 3·2^51 - h) the rest, from -2^50 to 2^50, exact; the ulp is 1
//
// Both are then added up as 64-bit integers, exponents and all: the sum of the exponents of a column is known and is taken
// off once, together with the rounding of the carry (FOLD). This needs |a·b| <= 2^102. (The idea of splitting by rounding
// is Niall Emmart's, for multiplication on GPUs; Gregor Mitscha-Baude brought it to WebAssembly.)
//
// Columns are worked off one after the other with two live sums: all rows at once would need more registers than there are.
// Left to itself V8 mixes the columns and spills two hundred vectors; so each column ends in a block of its own (endColumn),
// which made a multiplication a third faster. Constants come from memory: V8 rebuilds an immediate in three instructions.
// The limbs of b are loaded where they are used: kept in registers, they or others are spilled.
import { take } from "../memory/workspace";
import { storeCanonical } from "./canonical";

/** 1.5·2^103, as f64 bits. */
const ROUND: u64 = 0x4668000000000000;
/** 1.5·2^103 + 3·2^51. */
const SPLIT: u64 = 0x4668000000000003;
/** 2^52. */
const TWO_52: u64 = 0x4330000000000000;
/** 2^52 + 2^50 + 2^11: what a limb carries too much after the carry. */
const OFFSET: u64 = 0x4334000000000800;
/** 2^52 + 2^50 + 19·2^11: the same for limb 0. */
const OFFSET_0: u64 = 0x4334000000009800;

// FOLD_k = 2^62 + 2^50 - (exponents in column k + 19 · exponents in column k + 5), modulo 2^64; a test computes them anew.
// 2^50 rounds the carry to nearest; 2^62 keeps the sum positive, so that the shift may be unsigned.
const FOLD_0: u64 = 0xe794000000000000;
const FOLD_1: u64 = 0x94d4000000000000;
const FOLD_2: u64 = 0x4214000000000000;
const FOLD_3: u64 = 0xef54000000000000;
const FOLD_4: u64 = 0x9c94000000000000;
// The same for a square, which has fewer products.
const SQUARE_FOLD_0: u64 = 0x5554000000000000;
const SQUARE_FOLD_1: u64 = 0x48a4000000000000;
const SQUARE_FOLD_2: u64 = 0x0294000000000000;
const SQUARE_FOLD_3: u64 = 0xf5e4000000000000;
const SQUARE_FOLD_4: u64 = 0xafd4000000000000;
/** 2^62 + 2^50: a second product that is added to the first, or taken off, brings this no second time. */
const FOLD_BIAS: u64 = 0x4004000000000000;

// prettier-ignore
const CONSTANTS = memory.data<u64>([
  ROUND, ROUND, SPLIT, SPLIT,
  FOLD_0, FOLD_0, FOLD_1, FOLD_1, FOLD_2, FOLD_2, FOLD_3, FOLD_3, FOLD_4, FOLD_4,
  0x7ffffffffffff, 0x7ffffffffffff, TWO_52, TWO_52, OFFSET_0, OFFSET_0, OFFSET, OFFSET,
  0, 0,
  FOLD_0 - FOLD_BIAS, FOLD_0 - FOLD_BIAS, FOLD_1 - FOLD_BIAS, FOLD_1 - FOLD_BIAS, FOLD_2 - FOLD_BIAS, FOLD_2 - FOLD_BIAS,
  FOLD_3 - FOLD_BIAS, FOLD_3 - FOLD_BIAS, FOLD_4 - FOLD_BIAS, FOLD_4 - FOLD_BIAS,
  SQUARE_FOLD_0, SQUARE_FOLD_0, SQUARE_FOLD_1, SQUARE_FOLD_1, SQUARE_FOLD_2, SQUARE_FOLD_2, SQUARE_FOLD_3, SQUARE_FOLD_3,
  SQUARE_FOLD_4, SQUARE_FOLD_4,
  FOLD_0, FOLD_0 - FOLD_BIAS, FOLD_1, FOLD_1 - FOLD_BIAS, FOLD_2, FOLD_2 - FOLD_BIAS, FOLD_3, FOLD_3 - FOLD_BIAS,
  FOLD_4, FOLD_4 - FOLD_BIAS,
  0, 0xffffffffffffffff,
], 16);

// Places in CONSTANTS.
export const FOLDS: usize = 2;
export const SECOND_FOLDS: usize = 12;
export const SQUARE_FOLDS: usize = 17;
export const CROSSED_FOLDS: usize = 22;
export const ONLY_B: usize = 27;

/** 2^-51 and 19·2^-51. */
export const INVERSE: f64 = 1.0 / 2251799813685248.0;
export const INVERSE_19: f64 = 19.0 / 2251799813685248.0;

/**
 * Sums of the ten columns of a product, and after them five of another, folded: 240 bytes of this instance. Every operation
 * reads this once and hands it on as `columns`: it would be read anew for each column.
 */
export let scratch: usize = 0;

export function initialise(): void {
  scratch = take(240);
}

export function wipe(): void {
  memory.fill(scratch, 0, 240);
}

// @ts-ignore: decorator
@inline
export function constant(index: usize): v128 {
  return v128.load(CONSTANTS + (index << 4));
}

// @ts-ignore: decorator
@inline
function high(a: v128, b: v128, c1: v128): v128 {
  return v128.relaxed_madd<f64>(a, b, c1);
}

// @ts-ignore: decorator
@inline
function low(a: v128, b: v128, h: v128, c2: v128): v128 {
  return v128.relaxed_madd<f64>(a, b, f64x2.sub(c2, h));
}

/** A branch that is never taken, on a word that is always zero: what came before it is computed before it. */
// @ts-ignore: decorator
@inline
export function endColumn(): void {
  if (load<u32>(CONSTANTS, 176)) unreachable();
}

/** Column k with column k + 5 folded onto it, as 2^255 = 19, and the constant `fold`. */
// @ts-ignore: decorator
@inline
export function folded(columns: usize, k: usize, fold: v128): v128 {
  const upper = v128.load(columns + (k << 4), 80);
  const sum = i64x2.add(i64x2.add(v128.load(columns + (k << 4)), upper), fold);
  return i64x2.add(sum, i64x2.add(i64x2.shl(upper, 1), i64x2.shl(upper, 4)));
}

/** The limb below a carry, as f64, with the carry of the limb before it. */
// @ts-ignore: decorator
@inline
function limb(sum: v128, carry: v128, mask: v128, exponent: v128, offset: v128): v128 {
  return f64x2.sub(i64x2.add(v128.or(v128.and(sum, mask), exponent), carry), offset);
}

/** Carries five folded columns once, all at the same time, and stores limbs of at most 2^50 + 2^13. */
// @ts-ignore: decorator
@inline
export function carry(out: usize, u0: v128, u1: v128, u2: v128, u3: v128, u4: v128): void {
  const q4 = i64x2.shr_u(u4, 51);
  const q4x19 = i64x2.add(i64x2.add(q4, i64x2.shl(q4, 1)), i64x2.shl(q4, 4));
  const mask = constant(7);
  const exponent = constant(8);
  const offset = constant(10);
  v128.store(out, limb(u0, q4x19, mask, exponent, constant(9)), 0);
  v128.store(out, limb(u1, i64x2.shr_u(u0, 51), mask, exponent, offset), 16);
  v128.store(out, limb(u2, i64x2.shr_u(u1, 51), mask, exponent, offset), 32);
  v128.store(out, limb(u3, i64x2.shr_u(u2, 51), mask, exponent, offset), 48);
  v128.store(out, limb(u4, i64x2.shr_u(u3, 51), mask, exponent, offset), 64);
}

/** Folds the ten columns to five, with the constants from `folds` on, and carries them. */
// @ts-ignore: decorator
@inline
export function finish(columns: usize, out: usize, folds: usize): void {
  carry(
    out,
    folded(columns, 0, constant(folds)),
    folded(columns, 1, constant(folds + 1)),
    folded(columns, 2, constant(folds + 2)),
    folded(columns, 3, constant(folds + 3)),
    folded(columns, 4, constant(folds + 4)),
  );
}

/** The ten columns of a·b. */
// @ts-ignore: decorator
@inline
export function multiply(columns: usize, a: usize, b: usize): void {
  const c1 = constant(0);
  const c2 = constant(1);
  const a0 = v128.load(a, 0);
  const a1 = v128.load(a, 16);
  const a2 = v128.load(a, 32);
  const a3 = v128.load(a, 48);
  const a4 = v128.load(a, 64);
  let h: v128, l: v128, lo: v128, hi: v128, carried: v128, y: v128;

  // 2^0
  y = v128.load(b, 0);
  h = high(a0, y, c1);
  l = low(a0, y, h, c2);
  lo = l;
  hi = h;
  v128.store(columns, lo, 0);
  carried = hi;
  endColumn();
  // 2^51
  y = v128.load(b, 16);
  h = high(a0, y, c1);
  l = low(a0, y, h, c2);
  lo = i64x2.add(carried, l);
  hi = h;
  y = v128.load(b, 0);
  h = high(a1, y, c1);
  l = low(a1, y, h, c2);
  lo = i64x2.add(lo, l);
  hi = i64x2.add(hi, h);
  v128.store(columns, lo, 16);
  carried = hi;
  endColumn();
  // 2^102
  y = v128.load(b, 32);
  h = high(a0, y, c1);
  l = low(a0, y, h, c2);
  lo = i64x2.add(carried, l);
  hi = h;
  y = v128.load(b, 16);
  h = high(a1, y, c1);
  l = low(a1, y, h, c2);
  lo = i64x2.add(lo, l);
  hi = i64x2.add(hi, h);
  y = v128.load(b, 0);
  h = high(a2, y, c1);
  l = low(a2, y, h, c2);
  lo = i64x2.add(lo, l);
  hi = i64x2.add(hi, h);
  v128.store(columns, lo, 32);
  carried = hi;
  endColumn();
  // 2^153
  y = v128.load(b, 48);
  h = high(a0, y, c1);
  l = low(a0, y, h, c2);
  lo = i64x2.add(carried, l);
  hi = h;
  y = v128.load(b, 32);
  h = high(a1, y, c1);
  l = low(a1, y, h, c2);
  lo = i64x2.add(lo, l);
  hi = i64x2.add(hi, h);
  y = v128.load(b, 16);
  h = high(a2, y, c1);
  l = low(a2, y, h, c2);
  lo = i64x2.add(lo, l);
  hi = i64x2.add(hi, h);
  y = v128.load(b, 0);
  h = high(a3, y, c1);
  l = low(a3, y, h, c2);
  lo = i64x2.add(lo, l);
  hi = i64x2.add(hi, h);
  v128.store(columns, lo, 48);
  carried = hi;
  endColumn();
  // 2^204
  y = v128.load(b, 64);
  h = high(a0, y, c1);
  l = low(a0, y, h, c2);
  lo = i64x2.add(carried, l);
  hi = h;
  y = v128.load(b, 48);
  h = high(a1, y, c1);
  l = low(a1, y, h, c2);
  lo = i64x2.add(lo, l);
  hi = i64x2.add(hi, h);
  y = v128.load(b, 32);
  h = high(a2, y, c1);
  l = low(a2, y, h, c2);
  lo = i64x2.add(lo, l);
  hi = i64x2.add(hi, h);
  y = v128.load(b, 16);
  h = high(a3, y, c1);
  l = low(a3, y, h, c2);
  lo = i64x2.add(lo, l);
  hi = i64x2.add(hi, h);
  y = v128.load(b, 0);
  h = high(a4, y, c1);
  l = low(a4, y, h, c2);
  lo = i64x2.add(lo, l);
  hi = i64x2.add(hi, h);
  v128.store(columns, lo, 64);
  carried = hi;
  endColumn();
  // 2^255
  y = v128.load(b, 64);
  h = high(a1, y, c1);
  l = low(a1, y, h, c2);
  lo = i64x2.add(carried, l);
  hi = h;
  y = v128.load(b, 48);
  h = high(a2, y, c1);
  l = low(a2, y, h, c2);
  lo = i64x2.add(lo, l);
  hi = i64x2.add(hi, h);
  y = v128.load(b, 32);
  h = high(a3, y, c1);
  l = low(a3, y, h, c2);
  lo = i64x2.add(lo, l);
  hi = i64x2.add(hi, h);
  y = v128.load(b, 16);
  h = high(a4, y, c1);
  l = low(a4, y, h, c2);
  lo = i64x2.add(lo, l);
  hi = i64x2.add(hi, h);
  v128.store(columns, lo, 80);
  carried = hi;
  endColumn();
  // 2^306
  y = v128.load(b, 64);
  h = high(a2, y, c1);
  l = low(a2, y, h, c2);
  lo = i64x2.add(carried, l);
  hi = h;
  y = v128.load(b, 48);
  h = high(a3, y, c1);
  l = low(a3, y, h, c2);
  lo = i64x2.add(lo, l);
  hi = i64x2.add(hi, h);
  y = v128.load(b, 32);
  h = high(a4, y, c1);
  l = low(a4, y, h, c2);
  lo = i64x2.add(lo, l);
  hi = i64x2.add(hi, h);
  v128.store(columns, lo, 96);
  carried = hi;
  endColumn();
  // 2^357
  y = v128.load(b, 64);
  h = high(a3, y, c1);
  l = low(a3, y, h, c2);
  lo = i64x2.add(carried, l);
  hi = h;
  y = v128.load(b, 48);
  h = high(a4, y, c1);
  l = low(a4, y, h, c2);
  lo = i64x2.add(lo, l);
  hi = i64x2.add(hi, h);
  v128.store(columns, lo, 112);
  carried = hi;
  endColumn();
  // 2^408
  y = v128.load(b, 64);
  h = high(a4, y, c1);
  l = low(a4, y, h, c2);
  lo = i64x2.add(carried, l);
  hi = h;
  v128.store(columns, lo, 128);
  v128.store(columns, hi, 144);
  endColumn();
}

/** The ten columns of a². Limbs are doubled before they meet others: their products stand for two. */
// @ts-ignore: decorator
@inline
export function square(columns: usize, a0: v128, a1: v128, a2: v128, a3: v128, a4: v128): void {
  const c1 = constant(0);
  const c2 = constant(1);
  const d0 = f64x2.add(a0, a0);
  const d1 = f64x2.add(a1, a1);
  const d2 = f64x2.add(a2, a2);
  const d3 = f64x2.add(a3, a3);
  let h: v128, l: v128, lo: v128, hi: v128, carried: v128;

  // 2^0
  h = high(a0, a0, c1);
  l = low(a0, a0, h, c2);
  lo = l;
  hi = h;
  v128.store(columns, lo, 0);
  carried = hi;
  endColumn();
  // 2^51
  h = high(d0, a1, c1);
  l = low(d0, a1, h, c2);
  lo = i64x2.add(carried, l);
  hi = h;
  v128.store(columns, lo, 16);
  carried = hi;
  endColumn();
  // 2^102
  h = high(d0, a2, c1);
  l = low(d0, a2, h, c2);
  lo = i64x2.add(carried, l);
  hi = h;
  h = high(a1, a1, c1);
  l = low(a1, a1, h, c2);
  lo = i64x2.add(lo, l);
  hi = i64x2.add(hi, h);
  v128.store(columns, lo, 32);
  carried = hi;
  endColumn();
  // 2^153
  h = high(d0, a3, c1);
  l = low(d0, a3, h, c2);
  lo = i64x2.add(carried, l);
  hi = h;
  h = high(d1, a2, c1);
  l = low(d1, a2, h, c2);
  lo = i64x2.add(lo, l);
  hi = i64x2.add(hi, h);
  v128.store(columns, lo, 48);
  carried = hi;
  endColumn();
  // 2^204
  h = high(d0, a4, c1);
  l = low(d0, a4, h, c2);
  lo = i64x2.add(carried, l);
  hi = h;
  h = high(d1, a3, c1);
  l = low(d1, a3, h, c2);
  lo = i64x2.add(lo, l);
  hi = i64x2.add(hi, h);
  h = high(a2, a2, c1);
  l = low(a2, a2, h, c2);
  lo = i64x2.add(lo, l);
  hi = i64x2.add(hi, h);
  v128.store(columns, lo, 64);
  carried = hi;
  endColumn();
  // 2^255
  h = high(d1, a4, c1);
  l = low(d1, a4, h, c2);
  lo = i64x2.add(carried, l);
  hi = h;
  h = high(d2, a3, c1);
  l = low(d2, a3, h, c2);
  lo = i64x2.add(lo, l);
  hi = i64x2.add(hi, h);
  v128.store(columns, lo, 80);
  carried = hi;
  endColumn();
  // 2^306
  h = high(d2, a4, c1);
  l = low(d2, a4, h, c2);
  lo = i64x2.add(carried, l);
  hi = h;
  h = high(a3, a3, c1);
  l = low(a3, a3, h, c2);
  lo = i64x2.add(lo, l);
  hi = i64x2.add(hi, h);
  v128.store(columns, lo, 96);
  carried = hi;
  endColumn();
  // 2^357
  h = high(d3, a4, c1);
  l = low(d3, a4, h, c2);
  lo = i64x2.add(carried, l);
  hi = h;
  v128.store(columns, lo, 112);
  carried = hi;
  endColumn();
  // 2^408
  h = high(a4, a4, c1);
  l = low(a4, a4, h, c2);
  lo = i64x2.add(carried, l);
  hi = h;
  v128.store(columns, lo, 128);
  v128.store(columns, hi, 144);
  endColumn();
}

// @ts-ignore: decorator
@inline
export function squareAt(columns: usize, a: usize): void {
  square(columns, v128.load(a, 0), v128.load(a, 16), v128.load(a, 32), v128.load(a, 48), v128.load(a, 64));
}

export function mul(out: usize, a: usize, b: usize): void {
  const columns = scratch;
  multiply(columns, a, b);
  finish(columns, out, FOLDS);
}

export function sqr(out: usize, a: usize): void {
  const columns = scratch;
  squareAt(columns, a);
  finish(columns, out, SQUARE_FOLDS);
}

export function add(out: usize, a: usize, b: usize): void {
  v128.store(out, f64x2.add(v128.load(a, 0), v128.load(b, 0)), 0);
  v128.store(out, f64x2.add(v128.load(a, 16), v128.load(b, 16)), 16);
  v128.store(out, f64x2.add(v128.load(a, 32), v128.load(b, 32)), 32);
  v128.store(out, f64x2.add(v128.load(a, 48), v128.load(b, 48)), 48);
  v128.store(out, f64x2.add(v128.load(a, 64), v128.load(b, 64)), 64);
}

export function sub(out: usize, a: usize, b: usize): void {
  v128.store(out, f64x2.sub(v128.load(a, 0), v128.load(b, 0)), 0);
  v128.store(out, f64x2.sub(v128.load(a, 16), v128.load(b, 16)), 16);
  v128.store(out, f64x2.sub(v128.load(a, 32), v128.load(b, 32)), 32);
  v128.store(out, f64x2.sub(v128.load(a, 48), v128.load(b, 48)), 48);
  v128.store(out, f64x2.sub(v128.load(a, 64), v128.load(b, 64)), 64);
}

/** Minus the multiple of 2^51 that is nearest to a·c; exact. */
// @ts-ignore: decorator
@inline
export function negatedCarry(a: v128, c: v128, c1: v128): v128 {
  return f64x2.sub(c1, v128.relaxed_madd<f64>(a, c, c1));
}

export function mulSmall(out: usize, a: usize, factor: u32): void {
  const c1 = constant(0);
  const c = f64x2.splat(<f64>factor);
  const inverse = f64x2.splat(-INVERSE);
  const a0 = v128.load(a, 0);
  const a1 = v128.load(a, 16);
  const a2 = v128.load(a, 32);
  const a3 = v128.load(a, 48);
  const a4 = v128.load(a, 64);
  const q0 = negatedCarry(a0, c, c1);
  const q1 = negatedCarry(a1, c, c1);
  const q2 = negatedCarry(a2, c, c1);
  const q3 = negatedCarry(a3, c, c1);
  const q4 = negatedCarry(a4, c, c1);
  v128.store(out, v128.relaxed_madd<f64>(q4, f64x2.splat(-INVERSE_19), v128.relaxed_madd<f64>(a0, c, q0)), 0);
  v128.store(out, v128.relaxed_madd<f64>(q0, inverse, v128.relaxed_madd<f64>(a1, c, q1)), 16);
  v128.store(out, v128.relaxed_madd<f64>(q1, inverse, v128.relaxed_madd<f64>(a2, c, q2)), 32);
  v128.store(out, v128.relaxed_madd<f64>(q2, inverse, v128.relaxed_madd<f64>(a3, c, q3)), 48);
  v128.store(out, v128.relaxed_madd<f64>(q3, inverse, v128.relaxed_madd<f64>(a4, c, q4)), 64);
}

export function reduce(out: usize, a: usize): void {
  const c1 = constant(0);
  const inverse = f64x2.splat(-INVERSE);
  const a0 = v128.load(a, 0);
  const a1 = v128.load(a, 16);
  const a2 = v128.load(a, 32);
  const a3 = v128.load(a, 48);
  const a4 = v128.load(a, 64);
  const q0 = f64x2.sub(c1, f64x2.add(a0, c1));
  const q1 = f64x2.sub(c1, f64x2.add(a1, c1));
  const q2 = f64x2.sub(c1, f64x2.add(a2, c1));
  const q3 = f64x2.sub(c1, f64x2.add(a3, c1));
  const q4 = f64x2.sub(c1, f64x2.add(a4, c1));
  v128.store(out, v128.relaxed_madd<f64>(q4, f64x2.splat(-INVERSE_19), f64x2.add(a0, q0)), 0);
  v128.store(out, v128.relaxed_madd<f64>(q0, inverse, f64x2.add(a1, q1)), 16);
  v128.store(out, v128.relaxed_madd<f64>(q1, inverse, f64x2.add(a2, q2)), 32);
  v128.store(out, v128.relaxed_madd<f64>(q2, inverse, f64x2.add(a3, q3)), 48);
  v128.store(out, v128.relaxed_madd<f64>(q3, inverse, f64x2.add(a4, q4)), 64);
}

export function copy(out: usize, a: usize): void {
  memory.copy(out, a, 80);
}

// @ts-ignore: decorator
@inline
function swapLanesAt(out: usize, a: usize, offset: usize): void {
  const x = v128.load(a + offset);
  v128.store(out + offset, v128.shuffle<u64>(x, x, 1, 0));
}

export function swapLanes(out: usize, a: usize): void {
  swapLanesAt(out, a, 0);
  swapLanesAt(out, a, 16);
  swapLanesAt(out, a, 32);
  swapLanesAt(out, a, 48);
  swapLanesAt(out, a, 64);
}

export function swapIf(a: usize, b: usize, maskA: u64, maskB: u64): void {
  const mask = i64x2.replace_lane(i64x2.splat(maskA), 1, maskB);
  for (let i: usize = 0; i < 80; i += 16) {
    const x = v128.load(a + i);
    const y = v128.load(b + i);
    const difference = v128.and(v128.xor(x, y), mask);
    v128.store(a + i, v128.xor(x, difference));
    v128.store(b + i, v128.xor(y, difference));
  }
}

export function gather(out: usize, elementA: usize, elementB: usize): void {
  v128.store(out, v128.load_lane<u64>(elementB, v128.load_zero<u64>(elementA, 0), 1, 0), 0);
  v128.store(out, v128.load_lane<u64>(elementB, v128.load_zero<u64>(elementA, 8), 1, 8), 16);
  v128.store(out, v128.load_lane<u64>(elementB, v128.load_zero<u64>(elementA, 16), 1, 16), 32);
  v128.store(out, v128.load_lane<u64>(elementB, v128.load_zero<u64>(elementA, 24), 1, 24), 48);
  v128.store(out, v128.load_lane<u64>(elementB, v128.load_zero<u64>(elementA, 32), 1, 32), 64);
}

export function scatter(elementA: usize, elementB: usize, a: usize): void {
  for (let i: usize = 0; i < 5; i++) {
    const x = v128.load(a + (i << 4));
    v128.store_lane<u64>(elementA + (i << 3), x, 0);
    v128.store_lane<u64>(elementB + (i << 3), x, 1);
  }
}

const MASK_51: u64 = 0x7ffffffffffff;

/** The 255-bit number at `bytes` into the limbs of one lane, from 0 to 2^51 - 1. */
function loadLane(out: usize, bytes: usize): void {
  const w0 = load<u64>(bytes);
  const w1 = load<u64>(bytes, 8);
  const w2 = load<u64>(bytes, 16);
  const w3 = load<u64>(bytes, 24);
  store<f64>(out, <f64>(<i64>(w0 & MASK_51)), 0);
  store<f64>(out, <f64>(<i64>(((w0 >> 51) | (w1 << 13)) & MASK_51)), 16);
  store<f64>(out, <f64>(<i64>(((w1 >> 38) | (w2 << 26)) & MASK_51)), 32);
  store<f64>(out, <f64>(<i64>(((w2 >> 25) | (w3 << 39)) & MASK_51)), 48);
  store<f64>(out, <f64>(<i64>((w3 >> 12) & MASK_51)), 64);
}

export function fromBytes(out: usize, bytesA: usize, bytesB: usize): void {
  loadLane(out, bytesA);
  loadLane(out + 8, bytesB);
  reduce(out, out);
}

/** The number from 0 to p - 1 of one lane. */
function storeLane(bytes: usize, a: usize): void {
  storeCanonical(
    bytes,
    <i64>load<f64>(a),
    <i64>load<f64>(a, 16),
    <i64>load<f64>(a, 32),
    <i64>load<f64>(a, 48),
    <i64>load<f64>(a, 64),
  );
}

export function toBytes(bytesA: usize, bytesB: usize, a: usize): void {
  storeLane(bytesA, a);
  storeLane(bytesB, a + 8);
}
