// X25519, RFC 7748 section 5: the Montgomery ladder. Two scalar multiplications at once, one in each lane of a pair, or
// one whose two halves fill the lanes, which takes two thirds of the time of two. What the ladder does and which addresses
// it touches depends neither on a scalar nor on a u-coordinate.
//
// Scalars are clamped here. Bit 255 of a u-coordinate is ignored, and numbers from p to 2^255 - 1 are taken modulo p. A
// result of all zeroes, which only points of small order give, is reported; who agrees on a key must refuse it (section 6.1).
//
// A step of the ladder, in the letters of section 5. It doubles x2/z2 and adds both points, whose difference is u:
//
//     A = x2 + z2   AA = A²   DA = D·A   E = AA - BB          x2 = AA·BB   x3 = (DA + CB)²
//     B = x2 - z2   BB = B²   CB = C·B   T = AA + 121665·E    z2 = E·T     z3 = u·(DA - CB)²
//     C = x3 + z3   D = x3 - z3
//
// Points are kept as A, B and C, D: as sums and differences come out of products for nothing (mulAddSub), no step but E
// needs a reduction.
import {
  PAIR_BYTES,
  add,
  copy,
  fromBytes,
  lanesSubMulAdd,
  mul,
  mulAddSub,
  mulLanesAddSub,
  reduce,
  sqr,
  sqrAddSub,
  sqrEither,
  sub,
  subMulAdd,
  swapIf,
  swapLanes,
  toBytes,
  wipe,
} from "../field/pair";
import { invert } from "../field/power";
import { release, take } from "../memory/workspace";
import { X25519Item } from "./x25519-item";

/** (A - 2) / 4 of the curve, A = 486662. */
const A24: u32 = 121665;

// prettier-ignore
const ONE = memory.data<u64>([1, 0, 0, 0], 16);

// Scratch of one run: pairs, and the two clamped scalars after them.
/** The u-coordinate: x/z of the difference of the two points of the ladder. */
const U: usize = 0;
/** The point doubled last. */
const A: usize = U + PAIR_BYTES;
const B: usize = A + PAIR_BYTES;
/** The other point. */
const C: usize = B + PAIR_BYTES;
const D: usize = C + PAIR_BYTES;
const AA: usize = D + PAIR_BYTES;
const BB: usize = AA + PAIR_BYTES;
const E: usize = BB + PAIR_BYTES;
const T: usize = E + PAIR_BYTES;
const SCALARS: usize = T + PAIR_BYTES;
const SCRATCH_BYTES: usize = SCALARS + 64;

// The same of one scalar, with two numbers in a pair: (1, u), (A, B), (C, D), (AA, BB), (AA, E), (BB, T).
const P: usize = A;
const Q: usize = C;
const SQUARES: usize = AA;
const G: usize = BB;
const H: usize = E;

// A result of a batch before the division.
const X: usize = 0;
const Z: usize = X + PAIR_BYTES;
const PRODUCT: usize = Z + PAIR_BYTES;
const DIVISION_BYTES: usize = PRODUCT + PAIR_BYTES;
/** Pairs that share one inversion, which then costs each less than a hundredth of its ladder. */
const DIVISIONS: usize = 32;

const ITEM_BYTES = offsetof<X25519Item>();

/** decodeScalar25519 of section 5. */
function clamp(out: usize, scalar: usize): void {
  store<u64>(out, load<u64>(scalar) & ~(<u64>7));
  store<u64>(out, load<u64>(scalar, 8), 8);
  store<u64>(out, load<u64>(scalar, 16), 16);
  store<u64>(out, (load<u64>(scalar, 24) & 0x7fffffffffffffff) | 0x4000000000000000, 24);
}

/** E and T from AA and BB. */
// @ts-ignore: decorator
@inline
function factors(s: usize): void {
  subMulAdd(s + E, s + T, s + AA, s + BB, A24);
}

/** A, B = twice the point whose squares are AA and BB. */
// @ts-ignore: decorator
@inline
function double(s: usize): void {
  factors(s);
  mulAddSub(s + A, s + B, s + AA, s + BB, s + E, s + T);
}

/**
 * One bit: A, B become twice A, B, or in the lanes whose mask is all ones twice C, D; C, D become the sum of both. This
 * sum is the same whichever comes first (the sign of D·A - C·B does not outlive its square): so nothing is exchanged.
 */
