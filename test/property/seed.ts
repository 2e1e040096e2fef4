import fc from 'fast-check';

/** The seed of this run's random scenarios: SPECIE_SEED, or `fallback`, or another one each time. */
export function seedOf(fallback?: number): number {
  const given = process.env.SPECIE_SEED;
  if (given === undefined || given === '') return fallback ?? Date.now() & 0x7fff_ffff;
  const seed = Number(given);
  if (!Number.isInteger(seed)) throw new Error(`SPECIE_SEED: expected an integer, got ${given}`);
  return seed;
}

/** Scenarios to play: SPECIE_RUNS, or `usual`, which fits a run of all tests. */
export function runsOf(usual: number): number {
  const given = process.env.SPECIE_RUNS;
  if (given === undefined || given === '') return usual;
  const runs = Number(given);
  if (!Number.isInteger(runs) || runs < 1)
    throw new Error(`SPECIE_RUNS: expected a positive integer, got ${given}`);
  return runs;
}

/**
 * Checks `property` and names the seed, so that a failure can be had again: SPECIE_SEED=… npx vitest run test/property.
 * With a given seed a failure is also made smaller, which can take an hour; otherwise the first one is reported at once.
 */
export async function check<Arguments>(
  property: fc.IAsyncPropertyWithHooks<Arguments> | fc.IPropertyWithHooks<Arguments>,
  parameters: fc.Parameters<Arguments> & { seed: number },
): Promise<void> {
  console.log(`SPECIE_SEED=${parameters.seed}`);
  const endOnFailure = process.env.SPECIE_SEED === undefined;
  await fc.assert(property as fc.IAsyncPropertyWithHooks<Arguments>, { endOnFailure, ...parameters });
}
