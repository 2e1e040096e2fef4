// One seed replays wallets that pay each other without a server, and what management and cash make of it. The first seed is drawn
// and printed. SPECIE_SEED=… replays one and prints its events; SPECIE_SLOW_TESTS=1 runs 1,000.
import { randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { simulatePurses } from './purse-simulation.ts';

const { SPECIE_SEED, SPECIE_SLOW_TESTS } = process.env;
const BUDGET_MS = 6_000;
/** Also on a machine that is busy. */
const SEEDS_MIN = 4;
const SEEDS_SLOW = 1_000;
const TIMEOUT_MS = SPECIE_SLOW_TESTS === '1' ? 1_800_000 : 120_000;

async function expectSound(seed: bigint, print?: (line: string) => void): Promise<string> {
  const { problems, digest } = await simulatePurses(seed, print);
  expect(problems, `SPECIE_SEED=${seed}`).toEqual([]);
  return digest;
}

test.runIf(SPECIE_SEED !== undefined)('the seed that was asked for', async () => {
  await expectSound(BigInt(SPECIE_SEED!), (line) => process.stdout.write(`${line}\n`));
});

test('the same seed gives the same digest of everything', async () => {
  const [first, second] = [await simulatePurses(2n), await simulatePurses(2n)];
  expect(second.digest).toBe(first.digest);
  expect((await simulatePurses(7n)).digest).not.toBe(first.digest);
});

test(
  'whatever happens between wallets: all money is somewhere once, whoever cheats is found, and nobody else is accused',
  async () => {
    const isSlow = SPECIE_SLOW_TESTS === '1';
    const first = randomInt(2 ** 40);
    process.stdout.write(`purses: SPECIE_SEED=${first} and the next ones\n`);
    const started = performance.now();
    const isTime = (seeds: number): boolean =>
      isSlow ? seeds < SEEDS_SLOW : seeds < SEEDS_MIN || performance.now() - started < BUDGET_MS;
    for (let seeds = 0; isTime(seeds); seeds++) await expectSound(BigInt(first + seeds));
  },
  TIMEOUT_MS,
);
