// Sells wide notes for a shop's money. A wallet of Cashu asks the issuer for a quote; whoever holds it brings the quote to
// the counter, pays it there like anything else, and the counter pays the quote from what was sold:
//
//     customer ── quote ──▶ sell ─▶ offer ── paid, by a wallet ──▶ open ─┬─ the issuer has cash's receipt ──▶ paid
//                                                                        ╰─ it will never be paid ─▶ giving_back ─▶ given_back
//
// Tables of the shop's store:
//
//     counter-quotes    article ▶ quote, amount: what an offer of that article is for
//     counter           purchase ▶ quote, the signed order, what became of it
//     counter-cursor    0 ▶ number of the day book up to which sales were looked through
//
// The day book is the inbox: after a crash, sales behind the cursor are looked through again. The order is signed and written
// down before it is sent, so that what is asked again are the same bytes.
import { sha256 } from '../crypto/index.ts';
import { toHex } from '../identity/binary-text.ts';
import type { CallResult } from '../roles/common/role-client.ts';
import { QUOTE_REQUEST } from '../roles/common/wide-notes.ts';
import { NoteOrder, NoteReceipt, type SignedNoteReceipt } from '../roles/documents/note-order.ts';
import type { PayQuoteAnswer, PayQuoteRequest } from '../roles/issuer/messages.ts';
import { type Infer, nothing, struct, text, u64, u128, union } from '../shared/codec.ts';
import type { Currency } from '../shared/currency.ts';
import type { SetTimer } from '../shared/timer.ts';
import { idOfKey } from '../store/key.ts';
import type { RoleStore } from '../store/store.ts';
import type { NumberedEntry } from './day-book.ts';
import { ShopError } from './errors.ts';
import type { ShopLog } from './interface.ts';
import { type CashKeys, judgeNoteReceipt, judgeNoteRejection } from './judge.ts';
import { ORDER_SECONDS, RETRY_FIRST_MS, RETRY_LAST_MS, SALES_PAGE_MAX } from './limits.ts';
import type { Sale } from './sale.ts';
import type { Charge, Till } from './till.ts';

const QUOTES = 'counter-quotes';
const SALES = 'counter';
const CURSOR = 'counter-cursor';
const CURSOR_KEY = 0n;
const NANOSECONDS_PER_SECOND = 1_000_000_000n;
const PAGE = 256;
/** The till that its sales are of. */
const COUNTER_TILL = 'counter';
const ARTICLE_PREFIX = 'notes-';
const ARTICLE_DIGEST_BYTES = 12;
const utf8 = new TextEncoder();

const QuoteRecord = struct({ quote: text(64), amount: u128 });
const CounterRecord = struct({
  quote: text(64),
  order: NoteOrder.signed,
  createdAt: u64,
  state: union({
    open: nothing,
    paid: struct({ receipt: NoteReceipt.signed }),
    giving_back: struct({ reason: text(64) }),
    given_back: struct({ reason: text(64) }),
    /** It could not be given back: somebody else has. An operator looks at it. */
    stuck: struct({ reason: text(64) }),
  }),
});
export type CounterRecord = Infer<typeof CounterRecord>;

/** What the counter asks the issuer. Promises never reject: no answer is `unknown`. */
export interface CounterIssuer {
  /** As it stands now; undefined: there is no such quote, or the issuer does not answer. */
  quote(
    id: string,
  ): Promise<{ readonly amount: bigint; readonly unit: string; readonly state: string } | undefined>;
  payQuote(request: PayQuoteRequest): Promise<CallResult<PayQuoteAnswer>>;
}

export interface CounterOptions {
  readonly store: RoleStore;
  readonly issuer: CounterIssuer;
  readonly shop: bigint;
  readonly currency: Currency;
  readonly sign: (message: Uint8Array) => Uint8Array;
  readonly keys: CashKeys;
  readonly till: (name: string) => Till;
  readonly entries: (page: { readonly after: bigint; readonly limit: number }) => readonly NumberedEntry[];
  readonly sale: (purchase: bigint) => Sale | undefined;
  /** Draws request ids. */
  readonly nextId: () => bigint;
  readonly clock: () => bigint;
  readonly setTimer: SetTimer;
  readonly random: () => number;
  readonly log: ShopLog;
  readonly missed: () => void;
}

/** The unit of wide notes of a currency, as keysets have it. */
export const unitOf = (currency: Currency): string => currency.code.toLowerCase();

/** A key of no catalogue: what an offer of that quote's notes is called. */
export function articleOf(quote: string): string {
  return `${ARTICLE_PREFIX}${toHex(sha256(utf8.encode(quote)).subarray(0, ARTICLE_DIGEST_BYTES))}`;
}

