// Five million random ids, two thirds of them in runs: none is lost, none is made up.
import { expect, test } from 'vitest';
import { planMerge } from '../../src/state/compaction.ts';
import { Index, scratch } from './harness.ts';

test('5 million random ids over runs and merges', async () => {
  const folder = scratch();
  const index = new Index(folder.path);
  try {
    const EACH = 400_000;
    const BATCHES = EACH / 8000;
    for (let part = 0; part < 12; part++) {
      index.kernel.exports.bench(1, EACH, BigInt(part * BATCHES + 1));
      if (part === 11) break;
      index.freeze((part + 1) * BATCHES);
      index.seal();
      const plan = planMerge(index.runs.manifest.runs);
      if (plan !== undefined) index.merge(plan);
    }
    const { exports } = index.kernel;
    exports.bench(1, 200_000, 12n * BigInt(BATCHES) + 1n);
    expect(index.runs.manifest.runs.length).toBe(4);
    expect(index.runs.manifest.runs.reduce((sum, run) => sum + run.entries, 0)).toBe(11 * EACH);
    // A prime step visits every part of the numbers 8,000 … 5,007,999.
    expect(exports.benchFind(10_000, 8000n, 491n)).toBe(10_000n);
    const before = index.kernel.pagesRead;
    expect(exports.benchFind(100_000, 6_000_000n, 163n)).toBe(0n);
    // Four filters let one in four thousand through each.
    expect(index.kernel.pagesRead - before).toBeLessThan(400);
  } finally {
    await index.close();
    folder.remove();
  }
}, 60_000);
