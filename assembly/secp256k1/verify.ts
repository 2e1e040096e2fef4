// Whether notes are good: C = k·Y, Y = hash_to_curve(text), for any number of keys k. Notes under one key are checked together:
// with random coefficients z,
//
//     k·Σ z·Y = Σ z·C
//
// The order of the group is prime, so this holds for good notes, and with a bad one for one z at most. z = z1 + z2·λ, with z1
// and z2 of 64 bits: that makes 2^128 different z (two that are the same would be a short vector of the lattice of order.ts,
// which has none below 2^127), and Σ z1·P + z2·λP has half the doublings. If it does not hold, the
// halves are checked in the same way, and what cannot be divided any further by itself: every verdict is what C = k·Y says.
// Y and C stand in the two lanes of a pair, so one pass over the coefficients makes both sums.
//
// Equations wait until there are two of them: the multiplication by k, which is secret and so in constant time, has two lanes.
import { joinAA, joinBB } from "../field/lanes";
import { BETA } from "./constants";
import { PAIR_BYTES, copy, mul, sub, toBytes, wipe } from "./field";
import { release, take } from "../memory/workspace";
import { decode, isZero, normalise } from "./encoding";
import { hashToPoints } from "./hash-to-curve";
import { NOTE_ITEM_BYTES, NOTE_KEY, NOTE_SIGNATURE, NOTE_VERDICT } from "./items";
import { TABLE_BYTES, buildTable, multiply } from "./multiply";
import { SCALAR_BYTES, reverse } from "./order";
import { AFFINE_BYTES, POINTS_BYTES, X, Y, Z, wipePoints } from "./points";
import { STORED_BYTES, gatherPoints, scatterPoints } from "./stored";
import { COEFFICIENT_BYTES, sumPairs } from "./sums";

/** z1 and z2 of an item. */
const NOTE_COEFFICIENT_BYTES: usize = 2 * COEFFICIENT_BYTES;
/** Items of one call. */
export const NOTE_COUNT_MAX: usize = 1024;
/** Fewer than these cost less one by one: measured. */
const SUM_MIN: usize = 8;
const PAIRS_BYTES: usize = 2 * AFFINE_BYTES;

/** An equation k·P = Q: the pair (P, Q), and which live items it stands for. */
const EQUATION_BYTES: usize = AFFINE_BYTES + 16;
const FROM: usize = AFFINE_BYTES;
const COUNT: usize = AFFINE_BYTES + 4;
const KEY: usize = AFFINE_BYTES + 8;

// What one call works with: set when it begins.
/** Places of the items that have a point, in order, so that those of one key are neighbours. */
let live: usize = 0;
/** Their pairs, (Y, C) and λ·(Y, C), and z1 and z2. */
let pairs: usize = 0;
let coefficients: usize = 0;
let records: usize = 0;
let keys: usize = 0;
/** Equations that wait for their verdicts: at most two. */
let waiting: usize = 0;
let waitingCount: usize = 0;
/** Items that may still be summed up again, before items are looked at one by one. */
let budget: isize = 0;

// @ts-ignore: decorator
@inline
function setVerdict(i: usize, good: u32): void {
  store<u32>(records + <usize>load<u32>(live + (i << 2)) * NOTE_ITEM_BYTES, good, NOTE_VERDICT);
}

/** Whether X = x·Z and Y = y·Z, in each lane: bits 0 and 1. */
function areEqual(points: usize, affine: usize): u32 {
  const t = take(PAIR_BYTES + 128);
  const bytes = t + PAIR_BYTES;
  mul(t, affine + X, points + Z);
  sub(t, t, points + X);
  toBytes(bytes, bytes + 32, t);
  mul(t, affine + Y, points + Z);
  sub(t, t, points + Y);
  toBytes(bytes + 64, bytes + 96, t);
  const good =
    (isZero(bytes) & isZero(bytes + 64)) | ((isZero(bytes + 32) & isZero(bytes + 96)) << 1);
  memory.fill(t, 0, PAIR_BYTES + 128);
  release(t);
  return <u32>good;
}

/** Decides what waits, two equations or one. */
function decide(): void {
  if (waitingCount == 0) return;
  const bytes: usize = POINTS_BYTES + TABLE_BYTES + 2 * (AFFINE_BYTES + SCALAR_BYTES + EQUATION_BYTES);
  const left = take(bytes);
  const right = left + AFFINE_BYTES;
  const product = right + AFFINE_BYTES;
  const table = product + POINTS_BYTES;
  const scalars = table + TABLE_BYTES;
  const first = scalars + 2 * SCALAR_BYTES;
  const second = first + EQUATION_BYTES;
  const count = waitingCount;
  memory.copy(first, waiting, EQUATION_BYTES);
  memory.copy(second, waiting + (count - 1) * EQUATION_BYTES, EQUATION_BYTES);
  waitingCount = 0;
  joinAA(left + X, first + X, second + X);
  joinAA(left + Y, first + Y, second + Y);
  joinBB(right + X, first + X, second + X);
  joinBB(right + Y, first + Y, second + Y);
  reverse(scalars, keys + <usize>load<u32>(first, KEY) * SCALAR_BYTES);
  reverse(scalars + SCALAR_BYTES, keys + <usize>load<u32>(second, KEY) * SCALAR_BYTES);
  buildTable(table, left);
  multiply(product, table, scalars, scalars + SCALAR_BYTES, 1);
  const good = areEqual(product, right);
  for (let i: usize = 0; i < count; i++) {
    settle(load<u32>(first + i * EQUATION_BYTES, FROM), load<u32>(first + i * EQUATION_BYTES, COUNT), (good >> <u32>i) & 1);
  }
  memory.fill(left, 0, bytes);
  release(left);
}

