// Refunds, captures and voids.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TransferCode } from '../../../src/roles/cash/accounts.ts';
import { ShopOrderAnswer } from '../../../src/roles/cash/messages.ts';
import { MemoryDisk, memoryRoleStore } from '../../store/memory-backend.ts';
import { funded, openedShop, outcome, payAll, purchaseOf, type TestShop } from './pay-support.ts';
import { earned, ordered, paid, shopOrder, told } from './shop-support.ts';
import {
  answerOf,
  BALANCE_MAX,
  creditOf,
  EUR,
  forged,
  keyPair,
  nextRequest,
  OPERATOR,
  TestCash,
  type TestDevice,
} from './support.ts';

let cash: TestCash;
let shop: TestShop;
let other: TestShop;
let alice: TestDevice;
beforeAll(async () => {
  cash = await TestCash.open();
  [shop, other] = [await openedShop(cash), await openedShop(cash)];
  alice = await funded(cash, 10_000n);
});
afterAll(() => cash.close());

const refund = (purchase: bigint, amount: bigint, by = shop) =>
  shopOrder(by, { action: 'refund', purchase, amount });
const capture = (purchase: bigint, amount: bigint) =>
  shopOrder(shop, { action: 'capture', purchase, amount });
const release = (purchase: bigint) => shopOrder(shop, { action: 'void', purchase });

describe('refunds', () => {
  test('the whole, to the device that has paid, without the shop naming it', async () => {
    const device = await funded(cash, 700n);
    const purchase = await paid(cash, device, shop, { amount: 700n });
    const order = refund(purchase, 700n);
    expect(await ordered(cash, order)).toEqual(['done: 700']);
    expect(await cash.balance(device)).toBe(700n);
    const [transfer] = await cash.ledger.lookupTransfers([order.document.request]);
    expect(transfer).toMatchObject({
      debitAccountId: shop.shop,
      creditAccountId: device.device,
      amount: 700n,
      userData128: purchase,
      code: TransferCode.refund,
      ledger: EUR,
    });
  });

  test('in parts, up to what was paid and no further', async () => {
    const purchase = await paid(cash, alice, shop, { amount: 100n });
    expect(await ordered(cash, refund(purchase, 60n))).toEqual(['done: 60']);
    expect(await ordered(cash, refund(purchase, 41n))).toEqual(['rejected: exceeds_payment']);
    expect(await ordered(cash, refund(purchase, 30n), refund(purchase, 10n))).toEqual([
      'done: 30',
      'done: 10',
    ]);
    expect(await ordered(cash, refund(purchase, 1n))).toEqual(['rejected: exceeds_payment']);
  });

  test('of one turn that together exceed it: those that come first count', async () => {
    const purchase = await paid(cash, alice, shop, { amount: 100n });
    const orders = [60n, 60n, 40n, 1n].map((amount) => refund(purchase, amount));
    expect(await ordered(cash, ...orders)).toEqual([
      'done: 60',
      'rejected: exceeds_payment',
      'done: 40',
      'rejected: exceeds_payment',
    ]);
  });

  test('that the shop cannot pay are rejected for good, and leave room for others', async () => {
    const poor = await openedShop(cash);
    const purchase = await paid(cash, alice, poor, { amount: 100n });
    const elsewhere = await paid(cash, alice, poor, { amount: 5n });
    await cash.ledger.createTransfers([
      {
        id: nextRequest(),
        debitAccountId: poor.shop,
        creditAccountId: 978003n,
        amount: 45n,
        ledger: EUR,
        code: TransferCode.payout,
      },
    ]);
    const order = refund(purchase, 100n, poor);
    expect(await ordered(cash, order)).toEqual(['rejected: exceeds_credits']);
    await paid(cash, alice, poor, { amount: 500n });
    expect(await ordered(cash, order)).toEqual(['rejected: exceeds_credits']);
    expect(await ordered(cash, refund(purchase, 100n, poor))).toEqual(['done: 100']);
    expect(await ordered(cash, refund(elsewhere, 5n, poor))).toEqual(['done: 5']);
  });

  test('that would bring the device above its bound are rejected', async () => {
    const device = await funded(cash, BALANCE_MAX);
    const purchase = await paid(cash, device, shop, { amount: 50n });
    answerOf((await cash.credit(creditOf(device, { amount: 30n })))[0]!);
    expect(await ordered(cash, refund(purchase, 21n))).toEqual(['rejected: exceeds_credit_limit']);
    expect(await ordered(cash, refund(purchase, 20n))).toEqual(['done: 20']);
  });
});

