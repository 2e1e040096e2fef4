// New requests against the rules of time, directory and registry, in the transaction that writes their first state: what
// two requests race for, one of them finds taken.
import type { Clock } from '../../identity/time.ts';
import type { StoreReads, StoreTransaction } from '../../store/store.ts';
import { Refusal } from '../common/refusal.ts';
import type { SignedDeviceOrder } from '../documents/device-order.ts';
import type { AccountFiling, Enrolment } from '../documents/enrolment.ts';
import type { ShopEnrolment, SignedShopEnrolment } from '../documents/shop-enrolment.ts';
import {
  checkAccountNamed,
  checkAmount,
  checkApplyBy,
  checkCurrency,
  checkDevice,
  checkInUse,
  checkKeysFree,
  checkNotBlocked,
  checkOnFile,
  checkRoom,
  checkRoomForShop,
  checkSealKey,
  checkTimeToEnrol,
  deviceUnknown,
  type Refused,
  refuse,
} from './check.ts';
import { drawNumber, type RandomBytes } from './device-number.ts';
import type { DeviceOrderState } from './device-order-flow.ts';
import type { EnrolState, FilingState, LoadState } from './flow.ts';
import type { CurrentDirectory } from './interface.ts';
import type { ManagementLimits } from './limits.ts';
import type { LoadRequest } from './messages.ts';
import type { DevicePeer } from './peers.ts';
import { findDevice, findSigningKey, isNumberTaken } from './registry.ts';
import type { ShopFlowState } from './shop-flow.ts';
import { checkLoads, checkRequests, countRequest } from './usage.ts';

export interface AdmissionOptions {
  readonly clock: Clock;
  readonly limits: ManagementLimits;
  readonly directory: CurrentDirectory;
  readonly randomBytes: RandomBytes;
}

/**
 * Why an enrolment cannot be admitted. Anyone may ask for one, so it is refused before it comes to the runner, which
 * would remember it for ever; again in the transaction, for what races.
 */
export function checkEnrolment(
  reads: StoreReads,
  enrolment: Enrolment,
  { clock, limits, directory }: Omit<AdmissionOptions, 'randomBytes'>,
): Refused | undefined {
  const now = clock();
  const { applyBy, account } = enrolment;
  return (
    checkApplyBy(applyBy, now, limits) ??
    checkTimeToEnrol(applyBy, now, limits) ??
    (account && checkSealKey(account, directory, now)) ??
    checkKeysFree(reads, enrolment) ??
    checkRoom(reads, enrolment, limits)
  );
}

export function admitEnrolment(
  reads: StoreReads,
  enrolment: Enrolment,
  options: AdmissionOptions,
): EnrolState | Refused {
  const refused = checkEnrolment(reads, enrolment, options);
  if (refused !== undefined) return refused;
  const { signingKey, channelKey, userData, account, applyBy } = enrolment;
  // Cash may know the key by the number of its enrolment that expired.
  const device =
    findSigningKey(reads, signingKey)?.device ??
    drawNumber(options.randomBytes, (number) => isNumberTaken(reads, number));
  return {
    kind: 'opening',
    device,
    signingKey,
    channelKey,
    userData,
    account,
    applyBy,
    currencies: options.limits.loads.map(({ currency }) => currency),
    opened: 0,
    distrusted: undefined,
  };
}

export function admitFiling(
  tx: StoreTransaction,
  peer: DevicePeer,
  { account, applyBy }: AccountFiling,
  { clock, limits, directory }: AdmissionOptions,
): FilingState | Refused {
  const now = clock();
  const busy = checkRequests(tx, peer.device, now, limits);
  if (busy !== undefined) return busy;
  countRequest(tx, peer.device, now);
  const device = checkDevice(tx, peer);
  if (device instanceof Refusal) return device;
  const refused = checkApplyBy(applyBy, now, limits) ?? checkSealKey(account, directory, now);
  return refused ?? { device: peer.device, account };
}

/**
 * Why a load cannot be admitted that is new: by rules that leave nothing behind. They are asked before it comes to the
 * runner, which would remember the refusal for ever.
 */
