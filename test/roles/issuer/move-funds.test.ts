// Funds of a shop, behind its notes and back.
import { expect, test } from 'vitest';
import type { NoteAction } from '../../../src/roles/documents/note-order.ts';
import { anOrder, OPERATOR, OTHER, SHOP, Simulation, UNNAMED } from '../notes/support.ts';

const order = (simulation: Simulation, request: bigint, action: NoteAction, amount: bigint) => ({
  order: anOrder({
    ...{ request, amount, reference: new Uint8Array(32), applyBy: simulation.applyBy },
    changes: { action },
  }),
});

async function started(): Promise<Simulation> {
  const simulation = await Simulation.started();
  simulation.cash.sales.set(SHOP.shop, 500n);
  return simulation;
}

const balances = ({ cash }: Simulation) => [cash.sales.get(SHOP.shop), cash.shops.get(SHOP.shop)];

test('what was sold is put behind notes, and taken back; nothing is signed', async () => {
  const simulation = await started();
  const funding = order(simulation, 5n, 'fund', 300n);
  const answer = await simulation.ask(simulation.issuer().moveFunds(funding));
  expect(answer).toMatchObject({ kind: 'moved', receipt: { document: { action: 'fund', amount: 300n } } });
  expect(balances(simulation)).toEqual([200n, 10_300n]);
  expect(await simulation.ask(simulation.issuer().moveFunds(funding))).toEqual(answer);
  const back = order(simulation, 6n, 'withdraw', 100n);
  expect(await simulation.ask(simulation.issuer().moveFunds(back))).toMatchObject({ kind: 'moved' });
  expect(balances(simulation)).toEqual([300n, 10_200n]);
  expect([simulation.cash.notes, simulation.totals().signed]).toEqual([0n, 0n]);
  const report = await simulation.ask(simulation.issuer(OPERATOR).lookupRequest(6n));
  expect(report).toMatchObject({ report: { kind: 'funds', state: 'moved', amount: 100n } });
});

test('more than there is: cash rejects it, for good', async () => {
  const simulation = await started();
  const funding = order(simulation, 5n, 'fund', 501n);
  const rejected = { kind: 'rejected', rejection: { document: { reason: 'exceeds_credits' } } };
  expect(await simulation.ask(simulation.issuer().moveFunds(funding))).toMatchObject(rejected);
  simulation.cash.sales.set(SHOP.shop, 600n);
  expect(await simulation.ask(simulation.issuer().moveFunds(funding))).toMatchObject(rejected);
});

test('what is refused: others’ orders, issues, orders that nobody has signed', async () => {
  const simulation = await started();
  const good = order(simulation, 5n, 'fund', 300n);
  const ask = (message: typeof good, peer = SHOP.peer) =>
    simulation.ask(simulation.issuer(peer).moveFunds(message));
  expect(await ask(good, OTHER.peer)).toBe('not_permitted');
  expect(await ask(good, UNNAMED)).toBe('not_permitted');
  expect(await ask(order(simulation, 5n, 'issue', 300n))).toBe('order_invalid');
  expect(await ask(order(simulation, 0n, 'fund', 300n))).toBe('order_invalid');
  expect(await ask({ order: { ...good.order, signature: new Uint8Array(64) } })).toBe('order_invalid');
  expect(simulation.cash.calls).toBe(0);
  // Nor do the other operations take an order of this kind.
  expect(await ask(good)).toMatchObject({ kind: 'moved' });
});
