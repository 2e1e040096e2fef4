// The sum of a few multiples of points (Straus): one chain of doublings for all of them, on one point over both lanes. For
// public values: time and addresses depend on them.
import { release, take } from "../memory/workspace";
import { BASE } from "./constants";
import { POINTS_BYTES, decompress } from "./edwards";
import { wnaf } from "./order";
import { upperPoints } from "./prepared-key";
import { SINGLE_BYTES, addCached, double, fromLane, setNeutral, subCached, toCached } from "./single";
import { STORED_BYTES, singleFromStored, storePoints } from "./stored";

/** Digits of a point's scalar are odd and below 16, so a table holds the odd multiples up to 15: P, 3P, … 15P. */
const WIDTH: u32 = 5;
const TABLE_POINTS: usize = 8;
const TABLE_BYTES: usize = TABLE_POINTS * SINGLE_BYTES;

/** The table of the base point is made once, so it may be larger: odd multiples up to 127. */
const BASE_WIDTH: u32 = 8;
const BASE_POINTS: usize = 64;

const DIGITS: usize = 256;

const BASE_TABLE_BYTES: usize = BASE_POINTS * SINGLE_BYTES;

// Odd multiples of the base point B and of 2^127·B, and both themselves as stored points: room of this instance.
let baseTable: usize = 0;
let upperTable: usize = 0;
export let baseStored: usize = 0;
export let upperStored: usize = 0;

/** After the initialisation of single.ts; once. */
export function initialise(): void {
  baseTable = take(2 * (BASE_TABLE_BYTES + STORED_BYTES));
  upperTable = baseTable + BASE_TABLE_BYTES;
  baseStored = upperTable + BASE_TABLE_BYTES;
  upperStored = baseStored + STORED_BYTES;
  const points = take(POINTS_BYTES + SINGLE_BYTES);
  const base = points + POINTS_BYTES;
  decompress(points, BASE, BASE);
  storePoints(baseStored, upperStored, points);
  fromLane(base, points, 0);
  oddMultiples(baseTable, base, BASE_POINTS);
  upperPoints(points, points);
  storePoints(upperStored, upperStored, points);
  fromLane(base, points, 0);
  oddMultiples(upperTable, base, BASE_POINTS);
  release(points);
}

/** The first `count` odd multiples of `point`, cached. */
function oddMultiples(table: usize, point: usize, count: usize): void {
  toCached(table, point);
  if (count == 1) return;
  const sum = take(2 * SINGLE_BYTES);
  const step = sum + SINGLE_BYTES;
  double(sum, point);
  toCached(step, sum);
  memory.copy(sum, point, SINGLE_BYTES);
  for (let i: usize = 1; i < count; i++) {
    addCached(sum, sum, step);
    toCached(table + i * SINGLE_BYTES, sum);
  }
  release(sum);
}

// @ts-ignore: decorator
@inline
function addDigit(sum: usize, table: usize, digit: i32): void {
  if (digit > 0) addCached(sum, sum, table + <usize>(digit >> 1) * SINGLE_BYTES);
  else if (digit < 0) subCached(sum, sum, table + <usize>(-digit >> 1) * SINGLE_BYTES);
}

/**
 * out = base·B + upper·2^127·B + Σ scalar·point, a point of single.ts: `count` addresses of stored points, and scalars of
 * 32 bytes each.
 */
export function straus(out: usize, base: usize, upper: usize, count: usize, points: usize, scalars: usize): void {
  const digits = take((count + 2) * DIGITS + count * TABLE_BYTES + SINGLE_BYTES);
  const tables = digits + (count + 2) * DIGITS;
  const point = tables + count * TABLE_BYTES;
  const baseDigits = digits + count * DIGITS;
  const upperDigits = baseDigits + DIGITS;
  let top = max(wnaf(baseDigits, base, BASE_WIDTH), wnaf(upperDigits, upper, BASE_WIDTH));
  for (let i: usize = 0; i < count; i++) {
    const end = wnaf(digits + i * DIGITS, scalars + (i << 5), WIDTH);
    singleFromStored(point, load<u32>(points + (i << 2)));
    // The coefficient of a signature by itself is 1.
    oddMultiples(tables + i * TABLE_BYTES, point, end > 1 ? TABLE_POINTS : 1);
    top = max(top, end);
  }
  setNeutral(out);
  for (let bit = <i32>top - 1; bit >= 0; bit--) {
    double(out, out);
    addDigit(out, baseTable, <i32>load<i8>(baseDigits + bit));
    addDigit(out, upperTable, <i32>load<i8>(upperDigits + bit));
    for (let i: usize = 0; i < count; i++) {
      addDigit(out, tables + i * TABLE_BYTES, <i32>load<i8>(digits + i * DIGITS + bit));
    }
  }
  release(digits);
}
