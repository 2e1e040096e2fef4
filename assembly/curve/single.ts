// One point of the curve of Ed25519 over both lanes: half of the products of an operation in each, for work that has only
// one point to go on with. The formulas are those of edwards.ts.
//
//     point, 160 bytes    ┌────────┬────────┐
//                         │ X, Y   │ Z, T   │            x = X/Z, y = Y/Z, x·y = T/Z
//                         └────────┴────────┘
//     cached, 160 bytes   ┌────────────┬────────────┐
//                         │ Y-X, Y+X   │ 2·Z, 2·d·T │    to be added or taken off
//                         └────────────┴────────────┘
//
// All are 16-byte aligned, and all their elements are reduced. No function here branches on a value, but for isNeutral.
import { joinAA, joinBA, joinBB } from "../field/lanes";
import { PAIR_BYTES, add, copy, mul, reduce, sqr, sub, swapLanes, toBytes } from "../field/pair";
import { crossAdd, crossDouble, minusAndPlus, spread } from "../field/steps";
import { release, take } from "../memory/workspace";
import { D2, ONE, ZERO } from "./constants";
import { T, X, Y, Z } from "./edwards";

export const SINGLE_BYTES: usize = 160;

const ZT: usize = 80;

/** Intermediate values, and the constants (2, 2·d) and (0, 1), (1, 0): room of this instance. */
let scratch: usize = 0;
const SCRATCH_BYTES: usize = 6 * PAIR_BYTES;
let TWO_D2: usize = 0;
let NEUTRAL: usize = 0;

/** After the initialisation of edwards.ts; once. */
export function initialise(): void {
  scratch = take(SCRATCH_BYTES + 3 * PAIR_BYTES);
  TWO_D2 = scratch + SCRATCH_BYTES;
  NEUTRAL = TWO_D2 + PAIR_BYTES;
  add(scratch, ONE, ONE);
  joinAA(TWO_D2, scratch, D2);
  joinAA(NEUTRAL, ZERO, ONE);
  joinAA(NEUTRAL + ZT, ONE, ZERO);
}

/** out = the neutral element. */
export function setNeutral(out: usize): void {
  copy(out, NEUTRAL);
  copy(out + ZT, NEUTRAL + ZT);
}

/** out = the first (lane 0) or the second (lane 1) of two points of edwards.ts. */
export function fromLane(out: usize, points: usize, lane: u32): void {
  if (lane == 0) {
    joinAA(out, points + X, points + Y);
    joinAA(out + ZT, points + Z, points + T);
  } else {
    joinBB(out, points + X, points + Y);
    joinBB(out + ZT, points + Z, points + T);
  }
}

/** out = 2·p. As everywhere, out may be p. */
export function double(out: usize, p: usize): void {
  const ab = scratch;
  const xz = scratch + PAIR_BYTES;
  const products = scratch + 2 * PAIR_BYTES;
  const eg = scratch + 3 * PAIR_BYTES;
  const fh = scratch + 4 * PAIR_BYTES;
  const ge = scratch + 5 * PAIR_BYTES;
  sqr(ab, p); // X², Y²
  spread(xz, products, p, p + ZT);
  mul(products, xz, products); // X·Y, Z²
  crossDouble(eg, ge, fh, ab, products);
  mul(out, eg, fh); // X = E·F, Y = G·H
  mul(out + ZT, ge, fh); // Z = G·F, T = E·H
}

/** out = p + q, or p - q when turned; q cached. */
// @ts-ignore: decorator
@inline
function addOrSubtract(out: usize, p: usize, q: usize, turned: bool): void {
  const ab = scratch;
  const dc = scratch + PAIR_BYTES;
  const eg = scratch + 2 * PAIR_BYTES;
  const fh = scratch + 3 * PAIR_BYTES;
  const ge = scratch + 4 * PAIR_BYTES;
  // Of -q: plus and minus exchanged, and C negative. So the other operand is turned round, and A and B with it.
  minusAndPlus(ab, p, turned, eg);
  mul(ab, ab, q); // A, B
  mul(dc, p + ZT, q + ZT); // 2·Z1·Z2 = D, C
  crossAdd(eg, ge, fh, ab, dc, turned);
  mul(out, eg, fh);
  mul(out + ZT, ge, fh);
}

/** out = p + q, q cached. */
export function addCached(out: usize, p: usize, q: usize): void {
  addOrSubtract(out, p, q, false);
}

/** out = p - q, q cached. */
export function subCached(out: usize, p: usize, q: usize): void {
  addOrSubtract(out, p, q, true);
}

/** out = p, to be added often. Out is not p. */
export function toCached(out: usize, p: usize): void {
  minusAndPlus(out, p, false, scratch);
  reduce(out, out);
  mul(out + ZT, p + ZT, TWO_D2);
}

/** Whether p is the neutral element: X = 0 and Y = Z. */
export function isNeutral(p: usize): bool {
  const pair = take(PAIR_BYTES + 64);
  const bytes = pair + PAIR_BYTES;
  joinBA(pair, p, p + ZT); // Y, Z
  swapLanes(scratch, pair);
  sub(scratch, scratch, pair); // ±(Y - Z)
  joinAA(pair, p, scratch);
  toBytes(bytes, bytes + 32, pair);
  let bits: u64 = 0;
  for (let i: usize = 0; i < 64; i += 8) bits |= load<u64>(bytes + i);
  release(pair);
  return bits == 0;
}
