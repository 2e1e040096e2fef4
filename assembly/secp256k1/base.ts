// Multiples of the base point G by secret scalars, in constant time: no doubling, only additions of table entries. With k
// in signed digits of radix 16,
//
//     k·G = (d0 + d1·16 + … + d31·16^31)·G   +   (d32 + d33·16 + … + d63·16^31)·16^32·G
//           first lane                           second lane
//
// so that 32 additions of two points at once, and one of the two lanes, make the product.
//
//     table, 40 KiB     row i = 0 … 31, of 8 entries j = 1 … 8, each affine points: j·16^i·G in the first lane and
//                       j·16^(i + 32)·G in the second
//
// Which entry is added depends on the secret; so all eight are read every time, and the sign is applied with masks. A digit
// of 0 adds some entry, and the sum is not taken. So that the highest digit has no carry, k is replaced by n - k where it is
// 2^255 or more, and the product by its negative.
import { PAIR_BYTES, select, wipe } from "./field";
import { joinAA, joinAB, joinBB } from "../field/lanes";
import { release, take } from "../memory/workspace";
import { GENERATOR, ZERO } from "./constants";
import { normalise } from "./encoding";
import { SCALAR_BYTES, negateIf, signedDigits } from "./order";
import {
  AFFINE_BYTES,
  POINTS_BYTES,
  X,
  Y,
  add,
  addAffineIf,
  copyPoints,
  double,
  fromAffine,
  negatePointsIf,
  setInfinity,
  wipePoints,
} from "./points";

const ROWS: usize = 32;
const ENTRIES: usize = 8;
const ROW_BYTES: usize = ENTRIES * AFFINE_BYTES;
const TABLE_BYTES: usize = ROWS * ROW_BYTES;
const WIDTH: u32 = 4;
const DIGITS: usize = 2 * ROWS;
const DIGITS_BYTES: usize = 2 * DIGITS;

let table: usize = 0;
let built: bool = false;

/** After the points'; once. Only takes the room: the table is computed at its first use. */
export function initialiseBase(): void {
  table = take(TABLE_BYTES);
}

function build(): void {
  const count = ROWS * ENTRIES;
  const base = take(POINTS_BYTES);
  const points = take(count * POINTS_BYTES);
  const infinite = take(count);
  fromAffine(base, GENERATOR);
  copyPoints(points, base);
  for (let i = 0; i < 128; i++) double(points, points);
  for (let i: usize = 0; i < POINTS_BYTES; i += PAIR_BYTES) joinAB(base + i, base + i, points + i);
  let point = points;
  for (let row: usize = 0; row < ROWS; row++) {
    copyPoints(point, base);
    for (let j: usize = 1; j < ENTRIES; j++) {
      add(point + POINTS_BYTES, point, base);
      point += POINTS_BYTES;
    }
    double(base, point); // 2·8
    point += POINTS_BYTES;
  }
  normalise(points, POINTS_BYTES, count, infinite);
  for (let i: usize = 0; i < count; i++) {
    memory.copy(table + i * AFFINE_BYTES, points + i * POINTS_BYTES, AFFINE_BYTES);
  }
  memory.fill(base, 0, infinite + count - base);
  release(base);
  built = true;
}

/** out = the two halves of scalar·G, which are still to be added, one in each lane. */
function sumHalves(out: usize, scalar: usize): void {
  if (!built) build();
  const digits = take(DIGITS_BYTES + AFFINE_BYTES + SCALAR_BYTES + 8);
  const entry = digits + DIGITS_BYTES;
  const small = entry + AFFINE_BYTES;
  const large = load<i32>(scalar, 28) >> 31;
  negateIf(small, scalar, large);
  signedDigits(digits, small, WIDTH, DIGITS);
  setInfinity(out);
  let row = table;
  for (let i: usize = 0; i < ROWS; i++) {
    const a = <i32>load<i16>(digits + (i << 1));
    const b = <i32>load<i16>(digits + (i << 1), 2 * ROWS);
    const signA = a >> 31;
    const signB = b >> 31;
    const indexA = (a ^ signA) - signA;
    const indexB = (b ^ signB) - signB;
    select(entry + X, ZERO, row + X, AFFINE_BYTES, ENTRIES, indexA, indexB);
    select(entry + Y, ZERO, row + Y, AFFINE_BYTES, ENTRIES, indexA, indexB);
    negatePointsIf(entry, <i64>signA, <i64>signB);
    addAffineIf(out, entry, <i64>(0 - indexA >> 31), <i64>(0 - indexB >> 31));
    row += ROW_BYTES;
  }
  negatePointsIf(out, <i64>large, <i64>large);
  memory.fill(digits, 0, DIGITS_BYTES + AFFINE_BYTES + SCALAR_BYTES + 8);
  release(digits);
}

/** out = scalarA·G in the first lane, scalarB·G in the second. */
export function multiplyBase(out: usize, scalarA: usize, scalarB: usize): void {
  const a = take(2 * POINTS_BYTES);
  const b = a + POINTS_BYTES;
  sumHalves(a, scalarA);
  sumHalves(b, scalarB);
  for (let i: usize = 0; i < POINTS_BYTES; i += PAIR_BYTES) {
    joinAA(out + i, a + i, b + i);
    joinBB(a + i, a + i, b + i);
  }
  add(out, out, a);
  wipe();
  wipePoints();
  memory.fill(a, 0, 2 * POINTS_BYTES);
  release(a);
}
