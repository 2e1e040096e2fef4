// The wallet's core against management in memory.
import { expect, test } from 'vitest';
import { ManagementOperation } from '../../src/roles/management/messages.ts';
import { WalletError } from '../../src/wallet/core/index.ts';
import { DAY } from '../identity/support.ts';
import { ACCOUNT, createWallet, EUR, enrolledWallet, eur, newWorld, openWallet } from './support.ts';

test('enrols, loads with an account number and with the one on file, and has the receipts', async () => {
  const world = newWorld();
  const wallet = await createWallet(world);
  expect(wallet.device).toBeUndefined();
  const enrolled = await wallet.enrol({ userData: 'Ada', accountNumber: ACCOUNT });
  expect(enrolled).toMatchObject({ kind: 'enrolment', state: { kind: 'enrolled' } });
  expect(wallet.device).toBe(1000n);

  const given = await wallet.load({ amount: eur(2500), accountNumber: '5555000011112222' });
  expect(given).toMatchObject({ state: { kind: 'loaded' }, amount: 2500n, balance: 2500n });
  const onFile = await wallet.load({ amount: eur(500), onFile: true });
  expect(onFile).toMatchObject({ state: { kind: 'loaded' }, balance: 3000n });
  expect([...world.management.charges.values()]).toEqual([
    { accountNumber: '5555000011112222', amount: 2500n },
    { accountNumber: ACCOUNT, amount: 500n },
  ]);

  expect(await wallet.balance({ online: true })).toMatchObject({
    balance: 3000n,
    currency: EUR,
    open: [],
    online: { balance: 3000n, reserved: 0n, verdict: 'agrees' },
  });
  expect((await wallet.history()).map(({ event, amount, balance }) => [event, amount, balance])).toEqual([
    ['enrolled', 0n, 0n],
    ['loaded', 2500n, 2500n],
    ['loaded', 500n, 3000n],
  ]);
  const receipts = await wallet.receipts();
  expect(receipts.map(({ receipt }) => receipt.document.request)).toEqual([given.request, onFile.request]);
  expect(await wallet.verify()).toEqual({
    ...{ receipts: 2, payments: 0, statements: 0 },
    ...{ sum: 3000n, balance: 3000n, problems: [] },
  });
  await wallet.close();

  const again = await openWallet(world);
  expect(await again.balance()).toEqual({
    ...{ balance: 3000n, available: 3000n },
    ...{ currency: EUR, open: [], reserved: [] },
  });
  expect(again.device).toBe(1000n);
});

test('an account number is in no message and in no record', async () => {
  const world = newWorld();
  const wallet = await enrolledWallet(world);
  await wallet.load({ amount: eur(1), accountNumber: '5555000011112222' });
  await wallet.fileAccount({ accountNumber: 'DE75512108001245126199' });
  const places = [...world.disk.values(), ...world.management.calls.map(({ message }) => message)];
  for (const number of [ACCOUNT, '5555000011112222', 'DE75512108001245126199']) {
    expect(places.filter((bytes) => Buffer.from(bytes).includes(number))).toEqual([]);
  }
  expect(JSON.stringify(world.events, (_, v) => (typeof v === 'bigint' ? `${v}` : v))).not.toContain(ACCOUNT);
});

test('another account number takes the place of the one on file', async () => {
  const world = newWorld();
  const wallet = await enrolledWallet(world);
  const filed = await wallet.fileAccount({ accountNumber: 'DE75512108001245126199' });
  expect(filed.state.kind).toBe('filed');
  await wallet.load({ amount: eur(7), onFile: true });
  expect([...world.management.charges.values()]).toEqual([
    { accountNumber: 'DE75512108001245126199', amount: 7n },
  ]);
});

test('two loads at once both arrive', async () => {
  const world = newWorld();
  const wallet = await enrolledWallet(world);
  world.management.behaviour = ({ attempt }) => (attempt < 3 ? 'pending' : { delayMs: 10 });
  const outcomes = await Promise.all([
    wallet.load({ amount: eur(100), onFile: true }),
    wallet.load({ amount: eur(23), accountNumber: ACCOUNT }),
  ]);
  expect(outcomes.map(({ state }) => state.kind)).toEqual(['loaded', 'loaded']);
  expect((await wallet.balance()).balance).toBe(123n);
  expect(await wallet.verify()).toMatchObject({ sum: 123n, problems: [] });
});

