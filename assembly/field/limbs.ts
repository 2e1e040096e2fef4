// Arithmetic modulo p = 2^255 - 19 on two field elements, one after the other, in plain integers: the build without SIMD.
// See pair.ts for what each function does and which operands it takes, docs/cryptography.md for the proof of the bounds.
//
//     element = l0 + l1·2^26 + l2·2^51 + l3·2^77 + … + l9·2^230      limbs: signed i32 of 26, 25, 26, 25 … bits
//
//     pair, 80 bytes      0      4                40     44               80
//                         ┌──────┬──────┬╌╌╌╌╌╌╌┬──────┬──────┬╌╌╌╌╌╌╌┐
//                         │ l0 A │ l1 A │       │ l0 B │ l1 B │       │
//                         └──────┴──────┴╌╌╌╌╌╌╌┴──────┴──────┴╌╌╌╌╌╌╌┘
//
// WebAssembly has no product of 64 by 64 bits with all 128, so limbs have half a word. The product of two odd limbs stands
// half a bit too low and is doubled; what stands at 2^255 or above comes down times 19.

import { take } from "../memory/workspace";
import { storeCanonical } from "./canonical";

const HALF_25: i64 = 1 << 24;
const HALF_26: i64 = 1 << 25;

/** Sums of the ten columns of two products: 160 bytes of this instance. */
let columns: usize = 0;

export function initialise(): void {
  columns = take(160);
}

export function wipe(): void {
  memory.fill(columns, 0, 160);
}

// @ts-ignore: decorator
@inline
function limb(a: usize, offset: usize): i64 {
  return <i64>load<i32>(a + offset);
}

