// SHA-512 of many messages. Where there is SIMD, two at a time: each lane takes the next message as soon as its own is
// done, so that messages of different lengths leave no lane idle before the last one.
import { release, take } from "../memory/workspace";
import { HASH_MESSAGE_BYTES, HashMessage } from "./message";
import { SHA512_BYTES, SHA512_TAIL_BYTES, sha512, sha512Digest, sha512Pad } from "./sha512";
import { SHA512_IV, sha512Blocks } from "./sha512-rounds";
import { SHA512X2_STATES_BYTES, sha512x2Begin, sha512x2Blocks, sha512x2Digest, sha512x2State } from "./sha512x2";

const LANES: usize = 2;

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
 * Digests of the `count` messages that the records (HashMessage) at `messages` name: 64 bytes each, one after another,
 * to `digests`, apart from records and messages.
 */
export function sha512Batch(messages: usize, count: usize, digests: usize): void {
  if (ASC_FEATURE_SIMD) {
    if (count > 1) {
      batch(messages, count, digests);
      return;
    }
  }
  for (let i: usize = 0; i < count; i++) {
    const message = changetype<HashMessage>(messages + i * HASH_MESSAGE_BYTES);
    sha512(message.address, message.bytes, digests + i * SHA512_BYTES);
  }
}

function batch(messages: usize, count: usize, digests: usize): void {
  const scratch_bytes = SHA512X2_STATES_BYTES + LANES * (LANE_BYTES + SHA512_TAIL_BYTES);
  const states = take(scratch_bytes);
  const lanes = states + SHA512X2_STATES_BYTES;
  const tails = lanes + LANES * LANE_BYTES;
  const lane_0 = changetype<Lane>(lanes);
  const lane_1 = changetype<Lane>(lanes + LANE_BYTES);

  // A lane without a message has 0 blocks for ever.
  memory.fill(states, 0, scratch_bytes);
  let begun = min(count, LANES);
  let active = begun;
  for (let i: usize = 0; i < begun; i++) {
    begin(i, messages + i * HASH_MESSAGE_BYTES, digests + i * SHA512_BYTES, states);
  }

  // One lane alone is faster without the others.
  while (active > 1) {
    // As far as the nearer end of a lane's blocks: both lanes have a message here.
    const blocks = min(lane_0.blocks, lane_1.blocks);
    sha512x2Blocks(states, lane_0.address, lane_1.address, blocks);
    for (let i: usize = 0; i < LANES; i++) {
      const lane = changetype<Lane>(lanes + i * LANE_BYTES);
      lane.address += blocks << 7;
      lane.blocks -= blocks;
      if (lane.blocks > 0) continue;
      if (lane.tail_blocks > 0) {
        enterTail(lane, tails + i * SHA512_TAIL_BYTES);
        continue;
      }
      sha512x2Digest(states, i, lane.digest);
      if (begun < count) {
        begin(i, messages + begun * HASH_MESSAGE_BYTES, digests + begun * SHA512_BYTES, states);
        begun++;
      } else active--;
    }
  }

  for (let i: usize = 0; i < LANES; i++) {
    const lane = changetype<Lane>(lanes + i * LANE_BYTES);
    if (lane.blocks == 0) continue;
    const state = take(SHA512_BYTES);
    sha512x2State(states, i, state);
    sha512Blocks(state, lane.address, lane.blocks);
    sha512Blocks(state, tails + i * SHA512_TAIL_BYTES, lane.tail_blocks);
    sha512Digest(state, lane.digest);
    memory.fill(state, 0, SHA512_BYTES);
    release(state);
  }
  memory.fill(states, 0, scratch_bytes);
  release(states);
}

/** Gives lane `i` of the scratch at `states` a message. */
function begin(i: usize, record: usize, digest: usize, states: usize): void {
  const message = changetype<HashMessage>(record);
  const lane = changetype<Lane>(states + SHA512X2_STATES_BYTES + i * LANE_BYTES);
  const tail = states + SHA512X2_STATES_BYTES + LANES * LANE_BYTES + i * SHA512_TAIL_BYTES;
  const address = <usize>message.address;
  const blocks = <usize>(message.bytes >> 7);
  lane.address = address;
  lane.blocks = blocks;
  lane.tail_blocks = sha512Pad(tail, address + (blocks << 7), message.bytes);
  lane.digest = digest;
  sha512x2Begin(states, i, SHA512_IV);
  if (blocks == 0) enterTail(lane, tail);
}

// @ts-ignore: decorator
@inline
function enterTail(lane: Lane, tail: usize): void {
  lane.address = tail;
  lane.blocks = lane.tail_blocks;
  lane.tail_blocks = 0;
}
