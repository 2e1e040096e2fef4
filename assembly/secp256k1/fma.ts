// Arithmetic modulo p = 2^256 - c, c = 2^32 + 977, on two elements at once, one in each lane of a v128: the build with
// relaxed SIMD. See field.ts for what each function does, docs/cryptography.md for the proof of the bounds, and
// ../field/fma.ts for how a product of limbs is split in two by fused multiply-adds, and why columns are computed one by one.
//
//     element = l0 + l1·2^52 + l2·2^103 + l3·2^154 + l4·2^205        limbs: signed integers, held as f64
//
//     pair, 80 bytes      0        8        16                                  80
//                         ┌────────┬────────┬────────┬────────┬╌╌╌╌╌╌╌┬────────┐
//                         │ l0  A  │ l0  B  │ l1  A  │ l1  B  │       │ l4  B  │
//                         └────────┴────────┴────────┴────────┴╌╌╌╌╌╌╌┴────────┘
//
// 256 bits are one too many for limbs of 51 bits, so limb 0 has 52. With e = 0, 52, 103, 154, 205 and 256 more for the upper
// columns, a_i·b_j stands at 2^(e_i + e_j): in column i + j, but one bit higher where i and j are at least 1 and i + j at
// most 5. Those products take a doubled limb of b. Columns 0 and 5 are 52 bits wide, the others 51; with 52 bits the rest of
// a product cannot be made positive in the same subtraction, which costs one more.
//
// 2^256 = c has 33 bits: the upper columns must be limbs before they are multiplied by it. So a product is
//
//     columns 0 … 9  ──▶  limbs x5 … x9  ──▶  x5·c … x9·c, split, onto columns 0 … 4  ──▶  carry q over 2^256
//                                                                                    ──▶  q·c onto limbs 0 and 1  ──▶  limbs
import { endColumn } from "../field/fma";
import { take } from "../memory/workspace";
import { storeCanonical } from "./canonical";

/** 1.5·2^103, as f64 bits: what it is added to is rounded to a multiple of 2^51. */
const ROUND: u64 = 0x4668000000000000;
/** 1.5·2^103 + 3·2^51. */
const SPLIT: u64 = 0x4668000000000003;
/** 1.5·2^104. */
const ROUND_52: u64 = 0x4678000000000000;
/** 1.5·2^52: makes a signed rest positive. It is also what limb 0 has too much after the carry, 2^52 + 2^51. */
const ANCHOR: u64 = 0x4338000000000000;
/** 2^52. */
const TWO_52: u64 = 0x4330000000000000;
/** 2^52 + 2^50 + 2^11: what the other limbs have too much after the carry. */
const OFFSET: u64 = 0x4334000000000800;
/** 2^52 + 2^50 + 2^10: the same for limb 1, whose carry comes from one of 52 bits. */
const OFFSET_1: u64 = 0x4334000000000400;

