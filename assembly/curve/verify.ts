// Verification of Ed25519 signatures, one or many at a time: RFC 8032, section 5.1.7. A signature (R, S) of a message M
// under the public key A is good exactly when
//
//     1. S < L: else S + L would be another signature of the same message;
//     2. R and A are canonical encodings of points of the curve (section 5.1.3, y < p, no x = -0): other software may
//        take other encodings for the same point, or refuse them;
//     3. A is not of small order, [8]A ≠ O: such a key would have signatures that hold for any message;
//     4. [8](S·B - R - k·A) = O with k = SHA-512(dom2 ‖ R ‖ A ‖ M) modulo L.
//
// Rule 4 is the equation of the RFC with the cofactor. Without it, a sum of many equations cannot decide as each of them
// would: errors of small order in two signatures may cancel, whatever the coefficients. With it, one signature and a batch
// decide alike on every input. R may be of small order, and A may have a part of small order: the equation decides.
//
// A batch takes random coefficients z of 128 bits and checks [8] Σ z·(S·B - R - k·A) = O. A bad signature in it, however
// it was chosen, passes with a probability of 2^-128 as long as who made it does not know the coefficients. All public:
// time and addresses depend on the values.
import { sha512Batch } from "../hash/sha512-batch";
import { HASH_MESSAGE_BYTES, HashMessage } from "../hash/message";
import { release, take } from "../memory/workspace";
import { POINTS_BYTES, decompress } from "./edwards";
import { addMod, isCanonical, mulMod, mulMod128, negate, reduce512 } from "./order";
import { pippenger } from "./pippenger";
import { UPPER_BIT, storePrepared } from "./prepared-key";
import { SINGLE_BYTES, double, isNeutral, subCached, toCached } from "./single";
import { isSmallOrder } from "./small-order";
import { STORED_BYTES, storePoints } from "./stored";
import { baseStored, straus, upperStored } from "./straus";
import { DIGEST, PREPARED, VERIFY_ITEM_BYTES, VerifyItem } from "./verify-item";

/** As many signatures as the workspace has room for in one sum. */
export const VERIFY_COUNT_MAX: usize = 4096;

/** A key of the batch: A, and 2^127·A when it is prepared. */
const KEY_BYTES: usize = 2 * STORED_BYTES;
/** So many places of the table of keys are looked at: keys may be chosen to collide. */
const PROBES: u32 = 8;

const R_AT = offsetof<VerifyItem>("r");
const S_AT = offsetof<VerifyItem>("s");
const KEY_AT = offsetof<VerifyItem>("key");
const X_AT = offsetof<VerifyItem>("x");

// The batch at hand, in the workspace of this instance.
let items: usize = 0;
/** Items that take part in sums: u32 each. */
let live: usize = 0;
/** By item: the place of its key (u32), R (stored), z, z·k and z·S (scalars), below 2^128 and L. */
let keyOf: usize = 0;
let storedR: usize = 0;
let z: usize = 0;
let zk: usize = 0;
let zS: usize = 0;
/** By item: SHA-512 of its text. */
let digests: usize = 0;
/** By key: stored points, the item it came with (u32), the sum it was last in (u32), its scalar's place in that (u32). */
let keys: usize = 0;
let keyItem: usize = 0;
let keySum: usize = 0;
let keyPlace: usize = 0;
/** What a sum takes: addresses of stored points (u32) and scalars. */
let points: usize = 0;
let scalars: usize = 0;
/** Sums so far. */
let sums: u32 = 0;
/** What may still be spent on sums of parts, in sums of one item. */
let budget: f64 = 0;

/** An encoded R or A that waits for another one to be decoded with. */
let waiting: usize = 0;
let waitingStored: usize = 0;
let waitingValid: usize = 0;

// @ts-ignore: decorator
@inline
function item(index: usize): usize {
  return items + index * VERIFY_ITEM_BYTES;
}

// @ts-ignore: decorator
@inline
function word(array: usize, index: usize): u32 {
  return load<u32>(array + (index << 2));
}

