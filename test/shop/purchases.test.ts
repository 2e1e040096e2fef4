// Purchases through a shop, from the customer's order to cash's receipt: what is answered, kept, asked again, distrusted.
import { describe, expect, test } from 'vitest';
import { sha256 } from '../../src/crypto/index.ts';
import { generateKeyPair } from '../../src/identity/new-key-set.ts';
import { Refusal } from '../../src/roles/common/refusal.ts';
import { purchaseReference } from '../../src/roles/documents/purchase.ts';
import { seededBytes } from '../identity/support.ts';
import {
  type Fate,
  order,
  paymentReceipt,
  paymentRejection,
  reservation,
  Stage,
  sealedPayment,
} from './support.ts';

const PAID = { kind: 'ok', answer: { kind: 'paid' } };

describe('a purchase', () => {
  test('is forwarded, paid, written down, and answered with the receipt of cash', async () => {
    const stage = new Stage();
    const sales: bigint[] = [];
    stage.shop.onSale(({ purchase }) => void sales.push(purchase));
    const asked = order(1n);
    const [result] = await stage.buy(asked);
    const reference = purchaseReference(asked.terms, sha256);
    expect(result).toMatchObject({
      kind: 'ok',
      answer: { kind: 'paid', receipt: { document: { request: 1n, reference } } },
    });
    const { number, payment } = asked;
    expect(stage.management.frames).toEqual([
      [
        {
          request: 1n,
          kind: 'sale',
          amount: 780n,
          currency: 978,
          expiresAt: asked.terms.expiresAt,
          reference,
          number,
          payment,
        },
      ],
    ]);
    expect(stage.shop.sale(1n)).toMatchObject({ purchase: 1n, till: '', state: 'paid', amount: 780n });
    expect(stage.shop.sales()).toMatchObject([{ number: 1n, purchase: 1n }]);
    expect(stage.shop.totals(stage.clock()).sales).toEqual({ count: 1, amount: 780n });
    expect(sales).toEqual([1n]);
    expect(stage.shop.open).toEqual({ purchases: 0, orders: 0, offers: 0 });
  });

  test('is one of many: what comes while frames are under way is the next frame', async () => {
    const stage = new Stage();
    stage.management.latencyMs = 50;
    const first = stage.buy(order(1n));
    const rest: Promise<unknown>[] = [];
    for (let request = 2n; request <= 60n; request++) {
      stage.world.setTimer(() => void rest.push(stage.buy(order(request))), Number(request));
    }
    await first;
    await stage.pause(400);
    await stage.settle(Promise.all(rest));
    const sizes = stage.management.frames.map(({ length }) => length);
    expect(sizes[0]).toBe(1);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(60);
    expect(sizes.length).toBeLessThan(15);
    expect(stage.shop.sales().length).toBe(60);
    expect(stage.shop.totals(stage.clock()).sales).toEqual({ count: 60, amount: 60n * 780n });
  });

  test('a batch of a turn is one frame and two writes', async () => {
    const stage = new Stage();
    const before = stage.disk.flushes;
    const results = await stage.buy(...Array.from({ length: 100 }, (_, i) => order(BigInt(i + 1))));
    expect(results).toMatchObject(Array(100).fill(PAID));
    expect(stage.management.frames.length).toBe(1);
    expect(stage.disk.flushes - before).toBe(2);
  });

  test('an authorisation is reserved', async () => {
    const stage = new Stage();
    await stage.buy(reservation(1n));
    expect(stage.shop.sale(1n)).toMatchObject({ state: 'reserved', kind: 'authorisation' });
    expect(stage.shop.totals(stage.clock())).toMatchObject({
      sales: { count: 0 },
      authorisations: { count: 1, amount: 780n },
    });
  });

  test('that cash rejects is rejected for good', async () => {
    const stage = new Stage();
    stage.management.script.pay = (request) => ({ kind: 'rejected', rejection: paymentRejection(request) });
    const first = await stage.buy(order(1n));
    expect(first).toMatchObject([
      { kind: 'ok', answer: { kind: 'rejected', rejection: { document: { request: 1n } } } },
    ]);
    stage.management.script = {};
    stage.crash();
    await stage.pause(500);
    expect(await stage.buy(order(1n))).toEqual(first);
    expect(stage.shop.sale(1n)).toBeUndefined();
    expect(stage.shop.sales()).toEqual([]);
    expect(stage.shop.totals(stage.clock())).toMatchObject({ rejected: 1, sales: { count: 0 } });
    expect(stage.management.frames.length).toBe(1);
  });

  test('that management refuses is refused with its code, and leaves nothing behind', async () => {
    const stage = new Stage();
    stage.management.script.pay = () => new Refusal('number_seal_invalid', 'device 123 …');
    expect(await stage.buy(order(1n))).toEqual([
      { kind: 'ok', answer: { kind: 'refused', code: 'number_seal_invalid' } },
    ]);
    expect(stage.disk.records.size).toBe(0);
    stage.management.script = {};
    expect(await stage.buy(order(1n))).toMatchObject([PAID]);
  });

  test('that management refuses after a silence stays on file: its receipt may still come', async () => {
    const stage = new Stage();
    stage.management.script.pay = (_, count) =>
      count === 1 ? 'lost' : count === 2 ? new Refusal('device_revoked', '') : undefined;
    expect(await stage.bought(order(1n))).toEqual({ kind: 'refused', code: 'device_revoked' });
    expect(stage.management.paid.size).toBe(1);
    expect(await stage.buy(order(1n, {}, { payment: sealedPayment(2) }))).toMatchObject([
      { kind: 'refused', refusal: { code: 'request_differs' } },
    ]);
    stage.crash();
    await stage.pause(500);
    // Its price and its time do not count again.
    await stage.pause(700_000);
    expect(await stage.buy(order(1n))).toMatchObject([PAID]);
    expect(stage.shop.sale(1n)).toBeDefined();
  });
});

