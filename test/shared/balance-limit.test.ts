import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { amountOf } from '../../src/shared/amount.ts';
import {
  BALANCE_LIMIT_MANTISSA_MAX,
  BALANCE_LIMIT_MAX,
  decodeBalanceLimit,
  encodeBalanceLimit,
} from '../../src/shared/balance-limit.ts';

const mantissas = fc.oneof(
  fc.constantFrom(0n, 1n, 9n, 10n, BALANCE_LIMIT_MANTISSA_MAX - 1n, BALANCE_LIMIT_MANTISSA_MAX),
  fc.bigInt({ min: 0n, max: BALANCE_LIMIT_MANTISSA_MAX }),
);

describe('balance limits', () => {
  test.prop([mantissas, fc.integer({ min: 0, max: 30 })])('an exact limit survives', (mantissa, exponent) => {
    const limit = amountOf(mantissa * 10n ** BigInt(exponent));
    const encoded = encodeBalanceLimit(limit);
    expect(decodeBalanceLimit(encoded)).toBe(limit);
    expect(encodeBalanceLimit(decodeBalanceLimit(encoded))).toBe(encoded);
  });

  test.each([
    [0n, 0],
    [15_000n, 15_000],
    [BALANCE_LIMIT_MANTISSA_MAX, 0x7ff_ffff],
    [1_342_177_270n, 0x0fff_ffff],
    [BALANCE_LIMIT_MAX, 0xf7ff_ffff],
  ])('%d is stored as %d', (limit, encoded) => {
    expect(encodeBalanceLimit(amountOf(limit))).toBe(encoded);
  });

  test.each([
    [134_217_728n, '134217727 or 134217730'],
    [134_217_735n, '134217730 or 134217740'],
    [1_342_177_271n, '1342177270 or 1342177300'],
    [BALANCE_LIMIT_MAX - 1n, `${(BALANCE_LIMIT_MANTISSA_MAX - 1n) * 10n ** 30n} or ${BALANCE_LIMIT_MAX}`],
    [BALANCE_LIMIT_MAX + 1n, `${BALANCE_LIMIT_MAX} (the largest)`],
    [(1n << 128n) - 1n, `${BALANCE_LIMIT_MAX} (the largest)`],
  ])('%d is refused and its neighbours named', (limit, neighbours) => {
    expect(() => encodeBalanceLimit(amountOf(limit))).toThrow(neighbours);
  });

  test.prop([fc.bigInt({ min: 134_217_728n, max: BALANCE_LIMIT_MAX })])(
    'the neighbours that an error names are exact and nearest',
    (limit) => {
      let message: string;
      try {
        encodeBalanceLimit(amountOf(limit));
        return;
      } catch (error) {
        message = (error as Error).message;
      }
      const [below, above] = /such as (\d+) or (\d+)/
        .exec(message)!
        .slice(1)
        .map((text) => amountOf(BigInt(text)));
      expect(below! < limit && limit < above!).toBe(true);
      expect(decodeBalanceLimit(encodeBalanceLimit(below!))).toBe(below);
      expect(decodeBalanceLimit(encodeBalanceLimit(above!))).toBe(above);
      // No limit between them is exact: try every exponent's steps next to the limit.
      for (let exponent = 0n; exponent <= 30n; exponent++) {
        const unit = 10n ** exponent;
        for (const mantissa of [limit / unit, limit / unit + 1n, BALANCE_LIMIT_MANTISSA_MAX]) {
          const exact = mantissa * unit;
          if (mantissa <= BALANCE_LIMIT_MANTISSA_MAX) expect(exact <= below! || exact >= above!).toBe(true);
        }
      }
    },
  );

  test('exponent 31 is reserved', () => {
    expect(() => decodeBalanceLimit(0xf800_0001)).toThrow('expected an exponent from 0 to 30, got 31');
    expect(() => decodeBalanceLimit(-1)).toThrow('expected an integer');
  });
});
