// What nobody fetches in time goes back, and what was fetched does not.
import { beforeEach, describe, expect, test } from 'vitest';
import type { Note } from '../../src/notes/note.ts';
import { Place, type Terminal } from './world.ts';

let place: Place;
let till: Terminal;
let visitor: Terminal;
let local: Note[];

beforeEach(async () => {
  place = new Place();
  till = await place.terminal('till', 'lan');
  visitor = await place.terminal('visitor', 'wan');
  await visitor.send(visitor.message(1n, till, 10n, place.wide.mint(12n)));
  await place.until(1n, 'generated');
  local = await till.receive();
  await place.until(1n, 'delivered');
});

describe('out', () => {
  test('the destination is offline: the wide notes are taken back, and local ones generated for the sender', async () => {
    await till.send(till.message(2n, visitor, 8n, local));
    await place.until(2n, 'returning');
    expect(await visitor.deliveries()).toEqual([]);
    await place.until(2n, 'returned');
    expect(await till.ask('lookup_exchange', { request: 2n })).toEqual({
      state: 'returned',
      reason: 'not_fetched',
    });
    const [delivery] = await till.deliveries();
    expect(delivery).toMatchObject({ request: 2n, isReturn: true, amount: 8n, until: 0n });
    expect((await till.receive()).map(({ amount }) => amount)).toEqual([8n]);
    // The fee of the way is kept: 2 came in with the first, 2 with this one.
    expect(place.open.status()).toMatchObject({
      local: { outstanding: 8n },
      counters: { fees: 4n, waitingWide: 0n, offered: 0n, generating: 0n, returned: 1n },
      backing: 12n,
    });
    expect(place.wide.state.balance).toBe(12n);
    expect([...place.disk.records.keys()].filter((key) => /^(deliveries|copies)\0/.test(key))).toEqual([]);
  });
  test('it has fetched and spent them, and its confirmation was lost: delivered', async () => {
    await till.send(till.message(2n, visitor, 8n, local));
    await place.until(2n, 'erased');
    const [delivery] = await visitor.deliveries();
    expect(place.wide.swap(visitor.take(delivery!))).toBe(true);
    await place.until(2n, 'delivered');
    expect(place.open.exchange(2n)!.history.map(({ stateName }) => stateName)).toContain('returning');
    expect(await till.deliveries()).toEqual([]);
    expect(place.open.status()).toMatchObject({
      local: { outstanding: 0n },
      counters: { waitingWide: 0n, offered: 0n },
    });
    // Late, it says so all the same: there is nothing left to confirm.
    expect(await visitor.refused('confirm_delivery', visitor.confirmation(delivery!))).toBe(
      'delivery_unknown',
    );
  });
  test('a confirmation just before the deadline counts, one after it does not', async () => {
    await till.send(till.message(2n, visitor, 8n, local));
    await place.until(2n, 'erased');
    const [delivery] = await visitor.deliveries();
    place.wide.script.isSilent = true;
    await place.until(2n, 'returning');
    expect(await visitor.refused('confirm_delivery', visitor.confirmation(delivery!))).toBe(
      'delivery_unknown',
    );
  });
  test('the receiver rejects for a time: it is asked anew, under another id, until it takes them', async () => {
    await till.send(till.message(2n, visitor, 8n, local));
    place.wide.script.rejectTake = 'shop_closed';
    await place.until(2n, 'returning');
    await place.pass(700);
    delete place.wide.script.rejectTake;
    await place.until(2n, 'returned');
    expect(place.wide.state.taken.size).toBeGreaterThan(2);
    expect((await till.receive()).map(({ amount }) => amount)).toEqual([8n]);
  });
});

describe('in', () => {
  test('the destination is offline: the local notes are erased, and wide ones issued for the sender', async () => {
    await visitor.send(visitor.message(2n, till, 10n, place.wide.mint(12n)));
    await place.until(2n, 'returned');
    expect(await till.deliveries()).toEqual([]);
    const [delivery] = await visitor.deliveries();
    expect(delivery).toMatchObject({ request: 2n, isReturn: true, amount: 10n });
    const wide = await visitor.receive();
    expect(place.wide.swap(wide)).toBe(true);
    expect(place.open.status()).toMatchObject({
      local: { outstanding: 10n, held: 0n, signed: 20n, spent: 10n },
      counters: { fees: 4n, waitingLocal: 0n, requested: 0n },
    });
  });
  test('it has spent them at the local mint: delivered', async () => {
    await visitor.send(visitor.message(2n, till, 10n, place.wide.mint(12n)));
    await place.until(2n, 'generated');
    const [delivery] = await till.deliveries();
    const notes = till.take(delivery!);
    // Out they go again, without a word that they were received.
    await till.send(till.message(3n, visitor, 8n, notes));
    await place.until(3n, 'erased');
    await place.until(2n, 'delivered');
    expect(place.open.status()).toMatchObject({ counters: { waitingLocal: 0n, waitingWide: 8n } });
  });
  test('the account is dry for a time: asked anew until it is not', async () => {
    await visitor.send(visitor.message(2n, till, 10n, place.wide.mint(12n)));
    await place.until(2n, 'generated');
    place.wide.state.balance -= 24n;
    await place.until(2n, 'returning');
    await place.pass(700);
    // Held meanwhile: nobody can spend what is to be given back.
    expect(place.open.status().local).toMatchObject({ outstanding: 20n, held: 10n });
    place.wide.state.balance += 24n;
    await place.until(2n, 'returned');
    expect((await visitor.receive()).reduce((sum, { amount }) => sum + amount, 0n)).toBe(10n);
  });
});
