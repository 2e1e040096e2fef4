// Proofs of NUT-12: whether log_G K = log_B' C', by R1 = s·G - e·K, R2 = s·B' - e·C' and e = hash(R1, R2, K, C'). R1 and R2 are
// made of the same scalars: they stand in the two lanes, of pairs (G, B') and (K, C'). All of it is public but for the blinding
// factor r of a note, from which B' = Y + r·G and C' = C + r·K are made likewise, (Y, C) + r·(G, K), in constant time.
import { joinAA, joinAB } from "../field/lanes";
import { release, take } from "../memory/workspace";
import { GENERATOR } from "./constants";
import { COORDINATES_BYTES, decode, isEqual, normalise, storeCoordinates } from "./encoding";
import { wipe } from "./field";
import { hashToPoints } from "./hash-to-curve";
import { CHUNK, DLEQ_E, DLEQ_ITEM_BYTES, DLEQ_KEY, DLEQ_S, DLEQ_SCALAR, DLEQ_SIGNATURE, DLEQ_VERDICT } from "./items";
import { TABLE_BYTES, buildTable, multiply } from "./multiply";
import { SCALAR_BYTES, negateIf, reverse } from "./order";
import { AFFINE_BYTES, POINTS_BYTES, X, Y, addAffine, wipePoints } from "./points";
import { challenge } from "./proof";
import { STORED_BYTES, gatherPoints, scatterPoints } from "./stored";

// Of one item: projective points, in the end R1 and R2; before, B' and C' of a note.
const BLINDED: usize = POINTS_BYTES;
const KEY: usize = BLINDED + AFFINE_BYTES;
const GOOD: usize = KEY + AFFINE_BYTES;
const STATE_BYTES: usize = GOOD + 16;

/** KEY = (K, K); its verdict so far. `previous`: the state of an item before, whose key may be the same. */
function loadKey(state: usize, item: usize, previous: usize, previousItem: usize): void {
  if (previous && isSameKey(item + DLEQ_KEY, previousItem + DLEQ_KEY)) {
    memory.copy(state + KEY, previous + KEY, AFFINE_BYTES);
    store<u32>(state, load<u32>(previous, GOOD + 4), GOOD);
  } else store<u32>(state, decode(state + KEY, item + DLEQ_KEY, item + DLEQ_KEY) == 3 ? 1 : 0, GOOD);
  store<u32>(state, load<u32>(state, GOOD), GOOD + 4);
}

function isSameKey(a: usize, b: usize): bool {
  return load<u8>(a) == load<u8>(b) && isEqual(a + 1, b + 1);
}

/** Of BLINDED = (B', C') and KEY: points = (R1, R2). */
function commit(state: usize, item: usize): void {
  const tables = take(2 * TABLE_BYTES + 2 * AFFINE_BYTES + 2 * SCALAR_BYTES);
  const bases = tables + 2 * TABLE_BYTES;
  const others = bases + AFFINE_BYTES;
  const scalars = others + AFFINE_BYTES;
  for (let i: usize = 0; i <= Y; i += Y) {
    joinAA(bases + i, GENERATOR + i, state + BLINDED + i);
    joinAB(others + i, state + KEY + i, state + BLINDED + i);
  }
  buildTable(tables, bases);
  buildTable(tables + TABLE_BYTES, others);
  reverse(scalars, item + DLEQ_S);
  reverse(scalars + SCALAR_BYTES, item + DLEQ_E);
  negateIf(scalars + SCALAR_BYTES, scalars + SCALAR_BYTES, 0xffffffff);
  multiply(state, tables, scalars, scalars, 2);
  memory.fill(tables, 0, 2 * TABLE_BYTES + 2 * AFFINE_BYTES + 2 * SCALAR_BYTES);
  release(tables);
}

