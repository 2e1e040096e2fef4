// The rules, one function each. Those that depend on the message alone come first; those that depend on the time, the
// directory or the registry are asked only of requests that are new, so that a request that was admitted once is answered
// for ever.
import { equalBytes } from '../../identity/binary-text.ts';
import { isoTime } from '../../identity/time.ts';
import type { StoreReads } from '../../store/store.ts';
import type { Peer } from '../../wire/peer.ts';
import { Refusal } from '../common/refusal.ts';
import type { SealedAccount } from '../documents/account-seal.ts';
import type { Enrolment } from '../documents/enrolment.ts';
import type { LoadOrder } from '../documents/load-order.ts';
import type { ManagementRefusal } from './errors.ts';
import type { CurrentDirectory } from './interface.ts';
import type { ManagementLimits } from './limits.ts';
import {
  type AccountRecord,
  countDevices,
  type DeviceRecord,
  findAccount,
  findChannelKey,
  findDevice,
  findSigningKey,
  type SigningKeyRecord,
} from './registry.ts';

export type DevicePeer = Peer & { readonly kind: 'device' };

type Verdict = Refusal<ManagementRefusal> | undefined;

const refuse = (code: ConstructorParameters<typeof Refusal<ManagementRefusal>>[0], message: string) =>
  new Refusal<ManagementRefusal>(code, message);

// ---- Of the message alone

/** 0 names nothing: it stands for 'no request' in reports. */
export function checkRequestId(request: bigint): Verdict {
  return request === 0n ? refuse('malformed', 'request: expected an id from 1, got 0') : undefined;
}

/**
 * Who enrols must hold the channel key that is to be certified: else a certificate could carry a key that is another's.
 * A device that has its certificate may ask again.
 */
export function checkEnrolPeer(peer: Peer, { channelKey }: Enrolment): Verdict {
  if (peer.kind === 'unenrolled' || peer.kind === 'device') {
    return equalBytes(peer.channelKey, channelKey)
      ? undefined
      : refuse('key_mismatch', 'channelKey: expected the key of the channel that asks, got another');
  }
  return peer.kind === 'local'
    ? undefined
    : refuse('not_permitted', `enrol: expected a device, got a ${peer.kind}`);
}

/** A device orders with the key of its certificate only. */
export function checkSigningKey(peer: DevicePeer, signingKey: Uint8Array): Verdict {
  return equalBytes(peer.signingKey, signingKey)
    ? undefined
    : refuse('key_mismatch', 'signingKey: expected the one of the certificate, got another');
}

export const signatureInvalid = (): Refusal<ManagementRefusal> =>
  refuse('signature_invalid', 'signature: expected one by signingKey of this document, got another');

// ---- Of the time

export function checkApplyBy(applyBy: bigint, now: bigint, limits: ManagementLimits): Verdict {
  if (applyBy <= now) {
    return refuse('expired', `applyBy: expected a time after ${isoTime(now)}, got ${describeTime(applyBy)}`);
  }
  const latest = now + limits.applyByAheadMaxNs;
  if (applyBy > latest) {
    return refuse(
      'applies_too_late',
      `applyBy: expected at most ${isoTime(latest)}, got ${describeTime(applyBy)}`,
    );
  }
  return undefined;
}

/** Times of strangers may lie beyond what ISO 8601 can say. */
const describeTime = (time: bigint): string => `${time} ns`;

// ---- Of what is offered

export function checkOffer({ amount, currency }: LoadOrder, { loads }: ManagementLimits): Verdict {
  const limit = loads.find((load) => load.currency === currency);
  if (limit === undefined) {
    const offered = loads.map((load) => load.currency).join(', ');
    return refuse('currency_not_offered', `currency: expected one of ${offered}, got ${currency}`);
  }
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
  return directory().openingKey('sealing', keyId, now)?.role === 'settlement'
    ? undefined
    : refuse(
        'seal_key_unknown',
        'account: expected one sealed to a key of settlement that opens now, got another: fetch the directory, seal anew',
      );
}

// ---- Of the registry

/** Both keys of an enrolment are free. The record is that of an expired enrolment of the signing key, if there is one. */
export function checkKeysFree(
  reads: StoreReads,
  { signingKey, channelKey }: Pick<Enrolment, 'signingKey' | 'channelKey'>,
): Refusal<ManagementRefusal> | { readonly givenBack: SigningKeyRecord | undefined } {
  const known = findSigningKey(reads, signingKey);
  if (known !== undefined && known.standing !== 'given_back') {
    return refuse('already_enrolled', 'signingKey: expected one that no device has, got one that is taken');
  }
  if (findChannelKey(reads, channelKey) !== undefined) {
    return refuse('already_enrolled', 'channelKey: expected one that no device has, got one that is taken');
  }
  return { givenBack: known };
}

export function checkRoom(reads: StoreReads, { devicesMax }: ManagementLimits): Verdict {
  return countDevices(reads) >= BigInt(devicesMax)
    ? refuse('devices_exhausted', `devices: expected room for one more than ${devicesMax}, got none`)
    : undefined;
}

/** The device of a certificate, as it stands in the registry now. */
export function checkDevice(reads: StoreReads, peer: DevicePeer): Refusal<ManagementRefusal> | DeviceRecord {
  const record = findDevice(reads, peer.device);
  if (
    record === undefined ||
    !equalBytes(record.signingKey, peer.signingKey) ||
    !equalBytes(record.channelKey, peer.channelKey)
  ) {
    return refuse('device_unknown', `device ${peer.device}: expected one of the registry with these keys, got none`);
  }
  if (record.revoked !== undefined) {
    return refuse('device_revoked', `device ${peer.device}: expected one in use, got one that was revoked`);
  }
  return record;
}

export function checkOnFile(reads: StoreReads, device: bigint): Refusal<ManagementRefusal> | AccountRecord {
  return (
    findAccount(reads, device) ??
    refuse('account_not_on_file', 'account: expected one given or one on file, got neither: file one first')
  );
}
