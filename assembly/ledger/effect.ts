// What an event did to its two accounts, packed behind the records of its segment: the balances after it, and the chain
// that leads to the account's events before it.
//
//     0         4       5              5 + 7d          + 7c
//     ┌─────────┬───────┬──────────────┬───────────────┬──────────────────────────────┐
//     │ lengths │ flags │ debit refs   │ credit refs   │ eight balances, trimmed      │
//     └─────────┴───────┴──────────────┴───────────────┴──────────────────────────────┘
//
// lengths: a nibble a balance, low nibble first: debits_pending, debits_posted, credits_pending, credits_posted of the
//          debit account, then of the credit account; 0 to 14 bytes, 15 stands for 16.
// flags:   bit 0, 1: debit, credit account is closed after; bits 2-3, 4-5: number d, c of refs (1 to 3).
// refs:    7 bytes each: the account's event before (0: none); in every 256th event of an account also the one 256
//          before, in every 65,536th also the one 65,536 before (0: none).
//
// A small payment takes about 40 bytes. The effects of a batch lie one behind the other; segment_ends[s] is where those
// of segment s (256 records) end.

import {
  Account,
  AccountFlags,
  AccountTail,
  CreateResult,
  REF_SIZE,
  SEGMENT_RECORDS_MAX,
  SLOT_EFFECTS_OFFSET,
  SLOT_SEGMENT_ENDS_OFFSET,
} from "../layout";
import { batchCount, batchRecordSize, batchSlot } from "./batch";

const TAIL: usize = offsetof<Account>();
const RESULT_SIZE: u32 = <u32>offsetof<CreateResult>();

/** Where the next effect is written. */
let cursor: usize = 0;
// An effect's offset in its stored segment is its address minus this.
let segmentOrigin: usize = 0;

export function effectsBegin(): void {
  cursor = batchSlot + SLOT_EFFECTS_OFFSET;
  segmentOpen(0);
}

function segmentOpen(segment: u32): void {
  const records = min(SEGMENT_RECORDS_MAX, batchCount - segment * SEGMENT_RECORDS_MAX);
  segmentOrigin = cursor - records * (batchRecordSize + RESULT_SIZE);
}

function segmentClose(segment: u32): void {
  store<u32>(
    batchSlot + SLOT_SEGMENT_ENDS_OFFSET + segment * 4,
    <u32>(cursor - batchSlot - SLOT_EFFECTS_OFFSET),
  );
}

/** Ends the segment before `index`, the first record of the next one. */
export function segmentNext(index: u32): void {
  const segment = index / SEGMENT_RECORDS_MAX;
  segmentClose(segment - 1);
  segmentOpen(segment);
}

/** Ends the last segment; returns the bytes of all effects. */
export function effectsEnd(): u32 {
  if (batchCount > 0) segmentClose((batchCount - 1) / SEGMENT_RECORDS_MAX);
  return <u32>(cursor - batchSlot - SLOT_EFFECTS_OFFSET);
}

export function effectsMark(): usize {
  return cursor;
}

/** Takes back the effects since `mark`, which record `from` saw, while record `index` is being executed. */
export function effectsRollback(mark: usize, from: u32, index: u32): void {
  cursor = mark;
  let segment = from / SEGMENT_RECORDS_MAX;
  const last = index / SEGMENT_RECORDS_MAX;
  if (segment == last) return;
  for (; segment < last; segment += 1) segmentClose(segment);
  segmentOpen(last);
}

/**
 * Writes the effect of the event `ref` on both rows, as they are now, and makes it the newest event of both accounts.
 * Returns CreateResult.effect. `narrow`: no balance has a high half.
 */
// @ts-ignore: decorator
@inline
export function effectAppend(debit: usize, credit: usize, ref: u64, narrow: bool): u32 {
  const start = cursor;
  let at = start + 5;
  const debitEnd = chainAppend(debit, ref, at);
  const creditEnd = chainAppend(credit, ref, debitEnd);
  const debitRefs = <u32>(debitEnd - at) / <u32>REF_SIZE;
  const creditRefs = <u32>(creditEnd - debitEnd) / <u32>REF_SIZE;
  at = creditEnd;
  let lengths: u32 = 0;
  let length: u32;
  length = put(at, debit, 16, narrow); at += taken(length, narrow); lengths = length;
  length = put(at, debit, 32, narrow); at += taken(length, narrow); lengths |= length << 4;
  length = put(at, debit, 48, narrow); at += taken(length, narrow); lengths |= length << 8;
  length = put(at, debit, 64, narrow); at += taken(length, narrow); lengths |= length << 12;
  length = put(at, credit, 16, narrow); at += taken(length, narrow); lengths |= length << 16;
  length = put(at, credit, 32, narrow); at += taken(length, narrow); lengths |= length << 20;
  length = put(at, credit, 48, narrow); at += taken(length, narrow); lengths |= length << 24;
  length = put(at, credit, 64, narrow); at += taken(length, narrow); lengths |= length << 28;
  store<u32>(start, lengths);
  store<u8>(start, closed(debit) | (closed(credit) << 1) | (debitRefs << 2) | (creditRefs << 4), 4);
  cursor = at;
  return <u32>(start - segmentOrigin);
}

// @ts-ignore: decorator
@inline
function closed(row: usize): u32 {
  return u32((changetype<Account>(row).flags & AccountFlags.closed) != 0);
}

// @ts-ignore: decorator
@inline
function put(at: usize, row: usize, offset: usize, narrow: bool): u32 {
  const lo = load<u64>(row + offset);
  store<u64>(at, lo);
  if (narrow) return bytesOf(lo);
  const hi = load<u64>(row + offset, 8);
  store<u64>(at, hi, 8);
  const length = hi == 0 ? bytesOf(lo) : 8 + bytesOf(hi);
  return min(length, 15);
}

// @ts-ignore: decorator
@inline
function taken(length: u32, narrow: bool): u32 {
  return narrow ? length : length + u32(length == 15);
}

// @ts-ignore: decorator
@inline
function bytesOf(value: u64): u32 {
  return <u32>((71 - clz(value)) >> 3);
}

// Seven bytes a ref, stored eight at a time: what follows overwrites the zero.
// @ts-ignore: decorator
@inline
function chainAppend(row: usize, ref: u64, at: usize): usize {
  const tail = changetype<AccountTail>(row + TAIL);
  const ordinal = tail.count + 1;
  store<u64>(at, tail.head);
  at += REF_SIZE;
  if ((ordinal & 0xff) == 0) at = skipsAppend(row, ref, at, ordinal);
  tail.head = ref;
  tail.count = ordinal;
  return at;
}

function skipsAppend(row: usize, ref: u64, at: usize, ordinal: u64): usize {
  const tail = changetype<AccountTail>(row + TAIL);
  store<u64>(at, tail.skip_256);
  tail.skip_256 = ref;
  at += REF_SIZE;
  if ((ordinal & 0xffff) == 0) {
    store<u64>(at, tail.skip_65536);
    tail.skip_65536 = ref;
    at += REF_SIZE;
  }
  return at;
}
