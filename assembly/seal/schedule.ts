// HPKE's key schedule (RFC 9180, 4.1 and 5.1) for up to four shared secrets at once, one a lane of SHA-256. It is a chain
// of HMACs over messages of fixed length, of which a batch shares nearly everything: the labels, the recipient's public
// key, the key schedule context. So a batch lays its messages out once, padding and all, and a group fills in dh and enc:
//
//     eae_prk        = HMAC(zeroes,        KEM label                   ‖ dh)               1 block, its own
//     shared_secret  = HMAC(eae_prk,       0020 ‖ KEM label ‖ enc ‖ public key  ‖ 01)      1 block its own, 1 shared
//     secret         = HMAC(shared_secret, HPKE label)                                     1 block, shared
//     key            = HMAC(secret,        0020 ‖ HPKE label ‖ key schedule context ‖ 01)  2 blocks, shared
//     base_nonce     = HMAC(secret,        000c ‖ …)                                       2 blocks, shared
//     exporter       = HMAC(secret,        0020 ‖ …)                                       2 blocks, shared; on demand
//
// A key of HMAC costs two blocks more and an outer hash one: 19 blocks an item without the exporter secret. What the zero
// key's two come to is known, and those of `secret` are hashed once for all that it makes.
import { SHA256_IV, sha256Blocks } from "../hash/sha256-rounds";
import { sha256x4Blocks } from "../hash/sha256x4";
import { release, take } from "../memory/workspace";
import {
  HPKE_KEYS_BASE_NONCE_OFFSET,
  HPKE_KEYS_EXPORTER_SECRET_OFFSET,
  HPKE_KEYS_KEY_OFFSET,
  HPKE_KEYS_SIZE,
  HPKE_PARTY_CONTEXT_OFFSET,
  HPKE_PARTY_PUBLIC_KEY_OFFSET,
} from "../layout/hpke";

/** Lanes in a group at most. */
export const SCHEDULE_LANES: usize = 4;

const BLOCK: usize = 64;
const HASH: usize = 32;
const KEY_SCHEDULE_CONTEXT_BYTES: usize = 65;

// "HPKE-v1" ‖ suite_id ‖ label, and with LabeledExpand the length before it.
const EAE_LABEL: usize = memory.data<u8>([
  0x48, 0x50, 0x4b, 0x45, 0x2d, 0x76, 0x31, 0x4b, 0x45, 0x4d, 0x00, 0x20, 0x65, 0x61, 0x65, 0x5f, 0x70, 0x72, 0x6b,
]);
const EAE_LABEL_BYTES: usize = 19;
const SHARED_LABEL: usize = memory.data<u8>([
  0x00, 0x20, 0x48, 0x50, 0x4b, 0x45, 0x2d, 0x76, 0x31, 0x4b, 0x45, 0x4d, 0x00, 0x20, 0x73, 0x68, 0x61, 0x72, 0x65,
  0x64, 0x5f, 0x73, 0x65, 0x63, 0x72, 0x65, 0x74,
]);
const SHARED_LABEL_BYTES: usize = 27;
const SECRET_LABEL: usize = memory.data<u8>([
  0x48, 0x50, 0x4b, 0x45, 0x2d, 0x76, 0x31, 0x48, 0x50, 0x4b, 0x45, 0x00, 0x20, 0x00, 0x01, 0x00, 0x03, 0x73, 0x65,
  0x63, 0x72, 0x65, 0x74,
]);
const SECRET_LABEL_BYTES: usize = 23;
const KEY_LABEL: usize = memory.data<u8>([
  0x00, 0x20, 0x48, 0x50, 0x4b, 0x45, 0x2d, 0x76, 0x31, 0x48, 0x50, 0x4b, 0x45, 0x00, 0x20, 0x00, 0x01, 0x00, 0x03,
  0x6b, 0x65, 0x79,
]);
const KEY_LABEL_BYTES: usize = 22;
const NONCE_LABEL: usize = memory.data<u8>([
  0x00, 0x0c, 0x48, 0x50, 0x4b, 0x45, 0x2d, 0x76, 0x31, 0x48, 0x50, 0x4b, 0x45, 0x00, 0x20, 0x00, 0x01, 0x00, 0x03,
  0x62, 0x61, 0x73, 0x65, 0x5f, 0x6e, 0x6f, 0x6e, 0x63, 0x65,
]);
const NONCE_LABEL_BYTES: usize = 29;
const EXPORTER_LABEL: usize = memory.data<u8>([
  0x00, 0x20, 0x48, 0x50, 0x4b, 0x45, 0x2d, 0x76, 0x31, 0x48, 0x50, 0x4b, 0x45, 0x00, 0x20, 0x00, 0x01, 0x00, 0x03,
  0x65, 0x78, 0x70,
]);
const EXPORTER_LABEL_BYTES: usize = 22;
const NONCE_BYTES: usize = 12;

