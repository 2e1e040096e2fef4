// Purchases on their way: written down, forwarded to management in batches, written down again with their outcome, answered.
//
//     take ─▶ storing ─flushed─▶ queued ─frame─▶ asked ─┬─ signed by cash ──▶ finishing ─flushed─▶ answered, gone
//                                  ▲                     ├─ refused ─────────▶ finishing
//                                  │ pause               ╰─ anything else ─╮
//                                  ╰──────────── waiting ◀─────────────────╯
//
// What came while frames were under way is the next frame, and what came alone goes alone: a frame goes when it is full,
// or has half as many purchases as are under way already. So a few at a time do not wait for each other, and of many the
// frames grow with the load: a batch of 128 costs the shop 160 µs a purchase, and cash 117, where one of 32 costs 225 and
// 172. Each batch is one transaction and one verification; no purchase has a promise or a timer of its own but that of the
// customer who waits for it.
//
// Nothing is answered before it is flushed, and nothing ends without a signature of cash: after a crash every open purchase
// is asked for again, with the same bytes. For the money alone an answer need not wait for the second flush: cash's receipt
// is durable, and would be had again. But whoever has his answer comes for the goods, or for a refund: by then the shop has
// to have the sale in its books, not once management has been heard again after a crash, perhaps much later. The wait is one
// flush, 2 ms and more on a busy disk; it takes no time of the processor, which is what bounds many purchases.
import { sha256 } from '../crypto/index.ts';
import { equalBytes } from '../identity/binary-text.ts';
import { operation } from '../roles/common/operation.ts';
import { Refusal } from '../roles/common/refusal.ts';
import type { MessageTransport } from '../roles/common/role-client.ts';
import { type PurchaseTerms, purchaseReference } from '../roles/documents/purchase.ts';
import { FRAME_BYTES_MAX } from '../roles/management/limits.ts';
import { ManagementOperation, PayAnswer, PayRequest } from '../roles/management/messages.ts';
import type { ShopRefusal } from '../roles/shop/errors.ts';
import type { BuyAnswer } from '../roles/shop/messages.ts';
import type { SetTimer } from '../shared/timer.ts';
import { StoreError } from '../store/errors.ts';
import { HEADER_SIZE } from '../wire/limits.ts';
import { LENGTH_SIZE } from '../wire/message-lengths.ts';
import type { Book, FinishedPurchase, PurchaseOutcome } from './book.ts';
import type { ShopLog } from './interface.ts';
import { type CashKeys, judgePayments, type PaymentVerdict } from './judge.ts';
import {
  ANSWER_WITHIN_MS,
  FRAME_SHARE_MIN,
  FRAMES_IN_FLIGHT_MAX,
  PURCHASES_OPEN_MAX,
  RETRY_FIRST_MS,
  RETRY_LAST_MS,
  TICK_MS,
  WAITERS_MAX,
} from './limits.ts';
import type { FinalRecord, OpenRecord, PaidRecord } from './records.ts';

export type BuyReply = BuyAnswer | Refusal<ShopRefusal>;

/** What came of one step, for tests that end the process there. */
export type PurchaseTrace = (step: 'stored' | 'asked' | 'answered' | 'finished', count: number) => void;

export interface PurchasesOptions {
  readonly book: Book;
  /** To management. */
  readonly transport: MessageTransport;
  readonly keys: CashKeys;
  readonly clock: () => bigint;
  readonly setTimer: SetTimer;
  /** 0 up to, but not including, 1: spreads pauses. */
  readonly random: () => number;
  readonly log: ShopLog;
  /** A key came that is not in the directory. */
  readonly missed: () => void;
  /** Flushed, and not answered yet. */
  readonly onPaid: (paid: PaidRecord, offer: string | undefined) => void;
  /** It has come to nothing. */
  readonly onFailed: (request: bigint, offer: string | undefined) => void;
  /** Its time is over, and its outcome is still not known: it is asked for as before, but holds no offer any more. */
  readonly onLapsed: (request: bigint, offer: string) => void;
  readonly openMax?: number | undefined;
  readonly trace?: PurchaseTrace | undefined;
}

