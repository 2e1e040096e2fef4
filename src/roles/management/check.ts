// The rules, one function each. Those that depend on the message alone come first; those that depend on the time, the
// directory or the registry are asked only of requests that are new, so that a request that was admitted once is answered
// for ever.
import { equalBytes } from '../../identity/binary-text.ts';
import { isoTime } from '../../identity/time.ts';
import type { StoreReads } from '../../store/store.ts';
import { Refusal } from '../common/refusal.ts';
import type { AccountBinding, SealedAccount } from '../documents/account-seal.ts';
import type { Enrolment } from '../documents/enrolment.ts';
import type { LoadOrder } from '../documents/load-order.ts';
import type { ManagementRefusal } from './errors.ts';
import type { CurrentDirectory } from './interface.ts';
import type { ManagementLimits } from './limits.ts';
import type { DevicePeer, ManagementPeer } from './peers.ts';
import { findPurseKey } from './purse-registry.ts';
import {
  type AccountRecord,
  countDevices,
  type DeviceRecord,
  findAccount,
  findChannelKey,
  findDevice,
  findSigningKey,
} from './registry.ts';
import { countShops, findShopChannelKey, findShopSigningKey } from './shop-registry.ts';

export type Refused = Refusal<ManagementRefusal>;
type Verdict = Refused | undefined;

export const refuse = (code: Refused['code'], message: string): Refused => new Refusal(code, message);

// ---- Of the message alone

/** 0 names nothing; from here on settlement has ids of its own. Time-ordered ids get there in the year 10854. */
const REQUEST_ID_MAX = (1n << 128n) - (1n << 120n) - 1n;

export function checkRequestId(request: bigint): Verdict {
  return request >= 1n && request <= REQUEST_ID_MAX
    ? undefined
    : refuse('malformed', `request: expected an id from 1 to 2^128 - 2^120 - 1, got ${request}`);
}

/**
 * Who enrols must hold the channel key that is to be certified: else a certificate could carry a key that is another's.
 * Who has its certificate may ask again.
 */
export function checkChannelKey(
  peer: ManagementPeer,
  { channelKey }: { readonly channelKey: Uint8Array },
): Verdict {
  return !('channelKey' in peer) || equalBytes(peer.channelKey, channelKey)
    ? undefined
    : refuse('key_mismatch', 'channelKey: expected the key of the channel that asks, got another');
}

/** A device orders with the key of its certificate only. */
export function checkSigningKey(peer: DevicePeer, signingKey: Uint8Array): Verdict {
  return equalBytes(peer.signingKey, signingKey)
    ? undefined
    : refuse('key_mismatch', 'signingKey: expected the one of the certificate, got another');
}

export const signatureInvalid = (): Refused =>
  refuse('signature_invalid', 'signature: expected one by signingKey of this document, got another');

// ---- Of the time

export function checkApplyBy(
  applyBy: bigint,
  now: bigint,
  limits: Pick<ManagementLimits, 'applyByAheadMaxNs'>,
): Verdict {
  if (applyBy <= now) {
    return refuse('expired', `applyBy: expected a time after ${isoTime(now)}, got ${isoTime(applyBy)}`);
  }
  const latest = now + limits.applyByAheadMaxNs;
  if (applyBy > latest) {
    return refuse(
      'applies_too_late',
      `applyBy: expected at most ${isoTime(latest)}, got ${isoTime(applyBy)}`,
    );
  }
  return undefined;
}

/** Also of an enrolment: how soon it may end. */
export function checkTimeToEnrol(
  applyBy: bigint,
  now: bigint,
  { enrolAheadMinNs }: ManagementLimits,
): Verdict {
  const earliest = now + enrolAheadMinNs;
  if (applyBy >= earliest) return undefined;
  return refuse(
    'applies_too_soon',
    `applyBy: expected ${isoTime(earliest)} or later, got ${isoTime(applyBy)}`,
  );
}

// ---- Of what is offered

export function checkCurrency(currency: number, { loads }: ManagementLimits): Verdict {
  if (loads.some((load) => load.currency === currency)) return undefined;
  const offered = loads.map((load) => load.currency).join(', ');
  return refuse('currency_not_offered', `currency: expected one of ${offered}, got ${currency}`);
}

export function checkAmount({ amount, currency }: LoadOrder, { loads }: ManagementLimits): Verdict {
  const limit = loads.find((load) => load.currency === currency);
  if (limit === undefined) return undefined;
  if (amount < limit.amountMin) {
    return refuse('amount_too_small', `amount: expected at least ${limit.amountMin}, got ${amount}`);
  }
  if (amount > limit.amountMax) {
    return refuse('amount_too_large', `amount: expected at most ${limit.amountMax}, got ${amount}`);
  }
  return undefined;
}

// ---- Of the directory

/** What settlement cannot open any more would be declined only after a long way. */
export function checkSealKey({ keyId }: SealedAccount, directory: CurrentDirectory, now: bigint): Verdict {
  if (directory.current().openingKey('sealing', keyId, now)?.role === 'settlement') return undefined;
  directory.missed();
  return refuse(
    'seal_key_unknown',
    'account: expected one sealed to a key of settlement that opens now, got another: fetch the directory, seal anew',
  );
}