// States of SHA-256 after the two key blocks of HMAC with a key of zeroes, which is the empty salt.
const ZERO_INNER: usize = memory.data<u32>([
  0xf454dead, 0x9725214f, 0x90daf2a0, 0xdf1228ea, 0x64e5750f, 0xa3924181, 0x824a932b, 0xf8e04e32,
]);
const ZERO_OUTER: usize = memory.data<u32>([
  0xd385480f, 0x7abb6477, 0x37c9c538, 0x5dd82467, 0x8e043a72, 0x753434b0, 0xdeb82818, 0x361d45a6,
]);

// A schedule in scratch memory. States of a group: word w of lane l at 4·(w·lanes + l), so that with four lanes they are
// as sha256x4Blocks takes them, and with one as sha256Blocks does. Blocks of a group: one after the other.
//
//     message     shared by the batch, 64 or 128 bytes each
//     inner …     states
//     eaes …      blocks, one a lane
const SECOND: usize = 0; // the second block of shared_secret's message
const SECRET: usize = SECOND + BLOCK;
const KEY: usize = SECRET + BLOCK;
const NONCE: usize = KEY + 2 * BLOCK;
const EXPORTER: usize = NONCE + 2 * BLOCK;
const SALT_INNER: usize = EXPORTER + 2 * BLOCK; // after the key blocks of the empty salt
const SALT_OUTER: usize = SALT_INNER + SCHEDULE_LANES * HASH;
const INNER: usize = SALT_OUTER + SCHEDULE_LANES * HASH;
const OUTER: usize = INNER + SCHEDULE_LANES * HASH;
const STATE: usize = OUTER + SCHEDULE_LANES * HASH;
const INITIAL: usize = STATE + SCHEDULE_LANES * HASH;
const EAES: usize = INITIAL + SCHEDULE_LANES * HASH;
const FIRSTS: usize = EAES + SCHEDULE_LANES * BLOCK; // the first blocks of shared_secret's messages
const INNER_PADS: usize = FIRSTS + SCHEDULE_LANES * BLOCK;
const OUTER_PADS: usize = INNER_PADS + SCHEDULE_LANES * BLOCK;
const DIGESTS: usize = OUTER_PADS + SCHEDULE_LANES * BLOCK;
const LANES: usize = DIGESTS + SCHEDULE_LANES * BLOCK;
const SCHEDULE_BYTES: usize = LANES + 8;

