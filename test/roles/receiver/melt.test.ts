// Melting (NUT-05), and one note by three ways at once.
import { expect, test } from 'vitest';
import { MintRefused } from '../../../src/mint/errors.ts';
import type { Note } from '../../../src/notes/note.ts';
import { encodeNotePayee, type NotePayee } from '../../../src/roles/documents/note-payee.ts';
import { meltRequestId } from '../../../src/roles/receiver/melt.ts';
import {
  aTaking,
  DOLLARS,
  newOutputs,
  noteIdsOf,
  notesOf,
  OPERATOR,
  OTHER,
  Simulation,
} from '../notes/support.ts';

const METHOD = 'specie';
/** The receiver cannot read it; the scripted cash does not. */
const DEVICE: NotePayee = {
  kind: 'device',
  sealed: { keyId: new Uint8Array(8), encapsulatedKey: new Uint8Array(32), ciphertext: new Uint8Array(36) },
};
const TO_DEVICE = encodeNotePayee(DEVICE);

async function endowed(): Promise<Simulation> {
  const simulation = await Simulation.started();
  simulation.endow(1_000n);
  return simulation;
}

const orRefused = <Of>(promise: Promise<Of>): Promise<Of | string> =>
  promise.catch((error: unknown) => {
    if (error instanceof MintRefused) return error.error ?? error.message;
    throw error;
  });
/** @param amount 0: none is said */
const quoteFor = (
  simulation: Simulation,
  request = TO_DEVICE,
  amount: bigint | undefined = 100n,
  unit = 'eur',
) =>
  simulation.world.until(
    orRefused(
      simulation.roles.receiver.mint.openMeltQuote(METHOD, { request, unit, ...(amount && { amount }) }),
    ),
  );
async function quoted(simulation: Simulation, request = TO_DEVICE, amount = 100n): Promise<string> {
  const quote = await quoteFor(simulation, request, amount);
  if (typeof quote === 'string') throw new Error(quote);
  return quote.quote;
}
const melt = (simulation: Simulation, quote: string, inputs: readonly Note[]) =>
  simulation.world.until(
    orRefused(simulation.roles.receiver.mint.melt(METHOD, { quote, inputs }).then(({ state }) => state)),
  );
const stateOf = async (simulation: Simulation, quote: string) =>
  (await simulation.world.until(simulation.roles.receiver.mint.meltQuote(METHOD, quote))).state;

test('a payee whom cash would refuse for ever gets no quote: the notes would be held for ever', async () => {
  const simulation = await endowed();
  for (const shop of ['1', `0x${'f'.repeat(32)}`])
    expect(await quoteFor(simulation, `specie-shop:${shop}`)).toContain('shop: expected a number');
  const quote = await quoted(simulation, encodeNotePayee({ kind: 'shop', shop: 2n ** 64n }));
  expect(await stateOf(simulation, quote)).toBe('UNPAID');
});

test('notes in, money to a device whose number the receiver cannot read', async () => {
  const simulation = await endowed();
  const quote = await quoted(simulation);
  const notes = notesOf(100n);
  expect(await melt(simulation, quote, notes)).toBe('PAID');
  expect([simulation.cash.devices, simulation.cash.notes]).toEqual([100n, 900n]);
  expect(simulation.totals()).toEqual({ signed: 0n, spent: 100n, held: 0n });
  // The same again is the same; other notes for it, or the notes for another, are refused.
  expect(await melt(simulation, quote, notes)).toBe('PAID');
  expect(await melt(simulation, quote, notesOf(100n))).toBe('already_paid');
  expect(await melt(simulation, await quoted(simulation), notes)).toBe('notes_spent');
  expect(await stateOf(simulation, quote)).toBe('PAID');
  expect(simulation.cash.calls).toBe(1);
  const { reports } = (await simulation.ask(simulation.receiver(OPERATOR).listRequests(undefined, 5))) as {
    reports: readonly object[];
  };
  expect(reports).toMatchObject([{ kind: 'taking', state: 'taken', detail: 'a device, melt', amount: 100n }]);
});

