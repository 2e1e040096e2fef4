// Inverses modulo p = 2^255 - 19 by division steps (Bernstein and Yang, "Fast constant-time gcd computation and modular
// inversion", 2019), in constant time. With relaxed SIMD half of what the power p - 2 takes, without it a fifth. A step
// works on (f, g), f odd, and delta:
//
//     delta > 0 and g odd:   delta, f, g  →  1 - delta, g, (g - f) / 2
//     otherwise:             delta, f, g  →  1 + delta, f, (g + (g mod 2)·f) / 2
//
// From f = p, g = a and delta = 1/2, 590 steps bring any g below 2^256 to 0 and f to 1 or -1 (the bound for a delta that
// begins at 1/2 is Pieter Wuille's). What 30 steps do depends on the low 30 bits of f and g only, and is a matrix:
//
//     2^30·(f, g)' = (u v; q r)·(f, g)          |u| + |v| <= 2^30,  |q| + |r| <= 2^30
//
// So 20 times the matrix of 30 steps is found in registers and applied to f and g, and to d and e, for which f = d·a and
// g = e·a modulo p hold all along. There the division by 2^30 is made exact by adding a multiple m·p with
// |m| <= 2^29, so |d| and |e| grow by at most p/2 a time: they stay below 11·p, which is less than 2^259.
//
//     number    9 limbs, i32, radix 2^30: eight from 0 to 2^30 - 1, the highest signed
//
// p is 2^255 - 19, that is -19 in limb 0 and 2^15 in limb 8.
import { release, take } from "../memory/workspace";
import { storeCanonical } from "./canonical";
import { PAIR_BYTES, fromBytes, mul, swapLanes, toBytes } from "./pair";

const BATCHES: i32 = 20;
const STEPS: i32 = 30;
const MASK: i64 = 0x3fffffff;
/** 1/19 modulo 2^30. */
const INVERSE_OF_19: i32 = 678152731;

const F: usize = 0;
const G: usize = 40;
const D: usize = 80;
const E: usize = 120;
const NUMBERS_BYTES: usize = 160;

/** The 255-bit number at `bytes` in limbs. */
function loadNumber(out: usize, bytes: usize): void {
  const w0 = load<u64>(bytes, 0);
  const w1 = load<u64>(bytes, 8);
  const w2 = load<u64>(bytes, 16);
  const w3 = load<u64>(bytes, 24);
  store<i32>(out, <i32>(w0 & MASK), 0);
  store<i32>(out, <i32>((w0 >> 30) & MASK), 4);
  store<i32>(out, <i32>(((w0 >> 60) | (w1 << 4)) & MASK), 8);
  store<i32>(out, <i32>((w1 >> 26) & MASK), 12);
  store<i32>(out, <i32>(((w1 >> 56) | (w2 << 8)) & MASK), 16);
  store<i32>(out, <i32>((w2 >> 22) & MASK), 20);
  store<i32>(out, <i32>(((w2 >> 52) | (w3 << 12)) & MASK), 24);
  store<i32>(out, <i32>((w3 >> 18) & MASK), 28);
  store<i32>(out, <i32>(w3 >> 48), 32);
}

/** Stores the number, or with a `sign` of -1 its negative, modulo p; it is below 2^260 either way. */
function storeNumber(bytes: usize, a: usize, sign: i64): void {
  let carry: i64 = 0;
  for (let i: usize = 0; i < 36; i += 4) {
    carry += (<i64>load<i32>(a + i) ^ sign) - sign;
    store<i32>(a + i, <i32>(i < 32 ? carry & MASK : carry));
    carry >>= 30;
  }
  const l1 = <i64>load<i32>(a, 4);
  const l3 = <i64>load<i32>(a, 12);
  const l5 = <i64>load<i32>(a, 20);
  const l6 = <i64>load<i32>(a, 24);
  storeCanonical(
    bytes,
    <i64>load<i32>(a, 0) | ((l1 & 0x1fffff) << 30),
    (l1 >> 21) | (<i64>load<i32>(a, 8) << 9) | ((l3 & 0xfff) << 39),
    (l3 >> 12) | (<i64>load<i32>(a, 16) << 18) | ((l5 & 7) << 48),
    (l5 >> 3) | ((l6 & 0xffffff) << 27),
    (l6 >> 24) + (<i64>load<i32>(a, 28) << 6) + (<i64>load<i32>(a, 32) << 36),
  );
}

