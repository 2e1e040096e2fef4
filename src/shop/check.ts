// The order check: whether a purchase is one that the shop would make, before anything of it is kept or forwarded. One
// function a rule; the first failure is what the customer hears. A purchase of a till's offer says what the offer says;
// any other says what the catalogue says today.
import { Refusal } from '../roles/common/refusal.ts';
import type { ArticleLine, PurchaseTerms } from '../roles/documents/purchase.ts';
import type { ShopRefusal } from '../roles/shop/errors.ts';
import type { Catalogue } from './catalogue.ts';
import { OFFER_HELD_SECONDS_MAX } from './limits.ts';
import type { Offer } from './offers.ts';

export type Refused = Refusal<ShopRefusal>;

/** What a shop sells, and how. */
export interface ShopTerms {
  readonly shop: bigint;
  /** ISO 4217 number, or an operator's. */
  readonly currency: number;
  /** Customers choose for themselves; otherwise only offers are sold. */
  readonly selfService: boolean;
  readonly expiresWithinSeconds: number;
  /** 0: no authorisations without an offer. */
  readonly authorisationSecondsMax: number;
}

const NANOSECONDS_PER_SECOND = 1_000_000_000n;

const refuse = (code: ShopRefusal, message: string): Refused => new Refusal(code, message);

export function checkOrder(
  terms: PurchaseTerms,
  offer: Offer | undefined,
  { shop, catalogue, now }: { readonly shop: ShopTerms; readonly catalogue: Catalogue; readonly now: bigint },
): Refused | undefined {
  return (
    checkShop(terms, shop) ??
    checkExpiry(terms, shop, now) ??
    checkLines(terms) ??
    (offer === undefined
      ? (checkSelfService(shop) ?? checkKind(terms, shop) ?? checkPrices(terms, catalogue))
      : (checkHeld(terms, now) ?? checkOffer(terms, offer))) ??
    checkAmount(terms)
  );
}

export function checkShop({ shop, currency }: PurchaseTerms, own: ShopTerms): Refused | undefined {
  if (shop !== own.shop) return refuse('shop_differs', `shop: expected ${own.shop}, got ${shop}`);
  if (currency !== own.currency) {
    return refuse('currency_not_offered', `currency: expected ${own.currency}, got ${currency}`);
  }
  return undefined;
}

export function checkExpiry(
  { expiresAt }: PurchaseTerms,
  { expiresWithinSeconds }: ShopTerms,
  now: bigint,
): Refused | undefined {
  if (expiresAt <= now) return refuse('expired', `expiresAt: expected one after ${now}, got ${expiresAt}`);
  const last = now + BigInt(expiresWithinSeconds) * NANOSECONDS_PER_SECOND;
  if (expiresAt > last) {
    return refuse('expires_too_late', `expiresAt: expected one up to ${last}, got ${expiresAt}`);
  }
  return undefined;
}

/** Nobody else pays the offer until then. */
export function checkHeld({ expiresAt }: PurchaseTerms, now: bigint): Refused | undefined {
  const last = now + BigInt(OFFER_HELD_SECONDS_MAX) * NANOSECONDS_PER_SECOND;
  if (expiresAt <= last) return undefined;
  return refuse('expires_too_late', `expiresAt: expected one up to ${last} for an offer, got ${expiresAt}`);
}

export function checkLines({ articles }: PurchaseTerms): Refused | undefined {
  if (articles.length === 0)
    return refuse('articles_invalid', 'articles: expected one or more lines, got none');
  const line = articles.findIndex(({ quantity }) => quantity < 1);
  if (line < 0) return undefined;
  return refuse('quantity_invalid', `articles[${line}].quantity: expected 1 or more, got 0`);
}

export function checkSelfService({ selfService }: ShopTerms): Refused | undefined {
  if (selfService) return undefined;
  return refuse('offer_needed', 'offer: expected the code of an offer of a till, got none');
}

export function checkKind(
  { kind, timeoutSeconds }: PurchaseTerms,
  { authorisationSecondsMax: max }: ShopTerms,
): Refused | undefined {
  if (kind === 'sale') {
    if (timeoutSeconds === 0) return undefined;
    return refuse('timeout_invalid', `timeoutSeconds: expected 0 in a sale, got ${timeoutSeconds}`);
  }
  if (max === 0) return refuse('kind_not_offered', `kind: expected sale, got ${kind}`);
  if (timeoutSeconds >= 1 && timeoutSeconds <= max) return undefined;
  return refuse('timeout_invalid', `timeoutSeconds: expected 1 to ${max}, got ${timeoutSeconds}`);
}

export function checkPrices({ articles }: PurchaseTerms, catalogue: Catalogue): Refused | undefined {
  for (const [i, { article, price }] of articles.entries()) {
    const listed = catalogue.find(article);
    if (listed === undefined) {
      return refuse('article_unknown', `articles[${i}].article: expected one of the catalogue, got another`);
    }
    if (price !== listed.price) {
      return refuse('price_differs', `articles[${i}].price: expected ${listed.price}, got ${price}`);
    }
  }
  return undefined;
}

export function checkOffer(
  { request, kind, timeoutSeconds, articles }: PurchaseTerms,
  { taken, ...offer }: Offer,
): Refused | undefined {
  if (
    kind !== offer.kind ||
    timeoutSeconds !== offer.timeoutSeconds ||
    !sameLines(articles, offer.articles)
  ) {
    return refuse('offer_differs', 'terms: expected kind, timeout and articles of the offer, got others');
  }
  if (taken === undefined || taken === request) return undefined;
  return refuse('offer_taken', 'offer: expected one that nobody else pays, got one that is being paid');
}

/** Exact: whole numbers of any size. */
export function checkAmount({ articles, amount }: PurchaseTerms): Refused | undefined {
  const sum = sumOf(articles);
  return amount === sum ? undefined : refuse('amount_differs', `amount: expected ${sum}, got ${amount}`);
}

export function sumOf(articles: readonly ArticleLine[]): bigint {
  return articles.reduce((sum, { price, quantity }) => sum + price * BigInt(quantity), 0n);
}

function sameLines(left: readonly ArticleLine[], right: readonly ArticleLine[]): boolean {
  return (
    left.length === right.length &&
    left.every(({ article, quantity, price }, i) => {
      const other = right[i]!;
      return article === other.article && quantity === other.quantity && price === other.price;
    })
  );
}