test('a shop is paid by its number', async () => {
  const simulation = await endowed();
  const quote = await quoted(simulation, encodeNotePayee({ kind: 'shop', shop: OTHER.shop }));
  expect(await melt(simulation, quote, notesOf(100n))).toBe('PAID');
  expect(simulation.cash.shops.get(OTHER.shop)).toBe(10_100n);
});

test('cash is silent: PENDING, held; then PAID', async () => {
  const simulation = await endowed();
  simulation.cash.isDown = true;
  const quote = await quoted(simulation);
  const notes = notesOf(100n);
  expect(await melt(simulation, quote, notes)).toBe('PENDING');
  expect(await melt(simulation, quote, notes)).toBe('PENDING');
  expect(await melt(simulation, quote, notesOf(100n))).toBe('quote_pending');
  expect(await melt(simulation, await quoted(simulation), notes)).toBe('notes_pending');
  expect(simulation.totals().held).toBe(100n);
  simulation.crash();
  await simulation.start();
  expect(await melt(simulation, quote, notes)).toBe('PENDING');
  simulation.cash.isDown = false;
  await simulation.finish();
  expect(await stateOf(simulation, quote)).toBe('PAID');
  expect(await melt(simulation, quote, notes)).toBe('PAID');
  expect(simulation.cash.devices).toBe(100n);
});

test('cash rejects: that quote is over, the notes are free for another', async () => {
  const simulation = await endowed();
  simulation.cash.against = 'payment_seal_invalid';
  const quote = await quoted(simulation);
  const notes = notesOf(100n);
  expect(await melt(simulation, quote, notes)).toBe('payment_failed');
  expect(await stateOf(simulation, quote)).toBe('UNPAID');
  expect(simulation.totals()).toEqual({ signed: 0n, spent: 0n, held: 0n });
  simulation.cash.against = undefined;
  expect(await melt(simulation, quote, notes)).toBe('payment_failed');
  expect(await melt(simulation, await quoted(simulation), notes)).toBe('PAID');
  expect([simulation.cash.devices, simulation.cash.booked.size]).toEqual([100n, 2]);
  expect([...simulation.cash.booked.keys()][0]).toBe(meltRequestId(BigInt(`0x${quote}`)));
});

test('an address that cash would not pay: nothing is kept, and the quote stands', async () => {
  const simulation = await endowed();
  const quote = await quoted(simulation);
  const notes = notesOf(100n);
  simulation.cash.notPayable = 'device_unknown';
  expect(await melt(simulation, quote, notes)).toBe('payment_failed');
  expect(simulation.totals()).toEqual({ signed: 0n, spent: 0n, held: 0n });
  expect([simulation.cash.calls, await stateOf(simulation, quote)]).toEqual([0, 'UNPAID']);
  const { reports } = (await simulation.ask(simulation.receiver(OPERATOR).listRequests(undefined, 5))) as {
    reports: readonly object[];
  };
  expect(reports).toEqual([]);
  simulation.cash.notPayable = undefined;
  expect(await melt(simulation, quote, notes)).toBe('PAID');
});

test('notes that somebody else holds: the quote waits for them', async () => {
  const simulation = await endowed();
  simulation.cash.isDown = true;
  const notes = notesOf(100n);
  const taking = aTaking({ request: 5n, notes, applyBy: simulation.applyBy });
  await simulation.ask(simulation.receiver().takeNotes(taking));
  const quote = await quoted(simulation);
  expect(await melt(simulation, quote, notes)).toBe('notes_pending');
  simulation.cash.isDown = false;
  simulation.cash.against = 'shop_closed';
  await simulation.finish();
  simulation.cash.against = undefined;
  expect(await melt(simulation, quote, notes)).toBe('PAID');
});

