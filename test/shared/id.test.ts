import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { U128_MAX } from '../../src/shared/bytes.ts';
import { id, idGenerator, idMilliseconds } from '../../src/shared/id.ts';

const fill = (value: number) => (bytes: Uint8Array) => void bytes.fill(value);

describe('id', () => {
  test('48 bits of milliseconds above 80 random bits', () => {
    const next = idGenerator({ now: () => 0x0123_4567_89ab, random: fill(0xc7) });
    expect(next()).toBe(0x0123_4567_89ab_c7c7_c7c7_c7c7_c7c7_c7c7n);
  });

  test('counts on within a millisecond', () => {
    const next = idGenerator({ now: () => 7, random: fill(1) });
    const first = next();
    expect([next(), next(), next()]).toEqual([first + 1n, first + 2n, first + 3n]);
  });

  test('draws anew with each millisecond, not within one', () => {
    let drawn = 0;
    let now = 1;
    const next = idGenerator({ now: () => now, random: () => void drawn++ });
    for (now = 1; now < 5; now += 0.25) next();
    expect(drawn).toBe(4);
  });

  test('borrows the next millisecond when all tails are used up', () => {
    const next = idGenerator({ now: () => 9, random: fill(0xff) });
    expect(next()).toBe((10n << 80n) - 1n);
    expect(next()).toBe(10n << 80n);
    expect(next()).toBe((10n << 80n) + 1n);
  });

  test.prop([
    fc.array(fc.integer({ min: -20, max: 20 }), { minLength: 1, maxLength: 200 }),
    fc.infiniteStream(fc.nat(255)),
  ])('ascends strictly whatever the clock does, and keeps to the latest time seen', (steps, octets) => {
    let now = 1_000;
    let latest = 0;
    let last = 0n;
    const next = idGenerator({
      now: () => now,
      random: (bytes) => void bytes.set([...octets.take(bytes.length)]),
    });
    for (const step of steps) {
      now += step;
      latest = Math.max(latest, now);
      const made = next();
      expect(made > last).toBe(true);
      expect(idMilliseconds(made) - latest).toBeOneOf([0, 1]);
      last = made;
    }
  });

  test.each([-1, 2 ** 48, Number.NaN])('refuses the clock %d', (now) => {
    expect(() => idGenerator({ now: () => now })()).toThrow(
      `expected milliseconds from 0 to 2^48-1, got ${now}`,
    );
  });

  test('the process-wide generator is of today, in range and without repeats', () => {
    const before = Date.now();
    const ids = Array.from({ length: 10_000 }, id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(idMilliseconds(ids[0]!)).toBeGreaterThanOrEqual(before);
    expect(idMilliseconds(ids.at(-1)!)).toBeLessThanOrEqual(Date.now() + 1);
    expect(ids.every((value) => value > 0n && value < U128_MAX)).toBe(true);
  });
});
