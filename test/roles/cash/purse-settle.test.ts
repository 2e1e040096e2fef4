// Payments between purses at cash: what is settled, in which order it may be reported, what a purse that cheats costs.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ed25519, sha256 } from '../../../src/crypto/index.ts';
import { checkFraudProof } from '../../../src/roles/documents/fraud-proof.ts';
import { RequestOperation } from '../../../src/wire/operation.ts';
import type { Peer } from '../../../src/wire/peer.ts';
import { RequestStatus } from '../../../src/wire/status.ts';
import { MemoryDisk, memoryRoleStore } from '../../store/memory-backend.ts';
import { openedShop, outcome, payAll, purchaseOf } from './pay-support.ts';
import {
  closes,
  DAY_NS,
  handover,
  offlineLoss,
  openedPurse,
  owned,
  PURSE_TERMS,
  pays,
  reports,
  settledAs,
  TestClock,
  type TestPurse,
} from './purse-support.ts';
import { answerOf, creditOf, keyPair, nextRequest, OPERATOR, TestCash, USD } from './support.ts';

let cash: TestCash;
let clock: TestClock;
beforeAll(async () => {
  clock = new TestClock();
  cash = await TestCash.open({ currencies: PURSE_TERMS, clock: clock.read });
});
afterAll(() => cash.close());

const CHECKS = {
  sha256,
  verify: (key: Uint8Array, message: Uint8Array, signature: Uint8Array) =>
    ed25519.verify(key, message, signature),
};

describe('what is settled', () => {
  test('the money has moved; reported again, alone or beside itself, the same bytes', async () => {
    const [alice, bob] = [await openedPurse(cash), await openedPurse(cash, 0n)];
    const order = pays(alice, bob, 300n);
    const client = cash.client();
    const settle = () => client.settleTransfer({ device: alice.device.device, order });
    const results = [...(await Promise.all([settle(), settle()])), await settle()];
    expect(results.map(settledAs)).toEqual(['settled', 'settled', 'settled']);
    expect(new Set(results.map((result) => JSON.stringify(result, text))).size).toBe(1);
    expect(await Promise.all([owned(cash, alice.purse), owned(cash, bob.purse)])).toEqual([700n, 300n]);
    const answer = answerOf(results[0]!);
    if (answer.outcome.kind !== 'settled') throw new Error('expected a receipt');
    const { document } = answer.outcome.receipt;
    const [transfer] = await cash.ledger.lookupTransfers([document.request]);
    expect(transfer).toMatchObject({
      code: 52,
      amount: 300n,
      userData128: 300n,
      timestamp: document.timestamp,
    });
    expect(document).toMatchObject({ shop: bob.purse, amount: 300n, kind: 'paid' });
  });

  test('in any order: what needs money that was not reported yet waits, and a chain goes in one report', async () => {
    const purses = [];
    for (let i = 0; i < 5; i++) purses.push(await openedPurse(cash, i === 0 ? 1_000n : 0n));
    const [first, ...others] = purses as [(typeof purses)[0], ...typeof purses];
    const chain = [[first, pays(first, others[0]!, 1_000n)] as const];
    for (let i = 0; i + 1 < others.length; i++) {
      chain.push([others[i]!, pays(others[i]!, others[i + 1]!, 1_000n - BigInt(i))]);
    }
    for (const link of chain.slice(1).reverse()) expect(await reports(cash, link)).toEqual(['waiting']);
    expect(await reports(cash, chain[0]!)).toEqual(['settled']);
    expect(await Promise.all(purses.map(({ purse }) => owned(cash, purse)))).toEqual([0n, 0n, 1n, 1n, 998n]);
    expect(await reports(cash, ...chain)).toEqual(Array(4).fill('settled'));
  });

  test.each([
    { pursesAtATimeMax: 4, purseBookingsAtATimeMax: 2 },
    { purseOrdersAheadMax: 1, purseBookingsAtATimeMax: 2 },
  ])('a chain that is longer than a batch goes on by itself, after a start too: %o', async (limits) => {
    const disk = new MemoryDisk();
    const options = { currencies: PURSE_TERMS, clock: clock.read, ledger: cash.ledger, path: cash.path };
    const small = await TestCash.open({ ...options, limits, store: memoryRoleStore(disk) });
    const purses: TestPurse[] = [];
    for (let i = 0; i < 12; i++) purses.push(await openedPurse(small, i === 0 ? 100n : 0n));
    const chain = purses.slice(1).map((payee, i) => [purses[i]!, pays(purses[i]!, payee, 100n)] as const);
    expect(await reports(small, ...chain.slice(1))).toEqual(Array(10).fill('waiting'));
    expect(await reports(small, chain[0]!)).toEqual(['settled']);
    // It stops in the middle of it.
    await small.cash.close();
    await small.store.close();
    const again = await TestCash.open({ ...options, limits, store: memoryRoleStore(disk) });
    await expect.poll(() => owned(again, purses.at(-1)!.purse)).toBe(100n);
    expect(await reports(again, ...chain)).toEqual(Array(11).fill('settled'));
    await again.cash.close();
  });

  test('numbers in any order, late ones among them', async () => {
    const [alice, bob] = [await openedPurse(cash), await openedPurse(cash, 0n)];
    const orders = Array.from({ length: 64 }, () => pays(alice, bob, 10n));
    for (const order of [...orders].reverse()) {
      expect(await reports(cash, [alice, order])).toEqual(['settled']);
    }
    expect(await owned(cash, bob.purse)).toBe(640n);
  });

  test('an id that somebody has used up for something else costs the payee nothing', async () => {
    const [alice, bob] = [await openedPurse(cash), await openedPurse(cash, 0n)];
    const request = nextRequest();
    const mallory = await cash.opened();
    answerOf((await cash.credit(creditOf(mallory, { request })))[0]!);
    const order = handover(alice, bob, { amount: 300n, request });
    expect(await reports(cash, [alice, order], [alice, order])).toEqual(['settled', 'settled']);
    expect(await owned(cash, bob.purse)).toBe(300n);
  });

  test('what is too late is rejected for good, and a clock that goes back changes nothing', async () => {
    const [alice, bob] = [await openedPurse(cash), await openedPurse(cash, 0n)];
    const [reported, late] = [pays(bob, alice, 5n), pays(alice, bob, 10n)];
    expect(await reports(cash, [bob, reported])).toEqual(['waiting']);
    clock.now += 37n * DAY_NS;
    expect(await reports(cash, [bob, reported], [alice, late])).toEqual(
      Array(2).fill('rejected: order_expired'),
    );
    clock.now -= 30n * DAY_NS;
    expect(await reports(cash, [bob, reported], [alice, late])).toEqual(
      Array(2).fill('rejected: order_expired'),
    );
    expect(await owned(cash, bob.purse)).toBe(0n);
  });
});

