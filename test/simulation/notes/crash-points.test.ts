// Both jobs at once, and one death at each point of gateway, issuer, receiver, cash and both terminals: whatever was being
// written is on the disk or is not. By default a few points that are drawn; SPECIE_SLOW_TESTS=1: all of them.
import { randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { exchangeDay } from './exchange-day.ts';

const isSlow = process.env.SPECIE_SLOW_TESTS === '1';
const DRAWN = 5;
const TIMEOUT_MS = isSlow ? 3_600_000 : 120_000;

for (const isFetched of [true, false]) {
  const what = isFetched ? 'fetched' : 'gone back';
  test(
    `one exchange each way, ${what}: somebody dies at a point of it`,
    async () => {
      const calm = await exchangeDay(isFetched, () => 'lives');
      expect(calm).toMatchObject({ problems: [], crashes: 0 });
      // The first brought the till its notes, and the last gives them back.
      const end = isFetched ? 'delivered' : 'returned';
      expect([...calm.states].sort()).toEqual(['delivered', 'delivered', end, end].sort());
      for (const process of ['gateway', 'issuer', 'receiver', 'cash', 'till', 'visitor'])
        expect(calm.points.some((point) => point.startsWith(`${process}: `))).toBe(true);
      const places = isSlow
        ? calm.points.keys()
        : Array.from({ length: DRAWN }, () => randomInt(calm.points.length));
      for (const place of places) {
        for (const loss of isSlow ? (['lost', 'flushed'] as const) : (['lost'] as const)) {
          const { problems, crashes } = await exchangeDay(isFetched, (at) => (at === place ? loss : 'lives'));
          expect({ problems, crashes }, `point ${place}, ${calm.points[place]}, ${loss}`).toEqual({
            problems: [],
            crashes: 1,
          });
        }
      }
    },
    TIMEOUT_MS,
  );
}
