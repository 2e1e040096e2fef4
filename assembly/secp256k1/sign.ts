// Blind signatures C' = k·B', with a proof that they were made with the key behind K = k·G (NUT-12), two at a time, in constant
// time. B' and all results are public, keys and nonces are not.
import { release, take } from "../memory/workspace";
import { multiplyBase } from "./base";
import { COORDINATES_BYTES, decode, encode, normalise, storeCoordinates } from "./encoding";
import { wipe } from "./field";
import { CHUNK, SIGN_E, SIGN_ITEM_BYTES, SIGN_KEY, SIGN_S, SIGN_SIGNATURE, SIGN_VERDICT } from "./items";
import { TABLE_BYTES, buildTable, multiply } from "./multiply";
import { SCALAR_BYTES, mulAdd, reduceOnce, reverse } from "./order";
import { AFFINE_BYTES, POINTS_BYTES, wipePoints } from "./points";
import { challenge, deriveNonce } from "./proof";

const PAIRS: usize = CHUNK / 2;

// Of one pair of items, until its proofs are made: projective points, of which the first are C' and later R1 and R2.
const POINT_R2: usize = POINTS_BYTES;
const BLINDED: usize = POINT_R2 + POINTS_BYTES;
const SIGNATURES: usize = BLINDED + 2 * COORDINATES_BYTES;
const NONCES: usize = SIGNATURES + 2 * COORDINATES_BYTES;
const TABLE: usize = NONCES + 2 * SCALAR_BYTES;
const GOOD: usize = TABLE + TABLE_BYTES;
const STATE_BYTES: usize = GOOD + 16;

/** The coordinates of k·G for `count` keys, 32 bytes each. */
function publicCoordinates(out: usize, keys: usize, count: usize): void {
  const points = take(PAIRS * POINTS_BYTES + 2 * SCALAR_BYTES + PAIRS);
  const scalars = points + PAIRS * POINTS_BYTES;
  const infinite = scalars + 2 * SCALAR_BYTES;
  for (let from: usize = 0; from < count; from += CHUNK) {
    const number = min(CHUNK, count - from);
    for (let i: usize = 0; i < number; i += 2) {
      reverse(scalars, keys + (from + i) * SCALAR_BYTES);
      reverse(scalars + SCALAR_BYTES, keys + (from + min(i + 1, number - 1)) * SCALAR_BYTES);
      multiplyBase(points + (i >> 1) * POINTS_BYTES, scalars, scalars + SCALAR_BYTES);
    }
    normalise(points, POINTS_BYTES, (number + 1) >> 1, infinite);
    for (let i: usize = 0; i < number; i += 2) {
      storeCoordinates(
        out + (from + i) * COORDINATES_BYTES,
        out + (from + min(i + 1, number - 1)) * COORDINATES_BYTES,
        points + (i >> 1) * POINTS_BYTES,
      );
    }
  }
  memory.fill(points, 0, PAIRS * POINTS_BYTES + 2 * SCALAR_BYTES + PAIRS);
  release(points);
}

/** C' of two items; the table of their B' is kept. */
function signPair(state: usize, a: usize, b: usize, keys: usize): void {
  const affine = take(AFFINE_BYTES + 2 * SCALAR_BYTES);
  const scalars = affine + AFFINE_BYTES;
  const good = decode(affine, a, b);
  store<u32>(state, good, GOOD);
  storeCoordinates(state + BLINDED, state + BLINDED + COORDINATES_BYTES, affine);
  buildTable(state + TABLE, affine);
  reverse(scalars, keys + <usize>load<u32>(a, SIGN_KEY) * SCALAR_BYTES);
  reverse(scalars + SCALAR_BYTES, keys + <usize>load<u32>(b, SIGN_KEY) * SCALAR_BYTES);
  multiply(state, state + TABLE, scalars, scalars + SCALAR_BYTES, 1);
  memory.fill(affine, 0, AFFINE_BYTES + 2 * SCALAR_BYTES);
  release(affine);
}

