// Scalars: integers modulo L = 2^252 + c, the order of the base point (RFC 8032 section 5.1), 32 bytes, little-endian.
// No function but isCanonical and wnaf branches on, or addresses by, the value of a scalar.
//
// Reduction folds: 2^252 = -c modulo L, and c has only 125 bits. With x = x_lo + 2^252·x_hi,
//
//     x = x_lo - v,  v = c·x_hi = v_lo + 2^252·v_hi                      512 bits → 385
//       = x_lo - v_lo + w,  w = c·v_hi = w_lo + 2^252·w_hi               385 bits → 258
//       = x_lo - v_lo + w_lo - u,  u = c·w_hi                            258 bits → 131
//
// which is more than -2^252 - 2^131 and less than 2^253: 2L makes it positive and leaves it below 4L.
//
// WebAssembly has no product of 64 by 64 bits with all 128, so words have 32 bits; a word times a word plus two words
// fits 64 bits.
import { release, take } from "../memory/workspace";

/** Bytes of a scalar. */
export const SCALAR_BYTES: usize = 32;

const MASK_32: u64 = 0xffffffff;

/** c, by words. */
const C0: u64 = 0x5cf5d3ed;
const C1: u64 = 0x5812631a;
const C2: u64 = 0xa2f79cd6;
const C3: u64 = 0x14def9de;

// prettier-ignore
const ORDER = memory.data<u32>([
  0x5cf5d3ed, 0x5812631a, 0xa2f79cd6, 0x14def9de, 0, 0, 0, 0x10000000,
], 16);
// prettier-ignore
const ORDER_TWICE = memory.data<u32>([
  0xb9eba7da, 0xb024c634, 0x45ef39ac, 0x29bdf3bd, 0, 0, 0, 0x20000000,
], 16);

/** out = a·b: `words` words times 8. out is neither. */
function multiply(out: usize, a: usize, words: usize, b: usize): void {
  const b0 = <u64>load<u32>(b, 0);
  const b1 = <u64>load<u32>(b, 4);
  const b2 = <u64>load<u32>(b, 8);
  const b3 = <u64>load<u32>(b, 12);
  const b4 = <u64>load<u32>(b, 16);
  const b5 = <u64>load<u32>(b, 20);
  const b6 = <u64>load<u32>(b, 24);
  const b7 = <u64>load<u32>(b, 28);
  let s0: u64 = 0;
  let s1: u64 = 0;
  let s2: u64 = 0;
  let s3: u64 = 0;
  let s4: u64 = 0;
  let s5: u64 = 0;
  let s6: u64 = 0;
  let s7: u64 = 0;
  const end = a + (words << 2);
  while (a < end) {
    const x = <u64>load<u32>(a);
    let t = x * b0 + s0;
    store<u32>(out, <u32>t);
    t = x * b1 + s1 + (t >> 32);
    s0 = t & MASK_32;
    t = x * b2 + s2 + (t >> 32);
    s1 = t & MASK_32;
    t = x * b3 + s3 + (t >> 32);
    s2 = t & MASK_32;
    t = x * b4 + s4 + (t >> 32);
    s3 = t & MASK_32;
    t = x * b5 + s5 + (t >> 32);
    s4 = t & MASK_32;
    t = x * b6 + s6 + (t >> 32);
    s5 = t & MASK_32;
    t = x * b7 + s7 + (t >> 32);
    s6 = t & MASK_32;
    s7 = t >> 32;
    a += 4;
    out += 4;
  }
  store<u64>(out, s0 | (s1 << 32), 0);
  store<u64>(out, s2 | (s3 << 32), 8);
  store<u64>(out, s4 | (s5 << 32), 16);
  store<u64>(out, s6 | (s7 << 32), 24);
}

