// Refunds, captures and voids: signed by the shop, written down before they are sent, asked for again with the same bytes
// until cash has signed an answer. Few beside the purchases, so each travels alone.
//
//     give ─▶ open ─┬─ receipt of cash ────▶ done: the purchase is changed in the same transaction
//                   ├─ rejection of cash ──▶ rejected
//                   ├─ refusal ────────────▶ refused
//                   ╰─ anything else: pause, and again, also after a restart
//
// What is left of a purchase is reckoned here first, so that nobody orders what cannot be; that no more is given back than
// was paid is cash's to see to.
import { sha256 } from '../crypto/index.ts';
import { operation } from '../roles/common/operation.ts';
import type { MessageTransport } from '../roles/common/role-client.ts';
import { type ShopAction, ShopOrder, type SignedShopOrder } from '../roles/documents/payment-receipts.ts';
import { ManagementOperation, ShopOrderAnswer, ShopOrderRequest } from '../roles/management/messages.ts';
import type { SetTimer } from '../shared/timer.ts';
import type { Book } from './book.ts';
import { ShopError } from './errors.ts';
import type { ShopLog } from './interface.ts';
import { type CashKeys, judgeOrder, type OrderVerdict } from './judge.ts';
import { ORDER_SECONDS, ORDERS_OPEN_MAX, RETRY_FIRST_MS, RETRY_LAST_MS } from './limits.ts';
import type { OrderRecord, OrderState } from './records.ts';
import { refundable } from './sale.ts';

export interface OrdersOptions {
  readonly book: Book;
  readonly transport: MessageTransport;
  readonly keys: CashKeys;
  readonly shop: bigint;
  readonly sign: (message: Uint8Array) => Uint8Array;
  /** Draws request ids. */
  readonly nextId: () => bigint;
  readonly clock: () => bigint;
  readonly setTimer: SetTimer;
  readonly random: () => number;
  readonly log: ShopLog;
  readonly missed: () => void;
}

interface Open {
  record: OrderRecord;
  readonly digest: Uint8Array;
  inDoubt: boolean;
  attempts: number;
  cancelRetry: (() => void) | undefined;
  waiters: ((record: OrderRecord) => void)[];
}

const shopOrder = operation(ManagementOperation.shop_order, ShopOrderRequest, ShopOrderAnswer);
const NANOSECONDS_PER_SECOND = 1_000_000_000n;

export class Orders {
  readonly #options: OrdersOptions;
  readonly #open = new Map<bigint, Open>();
  /** By purchase: what refused orders in doubt may have moved. */
  readonly #doubtful = new Map<bigint, bigint>();
  #isClosed = false;
  #writing = 0;
  #idle: (() => void)[] = [];

  constructor(options: OrdersOptions) {
    this.#options = options;
    for (const record of options.book.openOrders()) this.#add(record).inDoubt = true;
    for (const { order, state } of options.book.orders()) {
      if (state.kind === 'refused' && state.inDoubt) this.#doubt(order);
    }
  }

  get size(): number {
    return this.#open.size;
  }