// @ts-ignore: decorator
@inline
function setWord(array: usize, index: usize, value: u32): void {
  store<u32>(array + (index << 2), value);
}

// @ts-ignore: decorator
@inline
function scalar(array: usize, index: usize): usize {
  return array + (index << 5);
}

// @ts-ignore: decorator
@inline
function equal32(a: usize, b: usize): bool {
  return (
    ((load<u64>(a) ^ load<u64>(b)) |
      (load<u64>(a, 8) ^ load<u64>(b, 8)) |
      (load<u64>(a, 16) ^ load<u64>(b, 16)) |
      (load<u64>(a, 24) ^ load<u64>(b, 24))) ==
    0
  );
}

/** Decodes to a stored point, two at a time; whether it is a point goes to the byte at `valid`. */
function decode(encoded: usize, stored: usize, valid: usize): void {
  if (waiting == 0) {
    waiting = encoded;
    waitingStored = stored;
    waitingValid = valid;
    return;
  }
  const pair = take(POINTS_BYTES);
  const lanes = decompress(pair, waiting, encoded);
  storePoints(waitingStored, stored, pair);
  store<u8>(waitingValid, <u8>(lanes & 1));
  store<u8>(valid, <u8>(lanes >> 1));
  waiting = 0;
  release(pair);
}

/**
 * Verifies the `count` items (VerifyItem), at most VERIFY_COUNT_MAX, and writes their verdicts. `coefficients`: 16 bytes
 * an item, of which nobody else knows anything; they are not read for a single item.
 */
export function verifyItems(address: usize, count: usize, coefficients: usize): void {
  assert(count <= VERIFY_COUNT_MAX, "expected no more signatures than one sum takes");
  if (count == 0) return;
  let slots: usize = 16;
  while (slots < 2 * count) slots <<= 1;

  items = address;
  keys = take(count * (KEY_BYTES + STORED_BYTES));
  storedR = keys + count * KEY_BYTES;
  z = take(count * 96);
  zk = z + (count << 5);
  zS = zk + (count << 5);
  live = take(count * 20);
  keyOf = live + (count << 2);
  keyItem = keyOf + (count << 2);
  keySum = keyItem + (count << 2);
  keyPlace = keySum + (count << 2);
  points = take((3 * count + 2) << 2);
  scalars = take((3 * count + 2) << 5);
  digests = take(count << 6);
  const validR = take(2 * count);
  const validKey = validR + count;
  const table = take(slots << 2);
  memory.fill(table, 0, slots << 2);

  digest(count);

  waiting = 0;
  let keyCount: u32 = 0;
  for (let i: usize = 0; i < count; i++) {
    const at = item(i);
    const record = changetype<VerifyItem>(at);
    let probe = <usize>((record.key ^ (record.key_1 >> 7)) * 0x9e3779b97f4a7c15 >> 32) & (slots - 1);
    let key: usize = keyCount;
    for (let p: u32 = 0; p < PROBES; p++) {
      const known = word(table, probe);
      if (known == 0) {
        setWord(table, probe, keyCount + 1);
        break;
      }
      if (equal32(item(word(keyItem, known - 1)) + KEY_AT, at + KEY_AT)) {
        key = known - 1;
        break;
      }
      probe = (probe + 1) & (slots - 1);
    }
    setWord(keyOf, i, <u32>key);
    if (key == <usize>keyCount) {
      setWord(keyItem, key, <u32>i);
      setWord(keySum, key, 0);
      keyCount++;
      const stored = keys + key * KEY_BYTES;
      if (record.kind & PREPARED) {
        storePrepared(stored, stored + STORED_BYTES, at + KEY_AT, at + X_AT);
        store<u8>(validKey + key, 1);
      } else decode(at + KEY_AT, stored, validKey + key);
    }
    decode(at + R_AT, storedR + i * STORED_BYTES, validR + i);
  }
  // The last one may have no other.
  if (waiting != 0) decode(waiting, waitingStored, waitingValid);

  let good: usize = 0;
  for (let i: usize = 0; i < count; i++) {
    const at = item(i);
    const key = word(keyOf, i);
    const valid =
      isCanonical(at + S_AT) && load<u8>(validR + i) && load<u8>(validKey + key) && !isSmallOrder(at + KEY_AT);
    changetype<VerifyItem>(at).verdict = <u32>valid;
    if (valid) setWord(live, good++, <u32>i);
  }
  if (good > 0) {
    for (let i: usize = 0; i < good; i++) weigh(word(live, i), count > 1 ? coefficients : 0);
    const sum = take(SINGLE_BYTES);
    sums = 0;
    budget = 0.65 * <f64>good;
    sumRange(sum, 0, good);
    if (!isGood(sum)) findBad(0, good, sum);
  }
  release(keys);
}