// What is added to each column: 2^62, so that shifts may be unsigned, half of what the column carries, so that the carry is
// rounded, minus the exponents in the column; for column 9 the 1.5·2^52 that make it a double, minus what column 8 carries of
// its 2^62. The first five are for the columns after the upper ones came down. A test computes all of them anew.
// prettier-ignore
const CONSTANTS = memory.data<u64>([
  ROUND, ROUND, SPLIT, SPLIT, ROUND_52, ROUND_52, ANCHOR, ANCHOR,
  0xfffffffffffff, 0xfffffffffffff, 0x7ffffffffffff, 0x7ffffffffffff, TWO_52, TWO_52, OFFSET, OFFSET,
  OFFSET_1, OFFSET_1, 0xfffff, 0xfffff,
  // Minus the exponent of a high part and 2^11, plus 2^34: the carry over 2^256 is positive.
  0xb9980003fffff800, 0xb9980003fffff800,
  // Columns of one product.
  0xb997f0bc00000000, 0xb997f0bc00000000, 0xe96bffffffffc000, 0xe96bffffffffc000,
  0x5fec000000000000, 0x5fec000000000000, 0xd64c000000000000, 0xd64c000000000000,
  0x4cac000000000000, 0x4cac000000000000, 0xd320000000000000, 0xd320000000000000,
  0x5c7c000000000000, 0x5c7c000000000000, 0xe65c000000000000, 0xe65c000000000000,
  0x6ffc000000000000, 0x6ffc000000000000, 0xfccffffffffff800, 0xfccffffffffff800,
  // Columns of the sum of two.
  0x765ff0bc00000000, 0x765ff0bc00000000, 0x1c83ffffffffc000, 0x1c83ffffffffc000,
  0x0974000000000000, 0x0974000000000000, 0xf634000000000000, 0xf634000000000000,
  0xe2f4000000000000, 0xe2f4000000000000, 0x6638000000000000, 0x6638000000000000,
  0x78f4000000000000, 0x78f4000000000000, 0x8cb4000000000000, 0x8cb4000000000000,
  0x9ff4000000000000, 0x9ff4000000000000, 0xb667fffffffff800, 0xb667fffffffff800,
], 16);

// Places in CONSTANTS.
const FOLDS: usize = 11;
const DOUBLE_FOLDS: usize = 21;

const C: f64 = 4294968273.0;
/** 2^-51, 2^-52 and c·2^-51. */
const INVERSE: f64 = 1.0 / 2251799813685248.0;
const INVERSE_52: f64 = 1.0 / 4503599627370496.0;
const INVERSE_C: f64 = 4294968273.0 / 2251799813685248.0;

/** Ten columns of a product, then limbs 1 to 4 of an operand, doubled. */
const SCRATCH_BYTES: usize = 224;
/** Limb 1 stands at 160. */
const DOUBLED: usize = 144;

/** This instance's own: every operation reads this once and hands it on. */
let scratch: usize = 0;

export function initialise(): void {
  scratch = take(SCRATCH_BYTES);
}

export function wipe(): void {
  memory.fill(scratch, 0, SCRATCH_BYTES);
}

