// What a till does: it asks a customer for money, and gives money back.
//
//     const till = shop.till('1');
//     const charge = till.charge([{ article: 'coffee', quantity: 2 }]);
//     const sale = await charge.paid;           // charge.uri is what the customer's wallet scans

import type { ShopAction, SignedShopOrderReceipt } from '../roles/documents/payment-receipts.ts';
import type { ArticleLine, PurchaseKind } from '../roles/documents/purchase.ts';
import { ARTICLE_BYTES_MAX, ARTICLES_MAX, AUTHORISATION_SECONDS_MAX } from '../roles/documents/purchase.ts';
import { ARTICLE_NAME_BYTES_MAX } from '../roles/shop/messages.ts';
import { type Amount, amountOf, parseAmount } from '../shared/amount.ts';
import type { Currency } from '../shared/currency.ts';
import type { SetTimer } from '../shared/timer.ts';
import { type Catalogue, fitsText } from './catalogue.ts';
import { sumOf } from './check.ts';
import { ShopError } from './errors.ts';
import { OFFER_SECONDS, ORDER_WITHIN_MS } from './limits.ts';
import type { Offers } from './offers.ts';
import type { Orders } from './orders.ts';
import type { OrderRecord } from './records.ts';
import type { Sale } from './sale.ts';

/** Minor units, or a decimal of the currency: `'2.80'`. */
export type AmountGiven = bigint | string;

export interface ChargeLine {
  /** An article of the catalogue; with a `price`, anything. */
  readonly article: string;
  /** 1 */
  readonly quantity?: number;
  /** Of one: instead of the catalogue's, or of what is not in it. */
  readonly price?: AmountGiven;
  /** What the customer reads, of what is not in the catalogue. */
  readonly name?: string;
}

export interface ChargeOptions {
  /** Reserves the amount instead: a till captures or voids it within so many seconds. */
  readonly reserveSeconds?: number;
  /** How long the offer stands: 300. */
  readonly seconds?: number;
}

export interface Charge {
  /** Six letters and digits, for customers who type. */
  readonly code: string;
  /** The shop's card and the offer in one text, for a QR code. */
  readonly uri: string;
  readonly amount: Amount;
  /** Nanoseconds. */
  readonly expiresAt: bigint;
  /** Resolves when cash has signed for it and that is written down; rejects with ShopError offer_expired, offer_cancelled. */
  readonly paid: Promise<Sale>;
  /** @throws ShopError wrong_state: a customer is paying it */
  cancel(): void;
}

/** A refund, a capture or a void that cash has signed. */
export interface Settled {
  readonly request: bigint;
  readonly action: ShopAction;
  readonly purchase: bigint;
  readonly amount: Amount;
  readonly receipt: SignedShopOrderReceipt;
}

export interface TillOptions {
  readonly offers: Offers;
  readonly orders: Orders;
  readonly catalogue: () => Catalogue;
  readonly currency: Currency;
  readonly uri: (code: string) => string;
  readonly clock: () => bigint;
  readonly setTimer: SetTimer;
  /** Whether notes were made for that sale: then its money has gone on. */
  readonly areNotesOut: (purchase: bigint) => boolean;
}

const QUANTITY_MAX = 0xffff_ffff;
const SECONDS_MAX = 86_400;
const NANOSECONDS_PER_SECOND = 1_000_000_000n;

export class Till {
  readonly name: string;
  readonly #options: TillOptions;

  constructor(name: string, options: TillOptions) {
    this.name = name;
    this.#options = options;
  }