/** out = c·(x / 2^252), from an x of 7 + `words` words; out has 4 + `words` and may be x. */
function foldHigh(out: usize, x: usize, words: usize): void {
  let s0: u64 = 0;
  let s1: u64 = 0;
  let s2: u64 = 0;
  let s3: u64 = 0;
  x += 28;
  let word = load<u32>(x);
  for (let i: usize = 0; i < words; i++) {
    x += 4;
    const next = i + 1 < words ? load<u32>(x) : 0;
    const h = <u64>((word >> 28) | (next << 4));
    word = next;
    let t = h * C0 + s0;
    store<u32>(out, <u32>t);
    t = h * C1 + s1 + (t >> 32);
    s0 = t & MASK_32;
    t = h * C2 + s2 + (t >> 32);
    s1 = t & MASK_32;
    t = h * C3 + s3 + (t >> 32);
    s2 = t & MASK_32;
    s3 = t >> 32;
    out += 4;
  }
  store<u64>(out, s0 | (s1 << 32), 0);
  store<u64>(out, s2 | (s3 << 32), 8);
}

/** sum ± (x modulo 2^252), in 8 signed words of 64 bits; x has `words` words. */
function addLow(sum: usize, x: usize, words: usize, sign: i64): void {
  for (let i: usize = 0; i < 8; i++) {
    const word = i < words ? load<u32>(x + (i << 2)) : 0;
    const low = i < 7 ? word : word & 0xfffffff;
    store<i64>(sum + (i << 3), load<i64>(sum + (i << 3)) + sign * <i64>low);
  }
}

/** a -= m if a is m or more; 8 words. */
function subtractIf(a: usize, m: usize): void {
  let borrow: i64 = 0;
  for (let i: usize = 0; i < 32; i += 4) borrow = (<i64>load<u32>(a + i) - <i64>load<u32>(m + i) + borrow) >> 32;
  const mask = ~(<u32>borrow);
  borrow = 0;
  for (let i: usize = 0; i < 32; i += 4) {
    const word = <i64>load<u32>(a + i) - <i64>(load<u32>(m + i) & mask) + borrow;
    store<u32>(a + i, <u32>word);
    borrow = word >> 32;
  }
}

/** out = x modulo L, x of 12 or 16 words, which are overwritten. */
function reduceWide(out: usize, x: usize, words: usize): void {
  const sum = take(64);
  for (let i: usize = 0; i < 8; i++) store<i64>(sum + (i << 3), <i64>load<u32>(ORDER_TWICE + (i << 2)));
  let sign: i64 = 1;
  while (words > 7) {
    addLow(sum, x, words, sign);
    foldHigh(x, x, words - 7);
    words -= 3;
    sign = -sign;
  }
  addLow(sum, x, words, sign);
  let carry: i64 = 0;
  for (let i: usize = 0; i < 8; i++) {
    carry += load<i64>(sum + (i << 3));
    store<u32>(out + (i << 2), <u32>carry);
    carry >>= 32;
  }
  subtractIf(out, ORDER_TWICE);
  subtractIf(out, ORDER);
  memory.fill(sum, 0, 64);
  release(sum);
}

/** out = the number of 64 bytes at `wide`, modulo L. As everywhere, out may be an operand. */
export function reduce512(out: usize, wide: usize): void {
  const x = take(64);
  memory.copy(x, wide, 64);
  reduceWide(out, x, 16);
  memory.fill(x, 0, 64);
  release(x);
}

/** out = a·b + c modulo L. Operands: any 256 bits. */
export function mulAdd(out: usize, a: usize, b: usize, c: usize): void {
  const x = take(64);
  multiply(x, a, 8, b);
  let carry: u64 = 0;
  for (let i: usize = 0; i < 64; i += 4) {
    carry += <u64>load<u32>(x + i) + (i < 32 ? <u64>load<u32>(c + i) : 0);
    store<u32>(x + i, <u32>carry);
    carry >>= 32;
  }
  reduceWide(out, x, 16);
  memory.fill(x, 0, 64);
  release(x);
}

