// The order check: each rule with its own code, and what passes.
import { fc, test as property } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import { answerCodec } from '../../src/roles/common/answer.ts';
import { Refusal } from '../../src/roles/common/refusal.ts';
import { SHOP_REFUSALS } from '../../src/roles/shop/errors.ts';
import { BuyAnswer, type GetCatalogueAnswer, shopProtocol } from '../../src/roles/shop/messages.ts';
import { Catalogue } from '../../src/shop/catalogue.ts';
import { checkOrder, type ShopTerms } from '../../src/shop/check.ts';
import type { Offer } from '../../src/shop/offers.ts';
import { flipped } from '../identity/support.ts';
import { CATALOGUE, EUR, line, NOW, order, reservation, SECOND, Stage, TERMS } from './support.ts';

const catalogue = Catalogue.parse(CATALOGUE, EUR);
const offer: Offer = {
  code: 'ABC234',
  till: '1',
  kind: 'sale',
  timeoutSeconds: 0,
  articles: [line('coffee', 2), line('tea')],
  names: ['Coffee', 'Tea'],
  amount: 780n,
  expiresAt: NOW + 300n * SECOND,
  taken: undefined,
};
const huge = 2n ** 128n - 1n;

type Change = Parameters<typeof order>[1];
const seen = new Set<string>();

describe('an order', () => {
  test.each<[string, string | undefined, Change, Partial<ShopTerms>, Partial<Offer> | undefined]>([
    ['as it should be', undefined, {}, {}, undefined],
    ['at another shop', 'shop_differs', { shop: 2n }, {}, undefined],
    ['in another currency', 'currency_not_offered', { currency: 840 }, {}, undefined],
    ['that has just expired', 'expired', { expiresAt: NOW }, {}, undefined],
    ['about to expire', undefined, { expiresAt: NOW + 1n }, {}, undefined],
    ['that expires at the last moment', undefined, { expiresAt: NOW + 3_600n * SECOND }, {}, undefined],
    ['that expires too late', 'expires_too_late', { expiresAt: NOW + 3_600n * SECOND + 1n }, {}, undefined],
    ['of nothing', 'articles_invalid', { articles: [], amount: 0n }, {}, undefined],
    [
      'of none of something',
      'quantity_invalid',
      { articles: [line('tea'), line('coffee', 0)], amount: 220n },
      {},
      undefined,
    ],
    ['of the same twice', undefined, { articles: [line('tea'), line('tea')], amount: 440n }, {}, undefined],
    ['of an article that is not sold', 'article_unknown', { articles: [line('gold')] }, {}, undefined],
    [
      'at the price of yesterday',
      'price_differs',
      { articles: [line('coffee', 2, 270n)], amount: 540n },
      {},
      undefined,
    ],
    ['of one cent less', 'amount_differs', { amount: 779n }, {}, undefined],
    ['of one cent more', 'amount_differs', { amount: 781n }, {}, undefined],
    [
      'of more than a u128',
      'amount_differs',
      { articles: [line('coffee', 0xffff_ffff)], amount: huge },
      {},
      undefined,
    ],
    ['of a sale with a timeout', 'timeout_invalid', { timeoutSeconds: 1 }, {}, undefined],
    ['of a reservation', undefined, { ...reservation(1n).terms }, {}, undefined],
    ['of a reservation without an end', 'timeout_invalid', { kind: 'authorisation' }, {}, undefined],
    [
      'of a reservation for too long',
      'timeout_invalid',
      { kind: 'authorisation', timeoutSeconds: 86_401 },
      {},
      undefined,
    ],
    [
      'of a reservation where there is none',
      'kind_not_offered',
      { kind: 'authorisation', timeoutSeconds: 1 },
      { authorisationSecondsMax: 0 },
      undefined,
    ],
    ['without an offer where one is needed', 'offer_needed', {}, { selfService: false }, undefined],
    ['of an offer', undefined, {}, { selfService: false }, {}],
    ['of an offer, again by the same purchase', undefined, {}, {}, { taken: 1n }],
    ['of an offer that another pays', 'offer_taken', {}, {}, { taken: 2n }],
    ['of an offer in another order', 'offer_differs', { articles: [line('tea'), line('coffee', 2)] }, {}, {}],
    [
      'of an offer, and more',
      'offer_differs',
      { articles: [line('coffee', 2), line('tea'), line('tea')], amount: 1_000n },
      {},
      {},
    ],
    [
      'of an offer at another price',
      'offer_differs',
      { articles: [line('coffee', 2, 1n), line('tea')], amount: 222n },
      {},
      {},
    ],
    ['of an offer as a reservation', 'offer_differs', { ...reservation(1n).terms }, {}, {}],
    ['of an offer with another sum', 'amount_differs', { amount: 1n }, {}, {}],
    [
      'of an offer at prices that no catalogue has',
      undefined,
      { articles: [line('repair', 1, 5n)], amount: 5n },
      {},
      { articles: [line('repair', 1, 5n)], amount: 5n },
    ],
  ])('%s: %s', (_, code, change, terms, paying) => {
    const refused = checkOrder(order(1n, change).terms, paying && { ...offer, ...paying }, {
      shop: { ...TERMS, ...terms },
      catalogue,
      now: NOW,
    });
    expect(refused?.code).toBe(code);
    if (refused === undefined) return;
    seen.add(refused.code);
    expect(refused.message).toMatch(/: expected .*, got /);
  });

  test('has a row above for every code', () => {
    expect(SHOP_REFUSALS.filter((code) => !seen.has(code))).toEqual(['offer_unknown']);
  });

  test('that is refused is neither kept nor forwarded, and may be put right under its request', async () => {
    const stage = new Stage();
    expect(await stage.buy(order(1n, { amount: 1n }), order(2n, {}, { offer: 'ABC234' }))).toMatchObject([
      { kind: 'refused', refusal: { code: 'amount_differs' } },
      { kind: 'refused', refusal: { code: 'offer_unknown' } },
    ]);
    expect(stage.disk.records.size).toBe(0);
    expect(stage.management.frames).toEqual([]);
    expect(await stage.buy(order(1n))).toMatchObject([{ kind: 'ok', answer: { kind: 'paid' } }]);
  });
});

