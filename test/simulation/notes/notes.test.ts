// One seed replays cash, issuer, receiver, two gateways and people with notes on both sides. The first seed is drawn and printed.
// SPECIE_SEED=… replays one and prints its events; SPECIE_SLOW_TESTS=1 runs 200, some with the arithmetic of the curve.
import { randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { type NotesOptions, simulateNotes } from './notes-simulation.ts';

const { SPECIE_SEED, SPECIE_SLOW_TESTS } = process.env;
const isSlow = SPECIE_SLOW_TESTS === '1';
const SEEDS = isSlow ? 200 : 2;
const SEEDS_REAL = 10;
const TIMEOUT_MS = isSlow ? 3_600_000 : 120_000;

async function expectSound(seed: bigint, options: NotesOptions = {}): Promise<string> {
  const { problems, digest } = await simulateNotes(seed, options);
  expect(problems, `SPECIE_SEED=${seed}${options.isReal === true ? ', real' : ''}`).toEqual([]);
  return digest;
}

test.runIf(SPECIE_SEED !== undefined)('the seed that was asked for', async () => {
  await expectSound(BigInt(SPECIE_SEED!), { print: (line) => process.stdout.write(`${line}\n`) });
});

test.runIf(isSlow)('the same seed gives the same digest of everything', async () => {
  expect(await expectSound(2n)).toBe(await expectSound(2n));
});

test(
  'whatever happens: each note is money once, what is put in comes out less fees, and both ends agree',
  async () => {
    const first = randomInt(2 ** 40);
    process.stdout.write(`notes: SPECIE_SEED=${first} and the next ones\n`);
    for (let seeds = 0; seeds < SEEDS; seeds++) await expectSound(BigInt(first + seeds));
  },
  TIMEOUT_MS,
);

test.runIf(isSlow)(
  '… with the arithmetic of the curve',
  async () => {
    for (let seed = 0; seed < SEEDS_REAL; seed++) await expectSound(BigInt(seed), { isReal: true });
  },
  TIMEOUT_MS,
);
