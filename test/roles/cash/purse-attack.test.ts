// What strangers may send about purses, and what it must not cost anyone else.
import { expect, test } from 'vitest';
import { U128_MAX } from '../../../src/shared/bytes.ts';
import {
  closes,
  handover,
  OFFLINE,
  openedPurse,
  openingOf,
  PURSE_TERMS,
  reports,
  TestClock,
} from './purse-support.ts';
import { answerOf, EUR, OPERATOR, TestCash } from './support.ts';

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