/** SHA-512 of all texts, once R and key are in them. */
function digest(count: usize): void {
  const messages = take(count * HASH_MESSAGE_BYTES);
  for (let i: usize = 0; i < count; i++) {
    const record = changetype<VerifyItem>(item(i));
    const message = changetype<HashMessage>(messages + i * HASH_MESSAGE_BYTES);
    message.address = record.text;
    message.bytes = 0;
    if (record.kind & DIGEST) continue;
    message.bytes = record.text_bytes;
    const room = <usize>record.text + <usize>record.domain_bytes;
    memory.copy(room, item(i) + R_AT, 32);
    memory.copy(room + 32, item(i) + KEY_AT, 32);
  }
  sha512Batch(messages, count, digests);
  for (let i: usize = 0; i < count; i++) {
    const record = changetype<VerifyItem>(item(i));
    if (record.kind & DIGEST) memory.copy(digests + (i << 6), record.text, 64);
  }
  release(messages);
}

/** z, z·k and z·S of an item; z is 1 when there are no coefficients. */
function weigh(index: usize, coefficients: usize): void {
  const own = scalar(z, index);
  store<u64>(own, 0, 16);
  store<u64>(own, 0, 24);
  if (coefficients == 0) {
    store<u64>(own, 1);
    store<u64>(own, 0, 8);
    reduce512(scalar(zk, index), digests + (index << 6));
    memory.copy(scalar(zS, index), item(index) + S_AT, 32);
    return;
  }
  store<u64>(own, load<u64>(coefficients + (index << 4)));
  store<u64>(own, load<u64>(coefficients + (index << 4), 8), 8);
  if ((load<u64>(own) | load<u64>(own, 8)) == 0) store<u64>(own, 1);
  reduce512(scalar(zk, index), digests + (index << 6));
  mulMod128(scalar(zk, index), own, scalar(zk, index));
  mulMod128(scalar(zS, index), own, item(index) + S_AT);
}

/** low = the bits of a scalar below UPPER_BIT, high = those from there on. */
function split(low: usize, high: usize, whole: usize): void {
  const w0 = load<u64>(whole);
  const w1 = load<u64>(whole, 8);
  const w2 = load<u64>(whole, 16);
  const w3 = load<u64>(whole, 24);
  store<u64>(low, w0);
  store<u64>(low, w1 & 0x7fffffffffffffff, 8);
  store<u64>(low, 0, 16);
  store<u64>(low, 0, 24);
  store<u64>(high, (w1 >> 63) | (w2 << 1));
  store<u64>(high, (w2 >> 63) | (w3 << 1), 8);
  store<u64>(high, w3 >> 63, 16);
  store<u64>(high, 0, 24);
}