// ---- Of the registry

/** Neither key is a device's, a shop's or a purse's, or about to be one's: nothing that is signed with one means two things. */
export function checkKeysFree(
  reads: StoreReads,
  { signingKey, channelKey }: Pick<Enrolment, 'signingKey' | 'channelKey'>,
): Verdict {
  const standing = findSigningKey(reads, signingKey)?.standing;
  if (standing === 'enrolling' || standing === 'enrolled') {
    return refuse('already_enrolled', 'signingKey: expected one that no device has, got one that is taken');
  }
  if (findChannelKey(reads, channelKey) !== undefined) {
    return refuse('already_enrolled', 'channelKey: expected one that no device has, got one that is taken');
  }
  const isShops =
    findShopSigningKey(reads, signingKey) !== undefined ||
    findShopChannelKey(reads, channelKey) !== undefined;
  if (isShops) {
    return refuse('already_enrolled', 'keys: expected ones that no shop has, got one that is taken');
  }
  const isPurses =
    findPurseKey(reads, signingKey) !== undefined || findPurseKey(reads, channelKey) !== undefined;
  return isPurses
    ? refuse('already_enrolled', 'keys: expected ones that no purse has, got one that is taken')
    : undefined;
}

/** The number of a key that comes back is counted already. */
export function checkRoom(
  reads: StoreReads,
  { signingKey }: Pick<Enrolment, 'signingKey'>,
  { devicesMax, enrollingMax }: ManagementLimits,
): Verdict {
  const { enrolled, enrolling, givenBack } = countDevices(reads);
  const isFull = enrolled + enrolling + givenBack >= BigInt(devicesMax);
  if (isFull && findSigningKey(reads, signingKey) === undefined) {
    return refuse('devices_exhausted', `devices: expected room for one more than ${devicesMax}, got none`);
  }
  if (enrolling >= BigInt(enrollingMax)) {
    return refuse('busy', `enrolments: expected fewer than ${enrollingMax} under way, got ${enrolling}`);
  }
  return undefined;
}

/** One more shop may wait for an operator. */
export function checkRoomForShop(
  reads: StoreReads,
  now: bigint,
  { shopsMax, shopsAwaitingMax, shopApplicationsPerHour }: ManagementLimits,
): Verdict {
  const { awaiting, approved, applications } = countShops(reads, now);
  if (approved >= BigInt(shopsMax)) {
    return refuse('shops_exhausted', `shops: expected room for one more than ${shopsMax}, got none`);
  }
  if (awaiting >= BigInt(shopsAwaitingMax)) {
    return refuse('busy', `shops: expected fewer than ${shopsAwaitingMax} that wait, got ${awaiting}`);
  }
  if (applications >= BigInt(shopApplicationsPerHour)) {
    return refuse('busy', `shops: expected fewer than ${shopApplicationsPerHour} to apply an hour, got more`);
  }
  return undefined;
}

export const deviceUnknown = (device: bigint): Refused =>
  refuse('device_unknown', `device: expected one of the registry, got ${device}`);

/** A device as it stands in the registry now. */
export function checkInUse(reads: StoreReads, device: bigint): Refused | DeviceRecord {
  const record = findDevice(reads, device);
  if (record === undefined) return deviceUnknown(device);
  return record.revoked === undefined
    ? record
    : refuse('device_revoked', `device ${device}: expected one in use, got one that was revoked`);
}

/** The same of a device that asks: its certificate must be of the keys that the registry has. */
export function checkDevice(reads: StoreReads, peer: DevicePeer): Refused | DeviceRecord {
  const record = checkInUse(reads, peer.device);
  if (record instanceof Refusal) return record;
  return equalBytes(record.signingKey, peer.signingKey) && equalBytes(record.channelKey, peer.channelKey)
    ? record
    : deviceUnknown(peer.device);
}

export function checkNotBlocked({ blocked }: DeviceRecord): Verdict {
  return (
    blocked && refuse('device_blocked', 'device: expected one in use, got one that an operator has blocked')
  );
}

/** The device of a channel key, whatever certificate it has. */
export function checkRegistered(reads: StoreReads, channelKey: Uint8Array): Refused | bigint {
  const device = findChannelKey(reads, channelKey);
  if (device === undefined) {
    return refuse('device_unknown', 'channelKey: expected one of the registry, got another');
  }
  const record = checkInUse(reads, device);
  return record instanceof Refusal ? record : device;
}

/** The device says which sealed number is charged: settlement charges no other. */
export function checkAccountNamed(
  { request, account }: LoadOrder,
  { request: bound }: AccountBinding,
): Verdict {
  if (account === bound) return undefined;
  if (bound === request) {
    return refuse('malformed', `order.account: expected ${request}, as the number is given, got ${account}`);
  }
  return refuse(
    'account_not_on_file',
    `account: expected that of request ${account} on file, got that of ${bound}: file it again`,
  );
}

export function checkOnFile(reads: StoreReads, device: bigint): Refused | AccountRecord {
  return (
    findAccount(reads, device) ??
    refuse('account_not_on_file', 'account: expected one given or one on file, got neither: file one first')
  );
}
