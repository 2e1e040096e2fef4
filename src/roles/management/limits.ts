// All bounds of the role, each with its reason and with what happens beyond it.
import { checkU64, checkU128, checkUint } from '../../shared/bytes.ts';
import { DEVICE_CURRENCIES_MAX } from '../documents/device-order.ts';

/**
 * Longest frame that comes in: anyone who begins a long one holds so much memory, on thousands of connections. It is enough
 * for a hundred purchases, and for the longest message of a device sixteen times. Beyond: the connection is closed.
 */
export const FRAME_BYTES_MAX = 64 * 1024;

export interface LoadLimit {
  /** `ledger` number. */
  readonly currency: number;
  /** Minor units of one load, both inclusive. Beyond: amount_too_small, amount_too_large. */
  readonly amountMin: bigint;
  readonly amountMax: bigint;
}

export interface ManagementLimits {
  /** The currencies that devices hold, and what one load may be; a new device gets an account in each. */
  readonly loads: readonly LoadLimit[];
  /**
   * Numbers given out: those of devices, of enrolments under way, and of enrolments that have expired, until their key
   * enrols again. Anyone may enrol, so this bounds what strangers can fill, here and at cash. Beyond: devices_exhausted.
   */
  readonly devicesMax: number;
  /** Enrolments under way: while cash does not answer, strangers must not take the room of loads. Beyond: busy. */
  readonly enrollingMax: number;
  /**
   * Loads of one device under way: a wallet has one, or a few after an outage; all that are under way share the queue to
   * the institution. Beyond: busy, as with the next two, and nothing is stored.
   */
  readonly deviceLoadsOpenMax: number;
  /** New loads and filings of one device: each is kept for ever, also a refusal. */
  readonly deviceRequestsPerMinute: number;
  /** Declined loads of one device: whoever mistypes needs a few, whoever tries out stolen numbers thousands. */
  readonly deviceDeclinesPerDay: number;
  /** Purses that one device opens in a day (UTC): each is kept for ever. A wallet opens one a week and currency. Beyond: busy. */
  readonly devicePursesPerDay: number;
  /**
   * Reports of one device in a minute: of transfers, one a message and as many messages as fit a frame, of frauds and
   * closings, and questions for the block list. Each costs a seal or a signature. Beyond: busy.
   */
  readonly deviceReportsPerMinute: number;
  /** Shops that an operator has approved, closed ones too: each has an account at cash for ever. Beyond: shops_exhausted. */
  readonly shopsMax: number;
  /** Shops that wait for an operator: anyone may apply. Beyond: busy. */
  readonly shopsAwaitingMax: number;
  /** Applications, of all shops together: a record of each is kept, also when it comes to nothing. Beyond: busy. */
  readonly shopApplicationsPerHour: number;
  /** How far ahead the `applyBy` of a shop may lie, nanoseconds: operators take days. Beyond: applies_too_late. */
  readonly shopApplyByAheadMaxNs: bigint;
  /**
   * How far ahead an `applyBy` may lie, nanoseconds: until then whoever has an order may have it charged, also when its
   * owner was told no. Wallets say ten minutes.
   * Beyond: applies_too_late.
   */
  readonly applyByAheadMaxNs: bigint;
  /**
   * How far ahead the `applyBy` of an enrolment must lie, nanoseconds: one that expires while cash opens the account
   * leaves it to nobody. Beyond: applies_too_soon.
   */
  readonly enrolAheadMinNs: bigint;
  /** How long a certificate is valid, nanoseconds. */
  readonly certificateValidityNs: bigint;
  /** A certificate is renewed when at most this much of it is left, nanoseconds; until then it is given again. */
  readonly certificateRenewalNs: bigint;
  /** How much the clocks of devices and servers may differ: certificates begin so much earlier, nanoseconds. */
  readonly clockSkewNs: bigint;
}

const SECOND_NS = 1_000_000_000n;
const MINUTE_NS = 60n * SECOND_NS;
const DAY_NS = 24n * 60n * MINUTE_NS;

export const MANAGEMENT_LIMITS: Omit<ManagementLimits, 'loads'> = {
  devicesMax: 1_000_000,
  enrollingMax: 10_000,
  deviceLoadsOpenMax: 8,
  deviceRequestsPerMinute: 60,
  deviceDeclinesPerDay: 20,
  devicePursesPerDay: 16,
  deviceReportsPerMinute: 1_000,
  shopsMax: 10_000,
  shopsAwaitingMax: 1_000,
  shopApplicationsPerHour: 1_000,
  shopApplyByAheadMaxNs: 90n * DAY_NS,
  applyByAheadMaxNs: 60n * MINUTE_NS,
  enrolAheadMinNs: 30n * SECOND_NS,
  certificateValidityNs: 365n * DAY_NS,
  certificateRenewalNs: 60n * DAY_NS,
  clockSkewNs: 5n * MINUTE_NS,
};

/** @throws RangeError naming the field, what was expected and what came */
export function checkManagementLimits(limits: ManagementLimits): ManagementLimits {
  const { loads, devicesMax, enrollingMax, certificateValidityNs, certificateRenewalNs } = limits;
  if (loads.length < 1 || loads.length > DEVICE_CURRENCIES_MAX) {
    throw new RangeError(`loads: expected 1 to ${DEVICE_CURRENCIES_MAX} currencies, got ${loads.length}`);
  }
  const seen = new Set<number>();
  for (const { currency, amountMin, amountMax } of loads) {
    checkUint(currency, 0xffff_ffff, 'loads.currency');
    if (seen.has(currency)) throw new RangeError(`loads: expected each currency once, got ${currency} twice`);
    seen.add(currency);
    checkU128(amountMin, 'loads.amountMin');
    checkU128(amountMax, 'loads.amountMax');
    if (amountMin < 1n || amountMin > amountMax) {
      throw new RangeError(
        `loads of ${currency}: expected 1 <= amountMin <= amountMax, got ${amountMin} and ${amountMax}`,
      );
    }
  }
  checkUint(devicesMax, Number.MAX_SAFE_INTEGER, 'devicesMax');
  checkUint(enrollingMax, Number.MAX_SAFE_INTEGER, 'enrollingMax');
  for (const name of ['shopsMax', 'shopsAwaitingMax', 'shopApplicationsPerHour'] as const) {
    checkUint(limits[name], Number.MAX_SAFE_INTEGER, name);
  }
  for (const name of [
    'deviceLoadsOpenMax',
    'deviceRequestsPerMinute',
    'deviceDeclinesPerDay',
    'devicePursesPerDay',
    'deviceReportsPerMinute',
  ] as const) {
    checkUint(limits[name], 0xffff_ffff, name);
  }
  checkU64(limits.applyByAheadMaxNs, 'applyByAheadMaxNs');
  checkU64(limits.enrolAheadMinNs, 'enrolAheadMinNs');
  checkU64(limits.shopApplyByAheadMaxNs, 'shopApplyByAheadMaxNs');
  if (limits.enrolAheadMinNs > limits.applyByAheadMaxNs) {
    throw new RangeError(
      `enrolAheadMinNs: expected at most ${limits.applyByAheadMaxNs}, got ${limits.enrolAheadMinNs}`,
    );
  }
  checkU64(limits.clockSkewNs, 'clockSkewNs');
  checkU64(certificateValidityNs, 'certificateValidityNs');
  if (certificateRenewalNs < 0n || certificateRenewalNs >= certificateValidityNs) {
    throw new RangeError(
      `certificateRenewalNs: expected 0 up to less than ${certificateValidityNs}, got ${certificateRenewalNs}`,
    );
  }
  return limits;
}
