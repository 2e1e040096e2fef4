// Arithmetic modulo p = 2^256 - c, c = 2^32 + 977, on two elements, one after the other, in plain integers: the build without
// SIMD. See field.ts for what each function does, docs/cryptography.md for the proof of the bounds.
//
//     element = l0 + l1·2^26 + l2·2^52 + … + l9·2^234      limbs: signed i32 of 26 bits
//
//     pair, 80 bytes      0      4                40     44               80
//                         ┌──────┬──────┬╌╌╌╌╌╌╌┬──────┬──────┬╌╌╌╌╌╌╌┐
//                         │ l0 A │ l1 A │       │ l0 B │ l1 B │       │
//                         └──────┴──────┴╌╌╌╌╌╌╌┴──────┴──────┴╌╌╌╌╌╌╌┘
//
// The limbs end at 2^260 = 2^36 + 15632: what stands in column k + 10 comes down times 15632 to column k and times 2^10 to
// column k + 1. Limb 9 ends at 2^256, though: its carry q comes in as 977·q to limb 0 and 2^6·q to limb 1.
import { take } from "../memory/workspace";
import { storeCanonical } from "./canonical";

const MASK: i64 = 0x3ffffff;
const HALF: i64 = 1 << 25;
/** Of limb 9, which has 22 bits. */
const HALF_TOP: i64 = 1 << 21;
const COLUMNS_BYTES: usize = 160;

/** Sums of the columns of a product: this instance's own. */
let columns: usize = 0;

export function initialise(): void {
  columns = take(COLUMNS_BYTES);
}

export function wipe(): void {
  memory.fill(columns, 0, COLUMNS_BYTES);
}

// @ts-ignore: decorator
@inline
function limb(a: usize, offset: usize): i64 {
  return <i64>load<i32>(a + offset);
}

// @ts-ignore: decorator
@inline
function keep(offset: usize, sum: i64, negative: bool, more: bool): void {
  const signed = negative ? -sum : sum;
  store<i64>(columns + offset, more ? load<i64>(columns + offset) + signed : signed);
}

/** The 19 columns of a·b, or with `negative` of -a·b; with `more` added to those that are there. */
// @ts-ignore: decorator
@inline
function multiply(a: usize, b: usize, negative: bool, more: bool): void {
  const a0 = limb(a, 0);
  const a1 = limb(a, 4);
  const a2 = limb(a, 8);
  const a3 = limb(a, 12);
  const a4 = limb(a, 16);
  const a5 = limb(a, 20);
  const a6 = limb(a, 24);
  const a7 = limb(a, 28);
  const a8 = limb(a, 32);
  const a9 = limb(a, 36);
  const b0 = limb(b, 0);
  const b1 = limb(b, 4);
  const b2 = limb(b, 8);
  const b3 = limb(b, 12);
  const b4 = limb(b, 16);
  const b5 = limb(b, 20);
  const b6 = limb(b, 24);
  const b7 = limb(b, 28);
  const b8 = limb(b, 32);
  const b9 = limb(b, 36);
  keep(0, a0 * b0, negative, more);
  keep(8, a0 * b1 + a1 * b0, negative, more);
  keep(16, a0 * b2 + a1 * b1 + a2 * b0, negative, more);
  keep(24, a0 * b3 + a1 * b2 + a2 * b1 + a3 * b0, negative, more);
  keep(32, a0 * b4 + a1 * b3 + a2 * b2 + a3 * b1 + a4 * b0, negative, more);
  keep(40, a0 * b5 + a1 * b4 + a2 * b3 + a3 * b2 + a4 * b1 + a5 * b0, negative, more);
  keep(48, a0 * b6 + a1 * b5 + a2 * b4 + a3 * b3 + a4 * b2 + a5 * b1 + a6 * b0, negative, more);
  keep(56, a0 * b7 + a1 * b6 + a2 * b5 + a3 * b4 + a4 * b3 + a5 * b2 + a6 * b1 + a7 * b0, negative, more);
  keep(64, a0 * b8 + a1 * b7 + a2 * b6 + a3 * b5 + a4 * b4 + a5 * b3 + a6 * b2 + a7 * b1 + a8 * b0, negative, more);
  keep(72, a0 * b9 + a1 * b8 + a2 * b7 + a3 * b6 + a4 * b5 + a5 * b4 + a6 * b3 + a7 * b2 + a8 * b1 + a9 * b0, negative, more);
  keep(80, a1 * b9 + a2 * b8 + a3 * b7 + a4 * b6 + a5 * b5 + a6 * b4 + a7 * b3 + a8 * b2 + a9 * b1, negative, more);
  keep(88, a2 * b9 + a3 * b8 + a4 * b7 + a5 * b6 + a6 * b5 + a7 * b4 + a8 * b3 + a9 * b2, negative, more);
  keep(96, a3 * b9 + a4 * b8 + a5 * b7 + a6 * b6 + a7 * b5 + a8 * b4 + a9 * b3, negative, more);
  keep(104, a4 * b9 + a5 * b8 + a6 * b7 + a7 * b6 + a8 * b5 + a9 * b4, negative, more);
  keep(112, a5 * b9 + a6 * b8 + a7 * b7 + a8 * b6 + a9 * b5, negative, more);
  keep(120, a6 * b9 + a7 * b8 + a8 * b7 + a9 * b6, negative, more);
  keep(128, a7 * b9 + a8 * b8 + a9 * b7, negative, more);
  keep(136, a8 * b9 + a9 * b8, negative, more);
  keep(144, a9 * b9, negative, more);
}

