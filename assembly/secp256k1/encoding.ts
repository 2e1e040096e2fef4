// Points as bytes (SEC 1, sections 2.3.3 and 2.3.4), and from projective to affine, many with one inversion.
import {
  PAIR_BYTES,
  add,
  copy,
  fromBytes,
  mul,
  negateIf,
  sqr,
  swapIf,
  toBytes,
} from "./field";
import { release, take } from "../memory/workspace";
import { GENERATOR, ONE, SEVEN } from "./constants";
import { X, Y, Z } from "./points";
import { invert, squareRoot } from "./power";

/** 32 bytes of x, 32 of y, big-endian. */
export const COORDINATES_BYTES: usize = 64;

/** 1 if the 32 bytes are all zero, else 0; in constant time. */
// @ts-ignore: decorator
@inline
export function isZero(bytes: usize): u64 {
  const any = load<u64>(bytes) | load<u64>(bytes, 8) | load<u64>(bytes, 16) | load<u64>(bytes, 24);
  return 1 ^ ((any | (0 - any)) >> 63);
}

/** Whether the number at `bytes` is below p. */
export function isCanonical(bytes: usize): bool {
  return !(
    (load<u64>(bytes, 0) & load<u64>(bytes, 8) & load<u64>(bytes, 16)) == 0xffffffffffffffff &&
    bswap<u64>(load<u64>(bytes, 24)) >= 0xfffffffefffffc2f
  );
}

/**
 * out = affine points with these x-coordinates, 32 bytes, and y odd where `oddA`, `oddB` are 1. Answers bit 0 if there is
 * one in the first lane, bit 1 if in the second; what stands in a lane without one is no point. x and y are public.
 */
export function lift(out: usize, xA: usize, xB: usize, oddA: u64, oddB: u64): u32 {
  const t = take(2 * PAIR_BYTES + 2 * 64);
  const u = t + PAIR_BYTES;
  const bytesA = u + PAIR_BYTES;
  const bytesB = bytesA + 64;
  fromBytes(out + X, xA, xB);
  sqr(t, out + X);
  mul(t, t, out + X);
  add(t, t, SEVEN);
  squareRoot(out + Y, t);
  sqr(u, out + Y);
  toBytes(bytesA, bytesB, t);
  toBytes(bytesA + 32, bytesB + 32, u);
  let good: u32 = <u32>isEqual(bytesA, bytesA + 32) | (<u32>isEqual(bytesB, bytesB + 32) << 1);
  toBytes(bytesA, bytesB, out + Y);
  negateIf(
    out + Y,
    0 - ((<u64>load<u8>(bytesA, 31) & 1) ^ oddA),
    0 - ((<u64>load<u8>(bytesB, 31) & 1) ^ oddB),
  );
  if (!isCanonical(xA)) good &= 2;
  if (!isCanonical(xB)) good &= 1;
  memory.fill(t, 0, 2 * PAIR_BYTES + 2 * 64);
  release(t);
  return good;
}

/** Whether 32 bytes are the same; of public values. */
// @ts-ignore: decorator
@inline
export function isEqual(a: usize, b: usize): bool {
  return (
    ((load<u64>(a) ^ load<u64>(b)) |
      (load<u64>(a, 8) ^ load<u64>(b, 8)) |
      (load<u64>(a, 16) ^ load<u64>(b, 16)) |
      (load<u64>(a, 24) ^ load<u64>(b, 24))) ==
    0
  );
}

/**
 * out = the affine points of two encodings of 33 bytes; answers as `lift` does. In a lane without a point stands G: no secret
 * is ever multiplied on another curve.
 */
export function decode(out: usize, encodedA: usize, encodedB: usize): u32 {
  const prefixA = load<u8>(encodedA);
  const prefixB = load<u8>(encodedB);
  let good = lift(out, encodedA + 1, encodedB + 1, prefixA & 1, prefixB & 1);
  if ((prefixA & 0xfe) != 2) good &= 2;
  if ((prefixB & 0xfe) != 2) good &= 1;
  if (good != 3) {
    const other = take(2 * PAIR_BYTES);
    const maskA = <u64>(good & 1) - 1;
    const maskB = <u64>(good >> 1) - 1;
    memory.copy(other, GENERATOR, 2 * PAIR_BYTES);
    swapIf(out + X, other + X, maskA, maskB);
    swapIf(out + Y, other + Y, maskA, maskB);
    memory.fill(other, 0, 2 * PAIR_BYTES);
    release(other);
  }
  return good;
}

/** Compressed: 33 bytes of 64 bytes of coordinates. */
export function encode(encoded: usize, coordinates: usize): void {
  const w0 = load<u64>(coordinates);
  const w1 = load<u64>(coordinates, 8);
  const w2 = load<u64>(coordinates, 16);
  const w3 = load<u64>(coordinates, 24);
  store<u8>(encoded, 2 | (load<u8>(coordinates, 63) & 1));
  store<u64>(encoded, w0, 1);
  store<u64>(encoded, w1, 9);
  store<u64>(encoded, w2, 17);
  store<u64>(encoded, w3, 25);
}

/** Stores coordinates of both points. */
export function storeCoordinates(coordinatesA: usize, coordinatesB: usize, affine: usize): void {
  toBytes(coordinatesA, coordinatesB, affine + X);
  toBytes(coordinatesA + 32, coordinatesB + 32, affine + Y);
}

/**
 * Makes `count` pairs of points at `points`, `stride` bytes apart, affine, where they are: with one inversion, in constant
 * time. p_i = z_0 ··· z_i: 1/z_i = p_(i-1) / p_i and 1/p_(i-1) = z_i / p_i. At `infinite` one byte a pair says which lanes
 * were infinite, as bits 0 and 1; their x and y are of no point.
 */
export function normalise(points: usize, stride: usize, count: usize, infinite: usize): void {
  const t = take((count + 2) * PAIR_BYTES + 64);
  const inverse = t + count * PAIR_BYTES;
  const own = inverse + PAIR_BYTES;
  const bytes = own + PAIR_BYTES;
  for (let i: usize = 0; i < count; i++) {
    const z = points + i * stride + Z;
    toBytes(bytes, bytes + 32, z);
    const zeroA = isZero(bytes);
    const zeroB = isZero(bytes + 32);
    store<u8>(infinite + i, <u8>(zeroA | (zeroB << 1)));
    copy(own, ONE);
    swapIf(z, own, 0 - zeroA, 0 - zeroB);
    if (i == 0) copy(t, z);
    else mul(t + i * PAIR_BYTES, t + (i - 1) * PAIR_BYTES, z);
  }
  invert(inverse, t + (count - 1) * PAIR_BYTES);
  for (let i = count - 1; ; i--) {
    const p = points + i * stride;
    if (i > 0) mul(own, inverse, t + (i - 1) * PAIR_BYTES);
    else copy(own, inverse);
    mul(inverse, inverse, p + Z);
    mul(p + X, p + X, own);
    mul(p + Y, p + Y, own);
    if (i == 0) break;
  }
  memory.fill(t, 0, (count + 2) * PAIR_BYTES + 64);
  release(t);
}
