// Points of the curve of Ed25519, two at a time: one in each lane of the pairs of assembly/field/pair.ts. The formulas are
// those of Hisil, Wong, Carter and Dawson (2008) for a = -1, as RFC 8032, section 5.1.4 has them; they are complete: right
// for all points of the curve, equal, opposite or neutral. No function here branches on a value, but for decompress.
//
//     points, 320 bytes   ┌────────┬────────┬────────┬────────┐
//                         │ X A,B  │ Y A,B  │ Z A,B  │ T A,B  │   x = X/Z, y = Y/Z, x·y = T/Z
//                         └────────┴────────┴────────┴────────┘
//     affine, 240 bytes   ┌─────────┬─────────┬──────────────┐
//                         │ y+x A,B │ y-x A,B │ 2·d·x·y A,B  │      to be added to points, with Z = 1
//                         └─────────┴─────────┴──────────────┘
//     cached, 320 bytes   ┌─────────┬─────────┬─────────┬────────┐
//                         │ Y+X A,B │ Y-X A,B │ 2·d·T   │ 2·Z    │   to be added to points
//                         └─────────┴─────────┴─────────┴────────┘
//
// All are 16-byte aligned, and all their elements are reduced but 2·Z, a sum of two.
import { invertPair } from "../field/divsteps";
import { PAIR_BYTES, add, copy, fromBytes, mul, reduce, sqr, sub, swapIf, toBytes, wipe as wipeField } from "../field/pair";
import { plusMinus, plusMinusReduced, plusReducedMinus } from "../field/steps";
import { invert, power252 } from "../field/power";
import { release, take } from "../memory/workspace";
import { D, D2, ONE, ROOT, ZERO, initialiseConstants } from "./constants";

export const POINTS_BYTES: usize = 320;
export const AFFINE_BYTES: usize = 240;
export const CACHED_BYTES: usize = 320;

// Offsets in points, and in affine and cached: PLUS = y + x, MINUS = y - x, PRODUCT = 2·d·x·y, TWICE = 2·Z.
export const X: usize = 0;
export const Y: usize = 80;
export const Z: usize = 160;
export const T: usize = 240;
export const PLUS: usize = 0;
export const MINUS: usize = 80;
export const PRODUCT: usize = 160;
export const TWICE: usize = 240;

/** Intermediate values of the formulas: room of this instance. */
let scratch: usize = 0;
const SCRATCH_BYTES: usize = 5 * PAIR_BYTES;

/** After the field's; once. */
export function initialise(): void {
  scratch = take(SCRATCH_BYTES);
  initialiseConstants();
}

/** Overwrites what the last operation left behind: after work on secrets. */
export function wipe(): void {
  memory.fill(scratch, 0, SCRATCH_BYTES);
}

/** out = the neutral element, twice. */
export function setNeutral(out: usize): void {
  copy(out + X, ZERO);
  copy(out + Y, ONE);
  copy(out + Z, ONE);
  copy(out + T, ZERO);
}

/** From E, F, G, H in scratch: X = E·F, Y = G·H, Z = F·G, T = E·H. */
// @ts-ignore: decorator
@inline
function finish(out: usize): void {
  const e = scratch;
  const f = scratch + PAIR_BYTES;
  const g = scratch + 2 * PAIR_BYTES;
  const h = scratch + 3 * PAIR_BYTES;
  mul(out + X, e, f);
  mul(out + Y, g, h);
  mul(out + Z, g, f);
  mul(out + T, e, h);
}

/** out = 2·p. As everywhere, out may be p. T of p is not read. */
export function double(out: usize, p: usize): void {
  const e = scratch;
  const f = scratch + PAIR_BYTES;
  const g = scratch + 2 * PAIR_BYTES;
  const h = scratch + 3 * PAIR_BYTES;
  add(e, p + Y, p + Y);
  mul(e, p + X, e); // E = 2XY: instead of (X + Y)² - X² - Y², which would have to be reduced
  sqr(f, p + X);
  sqr(g, p + Y);
  // G = Y² - X², F = 2Z² - G, H = X² + Y²: the signs of F and H turned together, which changes no point.
  plusMinusReduced(h, g, g, f);
  sqr(f, p + Z);
  add(f, f, f);
  sub(f, f, g);
  finish(out);
}

/** From A, B, C in scratch and 2·Z1·Z2 at twice: E = B - A, F = 2ZZ - C, G = 2ZZ + C, H = B + A; then the products. */
// @ts-ignore: decorator
@inline
function finishAddition(out: usize, twice: usize): void {
  const a = scratch;
  const b = scratch + 3 * PAIR_BYTES;
  const c = scratch + 2 * PAIR_BYTES;
  const f = scratch + PAIR_BYTES;
  plusReducedMinus(c, f, twice, c);
  plusMinusReduced(b, a, b, a);
  mul(out + X, a, f);
  mul(out + Y, c, b);
  mul(out + Z, c, f);
  mul(out + T, a, b);
}

/** A = (Y - X)·minus, B = (Y + X)·plus, C = T·product. */
// @ts-ignore: decorator
@inline
function multiplyAcross(p: usize, q: usize): void {
  const a = scratch;
  const b = scratch + 3 * PAIR_BYTES;
  const c = scratch + 2 * PAIR_BYTES;
  plusMinus(b, a, p + Y, p + X);
  mul(a, a, q + MINUS);
  mul(b, b, q + PLUS);
  mul(c, p + T, q + PRODUCT);
}

/** out = p + q, q affine. */
export function addAffine(out: usize, p: usize, q: usize): void {
  multiplyAcross(p, q);
  const twice = scratch + 4 * PAIR_BYTES;
  add(twice, p + Z, p + Z);
  finishAddition(out, twice);
}