export class Counter {
  readonly #options: CounterOptions;
  readonly #timers = new Set<() => void>();
  readonly #underWay = new Set<bigint>();
  #cursor: bigint;
  #isClosed = false;
  #scanning: Promise<void> | undefined;
  #scanAgain = false;

  constructor(options: CounterOptions) {
    this.#options = options;
    const stored = options.store.get(CURSOR, CURSOR_KEY);
    this.#cursor = stored === undefined ? 0n : u64.decode(stored);
  }

  /** Sales of quotes that are not at their end. */
  get size(): number {
    return this.#underWay.size;
  }

  /** Goes on with what was open, and with what was sold since. */
  resume(): void {
    for (let from = 0n; ; ) {
      const page = this.#options.store.range(SALES, { from, limit: PAGE });
      for (const { key, value } of page) {
        const { state } = CounterRecord.decode(value);
        if (state.kind === 'open' || state.kind === 'giving_back') this.#begin(idOfKey(key));
      }
      if (page.length < PAGE) break;
      from = idOfKey(page.at(-1)!.key) + 1n;
    }
    this.scan();
  }

  /** What became of the sale of a quote; undefined: that purchase was of something else. */
  find(purchase: bigint): CounterRecord | undefined {
    const stored = this.#options.store.get(SALES, purchase);
    return stored === undefined ? undefined : CounterRecord.decode(stored);
  }

