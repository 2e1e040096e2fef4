// HPKE (RFC 9180), base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305: many messages with one
// recipient's key and one info. Records are those of assembly/layout/hpke.ts.
//
// A group of items goes through three stages, each over as many lanes as it has:
//
//     X25519 ──▶ key schedule ──▶ AEAD
//
// The recipient's own public key, which the KEM hashes, is one point more in the first group. Nothing here branches on a
// secret, or addresses by one, but for what the verdict gives away: an all-zero secret and a tag that does not match.
import { aeadOpen, aeadSeal } from "../cipher/aead";
import { x25519Batch } from "../curve/x25519";
import {
  HPKE_ITEM_AAD_ADDRESS_OFFSET,
  HPKE_ITEM_AAD_LENGTH_OFFSET,
  HPKE_ITEM_ENC_OFFSET,
  HPKE_ITEM_SIZE,
  HPKE_ITEM_TEXT_ADDRESS_OFFSET,
  HPKE_ITEM_TEXT_LENGTH_OFFSET,
  HPKE_ITEM_VERDICT_OFFSET,
  HPKE_KEYS_BASE_NONCE_OFFSET,
  HPKE_KEYS_KEY_OFFSET,
  HPKE_KEYS_SIZE,
  HPKE_PARTY_KNOWN_OFFSET,
  HPKE_PARTY_PRIVATE_KEY_OFFSET,
  HPKE_PARTY_PUBLIC_KEY_OFFSET,
  HpkeVerdict,
} from "../layout/hpke";
import { release, take } from "../memory/workspace";
import { beginSchedule, endSchedule, SCHEDULE_LANES, scheduleKeys } from "./schedule";

/** Items whose X25519 is done together: enough for the one inversion that they share to cost little. */
const GROUP_ITEMS: usize = 64;

const POINT: usize = 32;
const ITEM: usize = <usize>HPKE_ITEM_SIZE;
const CONTEXT_KEYS: usize = <usize>HPKE_KEYS_SIZE;
/** u = 9 (RFC 7748, section 4.1). */
const BASE_POINT: usize = memory.data<u64>([9, 0, 0, 0]);

// Working memory: of a group, two scalars, points and secrets an item, and one of each more; keys of the lanes.
const SCALARS: usize = 0;
const POINTS: usize = SCALARS + POINT * (2 * GROUP_ITEMS + 1);
const SECRETS: usize = POINTS + POINT * (2 * GROUP_ITEMS + 1);
const KEYS: usize = SECRETS + POINT * (2 * GROUP_ITEMS + 1);
const ROOM_BYTES: usize = KEYS + CONTEXT_KEYS * SCHEDULE_LANES;

/** Opens `count` HpkeItems in place; each gets its verdict. What does not open stays as it was. */
export function hpkeOpenBatch(party: usize, items: usize, count: usize): void {
  run(party, items, count, false);
}

/** Seals `count` HpkeItems in place: the ephemeral private key gives way to enc; each gets its verdict. */
export function hpkeSealBatch(party: usize, items: usize, count: usize): void {
  run(party, items, count, true);
}

/** HpkeKeys of the context that the item's enc begins, unless its verdict says why not. */
export function hpkeRecipientKeys(party: usize, item: usize, keys: usize): void {
  contextKeys(party, item, keys, false);
}

/** HpkeKeys of a new context: the item's ephemeral private key gives way to enc. */
export function hpkeSenderKeys(party: usize, item: usize, keys: usize): void {
  contextKeys(party, item, keys, true);
}

function run(party: usize, items: usize, count: usize, sealing: bool): void {
  if (count == 0) return;
  const room = take(ROOM_BYTES);
  // One item alone is faster without lanes.
  const lanes: usize = ASC_FEATURE_SIMD && count > 1 ? SCHEDULE_LANES : 1;
  let schedule: usize = 0;
  for (let first: usize = 0; first < count; first += GROUP_ITEMS) {
    const group = items + ITEM * first;
    const groupCount = min(GROUP_ITEMS, count - first);
    if (sealing) encapsulate(room, party, group, groupCount);
    else decapsulate(room, party, group, groupCount);
    if (schedule == 0) schedule = beginSchedule(party, lanes);
    for (let i: usize = 0; i < groupCount; i += lanes) {
      const item = group + ITEM * i;
      const itemCount = min(lanes, groupCount - i);
      const enc = item + HPKE_ITEM_ENC_OFFSET;
      const keys = room + KEYS;
      scheduleKeys(schedule, room + SECRETS + POINT * i, enc, ITEM, itemCount, keys, false);
      for (let lane: usize = 0; lane < itemCount; lane++) {
        const itemKeys = keys + CONTEXT_KEYS * lane;
        if (sealing) sealItem(item + ITEM * lane, itemKeys);
        else openItem(item + ITEM * lane, itemKeys);
      }
    }
  }
  endSchedule(schedule);
  memory.fill(room, 0, ROOM_BYTES);
  release(room);
}

