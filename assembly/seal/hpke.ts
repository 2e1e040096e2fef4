// HPKE (RFC 9180), base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305: many messages with one
// recipient's key and one info. Records are those of assembly/layout/hpke.ts.
//
// A group of items goes through three stages, each over as many lanes as it has:
//
//     X25519 (two) ──▶ key schedule (four) ──▶ AEAD (four blocks)
//
// The recipient's own public key, which the KEM hashes, is worked out with the first group where the host does not know
// it. Nothing here branches on a secret, or addresses by one, but for what the verdicts tell anyway: an all-zero secret,
// and a tag that does not match.
import { AeadItem, aeadOpenBatch, aeadSealBatch, AeadStatus } from "../cipher/aead";
import { x25519Batch } from "../curve/x25519";
import { x25519PublicKey, x25519PublicKeyPair } from "../curve/x25519-base";
import { X25519Item } from "../curve/x25519-item";
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

/** Items that a stage takes at once: enough to fill the lanes of each, few enough to stay in the nearest cache. */
const GROUP_ITEMS: usize = 64;

const POINT: usize = 32;
const ITEM: usize = <usize>HPKE_ITEM_SIZE;
const CONTEXT_KEYS: usize = <usize>HPKE_KEYS_SIZE;
/** u = 9 (RFC 7748, section 4.1). */
const BASE_POINT: usize = memory.data<u64>([9, 0, 0, 0]);

// Working memory of a group: a multiplication an item, and one more where that leaves a lane free.
const MULTIPLICATIONS: usize = 0;
const POINTS: usize = MULTIPLICATIONS + (GROUP_ITEMS + 1) * offsetof<X25519Item>();
const SECRETS: usize = POINTS + GROUP_ITEMS * POINT;
const KEYS: usize = SECRETS + GROUP_ITEMS * POINT;
const MESSAGES: usize = KEYS + GROUP_ITEMS * <usize>HPKE_KEYS_SIZE;
const ROOM_BYTES: usize = MESSAGES + GROUP_ITEMS * offsetof<AeadItem>();

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
    agree(room, party, group, groupCount, sealing);
    if (schedule == 0) schedule = beginSchedule(party, lanes);
    for (let i: usize = 0; i < groupCount; i += lanes) {
      scheduleKeys(
        schedule,
        room + SECRETS + POINT * i,
        group + ITEM * i + HPKE_ITEM_ENC_OFFSET,
        ITEM,
        min(lanes, groupCount - i),
        room + KEYS + CONTEXT_KEYS * i,
        false,
      );
    }
    crypt(room, group, groupCount, sealing);
  }
  endSchedule(schedule);
  memory.fill(room, 0, ROOM_BYTES);
  release(room);
}

function contextKeys(party: usize, item: usize, keys: usize, sealing: bool): void {
  const room = take(ROOM_BYTES);
  agree(room, party, item, 1, sealing);
  const schedule = beginSchedule(party, 1);
  if (verdict(item) == HpkeVerdict.good) {
    scheduleKeys(schedule, room + SECRETS, item + HPKE_ITEM_ENC_OFFSET, ITEM, 1, keys, true);
  }
  endSchedule(schedule);
  memory.fill(room, 0, ROOM_BYTES);
  release(room);
}

/** The Diffie-Hellman secrets of `count` items, enc where it is new, and what of the verdicts they tell. */
// @ts-ignore: decorator
@inline
function agree(room: usize, party: usize, items: usize, count: usize, sealing: bool): void {
  if (sealing) encapsulate(room, party, items, count);
  else decapsulate(room, party, items, count);
}

function decapsulate(room: usize, party: usize, items: usize, count: usize): void {
  const privateKey = party + HPKE_PARTY_PRIVATE_KEY_OFFSET;
  const known = party + HPKE_PARTY_KNOWN_OFFSET;
  const work = room + MULTIPLICATIONS;
  let end = work;
  for (let i: usize = 0; i < count; i++) {
    end = multiply(end, privateKey, items + ITEM * i + HPKE_ITEM_ENC_OFFSET, room + SECRETS + POINT * i);
  }
  if (load<u32>(known) == 0) {
    const publicKey = party + HPKE_PARTY_PUBLIC_KEY_OFFSET;
    // In a lane that is free anyway, or by the table.
    if ((count & 1) != 0) end = multiply(end, privateKey, BASE_POINT, publicKey);
    else x25519PublicKey(publicKey, privateKey);
    store<u32>(known, 1);
  }
  x25519Batch(work, <u32>((end - work) / offsetof<X25519Item>()));
  for (let i: usize = 0; i < count; i++) judge(items + ITEM * i, work + offsetof<X25519Item>() * i);
}

