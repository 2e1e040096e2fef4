// X25519, RFC 7748 section 5: the Montgomery ladder, two scalar multiplications at once, one in each lane of a pair. What
// the ladder does and which addresses it touches depends neither on a scalar nor on a u-coordinate.
//
// Scalars are clamped here. Bit 255 of a u-coordinate is ignored, and numbers from p to 2^255 - 1 are taken modulo p. A
// result of all zeroes, which only points of small order give, is reported; who agrees on a key must refuse it (section 6.1).
import {
  PAIR_BYTES,
  add,
  copy,
  fromBytes,
  mul,
  mulSmall,
  reduce,
  sqr,
  sub,
  swapIf,
  toBytes,
  wipe,
} from "../field/pair";
import { invert } from "../field/power";
import { release, take } from "../memory/workspace";
import { X25519Item } from "./x25519-item";

/** (A - 2) / 4 of the curve, A = 486662. */
const A24: u32 = 121665;

// prettier-ignore
const BASE_POINT = memory.data<u64>([9, 0, 0, 0], 16);
// prettier-ignore
const ONE = memory.data<u64>([1, 0, 0, 0], 16);

// Scratch of one run: pairs, and the two clamped scalars after them.
const X1: usize = 0;
const X2: usize = X1 + PAIR_BYTES;
const Z2: usize = X2 + PAIR_BYTES;
const X3: usize = Z2 + PAIR_BYTES;
const Z3: usize = X3 + PAIR_BYTES;
const A: usize = Z3 + PAIR_BYTES;
const B: usize = A + PAIR_BYTES;
const C: usize = B + PAIR_BYTES;
const D: usize = C + PAIR_BYTES;
const SCALARS: usize = D + PAIR_BYTES;
const SCRATCH_BYTES: usize = SCALARS + 64;

/** decodeScalar25519 of section 5. */
function clamp(out: usize, scalar: usize): void {
  store<u64>(out, load<u64>(scalar) & ~(<u64>7));
  store<u64>(out, load<u64>(scalar, 8), 8);
  store<u64>(out, load<u64>(scalar, 16), 16);
  store<u64>(out, (load<u64>(scalar, 24) & 0x7fffffffffffffff) | 0x4000000000000000, 24);
}

/** (x2 : z2) = twice (x2 : z2), where a = x2 + z2 and b = x2 - z2 are reduced. */
// @ts-ignore: decorator
@inline
function doublePoint(s: usize): void {
  sqr(s + A, s + A);
  sqr(s + B, s + B);
  mul(s + X2, s + A, s + B);
  sub(s + B, s + A, s + B); // E
  reduce(s + B, s + B);
  mulSmall(s + Z2, s + B, A24);
  add(s + A, s + A, s + Z2);
  mul(s + Z2, s + B, s + A);
}

/** One step of the ladder: (x2 : z2) is doubled, and (x3 : z3) becomes the sum of both, whose difference is x1. */
function step(s: usize): void {
  add(s + A, s + X2, s + Z2);
  sub(s + B, s + X2, s + Z2);
  reduce(s + A, s + A);
  reduce(s + B, s + B);
  add(s + C, s + X3, s + Z3);
  sub(s + D, s + X3, s + Z3);
  mul(s + D, s + D, s + A);
  mul(s + C, s + C, s + B);
  add(s + X3, s + D, s + C);
  sub(s + Z3, s + D, s + C);
  reduce(s + X3, s + X3);
  reduce(s + Z3, s + Z3);
  sqr(s + X3, s + X3);
  sqr(s + Z3, s + Z3);
  mul(s + Z3, s + Z3, s + X1);
  doublePoint(s);
}