describe('what is refused', () => {
  test('what is not of the purse, or says something else than its allowance', async () => {
    const [alice, bob] = [await openedPurse(cash), await openedPurse(cash, 0n)];
    const amount = 10n;
    const asked = async (fields: Parameters<typeof handover>[2], who = alice) =>
      (await reports(cash, [who, handover(alice, bob, fields)]))[0];
    expect(await asked({ amount, payee: bob.device.device })).toBe('refused: purse_unknown');
    expect(await asked({ amount, payer: bob.device.device })).toBe('refused: purse_unknown');
    expect(await asked({ amount }, bob)).toBe('refused: payer_mismatch');
    expect(await asked({ amount, payee: alice.purse })).toBe('refused: payee_mismatch');
    expect(await asked({ amount, currency: USD })).toBe('refused: currency_mismatch');
    expect(await asked({ amount, keyId: new Uint8Array(8) })).toBe('refused: key_mismatch');
    expect(await asked({ amount, reportBy: alice.allowance.reportBy + 1n })).toBe('refused: expiry_mismatch');
    expect(await asked({ amount, sequence: 65n })).toBe('refused: malformed');
    expect(await asked({ amount, total: 9n })).toBe('refused: malformed');
    expect(await asked({ amount, request: 0n })).toBe('refused: malformed');
    expect(await asked({ amount, request: (1n << 128n) - 2n })).toBe('refused: malformed');
    const forged = handover({ ...alice, key: keyPair(5) }, bob, { amount, keyId: alice.allowance.keyId });
    expect(await reports(cash, [alice, forged])).toEqual(['refused: key_mismatch']);
    const order = handover(alice, bob, { amount });
    order[200]! ^= 1;
    expect(await reports(cash, [alice, order])).toEqual(['refused: signature_invalid']);
    expect(await owned(cash, bob.purse)).toBe(0n);
  });

  test('not even by those who may submit payment orders: these are settled by cash alone', async () => {
    const [alice, bob] = [await openedPurse(cash), await openedPurse(cash, 0n)];
    const order = pays(alice, bob, 10n);
    const { shop: number, key } = await openedShop(cash);
    const keys = { signingKey: key.publicKey, channelKey: key.publicKey };
    const shop: Peer = { kind: 'shop', shop: number, ...keys, serial: 1n, notAfter: 1n << 63n };
    for (const peer of [OPERATOR, shop]) {
      const operation = RequestOperation.create_payment_orders;
      const { status, message } = await cash.submit({ operation, payload: order, count: 1, peer });
      expect(status).toBe(RequestStatus.not_permitted);
      expect(message).toMatch(/order 0: expected/);
    }
    expect(await reports(cash, [alice, order])).toEqual(['settled']);
  });
});

