// The field of secp256k1, integers modulo p = 2^256 - 2^32 - 977, two elements at a time: a pair, 80 bytes at a 16-byte
// aligned address. What is done to one element is done to the other. Which arithmetic computes is settled by the build: fma.ts
// with relaxed SIMD, limbs.ts without SIMD. Their pairs look different inside; only these functions read them, and those of
// ../field that move elements without looking inside: copy, swapLanes, swapIf, gather, scatter, the joins, select, negateIf.
//
// Unlike pairs modulo 2^255 - 19, all are reduced, sums and differences too: with 256 bits there is no room in five limbs for
// what an addition leaves uncarried. Every operand is such a result, or of copy and its like. No function branches on, or
// addresses by, the value of an element.
import * as fma from "./fma";
import * as limbs from "./limbs";

export { ELEMENT_BYTES, PAIR_BYTES, copy, gather, scatter, swapIf, swapLanes } from "../field/pair";
export { negateIf, select } from "../field/select";

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

/** out = a·b. As everywhere, out may be an operand. */
// @ts-ignore: decorator
@inline
export function mul(out: usize, a: usize, b: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) fma.mul(out, a, b);
  else limbs.mul(out, a, b);
}

/** out = a². */
// @ts-ignore: decorator
@inline
export function sqr(out: usize, a: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) fma.sqr(out, a);
  else limbs.sqr(out, a);
}

/** out = a·b + c·d: less than two products. */
// @ts-ignore: decorator
@inline
export function mulAdd(out: usize, a: usize, b: usize, c: usize, d: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) fma.mulAdd(out, a, b, c, d);
  else limbs.mulAdd(out, a, b, c, d);
}

/** out = a·b - c·d. */
// @ts-ignore: decorator
@inline
export function mulSub(out: usize, a: usize, b: usize, c: usize, d: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) fma.mulSub(out, a, b, c, d);
  else limbs.mulSub(out, a, b, c, d);
}

/** out = a² + c·d. */
// @ts-ignore: decorator
@inline
export function sqrAdd(out: usize, a: usize, c: usize, d: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) fma.sqrAdd(out, a, c, d);
  else limbs.sqrAdd(out, a, c, d);
}

/** out = factor·a; the factor from -2047 to 2047. */
// @ts-ignore: decorator
@inline
export function mulSmall(out: usize, a: usize, factor: i32): void {
  if (ASC_FEATURE_RELAXED_SIMD) fma.mulSmall(out, a, factor);
  else limbs.mulSmall(out, a, factor);
}

/** out = factor·(a + b); the factor from -1023 to 1023. */
// @ts-ignore: decorator
@inline
export function addTimes(out: usize, a: usize, b: usize, factor: i32): void {
  if (ASC_FEATURE_RELAXED_SIMD) fma.addTimes(out, a, b, factor);
  else limbs.addTimes(out, a, b, factor);
}

/**
 * What doubling a point takes of a = Y² and b = Z², in one go: eight = 8·a, slope = 2·a - 126·b, other = 63·(2·a - 21·b). No
 * result may be an operand.
 */
// @ts-ignore: decorator
@inline
export function doublingTerms(eight: usize, slope: usize, other: usize, a: usize, b: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) fma.doublingTerms(eight, slope, other, a, b);
  else limbs.doublingTerms(eight, slope, other, a, b);
}

/** out = a + b. */
// @ts-ignore: decorator
@inline
export function add(out: usize, a: usize, b: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) fma.add(out, a, b);
  else limbs.add(out, a, b);
}

/** out = a - b. */
// @ts-ignore: decorator
@inline
export function sub(out: usize, a: usize, b: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) fma.sub(out, a, b);
  else limbs.sub(out, a, b);
}

/** out = two numbers of 32 bytes, big-endian; numbers from p on are taken modulo p. */
// @ts-ignore: decorator
@inline
export function fromBytes(out: usize, bytesA: usize, bytesB: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) fma.fromBytes(out, bytesA, bytesB);
  else limbs.fromBytes(out, bytesA, bytesB);
}

/** Stores the two elements as 32 bytes each, big-endian, from 0 to p - 1. */
// @ts-ignore: decorator
@inline
export function toBytes(bytesA: usize, bytesB: usize, a: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) fma.toBytes(bytesA, bytesB, a);
  else limbs.toBytes(bytesA, bytesB, a);
}
