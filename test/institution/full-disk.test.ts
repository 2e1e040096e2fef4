// A disk that fills up under the simulator's books: malfunction, which is unknown to the acquirer; and then it goes on.
import { expect, test } from 'vitest';
import type { CardOrder } from '../../src/roles/settlement/institution.ts';
import { amountOf } from '../../src/shared/amount.ts';
import { mountSmallDisk } from '../crash/small-disk.ts';
import { accountNumber, adapter, anOrder, expectConserved, simulator } from './support.ts';

test('a full disk is answered with 96; with room again, everything acknowledged is there', async () => {
  const disk = mountSmallDisk('tmpfs', 8 * 2 ** 20);
  if (disk === undefined) return;
  const bank = await simulator({}, { path: `${disk.path}/books`, balance: 10n ** 9n });
  const cards = adapter(bank.port);
  const approved: CardOrder[] = [];
  let refusal: unknown;
  for (let i = 0; i < 200 && refusal === undefined; i++) {
    const orders = Array.from({ length: 200 }, (_, n) =>
      anOrder({ accountNumber: accountNumber(n % 10), amount: amountOf(1n) }),
    );
    const outcomes = await Promise.all(orders.map((order) => cards.authorise(order)));
    orders.forEach((order, n) => {
      if (outcomes[n]!.kind === 'approved') approved.push(order);
      else refusal = outcomes[n];
    });
  }
  expect(refusal).toEqual({ kind: 'unknown', why: 'answered with code 96' });
  expect(approved.length).toBeGreaterThan(200);
  disk.grow(64 * 2 ** 20);
  expect(await cards.authorise(anOrder())).toMatchObject({ kind: 'approved' });
  const booked = new Set(bank.books.statement(1n, 100_000).map(({ reference }) => reference));
  for (const { reference } of approved) expect(booked.has(reference)).toBe(true);
  expectConserved(bank);
  await bank.close();
});