/** out = p + q, q cached. */
export function addCached(out: usize, p: usize, q: usize): void {
  multiplyAcross(p, q);
  const twice = scratch + 4 * PAIR_BYTES;
  mul(twice, p + Z, q + TWICE);
  finishAddition(out, twice);
}

/** out = p, to be added often. */
export function toCached(out: usize, p: usize): void {
  add(out + PLUS, p + Y, p + X);
  reduce(out + PLUS, out + PLUS);
  sub(out + MINUS, p + Y, p + X);
  reduce(out + MINUS, out + MINUS);
  mul(out + PRODUCT, p + T, D2);
  add(out + TWICE, p + Z, p + Z);
}

/** out = p, whose Z must be 1, to be added often. */
export function toAffine(out: usize, p: usize): void {
  add(out + PLUS, p + Y, p + X);
  reduce(out + PLUS, out + PLUS);
  sub(out + MINUS, p + Y, p + X);
  reduce(out + MINUS, out + MINUS);
  mul(out + PRODUCT, p + T, D2);
}

/** Makes Z = 1: one inversion for both lanes. */
export function normalise(p: usize): void {
  const inverse = take(PAIR_BYTES);
  invert(inverse, p + Z);
  mul(p + X, p + X, inverse);
  mul(p + Y, p + Y, inverse);
  copy(p + Z, ONE);
  mul(p + T, p + X, p + Y);
  memory.fill(inverse, 0, PAIR_BYTES);
  release(inverse);
}

/** Stores the encodings of two points: y, and the low bit of x in the highest bit (RFC 8032, section 5.1.2). */
export function compress(bytesA: usize, bytesB: usize, p: usize): void {
  const x = take(2 * PAIR_BYTES + 64);
  const y = x + PAIR_BYTES;
  const bytes = y + PAIR_BYTES;
  invertPair(y, p + Z);
  mul(x, p + X, y);
  mul(y, p + Y, y);
  toBytes(bytes, bytes + 32, x);
  toBytes(bytesA, bytesB, y);
  store<u8>(bytesA, load<u8>(bytesA, 31) | (load<u8>(bytes) << 7), 31);
  store<u8>(bytesB, load<u8>(bytesB, 31) | (load<u8>(bytes, 32) << 7), 31);
  memory.fill(x, 0, 2 * PAIR_BYTES + 64);
  wipeField();
  release(x);
}

/** Whether the 255-bit number at `bytes` is below p; bit 255 is ignored. */
// @ts-ignore: decorator
@inline
function belowP(bytes: usize): bool {
  return (
    load<u64>(bytes) < 0xffffffffffffffed ||
    (load<u64>(bytes, 8) & load<u64>(bytes, 16) & (load<u64>(bytes, 24) | 0x8000000000000000)) != 0xffffffffffffffff
  );
}

// @ts-ignore: decorator
@inline
function isZero32(bytes: usize): bool {
  return (load<u64>(bytes) | load<u64>(bytes, 8) | load<u64>(bytes, 16) | load<u64>(bytes, 24)) == 0;
}

/**
 * out = the points encoded at bytesA and bytesB (RFC 8032, section 5.1.3), with Z = 1. Returns which lanes hold a point:
 * bit 0 and bit 1. A lane holds none when y is p or more, when no x belongs to y, or when x is 0 and its sign is 1; what
 * that lane holds then is of no use. For public values: the time depends on them.
 */
export function decompress(out: usize, bytesA: usize, bytesB: usize): u32 {
  const x = out + X;
  const y = out + Y;
  const pairs = take(4 * PAIR_BYTES + 128);
  const u = pairs;
  const v = u + PAIR_BYTES;
  const w = v + PAIR_BYTES;
  const t = w + PAIR_BYTES;
  const bytes = t + PAIR_BYTES;

  const signA = load<u8>(bytesA, 31) >> 7;
  const signB = load<u8>(bytesB, 31) >> 7;
  let validA = belowP(bytesA);
  let validB = belowP(bytesB);

  // x² = u/v with u = y² - 1, v = d·y² + 1; the candidate is x = u·v³·(u·v^7)^((p - 5) / 8).
  fromBytes(y, bytesA, bytesB);
  sqr(t, y);
  sub(u, t, ONE);
  reduce(u, u);
  mul(v, t, D);
  add(v, v, ONE);
  reduce(v, v);
  sqr(t, v);
  mul(t, t, v);
  mul(w, t, u); // u·v³
  sqr(t, t);
  mul(t, t, v);
  mul(t, t, u); // u·v^7
  power252(x, t);
  mul(x, x, w);

  // v·x² is u, or -u and x takes a root of -1, or neither.
  sqr(t, x);
  mul(t, t, v);
  sub(w, t, u);
  toBytes(bytes, bytes + 32, w);
  add(w, t, u);
  toBytes(bytes + 64, bytes + 96, w);
  const rightA = isZero32(bytes);
  const rightB = isZero32(bytes + 32);
  validA = validA && (rightA || isZero32(bytes + 64));
  validB = validB && (rightB || isZero32(bytes + 96));
  mul(w, x, ROOT);
  swapIf(x, w, rightA ? 0 : -1, rightB ? 0 : -1);

  toBytes(bytes, bytes + 32, x);
  if (signA && isZero32(bytes)) validA = false;
  if (signB && isZero32(bytes + 32)) validB = false;
  sub(w, ZERO, x);
  swapIf(x, w, (load<u8>(bytes) & 1) == signA ? 0 : -1, (load<u8>(bytes, 32) & 1) == signB ? 0 : -1);

  copy(out + Z, ONE);
  mul(out + T, x, y);
  release(pairs);
  return (validA ? 1 : 0) | (validB ? 2 : 0);
}