/** out = a·b modulo L. Operands: any 256 bits. */
export function mulMod(out: usize, a: usize, b: usize): void {
  const x = take(64);
  multiply(x, a, 8, b);
  reduceWide(out, x, 16);
  memory.fill(x, 0, 64);
  release(x);
}

/** out = a·b modulo L. Operands: 16 bytes at a, any 256 bits at b. */
export function mulMod128(out: usize, a: usize, b: usize): void {
  const x = take(64);
  multiply(x, a, 4, b);
  reduceWide(out, x, 12);
  memory.fill(x, 0, 64);
  release(x);
}

/** out = a + b modulo L. Operands: below L. */
export function addMod(out: usize, a: usize, b: usize): void {
  let carry: u64 = 0;
  for (let i: usize = 0; i < 32; i += 4) {
    carry += <u64>load<u32>(a + i) + <u64>load<u32>(b + i);
    store<u32>(out + i, <u32>carry);
    carry >>= 32;
  }
  subtractIf(out, ORDER);
}

/** out = -a modulo L. Operand: below L. */
export function negate(out: usize, a: usize): void {
  let borrow: i64 = 0;
  for (let i: usize = 0; i < 32; i += 4) {
    borrow += <i64>load<u32>(ORDER + i) - <i64>load<u32>(a + i);
    store<u32>(out + i, <u32>borrow);
    borrow >>= 32;
  }
  subtractIf(out, ORDER); // L - 0
}

/** Whether the 32 bytes are below L: of public scalars. */
export function isCanonical(scalar: usize): bool {
  for (let i = 28; i >= 0; i -= 4) {
    const word = load<u32>(scalar + i);
    const bound = load<u32>(ORDER + i);
    if (word != bound) return word < bound;
  }
  return false;
}

/** How many digits signedDigits writes. */
export function signedDigitCount(width: u32): u32 {
  return 253 / width + 1;
}

/**
 * A scalar below 2^253 in signed digits of radix 2^width, width from 2 to 15, lowest first: i16, each from -2^(width - 1)
 * to 2^(width - 1) - 1, signedDigitCount(width) of them. The highest takes the last carry: from 0 to 2^(width - 1).
 */
export function signedDigits(out: usize, scalar: usize, width: u32): void {
  const padded = take(64);
  memory.copy(padded, scalar, 32);
  store<u64>(padded, 0, 32);
  const count = signedDigitCount(width);
  const mask: u32 = (1 << width) - 1;
  const half: u32 = 1 << (width - 1);
  let carry: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const bit = i * width;
    const digit = ((load<u32>(padded + (bit >> 3)) >> (bit & 7)) & mask) + carry;
    carry = i + 1 < count ? (digit + half) >> width : 0;
    store<i16>(out + (i << 1), <i16>(digit - (carry << width)));
  }
  memory.fill(padded, 0, 64);
  release(padded);
}

/**
 * The non-adjacent form of a public scalar below 2^253: 256 digits, i8, lowest first; each is 0 or odd and below
 * 2^(width - 1) either way, and `width` neighbours have at most one that is not 0. Width from 2 to 8. Returns the place
 * after the highest digit that is not 0.
 */
export function wnaf(out: usize, scalar: usize, width: u32): u32 {
  const padded = take(64);
  memory.copy(padded, scalar, 32);
  store<u64>(padded, 0, 32);
  memory.fill(out, 0, 256);
  const mask: u32 = (1 << width) - 1;
  let carry: u32 = 0;
  let end: u32 = 0;
  let bit: u32 = 0;
  while (bit < 256) {
    const word = load<u32>(padded + (bit >> 3)) >> (bit & 7);
    if ((word & 1) == carry) {
      bit++;
      continue;
    }
    const digit = (word & mask) + carry;
    carry = (digit >> (width - 1)) & 1;
    store<i8>(out + bit, <i8>(digit - (carry << width)));
    end = bit + 1;
    bit += width;
  }
  release(padded);
  return end;
}