// @ts-ignore: decorator
@inline
function constant(index: usize): v128 {
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

/** The rest of a product split at 2^52. */
// @ts-ignore: decorator
@inline
function low52(a: v128, b: v128, h: v128, c1: v128, anchor: v128): v128 {
  return f64x2.add(v128.relaxed_madd<f64>(a, b, f64x2.sub(c1, h)), anchor);
}

// @ts-ignore: decorator
@inline
function doubleInto(columns: usize, b: usize, offset: usize): void {
  const x = v128.load(b + offset);
  v128.store(columns + offset, f64x2.add(x, x), DOUBLED);
}

/** A column: stored, or added to what is there. */
// @ts-ignore: decorator
@inline
function storeColumn(columns: usize, sum: v128, more: bool): void {
  v128.store(columns, more ? i64x2.add(sum, v128.load(columns)) : sum);
}

// @ts-ignore: decorator
@inline
function limbOf(a: usize, offset: usize, negative: bool): v128 {
  return negative ? f64x2.neg(v128.load(a + offset)) : v128.load(a + offset);
}

/** The ten columns of a·b, or with `negative` of -a·b; with `more` added to those that are there. */
// @ts-ignore: decorator
@inline
function multiply(columns: usize, a: usize, b: usize, negative: bool, more: bool): void {
  const c1 = constant(0);
  const c2 = constant(1);
  const c52 = constant(2);
  const anchor = constant(3);
  const a0 = limbOf(a, 0, negative);
  const a1 = limbOf(a, 16, negative);
  const a2 = limbOf(a, 32, negative);
  const a3 = limbOf(a, 48, negative);
  const a4 = limbOf(a, 64, negative);
  doubleInto(columns, b, 16);
  doubleInto(columns, b, 32);
  doubleInto(columns, b, 48);
  doubleInto(columns, b, 64);
  let h: v128, l: v128, lo: v128, hi: v128, carried: v128, y: v128;

  // 2^0
  y = v128.load(b, 0);
  h = high(a0, y, c52);
  l = low52(a0, y, h, c52, anchor);
  lo = l;
  hi = h;
  storeColumn(columns, lo, more);
  carried = hi;
  endColumn();
  // 2^52
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
  storeColumn(columns + 16, lo, more);
  carried = hi;
  endColumn();
  // 2^103
  y = v128.load(b, 32);
  h = high(a0, y, c1);
  l = low(a0, y, h, c2);
  lo = i64x2.add(carried, l);
  hi = h;
  y = v128.load(columns, DOUBLED + 16);
  h = high(a1, y, c1);
  l = low(a1, y, h, c2);
  lo = i64x2.add(lo, l);
  hi = i64x2.add(hi, h);
  y = v128.load(b, 0);
  h = high(a2, y, c1);
  l = low(a2, y, h, c2);
  lo = i64x2.add(lo, l);
  hi = i64x2.add(hi, h);
  storeColumn(columns + 32, lo, more);
  carried = hi;
  endColumn();
  // 2^154
  y = v128.load(b, 48);
  h = high(a0, y, c1);
  l = low(a0, y, h, c2);
  lo = i64x2.add(carried, l);
  hi = h;
  y = v128.load(columns, DOUBLED + 32);
  h = high(a1, y, c1);
  l = low(a1, y, h, c2);
  lo = i64x2.add(lo, l);
  hi = i64x2.add(hi, h);
  y = v128.load(columns, DOUBLED + 16);
  h = high(a2, y, c1);
  l = low(a2, y, h, c2);
  lo = i64x2.add(lo, l);
  hi = i64x2.add(hi, h);
  y = v128.load(b, 0);
  h = high(a3, y, c1);
  l = low(a3, y, h, c2);
  lo = i64x2.add(lo, l);
  hi = i64x2.add(hi, h);
  storeColumn(columns + 48, lo, more);
  carried = hi;
  endColumn();
  // 2^205
  y = v128.load(b, 64);
  h = high(a0, y, c1);
  l = low(a0, y, h, c2);
  lo = i64x2.add(carried, l);
  hi = h;
  y = v128.load(columns, DOUBLED + 48);
  h = high(a1, y, c1);
  l = low(a1, y, h, c2);
  lo = i64x2.add(lo, l);
  hi = i64x2.add(hi, h);
  y = v128.load(columns, DOUBLED + 32);
  h = high(a2, y, c1);
  l = low(a2, y, h, c2);
  lo = i64x2.add(lo, l);
  hi = i64x2.add(hi, h);
  y = v128.load(columns, DOUBLED + 16);
  h = high(a3, y, c1);
  l = low(a3, y, h, c2);
  lo = i64x2.add(lo, l);
  hi = i64x2.add(hi, h);
  y = v128.load(b, 0);
  h = high(a4, y, c1);
  l = low(a4, y, h, c2);
  lo = i64x2.add(lo, l);
  hi = i64x2.add(hi, h);
  storeColumn(columns + 64, lo, more);
  carried = hi;
  endColumn();
  // 2^256
  y = v128.load(columns, DOUBLED + 64);
  h = high(a1, y, c52);
  l = low52(a1, y, h, c52, anchor);
  lo = i64x2.add(carried, l);
  hi = h;
  y = v128.load(columns, DOUBLED + 48);
  h = high(a2, y, c52);
  l = low52(a2, y, h, c52, anchor);
  lo = i64x2.add(lo, l);
  hi = i64x2.add(hi, h);
  y = v128.load(columns, DOUBLED + 32);
  h = high(a3, y, c52);
  l = low52(a3, y, h, c52, anchor);
  lo = i64x2.add(lo, l);
  hi = i64x2.add(hi, h);
  y = v128.load(columns, DOUBLED + 16);
  h = high(a4, y, c52);
  l = low52(a4, y, h, c52, anchor);
  lo = i64x2.add(lo, l);
  hi = i64x2.add(hi, h);
  storeColumn(columns + 80, lo, more);
  carried = hi;
  endColumn();
  // 2^308
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
  storeColumn(columns + 96, lo, more);
  carried = hi;
  endColumn();
  // 2^359
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
  storeColumn(columns + 112, lo, more);
  carried = hi;
  endColumn();
  // 2^410
  y = v128.load(b, 64);
  h = high(a4, y, c1);
  l = low(a4, y, h, c2);
  lo = i64x2.add(carried, l);
  hi = h;
  storeColumn(columns + 128, lo, more);
  storeColumn(columns + 144, hi, more);
  endColumn();
}
/** The ten columns of a². Unequal limbs meet once, and the sums of their products are doubled. */
// @ts-ignore: decorator
@inline
function square(columns: usize, a: usize): void {
  const c1 = constant(0);
  const c2 = constant(1);
  const c52 = constant(2);
  const anchor = constant(3);
  const a0 = v128.load(a, 0);
  const a1 = v128.load(a, 16);
  const a2 = v128.load(a, 32);
  const a3 = v128.load(a, 48);
  const a4 = v128.load(a, 64);
  const d1 = f64x2.add(a1, a1);
  const d2 = f64x2.add(a2, a2);
  let h: v128, l: v128, lo: v128, hi: v128, carried: v128;

  // 2^0
  h = high(a0, a0, c52);
  l = low52(a0, a0, h, c52, anchor);
  lo = l;
  hi = h;
  v128.store(columns, lo, 0);
  carried = hi;
  endColumn();
  // 2^52
  h = high(a0, a1, c1);
  l = low(a0, a1, h, c2);
  lo = l;
  hi = h;
  lo = i64x2.add(lo, lo);
  hi = i64x2.add(hi, hi);
  v128.store(columns, i64x2.add(carried, lo), 16);
  carried = hi;
  endColumn();
  // 2^103
  h = high(a0, a2, c1);
  l = low(a0, a2, h, c2);
  lo = l;
  hi = h;
  lo = i64x2.add(lo, lo);
  hi = i64x2.add(hi, hi);
  h = high(d1, a1, c1);
  l = low(d1, a1, h, c2);
  lo = i64x2.add(lo, l);
  hi = i64x2.add(hi, h);
  v128.store(columns, i64x2.add(carried, lo), 32);
  carried = hi;
  endColumn();
  // 2^154
  h = high(a0, a3, c1);
  l = low(a0, a3, h, c2);
  lo = l;
  hi = h;
  h = high(d1, a2, c1);
  l = low(d1, a2, h, c2);
  lo = i64x2.add(lo, l);
  hi = i64x2.add(hi, h);
  lo = i64x2.add(lo, lo);
  hi = i64x2.add(hi, hi);
  v128.store(columns, i64x2.add(carried, lo), 48);
  carried = hi;
  endColumn();
  // 2^205
  h = high(a0, a4, c1);
  l = low(a0, a4, h, c2);
  lo = l;
  hi = h;
  h = high(d1, a3, c1);
  l = low(d1, a3, h, c2);
  lo = i64x2.add(lo, l);
  hi = i64x2.add(hi, h);
  lo = i64x2.add(lo, lo);
  hi = i64x2.add(hi, hi);
  h = high(d2, a2, c1);
  l = low(d2, a2, h, c2);
  lo = i64x2.add(lo, l);
  hi = i64x2.add(hi, h);
  v128.store(columns, i64x2.add(carried, lo), 64);
  carried = hi;
  endColumn();
  // 2^256
  h = high(d1, a4, c52);
  l = low52(d1, a4, h, c52, anchor);
  lo = l;
  hi = h;
  h = high(d2, a3, c52);
  l = low52(d2, a3, h, c52, anchor);
  lo = i64x2.add(lo, l);
  hi = i64x2.add(hi, h);
  lo = i64x2.add(lo, lo);
  hi = i64x2.add(hi, hi);
  v128.store(columns, i64x2.add(carried, lo), 80);
  carried = hi;
  endColumn();
  // 2^308
  h = high(a2, a4, c1);
  l = low(a2, a4, h, c2);
  lo = l;
  hi = h;
  lo = i64x2.add(lo, lo);
  hi = i64x2.add(hi, hi);
  h = high(a3, a3, c1);
  l = low(a3, a3, h, c2);
  lo = i64x2.add(lo, l);
  hi = i64x2.add(hi, h);
  v128.store(columns, i64x2.add(carried, lo), 96);
  carried = hi;
  endColumn();
  // 2^359
  h = high(a3, a4, c1);
  l = low(a3, a4, h, c2);
  lo = l;
  hi = h;
  lo = i64x2.add(lo, lo);
  hi = i64x2.add(hi, hi);
  v128.store(columns, i64x2.add(carried, lo), 112);
  carried = hi;
  endColumn();
  // 2^410
  h = high(a4, a4, c1);
  l = low(a4, a4, h, c2);
  lo = l;
  hi = h;
  v128.store(columns, i64x2.add(carried, lo), 128);
  v128.store(columns, hi, 144);
  endColumn();
}

/** Limb 0 or 5: what the mask leaves, as f64. */
// @ts-ignore: decorator
@inline
function limb(sum: v128, mask: v128, exponent: v128, offset: v128): v128 {
  return f64x2.sub(v128.or(v128.and(sum, mask), exponent), offset);
}

/** Another limb, with the carry of the one before it. */
// @ts-ignore: decorator
@inline
function limbAnd(sum: v128, carry: v128, mask: v128, exponent: v128, offset: v128): v128 {
  return f64x2.sub(i64x2.add(v128.or(v128.and(sum, mask), exponent), carry), offset);
}

/** Column k with its constant. */
// @ts-ignore: decorator
@inline
function column(columns: usize, k: usize, folds: usize): v128 {
  return i64x2.add(v128.load(columns + (k << 4)), constant(folds + k));
}

/**
 * Brings the upper five of ten columns down, carries, and stores limbs. All limbs of a half carry at the same time, none
 * waits for the one before: a power is one long chain of squares.
 */
// @ts-ignore: decorator
@inline
function finish(columns: usize, out: usize, folds: usize): void {
  const mask52 = constant(4);
  const mask = constant(5);
  const exponent = constant(6);
  const anchor = constant(3);
  const offset = constant(7);
  const offset1 = constant(8);
  const c1 = constant(0);
  const c2 = constant(1);
  const c52 = constant(2);
  const c = f64x2.splat(C);
  const u8 = column(columns, 8, folds);
  const x9 = f64x2.sub(i64x2.add(column(columns, 9, folds), i64x2.shr_u(u8, 51)), anchor);
  const u7 = column(columns, 7, folds);
  const x8 = limbAnd(u8, i64x2.shr_u(u7, 51), mask, exponent, offset);
  const h9 = high(x9, c, c1);
  const h8 = high(x8, c, c1);
  const r4 = i64x2.add(i64x2.add(column(columns, 4, folds), low(x9, c, h9, c2)), h8);
  const q = i64x2.add(i64x2.add(i64x2.shr_u(r4, 51), h9), constant(10));
  const u5 = column(columns, 5, folds);
  const u6 = column(columns, 6, folds);
  const x5 = limb(u5, mask52, exponent, anchor);
  const x6 = limbAnd(u6, i64x2.shr_u(u5, 52), mask, exponent, offset1);
  const x7 = limbAnd(u7, i64x2.shr_u(u6, 51), mask, exponent, offset);
  const h5 = high(x5, c, c52);
  const h6 = high(x6, c, c1);
  const h7 = high(x7, c, c1);
  // q·c = (q mod 2^20)·2^32 + 977·q on limb 0, q / 2^20 on limb 1.
  const q977 = i64x2.add(
    i64x2.sub(i64x2.shl(q, 10), i64x2.shl(q, 5)),
    i64x2.sub(q, i64x2.shl(q, 4)),
  );
  const r0 = i64x2.add(
    i64x2.add(column(columns, 0, folds), low52(x5, c, h5, c52, anchor)),
    i64x2.add(q977, i64x2.shl(v128.and(q, constant(9)), 32)),
  );
  const r1 = i64x2.add(
    i64x2.add(column(columns, 1, folds), low(x6, c, h6, c2)),
    i64x2.add(i64x2.shr_u(q, 20), h5),
  );
  const r2 = i64x2.add(i64x2.add(column(columns, 2, folds), low(x7, c, h7, c2)), h6);
  const r3 = i64x2.add(i64x2.add(column(columns, 3, folds), low(x8, c, h8, c2)), h7);
  v128.store(out, limb(r0, mask52, exponent, anchor), 0);
  v128.store(out, limbAnd(r1, i64x2.shr_u(r0, 52), mask, exponent, offset1), 16);
  v128.store(out, limbAnd(r2, i64x2.shr_u(r1, 51), mask, exponent, offset), 32);
  v128.store(out, limbAnd(r3, i64x2.shr_u(r2, 51), mask, exponent, offset), 48);
  v128.store(out, limbAnd(r4, i64x2.shr_u(r3, 51), mask, exponent, offset), 64);
}

export function mul(out: usize, a: usize, b: usize): void {
  const columns = scratch;
  multiply(columns, a, b, false, false);
  finish(columns, out, FOLDS);
}

export function sqr(out: usize, a: usize): void {
  const columns = scratch;
  square(columns, a);
  finish(columns, out, FOLDS);
}

export function mulAdd(out: usize, a: usize, b: usize, c: usize, d: usize): void {
  const columns = scratch;
  multiply(columns, a, b, false, false);
  multiply(columns, c, d, false, true);
  finish(columns, out, DOUBLE_FOLDS);
}

export function mulSub(out: usize, a: usize, b: usize, c: usize, d: usize): void {
  const columns = scratch;
  multiply(columns, a, b, false, false);
  multiply(columns, c, d, true, true);
  finish(columns, out, DOUBLE_FOLDS);
}

export function sqrAdd(out: usize, a: usize, c: usize, d: usize): void {
  const columns = scratch;
  square(columns, a);
  multiply(columns, c, d, false, true);
  finish(columns, out, DOUBLE_FOLDS);
}

/** Minus the multiple of what `round` rounds to that is nearest to a·f; exact. */
// @ts-ignore: decorator
@inline
function negatedCarry(a: v128, f: v128, round: v128): v128 {
  return f64x2.sub(round, v128.relaxed_madd<f64>(a, f, round));
}

/** Stores f times five limbs, carried once. */
// @ts-ignore: decorator
@inline
function storeTimes(out: usize, a0: v128, a1: v128, a2: v128, a3: v128, a4: v128, f: v128): void {
  const c1 = constant(0);
  const inverse = f64x2.splat(-INVERSE);
  const q0 = negatedCarry(a0, f, constant(2));
  const q1 = negatedCarry(a1, f, c1);
  const q2 = negatedCarry(a2, f, c1);
  const q3 = negatedCarry(a3, f, c1);
  const q4 = negatedCarry(a4, f, c1);
  v128.store(out, v128.relaxed_madd<f64>(q4, f64x2.splat(-INVERSE_C), v128.relaxed_madd<f64>(a0, f, q0)), 0);
  v128.store(out, v128.relaxed_madd<f64>(q0, f64x2.splat(-INVERSE_52), v128.relaxed_madd<f64>(a1, f, q1)), 16);
  v128.store(out, v128.relaxed_madd<f64>(q1, inverse, v128.relaxed_madd<f64>(a2, f, q2)), 32);
  v128.store(out, v128.relaxed_madd<f64>(q2, inverse, v128.relaxed_madd<f64>(a3, f, q3)), 48);
  v128.store(out, v128.relaxed_madd<f64>(q3, inverse, v128.relaxed_madd<f64>(a4, f, q4)), 64);
}

/** Stores five limbs, carried once. */
// @ts-ignore: decorator
@inline
function storeReduced(out: usize, a0: v128, a1: v128, a2: v128, a3: v128, a4: v128): void {
  const c1 = constant(0);
  const c52 = constant(2);
  const inverse = f64x2.splat(-INVERSE);
  const q0 = f64x2.sub(c52, f64x2.add(a0, c52));
  const q1 = f64x2.sub(c1, f64x2.add(a1, c1));
  const q2 = f64x2.sub(c1, f64x2.add(a2, c1));
  const q3 = f64x2.sub(c1, f64x2.add(a3, c1));
  const q4 = f64x2.sub(c1, f64x2.add(a4, c1));
  v128.store(out, v128.relaxed_madd<f64>(q4, f64x2.splat(-INVERSE_C), f64x2.add(a0, q0)), 0);
  v128.store(out, v128.relaxed_madd<f64>(q0, f64x2.splat(-INVERSE_52), f64x2.add(a1, q1)), 16);
  v128.store(out, v128.relaxed_madd<f64>(q1, inverse, f64x2.add(a2, q2)), 32);
  v128.store(out, v128.relaxed_madd<f64>(q2, inverse, f64x2.add(a3, q3)), 48);
  v128.store(out, v128.relaxed_madd<f64>(q3, inverse, f64x2.add(a4, q4)), 64);
}

export function mulSmall(out: usize, a: usize, factor: i32): void {
  storeTimes(
    out,
    v128.load(a, 0),
    v128.load(a, 16),
    v128.load(a, 32),
    v128.load(a, 48),
    v128.load(a, 64),
    f64x2.splat(<f64>factor),
  );
}

export function reduce(out: usize, a: usize): void {
  storeReduced(out, v128.load(a, 0), v128.load(a, 16), v128.load(a, 32), v128.load(a, 48), v128.load(a, 64));
}

// @ts-ignore: decorator
@inline
function sum(a: usize, b: usize, offset: usize): v128 {
  return f64x2.add(v128.load(a + offset), v128.load(b + offset));
}

// @ts-ignore: decorator
@inline
function difference(a: usize, b: usize, offset: usize): v128 {
  return f64x2.sub(v128.load(a + offset), v128.load(b + offset));
}

export function addTimes(out: usize, a: usize, b: usize, factor: i32): void {
  storeTimes(
    out,
    sum(a, b, 0),
    sum(a, b, 16),
    sum(a, b, 32),
    sum(a, b, 48),
    sum(a, b, 64),
    f64x2.splat(<f64>factor),
  );
}

export function add(out: usize, a: usize, b: usize): void {
  storeReduced(out, sum(a, b, 0), sum(a, b, 16), sum(a, b, 32), sum(a, b, 48), sum(a, b, 64));
}

export function sub(out: usize, a: usize, b: usize): void {
  storeReduced(
    out,
    difference(a, b, 0),
    difference(a, b, 16),
    difference(a, b, 32),
    difference(a, b, 48),
    difference(a, b, 64),
  );
}

/** One limb of the terms of a doubling: see field.ts. */
// @ts-ignore: decorator
@inline
function storeCarried(out: usize, rest: v128, carry: v128, inverse: v128): void {
  v128.store(out, v128.relaxed_madd<f64>(carry, inverse, rest));
}

export function doublingTerms(eight: usize, slope: usize, other: usize, a: usize, b: usize): void {
  // 21·b, which the other two are made of.
  storeTimes(
    other,
    v128.load(b, 0),
    v128.load(b, 16),
    v128.load(b, 32),
    v128.load(b, 48),
    v128.load(b, 64),
    f64x2.splat(21),
  );
  storeTimes(
    eight,
    v128.load(a, 0),
    v128.load(a, 16),
    v128.load(a, 32),
    v128.load(a, 48),
    v128.load(a, 64),
    f64x2.splat(8),
  );
  const c1 = constant(0);
  const c52 = constant(2);
  const two = f64x2.splat(2);
  const minusSix = f64x2.splat(-6);
  let previous: v128, q: v128, rest: v128, more: v128;

  // 2·a - 6·(21·b): what 6·(21·b) carries, and what the rest and 2·a carry together.
  const y4 = v128.load(other, 64);
  q = negatedCarry(y4, minusSix, c1);
  rest = v128.relaxed_madd<f64>(v128.load(a, 64), two, v128.relaxed_madd<f64>(y4, minusSix, q));
  more = f64x2.sub(c1, f64x2.add(rest, c1));
  const top = f64x2.add(rest, more);
  previous = f64x2.add(q, more);
  let inverse = f64x2.splat(-INVERSE_C);
  for (let i: usize = 0; i < 64; i += 16) {
    const round = i == 0 ? c52 : c1;
    const y = v128.load(other + i);
    q = negatedCarry(y, minusSix, round);
    rest = v128.relaxed_madd<f64>(v128.load(a + i), two, v128.relaxed_madd<f64>(y, minusSix, q));
    more = f64x2.sub(round, f64x2.add(rest, round));
    storeCarried(slope + i, f64x2.add(rest, more), previous, inverse);
    previous = f64x2.add(q, more);
    inverse = f64x2.splat(i == 0 ? -INVERSE_52 : -INVERSE);
  }
  storeCarried(slope + 64, top, previous, inverse);

  const sixtyThree = f64x2.splat(63);
  storeTimes(
    other,
    v128.relaxed_madd<f64>(v128.load(a, 0), two, f64x2.neg(v128.load(other, 0))),
    v128.relaxed_madd<f64>(v128.load(a, 16), two, f64x2.neg(v128.load(other, 16))),
    v128.relaxed_madd<f64>(v128.load(a, 32), two, f64x2.neg(v128.load(other, 32))),
    v128.relaxed_madd<f64>(v128.load(a, 48), two, f64x2.neg(v128.load(other, 48))),
    v128.relaxed_madd<f64>(v128.load(a, 64), two, f64x2.neg(v128.load(other, 64))),
    sixtyThree,
  );
}

const MASK_52: u64 = 0xfffffffffffff;
const MASK_51: u64 = 0x7ffffffffffff;

/** The 256-bit number at `bytes`, big-endian, into the limbs of one lane, none negative. */
function loadLane(out: usize, bytes: usize): void {
  const w0 = bswap<u64>(load<u64>(bytes, 24));
  const w1 = bswap<u64>(load<u64>(bytes, 16));
  const w2 = bswap<u64>(load<u64>(bytes, 8));
  const w3 = bswap<u64>(load<u64>(bytes, 0));
  store<f64>(out, <f64>(<i64>(w0 & MASK_52)), 0);
  store<f64>(out, <f64>(<i64>(((w0 >> 52) | (w1 << 12)) & MASK_51)), 16);
  store<f64>(out, <f64>(<i64>(((w1 >> 39) | (w2 << 25)) & MASK_51)), 32);
  store<f64>(out, <f64>(<i64>(((w2 >> 26) | (w3 << 38)) & MASK_51)), 48);
  store<f64>(out, <f64>(<i64>(w3 >> 13)), 64);
}

export function fromBytes(out: usize, bytesA: usize, bytesB: usize): void {
  loadLane(out, bytesA);
  loadLane(out + 8, bytesB);
  reduce(out, out);
}

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
