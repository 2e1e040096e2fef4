// What tills do: charges that customers pay, refunds, captures, voids.
import { describe, expect, test } from 'vitest';
import { ed25519 } from '../../src/crypto/index.ts';
import { generateKeyPair } from '../../src/identity/new-key-set.ts';
import { Refusal } from '../../src/roles/common/refusal.ts';
import { ShopOrder } from '../../src/roles/documents/payment-receipts.ts';
import { decodeShopCard } from '../../src/roles/documents/shop-card.ts';
import { seededBytes } from '../identity/support.ts';
import {
  line,
  order,
  orderReceipt,
  orderRejection,
  paymentRejection,
  reservation,
  Stage,
  shopKeys,
} from './support.ts';

const coffee = [{ article: 'coffee', quantity: 2 }, { article: 'tea' }];
const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error) => error,
  );

const MINUTES_5 = 300n * 1_000_000_000n;

describe('a charge', () => {
  test('is paid by whoever brings its code', async () => {
    const stage = new Stage();
    stage.terms = { ...stage.terms, selfService: false };
    const charge = stage.shop.till('7').charge(coffee);
    expect(charge).toMatchObject({ amount: 780n, code: expect.stringMatching(/^[2-9A-Z]{6}$/) });
    expect(decodeShopCard(charge.uri).offer).toBe(charge.code);
    expect(await stage.call('get_offer', { code: charge.code })).toMatchObject({
      kind: 'ok',
      answer: { amount: 780n, articles: [line('coffee', 2), line('tea')], names: ['Coffee', 'Tea'] },
    });
    await stage.buy(order(1n, {}, { offer: charge.code }));
    expect(await stage.settle(charge.paid)).toMatchObject({ purchase: 1n, till: '7', state: 'paid' });
    expect(await stage.call('get_offer', { code: charge.code })).toMatchObject({
      refusal: { code: 'offer_unknown' },
    });
  });

  test('is paid once: two customers at once', async () => {
    const stage = new Stage();
    const charge = stage.shop.till('7').charge(coffee);
    const results = await stage.buy(
      order(1n, {}, { offer: charge.code }),
      order(2n, {}, { offer: charge.code }),
    );
    expect(results).toMatchObject([{ answer: { kind: 'paid' } }, { refusal: { code: 'offer_taken' } }]);
  });

  test('stands again when the purchase comes to nothing', async () => {
    const stage = new Stage();
    const charge = stage.shop.till('7').charge(coffee);
    stage.management.script.pay = (request) =>
      request.request === 1n ? { kind: 'rejected', rejection: paymentRejection(request) } : undefined;
    await stage.buy(order(1n, {}, { offer: charge.code }));
    await stage.buy(order(2n, {}, { offer: charge.code }));
    expect(await stage.settle(charge.paid)).toMatchObject({ purchase: 2n });
  });

  test('ends when nobody pays it, and not while somebody does', async () => {
    const stage = new Stage();
    const [late, paying] = [stage.shop.till('7').charge(coffee), stage.shop.till('7').charge(coffee)];
    stage.management.script.pay = (_, count) => (count < 20 ? 'silence' : undefined);
    void stage.buy(order(1n, { expiresAt: late.expiresAt + MINUTES_5 }, { offer: paying.code }));
    expect(await stage.settle(failure(late.paid))).toMatchObject({ code: 'offer_expired' });
    expect(() => paying.cancel()).toThrow(expect.objectContaining({ code: 'wrong_state' }));
    expect(await stage.settle(paying.paid)).toMatchObject({ purchase: 1n });
  });

  test('is held by nobody longer than until his order expires: then another pays it', async () => {
    const stage = new Stage();
    const charge = stage.shop.till('7').charge(coffee, { seconds: 1_000 });
    stage.management.script.pay = ({ request }) =>
      request === 1n ? new Refusal('busy', 'later') : undefined;
    void stage.buy(order(1n, { expiresAt: stage.clock() + MINUTES_5 }, { offer: charge.code }));
    await stage.pass(299_000);
    expect(await stage.buy(order(2n, {}, { offer: charge.code }))).toMatchObject([
      { refusal: { code: 'offer_taken' } },
    ]);
    await stage.pass(2_000);
    await stage.buy(order(2n, {}, { offer: charge.code }));
    expect(await stage.settle(charge.paid)).toMatchObject({ purchase: 2n });
  });

  test('that was released turns out paid after all: it is paid, if nobody else pays it', async () => {
    const stage = new Stage();
    const charge = stage.shop.till('7').charge(coffee, { seconds: 1_000 });
    stage.management.script.pay = (_, count) => (count < 20 ? 'silence' : undefined);
    void stage.buy(order(1n, { expiresAt: stage.clock() + MINUTES_5 }, { offer: charge.code }));
    const since = stage.clock();
    expect(await stage.settle(charge.paid)).toMatchObject({ purchase: 1n });
    expect(stage.clock()).toBeGreaterThan(since + MINUTES_5);
  });

  test('can be taken back', async () => {
    const stage = new Stage();
    const charge = stage.shop.till('7').charge(coffee);
    charge.cancel();
    expect(await failure(charge.paid)).toMatchObject({ code: 'offer_cancelled' });
    expect(await stage.buy(order(1n, {}, { offer: charge.code }))).toMatchObject([
      { refusal: { code: 'offer_unknown' } },
    ]);
  });

  test('that was pushed outlives the shop, and stays that till’s', async () => {
    const stage = new Stage((step, number) => (step === 'asked' && number === 2 ? 'flushed' : 'lives'));
    const charge = stage.shop.till('7').charge(coffee);
    expect(await stage.bought(order(1n, {}, { offer: charge.code }))).toMatchObject({ kind: 'paid' });
    expect(stage.shop.sale(1n)).toMatchObject({ till: '7' });
  });

  test.each([
    ['nothing', [], 'invalid_argument'],
    ['an unknown article', [{ article: 'gold' }], 'article_unknown'],
    ['no number', [{ article: 'tea', quantity: 1.5 }], 'invalid_argument'],
    ['none', [{ article: 'tea', quantity: 0 }], 'invalid_argument'],
    ['a price of nothing', [{ article: 'repair', price: '0' }], 'invalid_argument'],
    ['half a cent', [{ article: 'repair', price: '0.005' }], 'invalid_argument'],
    ['a text too long', [{ article: 'x'.repeat(33), price: '1' }], 'invalid_argument'],
    ['more than there is', [{ article: 'repair', price: 2n ** 128n - 1n, quantity: 2 }], 'invalid_argument'],
  ])('of %s is refused', (_, lines, code) => {
    expect(() => new Stage().shop.till('1').charge(lines)).toThrow(expect.objectContaining({ code }));
  });
});

