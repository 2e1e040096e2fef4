// Buying: what the shop asks for, the order for it, and the same bytes again until cash has answered for good.
//
//     catalogue, offer ──▶ wish ──▶ signed, sealed, written ──▶ shop ──▶ judged ──▶ written ──▶ paid, reserved, rejected
//                                                        ▲              │
//                                                        ╰── pending ◀──┤
//                                                        │              ╰── silence, a no, nonsense, or its time is over
//                                                        ╰───────── cash's statement, by management ◀──╯
import type { ShopCertificate, SignedShopCertificate } from '../../identity/shop-certificate.ts';
import { ShopCertificate as CertificateCodec } from '../../identity/shop-certificate.ts';
import { Refusal } from '../../roles/common/refusal.ts';
import { type ArticleLine, AUTHORISATION_SECONDS_MAX } from '../../roles/documents/purchase.ts';
import {
  decodeShopCard,
  encodeShopCard,
  type ShopCard,
  ShopCardError,
} from '../../roles/documents/shop-card.ts';
import {
  BuyRequest,
  CATALOGUE_PAGE_MAX,
  GetCatalogueAnswer,
  GetCatalogueRequest,
  GetOfferAnswer,
  GetOfferRequest,
  ShopOperation,
} from '../../roles/shop/messages.ts';
import { amountOf } from '../../shared/amount.ts';
import { CodecError } from '../../shared/codec.ts';
import type { Book } from './book.ts';
import { WalletError } from './errors.ts';
import { judgePurchase, type PurchaseJudgement } from './judge-purchase.ts';
import type { ManagementLink } from './management-link.ts';
import { type Patience, within } from './patience.ts';
import { TransportError } from './ports.ts';
import { expectationOf, signedPurchase, sumOfLines, type Wish } from './purchase.ts';
import { idText, type PurchaseRecord } from './records.ts';
import { isOpen, type RequestRecord } from './request.ts';
import type { Secrets } from './secrets.ts';
import { ShopLink } from './shop-link.ts';
import type { Sync } from './sync.ts';
import type {
  BuyOptions,
  Item,
  PurchaseReport,
  WaitOptions,
  WalletEvent,
  WalletOptions,
  WalletTimes,
} from './wallet-types.ts';

const NANOSECONDS_A_MILLISECOND = 1_000_000n;
const NANOSECONDS_A_SECOND = 1_000_000_000n;
const AUTHORISATION_SECONDS_DEFAULT = 3600;
/** Pages of a catalogue that are looked through for an article: 32,768 articles. */
const CATALOGUE_PAGES_MAX = 256;

export interface PurchasesOptions {
  readonly book: Book;
  readonly link: ManagementLink;
  readonly secrets: Secrets;
  readonly sync: Sync;
  readonly options: WalletOptions;
  readonly times: WalletTimes;
  readonly newId: () => bigint;
  readonly emit: (event: WalletEvent) => void;
  /** Runs `work` until patience ends; `waitFor` pauses, longer each time. */
  readonly patiently: <T>(
    request: bigint | undefined,
    wait: WaitOptions,
    work: (patience: Patience, waitFor: (reason: string | undefined) => Promise<void>) => Promise<T>,
  ) => Promise<T>;
}

/** A shop whose certificate management has signed. */
interface KnownShop {
  readonly address: string;
  readonly signed: SignedShopCertificate;
  readonly certificate: ShopCertificate;
}

type WishOf = Omit<Wish, 'request' | 'shop' | 'currency' | 'expiresAt'> & {
  /** The shop takes none that expire later. */
  readonly expiresWithinSeconds: number | undefined;
};

export class Purchases {
  readonly #with: PurchasesOptions;
  readonly #closing = new Set<Promise<void>>();

  constructor(options: PurchasesOptions) {
    this.#with = options;
  }

