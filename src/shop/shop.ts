// The shop role: it sells, checks what customers order, forwards what it cannot read, and remembers what came of it.
//
//     wallets ──NK──▶ engine ─▶ handler ─▶ purchases ──batches──▶ management ─▶ cash
//     tills ────────▶ offers ────▲             │
//             ╰─────▶ orders ────────────────▶ book ◀──────────── sales, totals
//
// The shop never learns who buys. Customers come over channels of pattern NK, which name nobody; the device number and the
// payment pass through it sealed to management and to cash; what cash signs for the shop names the purchase and the shop.
// test/shop/separation.test.ts looks for device numbers in everything that the shop has and stores.
import { randomBytes as systemRandomBytes } from 'node:crypto';
import type { Registry } from 'prom-client';
import { systemClock } from '../identity/time.ts';
import type { MessageTransport } from '../roles/common/role-client.ts';
import { RoleEngine } from '../roles/common/role-engine.ts';
import { encodeShopCard } from '../roles/documents/shop-card.ts';
import type { ShopRefusal } from '../roles/shop/errors.ts';
import type { Currency } from '../shared/currency.ts';
import { idGenerator } from '../shared/id.ts';
import { type SetTimer, systemTimer } from '../shared/timer.ts';
import type { RoleStore } from '../store/store.ts';
import type { Peer } from '../wire/peer.ts';
import { Book } from './book.ts';
import { fitsText } from './catalogue.ts';
import { Counter, type CounterIssuer } from './counter.ts';
import type { NumberedEntry } from './day-book.ts';
import { ShopError } from './errors.ts';
import { Guesses } from './guesses.ts';
import { shopHandlers } from './handler.ts';
import type { ShopIdentity, ShopLog, ShopOffering } from './interface.ts';
import { CashKeys } from './judge.ts';
import { SALES_PAGE_MAX, TILL_BYTES_MAX } from './limits.ts';
import { Offers } from './offers.ts';
import { type ShopSideOperations, shopSide } from './order.ts';
import { Orders } from './orders.ts';
import { Purchases, type PurchaseTrace } from './purchases.ts';
import type { DayTotals, OrderRecord } from './records.ts';
import { type Sale, saleOf } from './sale.ts';
import { Till, type TillOptions } from './till.ts';

export interface ShopOptions {
  /** Stays its opener's: close it after the shop. */
  readonly store: RoleStore;
  readonly identity: ShopIdentity;
  readonly offering: ShopOffering;
  readonly currency: Currency;
  /** To management, as this shop. Stays its opener's. */
  readonly management: MessageTransport;
  /** Where wallets find the shop: `ws://host:port/v1`. Asked for when a card is made. */
  readonly address: () => string;
  readonly log: ShopLog;
  /** Nanoseconds since the Unix epoch. */
  readonly clock?: () => bigint;
  readonly setTimer?: SetTimer;
  /** 0 up to, but not including, 1: spreads pauses. */
  readonly random?: () => number;
  /** Fit for secrets: request ids and the codes of offers. */
  readonly randomBytes?: (size: number) => Uint8Array;
  /** Runs something when what has come in this turn has been taken in: setImmediate. */
  readonly afterTurn?: (run: () => void) => void;
  readonly trace?: PurchaseTrace;
  /** Purchases whose outcome is not known: 16,384. */
  readonly purchasesOpenMax?: number;
  /** Who makes notes; left out: the shop sells none. */
  readonly issuer?: CounterIssuer;
  /** Of metrics; of its own when left out. */
  readonly registry?: Registry;
}

export interface SalesPage {
  /** Inclusive of nothing before: what the last page ended with; 0n: from the first. */
  readonly after?: bigint;
  /** At most 1,024. */
  readonly limit?: number;
}

export type NumberedSale = Sale & { readonly number: bigint };

const NANOSECONDS_PER_MILLISECOND = 1_000_000n;

export class Shop {
  readonly #options: ShopOptions;
  readonly #clock: () => bigint;
  readonly #book: Book;
  readonly #purchases: Purchases;
  readonly #offers: Offers;
  readonly #orders: Orders;
  readonly #till: TillOptions;
  readonly #counter: Counter | undefined;
  readonly #listeners = new Set<(sale: Sale) => void>();
  /** For the server. */
  readonly engine: RoleEngine<ShopSideOperations, Peer, ShopRefusal>;

