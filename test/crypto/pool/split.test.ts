import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Splitter } from '../../../src/crypto/pool/split.ts';
import { MIRROR, type MirrorItem } from './mirror.ts';

/** Items of that many nanoseconds and bytes; see MIRROR. */
function parts(
  items: readonly { bytes: number; nanoseconds: number }[],
  threads: number,
  bytesMax = 1 << 20,
): { first: number; count: number; bodyBytes: number; nanoseconds: number }[] {
  const operation = {
    ...MIRROR,
    itemBytes: ({ behaviour }: MirrorItem) => items[behaviour!]!.bytes,
    itemNanoseconds: ({ behaviour }: MirrorItem) => items[behaviour!]!.nanoseconds,
    sharedBytes: () => 100,
  };
  const numbered = items.map((_, behaviour) => ({ bytes: new Uint8Array(), behaviour }));
  const splitter = new Splitter(operation, '', numbered, { threads, bytesMax });
  const result = [];
  while (splitter.hasMore) {
    const part = splitter.take();
    const nanoseconds = part.items.reduce((sum, item) => sum + operation.itemNanoseconds(item), 0);
    expect(part.items).toEqual(numbered.slice(part.first, part.first + part.items.length));
    result.push({ first: part.first, count: part.items.length, bodyBytes: part.bodyBytes, nanoseconds });
  }
  return result;
}

const alike = (count: number, nanoseconds: number, bytes = 10): { bytes: number; nanoseconds: number }[] =>
  Array.from({ length: count }, () => ({ bytes, nanoseconds }));
const counts = (...args: Parameters<typeof parts>): number[] => parts(...args).map(({ count }) => count);

describe('splitting', () => {
  test('not what is not worth it', () => {
    expect(counts(alike(1, 50_000_000), 4)).toEqual([1]);
    expect(counts(alike(10, 10_000), 4)).toEqual([10]);
    expect(counts(alike(59, 10_000), 4)).toEqual([59]);
  });

  test('over as many threads as it is worth', () => {
    expect(counts(alike(60, 10_000), 4)).toEqual([30, 30]);
    expect(counts(alike(100, 10_000), 4)).toEqual([34, 33, 33]);
    expect(counts(alike(1_000, 10_000), 4)).toEqual([250, 250, 250, 250]);
    expect(counts(alike(3, 1_000_000), 2)).toEqual([2, 1]);
  });

  test('long batches into equal parts for each thread', () => {
    expect(counts(alike(10_000, 10_000), 2)).toEqual(Array(6).fill(1_667).fill(1_666, 4));
  });

  test('by what items cost, not by how many there are', () => {
    const items = [...alike(10, 1_000_000), ...alike(1_000, 10_000)];
    expect(counts(items, 2)).toEqual([10, 1_000]);
  });

  test('every item once, in order, and no part of several above the bound', () => {
    const item = fc.record({ bytes: fc.nat(2_000), nanoseconds: fc.nat(3_000_000) });
    fc.assert(
      fc.property(
        fc.array(item, { minLength: 1, maxLength: 100 }),
        fc.integer({ min: 1, max: 9 }),
        (items, threads) => {
          let next = 0;
          for (const { first, count, bodyBytes } of parts(items, threads, 3_000)) {
            expect(first).toBe(next);
            expect(count).toBeGreaterThan(0);
            expect(bodyBytes).toBe(
              items.slice(first, first + count).reduce((sum, { bytes }) => sum + bytes, 100),
            );
            if (count > 1) expect(bodyBytes).toBeLessThanOrEqual(3_000);
            next += count;
          }
          expect(next).toBe(items.length);
        },
      ),
    );
  });
});