test.each(['unreachable', 'lost', 'busy', 'pending'] as const)(
  'asks again with the same bytes when management is %s at first',
  async (behaviour) => {
    const world = newWorld();
    const wallet = await createWallet(world);
    world.management.behaviour = ({ attempt }) => (attempt <= 3 ? behaviour : 'answer');
    await wallet.enrol({ userData: 'Ada', accountNumber: ACCOUNT });
    const { state } = await wallet.load({ amount: eur(100), onFile: true });
    expect(state.kind).toBe('loaded');
    const loads = world.management.calls.filter(({ operation }) => operation === ManagementOperation.load);
    expect(loads).toHaveLength(4);
    for (const { message } of loads) expect(message).toEqual(loads[0]!.message);
    expect(world.management.charged).toBe(100n);
    expect((await wallet.balance()).balance).toBe(100n);
  },
);

test('silence ends with patience, and resume finishes it', async () => {
  const world = newWorld();
  const wallet = await enrolledWallet(world);
  world.management.behaviour = () => 'silent';
  const load = wallet.load({ amount: eur(100), onFile: true });
  await expect(load).rejects.toMatchObject({ name: 'WalletError', code: 'unfinished' });
  const { open } = await wallet.balance();
  expect(open).toMatchObject([{ kind: 'load', state: { kind: 'prepared' }, amount: 100n }]);
  await wallet.close();

  const again = await openWallet(world);
  expect((await again.balance()).open).toEqual(open);
  world.management.behaviour = () => 'answer';
  const { finished, unfinished } = await again.resume();
  expect(unfinished).toEqual([]);
  expect(finished).toMatchObject([{ request: open[0]!.request, state: { kind: 'loaded' }, balance: 100n }]);
  expect(await again.resume()).toEqual({ finished: [], unfinished: [] });
});

test('without a connection the error says so', async () => {
  const world = newWorld();
  const wallet = await enrolledWallet(world);
  world.management.behaviour = () => 'unreachable';
  const error = await wallet.load({ amount: eur(100), onFile: true }).catch((e: unknown) => e as WalletError);
  expect(error).toMatchObject({ code: 'unreachable', request: (await wallet.balance()).open[0]!.request });
});

test('a caller who stops waiting leaves a load that can be resumed', async () => {
  const world = newWorld();
  const wallet = await enrolledWallet(world);
  const stop = new AbortController();
  world.management.behaviour = () => {
    stop.abort();
    return 'pending';
  };
  const load = wallet.load({ amount: eur(100), onFile: true, signal: stop.signal });
  await expect(load).rejects.toMatchObject({ code: 'interrupted' });
  world.management.behaviour = () => 'answer';
  expect((await wallet.resume()).finished).toMatchObject([{ balance: 100n }]);
});

test('a wallet that is closed ends what waits', async () => {
  const world = newWorld();
  const wallet = await enrolledWallet(world);
  world.management.behaviour = () => 'silent';
  const load = wallet.load({ amount: eur(100), onFile: true, patienceMs: 0 });
  load.catch(() => {});
  while (!world.management.calls.some(({ operation }) => operation === ManagementOperation.load)) {
    await new Promise(setImmediate);
  }
  await wallet.close();
  await expect(load).rejects.toMatchObject({ code: 'wallet_closed' });
});

test('declined: nothing is added, and the history says so', async () => {
  const world = newWorld();
  const wallet = await enrolledWallet(world);
  world.management.declined.add(ACCOUNT);
  const { state, balance } = await wallet.load({ amount: eur(100), onFile: true });
  expect(state).toEqual({ kind: 'declined', reason: 'insufficient_funds' });
  expect(balance).toBe(0n);
  expect((await wallet.history()).at(-1)).toMatchObject({
    event: 'declined',
    amount: 100n,
    balance: 0n,
    detail: 'insufficient_funds',
  });
});

test('an order that comes too late is expired', async () => {
  const world = newWorld();
  const wallet = await enrolledWallet(world, { times: { validityMs: 1000 } });
  world.management.behaviour = ({ attempt }) => (attempt < 8 ? 'unreachable' : 'answer');
  const { state } = await wallet.load({ amount: eur(100), onFile: true });
  expect(state.kind).toBe('expired');
  expect(world.management.charged).toBe(0n);
});