/** What an equation says of its items. */
function settle(from: usize, count: usize, good: u32): void {
  if (good || count == 1) {
    for (let i = from; i < from + count; i++) setVerdict(i, good);
    return;
  }
  budget -= <isize>count;
  const half = count >> 1;
  check(from, half);
  check(from + half, count - half);
}

/** Puts an equation that stands in the workspace in line. */
function wait(pair: usize, from: usize, count: usize): void {
  const equation = waiting + waitingCount * EQUATION_BYTES;
  memory.copy(equation, pair, AFFINE_BYTES);
  store<u32>(equation, from, FROM);
  store<u32>(equation, count, COUNT);
  store<u32>(equation, load<u32>(records + <usize>load<u32>(live + (from << 2)) * NOTE_ITEM_BYTES, NOTE_KEY), KEY);
  waitingCount++;
  if (waitingCount == 2) decide();
}

/** Checks `count` live items of one key. */
function check(from: usize, count: usize): void {
  if (count < SUM_MIN || budget < 0) {
    for (let i = from; i < from + count; i++) wait(pairs + i * PAIRS_BYTES, i, 1);
    return;
  }
  const sum = take(POINTS_BYTES + 16);
  sumPairs(sum, pairs + from * PAIRS_BYTES, coefficients + from * NOTE_COEFFICIENT_BYTES, 2 * count);
  normalise(sum, POINTS_BYTES, 1, sum + POINTS_BYTES);
  // Infinite sums of points that are not: an equation that has no affine form, and bad items for sure, or 2^-128.
  if (load<u8>(sum + POINTS_BYTES)) settle(from, count, 0);
  else wait(sum, from, count);
  memory.fill(sum, 0, POINTS_BYTES + 16);
  release(sum);
}

/**
 * Verifies up to NOTE_COUNT_MAX items (VerifyItem), those of one key next to each other. `random`: NOTE_COEFFICIENT_BYTES an item,
 * unpredictable to whoever made the notes; not needed of one item.
 */
export function verifyNotes(items: usize, count: usize, secretKeys: usize, random: usize): void {
  assert(count <= NOTE_COUNT_MAX);
  const bytes: usize = count * (4 + PAIRS_BYTES + STORED_BYTES) + 64 + 2 * EQUATION_BYTES + AFFINE_BYTES + 4 * STORED_BYTES;
  const base = take(bytes);
  pairs = base;
  const points = pairs + count * PAIRS_BYTES;
  const signature = points + count * STORED_BYTES;
  const stored = signature + AFFINE_BYTES;
  waiting = stored + 4 * STORED_BYTES;
  live = waiting + 2 * EQUATION_BYTES;
  records = items;
  keys = secretKeys;
  coefficients = random;
  waitingCount = 0;
  budget = 2 * <isize>count;

  hashToPoints(points, items, NOTE_ITEM_BYTES, count);
  let number: usize = 0;
  for (let i: usize = 0; i < count; i += 2) {
    const j = min(i + 1, count - 1);
    const good = decode(
      signature,
      items + i * NOTE_ITEM_BYTES + NOTE_SIGNATURE,
      items + j * NOTE_ITEM_BYTES + NOTE_SIGNATURE,
    );
    scatterPoints(stored, stored + STORED_BYTES, signature);
    for (let lane: usize = 0; lane < 2 && i + lane < count; lane++) {
      store<u32>(items + (i + lane) * NOTE_ITEM_BYTES, 0, NOTE_VERDICT);
      if (!((good >> <u32>lane) & 1)) continue;
      const pair = pairs + number * PAIRS_BYTES;
      gatherPoints(pair, points + (i + lane) * STORED_BYTES, stored + lane * STORED_BYTES);
      mul(pair + AFFINE_BYTES + X, pair + X, BETA);
      copy(pair + AFFINE_BYTES + Y, pair + Y);
      store<u32>(live + (number << 2), i + lane);
      number++;
    }
  }
  for (let from: usize = 0; from < number; ) {
    let to = from + 1;
    while (to < number && keyOf(to) == keyOf(from)) to++;
    check(from, to - from);
    from = to;
  }
  while (waitingCount > 0) decide();
  memory.fill(base, 0, bytes);
  wipe();
  wipePoints();
  release(base);
}

// @ts-ignore: decorator
@inline
function keyOf(i: usize): u32 {
  return load<u32>(records + <usize>load<u32>(live + (i << 2)) * NOTE_ITEM_BYTES, NOTE_KEY);
}