  /** Sends what was open when the last process ended. */
  resume(): void {
    for (const open of this.#open.values()) this.#send(open);
  }

  /**
   * Writes an order down and sends it. Resolves when it is written; `ended` then says what came of it.
   * @param amount left out: all that is left
   * @throws ShopError purchase_unknown, wrong_state, exceeds_rest, too_many_open, invalid_argument, shop_closed
   */
  async give(order: {
    readonly action: ShopAction;
    readonly purchase: bigint;
    readonly amount?: bigint | undefined;
    readonly till: string;
  }): Promise<{ readonly request: bigint; readonly ended: Promise<OrderRecord> }> {
    const { book, shop, sign, nextId, clock } = this.#options;
    if (this.#isClosed) throw new ShopError('shop_closed', 'expected an open shop');
    if (this.#open.size >= ORDERS_OPEN_MAX) {
      throw new ShopError('too_many_open', `expected at most ${ORDERS_OPEN_MAX} open orders, got one more`);
    }
    const { amount, currency } = this.#checked(order);
    const now = clock();
    const document: ShopOrder = {
      request: nextId(),
      shop,
      action: order.action,
      purchase: order.purchase,
      amount,
      currency,
      applyBy: now + BigInt(ORDER_SECONDS) * NANOSECONDS_PER_SECOND,
    };
    const signed = { document, signature: sign(ShopOrder.signedBytes(document)) };
    const record: OrderRecord = {
      order: signed,
      till: order.till,
      createdAt: now,
      updatedAt: now,
      state: { kind: 'open' },
    };
    // From now on nobody else can order the same rest.
    const open = this.#add(record);
    const ended = new Promise<OrderRecord>((resolve) => open.waiters.push(resolve));
    this.#writing++;
    try {
      await book.takeOrder(record);
    } catch (error) {
      this.#open.delete(document.request);
      throw error;
    } finally {
      this.#writing--;
      this.#rest();
    }
    this.#send(open);
    return { request: document.request, ended };
  }

  /** Resolves when nothing is being written. What is open goes on at the next start. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { cancelRetry } of this.#open.values()) cancelRetry?.();
    if (this.#writing > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #checked({
    action,
    purchase,
    amount,
  }: {
    action: ShopAction;
    purchase: bigint;
    amount?: bigint | undefined;
  }): {
    amount: bigint;
    currency: number;
  } {
    const final = this.#options.book.final(purchase);
    if (final?.kind !== 'paid') {
      throw new ShopError(
        'purchase_unknown',
        `purchase ${purchase}: expected one that was paid or reserved, got none`,
      );
    }
    const { state, terms } = final;
    const { currency } = terms;
    const held = this.#held(purchase);
    const wanted = action === 'refund' ? 'paid or captured' : 'reserved';
    const fits = action === 'refund' ? state === 'paid' || state === 'captured' : state === 'reserved';
    if (!fits || (action !== 'refund' && held.any)) {
      const got = fits ? 'being captured or voided' : state;
      throw new ShopError(
        'wrong_state',
        `purchase ${purchase}: expected one that is ${wanted}, got one that is ${got}`,
      );
    }
    if (action === 'void') return { amount: 0n, currency };
    const rest = action === 'refund' ? refundable(final) - held.amount : terms.amount;
    const asked = amount ?? rest;
    if (asked < 1n || asked > rest) {
      throw new ShopError(
        'exceeds_rest',
        `purchase ${purchase}: expected 1 to ${rest} minor units, got ${asked}`,
      );
    }
    return { amount: asked, currency };
  }

  /** What open and doubtful orders may take of a purchase. */
  #held(purchase: bigint): { readonly amount: bigint; readonly any: boolean } {
    const doubtful = this.#doubtful.get(purchase);
    let amount = doubtful ?? 0n;
    let any = doubtful !== undefined;
    for (const { record } of this.#open.values()) {
      const { document } = record.order;
      if (document.purchase !== purchase) continue;
      amount += document.amount;
      any = true;
    }
    return { amount, any };
  }

  #doubt({ document: { purchase, amount } }: SignedShopOrder): void {
    this.#doubtful.set(purchase, (this.#doubtful.get(purchase) ?? 0n) + amount);
  }

  #add(record: OrderRecord): Open {
    const digest = sha256(ShopOrder.codec.encode(record.order.document));
    const open: Open = { record, digest, inDoubt: false, attempts: 0, cancelRetry: undefined, waiters: [] };
    this.#open.set(record.order.document.request, open);
    return open;
  }

  #send(open: Open): void {
    if (!this.#isClosed) void this.#exchange(open);
  }

  async #exchange(open: Open): Promise<void> {
    const { transport, keys, clock } = this.#options;
    const { order } = open.record;
    open.attempts++;
    let verdict: OrderVerdict;
    try {
      const answers = await transport.call(shopOrder.number, [ShopOrderRequest.encode({ order })]);
      if (answers.length !== 1) throw new Error(`expected one answer, got ${answers.length}`);
      verdict = judgeOrder(order, open.digest, answers[0]!, keys);
    } catch (error) {
      verdict = { kind: 'unknown', reason: error instanceof Error ? error.message : String(error) };
    }
    if (this.#isClosed) return;
    if (verdict.kind === 'unknown') {
      this.#again(open, verdict);
      return;
    }
    const state: OrderState = verdict.kind === 'refused' ? { ...verdict, inDoubt: open.inDoubt } : verdict;
    await this.#finish(open, { ...open.record, state, updatedAt: clock() });
  }

  async #finish(open: Open, record: OrderRecord): Promise<void> {
    const { book, log } = this.#options;
    this.#writing++;
    try {
      await book.finishOrder(record);
    } catch (error) {
      log.error({ err: error }, 'outcome of an order not stored');
      this.#again(open, { kind: 'unknown', reason: 'not stored' });
      return;
    } finally {
      this.#writing--;
      this.#rest();
    }
    this.#open.delete(record.order.document.request);
    if (record.state.kind === 'refused' && record.state.inDoubt) this.#doubt(record.order);
    for (const resolve of open.waiters) resolve(record);
  }

  #again(open: Open, { reason, distrusted }: Extract<OrderVerdict, { kind: 'unknown' }>): void {
    const { log, missed, random, setTimer } = this.#options;
    open.inDoubt = true;
    if (distrusted === 'receipt_of_unknown_key') missed();
    const { request, action } = open.record.order.document;
    log.warn({ request: request.toString(), action, reason }, 'order without an answer: asked again');
    if (this.#isClosed) return;
    const pauseMs = Math.min(RETRY_LAST_MS, RETRY_FIRST_MS * 2 ** Math.min(open.attempts - 1, 16));
    open.cancelRetry = setTimer(() => this.#send(open), pauseMs * (0.75 + random() / 2));
  }

  #rest(): void {
    if (this.#isClosed && this.#writing === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }
}
