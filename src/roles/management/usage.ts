// What a device has under way and has lately asked for: a small record beside it, so that one device (anyone can be one)
// takes neither the room of all others nor the disk, and does not try out cards without end.
//
//     usage     device ▶ open loads; new requests in this minute; declined loads on this day
//
// The record is written in the transactions that write requests: a crash loses nothing of it and counts nothing twice.
import { type Infer, struct, u32, u64 } from '../../shared/codec.ts';
import type { StoreReads, StoreTransaction } from '../../store/store.ts';
import type { Put } from '../flow/flow.ts';
import { type Refused, refuse } from './check.ts';
import type { ManagementLimits } from './limits.ts';

const USAGE = 'usage';
const MINUTE_NS = 60_000_000_000n;
const DAY_NS = 86_400_000_000_000n;

const UsageRecord = struct({
  openLoads: u32,
  /** Since the Unix epoch: the minute and the day that the counts are of. */
  minute: u64,
  requests: u32,
  day: u64,
  declined: u32,
});
type UsageRecord = Infer<typeof UsageRecord>;

/** Counts of a minute or a day that is over are 0. */
function usageOf(reads: StoreReads, device: bigint, now: bigint): UsageRecord {
  const stored = reads.get(USAGE, device);
  const minute = now / MINUTE_NS;
  const day = now / DAY_NS;
  const usage = stored && UsageRecord.decode(stored);
  return {
    openLoads: usage?.openLoads ?? 0,
    minute,
    requests: usage?.minute === minute ? usage.requests : 0,
    day,
    declined: usage?.day === day ? usage.declined : 0,
  };
}

/** Whether the device may ask for one thing more that is stored. */
export function checkRequests(
  reads: StoreReads,
  device: bigint,
  now: bigint,
  { deviceRequestsPerMinute }: ManagementLimits,
): Refused | undefined {
  if (usageOf(reads, device, now).requests < deviceRequestsPerMinute) return undefined;
  return refuse('busy', `requests: expected at most ${deviceRequestsPerMinute} new ones a minute, got more`);
}

/** Whether it may have one more load. */
export function checkLoads(
  reads: StoreReads,
  device: bigint,
  now: bigint,
  limits: ManagementLimits,
): Refused | undefined {
  const { deviceLoadsOpenMax, deviceDeclinesPerDay } = limits;
  const { openLoads, declined } = usageOf(reads, device, now);
  if (openLoads >= deviceLoadsOpenMax) {
    return refuse('busy', `loads: expected fewer than ${deviceLoadsOpenMax} under way, got ${openLoads}`);
  }
  if (declined >= deviceDeclinesPerDay) {
    return refuse(
      'busy',
      `loads: expected fewer than ${deviceDeclinesPerDay} declined today, got ${declined}`,
    );
  }
  return checkRequests(reads, device, now, limits);
}

/** One request that is new, whether it is admitted or its refusal is kept. */
export function countRequest(tx: StoreTransaction, device: bigint, now: bigint): void {
  const usage = usageOf(tx, device, now);
  tx.put(USAGE, device, UsageRecord.encode({ ...usage, requests: usage.requests + 1 }));
}

export interface LoadChange {
  /** 1: one more is under way; -1: one fewer. */
  readonly open: 1 | -1;
  readonly isDeclined: boolean;
}

export function putLoadChange(
  reads: StoreReads,
  device: bigint,
  now: bigint,
  { open, isDeclined }: LoadChange,
): Put {
  const usage = usageOf(reads, device, now);
  const after: UsageRecord = {
    ...usage,
    openLoads: Math.max(0, usage.openLoads + open),
    declined: usage.declined + (isDeclined ? 1 : 0),
  };
  return { table: USAGE, key: device, value: UsageRecord.encode(after) };
}