describe('a purse that cheats', () => {
  test('one number twice: a proof, the later one covered, the device blocked', async () => {
    const [alice, bob, carol] = [
      await openedPurse(cash),
      await openedPurse(cash, 0n),
      await openedPurse(cash, 0n),
    ];
    answerOf((await cash.credit(creditOf(alice.device, { amount: 500n })))[0]!);
    const shop = await openedShop(cash);
    expect((await payAll(cash, purchaseOf(alice.device, shop))).map(outcome)).toEqual(['paid']);
    const before = await offlineLoss(cash);
    const [one, other] = [handover(alice, bob, { amount: 900n }), handover(alice, carol, { amount: 800n })];
    expect(await reports(cash, [alice, one], [alice, other])).toEqual(['settled!', 'covered!']);
    expect(await reports(cash, [alice, other], [alice, one])).toEqual(['covered!', 'settled!']);
    expect(await owned(cash, carol.purse)).toBe(800n);
    expect((await offlineLoss(cash)) - before).toBe(800n);
    const { device } = alice.device;
    const { fraud } = answerOf(await cash.client().settleTransfer({ device, order: one }));
    expect(checkFraudProof(fraud!, CHECKS)).toEqual({ purse: alice.purse, kind: 'same_sequence' });
    expect((await payAll(cash, purchaseOf(alice.device, shop))).map(outcome)).toEqual([
      'rejected: orders_closed',
    ]);
    expect(await closes(cash, alice)).toBe('refused: purse_cheated');
    const { purses } = answerOf(await cash.client().deviceExposure({ device }));
    expect(purses).toMatchObject([
      {
        purse: alice.purse,
        state: 'cheated',
        allowance: 1_000n,
        settled: 900n,
        covered: 800n,
        coverMax: 1_000n,
      },
    ]);
  });

  test('totals that leave out an earlier payment; the same whichever comes first', async () => {
    for (const isReversed of [false, true]) {
      const [alice, bob] = [await openedPurse(cash), await openedPurse(cash, 0n)];
      const one = handover(alice, bob, { amount: 600n });
      const other = handover(alice, bob, { amount: 700n, sequence: 2n, total: 701n });
      const orders = isReversed ? [other, one] : [one, other];
      expect(await reports(cash, [alice, orders[0]!])).toEqual(['settled']);
      expect(await reports(cash, [alice, orders[1]!])).toEqual(['covered!']);
    }
  });

  test('what waited is covered too; beyond the cover it is disputed, until the purse gets something', async () => {
    const [alice, bob, carol] = [
      await openedPurse(cash, 500n),
      await openedPurse(cash, 0n),
      await openedPurse(cash, 1_000n),
    ];
    const orders = [
      handover(alice, bob, { amount: 400n }),
      handover(alice, bob, { amount: 300n, sequence: 2n, total: 700n }),
      handover(alice, bob, { amount: 350n, sequence: 3n, total: 1_050n }),
      handover(alice, bob, { amount: 150n }),
    ].map((order) => [alice, order] as const);
    expect(await reports(cash, ...orders.slice(0, 3))).toEqual(['settled', 'waiting', 'waiting']);
    const before = await offlineLoss(cash);
    // 150 and 300 are within the 500 that the operator pays; 350 is not.
    expect(await reports(cash, orders[3]!)).toEqual(['covered!']);
    expect(await reports(cash, ...orders)).toEqual([
      'settled!',
      'covered!',
      'disputed: cover_exhausted!',
      'covered!',
    ]);
    expect((await offlineLoss(cash)) - before).toBe(450n);
    expect(await reports(cash, [carol, pays(carol, alice, 300n)])).toEqual(['settled']);
    expect(await reports(cash, orders[2]!)).toEqual(['settled!']);
    expect(await owned(cash, bob.purse)).toBe(1_200n);
    expect(await owned(cash, alice.purse)).toBe(50n);
  });

  test('an order beyond the closing, before it and after it', async () => {
    const [alice, bob] = [await openedPurse(cash), await openedPurse(cash, 0n)];
    const order = pays(alice, bob, 100n);
    expect(await reports(cash, [alice, order])).toEqual(['settled']);
    expect(await closes(cash, alice)).toBe('closed: 900');
    const beyond = pays(alice, bob, 200n);
    expect(await reports(cash, [alice, beyond])).toEqual(['covered!']);
    const carol = await openedPurse(cash);
    const two = [pays(carol, bob, 100n), pays(carol, bob, 100n)].map((one) => [carol, one] as const);
    expect(await reports(cash, ...two)).toEqual(['settled', 'settled']);
    expect(await closes(cash, carol, { lastSequence: 1n, total: 100n })).toBe('refused: purse_cheated');
    expect(await reports(cash, two[0]!)).toEqual(['settled!']);
  });

  test('more orders than are kept: disputed, and the cover is not exceeded', async () => {
    const [alice, bob] = [await openedPurse(cash, 10n), await openedPurse(cash, 0n)];
    const orders = Array.from({ length: 260 }, () => [alice, handover(alice, bob, { amount: 1n })] as const);
    const before = await offlineLoss(cash);
    const answers = await reports(cash, ...orders);
    const count = (answer: string) => answers.filter((one) => one === answer).length;
    expect(count('covered!')).toBe(10);
    expect(count('settled!')).toBe(10);
    expect(count('disputed: cover_exhausted!')).toBe(236);
    expect(count('disputed: too_many_orders!')).toBe(4);
    expect((await offlineLoss(cash)) - before).toBe(10n);
  });
});

const text = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);
