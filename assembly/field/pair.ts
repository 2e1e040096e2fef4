// The field of both curves, integers modulo p = 2^255 - 19, two elements at a time: a pair, 80 bytes at a 16-byte aligned
// address. What is done to one element is done to the other. Which arithmetic computes is settled by the build: fma.ts with
// relaxed SIMD, limbs.ts without SIMD. Their pairs look different inside; only these functions read them.
//
// Additions and subtractions do not carry, so that they cost next to nothing. What an operand may be is counted in reduced
// elements ("sum of n" is what n - 1 additions or subtractions of reduced elements give). The bound behind it, for the build
// with relaxed SIMD: |a_i·b_j| <= 2^102, with |a_i| <= 2^50 + 2^17 when reduced. So a product takes
//
//     reduced × reduced, reduced × sum of 2, reduced × sum of 3        but never        sum × sum
//
// All results are reduced but those of add and sub, and the second of subMulAdd and of lanesSubMulAdd. No function branches
// on, or addresses by, the value of an element.
import * as fma from "./fma";
import * as fused from "./fma-fused";
import * as limbs from "./limbs";

/** Bytes of a pair. */
export const PAIR_BYTES: usize = 80;
/** Bytes of one element by itself, as gather and scatter have it. */
export const ELEMENT_BYTES: usize = 40;

/** Takes what the arithmetic of this instance keeps; once, before anything else. */
// @ts-ignore: decorator
@inline
export function initialise(): void {
  if (ASC_FEATURE_RELAXED_SIMD) fma.initialise();
  else limbs.initialise();
}

/** Overwrites what the last multiplication left behind: after work on secrets. */
// @ts-ignore: decorator
@inline
export function wipe(): void {
  if (ASC_FEATURE_RELAXED_SIMD) fma.wipe();
  else limbs.wipe();
}

/** out = a·b. Operands: one reduced, one a sum of up to three. As everywhere, out may be an operand. */
// @ts-ignore: decorator
@inline
export function mul(out: usize, a: usize, b: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) fma.mul(out, a, b);
  else limbs.mul(out, a, b);
}

/** out = a². Operand: reduced. */
// @ts-ignore: decorator
@inline
export function sqr(out: usize, a: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) fma.sqr(out, a);
  else limbs.sqr(out, a);
}

/** outSum = a·b + c·d, outDifference = a·b - c·d; cheaper than in steps. Operands: of each product as mul takes them. */
// @ts-ignore: decorator
@inline
export function mulAddSub(outSum: usize, outDifference: usize, a: usize, b: usize, c: usize, d: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) fused.mulAddSub(outSum, outDifference, a, b, c, d);
  else limbs.mulAddSub(outSum, outDifference, a, b, c, d);
}

/** outSum = a² + c·d, outDifference = a² - c·d. Operands: a as sqr, c and d as mul takes them. */
// @ts-ignore: decorator
@inline
export function sqrAddSub(outSum: usize, outDifference: usize, a: usize, c: usize, d: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) fused.sqrAddSub(outSum, outDifference, a, c, d);
  else limbs.sqrAddSub(outSum, outDifference, a, c, d);
}

/** out = a², but b² in the lanes whose mask is all ones and not 0; in constant time. Operands: reduced. */
// @ts-ignore: decorator
@inline
export function sqrEither(out: usize, a: usize, b: usize, maskA: u64, maskB: u64): void {
  if (ASC_FEATURE_RELAXED_SIMD) fused.sqrEither(out, a, b, maskA, maskB);
  else limbs.sqrEither(out, a, b, maskA, maskB);
}

/** outDifference = a - b, reduced; outSum = a + factor·(a - b), a sum of two. Operands: reduced, a no output; factor below 2^17. */
// @ts-ignore: decorator
@inline
export function subMulAdd(outDifference: usize, outSum: usize, a: usize, b: usize, factor: u32): void {
  if (ASC_FEATURE_RELAXED_SIMD) fused.subMulAdd(outDifference, outSum, a, b, factor);
  else limbs.subMulAdd(outDifference, outSum, a, b, factor);
}

