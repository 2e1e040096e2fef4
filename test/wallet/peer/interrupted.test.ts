// Claims 6 and 7 on a bad line: whatever is cut off, wherever either wallet stops, the amount is subtracted once and added once.
import { expect, test } from 'vitest';
import { PeerError } from '../../../src/wallet/peer/errors.ts';
import { handoverOf } from '../../../src/wallet/peer/records.ts';
import type { Dials } from './memory-link.ts';
import { meet, newWorld, paid, TestWallet } from './support.ts';

const AMOUNT = 500n;
const isSlow = process.env.SPECIE_SLOW_TESTS === '1';

/** The payee leans on what a third purse has paid, so that payments come with funding. */
async function newPair(): Promise<{ ada: TestWallet; ben: TestWallet }> {
  const world = newWorld();
  const [ada, ben] = [new TestWallet(world, 1, 200n), new TestWallet(world, 2, 0n)];
  await paid(new TestWallet(world, 3, 1_000n), ada, 900n);
  return { ada, ben };
}

/** What is true after any interruption. @returns what is in doubt */
async function expectConsistent(ada: TestWallet, ben: TestWallet): Promise<number> {
  const sent = await ada.ledger.sent();
  const doubts = await ada.ledger.inDoubt(ben.number);
  const [subtracted, added] = [await ada.ledger.subtracted(), await ben.ledger.added()];
  expect(sent.length).toBeLessThanOrEqual(1);
  // Nothing is subtracted that was not added, and what was added was sent.
  expect(subtracted).toBeLessThanOrEqual(added);
  expect(added).toBeLessThanOrEqual(BigInt(sent.length) * AMOUNT);
  expect(subtracted + BigInt(doubts.length) * AMOUNT).toBe(BigInt(sent.length) * AMOUNT);
  return doubts.length;
}

/** The two meet again, until they are through. */
async function finish(ada: TestWallet, ben: TestWallet): Promise<void> {
  const isPaid = (await ada.ledger.sent()).length > 0;
  const { payer, payee } = await meet(ada, ben, {
    ask: { amount: AMOUNT },
    pay: { decide: ({ resumed }) => (isPaid || resumed.length > 0 ? undefined : { amount: AMOUNT }) },
  });
  for (const report of [payer, payee]) if (report instanceof Error) throw report;
  expect(await ada.ledger.inDoubt(ben.number)).toEqual([]);
  expect([await ada.ledger.subtracted(), await ben.ledger.added()]).toEqual([AMOUNT, AMOUNT]);
  expect((await ben.ledger.allReceived()).map(({ message }) => handoverOf(message).sequence)).toEqual([1n]);
}

async function piecesOf(dials: Dials): Promise<number> {
  const { ada, ben } = await newPair();
  const { pair } = await meet(ada, ben, { dials, ask: { amount: AMOUNT } });
  expect([await ada.ledger.subtracted(), await ben.ledger.added()]).toEqual([AMOUNT, AMOUNT]);
  return pair.pieces.length;
}

test.each([
  // Bluetooth LE, NFC, QR codes, WebSocket. Of small ones not each, but always the last one.
  [20, isSlow ? 1 : 11],
  [250, isSlow ? 1 : 2],
  [2_000, 1],
  [32_768, 1],
])('pieces of %i bytes: cut off after each of them', async (pieceBytesMax, step) => {
  const pieces = await piecesOf({ pieceBytesMax });
  const outcomes = new Set<string>();
  const places = Array.from({ length: pieces }, (_, place) => place);
  for (const cutAfter of places.filter((place) => place % step === 0 || place === pieces - 1)) {
    const { ada, ben } = await newPair();
    const { payer, payee } = await meet(ada, ben, {
      dials: { pieceBytesMax, cutAfter },
      ask: { amount: AMOUNT },
    });
    ada.restart();
    ben.restart();
    const doubts = await expectConsistent(ada, ben);
    if (payer instanceof PeerError) {
      expect(payer.code).toBe('link_broken');
      expect(payer.inDoubt !== undefined).toBe(doubts > 0);
    }
    if (payee instanceof Error) expect(payee).toMatchObject({ code: 'link_broken' });
    outcomes.add(`${(await ada.ledger.sent()).length}${doubts}${(await ben.ledger.allReceived()).length}`);
    await finish(ada, ben);
  }
  // Before anything was signed; signed and not arrived; arrived without a receipt; through.
  expect([...outcomes].sort()).toEqual(['000', '101', '110', '111']);
});

