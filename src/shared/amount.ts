// Money: a whole number of minor units of one currency, 0 to 2^128 - 1, as the ledger stores it. The brand keeps plain
// bigints (ids, timestamps) and numbers out.
import { U128_MAX } from './bytes.ts';
import type { Currency } from './currency.ts';

declare const brand: unique symbol;
/** Minor units, 0 to 2^128 - 1. */
export type Amount = bigint & { readonly [brand]: 'Amount' };

export class AmountError extends RangeError {
  override name = 'AmountError';
}

export const ZERO = 0n as Amount;
export const AMOUNT_MAX = U128_MAX as Amount;

/** A bigint of minor units as an Amount. @throws AmountError beyond 0 to 2^128 - 1. */
export function amountOf(minorUnits: bigint): Amount {
  if (typeof minorUnits !== 'bigint' || minorUnits < 0n || minorUnits > U128_MAX) {
    throw new AmountError(
      `amount: expected a bigint from 0 to 2^128-1 minor units, got ${typeof minorUnits} ${minorUnits}`,
    );
  }
  return minorUnits as Amount;
}

/** @throws AmountError when the sum does not fit 128 bits. */
export function addAmounts(left: Amount, right: Amount): Amount {
  const sum = left + right;
  if (sum > U128_MAX) throw new AmountError(`amount: expected a sum up to 2^128-1, got ${left} + ${right}`);
  return sum as Amount;
}

/** @throws AmountError when `right` is the larger. */
export function subtractAmounts(left: Amount, right: Amount): Amount {
  if (right > left) throw new AmountError(`amount: expected at most ${left} to subtract, got ${right}`);
  return (left - right) as Amount;
}

/**
 * Reads a decimal of the currency's major unit: `12.34`, `12`, `0.05`. Digits and one point only: no sign, no grouping,
 * no exponent, so that a value can be read in one way only.
 * @throws AmountError for anything else, for more decimal places than the currency has, and beyond 2^128 - 1.
 */
export function parseAmount(text: string, currency: Currency): Amount {
  const match = /^(\d{1,40})(?:\.(\d{1,40}))?$/.exec(text.trim());
  if (!match) {
    throw new AmountError(`amount: expected a decimal such as ${example(currency)}, got "${text}"`);
  }
  const fraction = match[2] ?? '';
  if (fraction.length > currency.exponent) {
    throw new AmountError(
      `amount: expected at most ${currency.exponent} decimal places in ${currency.code}, got ${fraction.length} in "${text}"`,
    );
  }
  const value = BigInt(match[1] + fraction.padEnd(currency.exponent, '0'));
  if (value > U128_MAX) throw new AmountError(`amount: expected at most 2^128-1 minor units, got "${text}"`);
  return value as Amount;
}

/** Reads a whole number of minor units. @throws AmountError */
export function parseMinorUnits(text: string): Amount {
  const trimmed = text.trim();
  if (!/^\d{1,40}$/.test(trimmed)) {
    throw new AmountError(`amount: expected a whole number of minor units, got "${text}"`);
  }
  return amountOf(BigInt(trimmed));
}

/** `12.34`; always all decimal places of the currency, so that columns line up and the text parses back. */
export function formatAmount(amount: Amount, currency: Currency): string {
  return formatSigned(amountOf(amount), currency);
}

/** A balance may be negative where a sum of Amounts may not. */
export function formatSigned(minorUnits: bigint, { exponent }: Currency): string {
  const sign = minorUnits < 0n ? '-' : '';
  const digits = (minorUnits < 0n ? -minorUnits : minorUnits).toString().padStart(exponent + 1, '0');
  if (exponent === 0) return sign + digits;
  return `${sign}${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}

function example({ exponent }: Currency): string {
  return exponent === 0 ? '12' : `12.${'34'.padEnd(exponent, '0').slice(0, exponent)}`;
}
