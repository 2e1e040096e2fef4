// Scalars: integers modulo n, the order of the group, n = 2^256 - d with d of 129 bits. In constant time.
//
//     scalar    8 limbs of 32 bits, little-endian: 32 bytes from the lowest on
//
// And their decomposition k = k1 + k2·λ modulo n, |k1| and |k2| below 2^128, where λ·(x, y) = (β·x, y) (Gallant, Lambert,
// Vanstone, 2001): two multiples of half the length share their doublings. With a basis (a1, b1), (a2, b2) of the lattice of
// all (a, b) with a + b·λ = 0,
//
//     c1 = round(k·b2 / n)     k1 = k - c1·a1 - c2·a2
//     c2 = round(-k·b1 / n)    k2 =   - c1·b1 - c2·b2
//
// Both quotients are taken with g1 = round(2^384·b2 / n) and g2 = round(-2^384·b1 / n) as k·g / 2^384. The constants are
// those of libsecp256k1, which proves the bound; a test computes them anew.
import { release, take } from "../memory/workspace";

export const SCALAR_BYTES: usize = 32;

// prettier-ignore
const N = memory.data<u32>([
  0xd0364141, 0xbfd25e8c, 0xaf48a03b, 0xbaaedce6, 0xfffffffe, 0xffffffff, 0xffffffff, 0xffffffff,
], 16);
/** d = 2^256 - n. */
const D = memory.data<u32>([0x2fc9bebf, 0x402da173, 0x50b75fc4, 0x45512319, 1], 16);
const D_LIMBS: usize = 5;

// prettier-ignore
const G1 = memory.data<u32>([
  0x45dbb031, 0xe893209a, 0x71e8ca7f, 0x3daa8a14, 0x9284eb15, 0xe86c90e4, 0xa7d46bcd, 0x3086d221,
], 16);
// prettier-ignore
const G2 = memory.data<u32>([
  0x8ac47f71, 0x1571b4ae, 0x9df506c6, 0x221208ac, 0x0abfe4c4, 0x6f547fa9, 0x010e8828, 0xe4437ed6,
], 16);
/** a1 = b2, -b1 and a2, six limbs each. */
const A1 = memory.data<u32>([0x9284eb15, 0xe86c90e4, 0xa7d46bcd, 0x3086d221, 0, 0], 16);
const MINUS_B1 = memory.data<u32>([0x0abfe4c3, 0x6f547fa9, 0x010e8828, 0xe4437ed6, 0, 0], 16);
const A2 = memory.data<u32>([0x9d44cfd8, 0x57c1108d, 0xa8e2f3f6, 0x14ca50f7, 1, 0], 16);
/** What the parts are computed in: 192 bits, two's complement. */
const PART_LIMBS: usize = 6;
export const PART_BYTES: usize = 24;

/** out = the scalar at `bytes`, big-endian; and back, it is its own inverse. */
export function reverse(out: usize, bytes: usize): void {
  const w0 = bswap<u64>(load<u64>(bytes, 24));
  const w1 = bswap<u64>(load<u64>(bytes, 16));
  const w2 = bswap<u64>(load<u64>(bytes, 8));
  const w3 = bswap<u64>(load<u64>(bytes, 0));
  store<u64>(out, w0, 0);
  store<u64>(out, w1, 8);
  store<u64>(out, w2, 16);
  store<u64>(out, w3, 24);
}

/** out = out + a·b, of `limbs` and `moreLimbs` limbs; out has as many as both together, or `outLimbs` if that is less. */
function accumulate(out: usize, outLimbs: usize, a: usize, limbs: usize, b: usize, moreLimbs: usize): void {
  for (let i: usize = 0; i < limbs; i++) {
    const x = <u64>load<u32>(a + (i << 2));
    let carry: u64 = 0;
    for (let j: usize = 0; j < moreLimbs && i + j < outLimbs; j++) {
      const place = out + ((i + j) << 2);
      carry += x * <u64>load<u32>(b + (j << 2)) + <u64>load<u32>(place);
      store<u32>(place, <u32>carry);
      carry >>= 32;
    }
    for (let j = i + moreLimbs; j < outLimbs; j++) {
      carry += <u64>load<u32>(out + (j << 2));
      store<u32>(out + (j << 2), <u32>carry);
      carry >>= 32;
    }
  }
}

/** out = a, or a - n where that is not negative. */
function subtractOrder(out: usize, a: usize): void {
  const t = take(SCALAR_BYTES);
  let borrow: i64 = 0;
  for (let i: usize = 0; i < 32; i += 4) {
    borrow += <i64>load<u32>(a + i) - <i64>load<u32>(N + i);
    store<u32>(t + i, <u32>borrow);
    borrow >>= 32;
  }
  const mask = <u32>borrow;
  for (let i: usize = 0; i < 32; i += 4) {
    store<u32>(out + i, (load<u32>(a + i) & mask) | (load<u32>(t + i) & ~mask));
  }
  memory.fill(t, 0, SCALAR_BYTES);
  release(t);
}