/** Carries ten sums once round, and limb 0 once more: limbs of at most 1.01 · 2^25 (even) and 1.01 · 2^24 (odd). */
// @ts-ignore: decorator
@inline
function carry(out: usize, h0: i64, h1: i64, h2: i64, h3: i64, h4: i64, h5: i64, h6: i64, h7: i64, h8: i64, h9: i64): void {
  let c: i64;
  c = (h0 + HALF_26) >> 26;
  h1 += c;
  h0 -= c << 26;
  c = (h4 + HALF_26) >> 26;
  h5 += c;
  h4 -= c << 26;
  c = (h1 + HALF_25) >> 25;
  h2 += c;
  h1 -= c << 25;
  c = (h5 + HALF_25) >> 25;
  h6 += c;
  h5 -= c << 25;
  c = (h2 + HALF_26) >> 26;
  h3 += c;
  h2 -= c << 26;
  c = (h6 + HALF_26) >> 26;
  h7 += c;
  h6 -= c << 26;
  c = (h3 + HALF_25) >> 25;
  h4 += c;
  h3 -= c << 25;
  c = (h7 + HALF_25) >> 25;
  h8 += c;
  h7 -= c << 25;
  c = (h4 + HALF_26) >> 26;
  h5 += c;
  h4 -= c << 26;
  c = (h8 + HALF_26) >> 26;
  h9 += c;
  h8 -= c << 26;
  c = (h9 + HALF_25) >> 25;
  h0 += 19 * c;
  h9 -= c << 25;
  c = (h0 + HALF_26) >> 26;
  h1 += c;
  h0 -= c << 26;
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

// @ts-ignore: decorator
@inline
function keepColumns(out: usize, h0: i64, h1: i64, h2: i64, h3: i64, h4: i64, h5: i64, h6: i64, h7: i64, h8: i64, h9: i64): void {
  store<i64>(out, h0, 0);
  store<i64>(out, h1, 8);
  store<i64>(out, h2, 16);
  store<i64>(out, h3, 24);
  store<i64>(out, h4, 32);
  store<i64>(out, h5, 40);
  store<i64>(out, h6, 48);
  store<i64>(out, h7, 56);
  store<i64>(out, h8, 64);
  store<i64>(out, h9, 72);
}

/** Carries the sum of the two products kept, and their difference. */
function finishBoth(outSum: usize, outDifference: usize): void {
  const x0 = load<i64>(columns, 0);
  const y0 = load<i64>(columns, 80);
  const x1 = load<i64>(columns, 8);
  const y1 = load<i64>(columns, 88);
  const x2 = load<i64>(columns, 16);
  const y2 = load<i64>(columns, 96);
  const x3 = load<i64>(columns, 24);
  const y3 = load<i64>(columns, 104);
  const x4 = load<i64>(columns, 32);
  const y4 = load<i64>(columns, 112);
  const x5 = load<i64>(columns, 40);
  const y5 = load<i64>(columns, 120);
  const x6 = load<i64>(columns, 48);
  const y6 = load<i64>(columns, 128);
  const x7 = load<i64>(columns, 56);
  const y7 = load<i64>(columns, 136);
  const x8 = load<i64>(columns, 64);
  const y8 = load<i64>(columns, 144);
  const x9 = load<i64>(columns, 72);
  const y9 = load<i64>(columns, 152);
  carry(outSum, x0 + y0, x1 + y1, x2 + y2, x3 + y3, x4 + y4, x5 + y5, x6 + y6, x7 + y7, x8 + y8, x9 + y9);
  carry(outDifference, x0 - y0, x1 - y1, x2 - y2, x3 - y3, x4 - y4, x5 - y5, x6 - y6, x7 - y7, x8 - y8, x9 - y9);
}

/** a·b into out: carried, or (`keep`) its ten columns as they are. */
// @ts-ignore: decorator
@inline
function multiply(out: usize, a: usize, b: usize, keep: bool): void {
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
  const d1 = 2 * a1;
  const d3 = 2 * a3;
  const d5 = 2 * a5;
  const d7 = 2 * a7;
  const d9 = 2 * a9;
  const m1 = 19 * b1;
  const m2 = 19 * b2;
  const m3 = 19 * b3;
  const m4 = 19 * b4;
  const m5 = 19 * b5;
  const m6 = 19 * b6;
  const m7 = 19 * b7;
  const m8 = 19 * b8;
  const m9 = 19 * b9;
  const h0 = a0 * b0 + d1 * m9 + a2 * m8 + d3 * m7 + a4 * m6 + d5 * m5 + a6 * m4 + d7 * m3 + a8 * m2 + d9 * m1;
  const h1 = a0 * b1 + a1 * b0 + a2 * m9 + a3 * m8 + a4 * m7 + a5 * m6 + a6 * m5 + a7 * m4 + a8 * m3 + a9 * m2;
  const h2 = a0 * b2 + d1 * b1 + a2 * b0 + d3 * m9 + a4 * m8 + d5 * m7 + a6 * m6 + d7 * m5 + a8 * m4 + d9 * m3;
  const h3 = a0 * b3 + a1 * b2 + a2 * b1 + a3 * b0 + a4 * m9 + a5 * m8 + a6 * m7 + a7 * m6 + a8 * m5 + a9 * m4;
  const h4 = a0 * b4 + d1 * b3 + a2 * b2 + d3 * b1 + a4 * b0 + d5 * m9 + a6 * m8 + d7 * m7 + a8 * m6 + d9 * m5;
  const h5 = a0 * b5 + a1 * b4 + a2 * b3 + a3 * b2 + a4 * b1 + a5 * b0 + a6 * m9 + a7 * m8 + a8 * m7 + a9 * m6;
  const h6 = a0 * b6 + d1 * b5 + a2 * b4 + d3 * b3 + a4 * b2 + d5 * b1 + a6 * b0 + d7 * m9 + a8 * m8 + d9 * m7;
  const h7 = a0 * b7 + a1 * b6 + a2 * b5 + a3 * b4 + a4 * b3 + a5 * b2 + a6 * b1 + a7 * b0 + a8 * m9 + a9 * m8;
  const h8 = a0 * b8 + d1 * b7 + a2 * b6 + d3 * b5 + a4 * b4 + d5 * b3 + a6 * b2 + d7 * b1 + a8 * b0 + d9 * m9;
  const h9 = a0 * b9 + a1 * b8 + a2 * b7 + a3 * b6 + a4 * b5 + a5 * b4 + a6 * b3 + a7 * b2 + a8 * b1 + a9 * b0;
  if (keep) keepColumns(out, h0, h1, h2, h3, h4, h5, h6, h7, h8, h9);
  else carry(out, h0, h1, h2, h3, h4, h5, h6, h7, h8, h9);
}

/** a² into out: carried, or (`keep`) its ten columns as they are. */
// @ts-ignore: decorator
@inline
function square(out: usize, a: usize, keep: bool): void {
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
  const m6 = 19 * a6;
  const m7 = 19 * a7;
  const m8 = 19 * a8;
  const m9 = 19 * a9;
  const n5 = 38 * a5;
  const n7 = 38 * a7;
  const n9 = 38 * a9;
  const h0 = a0 * a0 + d1 * n9 + d2 * m8 + d3 * n7 + d4 * m6 + a5 * n5;
  const h1 = d0 * a1 + d2 * m9 + d3 * m8 + d4 * m7 + d5 * m6;
  const h2 = d0 * a2 + a1 * d1 + d3 * n9 + d4 * m8 + d5 * n7 + a6 * m6;
  const h3 = d0 * a3 + d1 * a2 + d4 * m9 + d5 * m8 + d6 * m7;
  const h4 = d0 * a4 + d1 * d3 + a2 * a2 + d5 * n9 + d6 * m8 + a7 * n7;
  const h5 = d0 * a5 + d1 * a4 + d2 * a3 + d6 * m9 + d7 * m8;
  const h6 = d0 * a6 + d1 * d5 + d2 * a4 + a3 * d3 + d7 * n9 + a8 * m8;
  const h7 = d0 * a7 + d1 * a6 + d2 * a5 + d3 * a4 + d8 * m9;
  const h8 = d0 * a8 + d1 * d7 + d2 * a6 + d3 * d5 + a4 * a4 + a9 * n9;
  const h9 = d0 * a9 + d1 * a8 + d2 * a7 + d3 * a6 + d4 * a5;
  if (keep) keepColumns(out, h0, h1, h2, h3, h4, h5, h6, h7, h8, h9);
  else carry(out, h0, h1, h2, h3, h4, h5, h6, h7, h8, h9);
}

function mulLane(out: usize, a: usize, b: usize): void {
  multiply(out, a, b, false);
}

function sqrLane(out: usize, a: usize): void {
  square(out, a, false);
}

function mulColumns(out: usize, a: usize, b: usize): void {
  multiply(out, a, b, true);
}

function sqrColumns(out: usize, a: usize): void {
  square(out, a, true);
}

export function mul(out: usize, a: usize, b: usize): void {
  mulLane(out, a, b);
  mulLane(out + 40, a + 40, b + 40);
}

export function sqr(out: usize, a: usize): void {
  sqrLane(out, a);
  sqrLane(out + 40, a + 40);
}

export function mulAddSub(outSum: usize, outDifference: usize, a: usize, b: usize, c: usize, d: usize): void {
  for (let lane: usize = 0; lane < 80; lane += 40) {
    mulColumns(columns, a + lane, b + lane);
    mulColumns(columns + 80, c + lane, d + lane);
    finishBoth(outSum + lane, outDifference + lane);
  }
}

export function sqrAddSub(outSum: usize, outDifference: usize, a: usize, c: usize, d: usize): void {
  for (let lane: usize = 0; lane < 80; lane += 40) {
    sqrColumns(columns, a + lane);
    mulColumns(columns + 80, c + lane, d + lane);
    finishBoth(outSum + lane, outDifference + lane);
  }
}

/** out may be a or b: nothing is stored before all of that lane is loaded. */
function sqrEitherLane(out: usize, a: usize, b: usize, mask: i32): void {
  for (let i: usize = 0; i < 40; i += 4) {
    const x = load<i32>(a + i);
    store<i32>(columns + i, x ^ ((x ^ load<i32>(b + i)) & mask));
  }
  sqrLane(out, columns);
}

export function sqrEither(out: usize, a: usize, b: usize, maskA: u64, maskB: u64): void {
  sqrEitherLane(out, a, b, <i32>maskA);
  sqrEitherLane(out + 40, a + 40, b + 40, <i32>maskB);
}

export function subMulAdd(outDifference: usize, outSum: usize, a: usize, b: usize, factor: u32): void {
  sub(outDifference, a, b);
  reduce(outDifference, outDifference);
  mulSmall(outSum, outDifference, factor);
  add(outSum, outSum, a);
}

export function add(out: usize, a: usize, b: usize): void {
  for (let i: usize = 0; i < 80; i += 4) store<i32>(out + i, load<i32>(a + i) + load<i32>(b + i));
}

export function sub(out: usize, a: usize, b: usize): void {
  for (let i: usize = 0; i < 80; i += 4) store<i32>(out + i, load<i32>(a + i) - load<i32>(b + i));
}

function mulSmallLane(out: usize, a: usize, factor: i64): void {
  carry(
    out,
    limb(a, 0) * factor,
    limb(a, 4) * factor,
    limb(a, 8) * factor,
    limb(a, 12) * factor,
    limb(a, 16) * factor,
    limb(a, 20) * factor,
    limb(a, 24) * factor,
    limb(a, 28) * factor,
    limb(a, 32) * factor,
    limb(a, 36) * factor,
  );
}

export function mulSmall(out: usize, a: usize, factor: u32): void {
  mulSmallLane(out, a, <i64>factor);
  mulSmallLane(out + 40, a + 40, <i64>factor);
}

export function reduce(out: usize, a: usize): void {
  mulSmall(out, a, 1);
}

export function mulLanesAddSub(out: usize, a: usize, b: usize): void {
  mulColumns(columns, a, b);
  mulColumns(columns + 80, a + 40, b + 40);
  finishBoth(out, out + 40);
}

export function lanesSubMulAdd(outA: usize, outB: usize, a: usize, factor: u32): void {
  memory.copy(outA, a, 40);
  memory.copy(outB, a + 40, 40);
  for (let i: usize = 0; i < 40; i += 4) store<i32>(outA + i, load<i32>(a + i) - load<i32>(a + i, 40), 40);
  mulSmallLane(outA + 40, outA + 40, 1);
  mulSmallLane(outB + 40, outA + 40, <i64>factor);
  for (let i: usize = 0; i < 40; i += 4) store<i32>(outB + i, load<i32>(outB + i, 40) + load<i32>(a + i), 40);
}

export function copy(out: usize, a: usize): void {
  memory.copy(out, a, 80);
}

export function swapLanes(out: usize, a: usize): void {
  for (let i: usize = 0; i < 40; i += 4) {
    const x = load<i32>(a + i);
    store<i32>(out + i, load<i32>(a + i, 40));
    store<i32>(out + i, x, 40);
  }
}

function swapLaneIf(a: usize, b: usize, mask: i32): void {
  for (let i: usize = 0; i < 40; i += 4) {
    const x = load<i32>(a + i);
    const y = load<i32>(b + i);
    const difference = (x ^ y) & mask;
    store<i32>(a + i, x ^ difference);
    store<i32>(b + i, y ^ difference);
  }
}

export function swapIf(a: usize, b: usize, maskA: u64, maskB: u64): void {
  swapLaneIf(a, b, <i32>maskA);
  swapLaneIf(a + 40, b + 40, <i32>maskB);
}

export function gather(out: usize, elementA: usize, elementB: usize): void {
  memory.copy(out, elementA, 40);
  memory.copy(out + 40, elementB, 40);
}

export function scatter(elementA: usize, elementB: usize, a: usize): void {
  memory.copy(elementA, a, 40);
  memory.copy(elementB, a + 40, 40);
}

/** The 255-bit number at `bytes`; each limb from 0 to 2^26 - 1, then carried. */
function loadLane(out: usize, bytes: usize): void {
  const w0 = load<u64>(bytes);
  const w1 = load<u64>(bytes, 8);
  const w2 = load<u64>(bytes, 16);
  const w3 = load<u64>(bytes, 24);
  carry(
    out,
    <i64>(w0 & 0x3ffffff),
    <i64>((w0 >> 26) & 0x1ffffff),
    <i64>(((w0 >> 51) | (w1 << 13)) & 0x3ffffff),
    <i64>((w1 >> 13) & 0x1ffffff),
    <i64>((w1 >> 38) & 0x3ffffff),
    <i64>(w2 & 0x1ffffff),
    <i64>((w2 >> 25) & 0x3ffffff),
    <i64>(((w2 >> 51) | (w3 << 13)) & 0x1ffffff),
    <i64>((w3 >> 12) & 0x3ffffff),
    <i64>((w3 >> 38) & 0x1ffffff),
  );
}

export function fromBytes(out: usize, bytesA: usize, bytesB: usize): void {
  loadLane(out, bytesA);
  loadLane(out + 40, bytesB);
}

/** The number from 0 to p - 1 of one lane; limbs are joined two by two to 51 bits. */
function storeLane(bytes: usize, a: usize): void {
  storeCanonical(
    bytes,
    limb(a, 0) + (limb(a, 4) << 26),
    limb(a, 8) + (limb(a, 12) << 26),
    limb(a, 16) + (limb(a, 20) << 26),
    limb(a, 24) + (limb(a, 28) << 26),
    limb(a, 32) + (limb(a, 36) << 26),
  );
}

export function toBytes(bytesA: usize, bytesB: usize, a: usize): void {
  storeLane(bytesA, a);
  storeLane(bytesB, a + 40);
}