/** out = a + b, not carried. */
// @ts-ignore: decorator
@inline
export function add(out: usize, a: usize, b: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) fma.add(out, a, b);
  else limbs.add(out, a, b);
}

/** out = a - b, not carried. */
// @ts-ignore: decorator
@inline
export function sub(out: usize, a: usize, b: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) fma.sub(out, a, b);
  else limbs.sub(out, a, b);
}

/** out = factor·a, reduced. Operand: a sum of up to two; factor below 2^17. */
// @ts-ignore: decorator
@inline
export function mulSmall(out: usize, a: usize, factor: u32): void {
  if (ASC_FEATURE_RELAXED_SIMD) fma.mulSmall(out, a, factor);
  else limbs.mulSmall(out, a, factor);
}

/** out = a, reduced. Operand: a sum of up to four. */
// @ts-ignore: decorator
@inline
export function reduce(out: usize, a: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) fma.reduce(out, a);
  else limbs.reduce(out, a);
}

/** out = a. */
// @ts-ignore: decorator
@inline
export function copy(out: usize, a: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) fma.copy(out, a);
  else limbs.copy(out, a);
}

/** out = a with its elements exchanged. */
// @ts-ignore: decorator
@inline
export function swapLanes(out: usize, a: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) fma.swapLanes(out, a);
  else limbs.swapLanes(out, a);
}

/** out = (x + y, x - y) of (x, y) = a·b. Operands: as mul takes them. */
// @ts-ignore: decorator
@inline
export function mulLanesAddSub(out: usize, a: usize, b: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) fused.mulLanesAddSub(out, a, b);
  else limbs.mulLanesAddSub(out, a, b);
}

/**
 * Of a = (x, y): outA = (x, x - y), reduced; outB = (y, x + factor·(x - y)), a sum of two. Operand: reduced, no output;
 * factor below 2^17.
 */
// @ts-ignore: decorator
@inline
export function lanesSubMulAdd(outA: usize, outB: usize, a: usize, factor: u32): void {
  if (ASC_FEATURE_RELAXED_SIMD) fused.lanesSubMulAdd(outA, outB, a, factor);
  else limbs.lanesSubMulAdd(outA, outB, a, factor);
}

/** Exchanges a and b in the lanes whose mask is all ones, not where it is 0; in constant time. */
// @ts-ignore: decorator
@inline
export function swapIf(a: usize, b: usize, maskA: u64, maskB: u64): void {
  if (ASC_FEATURE_RELAXED_SIMD) fma.swapIf(a, b, maskA, maskB);
  else limbs.swapIf(a, b, maskA, maskB);
}

/** out = two elements of ELEMENT_BYTES each. */
// @ts-ignore: decorator
@inline
export function gather(out: usize, elementA: usize, elementB: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) fma.gather(out, elementA, elementB);
  else limbs.gather(out, elementA, elementB);
}

/** Stores the two elements of a, ELEMENT_BYTES each. */
// @ts-ignore: decorator
@inline
export function scatter(elementA: usize, elementB: usize, a: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) fma.scatter(elementA, elementB, a);
  else limbs.scatter(elementA, elementB, a);
}

/** out = two numbers of 32 bytes, little-endian, reduced; bit 255 is ignored, numbers from p to 2^255 - 1 are taken modulo p. */
// @ts-ignore: decorator
@inline
export function fromBytes(out: usize, bytesA: usize, bytesB: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) fma.fromBytes(out, bytesA, bytesB);
  else limbs.fromBytes(out, bytesA, bytesB);
}

/** Stores the two elements as 32 bytes each, little-endian, from 0 to p - 1. Operand: a sum of up to four. */
// @ts-ignore: decorator
@inline
export function toBytes(bytesA: usize, bytesB: usize, a: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) fma.toBytes(bytesA, bytesB, a);
  else limbs.toBytes(bytesA, bytesB, a);
}
