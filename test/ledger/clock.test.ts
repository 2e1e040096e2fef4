import { expect, test } from 'vitest';
import { nextTimestamp, systemClock } from '../../src/ledger/clock.ts';

test('the first record of a batch is later than everything before it, whatever the clock does', () => {
  expect(nextTimestamp(1000n, 10n, 5)).toBe(1000n);
  expect(nextTimestamp(12n, 10n, 5)).toBe(15n);
  expect(nextTimestamp(0n, 10n, 8190)).toBe(8200n);
  expect(nextTimestamp(0n, 10n, 0)).toBe(11n);
});

test('the system clock tells nanoseconds since 1970', () => {
  const before = BigInt(Date.now() - 1) * 1_000_000n;
  const now = systemClock()();
  const after = BigInt(Date.now() + 1) * 1_000_000n;
  expect(now >= before && now <= after + 1_000_000_000n).toBe(true);
});