describe('asked again', () => {
  test('the same bytes get the same answer, at once, later, and after a restart', async () => {
    const stage = new Stage();
    const [first, copy] = await stage.buy(order(1n), order(1n));
    expect(copy).toEqual(first);
    expect(await stage.buy(order(1n))).toEqual([first]);
    stage.crash();
    await stage.pause(500);
    expect(await stage.buy(order(1n))).toEqual([first]);
    expect(stage.management.frames.flat().length).toBe(1);
    expect(stage.shop.totals(stage.clock()).sales.count).toBe(1);
  });

  test.each([
    [
      'another amount',
      order(1n, { amount: 280n, articles: [{ article: 'coffee', quantity: 1, price: 280n }] }),
    ],
    ['another payment', order(1n, {}, { payment: sealedPayment(2) })],
    ['another salt', order(1n, { salt: new Uint8Array(32).fill(9) })],
  ])(
    '%s under the same request differs: in one turn, while it is open, when it is paid',
    async (_, other) => {
      const stage = new Stage();
      const differs = { kind: 'refused', refusal: { code: 'request_differs' } };
      const both = stage.buy(order(1n), other);
      stage.world.setTimer(() => {}, 1);
      const during = (async () => stage.buy(other))();
      expect(await both).toMatchObject([PAID, differs]);
      expect(await stage.settle(during)).toMatchObject([differs]);
      expect(await stage.buy(other)).toMatchObject([differs]);
    },
  );

  test('while it is under way: pending, and then the end', async () => {
    const stage = new Stage();
    stage.management.script.pay = (_, count) =>
      count < 8 ? { kind: 'pending', state: 'asking_cash' } : undefined;
    expect(await stage.buy(order(1n))).toEqual([
      { kind: 'ok', answer: { kind: 'pending', state: 'asking_cash' } },
    ]);
    expect(await stage.bought(order(1n))).toMatchObject({ kind: 'paid' });
    expect(stage.management.counts.get(1n)).toBe(8);
  });

  test('no more than some wait for one purchase', async () => {
    const stage = new Stage();
    stage.management.script.pay = (_, count) => (count < 4 ? 'silence' : undefined);
    const results = await stage.buy(...Array.from({ length: 12 }, () => order(1n)));
    expect(results.filter(({ kind }) => kind === 'unknown').length).toBe(4);
  });
});