  /** @returns the purchase with its end @throws WalletError */
  async buy(options: BuyOptions): Promise<RequestRecord> {
    const { patiently } = this.#with;
    const card = readCard(options.shop);
    const offer = options.offer ?? card.offer;
    const { record, shop } = await patiently(undefined, options, async (patience, waitFor) => {
      let shop = await patience.for(this.#known(card, card.certificate));
      const link = new ShopLink(this.#with.options.transport, shop);
      try {
        for (;;) {
          try {
            const asked = await patience.for(this.#asked(link, shop, options, offer));
            shop = asked.shop;
            return { record: await this.#begin(shop, asked.wish), shop };
          } catch (error) {
            if (!(error instanceof TransportError) || error.code === 'refused') throw shopError(error);
            await waitFor(`shop: ${error.message}`);
          }
        }
      } finally {
        this.#close(link);
      }
    });
    return this.#drive(record, shop, options);
  }

  /** Finishes one that is open. @returns it with its end @throws WalletError */
  async resume(record: RequestRecord, wait: WaitOptions): Promise<RequestRecord> {
    const { card } = await this.#with.book.purchase(record.request);
    const { address, certificate: signed } = decodeShopCard(card);
    return this.#drive(record, { address, signed, certificate: signed.document }, wait);
  }

  async report({ request, message }: RequestRecord): Promise<PurchaseReport> {
    const { card } = await this.#with.book.purchase(request);
    const { shop, kind, expiresAt } = BuyRequest.decode(message).terms;
    return { shop, shopName: decodeShopCard(card).certificate.document.name, kind, expiresAt };
  }

  async close(): Promise<void> {
    await Promise.all(this.#closing);
  }

  // ── before it is signed ──────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * @param signed the card's, or a newer one that the shop has given out
   * @throws WalletError shop_invalid
   */
  async #known({ address, certificate: first }: ShopCard, signed: SignedShopCertificate): Promise<KnownShop> {
    const { link, options } = this.#with;
    let found = link.trust.shopCertificate(signed, options.clock.now());
    if (found.wrong !== undefined && found.reason === 'unknown_issuer') {
      await this.#attempt(link.fetchDirectory('device')).catch(() => {});
      found = link.trust.shopCertificate(signed, options.clock.now());
    }
    // Its key is still the shop's, which has a newer one to give out: that one has to be good.
    if (found.wrong !== undefined && !(found.reason === 'expired' && signed === first))
      throw new WalletError('shop_invalid', `shop: ${found.wrong}`);
    const certificate = found.certificate ?? signed.document;
    return { address, signed, certificate };
  }

  async #asked(
    link: ShopLink,
    known: KnownShop,
    options: BuyOptions,
    offer: string | undefined,
  ): Promise<{ readonly shop: KnownShop; readonly wish: WishOf }> {
    const isExpired = this.#now() > known.certificate.notAfter;
    if (offer !== undefined) {
      const answer = await this.#ask(
        link.ask(ShopOperation.get_offer, GetOfferRequest.encode({ code: offer }), GetOfferAnswer),
      );
      return { shop: await this.#newest(known, answer), wish: this.#offered(answer, options, offer) };
    }
    const items = options.articles ?? [];
    if (!isExpired && items.length > 0 && items.every(({ price }) => price !== undefined)) {
      return { shop: known, wish: wished(pricedLines(items, new Map()), options, undefined) };
    }
    const missing = new Set(items.filter(({ price }) => price === undefined).map(({ article }) => article));
    const prices = new Map<string, bigint>();
    let after = '';
    for (let page = 1; ; page++) {
      const message = GetCatalogueRequest.encode({ after, limit: CATALOGUE_PAGE_MAX });
      const answer = await this.#ask(link.ask(ShopOperation.get_catalogue, message, GetCatalogueAnswer));
      for (const { article, price } of answer.articles)
        if (missing.delete(article)) prices.set(article, price);
      const last = answer.articles.at(-1)?.article;
      if (
        missing.size > 0 &&
        answer.more &&
        last !== undefined &&
        last !== after &&
        page < CATALOGUE_PAGES_MAX
      ) {
        after = last;
        continue;
      }
      this.#expectCurrency(answer.currency);
      if (missing.size > 0) {
        throw new WalletError(
          'invalid_argument',
          `shop: expected articles of its catalogue, got ${[...missing].join(', ')}`,
        );
      }
      const lines = pricedLines(items, prices);
      return { shop: await this.#newest(known, answer), wish: wished(lines, options, answer) };
    }
  }

  #offered(answer: GetOfferAnswer, { kind = 'sale', amount, articles }: BuyOptions, offer: string): WishOf {
    this.#expectCurrency(answer.currency);
    if (articles !== undefined && articles.length > 0) {
      throw new WalletError('invalid_argument', 'purchase: expected either articles or an offer, got both');
    }
    if (kind !== answer.kind) {
      throw new WalletError('invalid_argument', `offer: expected the kind ${kind}, got ${answer.kind}`);
    }
    if (amount !== undefined && amount !== answer.amount) {
      throw new WalletError(
        'invalid_argument',
        `offer: expected one of ${amount} minor units, got one of ${answer.amount}`,
      );
    }
    if (this.#now() >= answer.expiresAt) {
      throw new WalletError('invalid_argument', 'offer: expected one that stands, got one that has expired');
    }
    const { timeoutSeconds } = answer;
    if (timeoutSeconds > AUTHORISATION_SECONDS_MAX) {
      throw new WalletError(
        'invalid_argument',
        `offer: expected one that reserves for at most ${AUTHORISATION_SECONDS_MAX} seconds, got ${timeoutSeconds}`,
      );
    }
    return {
      kind: answer.kind,
      timeoutSeconds,
      amount: amountOf(answer.amount),
      articles: answer.articles,
      offer,
      expiresWithinSeconds: undefined,
    };
  }

  #expectCurrency(currency: number): void {
    const { ledger } = this.#with.book.settings.currency;
    if (currency !== ledger)
      throw new WalletError('invalid_argument', `shop: expected currency ${ledger}, got ${currency}`);
  }

  /** The certificate that the shop gives out, of the key that it has just proven. @throws WalletError shop_invalid */
  async #newest(known: KnownShop, { certificate: bytes }: { certificate: Uint8Array }): Promise<KnownShop> {
    let signed: SignedShopCertificate;
    try {
      signed = CertificateCodec.signed.decode(bytes);
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      throw new WalletError('shop_invalid', `shop: certificate: ${error.message}`, { cause: error });
    }
    const { certificate } = known;
    const { address } = known;
    const newest = await this.#known({ address, certificate: known.signed }, signed);
    const { shop, channelKey } = newest.certificate;
    if (shop !== certificate.shop || channelKey.some((byte, i) => byte !== certificate.channelKey[i])) {
      throw new WalletError(
        'shop_invalid',
        `shop: expected a certificate of shop ${idText(certificate.shop)}, got one of shop ${idText(shop)}`,
      );
    }
    return newest;
  }

  /** An answer of the shop to a question that changes nothing. */
  async #ask<Answer>(work: Promise<Answer | Refusal>): Promise<Answer> {
    const answer = await this.#attempt(work);
    if (answer instanceof Refusal) {
      throw new WalletError('refused', `shop: ${answer.message} (${answer.code})`);
    }
    return answer;
  }

