// A public key whose checks are done, with what spares their repetition and half of the doublings of a single
// verification. It is plain bytes, the same for both builds and in every thread:
//
//     0          32             64                   96                   128
//     ┌──────────┬──────────────┬────────────────────┬────────────────────┐
//     │ key      │ x of A       │ x of 2^127·A       │ y of 2^127·A       │      numbers below p, little-endian
//     └──────────┴──────────────┴────────────────────┴────────────────────┘
//
// The y of A stands in the key. With 2^127·A a scalar of 253 bits becomes two of 127, which share their doublings.
import { copy, fromBytes, mul, toBytes } from "../field/pair";
import { release, take } from "../memory/workspace";
import { ONE } from "./constants";
import { POINTS_BYTES, T, X, Y, Z, decompress, double, normalise } from "./edwards";
import { isSmallOrder } from "./small-order";
import { storePoints } from "./stored";

export const PREPARED_KEY_BYTES: usize = 128;

/** Where a scalar is cut in two. */
export const UPPER_BIT: u32 = 127;

/** out = p, UPPER_BIT times doubled, with Z = 1. */
export function upperPoints(out: usize, p: usize): void {
  double(out, p);
  for (let i: u32 = 1; i < UPPER_BIT; i++) double(out, out);
  normalise(out);
}

/** Makes the 128 bytes at `out` of the 32 bytes at `key`; false when that is no public key: see verify.ts. */
export function prepareKey(out: usize, key: usize): bool {
  const points = take(POINTS_BYTES + 32);
  const unused = points + POINTS_BYTES;
  const valid = decompress(points, key, key) != 0 && !isSmallOrder(key);
  if (valid) {
    memory.copy(out, key, 32);
    toBytes(out + 32, unused, points + X);
    upperPoints(points, points);
    toBytes(out + 64, unused, points + X);
    toBytes(out + 96, unused, points + Y);
  }
  release(points);
  return valid;
}

/** Stores A and 2^127·A, of the key at `key` and the x and the upper point at `rest`, as stored points. */
export function storePrepared(stored: usize, storedUpper: usize, key: usize, rest: usize): void {
  const points = take(POINTS_BYTES);
  fromBytes(points + X, rest, rest + 32);
  fromBytes(points + Y, key, rest + 64);
  copy(points + Z, ONE);
  mul(points + T, points + X, points + Y);
  storePoints(stored, storedUpper, points);
  release(points);
}