describe('a refund', () => {
  const paid = async (fate?: ConstructorParameters<typeof Stage>[0]) => {
    const stage = new Stage(fate);
    await stage.bought(order(1n));
    return stage;
  };

  test('is signed by the shop, proven by cash, and counted', async () => {
    const stage = await paid();
    const till = stage.shop.till('2');
    expect(await stage.settle(till.refund(1n, '2.80'))).toMatchObject({
      action: 'refund',
      purchase: 1n,
      amount: 280n,
    });
    expect(await stage.settle(till.refund(1n))).toMatchObject({ amount: 500n });
    expect(stage.shop.sale(1n)).toMatchObject({ refunded: 780n, state: 'paid' });
    expect(stage.shop.totals(stage.clock())).toMatchObject({ refunds: { count: 2, amount: 780n } });
    expect(stage.shop.dayBook().map(({ kind, amount, till }) => [kind, amount, till])).toEqual([
      ['sale', 780n, ''],
      ['refund', 280n, '2'],
      ['refund', 500n, '2'],
    ]);
    for (const { document, signature } of stage.management.orders) {
      expect(ed25519.verify(shopKeys.signing.publicKey, ShopOrder.signedBytes(document), signature)).toBe(
        true,
      );
    }
  });

  test.each([
    ['more than was paid', '7.81', 'exceeds_rest'],
    ['nothing', '0', 'exceeds_rest'],
    ['no amount', 'all', 'invalid_argument'],
  ])('of %s is not even sent', async (_, amount, code) => {
    const stage = await paid();
    expect(await failure(stage.shop.till('2').refund(1n, amount))).toMatchObject({ code });
    expect(stage.management.done.size).toBe(0);
  });

  test('of what nobody bought, or what was rejected', async () => {
    const stage = await paid();
    stage.management.script.pay = (request) => ({ kind: 'rejected', rejection: paymentRejection(request) });
    await stage.buy(order(2n));
    for (const purchase of [2n, 3n]) {
      expect(await failure(stage.shop.till('2').refund(purchase))).toMatchObject({
        code: 'purchase_unknown',
      });
    }
  });

  test('of two tills at once: no more than was paid', async () => {
    const stage = await paid();
    const both = Promise.allSettled([
      stage.shop.till('1').refund(1n, '5'),
      stage.shop.till('2').refund(1n, '5'),
    ]);
    const [first, second] = await stage.settle(both);
    expect(first).toMatchObject({ status: 'fulfilled' });
    expect(second).toMatchObject({ status: 'rejected', reason: { code: 'exceeds_rest' } });
  });

  test('that cash rejects changes nothing, and frees the rest', async () => {
    const stage = await paid();
    stage.management.script.order = ({ order }) => ({ kind: 'rejected', rejection: orderRejection(order) });
    expect(await stage.settle(failure(stage.shop.till('2').refund(1n)))).toMatchObject({
      code: 'refused',
      message: expect.stringContaining('exceeds_paid'),
    });
    stage.management.script = {};
    expect(await stage.settle(stage.shop.till('2').refund(1n))).toMatchObject({ amount: 780n });
  });

  test('that management refuses at once frees the rest; after a silence it does not', async () => {
    const stage = await paid();
    stage.management.script.order = () => new Refusal('shop_closed', '');
    expect(await stage.settle(failure(stage.shop.till('2').refund(1n, '1')))).toMatchObject({
      code: 'refused',
    });
    stage.management.script.order = (_, count) => (count === 1 ? 'lost' : new Refusal('shop_closed', ''));
    expect(await stage.settle(failure(stage.shop.till('2').refund(1n, '5')))).toMatchObject({
      code: 'refused',
    });
    stage.crash();
    await stage.pause(500);
    stage.management.script = {};
    expect(await failure(stage.shop.till('2').refund(1n, '5'))).toMatchObject({ code: 'exceeds_rest' });
    expect(await stage.settle(stage.shop.till('2').refund(1n, '2.80'))).toMatchObject({ amount: 280n });
  });

  const stranger = generateKeyPair('signing', seededBytes(78));
  test.each([
    ['another request', { request: 2n }],
    ['another purchase', { purchase: 2n }],
    ['another amount', { amount: 1n }],
    ['another action', { action: 'void' as const }],
    ['another currency', { currency: 840 }],
    ['a key that nobody knows', { keyId: new Uint8Array(8) }],
    ['a stranger', undefined],
  ])('is not done by a receipt of %s', async (_, change) => {
    const stage = await paid();
    stage.management.script.order = ({ order: { document } }, count) => {
      if (count > 1) return undefined;
      const { keyId } = orderReceipt(document).document;
      const receipt = change ? orderReceipt(document, change) : orderReceipt(document, { keyId }, stranger);
      return { kind: 'done', receipt };
    };
    expect(await stage.settle(stage.shop.till('2').refund(1n))).toMatchObject({ amount: 780n });
    expect([...stage.management.counts.values()]).toEqual([2]);
    expect(stage.shop.sale(1n)?.refunded).toBe(780n);
  });

  test('goes on after a restart, with the same bytes, once', async () => {
    const stage = await paid();
    stage.management.script.order = (_, count) => (count < 4 ? 'lost' : undefined);
    void failure(stage.shop.till('2').refund(1n, '3'));
    await stage.pause(50);
    stage.crash(true);
    await stage.pause(10_000);
    expect(stage.management.done.size).toBe(1);
    expect(stage.shop.sale(1n)?.refunded).toBe(300n);
    expect(stage.shop.totals(stage.clock()).refunds).toEqual({ count: 1, amount: 300n });
    expect(stage.shop.open.orders).toBe(0);
  });

  test('without an answer is unfinished, and goes on', async () => {
    const stage = await paid();
    stage.management.script.order = (_, count) => (count < 12 ? 'silence' : undefined);
    const error = await stage.settle(failure(stage.shop.till('2').refund(1n)));
    expect(error).toMatchObject({ code: 'unfinished', request: expect.any(BigInt) });
    await stage.pause(200_000);
    expect(stage.shop.order((error as { request: bigint }).request)?.state.kind).toBe('done');
  });
});

