// Crashes: at every write of a day, and at random with others at the same time. Whoever got no answer asks the same again; then
// every note that was signed is spent once, or held by whoever has it.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MintRefused, refused } from '../../src/mint/errors.ts';
import { recount } from '../../src/mint/note-book.ts';
import { quoteNumber } from '../../src/mint/quotes.ts';
import { type Note, noteIds } from '../../src/notes/note.ts';
import { MemoryDisk } from '../store/memory-backend.ts';
import { METHOD, messages, toyCrypto, UNIT, World } from './world.ts';

/** A world that dies in its nth write: before the disk has it, or after. */
class Mortal {
  readonly world: World;
  writes = 0;
  #dieAt = 0;
  #isFlushed = false;
  #died: (() => void)[] = [];

  constructor() {
    const disk = new MemoryDisk({
      flush: (done) =>
        void setImmediate(() => {
          if (++this.writes !== this.#dieAt) done();
          else {
            this.world.disk.crash(this.#isFlushed);
            this.world.start();
            for (const died of this.#died.splice(0)) died();
          }
        }),
    });
    this.world = new World({ disk });
  }

  dieAt(write: number, isFlushed: boolean): void {
    this.#dieAt = this.writes + write;
    this.#isFlushed = isFlushed;
  }

  /** Asked again after a death, in the world as it is then. */
  async lives<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    for (;;) {
      const died = new Promise<'died'>((resolve) => this.#died.push(() => resolve('died')));
      const answer = await Promise.race([ask().then((value) => ({ value })), died]);
      if (answer !== 'died') return answer.value;
    }
  }
}

function expectBalanced(world: World, held: bigint): void {
  const { signed, spent } = world.totals();
  expect(signed - spent).toBe(held);
  const steps = recount(world.store, 5);
  for (;;) {
    const step = steps.next();
    if (!step.done) continue;
    expect(step.value).toEqual(
      world.book.allTotals(world.store).filter(({ signedCount }) => signedCount > 0n),
    );
    return;
  }
}

async function minted(mortal: Mortal, amounts: readonly bigint[]): Promise<Note[]> {
  const { world } = mortal;
  const amount = amounts.reduce((sum, each) => sum + each, 0n);
  const { quote } = await mortal.lives(() => world.mint.openMintQuote(METHOD, { amount, unit: UNIT }));
  await mortal.lives(() => world.markPaid(quote));
  const outputs = world.outputs(amounts);
  const asked = { quote, outputs: messages(outputs) };
  const { signatures } = await mortal.lives(() => world.mint.mint(METHOD, asked));
  return world.notes(outputs, signatures);
}

async function swapped(mortal: Mortal, inputs: readonly Note[], amounts: readonly bigint[]): Promise<Note[]> {
  const { world } = mortal;
  const outputs = world.outputs(amounts);
  const asked = { inputs, outputs: messages(outputs) };
  const { signatures } = await mortal.lives(() => world.mint.swap(asked));
  return world.notes(outputs, signatures);
}

async function melted(
  mortal: Mortal,
  inputs: readonly Note[],
  opened: (number: bigint) => void = () => {},
): Promise<string> {
  const { world } = mortal;
  const amount = inputs.reduce((sum, each) => sum + each.amount, 0n);
  const request = { request: 'specie-shop:1', unit: UNIT, amount };
  const { quote } = await mortal.lives(() => world.mint.openMeltQuote(METHOD, request));
  opened(quoteNumber(quote)!);
  return (await mortal.lives(() => world.mint.melt(METHOD, { quote, inputs }))).state;
}

/** Mints, swaps, melts; what is left is one note of 4. */
async function day(mortal: Mortal): Promise<Note[]> {
  const notes = await minted(mortal, [4n, 2n, 1n]);
  const fresh = await swapped(mortal, notes.slice(0, 2), [4n, 1n, 1n]);
  expect(await melted(mortal, [notes[2]!, ...fresh.slice(1)])).toBe('PAID');
  return fresh.slice(0, 1);
}

test('a day with a crash at every write, before and after it is flushed, ends like any other', async () => {
  const calm = new Mortal();
  await day(calm);
  const { writes } = calm;
  expect(writes).toBeGreaterThan(6);
  for (let write = 1; write <= writes; write++) {
    for (const isFlushed of [false, true]) {
      const mortal = new Mortal();
      mortal.dieAt(write, isFlushed);
      const [left] = await day(mortal);
      expect(mortal.writes, `write ${write}`).toBeGreaterThanOrEqual(writes);
      expectBalanced(mortal.world, 4n);
      expect(mortal.world.totals()).toEqual({ signed: 13n, held: 0n, spent: 9n });
      await swapped(mortal, [left!], [4n]);
    }
  }
});

test('property: swaps, double spends, melts and crashes at once; what is out is what its holders have', async () => {
  const asked = fc.record({
    kind: fc.constantFrom<Kind>('mint', 'swap', 'swap', 'stale', 'paid', 'pending', 'failed'),
    pick: fc.nat(50),
  });
  const round = fc.record({
    asked: fc.array(asked, { minLength: 1, maxLength: 6 }),
    dieAt: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
    isFlushed: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(round, { maxLength: 8 }), async (rounds) => {
      const mortal = new Mortal();
      const { world } = mortal;
      const payments = new Map<bigint, Kind>();
      world.pay = ({ number }) => {
        const kind = payments.get(number);
        if (kind === 'failed') throw refused('payment_failed');
        return kind === 'pending' ? 'pending' : 'paid';
      };
      const purse: Note[] = await minted(mortal, [8n, 4n, 2n, 1n]);
      const spent: Note[] = [];
      let pending = 0n;
      for (const { asked: together, dieAt, isFlushed } of rounds) {
        if (dieAt !== undefined) mortal.dieAt(dieAt, isFlushed);
        const going: Note[] = [];
        const run = async ({ kind, pick }: { kind: Kind; pick: number }): Promise<void> => {
          if (kind === 'mint') {
            purse.push(...(await minted(mortal, [4n, 1n])));
            return;
          }
          // Spent before, or on its way just now, by another request: one of them has it.
          const from = kind === 'stale' ? [...spent, ...going] : purse;
          const note = from[pick % Math.max(1, from.length)];
          if (note === undefined) return;
          if (kind !== 'stale') going.push(...purse.splice(purse.indexOf(note), 1));
          try {
            if (kind === 'stale' || kind === 'swap') {
              const parts = note.amount === 1n ? [1n] : [note.amount / 2n, note.amount / 2n];
              const fresh = await swapped(mortal, [note], parts);
              expect(spent).not.toContain(note);
              purse.push(...fresh);
            } else if ((await melted(mortal, [note], (number) => payments.set(number, kind))) === 'PENDING')
              pending += note.amount;
            spent.push(note);
          } catch (error) {
            if (!(error instanceof MintRefused)) throw error;
            expect(error.error).toMatch(/^(notes_spent|notes_pending|payment_failed)$/);
            // Free again, unless it was another's before that.
            if (error.error === 'payment_failed' && !spent.includes(note)) unsettled.push(note);
          }
        };
        const unsettled: Note[] = [];
        await Promise.all(together.map(run));
        purse.push(...unsettled.filter((note) => !spent.includes(note)));
      }
      const { signed, spent: gone, held } = world.totals();
      expect(held).toBe(pending);
      const { states } = await world.mint.states({ noteIds: noteIds(purse, toyCrypto) });
      expect(states.every(({ state }) => state === 'UNSPENT')).toBe(true);
      const have = purse.reduce((sum, { amount }) => sum + amount, 0n);
      expect(signed - gone).toBe(have + pending);
      expectBalanced(world, have + pending);
    }),
    { numRuns: 25 },
  );
});

type Kind = 'mint' | 'swap' | 'stale' | 'paid' | 'pending' | 'failed';