/** out = the 16 limbs at `wide`, modulo n. 2^256 = d: 512 bits become 386, 260, 257 and 256. */
function reduceWide(out: usize, wide: usize): void {
  const t = take(4 * 64);
  memory.fill(t, 0, 4 * 64);
  let from = wide;
  let limbs: usize = 8;
  for (let round: usize = 0; round < 4; round++) {
    const to = t + (round << 6);
    memory.copy(to, from, SCALAR_BYTES);
    accumulate(to, 14, from + SCALAR_BYTES, limbs, D, D_LIMBS);
    from = to;
    limbs = round == 0 ? 5 : 1;
  }
  subtractOrder(out, from);
  memory.fill(t, 0, 4 * 64);
  release(t);
}

/** out = a·b + c modulo n. */
export function mulAdd(out: usize, a: usize, b: usize, c: usize): void {
  const t = take(64);
  memory.fill(t, 0, 64);
  memory.copy(t, c, SCALAR_BYTES);
  accumulate(t, 16, a, 8, b, 8);
  reduceWide(out, t);
  memory.fill(t, 0, 64);
  release(t);
}

/** out = a modulo n. Operand: below 2^256. */
export function reduceOnce(out: usize, a: usize): void {
  subtractOrder(out, a);
}

/** out = n - a, of a from 1 to n - 1, where the mask is all ones; else a. */
export function negateIf(out: usize, a: usize, mask: u32): void {
  let borrow: i64 = 0;
  for (let i: usize = 0; i < 32; i += 4) {
    const x = load<u32>(a + i);
    borrow += <i64>load<u32>(N + i) - <i64>x;
    store<u32>(out + i, (<u32>borrow & mask) | (x & ~mask));
    borrow >>= 32;
  }
}

/** Whether the scalar is from 1 to n - 1: 1, else 0. */
export function isScalar(a: usize): u32 {
  let borrow: i64 = 0;
  let any: u32 = 0;
  for (let i: usize = 0; i < 32; i += 4) {
    const x = load<u32>(a + i);
    any |= x;
    borrow += <i64>x - <i64>load<u32>(N + i);
    borrow >>= 32;
  }
  return <u32>borrow & ((any | (0 - any)) >> 31) & 1;
}

/** out = round(a·g / 2^384), six limbs. */
function quotient(out: usize, a: usize, g: usize): void {
  const t = take(64);
  memory.fill(t, 0, 64);
  // Half of 2^384.
  store<u32>(t, 0x80000000, 44);
  accumulate(t, 16, a, 8, g, 8);
  memory.copy(out, t + 48, 16);
  store<u64>(out, 0, 16);
  memory.fill(t, 0, 64);
  release(t);
}

/** a = -a of six limbs where the mask is all ones. */
function negatePartIf(a: usize, mask: u32): void {
  let carry = <u64>(mask & 1);
  for (let i: usize = 0; i < PART_BYTES; i += 4) {
    carry += <u64>(load<u32>(a + i) ^ mask);
    store<u32>(a + i, <u32>carry);
    carry >>= 32;
  }
}

/**
 * part1 and part2 = the amounts of k1 and k2, PART_BYTES each, below 2^128. Answers their signs: bit 0 if k1, bit 1 if k2 is
 * negative.
 */
export function split(part1: usize, part2: usize, k: usize): u32 {
  const c1 = take(2 * PART_BYTES);
  const c2 = c1 + PART_BYTES;
  quotient(c1, k, G1);
  quotient(c2, k, G2);
  // c1·a1 + c2·a2 - k, and -c1·b1; c2·b2 goes off below.
  for (let i: usize = 0; i < PART_BYTES; i += 4) store<u32>(part1 + i, ~load<u32>(k + i));
  addOne(part1);
  accumulate(part1, PART_LIMBS, c1, PART_LIMBS, A1, PART_LIMBS);
  accumulate(part1, PART_LIMBS, c2, PART_LIMBS, A2, PART_LIMBS);
  const minus1 = ~<u32>(load<i32>(part1, 20) >> 31);
  negatePartIf(part1, ~minus1);
  memory.fill(part2, 0, PART_BYTES);
  accumulate(part2, PART_LIMBS, c2, PART_LIMBS, A1, PART_LIMBS);
  negatePartIf(part2, 0xffffffff);
  accumulate(part2, PART_LIMBS, c1, PART_LIMBS, MINUS_B1, PART_LIMBS);
  const minus2 = <u32>(load<i32>(part2, 20) >> 31);
  negatePartIf(part2, minus2);
  memory.fill(c1, 0, 2 * PART_BYTES);
  release(c1);
  return (minus1 & 1) | (minus2 & 2);
}

function addOne(a: usize): void {
  let carry: u64 = 1;
  for (let i: usize = 0; i < PART_BYTES; i += 4) {
    carry += <u64>load<u32>(a + i);
    store<u32>(a + i, <u32>carry);
    carry >>= 32;
  }
}

/**
 * Signed digits of `width` bits, `count` of them, of a number that they cover: an i16 each, from -2^(width - 1) + 1 to
 * 2^(width - 1). Up to four bytes after the number are read, and masked off or 0.
 */
export function signedDigits(out: usize, a: usize, width: u32, count: usize): void {
  const half: i32 = 1 << (width - 1);
  const mask: u32 = (1 << width) - 1;
  let carry: i32 = 0;
  for (let i: usize = 0; i < count; i++) {
    const bit = i * width;
    const word = load<u32>(a + (bit >> 3)) >> <u32>(bit & 7);
    const digit = <i32>(word & mask) + carry;
    carry = (half - digit) >> 31 & 1;
    store<i16>(out + (i << 1), <i16>(digit - (carry << width)));
  }
}