describe('a reservation', () => {
  const reserved = async () => {
    const stage = new Stage();
    await stage.bought(reservation(1n));
    return { stage, till: stage.shop.till('pump') };
  };

  test('is captured in part, and then given back', async () => {
    const { stage, till } = await reserved();
    expect(await failure(till.refund(1n))).toMatchObject({ code: 'wrong_state' });
    expect(await stage.settle(till.capture(1n, '5.00'))).toMatchObject({ action: 'capture', amount: 500n });
    expect(stage.shop.sale(1n)).toMatchObject({ state: 'captured', captured: 500n });
    expect(await failure(till.capture(1n))).toMatchObject({ code: 'wrong_state' });
    expect(await failure(till.refund(1n, '5.01'))).toMatchObject({ code: 'exceeds_rest' });
    expect(await stage.settle(till.refund(1n))).toMatchObject({ amount: 500n });
    expect(stage.shop.totals(stage.clock())).toMatchObject({
      authorisations: { count: 1, amount: 780n },
      captures: { count: 1, amount: 500n },
      refunds: { count: 1, amount: 500n },
    });
  });

  test('is voided, and then nothing more', async () => {
    const { stage, till } = await reserved();
    await stage.settle(till.void(1n));
    expect(stage.shop.sale(1n)).toMatchObject({ state: 'voided' });
    expect(await failure(till.capture(1n))).toMatchObject({ code: 'wrong_state' });
  });

  test('is not captured and voided at once', async () => {
    const { stage, till } = await reserved();
    const [capture, release] = await stage.settle(Promise.allSettled([till.capture(1n), till.void(1n)]));
    expect(capture.status).toBe('fulfilled');
    expect(release).toMatchObject({ reason: { code: 'wrong_state' } });
  });

  test('of which more is taken than was reserved is not sent', async () => {
    const { till } = await reserved();
    expect(await failure(till.capture(1n, '7.81'))).toMatchObject({ code: 'exceeds_rest' });
  });
});
