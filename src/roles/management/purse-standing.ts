// Which purses no wallet should take payments of any more: those that have cheated, and those of a device that is blocked,
// revoked or replaced, until their allowance ends. It changes in the transaction that changes a device, or that finds a
// fraud, so that no crash comes between the two.
//
//     stopped-purses   end of the allowance, purse ▶ nothing
//     counters         'stopped-purses' ▶ serial, since when
//
// The list of a serial is what ends after `since`, so it is the same whoever asks, before and after a restart.
import { type Infer, struct, u64 } from '../../shared/codec.ts';
import { idOfKey, keyOf } from '../../store/key.ts';
import { RANGE_MAX, type StoreReads } from '../../store/store.ts';
import type { Put } from '../flow/flow.ts';
import { findFraud, findPurse, pursesOf } from './purse-registry.ts';
import { type DeviceRecord, find, findDevice, putDevice } from './registry.ts';

const STOPPED = 'stopped-purses';
const COUNTERS = 'counters';
const STOPPED_COUNTER = new TextEncoder().encode(STOPPED);
const NOTHING = new Uint8Array(0);
const ID_BYTES = 16;
/** Purses that leave with a change, at most. Beyond: with the next one. */
const ENDED_MAX = 1_024;

const ListSerial = struct({ serial: u64, since: u64 });
/** `serial` 0: there was never anything on the list. */
export type ListSerial = Infer<typeof ListSerial>;

export const listSerial = (reads: StoreReads): ListSerial =>
  find(reads, COUNTERS, STOPPED_COUNTER, ListSerial) ?? { serial: 0n, since: 0n };

export const isStopped = (reads: StoreReads, purse: bigint, expiresAt: bigint): boolean =>
  reads.get(STOPPED, keyOf(expiresAt, purse)) !== undefined;

/** The device's record, and what it changes about its purses. */
export function putDeviceAndPurses(
  reads: StoreReads,
  device: bigint,
  record: DeviceRecord,
  now: bigint,
): Put[] {
  const changes = pursesOf(reads, device, now).flatMap((purse): Put[] => {
    const { expiresAt } = findPurse(reads, purse)!;
    const should = isOut(record) || findFraud(reads, purse) !== undefined;
    return should === isStopped(reads, purse, expiresAt) ? [] : [putStopped(purse, expiresAt, should)];
  });
  return [putDevice(device, record), ...withSerial(reads, now, changes)];
}

/** Of a purse that is opened now, maybe for a device that was stopped meanwhile. */
export function putPurseStanding(
  reads: StoreReads,
  purse: bigint,
  { device, expiresAt }: { readonly device: bigint; readonly expiresAt: bigint },
  now: bigint,
): Put[] {
  const record = findDevice(reads, device);
  if (record !== undefined && !isOut(record)) return [];
  return withSerial(reads, now, [putStopped(purse, expiresAt, true)]);
}

/** A list without what has ended. */
export function putListAnew(reads: StoreReads, now: bigint): Put[] {
  const { serial } = listSerial(reads);
  // A time, so that a registry that was restored from an older copy does not give a serial again.
  const value = ListSerial.encode({ serial: now > serial ? now : serial + 1n, since: now });
  const ended = reads.range(STOPPED, { to: keyOf(now + 1n), limit: ENDED_MAX });
  return [
    { table: COUNTERS, key: STOPPED_COUNTER, value },
    ...ended.map(({ key }) => ({ table: STOPPED, key, value: undefined })),
  ];
}

export interface StoppedPurses {
  readonly purses: readonly bigint[];
  /** When the first of them leaves. */
  readonly firstEnd: bigint | undefined;
}

/** As they stand on the list that began `since`, of many those that end last. */
export function stoppedPurses(reads: StoreReads, { since }: ListSerial, max: number): StoppedPurses {
  const keys: Uint8Array[] = [];
  for (let from = keyOf(since + 1n); ; ) {
    const records = reads.range(STOPPED, { from, limit: RANGE_MAX });
    keys.push(...records.map(({ key }) => key));
    if (records.length < RANGE_MAX) break;
    from = keyOf(records.at(-1)!.key, new Uint8Array(1));
  }
  const kept = keys.slice(-max);
  return {
    // Not in the order of their ends, which would tell those of one device.
    purses: kept.map((key) => idOfKey(key, ID_BYTES)).sort((a, b) => (a < b ? -1 : 1)),
    firstEnd: kept[0] && idOfKey(kept[0]),
  };
}

const isOut = ({ blocked, revoked }: DeviceRecord): boolean => blocked !== undefined || revoked !== undefined;

const putStopped = (purse: bigint, expiresAt: bigint, is: boolean): Put => ({
  table: STOPPED,
  key: keyOf(expiresAt, purse),
  value: is ? NOTHING : undefined,
});

const withSerial = (reads: StoreReads, now: bigint, changes: readonly Put[]): Put[] =>
  changes.length === 0 ? [] : [...putListAnew(reads, now), ...changes];
