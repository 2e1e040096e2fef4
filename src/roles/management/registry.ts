// Who may hold money: devices, their keys, the accounts on file. Tables of the role's store:
//
//     devices        device ▶ keys, user data, newest certificate, since when, revoked or blocked since when
//     signing-keys   signing key ▶ device, request, where its enrolment stands
//     channel-keys   channel key ▶ device
//     numbers        device or shop ▶ request      every number ever given out
//     accounts       device ▶ sealed account, binding
//     counters       'devices' ▶ how many are enrolled, how many enrolling, how many numbers wait for their key to come back
//
// A device stands in `devices` only once it is enrolled. Its keys are taken from the moment its enrolment is admitted,
// so that of two enrolments that race for a key one is refused. An enrolment that expires gives them back, but its number
// stays with the signing key: cash may have opened the account, and the next enrolment of the key finds it again. Such a
// number counts like a device: else whoever lets enrolments expire could open accounts at cash without end.
//
// User data is personal: it stands here and nowhere else, and in no log.

import { U128_MAX } from '../../shared/bytes.ts';
import { bool, bytesUpTo, type Infer, oneOf, optional, struct, text, u64, u128 } from '../../shared/codec.ts';
import { idOfKey } from '../../store/key.ts';
import type { RoleStore, StoreReads } from '../../store/store.ts';
import { AccountBinding, SealedAccount } from '../documents/account-seal.ts';
import { USER_DATA_BYTES_MAX } from '../documents/enrolment.ts';
import { publicKey } from '../documents/signed.ts';
import type { Put } from '../flow/flow.ts';

export const CERTIFICATE_BYTES_MAX = 1024;
export const REVOCATION_REASON_BYTES_MAX = 128;

const DEVICES = 'devices';
const SIGNING_KEYS = 'signing-keys';
const CHANNEL_KEYS = 'channel-keys';
const NUMBERS = 'numbers';
const ACCOUNTS = 'accounts';
const COUNTERS = 'counters';
const DEVICES_COUNTER = new TextEncoder().encode('devices');

export const Certificate = bytesUpTo(CERTIFICATE_BYTES_MAX);

const DeviceRecord = struct({
  /** Of its enrolment. */
  request: u128,
  signingKey: publicKey,
  channelKey: publicKey,
  userData: text(USER_DATA_BYTES_MAX),
  enrolledAt: u64,
  /** Of the newest certificate; the first is 1. */
  serial: u64,
  certificate: Certificate,
  notAfter: u64,
  /** `enforced`: cash refuses the device's orders too. */
  revoked: optional(struct({ at: u64, reason: text(REVOCATION_REASON_BYTES_MAX), enforced: bool })),
  /** By an operator's order that cash has carried out. */
  blocked: optional(struct({ at: u64, reason: text(REVOCATION_REASON_BYTES_MAX) })),
  replacedBy: optional(u128),
});
export type DeviceRecord = Infer<typeof DeviceRecord>;

const SigningKeyRecord = struct({
  device: u128,
  request: u128,
  standing: oneOf('enrolling', 'enrolled', 'given_back'),
});
export type SigningKeyRecord = Infer<typeof SigningKeyRecord>;

const ChannelKeyRecord = struct({ device: u128 });
const NumberRecord = struct({ request: u128 });
const DeviceCounts = struct({ enrolled: u64, enrolling: u64, givenBack: u64 });
export type DeviceCounts = Infer<typeof DeviceCounts>;

const AccountRecord = struct({ account: SealedAccount, binding: AccountBinding });
export type AccountRecord = Infer<typeof AccountRecord>;

export const find = <Value>(
  reads: StoreReads,
  table: string,
  key: Uint8Array | bigint,
  codec: { decode(bytes: Uint8Array): Value },
): Value | undefined => {
  const value = reads.get(table, key);
  return value && codec.decode(value);
};

export const findDevice = (reads: StoreReads, device: bigint): DeviceRecord | undefined =>
  find(reads, DEVICES, device, DeviceRecord);