/** Verdicts of `count` items whose R1 and R2 are known. */
function answer(states: usize, items: usize, count: usize): void {
  const bytes: usize = CHUNK + 5 * COORDINATES_BYTES + 32;
  const infinite = take(bytes);
  const r1 = infinite + CHUNK;
  const r2 = r1 + COORDINATES_BYTES;
  const signature = r2 + COORDINATES_BYTES;
  const key = signature + COORDINATES_BYTES;
  const e = key + COORDINATES_BYTES;
  const unused = e + 32;
  normalise(states, STATE_BYTES, count, infinite);
  for (let i: usize = 0; i < count; i++) {
    const state = states + i * STATE_BYTES;
    const item = items + i * DLEQ_ITEM_BYTES;
    storeCoordinates(r1, r2, state);
    storeCoordinates(unused, signature, state + BLINDED);
    storeCoordinates(key, unused, state + KEY);
    challenge(e, r1, r2, key, signature);
    const good = load<u32>(state, GOOD) != 0 && load<u8>(infinite + i) == 0 && isEqual(e, item + DLEQ_E);
    store<u32>(item, good ? 1 : 0, DLEQ_VERDICT);
  }
  memory.fill(infinite, 0, bytes);
  release(infinite);
}

/** Verifies proofs of blind signatures: DleqItem with B' and C'. */
export function verifyProofs(items: usize, count: usize): void {
  const states = take(CHUNK * STATE_BYTES);
  for (let from: usize = 0; from < count; from += CHUNK) {
    const first = items + from * DLEQ_ITEM_BYTES;
    const number = min(CHUNK, count - from);
    for (let i: usize = 0; i < number; i++) {
      const state = states + i * STATE_BYTES;
      const item = first + i * DLEQ_ITEM_BYTES;
      loadKey(state, item, i ? state - STATE_BYTES : 0, item - DLEQ_ITEM_BYTES);
      if (decode(state + BLINDED, item, item + DLEQ_SIGNATURE) != 3) store<u32>(state, 0, GOOD);
      commit(state, item);
    }
    answer(states, first, number);
  }
  memory.fill(states, 0, CHUNK * STATE_BYTES);
  wipe();
  wipePoints();
  release(states);
}

/** Verifies proofs of notes: DleqItem with a text, C and r. */
export function verifyNoteProofs(items: usize, count: usize): void {
  const bytes = CHUNK * (STATE_BYTES + STORED_BYTES) + TABLE_BYTES + 2 * AFFINE_BYTES + 2 * STORED_BYTES + SCALAR_BYTES + CHUNK;
  const states = take(bytes);
  const points = states + CHUNK * STATE_BYTES;
  const table = points + CHUNK * STORED_BYTES;
  const affine = table + TABLE_BYTES;
  const bases = affine + AFFINE_BYTES;
  const stored = bases + AFFINE_BYTES;
  const scalar = stored + 2 * STORED_BYTES;
  const infinite = scalar + SCALAR_BYTES;
  for (let from: usize = 0; from < count; from += CHUNK) {
    const first = items + from * DLEQ_ITEM_BYTES;
    const number = min(CHUNK, count - from);
    hashToPoints(points, first, DLEQ_ITEM_BYTES, number);
    for (let i: usize = 0; i < number; i++) {
      const state = states + i * STATE_BYTES;
      const item = first + i * DLEQ_ITEM_BYTES;
      loadKey(state, item, i ? state - STATE_BYTES : 0, item - DLEQ_ITEM_BYTES);
      if (decode(affine, item + DLEQ_SIGNATURE, item + DLEQ_SIGNATURE) != 3) store<u32>(state, 0, GOOD);
      scatterPoints(stored, stored + STORED_BYTES, affine);
      gatherPoints(affine, points + i * STORED_BYTES, stored);
      joinAB(bases + X, GENERATOR + X, state + KEY + X);
      joinAB(bases + Y, GENERATOR + Y, state + KEY + Y);
      buildTable(table, bases);
      reverse(scalar, item + DLEQ_SCALAR);
      multiply(state, table, scalar, scalar, 1);
      addAffine(state, state, affine);
    }
    normalise(states, STATE_BYTES, number, infinite);
    for (let i: usize = 0; i < number; i++) {
      const state = states + i * STATE_BYTES;
      memory.copy(state + BLINDED, state, AFFINE_BYTES);
      if (load<u8>(infinite + i)) store<u32>(state, 0, GOOD);
      commit(state, first + i * DLEQ_ITEM_BYTES);
    }
    answer(states, first, number);
  }
  memory.fill(states, 0, bytes);
  wipe();
  wipePoints();
  release(states);
}