test('a definite refusal is final', async () => {
  const world = newWorld();
  const wallet = await createWallet(world);
  await wallet.enrol({ userData: 'Ada' });
  const { state } = await wallet.load({ amount: eur(100), onFile: true });
  expect(state).toMatchObject({ kind: 'refused', code: 'account_not_on_file' });
});

test('what management need not be asked', async () => {
  const world = newWorld();
  const wallet = await createWallet(world);
  const load = (options: object) => wallet.load(options as never);
  await expect(load({ amount: eur(1), onFile: true })).rejects.toMatchObject({ code: 'not_enrolled' });
  await wallet.enrol({ userData: 'Ada', accountNumber: ACCOUNT });
  await expect(wallet.enrol({ userData: 'Ada' })).rejects.toMatchObject({ code: 'already_enrolled' });
  for (const wrong of [
    { amount: eur(0), onFile: true },
    { amount: eur(1) },
    { amount: eur(1), onFile: true, accountNumber: ACCOUNT },
    { amount: eur(1), accountNumber: '4000 0012' },
    { amount: eur(1), accountNumber: '' },
  ]) {
    await expect(load(wrong)).rejects.toMatchObject({ code: 'invalid_argument' });
  }
  await expect(load({ amount: -1n, onFile: true })).rejects.toThrow('expected a bigint from 0');
  await expect(load({ amount: 1n << 128n, onFile: true })).rejects.toThrow('expected a bigint from 0');
  await expect(wallet.lookup(5n)).rejects.toBeInstanceOf(WalletError);
  expect((await wallet.balance()).open).toEqual([]);
  const world2 = newWorld();
  const other = await createWallet(world2);
  await expect(other.enrol({ userData: 'x'.repeat(513) })).rejects.toMatchObject({
    code: 'invalid_argument',
  });
  expect(world2.management.calls).toEqual([]);
});

test('no more than 64 requests are under way', async () => {
  const world = newWorld();
  const wallet = await enrolledWallet(world);
  world.management.behaviour = () => 'silent';
  const loads = Array.from({ length: 65 }, () => wallet.load({ amount: eur(1), onFile: true }));
  const results = await Promise.allSettled(loads);
  const codes = results.map((result) => (result as PromiseRejectedResult).reason.code as string);
  expect(codes.filter((code) => code === 'too_many_open')).toHaveLength(1);
  expect((await wallet.balance()).open).toHaveLength(64);
  world.management.behaviour = () => 'answer';
  expect((await wallet.resume()).finished).toHaveLength(64);
  expect((await wallet.balance()).balance).toBe(64n);
});

test('after a write that failed nothing goes on before the wallet is opened again', async () => {
  const world = newWorld();
  const wallet = await enrolledWallet(world);
  const { writes } = world.storage;
  world.storage.crashAt = (write) => (write === writes + 2 ? 'after' : undefined);
  // Written down, sent, credited; that it is loaded is stored, but nobody can know.
  const load = wallet.load({ amount: eur(100), onFile: true });
  await expect(load).rejects.toMatchObject({ code: 'storage_failed' });
  await expect(wallet.load({ amount: eur(1), onFile: true })).rejects.toMatchObject({
    code: 'storage_failed',
  });
  expect((await wallet.balance()).balance).toBe(0n);
  const again = await openWallet(world);
  expect(await again.balance()).toMatchObject({ balance: 100n, open: [] });
});

test('a clock that was set back', async () => {
  const world = newWorld();
  const wallet = await enrolledWallet(world);
  await wallet.load({ amount: eur(100), onFile: true });
  world.clock.advance(-3n * DAY);
  await wallet.load({ amount: eur(23), onFile: true });
  expect(await wallet.verify()).toMatchObject({ balance: 123n, problems: [] });
});

test('resumed twice at once, and answered twice, it is added once', async () => {
  const world = newWorld();
  const wallet = await enrolledWallet(world);
  world.management.behaviour = () => 'silent';
  await expect(wallet.load({ amount: eur(100), onFile: true })).rejects.toMatchObject({ code: 'unfinished' });
  world.management.behaviour = () => ({ delayMs: 50 });
  const resumed = await Promise.all([wallet.resume(), wallet.resume(), wallet.resume()]);
  for (const { finished } of resumed) expect(finished).toMatchObject([{ balance: 100n }]);
  expect((await wallet.history()).map(({ event }) => event)).toEqual(['enrolled', 'loaded']);
  expect(await wallet.verify()).toMatchObject({ receipts: 1, sum: 100n, balance: 100n, problems: [] });
});