describe('what is not right is never taken as paid', () => {
  const stranger = generateKeyPair('signing', seededBytes(77));
  test.each([
    ['another request', { request: 2n }, 'receipt_of_other_request'],
    ['another shop', { shop: 2n }, 'receipt_of_other_shop'],
    ['another amount', { amount: 779n }, 'receipt_of_other_amount'],
    ['another currency', { currency: 840 }, 'receipt_of_other_currency'],
    ['other terms', { reference: new Uint8Array(32) }, 'receipt_of_other_reference'],
    ['a reservation', { kind: 'reserved' as const }, 'receipt_of_other_kind'],
    ['a key that nobody knows', { keyId: new Uint8Array(8) }, 'receipt_of_unknown_key'],
  ])('a receipt of %s', async (_, change, problem) => {
    const stage = new Stage();
    stage.management.script.pay = (request, count) =>
      count === 1 ? { kind: 'paid', receipt: paymentReceipt(request, change) } : 'silence';
    const [result] = await stage.buy(order(1n));
    expect(result).toMatchObject({ kind: 'ok', answer: { kind: 'pending' } });
    expect(stage.shop.sale(1n)).toBeUndefined();
    expect(stage.log).toMatchObject([{ fields: { request: '1', problem } }]);
    expect(stage.shop.engine.health()).toMatchObject({ status: 'degraded', detail: { distrusted: 1 } });
    expect(stage.misses).toBe(problem === 'receipt_of_unknown_key' ? 1 : 0);
    stage.management.script = {};
    expect(await stage.bought(order(1n))).toMatchObject({ kind: 'paid' });
    expect(stage.shop.engine.health().status).toBe('ok');
  });

  test.each([
    [
      'receipt',
      (request: Parameters<typeof paymentReceipt>[0]) => ({
        kind: 'paid' as const,
        receipt: paymentReceipt(request, { keyId: paymentReceipt(request).document.keyId }, stranger),
      }),
    ],
    [
      'rejection',
      (request: Parameters<typeof paymentReceipt>[0]) => ({
        kind: 'rejected' as const,
        rejection: paymentRejection(request, { keyId: paymentReceipt(request).document.keyId }, stranger),
      }),
    ],
    [
      'rejection of another',
      (request: Parameters<typeof paymentReceipt>[0]) => ({
        kind: 'rejected' as const,
        rejection: paymentRejection(request, { request: 5n }),
      }),
    ],
    [
      'rejection of an order at another shop',
      (request: Parameters<typeof paymentReceipt>[0]) => ({
        kind: 'rejected' as const,
        rejection: paymentRejection(request, { shop: 5n }),
      }),
    ],
    [
      'rejection of an order of another amount',
      (request: Parameters<typeof paymentReceipt>[0]) => ({
        kind: 'rejected' as const,
        rejection: paymentRejection(request, { amount: 5n }),
      }),
    ],
    [
      'rejection of an order in another currency',
      (request: Parameters<typeof paymentReceipt>[0]) => ({
        kind: 'rejected' as const,
        rejection: paymentRejection(request, { currency: 5 }),
      }),
    ],
    [
      'rejection of an order of other terms',
      (request: Parameters<typeof paymentReceipt>[0]) => ({
        kind: 'rejected' as const,
        rejection: paymentRejection(request, { reference: new Uint8Array(32).fill(5) }),
      }),
    ],
  ])(
    'a %s that cash has not signed of this purchase; and the good ones of its batch stand',
    async (_, forged) => {
      const stage = new Stage();
      stage.management.script.pay = (request, count) =>
        request.request === 2n && count < 3 ? forged(request) : undefined;
      const results = stage.buy(order(1n), order(2n), order(3n));
      expect(await results).toMatchObject([PAID, PAID, PAID]);
      expect(stage.management.counts.get(2n)).toBe(3);
      expect(stage.management.counts.get(1n)).toBe(1);
    },
  );
});

