// Multiples of points by secret scalars, two at a time, in constant time. A scalar is taken apart into k1 + k2·λ of 128 bits
// each (order.ts), both in 26 signed digits of 5 bits, so that
//
//     k·P = Σ 2^(5i) · (d1_i·P + d2_i·λP)
//
// takes 125 doublings and 52 additions of table entries. λ·(X : Y : Z) = (βX : Y : Z), so one table serves both.
//
//     table, 4,080 bytes      entry j = 0 … 16: points j·P, infinity first
//
// Which entries are added depends on the secrets; so all are read every time, and signs are applied with masks.
import { mul, select, wipe } from "./field";
import { release, take } from "../memory/workspace";
import { BETA } from "./constants";
import { PART_BYTES, SCALAR_BYTES, signedDigits, split } from "./order";
import {
  POINTS_BYTES,
  X,
  Y,
  Z,
  add,
  addAffine,
  double,
  fromAffine,
  negatePointsIf,
  setInfinity,
  wipePoints,
} from "./points";

const WIDTH: u32 = 5;
const DIGITS: usize = 26;
const ENTRIES: usize = 16;
export const TABLE_BYTES: usize = (ENTRIES + 1) * POINTS_BYTES;

/** Of one scalar: the digits of k1 and of k2, and their signs as masks. */
const DIGITS_BYTES: usize = 112;
const SECOND: usize = 2 * DIGITS;
const SIGNS: usize = 4 * DIGITS;

/** table = the multiples of affine points. */
export function buildTable(table: usize, affine: usize): void {
  setInfinity(table);
  fromAffine(table + POINTS_BYTES, affine);
  double(table + 2 * POINTS_BYTES, table + POINTS_BYTES);
  for (let j: usize = 3; j <= ENTRIES; j++) {
    const entry = table + j * POINTS_BYTES;
    if (j & 1) addAffine(entry, entry - POINTS_BYTES, affine);
    else double(entry, table + (j >> 1) * POINTS_BYTES);
  }
}

function storeDigits(out: usize, scalar: usize): void {
  const part1 = take(2 * PART_BYTES);
  const part2 = part1 + PART_BYTES;
  const signs = split(part1, part2, scalar);
  signedDigits(out, part1, WIDTH, DIGITS);
  signedDigits(out + SECOND, part2, WIDTH, DIGITS);
  store<i32>(out, 0 - <i32>(signs & 1), SIGNS);
  store<i32>(out, 0 - <i32>(signs >> 1), SIGNS + 4);
  memory.fill(part1, 0, 2 * PART_BYTES);
  release(part1);
}

/** entry = digitA and digitB times the points of the table, negated where the sign is -1. */
// @ts-ignore: decorator
@inline
function selectEntry(entry: usize, table: usize, digitA: i32, digitB: i32, signA: i32, signB: i32): void {
  const negativeA = digitA >> 31;
  const negativeB = digitB >> 31;
  const indexA = (digitA ^ negativeA) - negativeA;
  const indexB = (digitB ^ negativeB) - negativeB;
  const first = table + POINTS_BYTES;
  select(entry + X, table + X, first + X, POINTS_BYTES, ENTRIES, indexA, indexB);
  select(entry + Y, table + Y, first + Y, POINTS_BYTES, ENTRIES, indexA, indexB);
  select(entry + Z, table + Z, first + Z, POINTS_BYTES, ENTRIES, indexA, indexB);
  negatePointsIf(entry, <i64>(negativeA ^ signA), <i64>(negativeB ^ signB));
}

/**
 * out = Σ scalarA_i times the first point of table i in the first lane, Σ scalarB_i times the second one in the second, for
 * `count` tables and as many scalars each, one after another: they share their doublings.
 */
export function multiply(out: usize, tables: usize, scalarsA: usize, scalarsB: usize, count: usize): void {
  const digits = take(2 * count * DIGITS_BYTES + POINTS_BYTES);
  const entry = digits + 2 * count * DIGITS_BYTES;
  for (let t: usize = 0; t < count; t++) {
    storeDigits(digits + 2 * t * DIGITS_BYTES, scalarsA + t * SCALAR_BYTES);
    storeDigits(digits + (2 * t + 1) * DIGITS_BYTES, scalarsB + t * SCALAR_BYTES);
  }
  setInfinity(out);
  for (let i = DIGITS; i > 0; ) {
    i--;
    if (i != DIGITS - 1) for (let j: u32 = 0; j < WIDTH; j++) double(out, out);
    for (let t: usize = 0; t < count; t++) {
      const table = tables + t * TABLE_BYTES;
      const a = digits + 2 * t * DIGITS_BYTES;
      const b = a + DIGITS_BYTES;
      const placeA = a + (i << 1);
      const placeB = b + (i << 1);
      selectEntry(entry, table, load<i16>(placeA), load<i16>(placeB), load<i32>(a, SIGNS), load<i32>(b, SIGNS));
      add(out, out, entry);
      selectEntry(
        entry,
        table,
        load<i16>(placeA, SECOND),
        load<i16>(placeB, SECOND),
        load<i32>(a, SIGNS + 4),
        load<i32>(b, SIGNS + 4),
      );
      mul(entry + X, entry + X, BETA);
      add(out, out, entry);
    }
  }
  memory.fill(digits, 0, 2 * count * DIGITS_BYTES + POINTS_BYTES);
  wipe();
  wipePoints();
  release(digits);
}
