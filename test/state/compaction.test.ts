import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MERGE_FAN_OUT, planMerge, RUN_ENTRIES_MAX } from '../../src/state/compaction.ts';
import type { RunInfo } from '../../src/state/manifest.ts';

const run = (id: number, entries: number, minId: bigint, maxId: bigint): RunInfo => ({
  id,
  entries,
  pages: Math.ceil(entries / 2728),
  minId,
  maxId,
  coveredOp: id,
});

/** The most runs that one id is covered by: what a search costs. */
const depth = (runs: readonly RunInfo[]): number =>
  Math.max(0, ...runs.map(({ minId }) => runs.filter((r) => r.minId <= minId && minId <= r.maxId).length));

/** Seals run after run and merges until there is nothing to merge. */
function simulate(total: number, each: number, range: (i: number) => [bigint, bigint]) {
  let runs: RunInfo[] = [];
  let nextId = 1;
  let written = 0;
  let deepest = 0;
  for (let i = 0; i * each < total; i++) {
    runs = [...runs, run(nextId++, each, ...range(i))];
    written += each;
    for (let plan = planMerge(runs); plan !== undefined; plan = planMerge(runs)) {
      const inputs = runs.filter(({ id }) => plan.includes(id));
      const entries = inputs.reduce((sum, input) => sum + input.entries, 0);
      const minId = inputs.reduce(
        (least, input) => (input.minId < least ? input.minId : least),
        inputs[0]!.minId,
      );
      const maxId = inputs.reduce(
        (most, input) => (input.maxId > most ? input.maxId : most),
        inputs[0]!.maxId,
      );
      runs = [...runs.filter(({ id }) => !plan.includes(id)), run(nextId++, entries, minId, maxId)];
      written += entries;
    }
    deepest = Math.max(deepest, depth(runs));
  }
  return { runs, deepest, writtenTimes: written / total };
}

const everything: [bigint, bigint] = [1n, (1n << 128n) - 2n];

describe('planMerge', () => {
  test('nothing to do without runs, with one, with seven of a size', () => {
    expect(planMerge([])).toBeUndefined();
    const seven = Array.from({ length: 7 }, (_, i) => run(i + 1, 2_000_000, ...everything));
    expect(planMerge(seven.slice(0, 1))).toBeUndefined();
    expect(planMerge(seven)).toBeUndefined();
    expect(planMerge([...seven, run(8, 2_000_000, ...everything)])).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test('runs of other sizes do not count', () => {
    const seven = Array.from({ length: 7 }, (_, i) => run(i + 1, 2_000_000, ...everything));
    expect(planMerge([...seven, run(8, 16_000_000, ...everything)])).toBeUndefined();
  });

  test('a chain in which each run only meets the next one is left alone', () => {
    const chain = Array.from({ length: 40 }, (_, i) =>
      run(i + 1, 2_000_000, BigInt(i * 10), BigInt(i * 10 + 12)),
    );
    expect(planMerge(chain)).toBeUndefined();
  });

  test('runs too large to become one stay apart', () => {
    const large = Array.from({ length: 8 }, (_, i) => run(i + 1, 200_000_000, ...everything));
    expect(planMerge(large)).toBeUndefined();
  });
});

describe('100 million ids', () => {
  test('random: at most 20 runs at any time, each id written at most three times', () => {
    const { runs, deepest, writtenTimes } = simulate(100_000_000, 2_000_000, () => everything);
    expect(runs.reduce((sum, { entries }) => sum + entries, 0)).toBe(100_000_000);
    expect(deepest).toBeLessThanOrEqual(20);
    expect(writtenTimes).toBeLessThanOrEqual(3);
  });

  test('random, with a run at each checkpoint too: still at most 20', () => {
    expect(simulate(100_000_000, 1_250_000, () => everything).deepest).toBeLessThanOrEqual(20);
  });

  test('time-ordered: never merged, one run an id', () => {
    const { runs, deepest, writtenTimes } = simulate(100_000_000, 2_000_000, (i) => [
      BigInt(i) << 64n,
      (BigInt(i) << 64n) + 99n,
    ]);
    expect(runs.length).toBe(50);
    expect(deepest).toBe(1);
    expect(writtenTimes).toBe(1);
  });

  test('time-ordered, two billion: the list of runs stays short', () => {
    const { runs, writtenTimes } = simulate(2_000_000_000, 2_000_000, (i) => [
      BigInt(i) << 64n,
      (BigInt(i) << 64n) + 99n,
    ]);
    expect(runs.length).toBeLessThanOrEqual(200);
    expect(writtenTimes).toBeLessThanOrEqual(3);
  });
});

test('any plan names 2 to 8 known runs that fit one, and planning comes to an end', () => {
  const anyRun = fc.record({
    entries: fc.oneof(fc.integer({ min: 1, max: 3_000_000 }), fc.integer({ min: 1, max: RUN_ENTRIES_MAX })),
    from: fc.bigInt({ min: 1n, max: 1000n }),
    length: fc.bigInt({ min: 0n, max: 1000n }),
  });
  fc.assert(
    fc.property(fc.array(anyRun, { maxLength: 90 }), (parts) => {
      let runs = parts.map(({ entries, from, length }, i) => run(i + 1, entries, from, from + length));
      let nextId = runs.length + 1;
      for (let merges = 0; ; merges++) {
        const plan = planMerge(runs);
        if (plan === undefined) break;
        expect(merges).toBeLessThan(parts.length);
        expect(plan.length).toBeGreaterThanOrEqual(2);
        expect(plan.length).toBeLessThanOrEqual(MERGE_FAN_OUT);
        expect(new Set(plan).size).toBe(plan.length);
        const inputs = runs.filter(({ id }) => plan.includes(id));
        expect(inputs.length).toBe(plan.length);
        const entries = inputs.reduce((sum, input) => sum + input.entries, 0);
        expect(entries).toBeLessThanOrEqual(RUN_ENTRIES_MAX);
        runs = [...runs.filter(({ id }) => !plan.includes(id)), run(nextId++, entries, 1n, 2000n)];
      }
    }),
    { numRuns: 200 },
  );
});
