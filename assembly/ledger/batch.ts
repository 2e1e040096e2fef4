// The batch that is being executed: where it lives and what time it is. One batch runs at a time, so these are statics.
//
//     slot ─▶ events    128 bytes a record (payment orders: 256), completed in place when created
//             results    16 bytes a record
//             segment_ends, effects: see effect.ts
//
// Record i of n has the ref op << 13 | i and, unless it is imported, the timestamp batchTimestamp - n + i + 1.

import {
  CreateResult,
  INDEX_REF_MASK,
  Operation,
  PAYMENT_ORDER_SIZE,
  RECORD_SIZE,
  REF_INDEX_BITS,
  SLOT_EVENTS_OFFSET,
  SLOT_RESULTS_OFFSET,
} from "../layout";
import { readRecord } from "./host";

const RESULT_SIZE: u32 = <u32>offsetof<CreateResult>();

export let batchOp: u64 = 0;
export let batchSlot: usize = 0;
export let batchCount: u32 = 0;
export let batchRecordSize: u32 = RECORD_SIZE;
export let batchTimestamp: u64 = 0;
/** Timestamp of record 0. */
export let batchFirstTimestamp: u64 = 0;
export let batchFirstRef: u64 = 0;

export function batchBegin(operation: u32, op: u64, timestamp: u64, slot: usize, count: u32): void {
  batchRecordSize = operation == Operation.create_payment_orders ? PAYMENT_ORDER_SIZE : RECORD_SIZE;
  batchOp = op;
  batchSlot = slot;
  batchCount = count;
  batchTimestamp = timestamp;
  batchFirstTimestamp = timestamp - <u64>count + 1;
  batchFirstRef = op << REF_INDEX_BITS;
}

// @ts-ignore: decorator
@inline
export function eventAt(index: u32): usize {
  return batchSlot + SLOT_EVENTS_OFFSET + index * batchRecordSize;
}

// @ts-ignore: decorator
@inline
export function resultAt(index: u32): usize {
  return batchSlot + SLOT_RESULTS_OFFSET + index * RESULT_SIZE;
}

// @ts-ignore: decorator
@inline
export function refAt(index: u32): u64 {
  return batchFirstRef | <u64>index;
}

// @ts-ignore: decorator
@inline
export function timestampAt(index: u32): u64 {
  return batchFirstTimestamp + <u64>index;
}

// Two records can be looked at together: an existing post and the pending transfer that it resolved.
const SCRATCH: usize = memory.data(512, 64);

/** Bytes of the record that storedTransfer gave last. */
export let storedSize: u32 = 0;

/**
 * The stored transfer that an index value names: in this batch's own slot, or copied from the host to `place` (0 or 1),
 * valid until that place is used again. Of a payment order it is the first half.
 */
export function storedTransfer(value: u64, place: u32): usize {
  const ref = value & INDEX_REF_MASK;
  if (ref >> REF_INDEX_BITS == batchOp) {
    storedSize = batchRecordSize;
    return eventAt(<u32>ref & ((1 << REF_INDEX_BITS) - 1));
  }
  const out = SCRATCH + place * PAYMENT_ORDER_SIZE;
  storedSize = readRecord(ref, out);
  return out;
}

// Timestamp that the record under way is answered with when it is neither created nor exists: the time it was
// validated at. `answer` overrides it.
export let answeredTimestamp: u64 = 0;

/** The timestamp to answer with: of the record created, or of the one that exists. */
export function answer(timestamp: u64): void {
  answeredTimestamp = timestamp;
}
