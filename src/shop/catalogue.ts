// What a shop sells, and for how much today.
//
//     { "kind": "specie catalogue", "version": 1, "currency": "EUR",
//       "articles": [{ "id": "coffee", "name": "Coffee, large", "price": "2.80" }] }
import { IdentityError } from '../identity/errors.ts';
import { field, fields, listOf, literal, parseJson } from '../identity/json-fields.ts';
import { ARTICLE_BYTES_MAX } from '../roles/documents/purchase.ts';
import { ARTICLE_NAME_BYTES_MAX } from '../roles/shop/messages.ts';
import { type Amount, parseAmount } from '../shared/amount.ts';
import type { Currency } from '../shared/currency.ts';
import { ShopError } from './errors.ts';
import { ARTICLES_IN_CATALOGUE_MAX } from './limits.ts';

export interface Article {
  readonly id: string;
  readonly name: string;
  /** Of one; at least 1 minor unit. */
  readonly price: Amount;
}

/** Counted as they are sent: bytes of UTF-8. */
const utf8 = new TextEncoder();
export const fitsText = (text: string, bytesMax: number): boolean =>
  text.length > 0 && !/\p{Surrogate}|\p{Cc}/u.test(text) && utf8.encode(text).length <= bytesMax;

const textOf = (bytesMax: number) =>
  field(`a text of 1 to ${bytesMax} bytes`, (value) =>
    typeof value === 'string' && fitsText(value, bytesMax) ? value : undefined,
  );

const decimal = field('a decimal in a text, such as "12" or "2.80"', (value) =>
  typeof value === 'string' && /^\d{1,30}(\.\d{1,30})?$/.test(value) ? value : undefined,
);

const CatalogueFile = fields({
  kind: literal('specie catalogue'),
  version: literal(1),
  currency: textOf(10),
  articles: listOf(
    fields({ id: textOf(ARTICLE_BYTES_MAX), name: textOf(ARTICLE_NAME_BYTES_MAX), price: decimal }),
    ARTICLES_IN_CATALOGUE_MAX,
  ),
});

export class Catalogue {
  /** In the order of their ids. */
  readonly articles: readonly Article[];
  readonly #byId: ReadonlyMap<string, Article>;

  private constructor(articles: readonly Article[]) {
    this.articles = articles.toSorted((left, right) => (left.id < right.id ? -1 : 1));
    this.#byId = new Map(articles.map((article) => [article.id, article]));
  }

  static readonly EMPTY = new Catalogue([]);

  /** @throws ShopError catalogue_invalid: every problem on a line */
  static parse(text: string, currency: Currency, path = 'catalogue.json'): Catalogue {
    let file: ReturnType<typeof read>;
    try {
      file = read(text, path);
    } catch (error) {
      if (error instanceof IdentityError) throw new ShopError('catalogue_invalid', error.message);
      throw error;
    }
    const wrong = (where: string, what: string): ShopError =>
      new ShopError('catalogue_invalid', `${path}: ${where}: ${what}`);
    if (file.currency !== currency.code) {
      throw wrong('currency', `expected ${currency.code}, the shop's, got ${file.currency}`);
    }
    const seen = new Set<string>();
    return new Catalogue(
      file.articles.map(({ id, name, price }, i) => {
        if (seen.has(id)) throw wrong(`articles[${i}].id`, `expected each id once, got ${id} again`);
        seen.add(id);
        try {
          return { id, name, price: priceOf(price, currency) };
        } catch (error) {
          throw wrong(`articles[${i}].price`, (error as Error).message);
        }
      }),
    );
  }

  find(id: string): Article | undefined {
    return this.#byId.get(id);
  }

  /** Articles after that id, in order. */
  page(after: string, limit: number): { readonly articles: readonly Article[]; readonly more: boolean } {
    let from = 0;
    for (let to = this.articles.length; from < to; ) {
      const middle = (from + to) >> 1;
      if (this.articles[middle]!.id <= after) from = middle + 1;
      else to = middle;
    }
    const articles = this.articles.slice(from, from + limit);
    return { articles, more: from + articles.length < this.articles.length };
  }
}

const read = (text: string, path: string) => parseJson(text, CatalogueFile, path, 'configuration');

/** @throws RangeError for anything but a decimal of at least one minor unit */
export function priceOf(text: string, currency: Currency): Amount {
  const price = parseAmount(text, currency);
  if (price === 0n) throw new RangeError('expected a price of at least one minor unit, got 0');
  return price;
}