/** (f, g) = (u·f + v·g, q·f + r·g) / 2^30. */
function applyExactly(s: usize, u: i64, v: i64, q: i64, r: i64): void {
  let f = <i64>load<i32>(s, F);
  let g = <i64>load<i32>(s, G);
  let carryF = (u * f + v * g) >> 30;
  let carryG = (q * f + r * g) >> 30;
  const end = s + 32;
  while (s < end) {
    f = <i64>load<i32>(s, F + 4);
    g = <i64>load<i32>(s, G + 4);
    carryF += u * f + v * g;
    carryG += q * f + r * g;
    store<i32>(s, <i32>(carryF & MASK), F);
    store<i32>(s, <i32>(carryG & MASK), G);
    carryF >>= 30;
    carryG >>= 30;
    s += 4;
  }
  store<i32>(s, <i32>carryF, F);
  store<i32>(s, <i32>carryG, G);
}

/** The m from -2^29 to 2^29 - 1 for which sum - 19·m is a multiple of 2^30. */
// @ts-ignore: decorator
@inline
function multipleOfP(sum: i64): i64 {
  return <i64>((<i32>sum * INVERSE_OF_19) << 2 >> 2);
}

/** (d, e) = (u·d + v·e, q·d + r·e) / 2^30 modulo p. */
function applyModulo(s: usize, u: i64, v: i64, q: i64, r: i64): void {
  let d = <i64>load<i32>(s, D);
  let e = <i64>load<i32>(s, E);
  let carryD = u * d + v * e;
  let carryE = q * d + r * e;
  const m = multipleOfP(carryD);
  const n = multipleOfP(carryE);
  carryD = (carryD - 19 * m) >> 30;
  carryE = (carryE - 19 * n) >> 30;
  const end = s + 28;
  while (s < end) {
    d = <i64>load<i32>(s, D + 4);
    e = <i64>load<i32>(s, E + 4);
    carryD += u * d + v * e;
    carryE += q * d + r * e;
    store<i32>(s, <i32>(carryD & MASK), D);
    store<i32>(s, <i32>(carryE & MASK), E);
    carryD >>= 30;
    carryE >>= 30;
    s += 4;
  }
  d = <i64>load<i32>(s, D + 4);
  e = <i64>load<i32>(s, E + 4);
  carryD += u * d + v * e + (m << 15);
  carryE += q * d + r * e + (n << 15);
  store<i32>(s, <i32>(carryD & MASK), D);
  store<i32>(s, <i32>(carryE & MASK), E);
  store<i32>(s, <i32>(carryD >> 30), D + 4);
  store<i32>(s, <i32>(carryE >> 30), E + 4);
}

/** out = 1/a modulo p, and 0 for 0, as 32 bytes. Operand: from 0 to p - 1. */
export function invertBytes(out: usize, a: usize): void {
  const s = take(NUMBERS_BYTES);
  memory.fill(s, 0, NUMBERS_BYTES);
  store<i32>(s, -19, F);
  store<i32>(s, 1 << 15, F + 32);
  loadNumber(s + G, a);
  store<i32>(s, 1, E);
  // delta - 1/2, so that it is an integer: a step exchanges when it is not negative.
  let delta: i32 = 0;
  for (let batch = 0; batch < BATCHES; batch++) {
    let f = load<i32>(s, F);
    let g = load<i32>(s, G);
    // The rows of the matrix, u + v·2^32 and q + r·2^32: both columns go through the same steps.
    let above: i64 = 1;
    let below: i64 = 1 << 32;
    for (let i = 0; i < STEPS; i++) {
      const odd = 0 - (g & 1);
      const positive = ~(delta >> 31);
      const exchange = odd & positive;
      g += ((f ^ positive) - positive) & odd;
      below += ((above ^ <i64>positive) - <i64>positive) & <i64>odd;
      // Where they are exchanged, g - f has just been made: and f + (g - f) = g.
      f += g & exchange;
      above += below & <i64>exchange;
      delta = (delta ^ exchange) + 1;
      g >>= 1;
      above <<= 1;
    }
    const u = <i64>(<i32>above);
    const v = (above - u) >> 32;
    const q = <i64>(<i32>below);
    const r = (below - q) >> 32;
    applyExactly(s, u, v, q, r);
    applyModulo(s, u, v, q, r);
  }
  storeNumber(out, s + D, <i64>load<i32>(s, F + 32) >> 63);
  memory.fill(s, 0, NUMBERS_BYTES);
  release(s);
}

/** out = 1/a of both elements; neither may be 0. Operand: reduced. */
export function invertPair(out: usize, a: usize): void {
  const product = take(2 * PAIR_BYTES + 64);
  const other = product + PAIR_BYTES;
  const bytes = other + PAIR_BYTES;
  // 1/x = y·1/(x·y): one inversion for both.
  swapLanes(other, a);
  mul(product, a, other);
  toBytes(bytes, bytes + 32, product);
  invertBytes(bytes, bytes);
  fromBytes(product, bytes, bytes);
  mul(out, product, other);
  memory.fill(product, 0, 2 * PAIR_BYTES + 64);
  release(product);
}
