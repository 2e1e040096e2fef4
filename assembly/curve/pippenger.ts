// The sum of many multiples of points (Pippenger): scalars in signed digits of `width` bits; the points of equal digit are
// added up first, in buckets, and the buckets are added up with their weights. For public values: time and addresses
// depend on them.
//
// Two neighbouring windows are worked off at once, one in each lane: every point goes into one bucket of the even window
// and one of the odd window.
//
//     scalar   ┌───────┬───────┬╌╌╌╌╌╌╌┬───────┬───────┐
//              │ odd   │ even  │       │ odd   │ even  │      lane A: even windows, lane B: odd windows
//              └───────┴───────┴╌╌╌╌╌╌╌┴───────┴───────┘
//
// Some scalars are short, so upper windows have only the long ones.
import { ELEMENT_BYTES, gather, scatter } from "../field/pair";
import { release, take } from "../memory/workspace";
import {
  AFFINE_BYTES,
  CACHED_BYTES,
  POINTS_BYTES,
  T,
  X,
  Y,
  Z,
  addAffine,
  addCached,
  double as doubleTwo,
  setNeutral,
  toCached,
} from "./edwards";
import { addCached as addSingle, double, fromLane, toCached as toCachedSingle } from "./single";
import { gatherStored } from "./stored";

/** X, Y, Z, T of one point. */
const BUCKET_BYTES: usize = 4 * ELEMENT_BYTES;
const BUCKET_Y: usize = ELEMENT_BYTES;
const BUCKET_Z: usize = 2 * ELEMENT_BYTES;
const BUCKET_T: usize = 3 * ELEMENT_BYTES;

/** Long scalars are below 2^253, short ones below 2^128; the highest digit takes a last carry. */
const LONG_BITS: u32 = 254;
const SHORT_BITS: u32 = 129;

// @ts-ignore: decorator
@inline
function windowPairs(bits: u32, width: u32): u32 {
  return ((bits + width - 1) / width + 1) >> 1;
}

/**
 * The digits of a scalar, as many as `pairs` windows twice: for each pair of windows one u32 at `out`, the next `stride`
 * bytes further. Its low half is the even window's digit, its high half the odd one's: twice the amount, plus 1 when it is
 * negative.
 */
function storeDigits(out: usize, stride: usize, scalar: usize, padded: usize, pairs: u32, width: u32): void {
  memory.copy(padded, scalar, 32);
  const mask: u32 = (1 << width) - 1;
  const half: u32 = 1 << (width - 1);
  let carry: u32 = 0;
  let bit: u32 = 0;
  for (let i: u32 = 0; i < pairs; i++) {
    let digit = ((load<u32>(padded + (bit >> 3)) >> (bit & 7)) & mask) + carry;
    carry = <u32>(digit >= half);
    const even = carry ? (((1 << width) - digit) << 1) + <u32>(digit != 1 << width) : digit << 1;
    bit += width;
    digit = ((load<u32>(padded + (bit >> 3)) >> (bit & 7)) & mask) + carry;
    carry = <u32>(digit >= half);
    const odd = carry ? (((1 << width) - digit) << 1) + <u32>(digit != 1 << width) : digit << 1;
    bit += width;
    store<u32>(out, even | (odd << 16));
    out += stride;
  }
}

/** Stores the points of both lanes, in buckets. */
// @ts-ignore: decorator
@inline
function scatterBucket(a: usize, b: usize, points: usize): void {
  scatter(a, b, points + X);
  scatter(a + BUCKET_Y, b + BUCKET_Y, points + Y);
  scatter(a + BUCKET_Z, b + BUCKET_Z, points + Z);
  scatter(a + BUCKET_T, b + BUCKET_T, points + T);
}

// @ts-ignore: decorator
@inline
function gatherBucket(points: usize, a: usize, b: usize): void {
  gather(points + X, a, b);
  gather(points + Y, a + BUCKET_Y, b + BUCKET_Y);
  gather(points + Z, a + BUCKET_Z, b + BUCKET_Z);
  gather(points + T, a + BUCKET_T, b + BUCKET_T);
}