/** out = Σ z·(k·A + R - S·B) of the `count` items from place `from` of `live`: a point of single.ts. */
function sumRange(out: usize, from: usize, count: usize): void {
  const base = take(96);
  const upper = base + 32;
  memory.fill(base, 0, 96);
  sums++;

  // Scalars of the same key are added up; keys that are all prepared are cut in two.
  let used: usize = 0;
  let prepared = true;
  for (let i = from; i < from + count; i++) {
    const index = word(live, i);
    const key = word(keyOf, index);
    if (word(keySum, key) != sums) {
      setWord(keySum, key, sums);
      setWord(keyPlace, key, <u32>used);
      setWord(points, used, <u32>(keys + <usize>key * KEY_BYTES));
      memory.copy(scalar(scalars, used), scalar(zk, index), 32);
      prepared = prepared && (changetype<VerifyItem>(item(word(keyItem, key))).kind & PREPARED) != 0;
      used++;
    } else {
      const place = scalar(scalars, word(keyPlace, key));
      addMod(place, place, scalar(zk, index));
    }
    addMod(base, base, scalar(zS, index));
  }
  negate(base, base);
  if (prepared) {
    for (let i: usize = 0; i < used; i++) {
      setWord(points, used + i, word(points, i) + <u32>STORED_BYTES);
      split(scalar(scalars, i), scalar(scalars, used + i), scalar(scalars, i));
    }
    used <<= 1;
    split(base, upper, base);
  }
  const few = count <= (prepared ? STRAUS_COUNT_MAX_PREPARED : STRAUS_COUNT_MAX);
  if (!few) {
    setWord(points, used, <u32>baseStored);
    memory.copy(scalar(scalars, used), base, 32);
    used++;
    if (prepared) {
      setWord(points, used, <u32>upperStored);
      memory.copy(scalar(scalars, used), upper, 32);
      used++;
    }
  }
  const long: usize = prepared ? 0 : used;
  for (let i = from; i < from + count; i++) {
    const index = word(live, i);
    setWord(points, used, <u32>(storedR + <usize>index * STORED_BYTES));
    memory.copy(scalar(scalars, used), scalar(z, index), 32);
    used++;
  }
  if (few) straus(out, base, upper, used, points, scalars);
  else pippenger(out, long, used - long, points, scalars, width(count));
  release(base);
}

/**
 * Up to so many signatures one chain of doublings for all is faster than buckets: measured. With prepared keys the chain has
 * one more point a signature to go through, and buckets half of their windows.
 */
const STRAUS_COUNT_MAX: usize = 80;
const STRAUS_COUNT_MAX_PREPARED: usize = 40;

/** Bits of a window for a sum over so many signatures: measured. */
function width(count: usize): u32 {
  if (count < 90) return 5;
  if (count < 300) return 6;
  if (count < 450) return 7;
  if (count < 1500) return 8;
  return 9;
}

/** Whether 8 times the sum is the neutral element. */
function isGood(sum: usize): bool {
  const point = take(SINGLE_BYTES);
  double(point, sum);
  double(point, point);
  double(point, point);
  const good = isNeutral(point);
  release(point);
  return good;
}

/** What the sum of `count` items costs, in sums of one item: measured. */
// @ts-ignore: decorator
@inline
function cost(count: usize): f64 {
  return count <= 40 ? 0.7 + 0.3 * <f64>count : 4 + 0.17 * <f64>count;
}

/**
 * Finds the bad ones of the `count` items from place `from` of `live`, whose `sum` is known and bad. A half is summed up,
 * the other half is the rest: one bad item among many costs about as much again as the sum of all. When there are many and
 * the budget is spent, each item is looked at by itself: no input takes twice the time of single verification.
 */
function findBad(from: usize, count: usize, sum: usize): void {
  if (count == 1) {
    changetype<VerifyItem>(item(word(live, from))).verdict = 0;
    return;
  }
  const part = take(2 * SINGLE_BYTES);
  const half = count >> 1;
  if (budget < cost(half)) {
    for (let i = from; i < from + count; i++) {
      weigh(word(live, i), 0); // 1: less work
      sumRange(part, i, 1);
      if (!isGood(part)) changetype<VerifyItem>(item(word(live, i))).verdict = 0;
    }
  } else {
    budget -= cost(half);
    const cached = part + SINGLE_BYTES;
    sumRange(part, from, half);
    toCached(cached, part);
    subCached(sum, sum, cached);
    if (!isGood(part)) findBad(from, half, part);
    if (!isGood(sum)) findBad(from + half, count - half, sum);
  }
  release(part);
}
