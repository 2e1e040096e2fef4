// Each request happens exactly once, whatever the network does and wherever a process ends.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Random } from '../../../src/shared/random.ts';
import { type Ending, type Faults, simulate } from './simulation.ts';
import { BALANCE_FIRST, isDeclined, type Move } from './toy.ts';

const CALM: Faults = { drop: 0, repeat: 0, delayMaxMs: 2 };
const STORM: Faults = { drop: 0.25, repeat: 0.25, delayMaxMs: 120 };

/** 49 is declined by the somebody outside. */
const MOVES: readonly Move[] = [
  { id: 1n, amount: 10n },
  { id: 2n, amount: 49n },
  { id: 3n, amount: 30n },
];

/** What the moves came to, seen from every party. */
function expectOnce(moves: readonly Move[], ending: Ending): void {
  let moved = 0n;
  for (const { id, amount } of moves) {
    const became = ending.became.get(id);
    expect(became).toBe(became === 'too_little' ? 'too_little' : isDeclined(amount) ? 'returned' : 'moved');
    expect(ending.outside.get(id) ?? 0).toBe(became === 'moved' ? 1 : 0);
    if (became === 'moved') moved += amount;
  }
  expect(ending.balance).toBe(BALANCE_FIRST - moved);
  expect(ending.taken).toBe(moved);
  for (const history of ending.histories) expect(history).toMatch(/^(|refused|asked moved|asked returned)$/);
}

test('a calm day', async () => {
  const ending = await simulate(1n, MOVES, CALM, () => 'lives');
  expectOnce(MOVES, ending);
  expect(MOVES.map(({ id }) => ending.became.get(id))).toEqual(['moved', 'returned', 'moved']);
  expect(ending.tracePoints).toBe(MOVES.length * 2 * 6);
});

test('a process ends at each trace point: nothing happens twice, nothing is left undone', async () => {
  const { tracePoints } = await simulate(1n, MOVES, CALM, () => 'lives');
  for (let end = 1; end <= tracePoints; end++) {
    for (const loss of ['lost', 'flushed'] as const) {
      const ending = await simulate(1n, MOVES, CALM, (number) => (number === end ? loss : 'lives'));
      expect(ending.crashes).toBe(1);
      expectOnce(MOVES, ending);
    }
  }
});

test('… and again at each trace point of the recovery', async () => {
  const one = MOVES.slice(1, 2);
  const { tracePoints } = await simulate(1n, one, CALM, () => 'lives');
  for (let first = 1; first <= tracePoints; first++) {
    for (let second = first + 1; second <= first + tracePoints; second++) {
      const ending = await simulate(1n, one, CALM, (number) =>
        number === first ? 'lost' : number === second ? 'flushed' : 'lives',
      );
      expectOnce(one, ending);
    }
  }
});

test('storms: frames lost, late, repeated, out of order, and processes that keep dying', async () => {
  const move = fc.record({ amount: fc.bigInt({ min: 1n, max: 400n }) });
  await fc.assert(
    fc.asyncProperty(
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      fc.array(move, { minLength: 1, maxLength: 12 }),
      async (seed, amounts) => {
        const moves = amounts.map(({ amount }, i) => ({ id: BigInt(i + 1), amount }));
        const random = new Random(seed);
        const ending = await simulate(seed, moves, STORM, () =>
          !random.chance(0.05) ? 'lives' : random.chance(0.5) ? 'lost' : 'flushed',
        );
        expectOnce(moves, ending);
      },
    ),
    { numRuns: 60 },
  );
});
