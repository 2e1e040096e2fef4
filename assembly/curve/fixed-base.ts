// Multiples of the base point B by secret scalars, in constant time: no doubling, only additions of table entries. With a
// scalar in signed digits of radix 16,
//
//     s·B = (d0 + d1·16 + … + d31·16^31)·B   +   (d32 + d33·16 + … + d63·16^31)·16^32·B
//           first lane                           second lane
//
// so that 32 additions of two points at once, and one of the two lanes, make the product.
//
//     table, 60 KiB     row i = 0 … 31, of 8 entries j = 1 … 8, each an affine pair (edwards.ts) of j·16^i·B in the first
//                       lane and j·16^(i + 32)·B in the second
//
// Which entry is added depends on the secret; so all eight are read every time, and the sign is applied with masks.
import { invertPair } from "../field/divsteps";
import { PAIR_BYTES, copy, mul, swapIf, swapLanes } from "../field/pair";
import { joinAA, joinAB, joinBB } from "../field/lanes";
import { negateIf, select } from "../field/select";
import { release, take } from "../memory/workspace";
import { BASE, ONE, ZERO } from "./constants";
import {
  AFFINE_BYTES,
  CACHED_BYTES,
  MINUS,
  PLUS,
  POINTS_BYTES,
  PRODUCT,
  T,
  X,
  Y,
  Z,
  addAffine,
  addCached,
  decompress,
  double,
  setNeutral,
  toAffine,
  toCached,
  wipe,
} from "./edwards";
import { signedDigits } from "./order";

const ROWS: usize = 32;
const ENTRIES: usize = 8;
const ROW_BYTES: usize = ENTRIES * AFFINE_BYTES;
const TABLE_BYTES: usize = ROWS * ROW_BYTES;
const WIDTH: u32 = 4;
const DIGITS_BYTES: usize = 128;

let table: usize = 0;
let built: bool = false;

/** After the curve's; once. Only takes the room: the table is computed at its first use. */
export function initialise(): void {
  table = take(TABLE_BYTES);
}

function build(): void {
  const count = ROWS * ENTRIES;
  const base = take(POINTS_BYTES + CACHED_BYTES);
  const cached = base + POINTS_BYTES;
  decompress(base, BASE, BASE);
  const points = take(count * POINTS_BYTES);
  const products = take(count * PAIR_BYTES);

  copyPoints(points, base);
  for (let i = 0; i < 128; i++) double(points, points);
  for (let i: usize = 0; i < POINTS_BYTES; i += PAIR_BYTES) joinAB(base + i, base + i, points + i);

  let point = points;
  for (let row: usize = 0; row < ROWS; row++) {
    toCached(cached, base);
    copyPoints(point, base);
    for (let j: usize = 1; j < ENTRIES; j++) {
      addCached(point + POINTS_BYTES, point, cached);
      point += POINTS_BYTES;
    }
    double(base, point); // 2·8
    point += POINTS_BYTES;
  }

  // One inversion for all: the product of all Z is inverted, and each Z taken back from it, last first.
  copy(products, points + Z);
  for (let i: usize = 1; i < count; i++) {
    mul(products + i * PAIR_BYTES, products + (i - 1) * PAIR_BYTES, points + i * POINTS_BYTES + Z);
  }
  const inverse = cached;
  const own = cached + PAIR_BYTES;
  invertPair(inverse, products + (count - 1) * PAIR_BYTES);
  for (let i = count - 1; ; i--) {
    point = points + i * POINTS_BYTES;
    if (i > 0) mul(own, inverse, products + (i - 1) * PAIR_BYTES);
    else copy(own, inverse);
    mul(inverse, inverse, point + Z);
    mul(point + X, point + X, own);
    mul(point + Y, point + Y, own);
    mul(point + T, point + X, point + Y);
    toAffine(table + i * AFFINE_BYTES, point);
    if (i == 0) break;
  }
  memory.fill(base, 0, products + count * PAIR_BYTES - base);
  release(base);
  built = true;
}

function copyPoints(out: usize, p: usize): void {
  for (let i: usize = 0; i < POINTS_BYTES; i += PAIR_BYTES) copy(out + i, p + i);
}

/** out = the two halves of scalar·B, which are still to be added, one in each lane. */
function sumHalves(out: usize, scalar: usize): void {
  if (!built) build();
  const digits = take(DIGITS_BYTES + AFFINE_BYTES);
  const entry = digits + DIGITS_BYTES;
  signedDigits(digits, scalar, WIDTH);
  setNeutral(out);
  let row = table;
  for (let i: usize = 0; i < 2 * ROWS; i += 2) {
    const a = <i32>load<i16>(digits + i);
    const b = <i32>load<i16>(digits + i, 2 * ROWS);
    const signA = a >> 31;
    const signB = b >> 31;
    const indexA = (a ^ signA) - signA;
    const indexB = (b ^ signB) - signB;
    select(entry + PLUS, ONE, row + PLUS, AFFINE_BYTES, ENTRIES, indexA, indexB);
    select(entry + MINUS, ONE, row + MINUS, AFFINE_BYTES, ENTRIES, indexA, indexB);
    select(entry + PRODUCT, ZERO, row + PRODUCT, AFFINE_BYTES, ENTRIES, indexA, indexB);
    // -(x, y) = (-x, y)
    swapIf(entry + PLUS, entry + MINUS, <i64>signA, <i64>signB);
    negateIf(entry + PRODUCT, <i64>signA, <i64>signB);
    addAffine(out, out, entry);
    row += ROW_BYTES;
  }
  memory.fill(digits, 0, DIGITS_BYTES + AFFINE_BYTES);
  release(digits);
}

/** out = scalar·B, in both lanes. Operand: a scalar below 2^253. */
export function multiplyBase(out: usize, scalar: usize): void {
  const half = take(POINTS_BYTES + CACHED_BYTES);
  const cached = half + POINTS_BYTES;
  sumHalves(out, scalar);
  for (let i: usize = 0; i < POINTS_BYTES; i += PAIR_BYTES) swapLanes(half + i, out + i);
  toCached(cached, half);
  addCached(out, out, cached);
  wipe();
  memory.fill(half, 0, POINTS_BYTES + CACHED_BYTES);
  release(half);
}

/** out = scalarA·B in the first lane, scalarB·B in the second. Operands: scalars below 2^253. */
export function multiplyBaseTwice(out: usize, scalarA: usize, scalarB: usize): void {
  const a = take(2 * POINTS_BYTES + CACHED_BYTES);
  const b = a + POINTS_BYTES;
  const cached = b + POINTS_BYTES;
  sumHalves(a, scalarA);
  sumHalves(b, scalarB);
  for (let i: usize = 0; i < POINTS_BYTES; i += PAIR_BYTES) {
    joinAA(out + i, a + i, b + i);
    joinBB(a + i, a + i, b + i);
  }
  toCached(cached, a);
  addCached(out, out, cached);
  wipe();
  memory.fill(a, 0, 2 * POINTS_BYTES + CACHED_BYTES);
  release(a);
}