  /** Goes on with what was open when it was closed, or crashed. @throws StoreError store_corrupt */
  constructor(options: ShopOptions) {
    this.#options = options;
    const { store, identity, offering, currency, management: transport, log } = options;
    const { clock = systemClock, setTimer = systemTimer, randomBytes = systemRandomBytes } = options;
    const random = options.random ?? (() => Buffer.from(randomBytes(4)).readUInt32LE() / 2 ** 32);
    this.#clock = clock;
    const keys = new CashKeys(() => identity.directory(), clock);
    const book = new Book(store);
    const offers = new Offers({ randomBytes, clock, setTimer });
    const common = { book, transport, keys, clock, setTimer, random, log, missed: () => identity.missed() };
    this.#book = book;
    this.#offers = offers;
    this.#purchases = new Purchases({
      ...common,
      onPaid: (record, offer) => this.#paid(saleOf(record), offer),
      onFailed: (request, offer) => {
        if (offer !== undefined) offers.release(offer, request);
      },
      onLapsed: (request, offer) => offers.release(offer, request),
      openMax: options.purchasesOpenMax,
      trace: options.trace,
    });
    const { shop } = offering.terms();
    const sign = (message: Uint8Array): Uint8Array => identity.signer.sign(message);
    const nextId = idGenerator({
      now: () => Number(clock() / NANOSECONDS_PER_MILLISECOND),
      random: (bytes) => bytes.set(randomBytes(bytes.length)),
    });
    this.#orders = new Orders({ ...common, shop, sign, nextId });
    this.#till = {
      ...{ offers, currency, clock, setTimer },
      orders: this.#orders,
      catalogue: () => offering.catalogue(),
      uri: (code) => this.card(code),
      areNotesOut: (purchase) => {
        const state = this.#counter?.find(purchase)?.state.kind;
        return state === 'open' || state === 'paid';
      },
    };
    const { issuer } = options;
    this.#counter =
      issuer &&
      new Counter({
        ...{ ...common, store, issuer, shop, currency, sign, nextId },
        till: (name) => this.till(name),
        entries: (page) => this.dayBook(page),
        sale: (purchase) => this.sale(purchase),
      });
    this.engine = new RoleEngine<ShopSideOperations, Peer, ShopRefusal>({
      protocol: shopSide,
      handlers: shopHandlers({
        ...{ book, purchases: this.#purchases, offers, identity, offering },
        guesses: new Guesses(clock),
      }),
      clock,
      openRequests: () => this.#purchases.size + this.#orders.size,
      health: () => {
        const { distrusted } = this.#purchases;
        const failure = book.failure?.message;
        return {
          status: distrusted > 0 || failure !== undefined ? 'degraded' : 'ok',
          detail: { distrusted, offers: offers.size, ...(failure !== undefined && { failure }) },
        };
      },
      log,
      ...(options.afterTurn !== undefined && { afterTurn: options.afterTurn }),
      ...(options.registry !== undefined && { registry: options.registry }),
    });
    this.#purchases.resume();
    this.#orders.resume();
    this.#counter?.resume();
  }

  get currency(): Currency {
    return this.#options.currency;
  }

  /** The one of that name, up to 32 bytes; each sale says which till made it. @throws ShopError invalid_argument */
  till(name: string): Till {
    if (!fitsText(name, TILL_BYTES_MAX)) {
      throw new ShopError(
        'invalid_argument',
        `till: expected a name of 1 to ${TILL_BYTES_MAX} bytes, got another`,
      );
    }
    return new Till(name, this.#till);
  }

  /** Wide notes, for quotes that others bring. @throws ShopError not_offered: the system has no issuer */
  get counter(): Counter {
    if (this.#counter !== undefined) return this.#counter;
    throw new ShopError('not_offered', 'expected a system with an issuer of notes, got one without');
  }

  /** What wallets take to find the shop, and an offer of it. */
  card(offer?: string): string {
    return encodeShopCard(
      { address: this.#options.address(), certificate: this.#options.identity.certificate() },
      offer,
    );
  }

  /**
   * Told of every sale and authorisation of this process once it is written down, also of self service. Who must not miss
   * one across restarts reads `sales({ after })`.
   * @returns ends it
   */
  onSale(listener: (sale: Sale) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** As it stands now. @throws StoreError store_corrupt */
  sale(purchase: bigint): Sale | undefined {
    const final = this.#book.final(purchase);
    return final?.kind === 'paid' ? saleOf(final) : undefined;
  }

  /** Sales and authorisations in the order in which they were made, each as it stands now. */
  sales(page: SalesPage = {}): NumberedSale[] {
    return this.dayBook(page).flatMap(({ kind, number, purchase }) => {
      const sale = kind === 'sale' || kind === 'authorisation' ? this.sale(purchase) : undefined;
      return sale === undefined ? [] : [{ number, ...sale }];
    });
  }

  /** All that has happened: sales, authorisations, refunds, captures, voids. */
  dayBook({ after = 0n, limit = SALES_PAGE_MAX }: SalesPage = {}): NumberedEntry[] {
    if (!Number.isInteger(limit) || limit < 1 || limit > SALES_PAGE_MAX) {
      throw new ShopError('invalid_argument', `limit: expected 1 to ${SALES_PAGE_MAX}, got ${limit}`);
    }
    return this.#book.entries({ after, limit });
  }

  /** What became of a refund, a capture or a void. */
  order(request: bigint): OrderRecord | undefined {
    return this.#book.order(request);
  }

  /** Of a UTC day, today unless told otherwise. @param at nanoseconds, any time of the day */
  totals(at: bigint = this.#clock()): DayTotals {
    return this.#book.totals(at);
  }

  /** What is under way. */
  get open(): { readonly purchases: number; readonly orders: number; readonly offers: number } {
    return { purchases: this.#purchases.size, orders: this.#orders.size, offers: this.#offers.size };
  }

  /** Takes nothing more and finishes its writes. What is open goes on at the next start. */
  async close(): Promise<void> {
    this.engine.close();
    this.#offers.close();
    await Promise.all([this.#purchases.close(), this.#orders.close(), this.#counter?.close()]);
  }

  #paid(sale: Sale, offer: string | undefined): void {
    if (offer !== undefined) this.#offers.paid(offer, sale);
    this.#counter?.scan();
    for (const listener of this.#listeners) {
      try {
        listener(sale);
      } catch (error) {
        this.#options.log.error({ err: error }, 'a listener of sales has failed');
      }
    }
  }
}
