// The journalled engine against the model, closed and opened again, and crashed and recovered, between the steps.
import fc from 'fast-check';
import { test } from 'vitest';
import type { LedgerOptions } from '../../src/ledger/index.ts';
import { type LedgerTarget, ledgerTarget } from '../conformance/ledger-target.ts';
import type { ConformanceTarget } from '../conformance/target.ts';
import { type Scenario, scenario } from './arbitraries.ts';
import { play } from './player.ts';
import { runsOf } from './seed.ts';

type End = 'none' | 'closed' | 'crashed';

/** Plays `steps` on a new store; after step i the engine ends as `ends[i]` says, and another one goes on. */
async function playWithEnds(
  steps: Scenario,
  ends: readonly End[],
  options: Partial<LedgerOptions>,
): Promise<void> {
  await play(steps, () => ledgerTarget(options), {
    afterStep: async (subject: ConformanceTarget, index) => {
      const end = ends[index] ?? 'none';
      return end === 'none' ? subject : (subject as LedgerTarget).reopen(end);
    },
  });
}

function ends(...kinds: End[]): fc.Arbitrary<End[]> {
  return fc.array(
    fc.oneof(
      { weight: 7, arbitrary: fc.constant<End>('none') },
      { weight: 1, arbitrary: fc.constantFrom(...kinds) },
    ),
    { minLength: 24, maxLength: 24 },
  );
}

test('the engine and the model agree, through crashes and clean ends', async () => {
  await fc.assert(
    fc.asyncProperty(scenario, ends('closed', 'crashed'), (steps, after) => playWithEnds(steps, after, {})),
    { numRuns: runsOf(8) },
  );
});

test('the engine and the model agree while ids are sealed into runs and checkpoints are taken', async () => {
  const maintenance = { sealEntries: 8, checkpointBytesMin: 2048, checkpointRatio: 0 };
  await fc.assert(
    fc.asyncProperty(scenario, ends('closed'), (steps, after) => playWithEnds(steps, after, { maintenance })),
    { numRuns: runsOf(8) },
  );
});
