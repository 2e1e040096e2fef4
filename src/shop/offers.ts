// What there is to pay at the tills. An offer is shown as a code, is paid by one purchase, and lives in memory: whoever
// restarts a shop makes its open offers again. A purchase that was pushed for one outlives that like any other.
//
//     charge() ──▶ open ──purchase──▶ taken ──paid──▶ gone: `paid` resolves
//                   │ ▲                 │
//                   │ ╰──rejected, over its time without an outcome
//                   ╰──expired, cancelled──▶ gone: `paid` rejects
import type { ArticleLine, PurchaseKind } from '../roles/documents/purchase.ts';
import { OFFER_CODE_CHARACTERS } from '../roles/documents/shop-card.ts';
import type { SetTimer } from '../shared/timer.ts';
import { ShopError } from './errors.ts';
import { OFFERS_MAX } from './limits.ts';
import type { Sale } from './sale.ts';

/** 31^6: with 4,096 open, one of 200,000 guesses finds one, of which few are answered (guesses.ts). */
const CODE_CHARACTERS = 6;
const TICK_MS = 1_000;

export interface OfferContent {
  readonly till: string;
  readonly kind: PurchaseKind;
  /** Of an authorisation; 0 in a sale. */
  readonly timeoutSeconds: number;
  readonly articles: readonly ArticleLine[];
  /** Of the articles, in their order. */
  readonly names: readonly string[];
  readonly amount: bigint;
  /** Nanoseconds. */
  readonly expiresAt: bigint;
}

export interface Offer extends OfferContent {
  readonly code: string;
  /** Request of the purchase that pays it. */
  readonly taken: bigint | undefined;
}

interface Entry {
  offer: Offer;
  readonly resolve: (sale: Sale) => void;
  readonly reject: (error: ShopError) => void;
}

export interface OffersOptions {
  /** Fit for secrets: codes cannot be guessed. */
  readonly randomBytes: (size: number) => Uint8Array;
  readonly clock: () => bigint;
  readonly setTimer: SetTimer;
}

export class Offers {
  readonly #entries = new Map<string, Entry>();
  readonly #options: OffersOptions;
  #cancelTick: (() => void) | undefined;

  constructor(options: OffersOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** @throws ShopError too_many_open */
  add(content: OfferContent): { readonly offer: Offer; readonly paid: Promise<Sale> } {
    if (this.#entries.size >= OFFERS_MAX) {
      throw new ShopError('too_many_open', `expected at most ${OFFERS_MAX} open offers, got one more`);
    }
    let code = this.#code();
    while (this.#entries.has(code)) code = this.#code();
    const offer = { ...content, code, taken: undefined };
    const paid = new Promise<Sale>((resolve, reject) => {
      this.#entries.set(code, { offer, resolve, reject });
    });
    // A till that does not wait for it is no fault.
    paid.catch(() => {});
    this.#schedule();
    return { offer, paid };
  }

  /** undefined: none of that code, or not any more. */
  find(code: string): Offer | undefined {
    const offer = this.#entries.get(code)?.offer;
    if (offer === undefined) return undefined;
    return offer.taken !== undefined || this.#options.clock() < offer.expiresAt ? offer : undefined;
  }

  take(code: string, request: bigint): void {
    const entry = this.#entries.get(code);
    if (entry !== undefined) entry.offer = { ...entry.offer, taken: request };
  }

  /** The purchase has come to nothing. */
  release(code: string, request: bigint): void {
    const entry = this.#entries.get(code);
    if (entry?.offer.taken === request) entry.offer = { ...entry.offer, taken: undefined };
  }

  paid(code: string, sale: Sale): void {
    const entry = this.#entries.get(code);
    // One that was released when its time was over may turn out paid, as long as nobody else pays.
    if (entry === undefined || (entry.offer.taken ?? sale.purchase) !== sale.purchase) return;
    this.#entries.delete(code);
    entry.resolve(sale);
  }

  /** @throws ShopError wrong_state: it is being paid */
  cancel(code: string): void {
    const entry = this.#entries.get(code);
    if (entry === undefined) return;
    if (entry.offer.taken !== undefined) {
      throw new ShopError(
        'wrong_state',
        `offer ${code}: expected one that nobody pays, got one that is being paid`,
      );
    }
    this.#end(entry, 'offer_cancelled', 'was taken back');
  }

  close(): void {
    this.#cancelTick?.();
    for (const entry of this.#entries.values()) this.#end(entry, 'shop_closed', 'ended with the shop');
  }

  #schedule(): void {
    this.#cancelTick ??= this.#options.setTimer(() => this.#tick(), TICK_MS);
  }

  /** Ends those whose time is over, unless a purchase of one is under way. */
  #tick(): void {
    this.#cancelTick = undefined;
    const now = this.#options.clock();
    for (const entry of this.#entries.values()) {
      const { taken, expiresAt } = entry.offer;
      if (taken === undefined && now >= expiresAt) this.#end(entry, 'offer_expired', 'was not paid in time');
    }
    if (this.#entries.size > 0) this.#schedule();
  }

  #end(
    { offer: { code }, reject }: Entry,
    reason: 'offer_cancelled' | 'offer_expired' | 'shop_closed',
    what: string,
  ): void {
    this.#entries.delete(code);
    reject(new ShopError(reason, `offer ${code}: expected a payment, got none: it ${what}`));
  }

  #code(): string {
    let code = '';
    while (code.length < CODE_CHARACTERS) {
      for (const byte of this.#options.randomBytes(CODE_CHARACTERS)) {
        // 8 × 31 = 248: the rest would make some characters likelier.
        if (byte < 248 && code.length < CODE_CHARACTERS) code += OFFER_CODE_CHARACTERS[byte % 31]!;
      }
    }
    return code;
  }
}
