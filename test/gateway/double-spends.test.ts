// The same notes by two ways at once: at two gateways, at a gateway and at the mint that they are of. Whoever comes first has
// them, the other is told for good, and what there is altogether is as before.
import { expect, test } from 'vitest';
import { swapRequest } from '../../src/notes/json/swap.ts';
import type { Note } from '../../src/notes/note.ts';
import { makeOutputs } from '../../src/notes/outputs.ts';
import { randomSecrets } from '../../src/notes/secrets.ts';
import { Refusal } from '../../src/roles/common/refusal.ts';
import { Place, type Terminal } from './world.ts';

interface Gate {
  readonly place: Place;
  readonly till: Terminal;
  readonly visitor: Terminal;
}

async function gate(place: Place): Promise<Gate> {
  return {
    place,
    till: await place.terminal('till', 'lan'),
    visitor: await place.terminal('visitor', 'wan'),
  };
}

const ENDS = ['generated', 'rejected'] as const;
const endOf = ({ place }: Gate, request: bigint) => place.open.exchange(request)?.step;

test.each([
  ['the first', 0],
  ['the second', 1],
])('wide notes at two gateways: %s to ask has them', async (_, first) => {
  const one = new Place({ terms: { organisation: 'campus' }, seed: 'one' });
  const two = new Place({ terms: { organisation: 'harbour' }, seed: 'two', wide: one.wide.state });
  const gates = [await gate(one), await gate(two)] as const;
  const notes = one.wide.mint(12n);
  const before = one.total;
  for (const { place, till, visitor } of gates) {
    // Both take it in: neither can know of the other.
    const message = visitor.message(
      1n + BigInt(gates.findIndex((each) => each.place === place)),
      till,
      10n,
      notes,
    );
    expect(await visitor.send(message)).toEqual({ state: 'taken', reason: '' });
  }
  const [winner, loser] = first === 0 ? gates : [gates[1], gates[0]];
  const requestOf = (of: Gate): bigint => (of === gates[0] ? 1n : 2n);
  await winner.place.until(requestOf(winner), ...ENDS);
  await loser.place.until(requestOf(loser), ...ENDS);
  expect([endOf(winner, requestOf(winner)), endOf(loser, requestOf(loser))]).toEqual([
    'generated',
    'rejected',
  ]);
  expect((await winner.till.receive()).reduce((sum, { amount }) => sum + amount, 0n)).toBe(10n);
  expect(await loser.till.receive()).toEqual([]);
  // With the fee.
  expect([winner, loser].map(({ place }) => place.open.status().backing)).toEqual([12n, 0n]);
  expect(one.total).toBe(before);
});

test('wide notes that their holder swaps while a gateway has them: nothing is generated', async () => {
  const { place, till, visitor } = await gate(new Place());
  const notes = place.wide.mint(12n);
  place.wide.script.pending = 3;
  await visitor.send(visitor.message(1n, till, 10n, notes));
  expect(place.wide.swap(notes)).toBe(true);
  await place.until(1n, ...ENDS);
  expect(place.open.exchange(1n)?.step).toBe('rejected');
  expect(place.open.status().backing).toBe(0n);
  expect(await till.receive()).toEqual([]);
});

/** Local notes, 10. */
async function local(of: Gate): Promise<Note[]> {
  await of.visitor.send(of.visitor.message(1n, of.till, 10n, of.place.wide.mint(12n)));
  await of.place.until(1n, 'generated');
  const notes = await of.till.receive();
  await of.place.until(1n, 'delivered');
  return notes;
}

async function swapped({ place, till }: Gate, notes: readonly Note[]): Promise<string> {
  const [{ keysetId }] = notes as [Note];
  const amounts = notes.map(({ amount }) => amount);
  const outputs = makeOutputs(amounts, keysetId, randomSecrets(amounts.length), place.crypto);
  const body = new TextEncoder().encode(
    swapRequest.encode({ inputs: notes, outputs: outputs.map(({ message }) => message) }),
  );
  const answer = await place.settled(till.call('mint_call', { method: 'POST', path: '/v1/swap', body }));
  if (answer === undefined || answer instanceof Refusal) throw new Error('expected an answer of the mint');
  return answer.status === 200 ? 'done' : String(JSON.parse(Buffer.from(answer.body).toString()).code);
}

test('local notes that are sent out and swapped at once: one of the two', async () => {
  const held = await gate(new Place());
  const notes = await local(held);
  held.place.wide.script.isSilent = true;
  await held.till.send(held.till.message(2n, held.visitor, 8n, notes));
  // On their way: pending, and once they are out: spent.
  expect(await swapped(held, notes)).toBe('11002');
  held.place.wide.script.isSilent = false;
  await held.place.until(2n, 'erased');
  expect(await swapped(held, notes)).toBe('11001');

  const swappedFirst = await gate(new Place());
  const others = await local(swappedFirst);
  expect(await swapped(swappedFirst, others)).toBe('done');
  const { till, visitor, place } = swappedFirst;
  expect(await till.refused('send_out', till.message(2n, visitor, 8n, others))).toBe('note_spent');
  expect(place.wide.state.issued.size).toBe(0);
});

test('local notes that two exchanges want: the second is told', async () => {
  const { place, till, visitor } = await gate(new Place());
  const notes = await local({ place, till, visitor });
  const [a, b] = [till.message(2n, visitor, 8n, notes), till.message(3n, visitor, 8n, notes)];
  const ends = await Promise.all([
    place.settled(till.call('send_out', a)),
    place.settled(till.call('send_out', b)),
  ]);
  expect(ends.map((end) => (end instanceof Refusal ? end.code : end?.state)).sort()).toEqual([
    'note_held',
    'taken',
  ]);
});