/** R1 and R2 of two items, whose C' are known. */
function commitPair(state: usize, a: usize, b: usize, keys: usize, publics: usize): void {
  const nonceA = state + NONCES;
  const nonceB = nonceA + SCALAR_BYTES;
  storeCoordinates(state + SIGNATURES, state + SIGNATURES + COORDINATES_BYTES, state);
  const keyA = <usize>load<u32>(a, SIGN_KEY);
  const keyB = <usize>load<u32>(b, SIGN_KEY);
  deriveNonce(
    nonceA,
    keys + keyA * SCALAR_BYTES,
    publics + keyA * COORDINATES_BYTES,
    state + BLINDED,
    state + SIGNATURES,
  );
  deriveNonce(
    nonceB,
    keys + keyB * SCALAR_BYTES,
    publics + keyB * COORDINATES_BYTES,
    state + BLINDED + COORDINATES_BYTES,
    state + SIGNATURES + COORDINATES_BYTES,
  );
  multiplyBase(state, nonceA, nonceB);
  multiply(state + POINT_R2, state + TABLE, nonceA, nonceB, 1);
}

/** The answer of one item: R1 and R2 are its coordinates. */
function respond(
  item: usize,
  good: u32,
  keys: usize,
  publics: usize,
  signature: usize,
  nonce: usize,
  r1: usize,
  r2: usize,
): void {
  const key = take(2 * SCALAR_BYTES);
  const e = key + SCALAR_BYTES;
  const index = <usize>load<u32>(item, SIGN_KEY);
  challenge(item + SIGN_E, r1, r2, publics + index * COORDINATES_BYTES, signature);
  reverse(e, item + SIGN_E);
  reduceOnce(e, e);
  reverse(key, keys + index * SCALAR_BYTES);
  mulAdd(e, e, key, nonce);
  reverse(item + SIGN_S, e);
  encode(item + SIGN_SIGNATURE, signature);
  store<u32>(item, good, SIGN_VERDICT);
  memory.fill(key, 0, 2 * SCALAR_BYTES);
  release(key);
}

/** Signs `count` items (SignItem) with `keyCount` keys of 32 bytes each. */
export function signItems(items: usize, count: usize, keys: usize, keyCount: usize): void {
  const bytes = keyCount * COORDINATES_BYTES + PAIRS * STATE_BYTES + 4 * COORDINATES_BYTES + CHUNK;
  const publics = take(bytes);
  const states = publics + keyCount * COORDINATES_BYTES;
  const r1 = states + PAIRS * STATE_BYTES;
  const r2 = r1 + 2 * COORDINATES_BYTES;
  const infinite = r2 + 2 * COORDINATES_BYTES;
  publicCoordinates(publics, keys, keyCount);
  for (let from: usize = 0; from < count; from += CHUNK) {
    const first = items + from * SIGN_ITEM_BYTES;
    const number = min(CHUNK, count - from);
    const pairs = (number + 1) >> 1;
    for (let i: usize = 0; i < pairs; i++) {
      const b = min<usize>(2 * i + 1, number - 1);
      signPair(states + i * STATE_BYTES, first + 2 * i * SIGN_ITEM_BYTES, first + b * SIGN_ITEM_BYTES, keys);
    }
    normalise(states, STATE_BYTES, pairs, infinite);
    for (let i: usize = 0; i < pairs; i++) {
      const b = min<usize>(2 * i + 1, number - 1);
      commitPair(
        states + i * STATE_BYTES,
        first + 2 * i * SIGN_ITEM_BYTES,
        first + b * SIGN_ITEM_BYTES,
        keys,
        publics,
      );
    }
    normalise(states, STATE_BYTES, pairs, infinite);
    normalise(states + POINT_R2, STATE_BYTES, pairs, infinite);
    for (let i: usize = 0; i < pairs; i++) {
      const state = states + i * STATE_BYTES;
      storeCoordinates(r1, r1 + COORDINATES_BYTES, state);
      storeCoordinates(r2, r2 + COORDINATES_BYTES, state + POINT_R2);
      for (let lane: usize = 0; lane < 2; lane++) {
        respond(
          first + min<usize>(2 * i + lane, number - 1) * SIGN_ITEM_BYTES,
          (load<u32>(state, GOOD) >> <u32>lane) & 1,
          keys,
          publics,
          state + SIGNATURES + lane * COORDINATES_BYTES,
          state + NONCES + lane * SCALAR_BYTES,
          r1 + lane * COORDINATES_BYTES,
          r2 + lane * COORDINATES_BYTES,
        );
      }
    }
  }
  memory.fill(publics, 0, bytes);
  wipe();
  wipePoints();
  release(publics);
}