/** The 19 columns of a². */
// @ts-ignore: decorator
@inline
function square(a: usize): void {
  const a0 = limb(a, 0);
  const a1 = limb(a, 4);
  const a2 = limb(a, 8);
  const a3 = limb(a, 12);
  const a4 = limb(a, 16);
  const a5 = limb(a, 20);
  const a6 = limb(a, 24);
  const a7 = limb(a, 28);
  const a8 = limb(a, 32);
  const a9 = limb(a, 36);
  const d0 = 2 * a0;
  const d1 = 2 * a1;
  const d2 = 2 * a2;
  const d3 = 2 * a3;
  const d4 = 2 * a4;
  const d5 = 2 * a5;
  const d6 = 2 * a6;
  const d7 = 2 * a7;
  const d8 = 2 * a8;
  keep(0, a0 * a0, false, false);
  keep(8, d0 * a1, false, false);
  keep(16, d0 * a2 + a1 * a1, false, false);
  keep(24, d0 * a3 + d1 * a2, false, false);
  keep(32, d0 * a4 + d1 * a3 + a2 * a2, false, false);
  keep(40, d0 * a5 + d1 * a4 + d2 * a3, false, false);
  keep(48, d0 * a6 + d1 * a5 + d2 * a4 + a3 * a3, false, false);
  keep(56, d0 * a7 + d1 * a6 + d2 * a5 + d3 * a4, false, false);
  keep(64, d0 * a8 + d1 * a7 + d2 * a6 + d3 * a5 + a4 * a4, false, false);
  keep(72, d0 * a9 + d1 * a8 + d2 * a7 + d3 * a6 + d4 * a5, false, false);
  keep(80, d1 * a9 + d2 * a8 + d3 * a7 + d4 * a6 + a5 * a5, false, false);
  keep(88, d2 * a9 + d3 * a8 + d4 * a7 + d5 * a6, false, false);
  keep(96, d3 * a9 + d4 * a8 + d5 * a7 + a6 * a6, false, false);
  keep(104, d4 * a9 + d5 * a8 + d6 * a7, false, false);
  keep(112, d5 * a9 + d6 * a8 + a7 * a7, false, false);
  keep(120, d6 * a9 + d7 * a8, false, false);
  keep(128, d7 * a9 + a8 * a8, false, false);
  keep(136, d8 * a9, false, false);
  keep(144, a9 * a9, false, false);
}

/** What goes to the next column. */
// @ts-ignore: decorator
@inline
function carryOut(sum: i64): i64 {
  return (sum + HALF) >> 26;
}

/**
 * Carries ten sums and stores limbs: of at most 2^25, but limb 2, which takes a last carry of 2^14. `over` is what stands at
 * 2^256 besides.
 */