  async #begin(shop: KnownShop, { expiresWithinSeconds, ...wish }: WishOf): Promise<RequestRecord> {
    const { book, link, secrets, times, newId, emit, options } = this.#with;
    if (wish.amount === 0n) {
      throw new WalletError(
        'invalid_argument',
        'purchase: expected an amount of 1 minor unit or more, got 0',
      );
    }
    const now = this.#now();
    const keys = await secrets.get();
    const request = newId();
    const validity = BigInt(times.purchaseValidityMs) * NANOSECONDS_A_MILLISECOND;
    const allowed =
      expiresWithinSeconds === undefined ? validity : BigInt(expiresWithinSeconds) * NANOSECONDS_A_SECOND;
    const whole: Wish = {
      ...wish,
      request,
      shop: shop.certificate,
      currency: book.settings.currency.ledger,
      expiresAt: now + (allowed < validity ? allowed : validity),
    };
    const sealing = {
      device: book.device!.device,
      keys,
      managementKey: link.trust.sealingKey('management', now),
      cashKey: link.trust.sealingKey('cash', now),
      crypto: options.crypto,
    };
    const card = encodeShopCard({ address: shop.address, certificate: shop.signed });
    const record = await book.addPurchase(wish.amount, (sequence) => {
      const { message, order, orderDigest } = signedPurchase(whole, sequence, sealing);
      const purchase: PurchaseRecord = { card, sequence, order, orderDigest };
      const state = { kind: 'prepared' } as const;
      const { amount } = wish;
      return {
        record: { request, kind: 'purchase', message, state, createdAt: now, updatedAt: now, amount },
        purchase,
      };
    });
    emit({ type: 'prepared', request, kind: 'purchase' });
    return record;
  }

  // ── until it has an end ──────────────────────────────────────────────────────────────────────────────────────────────

  async #drive(record: RequestRecord, shop: KnownShop, wait: WaitOptions): Promise<RequestRecord> {
    const { book, patiently, emit, options } = this.#with;
    const { request, message } = record;
    const { expiresAt } = BuyRequest.decode(message).terms;
    const link = new ShopLink(options.transport, shop);
    let isAnswered = false;
    const ended = async (): Promise<RequestRecord | undefined> => {
      const now = await book.request(request);
      return now !== undefined && !isOpen(now.state) ? now : undefined;
    };
    try {
      return await patiently(request, wait, async (patience, waitFor) => {
        for (let attempt = 1; ; attempt++) {
          emit({ type: 'sent', request, attempt });
          const { reason, no } = await patience.for(this.#attemptAt(link, record));
          isAnswered ||= reason === undefined;
          const found = await ended();
          if (found !== undefined) return found;
          // Who does not answer may have paid; who says no, or nonsense, has said nothing that counts.
          const isGone = reason !== undefined && isTurn(attempt);
          if (isGone || no !== undefined || this.#now() > expiresAt) {
            await patience.for(this.#askCash());
            const settled = await ended();
            if (settled !== undefined) return settled;
          }
          if (no !== undefined && this.#now() <= expiresAt) throw no;
          await waitFor(reason);
        }
      });
    } catch (error) {
      if (isAnswered || !(error instanceof WalletError) || error.code !== 'unfinished') throw error;
      // Without an answer, the reason that helps is that there was none.
      const what = `request ${idText(request)}: expected an answer of the shop at ${shop.address}, got none`;
      throw new WalletError('unreachable', what, { request, cause: error });
    } finally {
      this.#close(link);
    }
  }

  /** `reason`: why there is no end as yet; `no`: what the caller is told, unless cash knows better. */
  async #attemptAt(
    link: ShopLink,
    record: RequestRecord,
  ): Promise<{ readonly reason?: string | undefined; readonly no?: WalletError | undefined }> {
    const { book, emit } = this.#with;
    const { request, message } = record;
    let answer: Uint8Array;
    try {
      answer = await this.#attempt(link.call(ShopOperation.buy, message));
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      return { reason: `shop: ${error.message}` };
    }
    const judged = await this.#judged(record, await book.purchase(request), answer);
    if (judged.kind === 'later') return { reason: judged.reason };
    const verdict =
      judged.kind === 'unknown_key' ? ({ kind: 'in_doubt', reason: judged.reason } as const) : judged.verdict;
    const proof = judged.kind === 'verdict' ? judged.proof : undefined;
    const after = await book.settle(request, verdict, this.#now(), proof);
    // Paid out of something that the wallet does not know of yet: the statement has both.
    if (after === undefined) {
      await this.#askCash();
      return { reason: 'statement: expected what it was paid out of, got nothing yet' };
    }
    emit({ type: 'state', request, state: after.state });
    const what = `request ${idText(request)}: `;
    if (verdict.kind === 'shop_refused') {
      const no = new WalletError('shop_refused', `${what}shop: ${verdict.reason} (${verdict.code})`, {
        request,
      });
      return { no };
    }
    if (verdict.kind === 'in_doubt') {
      return { no: new WalletError('answer_invalid', `${what}${verdict.reason}`, { request }) };
    }
    return {};
  }

  async #judged(
    { message }: RequestRecord,
    purchase: PurchaseRecord,
    answer: Uint8Array,
  ): Promise<PurchaseJudgement> {
    const { link, options } = this.#with;
    const { crypto } = options;
    const expected = expectationOf(message, purchase, crypto);
    const judged = (): PurchaseJudgement =>
      judgePurchase(answer, { trust: link.trust, now: this.#now(), crypto, expected });
    const first = judged();
    if (first.kind !== 'unknown_key') return first;
    await this.#attempt(link.fetchDirectory('device')).catch(() => {});
    return judged();
  }

  /** What cash says, by management; without an answer the purchase stays as it is. */
  async #askCash(): Promise<void> {
    const { sync, emit } = this.#with;
    try {
      await sync.run();
    } catch (error) {
      if (error instanceof WalletError && error.code.startsWith('storage')) throw error;
      if (!(error instanceof WalletError || error instanceof TransportError)) throw error;
      emit({ type: 'warning', message: `statement: ${error.message}` });
    }
  }

  #attempt<T>(work: Promise<T>): Promise<T> {
    const { options, times } = this.#with;
    return within(options.clock, times.attemptMs, work);
  }

  #close(link: ShopLink): void {
    const closing = link.close().finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }

  #now(): bigint {
    return this.#with.options.clock.now();
  }
}

