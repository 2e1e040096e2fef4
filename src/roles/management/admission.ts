// New requests against the rules of time, directory and registry, in the transaction that writes their first state: what
// two requests race for, one of them finds taken.
import type { Clock } from '../../identity/time.ts';
import type { StoreReads } from '../../store/store.ts';
import { Refusal } from '../common/refusal.ts';
import type { AccountFiling, Enrolment } from '../documents/enrolment.ts';
import {
  checkAmount,
  checkApplyBy,
  checkCurrency,
  checkDevice,
  checkKeysFree,
  checkOnFile,
  checkRoom,
  checkSealKey,
  type Refused,
} from './check.ts';
import { drawDeviceNumber, type RandomBytes } from './device-number.ts';
import type { EnrolState, FilingState, LoadState } from './flow.ts';
import type { CurrentDirectory } from './interface.ts';
import type { ManagementLimits } from './limits.ts';
import type { LoadRequest } from './messages.ts';
import type { DevicePeer } from './peers.ts';
import { isNumberTaken } from './registry.ts';

export interface AdmissionOptions {
  readonly clock: Clock;
  readonly limits: ManagementLimits;
  readonly directory: CurrentDirectory;
  readonly randomBytes: RandomBytes;
}

export function admitEnrolment(
  reads: StoreReads,
  { signingKey, channelKey, userData, account, applyBy }: Enrolment,
  { clock, limits, directory, randomBytes }: AdmissionOptions,
): EnrolState | Refused {
  const now = clock();
  const refused = checkApplyBy(applyBy, now, limits) ?? (account && checkSealKey(account, directory, now));
  if (refused !== undefined) return refused;
  const keys = checkKeysFree(reads, { signingKey, channelKey });
  if (keys instanceof Refusal) return keys;
  const full = checkRoom(reads, limits);
  if (full !== undefined) return full;
  return {
    kind: 'opening',
    // Cash may know the key by the number of its enrolment that expired.
    device: keys.givenBack?.device ?? drawDeviceNumber(randomBytes, (number) => isNumberTaken(reads, number)),
    signingKey,
    channelKey,
    userData,
    account,
    applyBy,
    currencies: limits.loads.map(({ currency }) => currency),
    opened: 0,
    distrusted: undefined,
  };
}

export function admitFiling(
  reads: StoreReads,
  peer: DevicePeer,
  { account, applyBy }: AccountFiling,
  { clock, limits, directory }: AdmissionOptions,
): FilingState | Refused {
  const now = clock();
  const device = checkDevice(reads, peer);
  if (device instanceof Refusal) return device;
  const refused = checkApplyBy(applyBy, now, limits) ?? checkSealKey(account, directory, now);
  return refused ?? { device: peer.device, account };
}

export function admitLoad(
  reads: StoreReads,
  peer: DevicePeer,
  { order, account: given }: LoadRequest,
  { clock, limits, directory }: AdmissionOptions,
): LoadState | Refused {
  const now = clock();
  const { document } = order;
  const device = checkDevice(reads, peer);
  if (device instanceof Refusal) return device;
  const refused =
    checkCurrency(document.currency, limits) ??
    checkAmount(document, limits) ??
    checkApplyBy(document.applyBy, now, limits);
  if (refused !== undefined) return refused;
  const charged =
    given === undefined
      ? checkOnFile(reads, peer.device)
      : { account: given, binding: { purpose: 'load', request: document.request } as const };
  if (charged instanceof Refusal) return charged;
  const { account, binding } = charged;
  return (
    checkSealKey(account, directory, now) ?? {
      kind: 'charging',
      device: peer.device,
      order,
      account,
      binding,
      distrusted: undefined,
    }
  );
}
