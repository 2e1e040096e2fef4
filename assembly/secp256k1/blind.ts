// What a holder of notes computes, and public keys: of any number of items a call, two at a time. Blinding factors and
// keys are secret: constant time but for the hash to the curve.
import { release, take } from "../memory/workspace";
import { multiplyBase } from "./base";
import { COORDINATES_BYTES, decode, encode, normalise, storeCoordinates } from "./encoding";
import { wipe } from "./field";
import { hashToPoints } from "./hash-to-curve";
import {
  BLIND_ITEM_BYTES,
  BLIND_POINT,
  BLIND_SCALAR,
  BLIND_VERDICT,
  CHUNK,
  UNBLIND_ITEM_BYTES,
  UNBLIND_KEY,
  UNBLIND_RESULT,
  UNBLIND_SCALAR,
  UNBLIND_VERDICT,
} from "./items";
import { TABLE_BYTES, buildTable, multiply } from "./multiply";
import { SCALAR_BYTES, reverse } from "./order";
import { AFFINE_BYTES, POINTS_BYTES, addAffine, negatePointsIf, wipePoints } from "./points";
import { STORED_BYTES, gatherPoints } from "./stored";

const PAIRS: usize = CHUNK / 2;

/** Of the points of two items, coordinates; then their encodings, and whether they have any. */
function encodeItems(
  affine: usize,
  infinite: u32,
  pointA: usize,
  verdictA: usize,
  pointB: usize,
  verdictB: usize,
): void {
  const coordinates = take(2 * COORDINATES_BYTES);
  storeCoordinates(coordinates, coordinates + COORDINATES_BYTES, affine);
  encode(pointA, coordinates);
  encode(pointB, coordinates + COORDINATES_BYTES);
  store<u32>(verdictA, (infinite & 1) ^ 1);
  store<u32>(verdictB, (infinite >> 1) ^ 1);
  memory.fill(coordinates, 0, 2 * COORDINATES_BYTES);
  release(coordinates);
}

/** The points of texts: BlindItem, whose scalar is left alone. */
export function hashItems(items: usize, count: usize): void {
  const stored = take(CHUNK * STORED_BYTES + AFFINE_BYTES);
  const affine = stored + CHUNK * STORED_BYTES;
  for (let from: usize = 0; from < count; from += CHUNK) {
    const first = items + from * BLIND_ITEM_BYTES;
    const number = min(CHUNK, count - from);
    hashToPoints(stored, first, BLIND_ITEM_BYTES, number);
    for (let i: usize = 0; i < number; i += 2) {
      const j = min(i + 1, number - 1);
      gatherPoints(affine, stored + i * STORED_BYTES, stored + j * STORED_BYTES);
      const a = first + i * BLIND_ITEM_BYTES;
      const b = first + j * BLIND_ITEM_BYTES;
      encodeItems(affine, 0, a + BLIND_POINT, a + BLIND_VERDICT, b + BLIND_POINT, b + BLIND_VERDICT);
    }
  }
  memory.fill(stored, 0, CHUNK * STORED_BYTES + AFFINE_BYTES);
  wipe();
  release(stored);
}

