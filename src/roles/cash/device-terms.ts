// What operators have ordered about a device.
//
//     device-terms    device number ─▶ blocked, revoked, replaced by, limits
//
// The ledger's order terms (src/layout, OrderTerms) are made of it: this is the whole, and they are always set as a whole.
import { bool, type Infer, list, struct, u32, u128 } from '../../shared/codec.ts';
import type { StoreReads } from '../../store/store.ts';
import type { Put } from '../flow/flow.ts';
import { CURRENCIES_MAX } from './holders.ts';

const TABLE = 'device-terms';

const DeviceTerms = struct({
  isBlocked: bool,
  /** As a block, but for good. */
  isRevoked: bool,
  /** 0: the device is not replaced. */
  replacedBy: u128,
  /** Minor units; 0: no limit. A currency that is not here has none. */
  limits: list(struct({ currency: u32, paymentMax: u128, dayMax: u128 }), CURRENCIES_MAX),
});
export type DeviceTerms = Infer<typeof DeviceTerms>;

const NO_TERMS: DeviceTerms = { isBlocked: false, isRevoked: false, replacedBy: 0n, limits: [] };

/** @throws StoreError store_corrupt */
export function deviceTerms(reads: StoreReads, device: bigint): DeviceTerms {
  const stored = reads.get(TABLE, device);
  return stored === undefined ? NO_TERMS : DeviceTerms.decode(stored);
}

/** Whether an operator has ever ordered anything about the device. */
export function hasDeviceTerms(reads: StoreReads, device: bigint): boolean {
  return reads.get(TABLE, device) !== undefined;
}

export function putDeviceTerms(device: bigint, terms: DeviceTerms): Put {
  return { table: TABLE, key: device, value: DeviceTerms.encode(terms) };
}

/**
 * The device that stands for this one today: itself, or the last of those that have replaced it one after the other. There
 * is an end, as a device is replaced only by one that was not replaced.
 */
export function successorOf(reads: StoreReads, device: bigint): bigint {
  let last = device;
  for (;;) {
    const { replacedBy } = deviceTerms(reads, last);
    if (replacedBy === 0n) return last;
    last = replacedBy;
  }
}