describe('a catalogue', () => {
  const text = (change: object, article: object = {}): string =>
    JSON.stringify({
      ...{ kind: 'specie catalogue', version: 1, currency: 'EUR' },
      articles: [{ id: 'a', name: 'A', price: '1', ...article }],
      ...change,
    });

  test.each([
    ['no JSON', '{', 'expected JSON'],
    ['another kind', text({ kind: 'menu' }), 'kind: expected "specie catalogue"'],
    ['another currency', text({ currency: 'USD' }), 'currency: expected EUR'],
    ['a field more', text({ vat: 19 }), 'expected only'],
    ['no articles', text({ articles: undefined }), 'articles: expected a list'],
    ['an article without a name', text({}, { name: undefined }), 'articles[0].name: expected a text'],
    ['a price that is a number', text({}, { price: 1.5 }), 'articles[0].price: expected a decimal'],
    [
      'a price with too many places',
      text({}, { price: '1.005' }),
      'articles[0].price: amount: expected at most 2',
    ],
    ['a price of nothing', text({}, { price: '0.00' }), 'articles[0].price: expected a price of at least'],
    ['a negative price', text({}, { price: '-1' }), 'articles[0].price: expected a decimal'],
    ['an id too long', text({}, { id: 'ü'.repeat(17) }), 'articles[0].id: expected a text of 1 to 32 bytes'],
    [
      'an id twice',
      text({
        articles: [
          { id: 'a', name: 'A', price: '1' },
          { id: 'a', name: 'B', price: '2' },
        ],
      }),
      'articles[1].id: expected each id once',
    ],
  ])('with %s is refused, by the field', (_, wrong, message) => {
    expect(() => Catalogue.parse(wrong, EUR)).toThrow(
      expect.objectContaining({ code: 'catalogue_invalid', message: expect.stringContaining(message) }),
    );
  });

  test('is read in pages, in the order of its ids', async () => {
    const articles = Array.from({ length: 300 }, (_, i) => ({
      id: `a${(i * 7) % 300}`,
      name: 'A',
      price: '1',
    }));
    const stage = new Stage();
    stage.catalogue = Catalogue.parse(text({ articles }), EUR);
    const ids: string[] = [];
    for (let after = '', more = true; more; after = ids.at(-1)!) {
      const page = await stage.call('get_catalogue', { after, limit: 128 });
      if (page.kind !== 'ok') throw new Error(page.kind);
      const answer = page.answer as GetCatalogueAnswer;
      ids.push(...answer.articles.map(({ article }) => article));
      more = answer.more;
    }
    expect(ids).toEqual(articles.map(({ id }) => id).sort());
    expect(await stage.call('get_catalogue', { after: '', limit: 0 })).toMatchObject({
      refusal: { code: 'malformed' },
    });
  });
});

describe('a message that is not what it should be', () => {
  const bytes = shopProtocol.operations.buy.request.encode(order(1n));

  property.prop([fc.nat({ max: bytes.length * 8 - 1 })], { numRuns: 100 })(
    'any bit of a purchase changed: refused, or another purchase; the shop goes on',
    async (bit) => {
      const stage = new Stage();
      const [answer] = await stage.raw(34, [flipped(bytes, bit), bytes]);
      const known = answerCodec(BuyAnswer, SHOP_REFUSALS).decode(answer!);
      if (known instanceof Refusal) expect(known.code).not.toBe('internal_error');
      else expect(known.kind).toBe('paid');
      expect(stage.management.frames.length).toBe(1);
    },
  );
});