export function checkNewLoad(
  reads: StoreReads,
  { device }: DevicePeer,
  { order: { document } }: LoadRequest,
  { clock, limits }: Pick<AdmissionOptions, 'clock' | 'limits'>,
): Refused | undefined {
  return (
    checkCurrency(document.currency, limits) ??
    checkAmount(document, limits) ??
    checkLoads(reads, device, clock(), limits)
  );
}

export function admitLoad(
  tx: StoreTransaction,
  peer: DevicePeer,
  { order, account: given }: LoadRequest,
  { clock, limits, directory }: AdmissionOptions,
): LoadState | Refused {
  const now = clock();
  const { document } = order;
  const busy = checkLoads(tx, peer.device, now, limits);
  if (busy !== undefined) return busy;
  countRequest(tx, peer.device, now);
  const device = checkDevice(tx, peer);
  if (device instanceof Refusal) return device;
  const refused = checkNotBlocked(device) ?? checkApplyBy(document.applyBy, now, limits);
  if (refused !== undefined) return refused;
  const charged =
    given === undefined
      ? checkOnFile(tx, peer.device)
      : { account: given, binding: { purpose: 'load', request: document.request } as const };
  if (charged instanceof Refusal) return charged;
  const unnamed = checkAccountNamed(document, charged.binding);
  if (unnamed !== undefined) return unnamed;
  const { account, binding } = charged;
  return (
    checkSealKey(account, directory, now) ?? {
      kind: 'charging',
      device: peer.device,
      order,
      account,
      binding,
      refused: undefined,
      distrusted: undefined,
    }
  );
}

/** As checkEnrolment, of a shop: an operator approves it later, so its time may lie far ahead. */
export function checkShopEnrolment(
  reads: StoreReads,
  enrolment: ShopEnrolment,
  { clock, limits, directory }: Omit<AdmissionOptions, 'randomBytes'>,
): Refused | undefined {
  const now = clock();
  const { applyBy, account } = enrolment;
  return (
    checkApplyBy(applyBy, now, { applyByAheadMaxNs: limits.shopApplyByAheadMaxNs }) ??
    checkTimeToEnrol(applyBy, now, limits) ??
    checkSealKey(account, directory, now) ??
    checkKeysFree(reads, enrolment) ??
    checkRoomForShop(reads, now, limits)
  );
}

export function admitShop(
  reads: StoreReads,
  enrolment: SignedShopEnrolment,
  options: AdmissionOptions,
): ShopFlowState | Refused {
  const refused = checkShopEnrolment(reads, enrolment.document, options);
  if (refused !== undefined) return refused;
  const shop = drawNumber(options.randomBytes, (number) => isNumberTaken(reads, number));
  return { kind: 'awaiting_approval', shop, enrolment };
}

/** An operator of the directory who is one now. */
export function checkOperator(
  name: string,
  { clock, directory }: Pick<AdmissionOptions, 'clock' | 'directory'>,
): { readonly signingKey: Uint8Array } | Refused {
  const now = clock();
  const operator = directory.current().operator(name);
  if (operator !== undefined && operator.notBefore <= now && now <= operator.notAfter) return operator;
  directory.missed();
  return refuse('operator_unknown', 'operator: expected one of the directory who is one now, got another');
}

export function admitDeviceOrder(
  reads: StoreReads,
  order: SignedDeviceOrder,
  options: AdmissionOptions,
): DeviceOrderState | Refused {
  const { operator, device, action, applyBy } = order.document;
  const known = checkOperator(operator, options);
  if (known instanceof Refusal) return known;
  const refused = checkApplyBy(applyBy, options.clock(), options.limits);
  if (refused !== undefined) return refused;
  if (findDevice(reads, device) === undefined) return deviceUnknown(device);
  if (action.kind === 'replace') {
    if (action.by === device) return refuse('order_refused', 'by: expected another device, got the same');
    const by = checkInUse(reads, action.by);
    if (by instanceof Refusal) return by;
  }
  return { kind: 'ordering', order, distrusted: undefined };
}