function encapsulate(room: usize, party: usize, items: usize, count: usize): void {
  const publicKey = party + HPKE_PARTY_PUBLIC_KEY_OFFSET;
  const ephemerals = items + HPKE_ITEM_ENC_OFFSET;
  const work = room + MULTIPLICATIONS;
  let end = work;
  for (let i: usize = 0; i < count; i++) {
    end = multiply(end, ephemerals + ITEM * i, publicKey, room + SECRETS + POINT * i);
  }
  // Alone, the other lane has nothing else to do.
  if (count == 1) end = multiply(end, ephemerals, BASE_POINT, room + POINTS);
  else publicKeys(ephemerals, count, room + POINTS);
  x25519Batch(work, <u32>((end - work) / offsetof<X25519Item>()));
  for (let i: usize = 0; i < count; i++) {
    memory.copy(ephemerals + ITEM * i, room + POINTS + POINT * i, POINT);
    judge(items + ITEM * i, work + offsetof<X25519Item>() * i);
  }
}

/** The public keys of the items' ephemeral private keys. */
function publicKeys(ephemerals: usize, count: usize, out: usize): void {
  for (let i: usize = 0; i + 1 < count; i += 2) {
    const at = ephemerals + ITEM * i;
    x25519PublicKeyPair(out + POINT * i, out + POINT * (i + 1), at, at + ITEM);
  }
  if ((count & 1) != 0) x25519PublicKey(out + POINT * (count - 1), ephemerals + ITEM * (count - 1));
}

/** Notes down one multiplication, and returns where the next one goes. */
// @ts-ignore: decorator
@inline
function multiply(at: usize, scalar: usize, u: usize, out: usize): usize {
  const item = changetype<X25519Item>(at);
  item.scalar = scalar;
  item.u = u;
  item.out = out;
  return at + offsetof<X25519Item>();
}

/** RFC 9180, 7.1.4: an all-zero secret is refused. */
// @ts-ignore: decorator
@inline
function judge(item: usize, multiplication: usize): void {
  const zero = changetype<X25519Item>(multiplication).zero != 0;
  store<u32>(item + HPKE_ITEM_VERDICT_OFFSET, zero ? HpkeVerdict.invalid_public_key : HpkeVerdict.good);
}

// @ts-ignore: decorator
@inline
function verdict(item: usize): u32 {
  return load<u32>(item + HPKE_ITEM_VERDICT_OFFSET);
}

/** Seals or opens the items whose verdict is good so far. */
function crypt(room: usize, items: usize, count: usize, sealing: bool): void {
  const messages = room + MESSAGES;
  let end = messages;
  for (let i: usize = 0; i < count; i++) {
    const item = items + ITEM * i;
    if (verdict(item) != HpkeVerdict.good) continue;
    const keys = room + KEYS + CONTEXT_KEYS * i;
    const message = changetype<AeadItem>(end);
    message.key = <u32>(keys + HPKE_KEYS_KEY_OFFSET);
    message.nonce = <u32>(keys + HPKE_KEYS_BASE_NONCE_OFFSET);
    message.aad = load<u32>(item + HPKE_ITEM_AAD_ADDRESS_OFFSET);
    message.aad_length = load<u32>(item + HPKE_ITEM_AAD_LENGTH_OFFSET);
    message.input = load<u32>(item + HPKE_ITEM_TEXT_ADDRESS_OFFSET);
    message.input_length = load<u32>(item + HPKE_ITEM_TEXT_LENGTH_OFFSET);
    message.output = message.input;
    message.status = AeadStatus.refused;
    end += offsetof<AeadItem>();
  }
  const messageCount = <u32>((end - messages) / offsetof<AeadItem>());
  if (sealing) aeadSealBatch(messages, messageCount);
  else aeadOpenBatch(messages, messageCount);
  let at = messages;
  for (let i: usize = 0; i < count; i++) {
    const item = items + ITEM * i;
    if (verdict(item) != HpkeVerdict.good) continue;
    if (changetype<AeadItem>(at).status != AeadStatus.done) {
      store<u32>(item + HPKE_ITEM_VERDICT_OFFSET, HpkeVerdict.authentication_failed);
    }
    at += offsetof<AeadItem>();
  }
}
