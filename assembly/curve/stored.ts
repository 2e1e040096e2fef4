// A point of a sum: affine, ready to be added with either sign, as four elements of the field. Whole arrays of them are
// read one lane at a time, so they are not pairs.
//
//     160 bytes   ┌───────┬───────┬─────────┬──────────┐
//                 │ y + x │ y - x │ 2·d·x·y │ -2·d·x·y │
//                 └───────┴───────┴─────────┴──────────┘
import { joinAA } from "../field/lanes";
import { ELEMENT_BYTES, PAIR_BYTES, add, gather, mul, reduce, scatter, sub, swapLanes } from "../field/pair";
import { release, take } from "../memory/workspace";
import { FOUR, ZERO } from "./constants";
import { AFFINE_BYTES, MINUS, PLUS, PRODUCT, toAffine } from "./edwards";

export const STORED_BYTES: usize = 160;

const STORED_MINUS: usize = ELEMENT_BYTES;
const STORED_PRODUCT: usize = 2 * ELEMENT_BYTES;
const STORED_NEGATED: usize = 3 * ELEMENT_BYTES;

/** Stores both of `points` (edwards.ts), whose Z must be 1. */
export function storePoints(storedA: usize, storedB: usize, points: usize): void {
  const affine = take(AFFINE_BYTES);
  toAffine(affine, points);
  scatter(storedA, storedB, affine + PLUS);
  scatter(storedA + STORED_MINUS, storedB + STORED_MINUS, affine + MINUS);
  scatter(storedA + STORED_PRODUCT, storedB + STORED_PRODUCT, affine + PRODUCT);
  sub(affine, ZERO, affine + PRODUCT);
  scatter(storedA + STORED_NEGATED, storedB + STORED_NEGATED, affine);
  release(affine);
}

/** out = two stored points as affine of edwards.ts, each negated where its sign is 1. */
// @ts-ignore: decorator
@inline
export function gatherStored(out: usize, storedA: usize, signA: usize, storedB: usize, signB: usize): void {
  const offsetA = signA * ELEMENT_BYTES;
  const offsetB = signB * ELEMENT_BYTES;
  gather(out + PLUS, storedA + offsetA, storedB + offsetB);
  gather(out + MINUS, storedA + STORED_MINUS - offsetA, storedB + STORED_MINUS - offsetB);
  gather(out + PRODUCT, storedA + STORED_PRODUCT + offsetA, storedB + STORED_PRODUCT + offsetB);
}

/** out = the stored point as point of single.ts: (4x : 4y : 4 : 4xy). */
export function singleFromStored(out: usize, stored: usize): void {
  const pairs = take(2 * PAIR_BYTES);
  const sum = pairs + PAIR_BYTES;
  gather(pairs, stored, stored + STORED_MINUS);
  swapLanes(sum, pairs);
  add(out, pairs, sum); // 2y
  sub(pairs, pairs, sum); // 2x
  joinAA(pairs, pairs, out);
  reduce(pairs, pairs);
  add(out, pairs, pairs);
  reduce(out, out);
  swapLanes(sum, pairs);
  mul(sum, sum, pairs);
  joinAA(out + PAIR_BYTES, FOUR, sum);
  release(pairs);
}
