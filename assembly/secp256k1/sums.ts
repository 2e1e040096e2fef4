// Sums of many multiples of pairs of points by public coefficients of 64 bits, which are the same for both points of a pair:
// what is looked up for one is looked up for the other. By buckets (Pippenger): coefficients in signed digits, points of equal
// digit are added up first, and the buckets are added up with their weights. Time and addresses depend on the coefficients.
import { copy } from "./field";
import { release, take } from "../memory/workspace";
import { signedDigits } from "./order";
import { AFFINE_BYTES, POINTS_BYTES, X, Y, add, addAffine, double, negatePointsIf, setInfinity } from "./points";

export const COEFFICIENT_BYTES: usize = 8;
/** And a carry. */
const BITS: u32 = 65;
const WIDTH_MAX: u32 = 10;

/** The width for which the additions are fewest: into buckets and, twice as many as there are buckets, out of them. */
function widthFor(count: usize): u32 {
  let best: u32 = 2;
  let least: usize = usize.MAX_VALUE;
  for (let width: u32 = 2; width <= WIDTH_MAX; width++) {
    const additions = <usize>((BITS + width - 1) / width) * (count + (<usize>1 << width));
    if (additions < least) {
      least = additions;
      best = width;
    }
  }
  return best;
}

/** out = Σ coefficient·pair of points: `count` affine points at `affine`, coefficients of COEFFICIENT_BYTES. */
export function sumPairs(out: usize, affine: usize, coefficients: usize, count: usize): void {
  const width = widthFor(count);
  const windows = <usize>((BITS + width - 1) / width);
  const bucketCount = <usize>1 << (width - 1);
  const digitsBytes = (count * windows * 2 + 15) & ~15;
  const bytes = bucketCount * POINTS_BYTES + digitsBytes + 3 * POINTS_BYTES + 32;
  const buckets = take(bytes);
  const digits = buckets + bucketCount * POINTS_BYTES;
  const point = digits + digitsBytes;
  const running = point + POINTS_BYTES;
  const sum = running + POINTS_BYTES;
  const padded = sum + POINTS_BYTES;
  memory.fill(padded, 0, 32);
  for (let i: usize = 0; i < count; i++) {
    memory.copy(padded, coefficients + i * COEFFICIENT_BYTES, COEFFICIENT_BYTES);
    signedDigits(digits + i * windows * 2, padded, width, windows);
  }
  setInfinity(out);
  for (let w = windows; w > 0; ) {
    w--;
    if (w != windows - 1) for (let j: u32 = 0; j < width; j++) double(out, out);
    for (let b: usize = 0; b < bucketCount; b++) setInfinity(buckets + b * POINTS_BYTES);
    for (let i: usize = 0; i < count; i++) {
      const digit = <i32>load<i16>(digits + (i * windows + w) * 2);
      if (digit == 0) continue;
      const bucket = buckets + (<usize>abs(digit) - 1) * POINTS_BYTES;
      if (digit > 0) addAffine(bucket, bucket, affine + i * AFFINE_BYTES);
      else {
        copy(point + X, affine + i * AFFINE_BYTES + X);
        copy(point + Y, affine + i * AFFINE_BYTES + Y);
        negatePointsIf(point, 0xffffffffffffffff, 0xffffffffffffffff);
        addAffine(bucket, bucket, point);
      }
    }
    // Σ i·bucket_i = bucket_n + (bucket_n + bucket_(n-1)) + … + (bucket_n + … + bucket_1).
    setInfinity(running);
    setInfinity(sum);
    for (let b = bucketCount; b > 0; ) {
      b--;
      add(running, running, buckets + b * POINTS_BYTES);
      add(sum, sum, running);
    }
    add(out, out, sum);
  }
  memory.fill(buckets, 0, bytes);
  release(buckets);
}
