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
import { joinAA, joinAB, joinBA, joinBB } from "../field/lanes";
import { PAIR_BYTES, add, copy, mul, reduce, sqr, sub, swapLanes, toBytes } from "../field/pair";
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

/** From (E, G), reduced, and (F, H) in scratch: (X, Y) = (E·F, G·H), (Z, T) = (G·F, E·H). */
// @ts-ignore: decorator
@inline
function finish(out: usize, eg: usize, fh: usize, ge: usize): void {
  swapLanes(ge, eg);
  mul(out, eg, fh);
  mul(out + ZT, ge, fh);
}

/** out = 2·p. As everywhere, out may be p. */
export function double(out: usize, p: usize): void {
  const ab = scratch;
  const ba = scratch + PAIR_BYTES;
  const ez = scratch + 2 * PAIR_BYTES;
  const eg = scratch + 3 * PAIR_BYTES;
  const fh = scratch + 4 * PAIR_BYTES;
  sqr(ab, p); // X², Y²
  joinAA(ba, p, p + ZT);
  joinBA(ez, p, p + ZT);
  mul(ez, ba, ez); // X·Y, Z²
  add(ez, ez, ez);
  swapLanes(ba, ab);
  // E = 2XY, G = Y² - X², F = 2Z² - G, H = X² + Y²: the signs of F and H turned together.
  sub(eg, ab, ba);
  joinAB(eg, ez, eg);
  reduce(eg, eg);
  sub(fh, ez, eg);
  add(ab, ab, ba);
  joinBB(fh, fh, ab);
  finish(out, eg, fh, ba);
}

/** out = p + q, q cached. */
export function addCached(out: usize, p: usize, q: usize): void {
  const ab = scratch;
  const ba = scratch + PAIR_BYTES;
  const dc = scratch + 2 * PAIR_BYTES;
  const cd = scratch + 3 * PAIR_BYTES;
  const eg = scratch + 4 * PAIR_BYTES;
  const fh = scratch + 5 * PAIR_BYTES;
  swapLanes(ba, p);
  sub(ab, ba, p);
  add(ba, ba, p);
  joinAA(ab, ab, ba); // Y - X, Y + X
  mul(ab, ab, q); // A, B
  mul(dc, p + ZT, q + ZT); // 2·Z1·Z2 = D, C
  swapLanes(ba, ab);
  swapLanes(cd, dc);
  sub(eg, ba, ab);
  add(fh, dc, cd);
  joinAB(eg, eg, fh); // B - A, D + C
  reduce(eg, eg);
  sub(dc, dc, cd);
  add(ab, ab, ba);
  joinAA(fh, dc, ab); // D - C, B + A
  finish(out, eg, fh, ba);
}

/** out = p - q, q cached. */
export function subCached(out: usize, p: usize, q: usize): void {
  const ab = scratch;
  const ba = scratch + PAIR_BYTES;
  const dc = scratch + 2 * PAIR_BYTES;
  const cd = scratch + 3 * PAIR_BYTES;
  const eg = scratch + 4 * PAIR_BYTES;
  const fh = scratch + 5 * PAIR_BYTES;
  // Of -q: plus and minus exchanged, C negative. So here stands B, A where addCached has A, B.
  swapLanes(ba, p);
  add(ab, ba, p);
  sub(ba, ba, p);
  joinAA(ab, ab, ba); // Y + X, Y - X
  mul(ab, ab, q); // B, A
  mul(dc, p + ZT, q + ZT); // D, -C
  swapLanes(ba, ab);
  swapLanes(cd, dc);
  sub(eg, ab, ba);
  sub(fh, dc, cd);
  joinAA(eg, eg, fh); // B - A, D + C
  reduce(eg, eg);
  add(dc, dc, cd);
  add(ab, ab, ba);
  joinAA(fh, dc, ab); // D - C, B + A
  finish(out, eg, fh, ba);
}

/** out = p, to be added often. Out is not p. */
export function toCached(out: usize, p: usize): void {
  const yx = scratch;
  const sum = scratch + PAIR_BYTES;
  swapLanes(yx, p);
  sub(out, yx, p);
  add(sum, yx, p);
  joinAA(out, out, sum);
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
