import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import {
  AMOUNT_MAX,
  addAmounts,
  amountOf,
  formatAmount,
  formatSigned,
  parseAmount,
  parseMinorUnits,
  subtractAmounts,
} from '../../src/shared/amount.ts';
import { Currencies, parseOperatorCurrency } from '../../src/shared/currency.ts';

const currencies = new Currencies([{ ledger: 1001, code: 'GRAIN', exponent: 18 }]);
const EUR = currencies.parse('EUR');
const anyCurrency = fc.constantFrom(...currencies);
const u128 = fc.bigInt({ min: 0n, max: AMOUNT_MAX });

describe('amounts', () => {
  test.prop([u128, anyCurrency])('what is written is read back', (minor, currency) => {
    const text = formatAmount(amountOf(minor), currency);
    expect(parseAmount(text, currency)).toBe(minor);
    expect(text.split('.')[1]?.length ?? 0).toBe(currency.exponent);
  });

  test.each([
    ['12.34', 'EUR', 1234n],
    ['12', 'EUR', 1200n],
    ['12.3', 'EUR', 1230n],
    ['0.05', 'EUR', 5n],
    ['007.00', 'EUR', 700n],
    ['12', 'JPY', 12n],
    ['1.234', 'KWD', 1234n],
    ['0.0001', 'CLF', 1n],
    ['0.000000000000000001', 'GRAIN', 1n],
    ['340282366920938463463374607431768211455', 'JPY', AMOUNT_MAX],
  ])('%s %s is %s minor units', (text, code, minor) => {
    expect(parseAmount(text, currencies.parse(code))).toBe(minor);
  });

  test.each([
    ['12.345', 'EUR', 'expected at most 2 decimal places in EUR, got 3'],
    ['12.0', 'JPY', 'expected at most 0 decimal places in JPY, got 1'],
    ['340282366920938463463374607431768211456', 'JPY', 'expected at most 2^128-1'],
    ['3402823669209384634633746074317682114.56', 'EUR', 'expected at most 2^128-1'],
    ['-1', 'EUR', 'expected a decimal such as 12.34'],
    ['1,50', 'EUR', 'expected a decimal such as 12.34'],
    ['1 000', 'JPY', 'expected a decimal such as 12,'],
    ['1e3', 'EUR', 'expected a decimal'],
    ['.5', 'EUR', 'expected a decimal'],
    ['5.', 'EUR', 'expected a decimal'],
    ['', 'EUR', 'expected a decimal'],
    ['NaN', 'EUR', 'expected a decimal'],
    ['٣', 'EUR', 'expected a decimal'],
  ])('%j in %s is refused', (text, code, message) => {
    expect(() => parseAmount(text, currencies.parse(code))).toThrow(message);
  });

  test('sums and differences keep their bounds', () => {
    expect(addAmounts(amountOf(1n), amountOf(2n))).toBe(3n);
    expect(subtractAmounts(amountOf(2n), amountOf(2n))).toBe(0n);
    expect(() => addAmounts(AMOUNT_MAX, amountOf(1n))).toThrow('expected a sum up to 2^128-1');
    expect(() => subtractAmounts(amountOf(1n), amountOf(2n))).toThrow(
      'expected at most 1 to subtract, got 2',
    );
    expect(() => amountOf(-1n)).toThrow('got bigint -1');
    expect(() => amountOf(1 as unknown as bigint)).toThrow('got number 1');
    expect(() => parseMinorUnits('1.0')).toThrow('whole number of minor units');
    expect(() => parseMinorUnits(String(AMOUNT_MAX + 1n))).toThrow('2^128-1');
    expect(formatSigned(-5n, EUR)).toBe('-0.05');
  });
});

describe('currencies', () => {
  test('the table holds every active code once', () => {
    const all = [...new Currencies()];
    // 178 of ISO 4217 list one and two withdrawn ones.
    expect(all.length).toBe(180);
    expect(new Set(all.map((c) => c.code)).size).toBe(all.length);
    expect(all.every((c) => /^[A-Z]{3}$/.test(c.code) && c.ledger > 0 && c.ledger < 1000)).toBe(true);
  });

  test('the runtime knows each currency by name', () => {
    const names = new Intl.DisplayNames('en', { type: 'currency', fallback: 'none' });
    // Younger than the runtime's data, or not a currency of a country.
    const unknown = new Set(['XAD', 'XCG', 'ZWG']);
    const missing = [...new Currencies()].filter(
      (c) => !unknown.has(c.code) && names.of(c.code) === undefined,
    );
    expect(missing).toEqual([]);
  });

  test('numbers, codes and definitions are read', () => {
    expect(currencies.parse('eur')).toEqual({ ledger: 978, code: 'EUR', exponent: 2 });
    expect(currencies.parse('978').code).toBe('EUR');
    expect(currencies.parse('036').code).toBe('AUD');
    expect(currencies.parse('1001').code).toBe('GRAIN');
    expect(currencies.parse('5000')).toEqual({ ledger: 5000, code: '5000', exponent: 2 });
    expect(parseOperatorCurrency('1000=tok:0')).toEqual({ ledger: 1000, code: 'TOK', exponent: 0 });
    expect(parseOperatorCurrency('1000')).toEqual({ ledger: 1000, code: '1000', exponent: 2 });
    expect(parseOperatorCurrency('1000:3')).toEqual({ ledger: 1000, code: '1000', exponent: 3 });
  });

  test.each(['XYZ', '', '0', '1', '999999999999', '-978', 'EURO'])('%j is no currency', (text) => {
    expect(() => currencies.parse(text)).toThrow(/expected/);
  });

  test.each(['999=TOK', '1000=EUR', '978', '1000=T', '1000=TOK:31', 'TOK', '4294967296'])(
    'an operator currency %j is refused',
    (text) => {
      expect(() => new Currencies([parseOperatorCurrency(text)])).toThrow(/expected/);
    },
  );
});
