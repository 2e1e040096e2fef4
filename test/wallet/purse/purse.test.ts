// Purses of two wallets: reserved online, handed on without a server, reported, closed.
import { expect, test } from 'vitest';
import type { PayReport } from '../../../src/wallet/core/index.ts';
import { memoryPair } from '../peer/memory-link.ts';
import { eur } from '../support.ts';
import { LOADED, left, meet, paid, reopened, reserved, total, twoWallets } from './support.ts';

test('reserve, pay with every server down, report from both sides, close: nothing is lost or made', async () => {
  const two = await reserved([5_000n, 0n]);
  const { ada, bob, worlds, purses } = two;
  expect(await ada.balance()).toMatchObject({ balance: 5_000n, purse: { state: 'open', left: 5_000n } });
  for (const { management } of worlds) management.behaviour = () => 'unreachable';
  await paid(ada, bob, 1_200n);
  await paid(ada, bob, 300n);
  // What was received can be spent before it is reported.
  await paid(bob, ada, 1_000n);
  expect([await left(ada), await left(bob)]).toEqual([4_500n, 500n]);
  expect((await ada.balance()).unsettled).toMatchObject([
    { side: 'sent', state: 'paid', amount: 1_200n },
    { side: 'sent', state: 'paid', amount: 300n },
    { side: 'received', state: 'received', amount: 1_000n },
  ]);
  await expect(ada.reportTransfers({ patienceMs: 500 })).rejects.toMatchObject({ code: 'unreachable' });
  for (const { management } of worlds) management.behaviour = () => 'answer';
  const { transfers } = await bob.reportTransfers();
  expect(transfers.map(({ state }) => state)).toEqual(['settled', 'settled', 'settled']);
  expect((await ada.reportTransfers()).transfers).toMatchObject([{}, {}, { state: 'settled' }]);
  expect((await ada.balance()).unsettled).toBeUndefined();
  expect(await ada.closePurse()).toMatchObject({
    state: { kind: 'closed', released: 4_500n },
    balance: 9_500n,
  });
  expect(await bob.closePurse()).toMatchObject({ balance: 10_500n });
  expect(purses.sum).toBe(0n);
  expect(await total(two)).toBe(2n * LOADED);
  for (const wallet of [ada, bob]) {
    expect(await wallet.verify()).toMatchObject({ problems: [], purses: { purses: 1 } });
    expect((await wallet.balance({ online: true })).online).toMatchObject({ verdict: 'agrees' });
    await wallet.close();
  }
});

test('reserve closes the purse that is open, and opens the next with keys of its own', async () => {
  const two = await reserved([5_000n, 0n]);
  const { ada, bob, purses } = two;
  const before = (await ada.purse())!.purse;
  await paid(ada, bob, 700n);
  expect(await ada.reserve({ amount: eur(2_000) })).toMatchObject({ state: { kind: 'opened' } });
  const after = (await ada.purse())!;
  expect(after).toMatchObject({ reserved: 2_000n, left: 2_000n, warnings: [] });
  expect(after.purse).not.toBe(before);
  expect((await ada.balance()).balance).toBe(10_000n - 700n - 2_000n);
  const keys = [...purses.purses.values()].map(({ signingKey }) => Buffer.from(signingKey).toString('hex'));
  expect(new Set(keys).size).toBe(3);
  await paid(ada, bob, 100n);
  expect(await ada.verify()).toMatchObject({ problems: [], purses: { purses: 2, sent: 2 } });
});

test('a payment whose receipt is lost is in doubt until the two meet again', async () => {
  const { ada, bob } = await reserved();
  const { sent, received } = await meet(ada, bob, { dials: { cutAfter: 5 } });
  expect(sent).toMatchObject({ name: 'PeerError', inDoubt: expect.any(BigInt) });
  expect([await left(ada), await left(bob)]).toEqual([4_500n, received instanceof Error ? 0n : 500n]);
  expect((await ada.balance()).purse).toMatchObject({ inDoubt: 500n });
  const again = await meet(ada, bob);
  expect((again.sent as PayReport).resumed).toMatchObject([{ receipt: {} }]);
  expect((again.sent as PayReport).paid).toBeUndefined();
  expect((await ada.balance()).purse).toMatchObject({ inDoubt: 0n, left: 4_500n });
  expect(await left(bob)).toBe(500n);
});