/** Lays out a schedule for groups of `lanes` lanes, 1 or 4 (without SIMD, 1), of the party; the caller ends it. */
export function beginSchedule(party: usize, lanes: usize): usize {
  const schedule = take(SCHEDULE_BYTES);
  memory.fill(schedule, 0, SCHEDULE_BYTES);
  store<usize>(schedule + LANES, lanes);
  for (let lane: usize = 0; lane < lanes; lane++) {
    for (let w: usize = 0; w < 8; w++) {
      const place = schedule + 4 * (w * lanes + lane);
      store<u32>(place + INITIAL, load<u32>(SHA256_IV + 4 * w));
      store<u32>(place + SALT_INNER, load<u32>(ZERO_INNER + 4 * w));
      store<u32>(place + SALT_OUTER, load<u32>(ZERO_OUTER + 4 * w));
    }
    memory.copy(schedule + EAES + BLOCK * lane, EAE_LABEL, EAE_LABEL_BYTES);
    pad(schedule + EAES + BLOCK * lane, EAE_LABEL_BYTES + HASH, 1);
    memory.copy(schedule + FIRSTS + BLOCK * lane, SHARED_LABEL, SHARED_LABEL_BYTES);
    memory.fill(schedule + INNER_PADS + BLOCK * lane, 0x36, BLOCK);
    memory.fill(schedule + OUTER_PADS + BLOCK * lane, 0x5c, BLOCK);
    pad(schedule + DIGESTS + BLOCK * lane, HASH, 1);
  }
  layPublicKey(schedule, party + HPKE_PARTY_PUBLIC_KEY_OFFSET);
  memory.copy(schedule + SECRET, SECRET_LABEL, SECRET_LABEL_BYTES);
  pad(schedule + SECRET, SECRET_LABEL_BYTES, 1);
  const context = party + HPKE_PARTY_CONTEXT_OFFSET;
  layExpand(schedule + KEY, KEY_LABEL, KEY_LABEL_BYTES, context);
  layExpand(schedule + NONCE, NONCE_LABEL, NONCE_LABEL_BYTES, context);
  layExpand(schedule + EXPORTER, EXPORTER_LABEL, EXPORTER_LABEL_BYTES, context);
  return schedule;
}

/** Wipes the schedule and gives it back. */
export function endSchedule(schedule: usize): void {
  memory.fill(schedule, 0, SCHEDULE_BYTES);
  release(schedule);
}

/**
 * Makes HpkeKeys of `count` shared secrets, no more than the schedule has lanes: dh at `dhs`, 32 bytes each; enc at
 * `encs`, one every `encStride` bytes. The exporter secrets are made only `withExporter`.
 */
export function scheduleKeys(
  schedule: usize,
  dhs: usize,
  encs: usize,
  encStride: usize,
  count: usize,
  keys: usize,
  withExporter: bool,
): void {
  const lanes = load<usize>(schedule + LANES);
  for (let lane: usize = 0; lane < count; lane++) {
    memory.copy(schedule + EAES + BLOCK * lane + EAE_LABEL_BYTES, dhs + 32 * lane, 32);
    memory.copy(schedule + FIRSTS + BLOCK * lane + SHARED_LABEL_BYTES, encs + encStride * lane, 32);
  }
  memory.copy(schedule + INNER, schedule + SALT_INNER, HASH * lanes);
  memory.copy(schedule + OUTER, schedule + SALT_OUTER, HASH * lanes);
  begin(schedule);
  hash(schedule, STATE, schedule + EAES, BLOCK, 1);
  finish(schedule);

  keyBlocks(schedule);
  begin(schedule);
  hash(schedule, STATE, schedule + FIRSTS, BLOCK, 1);
  hash(schedule, STATE, schedule + SECOND, 0, 1);
  finish(schedule);

  keyBlocks(schedule);
  begin(schedule);
  hash(schedule, STATE, schedule + SECRET, 0, 1);
  finish(schedule);

  keyBlocks(schedule);
  expand(schedule, KEY, keys + HPKE_KEYS_KEY_OFFSET, HASH, count);
  expand(schedule, NONCE, keys + HPKE_KEYS_BASE_NONCE_OFFSET, NONCE_BYTES, count);
  if (withExporter) expand(schedule, EXPORTER, keys + HPKE_KEYS_EXPORTER_SECRET_OFFSET, HASH, count);
}

/** The recipient's public key, in the messages of shared_secret: five bytes in the first block, the rest in the second. */
function layPublicKey(schedule: usize, publicKey: usize): void {
  const before = BLOCK - SHARED_LABEL_BYTES - 32;
  for (let lane: usize = 0; lane < load<usize>(schedule + LANES); lane++) {
    memory.copy(schedule + FIRSTS + BLOCK * lane + BLOCK - before, publicKey, before);
  }
  memory.copy(schedule + SECOND, publicKey + before, 32 - before);
  store<u8>(schedule + SECOND + 32 - before, 1);
  pad(schedule + SECOND - BLOCK, SHARED_LABEL_BYTES + 64 + 1, 2);
}