function contextKeys(party: usize, item: usize, keys: usize, sealing: bool): void {
  const room = take(ROOM_BYTES);
  if (sealing) encapsulate(room, party, item, 1);
  else decapsulate(room, party, item, 1);
  const schedule = beginSchedule(party, 1);
  if (verdict(item) == HpkeVerdict.good) {
    scheduleKeys(schedule, room + SECRETS, item + HPKE_ITEM_ENC_OFFSET, ITEM, 1, keys, true);
  }
  endSchedule(schedule);
  memory.fill(room, 0, ROOM_BYTES);
  release(room);
}

/** The secrets of `count` items from their encs, and what of the verdicts they say. */
function decapsulate(room: usize, party: usize, items: usize, count: usize): void {
  const points = room + POINTS;
  const secrets = room + SECRETS;
  for (let i: usize = 0; i < count; i++) {
    memory.copy(points + POINT * i, items + ITEM * i + HPKE_ITEM_ENC_OFFSET, POINT);
  }
  let pointCount = count;
  const known = party + HPKE_PARTY_KNOWN_OFFSET;
  if (load<u32>(known) == 0) memory.copy(points + POINT * pointCount++, BASE_POINT, POINT);
  x25519Batch(party + HPKE_PARTY_PRIVATE_KEY_OFFSET, 0, points, pointCount, secrets);
  if (load<u32>(known) == 0) {
    memory.copy(party + HPKE_PARTY_PUBLIC_KEY_OFFSET, secrets + POINT * count, POINT);
    store<u32>(known, 1);
  }
  for (let i: usize = 0; i < count; i++) judge(items + ITEM * i, secrets + POINT * i);
}

/** The encs and secrets of `count` items from their ephemeral keys, and what of the verdicts they say. */
function encapsulate(room: usize, party: usize, items: usize, count: usize): void {
  const scalars = room + SCALARS;
  const points = room + POINTS;
  const secrets = room + SECRETS;
  for (let i: usize = 0; i < count; i++) {
    const ephemeral = items + ITEM * i + HPKE_ITEM_ENC_OFFSET;
    memory.copy(scalars + POINT * i, ephemeral, POINT);
    memory.copy(scalars + POINT * (count + i), ephemeral, POINT);
    memory.copy(points + POINT * i, party + HPKE_PARTY_PUBLIC_KEY_OFFSET, POINT);
    memory.copy(points + POINT * (count + i), BASE_POINT, POINT);
  }
  x25519Batch(scalars, POINT, points, 2 * count, secrets);
  for (let i: usize = 0; i < count; i++) {
    const item = items + ITEM * i;
    memory.copy(item + HPKE_ITEM_ENC_OFFSET, secrets + POINT * (count + i), POINT);
    judge(item, secrets + POINT * i);
  }
}

/** RFC 9180, 7.1.4: an all-zero secret is refused. */
function judge(item: usize, secret: usize): void {
  const bits = load<u64>(secret) | load<u64>(secret, 8) | load<u64>(secret, 16) | load<u64>(secret, 24);
  const value = bits == 0 ? HpkeVerdict.invalid_public_key : HpkeVerdict.good;
  store<u32>(item + HPKE_ITEM_VERDICT_OFFSET, value);
}

// @ts-ignore: decorator
@inline
function verdict(item: usize): u32 {
  return load<u32>(item + HPKE_ITEM_VERDICT_OFFSET);
}

function openItem(item: usize, keys: usize): void {
  if (verdict(item) != HpkeVerdict.good) return;
  const text = <usize>load<u32>(item + HPKE_ITEM_TEXT_ADDRESS_OFFSET);
  const genuine = aeadOpen(
    keys + HPKE_KEYS_KEY_OFFSET,
    keys + HPKE_KEYS_BASE_NONCE_OFFSET,
    <usize>load<u32>(item + HPKE_ITEM_AAD_ADDRESS_OFFSET),
    <usize>load<u32>(item + HPKE_ITEM_AAD_LENGTH_OFFSET),
    text,
    <usize>load<u32>(item + HPKE_ITEM_TEXT_LENGTH_OFFSET),
    text,
  );
  if (!genuine) store<u32>(item + HPKE_ITEM_VERDICT_OFFSET, HpkeVerdict.authentication_failed);
}

function sealItem(item: usize, keys: usize): void {
  if (verdict(item) != HpkeVerdict.good) return;
  const text = <usize>load<u32>(item + HPKE_ITEM_TEXT_ADDRESS_OFFSET);
  aeadSeal(
    keys + HPKE_KEYS_KEY_OFFSET,
    keys + HPKE_KEYS_BASE_NONCE_OFFSET,
    <usize>load<u32>(item + HPKE_ITEM_AAD_ADDRESS_OFFSET),
    <usize>load<u32>(item + HPKE_ITEM_AAD_LENGTH_OFFSET),
    text,
    <usize>load<u32>(item + HPKE_ITEM_TEXT_LENGTH_OFFSET),
    text,
  );
}