describe('authorisations', () => {
  const reserved = (amount: bigint, timeoutSeconds = 3600) =>
    paid(cash, alice, shop, { amount, timeoutSeconds });

  test('a capture of a part takes that and releases the rest', async () => {
    const before = [await cash.balance(alice), await earned(cash, shop)];
    const purchase = await reserved(100n);
    const order = capture(purchase, 70n);
    expect(await ordered(cash, order)).toEqual(['done: 70']);
    expect([await cash.balance(alice), await earned(cash, shop)]).toEqual([
      before[0]! - 70n,
      before[1]! + 70n,
    ]);
    expect(await ordered(cash, capture(purchase, 30n), release(purchase))).toEqual([
      'rejected: pending_transfer_already_posted',
      'rejected: pending_transfer_already_posted',
    ]);
  });

  test('no more than is reserved is captured', async () => {
    const purchase = await reserved(100n);
    expect(await ordered(cash, capture(purchase, 101n))).toEqual([
      'rejected: exceeds_pending_transfer_amount',
    ]);
    expect(await ordered(cash, capture(purchase, 100n))).toEqual(['done: 100']);
  });

  test('a void releases all, and says how much', async () => {
    const before = await cash.balance(alice);
    const purchase = await reserved(100n);
    expect(await ordered(cash, release(purchase))).toEqual(['done: 100']);
    expect(await cash.balance(alice)).toBe(before);
    expect(await ordered(cash, capture(purchase, 1n), release(purchase), refund(purchase, 1n))).toEqual([
      'rejected: pending_transfer_already_voided',
      'rejected: pending_transfer_already_voided',
      'rejected: purchase_not_paid',
    ]);
  });

  test('of a capture and a void that race one is done', async () => {
    const purchase = await reserved(100n);
    expect(await ordered(cash, capture(purchase, 40n), release(purchase))).toEqual([
      'done: 40',
      'rejected: pending_transfer_already_posted',
    ]);
  });

  test('refunds go up to what was captured, and there are none before', async () => {
    const purchase = await reserved(100n);
    expect(await ordered(cash, refund(purchase, 1n))).toEqual(['rejected: purchase_not_paid']);
    expect(await ordered(cash, capture(purchase, 40n))).toEqual(['done: 40']);
    expect(await ordered(cash, refund(purchase, 41n), refund(purchase, 40n))).toEqual([
      'rejected: exceeds_payment',
      'done: 40',
    ]);
  });

  test('what posts an authorisation is no purchase of its own', async () => {
    const purchase = await reserved(100n);
    const order = capture(purchase, 40n);
    await ordered(cash, order);
    expect(await ordered(cash, refund(order.document.request, 1n))).toEqual(['rejected: purchase_unknown']);
  });

  test('a sale is neither captured nor voided', async () => {
    const purchase = await paid(cash, alice, shop, { amount: 10n });
    expect(await ordered(cash, capture(purchase, 10n), release(purchase))).toEqual([
      'rejected: purchase_not_reserved',
      'rejected: purchase_not_reserved',
    ]);
  });
});

describe('rules', () => {
  const good = async () => refund(await paid(cash, alice, shop, { amount: 10n }), 10n);

  test('of the message', async () => {
    const order = await good();
    const { document } = order;
    const cases: [string, Partial<typeof document>][] = [
      ['refused: malformed', { amount: 0n }],
      ['refused: malformed', { action: 'void' }],
      ['refused: malformed', { request: document.purchase }],
      ['refused: malformed', { request: 0n }],
      ['refused: malformed', { currency: 0 }],
      ['refused: amount_too_large', { amount: 1n << 64n }],
      ['refused: shop_unknown', { shop: 77n << 64n }],
      ['refused: currency_not_offered', { currency: 756 }],
      ['rejected: expired', { applyBy: 5n }],
      ['rejected: purchase_unknown', { purchase: nextRequest() }],
    ];
    const orders = cases.map(([, changes]) =>
      shopOrder(shop, { ...document, request: nextRequest(), ...changes }),
    );
    expect(await ordered(cash, ...orders)).toEqual(cases.map(([expected]) => expected));
    expect(await ordered(cash, order)).toEqual(['done: 10']);
  });

  test('of signatures', async () => {
    const order = await good();
    const stranger = shopOrder({ ...shop, key: keyPair(9) }, order.document);
    expect(await ordered(cash, { ...order, signature: forged(order.signature) }, stranger)).toEqual([
      'refused: signature_invalid',
      'refused: signature_invalid',
    ]);
    expect(await ordered(cash, order)).toEqual(['done: 10']);
  });

  test("another shop's purchase is unknown to this one, and so is whatever is no purchase", async () => {
    const order = await good();
    const { purchase, request } = order.document;
    await ordered(cash, order);
    expect(await ordered(cash, refund(purchase, 1n, other), refund(request, 1n))).toEqual([
      'rejected: purchase_unknown',
      'rejected: purchase_unknown',
    ]);
  });

  test('a rejection stands when what was missing is there', async () => {
    const purchase = nextRequest();
    const order = refund(purchase, 5n);
    expect(await ordered(cash, order)).toEqual(['rejected: purchase_unknown']);
    await cash.ledger.createTransfers([
      {
        id: purchase,
        debitAccountId: alice.device,
        creditAccountId: shop.shop,
        amount: 5n,
        ledger: EUR,
        code: TransferCode.payment,
      },
    ]);
    expect(await ordered(cash, order)).toEqual(['rejected: purchase_unknown']);
    expect(await ordered(cash, refund(purchase, 5n))).toEqual(['done: 5']);
  });

  test('an id that the ledger has otherwise', async () => {
    const purchase = await paid(cash, alice, shop, { amount: 10n });
    const taken = await paid(cash, alice, shop, { amount: 10n });
    const order = shopOrder(shop, { action: 'refund', purchase, amount: 10n, request: taken });
    expect((await ordered(cash, order))[0]).toMatch(/^rejected: exists_with_different_/);
    expect(await ordered(cash, refund(purchase, 10n))).toEqual(['done: 10']);
  });

  test('operators may not order', async () => {
    const order = await good();
    const result = await cash.client(OPERATOR).shopOrder({ order });
    expect(told(result, order)).toBe('refused: not_permitted');
  });
});

