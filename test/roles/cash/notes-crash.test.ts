// Killed before or after every write, of its store and of its ledger, while shops order about notes and notes are taken in: asked
// again, cash says and has what it would have said and had.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemAccountId } from '../../../src/roles/cash/accounts.ts';
import {
  type Asked,
  askAll,
  encoded,
  held,
  noteOrder,
  notesOut,
  taking,
  toDevice,
  toldOf,
  toShop,
} from './note-support.ts';
import { newShop, openedShop } from './pay-support.ts';
import { Mortal } from './purse-mortal.ts';
import { PURSE_TERMS, TestClock } from './purse-support.ts';
import { EUR, newDevice, nextRequest, TestCash } from './support.ts';

/** Before and after each write; otherwise the one or the other, in turn. */
const EVERY = process.env.SPECIE_SLOW_TESTS === '1';

const clock = new TestClock();
let base: TestCash;
beforeAll(async () => {
  base = await TestCash.open({ currencies: PURSE_TERMS, clock: clock.read });
});
afterAll(() => base.close());

/** All that is heard and all that there is in the end. */
async function story(mortal: Mortal): Promise<unknown> {
  const before = await notesOut(base);
  const [shop, device] = [newShop(), newDevice()];
  await mortal.persist((cash) => openedShop(cash, shop));
  await mortal.persist((cash) => cash.opened(device));
  const sale = { debitAccountId: systemAccountId('float', EUR), creditAccountId: shop.shop, ledger: EUR };
  await base.ledger.createTransfers([{ id: nextRequest(), ...sale, amount: 1_000n, code: 20 }]);
  const heard: string[][] = [];
  const said = new Map<Asked, Uint8Array>();
  const ask = async (...all: readonly Asked[]): Promise<void> => {
    const results = await mortal.persist((cash) => askAll(cash, all));
    const told = results.map((result, i) => toldOf(result, all[i]!));
    // Why one was rejected is lost where the ledger has refused it and it was not written down: nobody had heard it.
    heard.push(told.map((one) => one.replace(/(?<=rejected): (exceeds_credits|id_already_failed)/, '')));
    for (const [i, one] of all.entries()) {
      const bytes = encoded(results[i]!);
      expect(bytes).toEqual(said.get(one) ?? bytes);
      said.set(one, bytes);
    }
  };
  await ask(noteOrder(shop, { action: 'fund', amount: 500n }));
  const orders: Asked[] = [
    noteOrder(shop, { action: 'issue', amount: 200n }),
    noteOrder(shop, { action: 'issue', amount: 400n }),
    noteOrder(shop, { action: 'issue', source: 'sales', amount: 50n }),
    noteOrder(shop, { action: 'issue', amount: 1n, applyBy: 1n }),
  ];
  const takings = [
    taking(toShop(shop), { amount: 30n }),
    taking(toDevice(device), { amount: 20n }),
    taking(toDevice(newDevice()), { amount: 1n }),
  ];
  await ask(...orders);
  await ask(...takings);
  await ask(noteOrder(shop, { action: 'withdraw', amount: 100n }));
  await ask(...orders, ...takings);
  return {
    heard,
    ends: [...(await held(base, shop)), (await notesOut(base)) - before],
    device: await mortal.persist((cash) => cash.balance(device)),
  };
}

async function told(diesIn: number, isDone: boolean): Promise<{ mortal: Mortal; said: unknown }> {
  const mortal = new Mortal(base, clock);
  await mortal.start();
  mortal.isDone = isDone;
  mortal.diesIn = diesIn;
  mortal.events = 0;
  const said = await story(mortal);
  await mortal.stop();
  return { mortal, said };
}

test('wherever it dies', async () => {
  const { mortal, said } = await told(0, false);
  const orders = ['done', 'rejected', 'done', 'rejected: expired'];
  const takings = ['done', 'done', 'rejected: device_unknown'];
  expect(said).toEqual({
    heard: [['done'], orders, takings, ['done'], [...orders, ...takings]],
    ends: [550n, 230n, 200n],
    device: 20n,
  });
  expect(mortal.events).toBeGreaterThan(10);
  for (let diesIn = 1; diesIn <= mortal.events; diesIn++) {
    for (const isDone of EVERY ? [false, true] : [diesIn % 2 === 0]) {
      const again = await told(diesIn, isDone);
      expect(again.mortal.deaths, `at ${diesIn} ${isDone}`).toBe(1);
      expect(again.said, `at ${diesIn} ${isDone}`).toEqual(said);
    }
  }
});