// @ts-ignore: decorator
@inline
function carry(out: usize, h0: i64, h1: i64, h2: i64, h3: i64, h4: i64, h5: i64, h6: i64, h7: i64, h8: i64, h9: i64, over: i64): void {
  let c: i64;
  c = carryOut(h0);
  h0 -= c << 26;
  h1 += c;
  c = carryOut(h1);
  h1 -= c << 26;
  h2 += c;
  c = carryOut(h2);
  h2 -= c << 26;
  h3 += c;
  c = carryOut(h3);
  h3 -= c << 26;
  h4 += c;
  c = carryOut(h4);
  h4 -= c << 26;
  h5 += c;
  c = carryOut(h5);
  h5 -= c << 26;
  h6 += c;
  c = carryOut(h6);
  h6 -= c << 26;
  h7 += c;
  c = carryOut(h7);
  h7 -= c << 26;
  h8 += c;
  c = carryOut(h8);
  h8 -= c << 26;
  h9 += c;
  c = (h9 + HALF_TOP) >> 22;
  h9 -= c << 22;
  const q = over + c;
  h0 += 977 * q;
  h1 += q << 6;
  c = carryOut(h0);
  h0 -= c << 26;
  h1 += c;
  c = carryOut(h1);
  h1 -= c << 26;
  h2 += c;
  store<i32>(out, <i32>h0, 0);
  store<i32>(out, <i32>h1, 4);
  store<i32>(out, <i32>h2, 8);
  store<i32>(out, <i32>h3, 12);
  store<i32>(out, <i32>h4, 16);
  store<i32>(out, <i32>h5, 20);
  store<i32>(out, <i32>h6, 24);
  store<i32>(out, <i32>h7, 28);
  store<i32>(out, <i32>h8, 32);
  store<i32>(out, <i32>h9, 36);
}

/** Brings the upper columns down and stores limbs. */
function finish(out: usize): void {
  let c: i64 = 0;
  let x: i64;
  x = load<i64>(columns, 80) + c;
  c = carryOut(x);
  const x10 = x - (c << 26);
  x = load<i64>(columns, 88) + c;
  c = carryOut(x);
  const x11 = x - (c << 26);
  x = load<i64>(columns, 96) + c;
  c = carryOut(x);
  const x12 = x - (c << 26);
  x = load<i64>(columns, 104) + c;
  c = carryOut(x);
  const x13 = x - (c << 26);
  x = load<i64>(columns, 112) + c;
  c = carryOut(x);
  const x14 = x - (c << 26);
  x = load<i64>(columns, 120) + c;
  c = carryOut(x);
  const x15 = x - (c << 26);
  x = load<i64>(columns, 128) + c;
  c = carryOut(x);
  const x16 = x - (c << 26);
  x = load<i64>(columns, 136) + c;
  c = carryOut(x);
  const x17 = x - (c << 26);
  x = load<i64>(columns, 144) + c;
  c = carryOut(x);
  const x18 = x - (c << 26);
  const x19 = c;
  carry(
    out,
    load<i64>(columns, 0) + 15632 * x10,
    load<i64>(columns, 8) + 15632 * x11 + (x10 << 10),
    load<i64>(columns, 16) + 15632 * x12 + (x11 << 10),
    load<i64>(columns, 24) + 15632 * x13 + (x12 << 10),
    load<i64>(columns, 32) + 15632 * x14 + (x13 << 10),
    load<i64>(columns, 40) + 15632 * x15 + (x14 << 10),
    load<i64>(columns, 48) + 15632 * x16 + (x15 << 10),
    load<i64>(columns, 56) + 15632 * x17 + (x16 << 10),
    load<i64>(columns, 64) + 15632 * x18 + (x17 << 10),
    load<i64>(columns, 72) + 15632 * x19 + (x18 << 10),
    // At 2^260, which is 16 times 2^256.
    x19 << 14,
  );
}

export function mul(out: usize, a: usize, b: usize): void {
  for (let lane: usize = 0; lane < 80; lane += 40) {
    multiply(a + lane, b + lane, false, false);
    finish(out + lane);
  }
}

export function sqr(out: usize, a: usize): void {
  for (let lane: usize = 0; lane < 80; lane += 40) {
    square(a + lane);
    finish(out + lane);
  }
}

export function mulAdd(out: usize, a: usize, b: usize, c: usize, d: usize): void {
  for (let lane: usize = 0; lane < 80; lane += 40) {
    multiply(a + lane, b + lane, false, false);
    multiply(c + lane, d + lane, false, true);
    finish(out + lane);
  }
}

export function mulSub(out: usize, a: usize, b: usize, c: usize, d: usize): void {
  for (let lane: usize = 0; lane < 80; lane += 40) {
    multiply(a + lane, b + lane, false, false);
    multiply(c + lane, d + lane, true, true);
    finish(out + lane);
  }
}