interface Waiter {
  readonly resolve: (reply: BuyReply) => void;
  readonly sinceMs: number;
}

interface Open {
  readonly request: bigint;
  readonly record: OpenRecord;
  readonly terms: PurchaseTerms;
  readonly reference: Uint8Array;
  readonly digest: Uint8Array;
  state: 'storing' | 'queued' | 'asked' | 'waiting' | 'finishing';
  /** Something was sent that has no answer worth anything. */
  inDoubt: boolean;
  isDistrusted: boolean;
  hasLapsed: boolean;
  /** Management's word for how far it is. */
  progress: string;
  attempts: number;
  retryAtMs: number;
  waiters: Waiter[];
}

const pay = operation(ManagementOperation.pay, PayRequest, PayAnswer);
/** Purchases of a frame. Management's server hangs up on a longer one, as it takes frames of devices, which have no more. */
const FRAME_PURCHASES_MAX = Math.min(
  pay.messagesMax,
  Math.floor((FRAME_BYTES_MAX - HEADER_SIZE) / (LENGTH_SIZE + PayRequest.bytesMax)),
);
const STATE_CHARACTERS_MAX = 64;

export class Purchases {
  readonly #options: PurchasesOptions;
  readonly #open = new Map<bigint, Open>();
  readonly #queue: Open[] = [];
  #framesInFlight = 0;
  /** Purchases of those frames. */
  #asked = 0;
  #nowMs = 0;
  #cancelTick: (() => void) | undefined;
  #isClosed = false;
  #idle: (() => void)[] = [];

  constructor(options: PurchasesOptions) {
    this.#options = options;
    for (const [request, record] of options.book.openPurchases()) {
      const reference = purchaseReference(record.terms, sha256);
      // Nobody knows whether it was sent before the end of the last process.
      this.#add(request, record, reference, sha256(record.message)).inDoubt = true;
    }
  }

  get size(): number {
    return this.#open.size;
  }

