// What happens to a device once it is enrolled: its certificate is renewed, or worth nothing any more.

import { DeviceCertificate } from '../../identity/device-certificate.ts';
import type { Clock } from '../../identity/time.ts';
import type { RoleStore, StoreTransaction } from '../../store/store.ts';
import { Refusal } from '../common/refusal.ts';
import type { Put } from '../flow/flow.ts';
import type { IssueCertificate } from './certificates.ts';
import { checkInUse, type Refused } from './check.ts';
import type { CurrentDirectory, ManagementLog } from './interface.ts';
import type { ManagementLimits } from './limits.ts';
import { type DeviceRecord, findDevice, putDevice } from './registry.ts';

export interface DevicesOptions {
  readonly store: RoleStore;
  readonly clock: Clock;
  readonly limits: ManagementLimits;
  readonly directory: CurrentDirectory;
  readonly issueCertificate: IssueCertificate;
  readonly log: ManagementLog;
}

/** Whether a device's certificates are worth nothing: it was revoked, or is not of this registry. */
export function isRevoked(store: RoleStore, device: bigint): boolean {
  const record = findDevice(store, device);
  return record === undefined || record.revoked !== undefined;
}

/**
 * The newest certificate; a new one for the same keys when that one nears its end, or when its issuer's key no longer
 * counts: after the theft of management's keys every device is certified anew.
 */
export async function certificateOf(
  device: bigint,
  { store, clock, limits, directory, issueCertificate, log }: DevicesOptions,
): Promise<Uint8Array | Refused> {
  const isDue = ({ notAfter, certificate }: DeviceRecord): boolean => {
    const now = clock();
    if (notAfter - now <= limits.certificateRenewalNs) return true;
    const { issuer } = DeviceCertificate.signed.decode(certificate).document;
    return directory.current().verificationKey('management', issuer, now) === undefined;
  };
  const seen = checkInUse(store, device);
  if (seen instanceof Refusal) return seen;
  if (!isDue(seen)) return seen.certificate;
  const renewed = await store.transaction((tx) => {
    // It may have been revoked or renewed since it was seen.
    const record = checkInUse(tx, device);
    if (record instanceof Refusal || !isDue(record)) return record;
    const serial = record.serial + 1n;
    const after = { ...record, ...issueCertificate({ ...record, device, serial }, clock()), serial };
    write(tx, putDevice(device, after));
    return after;
  });
  if (renewed instanceof Refusal) return renewed;
  log.info({ device: String(device), serial: String(renewed.serial) }, 'certificate renewed');
  return renewed.certificate;
}

export function write(tx: StoreTransaction, { table, key, value }: Put): void {
  if (value === undefined) tx.remove(table, key);
  else tx.put(table, key, value);
}
