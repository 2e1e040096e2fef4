// What strangers may send about purses, and what it must not cost anyone else.
import { expect, test } from 'vitest';
import { U128_MAX } from '../../../src/shared/bytes.ts';
import type { SetTimer } from '../../../src/shared/timer.ts';
import { MemoryDisk, memoryRoleStore } from '../../store/memory-backend.ts';
import {
  closes,
  handover,
  OFFLINE,
  openedPurse,
  openingOf,
  owned,
  PURSE_TERMS,
  pays,
  reports,
  TestClock,
  type TestPurse,
} from './purse-support.ts';
import { answerOf, BALANCE_MAX, creditOf, EUR, OPERATOR, TestCash } from './support.ts';

const open = (coverPercent = OFFLINE.coverPercent): Promise<TestCash> => {
  const [eur, ...others] = PURSE_TERMS;
  const currencies = [{ ...eur!, offline: { ...OFFLINE, coverPercent } }, ...others];
  return TestCash.open({ currencies, clock: new TestClock().read });
};

test('an opening with more than there is in the world is rejected, whatever the cover; others are opened', async () => {
  const cash = await open(1_000);
  const [eve, ada] = [await cash.opened(), await cash.opened()];
  const client = cash.client();
  const [all, nothing] = await Promise.all([
    client.openPurse(openingOf(eve, { amount: U128_MAX })),
    client.openPurse(openingOf(ada, { amount: 0n })),
  ]);
  expect(answerOf(all)).toEqual({ kind: 'rejected', reason: 'exceeds_allowance' });
  expect(answerOf(nothing)).toMatchObject({ kind: 'opened' });
  await cash.close();
});

test('disputed payments beyond all sums: an operator still sees the exposure of the device', async () => {
  const cash = await open();
  const [eve, bob] = [await openedPurse(cash), await openedPurse(cash, 0n)];
  const most = () => handover(eve, bob, { amount: U128_MAX, sequence: 1n, total: U128_MAX });
  expect(await reports(cash, [eve, most()], [eve, most()])).toEqual([
    'disputed: cover_exhausted!',
    'disputed: cover_exhausted!',
  ]);
  const { purses } = answerOf(await cash.client(OPERATOR).deviceExposure({ device: eve.device.device }));
  expect(purses).toMatchObject([{ currency: EUR, state: 'cheated', disputed: U128_MAX }]);
  await cash.close();
});

test('what payees see of a purse is of that purse alone: nothing is carried on from the one before', async () => {
  const cash = await open();
  const device = await cash.opened();
  const seen: string[][] = [];
  for (let n = 0; n < 2; n++) {
    const purse = await openedPurse(cash, 0n, device);
    const { keyId: _, ...own } = purse.allowance;
    seen.push(
      Object.values(own).map((value) =>
        typeof value === 'object' ? Buffer.from(value).toString('hex') : String(value),
      ),
    );
    expect(Object.keys(own)).toEqual(['purse', 'signingKey', 'currency', 'amount', 'expiresAt', 'reportBy']);
    expect(await closes(cash, purse)).toBe('closed: 0');
  }
  expect(seen[0]!.filter((value) => seen[1]!.includes(value))).toEqual([String(EUR), '0']);
  await cash.close();
});

test('purses that wait for each other, all without money: a report reads a bounded part of them', async () => {
  const store = memoryRoleStore(new MemoryDisk());
  const cash = await TestCash.open({
    currencies: PURSE_TERMS,
    clock: new TestClock().read,
    store,
    limits: { purseOrdersAheadMax: 6 },
  });
  const purses: TestPurse[] = [];
  for (let n = 0; n < 12; n++) purses.push(await openedPurse(cash, 0n));
  const ring = purses.flatMap((purse, n) =>
    [1, 2].map((far) => [purse, pays(purse, purses[(n + far) % purses.length]!, 1n)] as const),
  );
  expect(await reports(cash, ...ring)).toEqual(ring.map(() => 'waiting'));
  let read = 0;
  const range = store.range.bind(store);
  store.range = (table, bounds) => {
    const records = range(table, bounds);
    if (table === 'purse-orders') read += records.length;
    return records;
  };
  expect(await reports(cash, ring[0]!)).toEqual(['waiting']);
  // Of the payer, of the payee, and of those ahead.
  expect(read).toBeLessThanOrEqual(2 + 2 + 6);
  await cash.close();
});

test('many devices that are full do not keep others from what is theirs: all are looked at every hour', async () => {
  const clock = new TestClock();
  const timers: { readonly run: () => void; readonly milliseconds: number }[] = [];
  const setTimer: SetTimer = (run, milliseconds) => {
    const timer = { run, milliseconds };
    timers.push(timer);
    return () => void timers.splice(timers.indexOf(timer), 1);
  };
  const cash = await TestCash.open({ currencies: PURSE_TERMS, clock: clock.read, setTimer });
  const device = await cash.opened();
  answerOf((await cash.credit(creditOf(device, { amount: BALANCE_MAX })))[0]!);
  const alice = await openedPurse(cash, 1_000n, device);
  answerOf((await cash.credit(creditOf(device, { amount: 1_000n })))[0]!);
  expect(await closes(cash, alice)).toBe('closed: 0');
  await openedPurse(cash, 600n, device);
  await cash.store.transaction((tx) => {
    for (let number = 1n; number <= 200n; number++) tx.put('purse-leftovers', number, new Uint8Array(0));
  });
  const pauses: number[] = [];
  for (let passes = 1; passes <= 4; passes++) {
    expect(await owned(cash, alice.purse)).toBe(1_000n);
    pauses.push(Math.min(...timers.map(({ milliseconds }) => milliseconds)));
    for (const { run } of timers.splice(0)) run();
    // Behind the pass.
    await closes(cash, alice);
  }
  expect(await owned(cash, alice.purse)).toBe(400n);
  expect(pauses).toEqual([3_600_000, 100, 100, 100]);
  await cash.close();
});

test('a damaged purse that is to be looked at again neither keeps cash busy nor others waiting', async () => {
  const cash = await open();
  await cash.store.transaction((tx) => {
    tx.put('purses', 1n, new Uint8Array(3));
    tx.put('purse-retries', 1n, new Uint8Array(0));
  });
  const [alice, bob] = [await openedPurse(cash), await openedPurse(cash, 0n)];
  expect(await reports(cash, [alice, pays(alice, bob, 300n)])).toEqual(['settled']);
  const told = cash.logged.length;
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(cash.logged.length - told).toBeLessThanOrEqual(1);
  await cash.close();
});