  /** Those for which something came that cash has not signed. */
  get distrusted(): number {
    let count = 0;
    for (const { isDistrusted } of this.#open.values()) if (isDistrusted) count++;
    return count;
  }

  /** Forwards what was open when the last process ended. */
  resume(): void {
    for (const purchase of this.#open.values()) this.#enqueue(purchase);
    this.#pump();
    this.#schedule();
  }

  /** Whether a request is open: the purchase of these bytes, or another. undefined: it is not. */
  find(request: bigint, digest: Uint8Array): 'same' | 'other' | undefined {
    const purchase = this.#open.get(request);
    if (purchase === undefined) return undefined;
    return equalBytes(purchase.digest, digest) ? 'same' : 'other';
  }

  /** Waits for the outcome of one that is open. */
  wait(request: bigint): Promise<BuyReply> {
    const { waiters } = this.#open.get(request)!;
    if (waiters.length >= WAITERS_MAX) {
      const message = `expected at most ${WAITERS_MAX} to wait for a purchase, got one more`;
      return Promise.resolve(new Refusal<ShopRefusal>('busy', message));
    }
    this.#schedule();
    return new Promise((resolve) => {
      waiters.push({ resolve, sinceMs: this.#nowMs });
    });
  }

  /** Room for so many more. */
  hasRoom(count: number): boolean {
    return !this.#isClosed && this.#open.size + count <= (this.#options.openMax ?? PURCHASES_OPEN_MAX);
  }

  /** Takes in what was checked, or was refused in doubt before; each has to be waited for in this turn. */
  take(
    purchases: readonly {
      readonly request: bigint;
      readonly record: OpenRecord;
      readonly digest: Uint8Array;
      readonly reference: Uint8Array;
      readonly wasRefused: boolean;
    }[],
  ): void {
    const taken = purchases.map(({ request, record, reference, digest, wasRefused }) => {
      const purchase = this.#add(request, record, reference, digest);
      purchase.inDoubt = wasRefused;
      return purchase;
    });
    this.#options.book.takeIn(purchases).then(
      () => {
        this.#options.trace?.('stored', taken.length);
        for (const purchase of taken) this.#enqueue(purchase);
        this.#pump();
      },
      (error: unknown) => {
        for (const purchase of taken) {
          this.#open.delete(purchase.request);
          this.#options.onFailed(purchase.request, purchase.record.offer);
          answer(purchase, notStored(error));
        }
        this.#options.log.error({ err: error, purchases: taken.length }, 'purchases not stored');
        this.#rest();
      },
    );
  }

  /** Answers all who wait with `pending`, and resolves when nothing is being written. What comes later is asked for again. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelTick?.();
    for (const purchase of this.#open.values()) answer(purchase, pending(purchase));
    if (!this.#isIdle) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  get #isIdle(): boolean {
    for (const { state } of this.#open.values())
      if (state === 'storing' || state === 'finishing') return false;
    return true;
  }

  #rest(): void {
    if (this.#isClosed && this.#isIdle) for (const resolve of this.#idle.splice(0)) resolve();
  }

  #add(request: bigint, record: OpenRecord, reference: Uint8Array, digest: Uint8Array): Open {
    const purchase: Open = {
      request,
      record,
      terms: record.terms,
      reference,
      digest,
      state: 'storing',
      inDoubt: false,
      isDistrusted: false,
      hasLapsed: false,
      progress: 'stored',
      attempts: 0,
      retryAtMs: 0,
      waiters: [],
    };
    this.#open.set(request, purchase);
    return purchase;
  }

  #enqueue(purchase: Open): void {
    purchase.state = 'queued';
    this.#queue.push(purchase);
  }

  #pump(): void {
    while (this.#queue.length > 0 && this.#mayAsk && !this.#isClosed) {
      void this.#exchange(this.#queue.splice(0, FRAME_PURCHASES_MAX));
    }
    this.#rest();
  }

  get #mayAsk(): boolean {
    if (this.#framesInFlight >= FRAMES_IN_FLIGHT_MAX) return false;
    return this.#queue.length >= Math.min(FRAME_PURCHASES_MAX, this.#asked * FRAME_SHARE_MIN);
  }

  async #exchange(batch: readonly Open[]): Promise<void> {
    const { transport, keys, trace } = this.#options;
    this.#framesInFlight++;
    this.#asked += batch.length;
    for (const purchase of batch) {
      purchase.state = 'asked';
      purchase.attempts++;
    }
    let verdicts: readonly PaymentVerdict[];
    try {
      const asking = transport.call(
        pay.number,
        batch.map(({ record }) => record.message),
      );
      trace?.('asked', batch.length);
      const answers = await asking;
      if (answers.length !== batch.length) {
        throw new Error(`expected ${batch.length} answers, got ${answers.length}`);
      }
      trace?.('answered', batch.length);
      verdicts = judgePayments(batch, answers, keys);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      verdicts = batch.map(() => ({ kind: 'unknown', reason }));
    }
    this.#framesInFlight--;
    this.#asked -= batch.length;
    if (this.#isClosed) return;
    const finished: (FinishedPurchase & { readonly purchase: Open })[] = [];
    verdicts.forEach((verdict, i) => {
      const purchase = batch[i]!;
      if (verdict.kind === 'unknown') {
        this.#again(purchase, verdict);
        return;
      }
      purchase.state = 'finishing';
      const { request, digest, record: open, inDoubt } = purchase;
      const outcome: PurchaseOutcome = verdict.kind === 'refused' ? { ...verdict, inDoubt } : verdict;
      finished.push({ request, digest, open, outcome, purchase });
    });
    if (finished.length > 0) void this.#finish(finished);
    this.#pump();
  }

  #again(purchase: Open, verdict: Extract<PaymentVerdict, { kind: 'unknown' }>): void {
    const { log, random, missed } = this.#options;
    if (verdict.distrusted !== undefined) {
      if (verdict.distrusted === 'receipt_of_unknown_key') missed();
      if (!purchase.isDistrusted) {
        log.warn({ request: purchase.request.toString(), problem: verdict.distrusted }, 'answer distrusted');
      }
      purchase.isDistrusted = true;
    }
    purchase.inDoubt = true;
    purchase.state = 'waiting';
    purchase.progress = verdict.distrusted ?? verdict.reason;
    const pauseMs = Math.min(RETRY_LAST_MS, RETRY_FIRST_MS * 2 ** Math.min(purchase.attempts - 1, 16));
    purchase.retryAtMs = this.#nowMs + pauseMs * (0.75 + random() / 2);
    this.#schedule();
  }

  async #finish(finished: readonly (FinishedPurchase & { readonly purchase: Open })[]): Promise<void> {
    const { book, clock, log, onPaid, onFailed, trace } = this.#options;
    let paid: readonly (PaidRecord | undefined)[];
    try {
      paid = await book.finish(finished, clock());
    } catch (error) {
      log.error({ err: error, purchases: finished.length }, 'outcomes not stored');
      // Asked for again, they come out the same.
      for (const { purchase } of finished) this.#again(purchase, { kind: 'unknown', reason: 'not stored' });
      this.#rest();
      return;
    }
    trace?.('finished', finished.length);
    for (const { request } of finished) this.#open.delete(request);
    finished.forEach(({ request, open, outcome, purchase }, i) => {
      const record = paid[i];
      if (record === undefined) onFailed(request, open.offer);
      else onPaid(record, open.offer);
      answer(purchase, replyOf(outcome));
    });
    this.#rest();
  }

  #schedule(): void {
    if (this.#cancelTick !== undefined || this.#isClosed) return;
    this.#cancelTick = this.#options.setTimer(() => this.#tick(), TICK_MS);
  }

  #tick(): void {
    this.#cancelTick = undefined;
    this.#nowMs += TICK_MS;
    const now = this.#options.clock();
    for (const purchase of this.#open.values()) {
      if (purchase.state === 'waiting' && purchase.retryAtMs <= this.#nowMs) this.#enqueue(purchase);
      const { offer } = purchase.record;
      if (offer !== undefined && !purchase.hasLapsed && now >= purchase.terms.expiresAt) {
        purchase.hasLapsed = true;
        this.#options.onLapsed(purchase.request, offer);
      }
      if (purchase.waiters.length === 0) continue;
      const late = purchase.waiters.filter(({ sinceMs }) => this.#nowMs - sinceMs >= ANSWER_WITHIN_MS);
      if (late.length === 0) continue;
      purchase.waiters = purchase.waiters.filter((waiter) => !late.includes(waiter));
      for (const { resolve } of late) resolve(pending(purchase));
    }
    this.#pump();
    if (this.#open.size > 0) this.#schedule();
  }
}

export function replyOf(outcome: PurchaseOutcome | FinalRecord): BuyReply {
  switch (outcome.kind) {
    case 'paid':
      return { kind: 'paid', receipt: outcome.receipt };
    case 'rejected':
      return { kind: 'rejected', rejection: outcome.rejection };
    case 'refused':
      return { kind: 'refused', code: outcome.code };
  }
}

const pending = ({ progress }: Open): BuyReply => ({
  kind: 'pending',
  // Words of management and of the channel, in the length that the answer has for them.
  state: progress.replace(/[^ -~]/g, '?').slice(0, STATE_CHARACTERS_MAX),
});

function answer(purchase: Open, reply: BuyReply): void {
  const { waiters } = purchase;
  purchase.waiters = [];
  for (const { resolve } of waiters) resolve(reply);
}

function notStored(error: unknown): Refusal<ShopRefusal> {
  const isFull = error instanceof StoreError && error.code === 'store_full';
  return new Refusal<ShopRefusal>(
    isFull ? 'storage_full' : 'busy',
    'expected the purchase to be written down, got an error',
  );
}
