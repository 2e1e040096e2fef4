// Sums in denominations, fees, and the choice of notes, against trying all choices.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { feeOf, selectNotes, splitAmount } from '../../src/notes/amounts.ts';
import { NotesError } from '../../src/notes/errors.ts';
import { type Note, sumOf } from '../../src/notes/note.ts';
import { runs } from './runs.ts';

const keys = (amounts: number) => ({
  keys: new Map(Array.from({ length: amounts }, (_, i) => [1n << BigInt(i), new Uint8Array(33)])),
});

const note = (amount: bigint, i: number, keysetId = 'a'): Note => ({
  amount,
  keysetId,
  secret: `s${i}`,
  signature: new Uint8Array(33),
});

const fees = (a: number, b = a) =>
  new Map([
    ['a', { inputFeePpk: a }],
    ['b', { inputFeePpk: b }],
  ]);

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(NotesError);
    return (error as NotesError).code;
  }
  throw new Error('expected a refusal');
}

test('an amount is the sum of its parts, ascending, as few as can be', () => {
  expect(splitAmount(0n, keys(4))).toEqual([]);
  expect(splitAmount(13n, keys(8))).toEqual([1n, 4n, 8n]);
  expect(splitAmount(13n, keys(2))).toEqual([1n, 2n, 2n, 2n, 2n, 2n, 2n]);
  expect(splitAmount((1n << 64n) - 1n, keys(64))).toHaveLength(64);
  fc.assert(
    fc.property(fc.bigInt(0n, (1n << 64n) - 1n), (amount) => {
      const parts = splitAmount(amount, keys(64));
      expect(parts.reduce((sum, part) => sum + part, 0n)).toBe(amount);
      expect(new Set(parts).size).toBe(parts.length);
    }),
    { numRuns: runs(50) },
  );
});

test('amounts that cannot be made up, or only of too many notes', () => {
  expect(refusal(() => splitAmount(-1n, keys(4)))).toBe('amount');
  expect(refusal(() => splitAmount(1n << 64n, keys(64)))).toBe('amount');
  expect(refusal(() => splitAmount(3n, { keys: new Map([[2n, new Uint8Array(33)]]) }))).toBe('amount');
  expect(refusal(() => splitAmount(1n << 63n, keys(1)))).toBe('amount');
  expect(refusal(() => splitAmount(1n, { keys: new Map() }))).toBe('amount');
});

test('a fee is rounded up once for all notes together', () => {
  const notes = (count: number): Note[] => Array.from({ length: count }, (_, i) => note(1n, i));
  expect(feeOf([], fees(100))).toBe(0n);
  expect([1, 9, 10, 11, 20, 21].map((count) => feeOf(notes(count), fees(100)))).toEqual([
    1n,
    1n,
    1n,
    2n,
    2n,
    3n,
  ]);
  expect(feeOf([note(1n, 0, 'a'), note(1n, 1, 'b')], fees(400, 700))).toBe(2n);
  expect(refusal(() => feeOf([note(1n, 0, 'c')], fees(1)))).toBe('unknown_keyset');
});

/** The best of all choices: exact before not, then the fewest notes. */
function best(notes: readonly Note[], amount: bigint, keysets: ReturnType<typeof fees>) {
  let found: { isExact: boolean; count: number } | undefined;
  for (let choice = 0; choice < 1 << notes.length; choice++) {
    const chosen = notes.filter((_, i) => choice & (1 << i));
    const rest = sumOf(chosen) - amount - feeOf(chosen, keysets);
    if (rest < 0n) continue;
    const candidate = { isExact: rest === 0n, count: chosen.length };
    const isBetter =
      found === undefined ||
      (candidate.isExact && !found.isExact) ||
      (candidate.isExact === found.isExact && candidate.count < found.count);
    if (isBetter) found = candidate;
  }
  return found;
}

const someNotes = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 6 }), fc.constantFrom('a', 'b')), { maxLength: 9 })
  .map((entries) => entries.map(([exponent, keysetId], i) => note(1n << BigInt(exponent), i, keysetId)));

test('without fees the choice is exact wherever one is, and has the fewest notes', () => {
  fc.assert(
    fc.property(someNotes, fc.bigInt(0n, 200n), (notes, amount) => {
      const expected = best(notes, amount, fees(0));
      if (expected === undefined) {
        expect(refusal(() => selectNotes(notes, amount, fees(0)))).toBe('insufficient');
        return;
      }
      const { selected, rest, fee, change } = selectNotes(notes, amount, fees(0));
      expect({ isExact: change === 0n, count: selected.length }).toEqual(expected);
      expect(fee).toBe(0n);
      expect(sumOf(selected)).toBe(amount + change);
      expect([...selected, ...rest].map(({ secret }) => secret).sort()).toEqual(
        notes.map(({ secret }) => secret).sort(),
      );
    }),
    { numRuns: runs(60) },
  );
});

test('with fees the choice pays amount and fee, and is found wherever notes that are worth spending reach', () => {
  fc.assert(
    fc.property(
      someNotes,
      fc.bigInt(0n, 200n),
      fc.constantFrom(1, 100, 500, 1000),
      fc.constantFrom(0, 100, 900),
      (notes, amount, a, b) => {
        const keysets = fees(a, b);
        const expected = best(notes, amount, keysets);
        if (expected === undefined) {
          expect(refusal(() => selectNotes(notes, amount, keysets))).toBe('insufficient');
          return;
        }
        const { selected, fee, change } = selectNotes(notes, amount, keysets);
        expect(fee).toBe(feeOf(selected, keysets));
        expect(sumOf(selected)).toBe(amount + fee + change);
        expect(change >= 0n).toBe(true);
      },
    ),
    { numRuns: runs(60) },
  );
});

test('the same notes in any order give the same choice', () => {
  fc.assert(
    fc.property(someNotes, fc.bigInt(0n, 100n), (notes, amount) => {
      if (sumOf(notes) < amount) return;
      const secrets = (of: readonly Note[]): string[] =>
        selectNotes(of, amount, fees(0)).selected.map(({ secret }) => secret);
      expect(secrets([...notes].reverse())).toEqual(secrets(notes));
    }),
    { numRuns: runs(30) },
  );
});

test('many notes', () => {
  const notes = Array.from({ length: 20_000 }, (_, i) => note(1n << BigInt(i % 10), i));
  const { selected, change } = selectNotes(notes, 5555n, fees(100));
  expect(change).toBe(0n);
  expect(selected.length).toBeLessThan(20);
  expect(refusal(() => selectNotes(notes, 2_046_000n, fees(100)))).toBe('insufficient');
  expect(selectNotes(notes, 1_900_001n, fees(100)).change >= 0n).toBe(true);
});

test('where nothing is exact, the smallest that reach are given', () => {
  const notes = [64n, 32n, 16n].map((amount, i) => note(amount, i));
  expect(selectNotes(notes, 10n, fees(0)).selected.map(({ amount }) => amount)).toEqual([16n]);
  expect(selectNotes(notes, 70n, fees(0)).selected.map(({ amount }) => amount)).toEqual([64n, 16n]);
  expect(selectNotes(notes, 40n, fees(0)).selected.map(({ amount }) => amount)).toEqual([64n]);
  expect(selectNotes([], 0n, fees(0))).toEqual({ selected: [], rest: [], fee: 0n, change: 0n });
});
