import { expect, test } from 'vitest';
import { checkManagementLimits, type ManagementLimits } from '../../../src/roles/management/limits.ts';
import { EUR, LIMITS, USD } from './support.ts';

test('limits that can be are taken as they are', () => {
  expect(checkManagementLimits(LIMITS)).toBe(LIMITS);
});

const load = { currency: EUR, amountMin: 1n, amountMax: 10n };
const many = Array.from({ length: 17 }, (_, i) => ({ ...load, currency: i + 1 }));
test.each<[string, Partial<ManagementLimits>]>([
  ['loads: expected 1 to 16 currencies, got 0', { loads: [] }],
  ['loads: expected 1 to 16 currencies, got 17', { loads: many }],
  [`loads: expected each currency once, got ${EUR} twice`, { loads: [load, load] }],
  ['loads.currency: expected an integer from 0', { loads: [{ ...load, currency: -1 }] }],
  [
    `loads of ${USD}: expected 1 <= amountMin <= amountMax, got 0 and 10`,
    { loads: [{ ...load, currency: USD, amountMin: 0n }] },
  ],
  ['expected 1 <= amountMin <= amountMax, got 11 and 10', { loads: [{ ...load, amountMin: 11n }] }],
  ['loads.amountMax: expected a bigint from 0 to 2^128-1', { loads: [{ ...load, amountMax: 2n ** 128n }] }],
  ['devicesMax: expected an integer from 0', { devicesMax: 1.5 }],
  ['applyByAheadMaxNs: expected a bigint', { applyByAheadMaxNs: -1n }],
  ['clockSkewNs: expected a bigint', { clockSkewNs: 2n ** 64n }],
  [
    'certificateRenewalNs: expected 0 up to less than 5, got 5',
    { certificateValidityNs: 5n, certificateRenewalNs: 5n },
  ],
])('%s', (message, change) => {
  expect(() => checkManagementLimits({ ...LIMITS, ...change })).toThrow(message);
});
