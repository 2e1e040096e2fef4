// Killed before or after every write, of its store and of its ledger, while purses are opened, paid from, cheat, are closed and
// end: asked again, cash says and has what it would have said and had.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Mortal } from './purse-mortal.ts';
import {
  closes,
  DAY_NS,
  handover,
  nextPurse,
  offlineLoss,
  openedPurse,
  owned,
  PURSE_TERMS,
  pays,
  reports,
  TestClock,
  type TestPurse,
} from './purse-support.ts';
import { answerOf, creditOf, nextRequest, TestCash, type TestDevice } from './support.ts';

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
  const heard: unknown[] = [];
  const before = await offlineLoss(base);
  const devices: TestDevice[] = [];
  for (let i = 0; i < 4; i++) {
    devices.push(await base.opened());
    answerOf((await base.credit(creditOf(devices[i]!, { amount: 1_000n })))[0]!);
    await mortal.persist((cash) => cash.opened(devices[i]!));
  }
  const opened: TestPurse[] = [];
  for (const [i, device] of devices.entries()) {
    const names = { purse: nextPurse(), request: nextRequest() };
    opened.push(await mortal.persist((cash) => openedPurse(cash, [500n, 0n, 300n, 0n][i], device, names)));
  }
  const [alice, bob, carol, dave] = opened as [TestPurse, TestPurse, TestPurse, TestPurse];
  const orders = {
    chain: [bob, pays(bob, dave, 250n)],
    first: [alice, pays(alice, bob, 400n)],
    second: [alice, handover(alice, carol, { amount: 100n, sequence: 1n, total: 100n })],
    unfunded: [alice, handover(alice, carol, { amount: 350n, sequence: 3n, total: 900n })],
    late: [carol, pays(carol, dave, 200n)],
  } as const;
  const report = async (...names: (keyof typeof orders)[]): Promise<void> => {
    heard.push(await mortal.persist((cash) => reports(cash, ...names.map((name) => orders[name]))));
  };
  await report('chain');
  await report('first', 'unfunded');
  await report('second', 'late');
  await report('chain', 'first', 'second', 'unfunded', 'late');
  heard.push(await mortal.persist((cash) => closes(cash, bob)));
  heard.push(await mortal.persist((cash) => closes(cash, dave)));
  const { device } = alice.device;
  const { purses } = answerOf(await mortal.persist((cash) => cash.client().deviceExposure({ device })));
  heard.push(purses.map(({ state, covered, disputed, left }) => ({ state, covered, disputed, left })));
  clock.now += 40n * DAY_NS;
  await mortal.pass((cash) => closes(cash, bob));
  const ends = await Promise.all(
    opened.map(async (one) => [await owned(base, one.purse), await owned(base, one.device.device)]),
  );
  return { heard, ends, loss: (await offlineLoss(base)) - before };
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
  expect(said).toEqual({
    heard: [
      ['waiting'],
      ['settled', 'waiting'],
      ['covered!', 'settled'],
      ['settled', 'settled!', 'covered!', 'covered!', 'settled'],
      'closed: 150',
      'closed: 450',
      [{ state: 'cheated', covered: 450n, disputed: 0n, left: 100n }],
    ],
    // Of the cheated purse's 100 that were left, the operator gets all.
    ends: [
      [0n, 500n],
      [0n, 1_150n],
      [0n, 1_250n],
      [0n, 1_450n],
    ],
    loss: 350n,
  });
  expect(mortal.events).toBeGreaterThan(30);
  for (let diesIn = 1; diesIn <= mortal.events; diesIn++) {
    for (const isDone of EVERY ? [false, true] : [diesIn % 2 === 0]) {
      const again = await told(diesIn, isDone);
      expect(again.mortal.deaths, `at ${diesIn} ${isDone}`).toBe(1);
      expect(again.said, `at ${diesIn} ${isDone}`).toEqual(said);
    }
  }
});