/** The message of a LabeledExpand over the key schedule context. */
function layExpand(message: usize, label: usize, labelBytes: usize, context: usize): void {
  memory.copy(message, label, labelBytes);
  memory.copy(message + labelBytes, context, KEY_SCHEDULE_CONTEXT_BYTES);
  store<u8>(message + labelBytes + KEY_SCHEDULE_CONTEXT_BYTES, 1);
  pad(message, labelBytes + KEY_SCHEDULE_CONTEXT_BYTES + 1, 2);
}

/** Padding of a message of `bytes` bytes after a key block (FIPS 180-4, section 5.1.1), in zeroes. */
function pad(message: usize, bytes: usize, blocks: usize): void {
  store<u8>(message + bytes, 0x80);
  store<u64>(message + BLOCK * blocks - 8, bswap<u64>(<u64>(BLOCK + bytes) << 3));
}

/** Hashes on: lane l takes `blocks` blocks at `messages` + l·stride into the states at `states`. */
// @ts-ignore: decorator
@inline
function hash(schedule: usize, states: usize, messages: usize, stride: usize, blocks: usize): void {
  if (ASC_FEATURE_SIMD) {
    if (load<usize>(schedule + LANES) == 4) {
      sha256x4Blocks(
        schedule + states,
        messages,
        messages + stride,
        messages + 2 * stride,
        messages + 3 * stride,
        blocks,
      );
      return;
    }
  }
  sha256Blocks(schedule + states, messages, blocks);
}

/** Makes the states the keys of the next HMACs. */
function keyBlocks(schedule: usize): void {
  const lanes = load<usize>(schedule + LANES);
  for (let lane: usize = 0; lane < lanes; lane++) {
    const state = schedule + STATE + 4 * lane;
    const inner = schedule + INNER_PADS + BLOCK * lane;
    const outer = schedule + OUTER_PADS + BLOCK * lane;
    for (let w: usize = 0; w < 8; w++) {
      const word = bswap<u32>(load<u32>(state + 4 * lanes * w));
      store<u32>(inner + 4 * w, word ^ 0x36363636);
      store<u32>(outer + 4 * w, word ^ 0x5c5c5c5c);
    }
  }
  keyStates(schedule);
}

/** The states after the key blocks. */
function keyStates(schedule: usize): void {
  const bytes = HASH * load<usize>(schedule + LANES);
  memory.copy(schedule + INNER, schedule + INITIAL, bytes);
  hash(schedule, INNER, schedule + INNER_PADS, BLOCK, 1);
  memory.copy(schedule + OUTER, schedule + INITIAL, bytes);
  hash(schedule, OUTER, schedule + OUTER_PADS, BLOCK, 1);
}

/** Begins HMACs under the keys. */
// @ts-ignore: decorator
@inline
function begin(schedule: usize): void {
  memory.copy(schedule + STATE, schedule + INNER, HASH * load<usize>(schedule + LANES));
}

/** Ends HMACs: the outer hash; its states are the results. */
function finish(schedule: usize): void {
  const lanes = load<usize>(schedule + LANES);
  for (let lane: usize = 0; lane < lanes; lane++) {
    digest(schedule, lane, schedule + DIGESTS + BLOCK * lane, HASH);
  }
  memory.copy(schedule + STATE, schedule + OUTER, HASH * lanes);
  hash(schedule, STATE, schedule + DIGESTS, BLOCK, 1);
}

/** The first `bytes` bytes of the result in lane `lane`. */
function digest(schedule: usize, lane: usize, out: usize, bytes: usize): void {
  const stride: usize = load<usize>(schedule + LANES) << 2;
  const state = schedule + STATE + 4 * lane;
  for (let w: usize = 0; w < bytes >> 2; w++) {
    store<u32>(out + 4 * w, bswap<u32>(load<u32>(state + stride * w)));
  }
}

/** HMACs of a shared message of two blocks, `bytes` bytes of each into one of the HpkeKeys from `out` on. */
function expand(schedule: usize, message: usize, out: usize, bytes: usize, count: usize): void {
  begin(schedule);
  hash(schedule, STATE, schedule + message, 0, 2);
  finish(schedule);
  for (let lane: usize = 0; lane < count; lane++) digest(schedule, lane, out + <usize>HPKE_KEYS_SIZE * lane, bytes);
}