describe('however it ends in between', () => {
  const run = async (fate: Fate): Promise<Stage> => {
    const stage = new Stage(fate);
    for (const request of [1n, 2n]) {
      expect(await stage.bought(order(request))).toMatchObject({
        kind: 'paid',
        receipt: { document: { request } },
      });
    }
    stage.management.script.pay = (request) => ({ kind: 'rejected', rejection: paymentRejection(request) });
    expect(await stage.bought(order(3n))).toMatchObject({ kind: 'rejected' });
    return stage;
  };

  test.each(['lost', 'flushed'] as const)(
    'at each step (%s): every purchase once, with its outcome',
    async (how) => {
      const { steps } = await run(() => 'lives');
      expect(steps).toBe(12);
      for (let at = 1; at <= steps; at++) {
        const stage = await run((_, number) => (number === at ? how : 'lives'));
        expect(stage.crashes).toBe(1);
        expect([...stage.management.paid.keys()]).toEqual([1n, 2n]);
        expect(stage.shop.sales().map(({ purchase }) => purchase)).toEqual([1n, 2n]);
        expect(stage.shop.totals(stage.clock())).toMatchObject({ sales: { count: 2 }, rejected: 1 });
        expect(stage.shop.open.purchases).toBe(0);
      }
    },
  );

  test('nothing is forwarded that is not on the disk', async () => {
    let seen: unknown;
    const stage: Stage = new Stage((step) => {
      if (step === 'asked') seen = stage.disk.records.size;
      return 'lives';
    });
    await stage.buy(order(1n));
    // Itself, and that it is open.
    expect(seen).toBe(2);
  });

  test('what was open goes on by itself after a restart, though no customer asks', async () => {
    const stage = new Stage((step, number) => (step === 'asked' && number === 2 ? 'flushed' : 'lives'));
    void stage.buy(order(1n)).catch(() => {});
    await stage.pause(2_000);
    expect(stage.shop.sale(1n)).toMatchObject({ state: 'paid' });
  });

  test('a full disk: nothing is forwarded, and the customer hears it', async () => {
    const stage = new Stage();
    stage.disk.isFull = true;
    expect(await stage.buy(order(1n))).toMatchObject([
      { kind: 'unknown', reason: expect.stringContaining('storage_full') },
    ]);
    expect(stage.management.frames).toEqual([]);
    stage.disk.isFull = false;
    expect(await stage.buy(order(1n))).toMatchObject([PAID]);
  });

  test('a disk that fills between payment and outcome: asked again when there is room', async () => {
    const stage = new Stage((step) => {
      if (step === 'answered') stage.disk.isFull = stage.management.frames.length < 3;
      return 'lives';
    });
    expect(await stage.bought(order(1n))).toMatchObject({ kind: 'paid' });
    expect(stage.management.frames.length).toBe(3);
    expect(stage.shop.totals(stage.clock()).sales.count).toBe(1);
  });
});

test('many at once: they go in frames that management takes, all of them', async () => {
  const stage = new Stage();
  stage.start();
  const results = await stage.buy(...Array.from({ length: 300 }, (_, i) => order(BigInt(i + 1))));
  expect(results).toMatchObject(Array(300).fill({ answer: { kind: 'paid' } }));
  expect(stage.management.frames.map((frame) => frame.length)).toEqual([
    expect.any(Number),
    expect.any(Number),
    expect.any(Number),
  ]);
});

test('so many are open at once, and no more; those who come later hear it', async () => {
  const stage = new Stage();
  stage.start({ purchasesOpenMax: 64 });
  stage.management.script.pay = (_, count) => (count < 9 ? 'silence' : undefined);
  const first = await stage.buy(...Array.from({ length: 65 }, (_, i) => order(BigInt(i + 1))));
  expect(first.slice(0, 64)).toMatchObject(Array(64).fill({ answer: { kind: 'pending' } }));
  expect(first[64]).toMatchObject({ kind: 'unknown', reason: expect.stringContaining('busy') });
  expect(stage.shop.open.purchases).toBe(64);
  expect(await stage.bought(order(65n))).toMatchObject({ kind: 'paid' });
});