test('the same order, at once and later: the same bytes; another under its id: request_differs', async () => {
  const purchase = await paid(cash, alice, shop, { amount: 100n });
  const order = refund(purchase, 30n);
  const client = cash.client();
  const results = await Promise.all([1, 2, 3].map(() => client.shopOrder({ order })));
  results.push(await client.shopOrder({ order }));
  const bytes = results.map((result) =>
    Buffer.from(ShopOrderAnswer.encode(answerOf(result))).toString('hex'),
  );
  expect(new Set(bytes).size).toBe(1);
  const changed = shopOrder(shop, { ...order.document, amount: 31n });
  expect(await ordered(cash, changed)).toEqual(['refused: request_differs']);
  expect(await ordered(cash, refund(purchase, 70n), refund(purchase, 1n))).toEqual([
    'done: 70',
    'rejected: exceeds_payment',
  ]);
});

test('operators look orders up', async () => {
  const purchase = await paid(cash, alice, shop, { amount: 100n });
  const orders = [refund(purchase, 90n), refund(purchase, 20n)];
  await ordered(cash, ...orders);
  const reports = await Promise.all(
    orders.map(({ document }) => cash.client(OPERATOR).lookupRequest(document.request)),
  );
  expect(reports.map((result) => answerOf(result).report)).toMatchObject([
    {
      kind: 'refund',
      state: 'done',
      amount: 90n,
      currency: EUR,
      history: [{ state: 'booking' }, { state: 'done' }],
    },
    { kind: 'refund', state: 'rejected', detail: expect.stringMatching(/exceeds_payment$/) },
  ]);
});

test('an order that was rejected under the id of a payment does not hide the payment', async () => {
  const request = nextRequest();
  const squatter = shopOrder(shop, { action: 'refund', purchase: nextRequest(), amount: 1n, request });
  expect(await ordered(cash, squatter)).toEqual(['rejected: purchase_unknown']);
  const lookUp = async () => answerOf(await cash.client(OPERATOR).lookupRequest(request)).report;
  expect(await lookUp()).toMatchObject({ kind: 'refund', state: 'rejected' });
  const [result] = await payAll(cash, purchaseOf(alice, shop, { id: request, amount: 3n }));
  expect(outcome(result!)).toBe('paid');
  expect(await lookUp()).toMatchObject({ kind: 'payment', state: 'paid', amount: 3n });
});

test('an order that a crash has left half done is finished at the start, and counts once', async () => {
  const disk = new MemoryDisk();
  const { path, ledger } = cash;
  const first = await TestCash.open({
    path,
    ledger,
    store: memoryRoleStore(disk),
    // The ledger has booked it; that it has is never written.
    trace: (point) => {
      if (point === 'after_effect') disk.crash();
    },
  });
  const till = await openedShop(first);
  const device = await funded(first, 100n);
  const purchase = await paid(first, device, till, { amount: 100n });
  const order = refund(purchase, 60n, till);
  void first.client().shopOrder({ order });
  while (disk.life === 0) await new Promise((resolve) => setTimeout(resolve, 5));

  const second = await TestCash.open({ path, ledger, store: memoryRoleStore(disk) });
  expect(await ordered(second, refund(purchase, 41n, till))).toEqual(['rejected: exceeds_payment']);
  expect(await ordered(second, order, refund(purchase, 40n, till))).toEqual(['done: 60', 'done: 40']);
  expect(await second.balance(device)).toBe(100n);
  expect(await earned(second, till)).toBe(0n);
  await second.cash.close();
});

test('while the ledger takes nothing the order waits, and its amount is held', async () => {
  const purchase = await paid(cash, alice, shop, { amount: 100n });
  const { createTransfers } = cash.ledger;
  let isStalled = true;
  cash.ledger.createTransfers = function (this: never, ...args: never[]) {
    if (isStalled) return Promise.reject(new Error('stalled'));
    return (createTransfers as (...args: never[]) => never).apply(this, args);
  } as never;
  const order = refund(purchase, 60n);
  const waiting = ordered(cash, order);
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(await ordered(cash, refund(purchase, 50n))).toEqual(['rejected: exceeds_payment']);
  isStalled = false;
  expect(await waiting).toEqual(['done: 60']);
  cash.ledger.createTransfers = createTransfers;
});