test.each(['before', 'after'] as const)('either wallet stops %s each of its writes', async (when) => {
  for (const who of ['ada', 'ben'] as const) {
    for (let write = 1; ; write++) {
      const pair = await newPair();
      const { ada, ben } = pair;
      const stopping = pair[who];
      stopping.storage.writes = 0;
      stopping.storage.crashAt = (number) => (number === write ? when : undefined);
      const { payer, payee } = await meet(ada, ben, { ask: { amount: AMOUNT } });
      const isThrough = stopping.storage.writes < write;
      ada.restart();
      ben.restart();
      await expectConsistent(ada, ben);
      await finish(ada, ben);
      if (isThrough) {
        expect([payer, payee].some((report) => report instanceof Error)).toBe(false);
        expect(write).toBe(3);
        break;
      }
    }
  }
});

test('cut off again and again, on the way back too', async () => {
  const { ada, ben } = await newPair();
  for (let cutAfter = 1; cutAfter < 30; cutAfter++) {
    const isPaid = (await ada.ledger.sent()).length > 0;
    await meet(ada, ben, {
      dials: { pieceBytesMax: 250, cutAfter },
      ask: { amount: AMOUNT },
      pay: { decide: () => (isPaid ? undefined : { amount: AMOUNT }) },
    });
    ada.restart();
    ben.restart();
    await expectConsistent(ada, ben);
  }
  await finish(ada, ben);
});

test('what is in doubt comes first, and the receipt is the same', async () => {
  const { ada, ben } = await newPair();
  const first = await meet(ada, ben, { dials: { cutAfter: 5 }, ask: { amount: AMOUNT, memo: 'first' } });
  expect(first.payer).toMatchObject({ code: 'link_broken', inDoubt: expect.any(BigInt) });
  expect(first.payee).toMatchObject({ received: [{ again: false }], isDone: false });
  const { receipt } = (await ben.ledger.allReceived())[0]!;
  const second = await meet(ada, ben, { ask: { amount: 100n, memo: 'second' } });
  expect(second.payer).toMatchObject({ resumed: [{ receipt, refusal: undefined }], paid: {} });
  expect(second.payee).toMatchObject({
    received: [
      { again: true, isAsked: false, payment: { message: { memo: 'first' } } },
      { again: false, isAsked: true, payment: { message: { memo: 'second' } } },
    ],
  });
  expect([await ada.ledger.subtracted(), await ben.ledger.added()]).toEqual([600n, 600n]);
});

test('a payee that has lost its ask takes nothing, and the payment stays in doubt', async () => {
  const { ada, ben } = await newPair();
  await meet(ada, ben, { dials: { cutAfter: 4 }, ask: { amount: AMOUNT } });
  for (const key of [...ben.storage.disk.keys()]) if (key.startsWith('ask/')) ben.storage.disk.delete(key);
  const { payer, payee } = await meet(ada, ben, { pay: { decide: () => undefined } });
  expect(payer).toMatchObject({ resumed: [{ receipt: undefined, refusal: { code: 'nonce_unknown' } }] });
  expect(payee).toMatchObject({ received: [], refused: [{ refusal: { code: 'nonce_unknown' } }] });
  expect(await ada.ledger.inDoubt(ben.number)).toHaveLength(1);
  expect((await ada.ledger.spent()).total).toBe(AMOUNT);
});

test('another payee is paid meanwhile, and what is in doubt counts as spent', async () => {
  const { ada, ben } = await newPair();
  await meet(ada, ben, { dials: { cutAfter: 4 }, ask: { amount: AMOUNT } });
  const eve = new TestWallet(ada.world, 4, 0n);
  const tooMuch = await meet(ada, eve, { ask: { amount: 601n } });
  expect(tooMuch.payer).toMatchObject({ code: 'not_covered', inDoubt: undefined });
  await paid(ada, eve, 600n);
  expect(await eve.ledger.added()).toBe(600n);
  expect(await ada.ledger.inDoubt(ben.number)).toHaveLength(1);
});