  /** @throws ShopError article_unknown, invalid_argument, too_many_open */
  charge(
    lines: readonly ChargeLine[],
    { reserveSeconds, seconds = OFFER_SECONDS }: ChargeOptions = {},
  ): Charge {
    const { offers, clock, uri } = this.#options;
    expectWhole('seconds', seconds, SECONDS_MAX);
    if (reserveSeconds !== undefined)
      expectWhole('reserveSeconds', reserveSeconds, AUTHORISATION_SECONDS_MAX);
    if (lines.length < 1 || lines.length > ARTICLES_MAX) {
      throw new ShopError('invalid_argument', `lines: expected 1 to ${ARTICLES_MAX}, got ${lines.length}`);
    }
    const read = lines.map((line, i) => this.#line(line, `lines[${i}]`));
    const articles: ArticleLine[] = read.map(({ line }) => line);
    const kind: PurchaseKind = reserveSeconds === undefined ? 'sale' : 'authorisation';
    const { offer, paid } = offers.add({
      till: this.name,
      kind,
      timeoutSeconds: reserveSeconds ?? 0,
      articles,
      names: read.map(({ name }) => name),
      amount: invalidUnless(() => amountOf(sumOf(articles))),
      expiresAt: clock() + BigInt(seconds) * NANOSECONDS_PER_SECOND,
    });
    const { code, amount, expiresAt } = offer;
    return {
      ...{ code, expiresAt, paid },
      amount: amountOf(amount),
      uri: uri(code),
      cancel: () => offers.cancel(code),
    };
  }

  /**
   * Gives back of a purchase that was paid, or captured.
   * @param amount left out: all that is left of it
   * @throws ShopError purchase_unknown, wrong_state, exceeds_rest, refused, unfinished (it goes on by itself)
   */
  async refund(purchase: bigint, amount?: AmountGiven): Promise<Settled> {
    if (this.#options.areNotesOut(purchase)) {
      throw new ShopError(
        'wrong_state',
        `purchase ${purchase}: expected goods that can be given back, got a sale of notes: their holder deposits them`,
      );
    }
    return this.#order('refund', purchase, amount);
  }

  /** Takes all or a part of what is reserved; the rest is released. @throws ShopError as `refund` */
  capture(purchase: bigint, amount?: AmountGiven): Promise<Settled> {
    return this.#order('capture', purchase, amount);
  }

  /** Releases what is reserved. @throws ShopError as `refund` */
  void(purchase: bigint): Promise<Settled> {
    return this.#order('void', purchase, undefined);
  }

  async #order(action: ShopAction, purchase: bigint, given: AmountGiven | undefined): Promise<Settled> {
    const { orders, currency, setTimer } = this.#options;
    const amount = given === undefined ? undefined : invalidUnless(() => amountFrom(given, currency));
    const { request, ended } = await orders.give({ action, purchase, amount, till: this.name });
    let cancel = (): void => {};
    const late = new Promise<undefined>((resolve) => {
      cancel = setTimer(() => resolve(undefined), ORDER_WITHIN_MS);
    });
    const record = await Promise.race([ended, late]);
    cancel();
    return settledOf(record, { request, action });
  }

  #line(
    { article, quantity = 1, price, name }: ChargeLine,
    where: string,
  ): { line: ArticleLine; name: string } {
    expectWhole(`${where}.quantity`, quantity, QUANTITY_MAX);
    const listed = this.#options.catalogue().find(article);
    if (listed === undefined && price === undefined) {
      throw new ShopError(
        'article_unknown',
        `${where}: expected an article of the catalogue, or a price, got ${article}`,
      );
    }
    const text = name ?? listed?.name ?? article;
    // An article's own text is shorter than its name may be.
    if (!fitsText(article, ARTICLE_BYTES_MAX) || !fitsText(text, ARTICLE_NAME_BYTES_MAX)) {
      throw new ShopError(
        'invalid_argument',
        `${where}: expected short texts without line breaks, got others`,
      );
    }
    const each =
      price === undefined
        ? listed!.price
        : invalidUnless(() => positive(amountFrom(price, this.#options.currency)));
    return { line: { article, quantity, price: each }, name: text };
  }
}

/** @throws ShopError refused, unfinished */
export function settledOf(
  record: OrderRecord | undefined,
  { request, action }: { readonly request: bigint; readonly action: ShopAction },
): Settled {
  const state = record?.state ?? { kind: 'open' };
  switch (state.kind) {
    case 'done': {
      const { receipt } = state;
      const { purchase, amount } = receipt.document;
      return { request, action, purchase, amount: amountOf(amount), receipt };
    }
    case 'rejected':
      throw new ShopError('refused', `${action}: cash has rejected it: ${state.rejection.document.reason}`, {
        request,
      });
    case 'refused':
      throw new ShopError('refused', `${action}: management has refused it: ${state.code}`, { request });
    case 'open':
      throw new ShopError(
        'unfinished',
        `${action}: expected an answer by now, got none; it goes on by itself`,
        {
          request,
        },
      );
  }
}

function amountFrom(given: AmountGiven, currency: Currency): Amount {
  return typeof given === 'bigint' ? amountOf(given) : parseAmount(given, currency);
}

function positive(amount: Amount): Amount {
  if (amount === 0n) throw new RangeError('expected a price of at least one minor unit, got 0');
  return amount;
}

function invalidUnless<Value>(make: () => Value): Value {
  try {
    return make();
  } catch (error) {
    if (error instanceof RangeError) throw new ShopError('invalid_argument', error.message);
    throw error;
  }
}

function expectWhole(name: string, value: number, max: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= max) return;
  throw new ShopError('invalid_argument', `${name}: expected a whole number from 1 to ${max}, got ${value}`);
}
