// The texts in which ids, flags, ledgers, limits and times are given on the command line and in files.
import { AMOUNT_MAX, type Amount, AmountError, parseAmount, parseMinorUnits } from '../../shared/amount.ts';
import { U128_MAX } from '../../shared/bytes.ts';
import { type Currencies, type Currency, CurrencyError } from '../../shared/currency.ts';

export class FieldError extends Error {
  override name = 'FieldError';
}

const DECIMAL = /^\d{1,39}$/;
const HEX = /^0[xX][0-9a-fA-F]{1,32}$/;
const UUID = /^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$/;

/** 128 bits: decimal (`42`), hexadecimal (`0x2a`) or a UUID, whose first digit is the number's highest. */
export function parseId(text: string): bigint {
  let value: bigint | undefined;
  if (HEX.test(text) || DECIMAL.test(text)) value = BigInt(text);
  else if (UUID.test(text)) value = BigInt(`0x${text.replaceAll('-', '')}`);
  if (value === undefined || value > U128_MAX) {
    throw new FieldError(`expected a number up to 2^128-1, 0x and hex digits, or a UUID, got "${text}"`);
  }
  return value;
}

/** `0x` and 32 hex digits, so that ids sort as text and columns line up. */
export function formatId(id: bigint): string {
  return `0x${id.toString(16).padStart(32, '0')}`;
}

export function parseInteger(text: string, max: number): number {
  const value = /^\d{1,16}$/.test(text) || /^0[xX][0-9a-fA-F]{1,8}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= max)) throw new FieldError(`expected a whole number from 0 to ${max}, got "${text}"`);
  return value;
}

export function parseInteger64(text: string): bigint {
  const value = DECIMAL.test(text) || HEX.test(text) ? BigInt(text) : -1n;
  if (value < 0n || value > 0xffff_ffff_ffff_ffffn) {
    throw new FieldError(`expected a whole number from 0 to 2^64-1, got "${text}"`);
  }
  return value;
}

/** Names or numbers joined by `|` (spaces allowed). */
export function parseFlags(text: string, names: Readonly<Record<string, number>>): number {
  let flags = 0;
  for (const part of text.split('|')) {
    const name = part.trim();
    if (name === '') continue;
    if (/^\d/.test(name)) {
      flags |= parseInteger(name, 0xffff);
      continue;
    }
    const bit = Object.hasOwn(names, name) ? names[name]! : names[snakeCase(name)];
    if (bit === undefined || typeof bit !== 'number') {
      throw new FieldError(`expected flags of ${Object.keys(names).join(', ')}, got "${name}"`);
    }
    flags |= bit;
  }
  return flags;
}

export function formatFlags(flags: number, names: ReadonlyMap<number, string>): string {
  const known = [...names].filter(([bit]) => (flags & bit) !== 0);
  const rest = known.reduce((left, [bit]) => left & ~bit, flags);
  return [...known.map(([, name]) => name), ...(rest === 0 ? [] : [`0x${rest.toString(16)}`])].join('|');
}

/** How an amount without a currency is meant. */
export type AmountUnit = 'minor' | 'decimal';

/**
 * Reads an amount: `1234` (minor units), `12.34` (where the unit is `decimal`), `12.34 EUR` or `EUR 12.34` (always a
 * decimal of that currency), `max` (2^128-1: all there is, for post and balancing transfers).
 * A bare decimal in minor units is refused and not guessed: `12` and `12.50` in one column would differ by a hundred.
 * @param ledger the record's, 0 where it has none
 * @returns the amount and the currency that its text named
 */
export function parseMoney(
  text: string,
  ledger: number,
  unit: AmountUnit,
  currencies: Currencies,
): { amount: Amount; currency?: Currency } {
  try {
    const trimmed = text.trim();
    if (trimmed === 'max') return { amount: AMOUNT_MAX };
    const named = /^(?:([A-Za-z][A-Za-z0-9]{2,7}) +([\d.]+)|([\d.]+) +([A-Za-z][A-Za-z0-9]{2,7}))$/.exec(
      trimmed,
    );
    if (named) {
      const currency = currencies.parse((named[1] ?? named[4])!);
      if (ledger !== 0 && ledger !== currency.ledger) {
        throw new FieldError(`expected an amount in the record's ledger ${ledger}, got "${text}"`);
      }
      return { amount: parseAmount((named[2] ?? named[3])!, currency), currency };
    }
    if (unit === 'decimal') {
      if (ledger === 0) {
        throw new FieldError(
          `expected a ledger beside the decimal amount, or its currency in it, got "${text}"`,
        );
      }
      return { amount: parseAmount(trimmed, currencies.ofLedger(ledger)) };
    }
    if (/^\d+\.\d+$/.test(trimmed)) {
      throw new FieldError(
        `expected whole minor units, got "${text}": add the currency ("${text} EUR") or read all amounts as decimals`,
      );
    }
    return { amount: parseMinorUnits(trimmed) };
  } catch (error) {
    if (error instanceof AmountError || error instanceof CurrencyError) throw new FieldError(error.message);
    throw error;
  }
}

/** An ISO code or a number; 0 stays 0 (post and void transfers take the pending transfer's). */
export function parseLedger(text: string, currencies: Currencies): number {
  if (/^0+$/.test(text)) return 0;
  try {
    return currencies.parse(text).ledger;
  } catch (error) {
    if (error instanceof CurrencyError) throw new FieldError(error.message);
    throw error;
  }
}

/** Nanoseconds since the Unix epoch: a number of them, or ISO 8601 with a zone and up to nine decimals of a second. */
export function parseTimestamp(text: string): bigint {
  if (/^\d{1,19}$/.test(text)) return parseInteger64(text);
  const match = /^(\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2})?)?)(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})?$/.exec(
    text,
  );
  const [, base, decimals, zone] = match ?? [];
  const dateOnly = base?.length === 10;
  if (base && (dateOnly ? decimals === undefined && zone === undefined : zone !== undefined)) {
    const milliseconds = Date.parse(dateOnly ? `${base}T00:00:00Z` : base + zone);
    if (!Number.isNaN(milliseconds) && milliseconds >= 0) {
      return BigInt(milliseconds) * 1_000_000n + BigInt((decimals ?? '').padEnd(9, '0'));
    }
  }
  throw new FieldError(
    `expected nanoseconds since 1970, a date (2026-03-02) or a time (2026-03-02T12:00:00Z), got "${text}"`,
  );
}

/** ISO 8601 in UTC with nanoseconds. */
export function formatTimestamp(nanoseconds: bigint): string {
  const seconds = new Date(Number(nanoseconds / 1_000_000n)).toISOString().slice(0, 19);
  return `${seconds}.${(nanoseconds % 1_000_000_000n).toString().padStart(9, '0')}Z`;
}

export function snakeCase(name: string): string {
  return name
    .replace(/([a-z])([A-Z0-9])/g, '$1_$2')
    .replace(/([0-9])([A-Z])/g, '$1_$2')
    .toLowerCase();
}