  /**
   * Offers the notes of a quote to a customer.
   * @param given the quote's id, or its request as wallets show it
   * @throws ShopError quote_unknown, wrong_state, unreachable, too_many_open
   */
  async sell(given: string, options: { readonly seconds?: number } = {}): Promise<Charge> {
    const { issuer, store, currency, till } = this.#options;
    if (this.#isClosed) throw new ShopError('shop_closed', 'expected an open shop');
    const quote = given.startsWith(QUOTE_REQUEST) ? given.slice(QUOTE_REQUEST.length) : given;
    if (!/^[\x21-\x7e]{1,64}$/.test(quote))
      throw new ShopError('invalid_argument', 'quote: expected 1 to 64 printable characters, got others');
    const found = await issuer.quote(quote);
    if (found === undefined)
      throw new ShopError(
        'quote_unknown',
        `quote ${quote}: expected one of the issuer, got none, or no answer`,
      );
    if (found.unit !== unitOf(currency))
      throw new ShopError('wrong_state', `quote ${quote}: expected ${unitOf(currency)}, got ${found.unit}`);
    if (found.state !== 'UNPAID')
      throw new ShopError('wrong_state', `quote ${quote}: expected one that is not paid, got ${found.state}`);
    const article = articleOf(quote);
    const { amount } = found;
    await store.transaction((tx) =>
      tx.put(QUOTES, utf8.encode(article), QuoteRecord.encode({ quote, amount })),
    );
    return till(COUNTER_TILL).charge([{ article, price: amount, name: 'Electronic notes' }], options);
  }

  /** Looks through what was sold since the last time. */
  scan(): void {
    if (this.#isClosed) return;
    if (this.#scanning !== undefined) {
      this.#scanAgain = true;
      return;
    }
    this.#scanning = this.#scan()
      .catch((error: unknown) => {
        this.#options.log.error({ err: error }, 'sales of notes not looked through: again later');
        this.#later(() => this.scan(), 1);
      })
      .finally(() => {
        this.#scanning = undefined;
        if (this.#scanAgain) {
          this.#scanAgain = false;
          this.scan();
        }
      });
  }

  /** Resolves when nothing is being written. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    await this.#scanning;
  }

  async #scan(): Promise<void> {
    const { entries, store } = this.#options;
    for (;;) {
      if (this.#isClosed) return;
      const page = entries({ after: this.#cursor, limit: SALES_PAGE_MAX });
      const last = page.at(-1);
      if (last === undefined) return;
      const begun: bigint[] = [];
      await store.transaction((tx) => {
        begun.length = 0;
        for (const { kind, purchase } of page) {
          const record = kind === 'sale' ? this.#recordOf(purchase) : undefined;
          if (record === undefined || tx.get(SALES, purchase) !== undefined) continue;
          tx.put(SALES, purchase, CounterRecord.encode(record));
          begun.push(purchase);
        }
        tx.put(CURSOR, CURSOR_KEY, u64.encode(last.number));
      });
      this.#cursor = last.number;
      for (const purchase of begun) this.#begin(purchase);
      if (page.length < SALES_PAGE_MAX) return;
    }
  }

  #recordOf(purchase: bigint): CounterRecord | undefined {
    const { sale, store, shop, sign, nextId, clock } = this.#options;
    const sold = sale(purchase);
    const [line] = sold?.articles ?? [];
    if (sold === undefined || line === undefined || !line.article.startsWith(ARTICLE_PREFIX))
      return undefined;
    const stored = store.get(QUOTES, utf8.encode(line.article));
    if (stored === undefined) return undefined;
    const { quote, amount } = QuoteRecord.decode(stored);
    // Whatever a catalogue calls its articles: only what was offered here, at that price, is a quote.
    if (sold.articles.length !== 1 || sold.amount !== amount || sold.till !== COUNTER_TILL) return undefined;
    const now = clock();
    const document: NoteOrder = {
      request: nextId(),
      shop,
      action: 'issue',
      source: 'sales',
      amount,
      currency: sold.currency,
      reference: sha256(utf8.encode(quote)),
      applyBy: now + BigInt(ORDER_SECONDS) * NANOSECONDS_PER_SECOND,
    };
    const order = { document, signature: sign(NoteOrder.signedBytes(document)) };
    return { quote, order, createdAt: now, state: { kind: 'open' } };
  }

  #begin(purchase: bigint): void {
    if (this.#underWay.has(purchase)) return;
    this.#underWay.add(purchase);
    this.#step(purchase, 1);
  }

  #step(purchase: bigint, attempt: number): void {
    if (this.#isClosed) return;
    this.#advance(purchase).then(
      (isDone) => {
        if (isDone) this.#underWay.delete(purchase);
        else this.#later(() => this.#step(purchase, attempt + 1), attempt);
      },
      (error: unknown) => {
        this.#options.log.warn(
          { purchase: purchase.toString(), err: error },
          'sale of notes without an outcome: asked again',
        );
        this.#later(() => this.#step(purchase, attempt + 1), attempt);
      },
    );
  }

  /** @returns whether the sale is at its end */
  async #advance(purchase: bigint): Promise<boolean> {
    const record = this.find(purchase)!;
    const { state } = record;
    if (state.kind === 'open') {
      const next = await this.#pay(record);
      if (next === undefined || this.#isClosed) return false;
      await this.#write(purchase, { ...record, state: next });
      return next.kind === 'paid' ? true : this.#advance(purchase);
    }
    if (state.kind === 'giving_back') {
      const next = await this.#giveBack(purchase, state.reason);
      if (this.#isClosed) return false;
      await this.#write(purchase, { ...record, state: next });
    }
    return true;
  }

  /** undefined: not known yet. */
  async #pay({ quote, order }: CounterRecord): Promise<CounterRecord['state'] | undefined> {
    const { issuer, keys, missed, log } = this.#options;
    const result = await issuer.payQuote({ order, quote });
    if (result.kind === 'unknown') return undefined;
    if (result.kind === 'refused') return { kind: 'giving_back', reason: result.refusal.code };
    const { answer } = result;
    if (answer.kind === 'pending') return undefined;
    const verdict =
      answer.kind === 'paid'
        ? judgeNoteReceipt(order, answer.receipt, keys)
        : judgeNoteRejection(order, answer.rejection, keys);
    if (verdict !== undefined) {
      if (verdict === 'receipt_of_unknown_key') missed();
      // Never the quote: who knows its id may be able to mint from it.
      log.warn(
        { order: String(order.document.request), problem: verdict },
        'answer to a sale of notes not believed',
      );
      return undefined;
    }
    return answer.kind === 'paid'
      ? { kind: 'paid', receipt: answer.receipt satisfies SignedNoteReceipt }
      : { kind: 'giving_back', reason: answer.rejection.document.reason };
  }

  async #giveBack(purchase: bigint, reason: string): Promise<CounterRecord['state']> {
    try {
      await this.#options.till(COUNTER_TILL).refund(purchase);
      return { kind: 'given_back', reason };
    } catch (error) {
      if (!(error instanceof ShopError) || error.code === 'unfinished' || error.code === 'too_many_open')
        throw error;
      // A refund that a process before this one has ordered is seen by what is left of the sale.
      const sale = this.#options.sale(purchase);
      if (sale !== undefined && sale.refunded === sale.amount) return { kind: 'given_back', reason };
      // … or, as long as it has no answer, by what is left of it.
      if (error.code === 'exceeds_rest') throw error;
      this.#options.log.error(
        { purchase: purchase.toString(), err: error },
        'a quote could not be paid, nor its sale be given back: look at it',
      );
      return { kind: 'stuck', reason: error.code };
    }
  }

  #write(purchase: bigint, record: CounterRecord): Promise<void> {
    return this.#options.store.transaction((tx) => tx.put(SALES, purchase, CounterRecord.encode(record)));
  }

  #later(run: () => void, attempt: number): void {
    if (this.#isClosed) return;
    const { setTimer, random } = this.#options;
    const pauseMs = Math.min(RETRY_LAST_MS, RETRY_FIRST_MS * 2 ** Math.min(attempt - 1, 16));
    const cancel = setTimer(
      () => {
        this.#timers.delete(cancel);
        run();
      },
      pauseMs * (0.75 + random() / 2),
    );
    this.#timers.add(cancel);
  }
}
