// What can be asked of tests with random scenarios, by the environment.
//
//     SPECIE_SEED=… npx vitest run FILE   plays the same scenarios again, and makes one that fails smaller
//     SPECIE_RUNS=… npx vitest run FILE   plays more of them, or fewer

function integer(name: 'SPECIE_SEED' | 'SPECIE_RUNS'): number | undefined {
  const given = process.env[name];
  if (given === undefined || given === '') return undefined;
  const number = Number(given);
  if (!Number.isInteger(number)) throw new Error(`${name}: expected an integer, got ${given}`);
  return number;
}

const seedGiven = integer('SPECIE_SEED');
const runsGiven = integer('SPECIE_RUNS');
const seed = seedGiven ?? Date.now() & 0x7fff_ffff;

/** Whether a scenario that fails is to be made smaller, which may take long. */
export const isSeedGiven = seedGiven !== undefined;

/**
 * What a test may take, if it says nothing else: no test is about time, and on a machine that is busy otherwise each may take
 * five times as long. Who asks for seed or runs waits for them.
 */
export const TEST_TIMEOUT_MS = isSeedGiven || runsGiven !== undefined ? 3_600_000 : 120_000;

/** The seed of this file's random scenarios: SPECIE_SEED, or another one each time. */
export function seedOf(): number {
  return seed;
}

/** Scenarios to play: SPECIE_RUNS, or `usual`, which fits a run of all tests. */
export function runsOf(usual: number): number {
  if (runsGiven === undefined) return usual;
  if (runsGiven < 1) throw new Error(`SPECIE_RUNS: expected a positive integer, got ${runsGiven}`);
  return runsGiven;
}
