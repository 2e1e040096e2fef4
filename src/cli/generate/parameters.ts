// What a sample day is made of. docs/sample-day.md explains each value and where it comes from.
import { type Amount, amountOf, parseAmount } from '../../shared/amount.ts';
import { Currencies, type Currency } from '../../shared/currency.ts';

export interface DayParameters {
  /** 0 to 2^64 - 1. The same seed and parameters give the same files, byte for byte. */
  readonly seed: bigint;
  /** Midnight (UTC) of the day, milliseconds since 1970. */
  readonly dayStartMs: number;
  readonly currency: Currency;
  readonly transfers: number;
  readonly devices: number;
  readonly shops: number;
  /** Exponent of Zipf's law over shops and over devices; 0 makes all alike. */
  readonly shopSkew: number;
  readonly deviceSkew: number;
  /** Log-normal price of a purchase: its median, and the deviation of its logarithm. */
  readonly medianPrice: Amount;
  readonly priceSigma: number;
  /** No purchase costs less or more; draws beyond are drawn again. */
  readonly priceMin: Amount;
  readonly priceMax: Amount;
  /** Most that a device may hold. */
  readonly deviceLimit: Amount;
  /** Loads come in multiples of this. */
  readonly loadUnit: Amount;
  /** Deposit on a returnable cup, paid in one chain with the purchase. */
  readonly deposit: Amount;
  /** Shares of new purchases. */
  readonly twoPhaseShare: number;
  readonly depositShare: number;
  readonly refundShare: number;
  /** Share of purchases beyond the balance that are tried without loading first. */
  readonly overspendShare: number;
  /** Shares of all transfers. A top-up is a load without a purchase at hand; the limit refuses some. */
  readonly topUpShare: number;
  readonly unknownShare: number;
  readonly retryShare: number;
  readonly changedRetryShare: number;
  readonly failedRetryShare: number;
  readonly blockShare: number;
  /** Time after which an open authorisation lapses, seconds. */
  readonly pendingTimeoutSeconds: number;
}

export const TRANSFERS_DEFAULT = 200_000;
export const DEVICES_DEFAULT = 20_000;
export const SHOPS_DEFAULT = 500;
export const SEED_DEFAULT = 1n;
const TRANSFERS_MAX = 1_000_000_000;
/** Devices and shops are held in memory, about 100 bytes each. */
const ACCOUNTS_MAX = 20_000_000;

/** @throws RangeError */
export function dayParameters(given: Partial<DayParameters> = {}): DayParameters {
  const currency = given.currency ?? new Currencies().parse('EUR');
  // In euro; currencies without minor units get the same number of whole units times a hundred.
  const price = (text: string): Amount => {
    const whole = { ...currency, exponent: 2 };
    const minor = parseAmount(text, whole);
    return currency.exponent <= 2 ? minor : amountOf(minor * 10n ** BigInt(currency.exponent - 2));
  };
  const parameters: DayParameters = {
    seed: SEED_DEFAULT,
    dayStartMs: Date.UTC(2026, 2, 2),
    transfers: TRANSFERS_DEFAULT,
    devices: DEVICES_DEFAULT,
    shops: SHOPS_DEFAULT,
    shopSkew: 1,
    deviceSkew: 0.6,
    medianPrice: price('8.50'),
    priceSigma: 0.9,
    priceMin: price('0.20'),
    priceMax: price('100'),
    deviceLimit: price('150'),
    loadUnit: price('10'),
    deposit: price('0.25'),
    twoPhaseShare: 0.08,
    depositShare: 0.02,
    refundShare: 0.006,
    overspendShare: 0.02,
    topUpShare: 0.01,
    unknownShare: 0.0008,
    retryShare: 0.001,
    changedRetryShare: 0.0002,
    failedRetryShare: 0.0005,
    blockShare: 0.0002,
    pendingTimeoutSeconds: 7 * 24 * 3600,
    ...given,
    currency,
  };
  integerIn(parameters.transfers, 1, TRANSFERS_MAX, 'transfers');
  integerIn(parameters.devices, 1, ACCOUNTS_MAX, 'devices');
  integerIn(parameters.shops, 1, ACCOUNTS_MAX, 'shops');
  integerIn(parameters.pendingTimeoutSeconds, 1, 0xffff_ffff, 'pending timeout');
  if (!Number.isSafeInteger(parameters.dayStartMs) || parameters.dayStartMs < 0) {
    throw new RangeError(`date: expected one from 1970 on, got ${parameters.dayStartMs} ms`);
  }
  between(parameters.shopSkew, 0, 5, 'shop skew');
  between(parameters.deviceSkew, 0, 5, 'device skew');
  between(parameters.priceSigma, 0, 3, 'price sigma');
  for (const [name, value] of Object.entries(parameters)) {
    if (name.endsWith('Share')) between(value, 0, 1, name);
  }
  const { priceMin, medianPrice, priceMax, deviceLimit, loadUnit } = parameters;
  if (!(priceMin > 0n && priceMin <= medianPrice && medianPrice <= priceMax && priceMax <= deviceLimit)) {
    throw new RangeError(
      'prices: expected 0 < least price <= median price <= highest price <= device limit, got ' +
        `${priceMin}, ${medianPrice}, ${priceMax}, ${deviceLimit}`,
    );
  }
  if (loadUnit === 0n || loadUnit > deviceLimit) {
    throw new RangeError(`load unit: expected 1 to the device limit ${deviceLimit}, got ${loadUnit}`);
  }
  return parameters;
}

function integerIn(value: number, min: number, max: number, what: string): void {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(`${what}: expected a whole number from ${min} to ${max}, got ${value}`);
  }
}

function between(value: number, min: number, max: number, what: string): void {
  if (!(value >= min && value <= max)) {
    throw new RangeError(`${what}: expected a number from ${min} to ${max}, got ${value}`);
  }
}