/** The ladder of section 5 up to the division: x2 and z2 in the scratch at s. */
function ladder(s: usize, scalarA: usize, uA: usize, scalarB: usize, uB: usize): void {
  clamp(s + SCALARS, scalarA);
  clamp(s + SCALARS + 32, scalarB);
  fromBytes(s + X1, uA, uB);
  // Bit 254 is always one: the ladder begins behind it, with the point and its double.
  copy(s + X3, s + X1);
  fromBytes(s + Z3, ONE, ONE);
  add(s + A, s + X3, s + Z3);
  sub(s + B, s + X3, s + Z3);
  reduce(s + A, s + A);
  reduce(s + B, s + B);
  doublePoint(s);
  swapIf(s + X2, s + X3, ~(<u64>0), ~(<u64>0));
  swapIf(s + Z2, s + Z3, ~(<u64>0), ~(<u64>0));
  let swappedA: u64 = 0;
  let swappedB: u64 = 0;
  for (let i: usize = 253; i >= 3; i--) {
    const word = s + SCALARS + ((i >> 6) << 3);
    const shift = <u64>(i & 63);
    const bitA = (load<u64>(word) >> shift) & 1;
    const bitB = (load<u64>(word, 32) >> shift) & 1;
    const maskA = 0 - (bitA ^ swappedA);
    const maskB = 0 - (bitB ^ swappedB);
    swapIf(s + X2, s + X3, maskA, maskB);
    swapIf(s + Z2, s + Z3, maskA, maskB);
    swappedA = bitA;
    swappedB = bitB;
    step(s);
  }
  swapIf(s + X2, s + X3, 0 - swappedA, 0 - swappedB);
  swapIf(s + Z2, s + Z3, 0 - swappedA, 0 - swappedB);
  // Bits 2 to 0 are always zero: of these steps only the doubling counts.
  for (let i = 0; i < 3; i++) {
    add(s + A, s + X2, s + Z2);
    sub(s + B, s + X2, s + Z2);
    reduce(s + A, s + A);
    reduce(s + B, s + B);
    doublePoint(s);
  }
}

/** 1 if the 32 bytes are all zero, else 0; in constant time. */
function isZero(bytes: usize): u32 {
  const any = load<u64>(bytes) | load<u64>(bytes, 8) | load<u64>(bytes, 16) | load<u64>(bytes, 24);
  return <u32>(1 ^ ((any | (0 - any)) >> 63));
}

/** Two at once. The answer has bit 0 set if outA is all zero, bit 1 if outB is. An output may be an input of its lane. */
export function x25519Pair(outA: usize, outB: usize, scalarA: usize, uA: usize, scalarB: usize, uB: usize): u32 {
  const s = take(SCRATCH_BYTES);
  ladder(s, scalarA, uA, scalarB, uB);
  invert(s + Z2, s + Z2);
  mul(s + X2, s + X2, s + Z2);
  toBytes(outA, outB, s + X2);
  memory.fill(s, 0, SCRATCH_BYTES);
  wipe();
  release(s);
  return isZero(outA) | (isZero(outB) << 1);
}

/** One; the other lane computes the same. 1 if `out` is all zero. */
export function x25519(out: usize, scalar: usize, u: usize): u32 {
  return x25519Pair(out, out, scalar, u, scalar, u) & 1;
}

/** The public key of a private key: its multiple of the base point, u = 9. */
export function x25519Base(out: usize, scalar: usize): void {
  x25519(out, scalar, BASE_POINT);
}

/** Works off `count` items, one after another in memory, two at a time. An output may be an input of its own item. */
export function x25519Batch(items: usize, count: u32): void {
  const end = items + <usize>count * offsetof<X25519Item>();
  for (let at = items; at < end; at += 2 * offsetof<X25519Item>()) {
    const a = changetype<X25519Item>(at);
    const b = changetype<X25519Item>(min(at + offsetof<X25519Item>(), end - offsetof<X25519Item>()));
    const zero = x25519Pair(a.out, b.out, a.scalar, a.u, b.scalar, b.u);
    b.zero = zero >> 1;
    a.zero = zero & 1;
  }
}