/** scalar·G, or with texts hash_to_curve(text) + scalar·G: BlindItem. */
export function blindItems(items: usize, count: usize, hasTexts: bool): void {
  const bytes = PAIRS * POINTS_BYTES + CHUNK * STORED_BYTES + AFFINE_BYTES + 2 * SCALAR_BYTES + PAIRS;
  const points = take(bytes);
  const stored = points + PAIRS * POINTS_BYTES;
  const affine = stored + CHUNK * STORED_BYTES;
  const scalars = affine + AFFINE_BYTES;
  const infinite = scalars + 2 * SCALAR_BYTES;
  for (let from: usize = 0; from < count; from += CHUNK) {
    const first = items + from * BLIND_ITEM_BYTES;
    const number = min(CHUNK, count - from);
    if (hasTexts) hashToPoints(stored, first, BLIND_ITEM_BYTES, number);
    for (let i: usize = 0; i < number; i += 2) {
      const j = min(i + 1, number - 1);
      const point = points + (i >> 1) * POINTS_BYTES;
      reverse(scalars, first + i * BLIND_ITEM_BYTES + BLIND_SCALAR);
      reverse(scalars + SCALAR_BYTES, first + j * BLIND_ITEM_BYTES + BLIND_SCALAR);
      multiplyBase(point, scalars, scalars + SCALAR_BYTES);
      if (hasTexts) {
        gatherPoints(affine, stored + i * STORED_BYTES, stored + j * STORED_BYTES);
        addAffine(point, point, affine);
      }
    }
    normalise(points, POINTS_BYTES, (number + 1) >> 1, infinite);
    for (let i: usize = 0; i < number; i += 2) {
      const a = first + i * BLIND_ITEM_BYTES;
      const b = first + min(i + 1, number - 1) * BLIND_ITEM_BYTES;
      encodeItems(
        points + (i >> 1) * POINTS_BYTES,
        load<u8>(infinite + (i >> 1)),
        a + BLIND_POINT,
        a + BLIND_VERDICT,
        b + BLIND_POINT,
        b + BLIND_VERDICT,
      );
    }
  }
  memory.fill(points, 0, bytes);
  wipe();
  wipePoints();
  release(points);
}

/** C = C' - r·K: UnblindItem. */
export function unblindItems(items: usize, count: usize): void {
  const bytes = PAIRS * POINTS_BYTES + 2 * AFFINE_BYTES + TABLE_BYTES + 2 * SCALAR_BYTES + 2 * PAIRS;
  const points = take(bytes);
  const signature = points + PAIRS * POINTS_BYTES;
  const key = signature + AFFINE_BYTES;
  const table = key + AFFINE_BYTES;
  const scalars = table + TABLE_BYTES;
  const infinite = scalars + 2 * SCALAR_BYTES;
  const missing = infinite + PAIRS;
  for (let from: usize = 0; from < count; from += CHUNK) {
    const first = items + from * UNBLIND_ITEM_BYTES;
    const number = min(CHUNK, count - from);
    for (let i: usize = 0; i < number; i += 2) {
      const a = first + i * UNBLIND_ITEM_BYTES;
      const b = first + min(i + 1, number - 1) * UNBLIND_ITEM_BYTES;
      const point = points + (i >> 1) * POINTS_BYTES;
      const good = decode(signature, a, b) & decode(key, a + UNBLIND_KEY, b + UNBLIND_KEY);
      store<u8>(missing + (i >> 1), <u8>(good ^ 3));
      negatePointsIf(key, 0xffffffffffffffff, 0xffffffffffffffff);
      buildTable(table, key);
      reverse(scalars, a + UNBLIND_SCALAR);
      reverse(scalars + SCALAR_BYTES, b + UNBLIND_SCALAR);
      multiply(point, table, scalars, scalars + SCALAR_BYTES, 1);
      addAffine(point, point, signature);
    }
    normalise(points, POINTS_BYTES, (number + 1) >> 1, infinite);
    for (let i: usize = 0; i < number; i += 2) {
      const a = first + i * UNBLIND_ITEM_BYTES;
      const b = first + min(i + 1, number - 1) * UNBLIND_ITEM_BYTES;
      encodeItems(
        points + (i >> 1) * POINTS_BYTES,
        load<u8>(infinite + (i >> 1)) | load<u8>(missing + (i >> 1)),
        a + UNBLIND_RESULT,
        a + UNBLIND_VERDICT,
        b + UNBLIND_RESULT,
        b + UNBLIND_VERDICT,
      );
    }
  }
  memory.fill(points, 0, bytes);
  wipe();
  wipePoints();
  release(points);
}