/** The second attempt, the fourth, the eighth …: a shop that is away for long must not make cash busy. */
const isTurn = (attempt: number): boolean => attempt > 1 && (attempt & (attempt - 1)) === 0;

function readCard(shop: string | ShopCard): ShopCard & { readonly offer?: string | undefined } {
  if (typeof shop !== 'string') return shop;
  try {
    return decodeShopCard(shop);
  } catch (error) {
    if (!(error instanceof ShopCardError)) throw error;
    throw new WalletError('shop_invalid', error.message, { cause: error });
  }
}

function pricedLines(items: readonly Item[], prices: ReadonlyMap<string, bigint>): ArticleLine[] {
  return items.map(({ article, quantity = 1, price }) => ({
    article,
    quantity,
    price: price ?? prices.get(article)!,
  }));
}

function wished(
  articles: readonly ArticleLine[],
  { kind = 'sale', amount, timeoutSeconds }: BuyOptions,
  terms: Pick<GetCatalogueAnswer, 'authorisationSecondsMax' | 'expiresWithinSeconds'> | undefined,
): WishOf {
  const sum = sumOfLines(articles);
  if (amount !== undefined && amount !== sum) {
    throw new WalletError(
      'invalid_argument',
      `purchase: expected a sum of ${amount} minor units, got ${sum}`,
    );
  }
  const longest = terms?.authorisationSecondsMax || AUTHORISATION_SECONDS_DEFAULT;
  const timeout = timeoutSeconds ?? Math.min(longest, AUTHORISATION_SECONDS_DEFAULT);
  return {
    kind,
    timeoutSeconds: kind === 'sale' ? 0 : timeout,
    amount: sum,
    articles,
    offer: undefined,
    expiresWithinSeconds: terms?.expiresWithinSeconds,
  };
}

/** Waiting does not help: the card is an old one, or the shop has moved. */
function shopError(error: unknown): unknown {
  if (!(error instanceof TransportError)) return error;
  return new WalletError('shop_invalid', `shop: ${error.message}`, { cause: error });
}
