// What an operator orders about a device, signed with the operator's own key: management and cash both check it, so that
// management alone can neither block nor move anything.
import { type Infer, nothing, struct, text, u32, u64, u128, union } from '../../shared/codec.ts';
import { documentKind } from './signed.ts';

/** Currencies of a device: accounts that are opened for it, one after the other, before it is enrolled. */
export const DEVICE_CURRENCIES_MAX = 16;

const DeviceOrderCodec = struct({
  /** Names it, for ever. */
  request: u128,
  /** Of the operator in the directory. */
  operator: text(64),
  device: u128,
  action: union({
    /** No payment of the device from then on, until it is unblocked. */
    block: nothing,
    unblock: nothing,
    /** The device is lost: its sequence is closed for good, and its balance moves to another device. */
    replace: struct({ by: u128 }),
    /** Most that one payment, and that all payments of a UTC day, may be. Minor units; 0: no limit. */
    limits: struct({ currency: u32, paymentMax: u128, dayMax: u128 }),
    /** No order of the device from then on, for good; its balance stays until it is replaced. Never too late: `applyBy` is of its admission alone. */
    revoke: nothing,
  }),
  reason: text(128),
  /** Nanoseconds: from then on nothing is done. */
  applyBy: u64,
});
export type DeviceOrder = Infer<typeof DeviceOrderCodec>;
export const DeviceOrder = documentKind('deviceOrder', DeviceOrderCodec);
export type SignedDeviceOrder = Infer<typeof DeviceOrder.signed>;