test('what is refused of a melt: nothing is held, cash is not asked', async () => {
  const simulation = await endowed();
  expect(await quoteFor(simulation, 'lnbc1')).toContain('payee');
  expect(await quoteFor(simulation, TO_DEVICE, 0n)).toBe('amountless_request');
  expect(await quoteFor(simulation, TO_DEVICE, 1n, 'jpy')).toBe('unit_not_supported');
  expect(await quoteFor(simulation, TO_DEVICE, 2n ** 40n)).toBe('amount_outside_limits');
  const quote = await quoted(simulation);
  const notes = notesOf(100n);
  const changed = (of: Partial<Note>): Note[] =>
    notes.map((note, i) => (i === 0 ? { ...note, ...of } : note));
  // There is no change: what goes in is exact.
  expect(await melt(simulation, quote, notesOf(101n))).toBe('not_balanced');
  expect(await melt(simulation, quote, notesOf(99n))).toBe('not_balanced');
  expect(await melt(simulation, quote, notesOf(100n, DOLLARS))).toBe('units_differ');
  expect(await melt(simulation, quote, [...notes.slice(1), notes[1]!])).toBe('duplicate_inputs');
  expect(await melt(simulation, quote, changed({ secret: '0'.repeat(64) }))).toBe('note_not_valid');
  expect(await melt(simulation, quote, changed({ keysetId: '00'.repeat(8) }))).toBe('keyset_unknown');
  expect(await melt(simulation, '0'.repeat(32), notes)).toContain('quote');
  simulation.world.now += 2n * 3_600_000_000_000n;
  expect(await melt(simulation, quote, notes)).toBe('quote_expired');
  expect([simulation.cash.calls, simulation.totals().held]).toEqual([0, 0n]);
});

test.each([0, 1, 2, 3, 4, 5])(
  'one note by take_notes, swap and melt at once: one of them (%#)',
  async (order) => {
    const simulation = await endowed();
    const notes = notesOf(64n);
    const quote = await quoted(simulation, TO_DEVICE, 64n);
    const outputs = newOutputs(64n).map(({ message }) => message);
    const ways: readonly (() => Promise<string>)[] = [
      async () => {
        const request = aTaking({ request: 5n, notes, applyBy: simulation.applyBy });
        const result = await simulation.receiver().takeNotes(request);
        if (result.kind !== 'ok') return result.kind;
        return result.answer.kind === 'rejected' ? result.answer.reason : result.answer.kind;
      },
      async () => {
        const swapped = await orRefused(simulation.roles.receiver.mint.swap({ inputs: notes, outputs }));
        return typeof swapped === 'string' ? swapped : 'swapped';
      },
      async () => {
        const melted = await orRefused(simulation.roles.receiver.mint.melt(METHOD, { quote, inputs: notes }));
        return typeof melted === 'string' ? melted : melted.state;
      },
    ];
    const turn = [
      [0, 1, 2],
      [0, 2, 1],
      [1, 0, 2],
      [1, 2, 0],
      [2, 0, 1],
      [2, 1, 0],
    ][order]!;
    const asked = turn.map((way) => ways[way]!());
    const answers = await simulation.world.until(Promise.all(asked));
    const won = answers.filter((answer) => ['taken', 'swapped', 'PAID'].includes(answer));
    expect(won).toHaveLength(1);
    for (const answer of answers.filter((answer) => !won.includes(answer)))
      expect(answer).toMatch(/^(note_spent|notes_spent|notes_pending)$/);
    // What is out is worth what the account of notes holds.
    const { signed, spent, held } = simulation.totals();
    expect(held).toBe(0n);
    expect(1_000n + signed - spent).toBe(simulation.cash.notes);
    const { states } = await simulation.world.until(
      simulation.roles.receiver.mint.states({ noteIds: noteIdsOf(notes) }),
    );
    expect(states.map(({ state }) => state)).toEqual(['SPENT']);
  },
);