function step(s: usize, maskA: u64, maskB: u64): void {
  sqrEither(s + AA, s + A, s + C, maskA, maskB);
  sqrEither(s + BB, s + B, s + D, maskA, maskB);
  mulAddSub(s + C, s + D, s + D, s + A, s + C, s + B);
  factors(s);
  sqr(s + D, s + D);
  mulAddSub(s + A, s + B, s + AA, s + BB, s + E, s + T);
  sqrAddSub(s + C, s + D, s + C, s + U, s + D);
}

/** x/z = scalar · u, the ladder of section 5 up to the division. x and z may be AA and BB. */
function ladder(x: usize, z: usize, s: usize, scalarA: usize, uA: usize, scalarB: usize, uB: usize): void {
  clamp(s + SCALARS, scalarA);
  clamp(s + SCALARS + 32, scalarB);
  // Bit 254 is always one: the ladder begins behind it, with twice the point in A, B and the point in C, D.
  fromBytes(s + U, uA, uB);
  fromBytes(s + E, ONE, ONE);
  add(s + C, s + U, s + E);
  sub(s + D, s + U, s + E);
  reduce(s + C, s + C);
  reduce(s + D, s + D);
  sqr(s + AA, s + C);
  sqr(s + BB, s + D);
  double(s);
  let lastA: u64 = 1;
  let lastB: u64 = 1;
  for (let i: usize = 253; i >= 3; i--) {
    const word = s + SCALARS + ((i >> 6) << 3);
    const shift = <u64>(i & 63);
    const bitA = (load<u64>(word) >> shift) & 1;
    const bitB = (load<u64>(word, 32) >> shift) & 1;
    step(s, 0 - (bitA ^ lastA), 0 - (bitB ^ lastB));
    lastA = bitA;
    lastB = bitB;
  }
  // Bits 2 to 0 are always zero: of these steps only the doubling counts.
  sqrEither(s + AA, s + A, s + C, 0 - lastA, 0 - lastB);
  sqrEither(s + BB, s + B, s + D, 0 - lastA, 0 - lastB);
  for (let i = 0; i < 2; i++) {
    double(s);
    sqr(s + AA, s + A);
    sqr(s + BB, s + B);
  }
  factors(s);
  mul(x, s + AA, s + BB);
  mul(z, s + E, s + T);
}

/** 1 if the 32 bytes are all zero, else 0; in constant time. */
function isZero(bytes: usize): u32 {
  const any = load<u64>(bytes) | load<u64>(bytes, 8) | load<u64>(bytes, 16) | load<u64>(bytes, 24);
  return <u32>(1 ^ ((any | (0 - any)) >> 63));
}

/** Two at once. The answer has bit 0 set if outA is all zero, bit 1 if outB is. An output may be an input of its lane. */
export function x25519Pair(outA: usize, outB: usize, scalarA: usize, uA: usize, scalarB: usize, uB: usize): u32 {
  const s = take(SCRATCH_BYTES);
  const x = s + AA;
  const z = s + BB;
  ladder(x, z, s, scalarA, uA, scalarB, uB);
  invert(z, z);
  mul(x, x, z);
  toBytes(outA, outB, x);
  memory.fill(s, 0, SCRATCH_BYTES);
  wipe();
  release(s);
  return isZero(outA) | (isZero(outB) << 1);
}

/** One bit as in `step`, of one scalar: P = (A, B) and Q = (C, D) in the two lanes. */
function stepOne(s: usize, mask: u64): void {
  sqrEither(s + SQUARES, s + P, s + Q, mask, mask);
  swapLanes(s + Q, s + Q);
  mulLanesAddSub(s + Q, s + Q, s + P);
  lanesSubMulAdd(s + G, s + H, s + SQUARES, A24);
  sqr(s + Q, s + Q);
  mulLanesAddSub(s + P, s + G, s + H);
  mulLanesAddSub(s + Q, s + Q, s + U);
}

