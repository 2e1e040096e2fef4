// NUT-00, hash_to_curve: x = SHA-256(SHA-256(text) ‖ counter), the first counter from 0 on for which the curve has a point
// with this x; y even. Half of all x have one, so a message takes two tries on average. They run through both lanes as a
// queue: where a try succeeds, its lane goes on with the next message. How many it takes tells something of the message, as
// it does wherever this function is computed.
//
//     text: "Secp256k1_HashToCurve_Cashu_" ‖ message                 try: SHA-256(text), counter (u32, little-endian)
import { sha256 } from "../hash/sha256";
import { release, take } from "../memory/workspace";
import { lift } from "./encoding";
import { NoteText } from "./items";
import { AFFINE_BYTES } from "./points";
import { STORED_BYTES, scatterPoints } from "./stored";

/** What is hashed in a lane, x, and which message it is of. */
const TRY_BYTES: usize = 80;
const COUNTER: usize = 32;
const HASH: usize = 40;
const MESSAGE: usize = 72;

function begin(lane: usize, texts: usize, stride: usize, i: usize): void {
  const text = changetype<NoteText>(texts + i * stride);
  sha256(text.address, text.bytes, lane);
  store<u32>(lane, 0, COUNTER);
  store<usize>(lane, i, MESSAGE);
  sha256(lane, COUNTER + 4, lane + HASH);
}

function next(lane: usize): void {
  store<u32>(lane, load<u32>(lane, COUNTER) + 1, COUNTER);
  sha256(lane, COUNTER + 4, lane + HASH);
}

/** Stores the points of `count` texts, whose NoteText stand `stride` bytes apart, one after another at `points`. */
export function hashToPoints(points: usize, texts: usize, stride: usize, count: usize): void {
  if (count == 0) return;
  const laneA = take(2 * TRY_BYTES + AFFINE_BYTES + 2 * STORED_BYTES);
  const laneB = laneA + TRY_BYTES;
  const affine = laneB + TRY_BYTES;
  const found = affine + AFFINE_BYTES;
  begin(laneA, texts, stride, 0);
  let taken: usize = 1;
  let busyB = count > 1;
  if (busyB) begin(laneB, texts, stride, taken++);
  else memory.copy(laneB, laneA, TRY_BYTES);
  let left = count;
  let busyA = true;
  while (left > 0) {
    const good = lift(affine, laneA + HASH, laneB + HASH, 0, 0);
    scatterPoints(found, found + STORED_BYTES, affine);
    if (busyA) {
      if (good & 1) {
        memory.copy(points + load<usize>(laneA, MESSAGE) * STORED_BYTES, found, STORED_BYTES);
        left--;
        busyA = taken < count;
        if (busyA) begin(laneA, texts, stride, taken++);
      } else next(laneA);
    }
    if (busyB) {
      if (good & 2) {
        memory.copy(points + load<usize>(laneB, MESSAGE) * STORED_BYTES, found + STORED_BYTES, STORED_BYTES);
        left--;
        busyB = taken < count;
        if (busyB) begin(laneB, texts, stride, taken++);
      } else next(laneB);
    }
  }
  memory.fill(laneA, 0, 2 * TRY_BYTES + AFFINE_BYTES + 2 * STORED_BYTES);
  release(laneA);
}
