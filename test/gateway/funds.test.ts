// What the organisation puts behind notes, and takes back: never what is owed to those who hold them.
import { expect, test } from 'vitest';
import { Place } from './world.ts';

test('fees and what was put there can be taken back, and nothing else', async () => {
  const place = new Place();
  const till = await place.terminal('till', 'lan');
  const visitor = await place.terminal('visitor', 'wan');
  await visitor.send(visitor.message(1n, till, 10n, place.wide.mint(12n)));
  await place.until(1n, 'generated');
  const move = (action: 'fund' | 'withdraw', amount: bigint) =>
    place.settled(place.open.moveFunds(action, amount));
  expect(place.open.status()).toMatchObject({ backing: 12n, own: 2n });
  await expect(move('withdraw', 3n)).rejects.toMatchObject({ code: 'exceeds_own' });
  await expect(move('withdraw', 0n)).rejects.toMatchObject({ code: 'invalid_argument' });
  expect(await move('fund', 5n)).toMatchObject({ state: 'rejected', reason: 'exceeds_credits' });
  place.wide.state.sales = 20n;
  expect(await move('fund', 5n)).toMatchObject({ state: 'moved', reason: '' });
  expect(place.wide.state).toMatchObject({ balance: 17n, sales: 15n });
  expect(place.open.status()).toMatchObject({ backing: 17n, own: 7n, local: { outstanding: 10n } });

  // While one is under way it counts as taken: two cannot take the same.
  place.wide.script.isSilent = true;
  const [first, second] = [place.open.moveFunds('withdraw', 6n), place.open.moveFunds('withdraw', 6n)];
  await expect(place.settled(second)).rejects.toMatchObject({ code: 'exceeds_own' });
  expect(place.open.status()).toMatchObject({ backing: 17n, own: 1n });
  // The gateway dies before it has heard of it.
  place.crash();
  void first.catch(() => {});
  place.wide.script.isSilent = false;
  place.start();
  await place.pass(60);
  expect(place.wide.state).toMatchObject({ balance: 11n, sales: 21n });
  expect(place.open.status()).toMatchObject({ backing: 11n, own: 1n, underWay: 1 });
  const funds = place.open.funds();
  expect(funds.map(({ state, amount }) => `${state} ${amount}`).sort()).toEqual([
    ...['moved 5', 'moved 6', 'rejected 5'],
  ]);
  expect(place.open.funds({ limit: 1, after: funds[0]!.request })).toEqual([funds[1]]);
  expect(place.open.exchanges().map(({ request }) => request)).toEqual([1n]);
  // No terminal learns of it, nor can it take its id.
  const { request } = funds[0]!;
  expect(await till.refused('lookup_exchange', { request })).toBe('exchange_unknown');
  expect(await visitor.refused('send_in', visitor.message(request, till, 1n, []))).toBe('request_differs');
});