/** One: what the ladder does to two numbers at a time stands in the two lanes. 1 if `out` is all zero. */
export function x25519(out: usize, scalar: usize, u: usize): u32 {
  const s = take(SCRATCH_BYTES);
  clamp(s + SCALARS, scalar);
  fromBytes(s + U, ONE, u);
  fromBytes(s + P, ONE, ONE);
  fromBytes(s + Q, u, ONE);
  mulLanesAddSub(s + Q, s + Q, s + P);
  sqr(s + SQUARES, s + Q);
  lanesSubMulAdd(s + G, s + H, s + SQUARES, A24);
  mulLanesAddSub(s + P, s + G, s + H);
  let last: u64 = 1;
  for (let i: usize = 253; i >= 3; i--) {
    const bit = (load<u64>(s + SCALARS + ((i >> 6) << 3)) >> <u64>(i & 63)) & 1;
    stepOne(s, 0 - (bit ^ last));
    last = bit;
  }
  sqrEither(s + SQUARES, s + P, s + Q, 0 - last, 0 - last);
  for (let i = 0; i < 2; i++) {
    lanesSubMulAdd(s + G, s + H, s + SQUARES, A24);
    mulLanesAddSub(s + P, s + G, s + H);
    sqr(s + SQUARES, s + P);
  }
  lanesSubMulAdd(s + G, s + H, s + SQUARES, A24);
  mul(s + P, s + G, s + H); // (x, z)
  swapLanes(s + Q, s + P);
  invert(s + Q, s + Q);
  mul(s + P, s + P, s + Q); // (x / z, z / x)
  toBytes(out, s + SCALARS, s + P);
  memory.fill(s, 0, SCRATCH_BYTES);
  wipe();
  release(s);
  return isZero(out);
}

/** Makes x/z = 0/1 of x/0, which is the only thing that a division of many at once could not divide; in constant time. */
function replaceZero(s: usize, x: usize, z: usize): void {
  const bytes = s + SCALARS;
  toBytes(bytes, bytes + 32, z);
  const maskA = 0 - <u64>isZero(bytes);
  const maskB = 0 - <u64>isZero(bytes + 32);
  fromBytes(s + E, ONE, ONE);
  sub(s + T, s + E, s + E);
  swapIf(z, s + E, maskA, maskB);
  swapIf(x, s + T, maskA, maskB);
}

/**
 * Works off `count` items, one after another in memory, two at a time. An output may be an input of its own item. Up to
 * DIVISIONS pairs share one inversion: with p_i = z_0 ··· z_i, 1/z_i = p_(i-1) / p_i and 1/p_(i-1) = z_i / p_i.
 */
export function x25519Batch(items: usize, count: u32): void {
  const s = take(SCRATCH_BYTES + DIVISIONS * DIVISION_BYTES);
  const first = s + SCRATCH_BYTES;
  const inverse = s + AA;
  const end = items + <usize>(count >> 1) * 2 * ITEM_BYTES;
  while (items < end) {
    const pairs = min((end - items) / (2 * ITEM_BYTES), DIVISIONS);
    let d = first;
    for (let i: usize = 0; i < pairs; i++) {
      const a = changetype<X25519Item>(items);
      const b = changetype<X25519Item>(items + ITEM_BYTES);
      ladder(d + X, d + Z, s, a.scalar, a.u, b.scalar, b.u);
      replaceZero(s, d + X, d + Z);
      if (i == 0) copy(d + PRODUCT, d + Z);
      else mul(d + PRODUCT, d - DIVISION_BYTES + PRODUCT, d + Z);
      items += 2 * ITEM_BYTES;
      d += DIVISION_BYTES;
    }
    invert(inverse, d - DIVISION_BYTES + PRODUCT);
    let answered = items;
    for (let i = pairs; i > 0; i--) {
      answered -= 2 * ITEM_BYTES;
      d -= DIVISION_BYTES;
      if (i == 1) mul(d + X, d + X, inverse);
      else {
        mul(d + PRODUCT, d - DIVISION_BYTES + PRODUCT, inverse); // 1/z
        mul(d + X, d + X, d + PRODUCT);
        mul(inverse, inverse, d + Z);
      }
      const a = changetype<X25519Item>(answered);
      const b = changetype<X25519Item>(answered + ITEM_BYTES);
      toBytes(a.out, b.out, d + X);
      a.zero = isZero(a.out);
      b.zero = isZero(b.out);
    }
  }
  memory.fill(s, 0, SCRATCH_BYTES + DIVISIONS * DIVISION_BYTES);
  wipe();
  release(s);
  if (count & 1) {
    const last = changetype<X25519Item>(end);
    last.zero = x25519(last.out, last.scalar, last.u);
  }
}
