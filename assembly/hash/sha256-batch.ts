// SHA-256 of many messages. Where there is SIMD, four at a time: each lane takes the next message as soon as its own is
// done, so that messages of different lengths leave no lane idle before the last ones.
import { release, take } from "../memory/workspace";
import { HASH_MESSAGE_BYTES, HashMessage } from "./message";
import { SHA256_BYTES, SHA256_TAIL_BYTES, sha256, sha256Digest, sha256Pad } from "./sha256";
import { SHA256_IV, sha256Blocks } from "./sha256-rounds";
import { SHA256X4_STATES_BYTES, sha256x4Begin, sha256x4Blocks, sha256x4Digest, sha256x4State } from "./sha256x4";

const LANES: usize = 4;

// Where a lane is: in the whole blocks of its message, then in its tail, the padded end of the message.
// @ts-ignore: decorator
@unmanaged
class Lane {
  address: usize;
  blocks: usize;
  tail_blocks: usize;
  digest: usize;
}

const LANE_BYTES = offsetof<Lane>();

/**
 * Digests of the `count` messages that the records (HashMessage) at `messages` name: 32 bytes each, one after another,
 * to `digests`, apart from records and messages.
 */
export function sha256Batch(messages: usize, count: usize, digests: usize): void {
  if (ASC_FEATURE_SIMD) {
    if (count > 1) {
      batch(messages, count, digests);
      return;
    }
  }
  for (let i: usize = 0; i < count; i++) {
    const message = changetype<HashMessage>(messages + i * HASH_MESSAGE_BYTES);
    sha256(message.address, message.bytes, digests + i * SHA256_BYTES);
  }
}

function batch(messages: usize, count: usize, digests: usize): void {
  const scratch_bytes = SHA256X4_STATES_BYTES + LANES * (LANE_BYTES + SHA256_TAIL_BYTES);
  const states = take(scratch_bytes);
  const lanes = states + SHA256X4_STATES_BYTES;
  const tails = lanes + LANES * LANE_BYTES;
  const lane_0 = changetype<Lane>(lanes);
  const lane_1 = changetype<Lane>(lanes + LANE_BYTES);
  const lane_2 = changetype<Lane>(lanes + 2 * LANE_BYTES);
  const lane_3 = changetype<Lane>(lanes + 3 * LANE_BYTES);

  // A lane without a message has 0 blocks for ever.
  memory.fill(states, 0, scratch_bytes);
  let begun = min(count, LANES);
  let active = begun;
  for (let i: usize = 0; i < begun; i++) {
    begin(i, messages + i * HASH_MESSAGE_BYTES, digests + i * SHA256_BYTES, states);
  }

  // One lane alone is faster without the others.
  while (active > 1) {
    // As far as the nearest end of a lane's blocks. A lane without a message computes on another's, for nothing.
    const blocks = min(min(bound(lane_0), bound(lane_1)), min(bound(lane_2), bound(lane_3)));
    const some = lane_0.blocks > 0 ? lane_0.address : lane_1.blocks > 0 ? lane_1.address : lane_2.address;
    sha256x4Blocks(
      states,
      lane_0.blocks > 0 ? lane_0.address : some,
      lane_1.blocks > 0 ? lane_1.address : some,
      lane_2.blocks > 0 ? lane_2.address : some,
      lane_3.blocks > 0 ? lane_3.address : some,
      blocks,
    );
    for (let i: usize = 0; i < LANES; i++) {
      const lane = changetype<Lane>(lanes + i * LANE_BYTES);
      if (lane.blocks == 0) continue;
      lane.address += blocks << 6;
      lane.blocks -= blocks;
      if (lane.blocks > 0) continue;
      if (lane.tail_blocks > 0) {
        enterTail(lane, tails + i * SHA256_TAIL_BYTES);
        continue;
      }
      sha256x4Digest(states, i, lane.digest);
      if (begun < count) {
        begin(i, messages + begun * HASH_MESSAGE_BYTES, digests + begun * SHA256_BYTES, states);
        begun++;
      } else active--;
    }
  }

  for (let i: usize = 0; i < LANES; i++) {
    const lane = changetype<Lane>(lanes + i * LANE_BYTES);
    if (lane.blocks == 0) continue;
    const state = take(SHA256_BYTES);
    sha256x4State(states, i, state);
    sha256Blocks(state, lane.address, lane.blocks);
    sha256Blocks(state, tails + i * SHA256_TAIL_BYTES, lane.tail_blocks);
    sha256Digest(state, lane.digest);
    memory.fill(state, 0, SHA256_BYTES);
    release(state);
  }
  memory.fill(states, 0, scratch_bytes);
  release(states);
}

/** Gives lane `i` of the scratch at `states` a message. */
function begin(i: usize, record: usize, digest: usize, states: usize): void {
  const message = changetype<HashMessage>(record);
  const lane = changetype<Lane>(states + SHA256X4_STATES_BYTES + i * LANE_BYTES);
  const tail = states + SHA256X4_STATES_BYTES + LANES * LANE_BYTES + i * SHA256_TAIL_BYTES;
  const address = <usize>message.address;
  const blocks = <usize>(message.bytes >> 6);
  lane.address = address;
  lane.blocks = blocks;
  lane.tail_blocks = sha256Pad(tail, address + (blocks << 6), message.bytes);
  lane.digest = digest;
  sha256x4Begin(states, i, SHA256_IV);
  if (blocks == 0) enterTail(lane, tail);
}

// @ts-ignore: decorator
@inline
function enterTail(lane: Lane, tail: usize): void {
  lane.address = tail;
  lane.blocks = lane.tail_blocks;
  lane.tail_blocks = 0;
}

/** Blocks of this lane that lie in a row; no bound where it has no message. */
// @ts-ignore: decorator
@inline
function bound(lane: Lane): usize {
  return lane.blocks > 0 ? lane.blocks : usize.MAX_VALUE;
}
