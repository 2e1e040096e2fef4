// The kernel against the model: whatever is asked, both answer the same and remember the same.
import fc from 'fast-check';
import { test } from 'vitest';
import { kernelTarget } from '../kernel/kernel-target.ts';
import { scenario } from './arbitraries.ts';
import { play } from './player.ts';
import { runsOf } from './seed.ts';

test('the kernel and the model agree on random scenarios', async () => {
  await fc.assert(
    fc.asyncProperty(scenario, async (steps) => {
      await play(steps, async () => kernelTarget());
    }),
    { numRuns: runsOf(300) },
  );
});