/** Adds the points to the buckets of their digits. */
function fillBuckets(
  buckets: usize,
  laneBytes: usize,
  count: usize,
  points: usize,
  digits: usize,
  bucket: usize,
  affine: usize,
): void {
  const bucketsB = buckets + laneBytes;
  for (let i: usize = 0; i < count; i++) {
    const pair = <usize>load<u32>(digits + (i << 2));
    if (pair == 0) continue;
    const stored = <usize>load<u32>(points + (i << 2));
    const a = buckets + ((pair & 0xffff) >> 1) * BUCKET_BYTES;
    const b = bucketsB + (pair >> 17) * BUCKET_BYTES;
    gatherBucket(bucket, a, b);
    gatherStored(affine, stored, pair & 1, stored, (pair >> 16) & 1);
    addAffine(bucket, bucket, affine);
    scatterBucket(a, b, bucket);
  }
}

/**
 * out = Σ scalar·point, a point of single.ts. First come the `long` points with scalars below 2^253, then the `short` ones
 * with scalars below 2^128: addresses of stored points, scalars of 32 bytes each. `width` is from 4 to 12.
 */
export function pippenger(out: usize, long: usize, short: usize, points: usize, scalars: usize, width: u32): void {
  const count = long + short;
  const longPairs = windowPairs(LONG_BITS, width);
  const shortPairs = windowPairs(SHORT_BITS, width);
  const laneBytes = ((<usize>1 << (width - 1)) + 1) * BUCKET_BYTES;
  const digitBytes = <usize>longPairs * (count << 2);
  const buckets = take(2 * laneBytes + digitBytes + 4 * POINTS_BYTES + AFFINE_BYTES + CACHED_BYTES + 64);
  const digits = buckets + 2 * laneBytes;
  const padded = digits + ((digitBytes + 15) & ~15);
  const bucket = padded + 48;
  const sum = bucket + POINTS_BYTES;
  const running = sum + POINTS_BYTES;
  const total = running + POINTS_BYTES;
  const cached = total + POINTS_BYTES;
  const affine = cached + CACHED_BYTES;

  memory.fill(padded, 0, 48);
  for (let i: usize = 0; i < count; i++) {
    const pairs = i < long ? longPairs : shortPairs;
    storeDigits(digits + (i << 2), count << 2, scalars + (i << 5), padded, pairs, width);
  }

  setNeutral(total);
  for (let w = <i32>longPairs - 1; w >= 0; w--) {
    setNeutral(bucket);
    for (let b: usize = 0; b < laneBytes; b += BUCKET_BYTES) scatterBucket(buckets + b, buckets + laneBytes + b, bucket);
    const used = w < <i32>shortPairs ? count : long;
    fillBuckets(buckets, laneBytes, used, points, digits + <usize>w * (count << 2), bucket, affine);

    // Σ i·bucket_i = bucket_n + (bucket_n + bucket_(n-1)) + … + (bucket_n + … + bucket_1).
    setNeutral(running);
    setNeutral(sum);
    for (let b = laneBytes - BUCKET_BYTES; b > 0; b -= BUCKET_BYTES) {
      gatherBucket(bucket, buckets + b, buckets + laneBytes + b);
      toCached(cached, bucket);
      addCached(running, running, cached);
      toCached(cached, running);
      addCached(sum, sum, cached);
    }
    for (let i: u32 = 0; i < 2 * width; i++) doubleTwo(total, total);
    toCached(cached, sum);
    addCached(total, total, cached);
  }

  // Even windows and odd windows: the odd ones weigh 2^width times as much.
  fromLane(out, total, 1);
  for (let i: u32 = 0; i < width; i++) double(out, out);
  fromLane(bucket, total, 0);
  toCachedSingle(cached, bucket);
  addSingle(out, out, cached);
  release(buckets);
}