export function sqrAdd(out: usize, a: usize, c: usize, d: usize): void {
  for (let lane: usize = 0; lane < 80; lane += 40) {
    square(a + lane);
    multiply(c + lane, d + lane, false, true);
    finish(out + lane);
  }
}

/** Stores (a + sign·b)·factor of one lane. */
function combineLane(out: usize, a: usize, b: usize, sign: i64, factor: i64): void {
  carry(
    out,
    (limb(a, 0) + sign * limb(b, 0)) * factor,
    (limb(a, 4) + sign * limb(b, 4)) * factor,
    (limb(a, 8) + sign * limb(b, 8)) * factor,
    (limb(a, 12) + sign * limb(b, 12)) * factor,
    (limb(a, 16) + sign * limb(b, 16)) * factor,
    (limb(a, 20) + sign * limb(b, 20)) * factor,
    (limb(a, 24) + sign * limb(b, 24)) * factor,
    (limb(a, 28) + sign * limb(b, 28)) * factor,
    (limb(a, 32) + sign * limb(b, 32)) * factor,
    (limb(a, 36) + sign * limb(b, 36)) * factor,
    0,
  );
}

function combine(out: usize, a: usize, b: usize, sign: i64, factor: i64): void {
  combineLane(out, a, b, sign, factor);
  combineLane(out + 40, a + 40, b + 40, sign, factor);
}

export function mulSmall(out: usize, a: usize, factor: i32): void {
  combine(out, a, a, 0, <i64>factor);
}

export function addTimes(out: usize, a: usize, b: usize, factor: i32): void {
  combine(out, a, b, 1, <i64>factor);
}

export function add(out: usize, a: usize, b: usize): void {
  combine(out, a, b, 1, 1);
}

export function sub(out: usize, a: usize, b: usize): void {
  combine(out, a, b, -1, 1);
}

export function doublingTerms(eight: usize, slope: usize, other: usize, a: usize, b: usize): void {
  mulSmall(other, b, 21);
  mulSmall(eight, other, -3);
  addTimes(slope, eight, a, 2);
  mulSmall(eight, a, 2);
  sub(other, eight, other);
  mulSmall(other, other, 63);
  mulSmall(eight, a, 8);
}

/** The 256-bit number at `bytes`, big-endian. */
function loadLane(out: usize, bytes: usize): void {
  const w0 = bswap<u64>(load<u64>(bytes, 24));
  const w1 = bswap<u64>(load<u64>(bytes, 16));
  const w2 = bswap<u64>(load<u64>(bytes, 8));
  const w3 = bswap<u64>(load<u64>(bytes, 0));
  carry(
    out,
    <i64>w0 & MASK,
    <i64>(w0 >> 26) & MASK,
    <i64>((w0 >> 52) | (w1 << 12)) & MASK,
    <i64>(w1 >> 14) & MASK,
    <i64>((w1 >> 40) | (w2 << 24)) & MASK,
    <i64>(w2 >> 2) & MASK,
    <i64>(w2 >> 28) & MASK,
    <i64>((w2 >> 54) | (w3 << 10)) & MASK,
    <i64>(w3 >> 16) & MASK,
    <i64>(w3 >> 42),
    0,
  );
}

export function fromBytes(out: usize, bytesA: usize, bytesB: usize): void {
  loadLane(out, bytesA);
  loadLane(out + 40, bytesB);
}

/** The number from 0 to p - 1 of one lane; limbs are joined two by two to 52 bits, and moved to where canonical.ts has them. */
function storeLane(bytes: usize, a: usize): void {
  const m1 = limb(a, 8) + (limb(a, 12) << 26);
  const m2 = limb(a, 16) + (limb(a, 20) << 26);
  const m3 = limb(a, 24) + (limb(a, 28) << 26);
  const m4 = limb(a, 32) + (limb(a, 36) << 26);
  // 2^104 = 2·2^103, 2^156 = 4·2^154, 2^208 = 8·2^205.
  storeCanonical(bytes, limb(a, 0) + (limb(a, 4) << 26), m1, m2 << 1, m3 << 2, m4 << 3);
}

export function toBytes(bytesA: usize, bytesB: usize, a: usize): void {
  storeLane(bytesA, a);
  storeLane(bytesB, a + 40);
}