/** What a purchase asks of its device. `revoking`: revoked here, and cash does not know it yet. */
export type DeviceStanding = 'good' | 'revoking' | 'revoked';

/** Of the devices that have paid lately, about a hundred bytes each. Beyond: the oldest is read again. */
const STANDINGS_MAX = 65_536;

/**
 * Standings by device number, read once until the device's record is written: to read, check and decode the whole of it for
 * each purchase was an eighth of the time.
 */
export const deviceStandings = (store: RoleStore): ((device: bigint) => DeviceStanding | undefined) =>
  store.remember(
    DEVICES,
    (stored) => {
      const { revoked } = DeviceRecord.decode(stored);
      if (revoked === undefined) return 'good';
      return revoked.enforced ? 'revoked' : 'revoking';
    },
    STANDINGS_MAX,
  );

export const findSigningKey = (reads: StoreReads, key: Uint8Array): SigningKeyRecord | undefined =>
  find(reads, SIGNING_KEYS, key, SigningKeyRecord);

/** The device that has, or is getting, this channel key. */
export const findChannelKey = (reads: StoreReads, key: Uint8Array): bigint | undefined =>
  find(reads, CHANNEL_KEYS, key, ChannelKeyRecord)?.device;

export const isNumberTaken = (reads: StoreReads, device: bigint): boolean =>
  reads.get(NUMBERS, device) !== undefined;

export const findAccount = (reads: StoreReads, device: bigint): AccountRecord | undefined =>
  find(reads, ACCOUNTS, device, AccountRecord);

export const countDevices = (reads: StoreReads): DeviceCounts =>
  find(reads, COUNTERS, DEVICES_COUNTER, DeviceCounts) ?? { enrolled: 0n, enrolling: 0n, givenBack: 0n };

/** Enrolled devices in the order of their numbers, after that one. */
export function listDevices(
  reads: StoreReads,
  after: bigint | undefined,
  limit: number,
): { readonly device: bigint; readonly record: DeviceRecord }[] {
  if (after === U128_MAX) return [];
  const bounds = after === undefined ? { limit } : { from: after + 1n, limit };
  return reads.range(DEVICES, bounds).map(({ key, value }) => ({
    device: idOfKey(key),
    record: DeviceRecord.decode(value),
  }));
}

export const putDevice = (device: bigint, record: DeviceRecord): Put => ({
  table: DEVICES,
  key: device,
  value: DeviceRecord.encode(record),
});

export const putSigningKey = (key: Uint8Array, record: SigningKeyRecord): Put => ({
  table: SIGNING_KEYS,
  key,
  value: SigningKeyRecord.encode(record),
});

export const putChannelKey = (key: Uint8Array, device: bigint): Put => ({
  table: CHANNEL_KEYS,
  key,
  value: ChannelKeyRecord.encode({ device }),
});

export const removeChannelKey = (key: Uint8Array): Put => ({
  table: CHANNEL_KEYS,
  key,
  value: undefined,
});

export const putNumber = (device: bigint, request: bigint): Put => ({
  table: NUMBERS,
  key: device,
  value: NumberRecord.encode({ request }),
});

export const removeNumber = (device: bigint): Put => ({ table: NUMBERS, key: device, value: undefined });

export const putAccount = (device: bigint, record: AccountRecord): Put => ({
  table: ACCOUNTS,
  key: device,
  value: AccountRecord.encode(record),
});

/** @param change to be added to what stands */
export function putDeviceCounts(reads: StoreReads, change: DeviceCounts): Put {
  const { enrolled, enrolling, givenBack } = countDevices(reads);
  const after = {
    enrolled: enrolled + change.enrolled,
    enrolling: enrolling + change.enrolling,
    givenBack: givenBack + change.givenBack,
  };
  return { table: COUNTERS, key: DEVICES_COUNTER, value: DeviceCounts.encode(after) };
}
