// Two wallets, a medium, nothing else.
import { expect, test } from 'vitest';
import { handoverOf } from '../../../src/wallet/peer/records.ts';
import { meet, newWorld, paid, TestWallet } from './support.ts';

test('one pays the other: subtracted once, added once, each with the proof of it', async () => {
  const world = newWorld();
  const [ada, ben] = [new TestWallet(world, 1, 2_000n), new TestWallet(world, 2, 0n)];
  const { payer, payee } = await meet(ada, ben, { ask: { amount: 750n, memo: 'lunch' } });
  expect(payer).toMatchObject({ resumed: [], payee: { certificate: { purse: ben.number } } });
  expect(payee).toMatchObject({
    ...{ refused: [], isDone: true, declined: undefined },
    received: [{ again: false, isAsked: true }],
    payer: { certificate: { purse: ada.number } },
  });
  expect([await ada.ledger.subtracted(), await ben.ledger.added()]).toEqual([750n, 750n]);
  const [received] = await ben.ledger.allReceived();
  expect(handoverOf(received!.message)).toMatchObject({
    ...{ payer: ada.number, payee: ben.number, amount: 750n, sequence: 1n, total: 750n },
  });
  expect(received!.message.memo).toBe('lunch');
  expect(ada.events.map(({ type }) => type)).toEqual(['met', 'asked', 'prepared', 'sent', 'paid']);
  expect(ben.events.map(({ type }) => type)).toEqual(['met', 'received']);
});

test('what was received can be spent at once, with what funds it', async () => {
  const world = newWorld();
  const [ada, ben, eve] = [1, 2, 3].map((seed) => new TestWallet(world, seed, seed === 1 ? 1_000n : 100n));
  await paid(ada!, ben!, 600n);
  await paid(ben!, eve!, 650n);
  await paid(eve!, ada!, 700n);
  expect(await Promise.all([ada, ben, eve].map((wallet) => wallet!.ledger.added()))).toEqual([
    700n,
    600n,
    650n,
  ]);
  const [received] = await ada!.ledger.allReceived();
  expect(received!.message.funding).toHaveLength(2);
});