test('what the payee never saw is in its purse once the payer has reported it', async () => {
  const { ada, bob, worlds } = await reserved();
  for (const cutAfter of [3, 4]) {
    const { received } = await meet(ada, bob, { dials: { cutAfter } });
    if ((await ada.balance()).purse!.inDoubt === 0n) continue;
    expect(received).toBeInstanceOf(Error);
    break;
  }
  expect(await ada.reportTransfers()).toMatchObject({ transfers: [{ state: 'settled', isReported: true }] });
  expect(await left(bob)).toBe(0n);
  await bob.sync();
  expect(await left(bob)).toBe(500n);
  expect(await bob.verify()).toMatchObject({ problems: [] });
  // It may still come from the payer: then it is there once.
  const again = await reopened(worlds[1]);
  expect(await again.closePurse()).toMatchObject({ balance: 10_500n });
  expect(await ada.closePurse()).toMatchObject({ balance: 9_500n });
});

test('a wallet that is closed breaks off its session; another session has to wait for the first', async () => {
  const { ada, bob } = await reserved();
  const { payee, payer } = memoryPair();
  const waiting = bob.receive(payee, {}).catch((error: Error) => error);
  expect(await bob.receive(memoryPair().payee, {}).catch((error: Error) => error)).toMatchObject({
    code: 'purse_busy',
  });
  await expect(bob.closePurse()).rejects.toMatchObject({ code: 'purse_busy' });
  await bob.close();
  expect(await waiting).toMatchObject({ code: 'link_broken' });
  expect(await ada.send(payer).catch((error: Error) => error)).toMatchObject({ code: 'link_broken' });
  // More than there is, with what would come back: nothing is closed for it.
  await expect(ada.reserve({ amount: eur(10_001) })).rejects.toMatchObject({ code: 'insufficient_funds' });
  expect(await ada.purse()).toMatchObject({ state: 'open', left: 5_000n });
});

test('without a purse, and with too little, nothing is paid', async () => {
  const two = await twoWallets();
  const { ada, bob } = two;
  expect((await meet(ada, bob)).sent).toMatchObject({ code: 'no_purse' });
  await expect(ada.reserve({ amount: eur(20_000) })).rejects.toMatchObject({ code: 'insufficient_funds' });
  await ada.reserve({ amount: eur(100) });
  await bob.reserve({ amount: eur(0) });
  expect((await meet(ada, bob)).sent).toMatchObject({ code: 'not_covered' });
  expect(await left(ada)).toBe(100n);
  expect((await meet(ada, bob, { send: { amount: eur(50) } })).sent).toMatchObject({ code: 'declined' });
  expect((await meet(ada, bob, { ask: {}, send: { amount: eur(50) } })).sent).toMatchObject({ resumed: [] });
  expect(await left(bob)).toBe(50n);
});

test('a store that is older than what was paid with it pays no more once it has been online', async () => {
  const two = await reserved();
  const { ada, bob, worlds } = two;
  const old = new Map(worlds[0].disk);
  await paid(ada, bob, 400n);
  await bob.reportTransfers();
  await ada.close();
  worlds[0].disk.clear();
  for (const [key, value] of old) worlds[0].disk.set(key, value);
  const copy = await reopened(worlds[0]);
  expect(await left(copy)).toBe(5_000n);
  await copy.sync();
  expect(await copy.purse()).toMatchObject({ state: 'ended', warnings: [expect.stringMatching(/a copy/)] });
  expect((await meet(copy, bob)).sent).toMatchObject({ code: 'no_purse' });
  expect(await copy.verify()).toMatchObject({ problems: [] });
});

test('the block list is fetched whole, checked, and believed', async () => {
  const { ada, bob, purses } = await reserved();
  const number = (await ada.purse())!.purse;
  purses.blocked = { serial: 3n, purses: [1n, 2n, number] };
  await bob.sync();
  expect((await meet(ada, bob)).received).toMatchObject({
    code: 'peer_refused',
    refusal: { code: 'purse_blocked' },
  });
  expect(await left(ada)).toBe(5_000n);
  purses.blocked = { serial: 4n, purses: [] };
  await bob.sync();
  await paid(ada, bob, 100n);
});
