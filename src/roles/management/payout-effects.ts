// What a window's flow asks of cash and settlement. As in effects.ts, what cannot be right is not believed.
import type { RoleStore } from '../../store/store.ts';
import type { CashRefusal } from '../cash/errors.ts';
import type {
  BookOutcomesAnswer,
  BookOutcomesRequest,
  BookPayoutsAnswer,
  BookPayoutsRequest,
  CloseWindowAnswer,
  CloseWindowRequest,
} from '../cash/payout-messages.ts';
import type { Distrust } from '../common/distrust.ts';
import type { CallResult } from '../common/role-client.ts';
import { PayoutOrder, type SignedPayoutOrder } from '../documents/payout.ts';
import { type Again, again, type EffectItem, type Perform } from '../flow/flow.ts';
import type { SettlementRefusal } from '../settlement/errors.ts';
import type {
  ListOutcomesAnswer,
  ListOutcomesRequest,
  PayOutAnswer,
  PayOutRequest,
} from '../settlement/payout-messages.ts';
import type { CheckCashSignatures } from './cash-signatures.ts';
import type { WindowEffect, WindowOutcome } from './payout-flow.ts';
import { findWindow } from './payout-registry.ts';
import { enrolmentOf, findShop } from './shop-registry.ts';

/** What of cash and settlement payouts need. A promise never rejects: no answer is `unknown`. */
export interface PayoutPartners {
  closeWindow(request: CloseWindowRequest): Promise<CallResult<CloseWindowAnswer, CashRefusal>>;
  bookPayouts(request: BookPayoutsRequest): Promise<CallResult<BookPayoutsAnswer, CashRefusal>>;
  bookOutcomes(request: BookOutcomesRequest): Promise<CallResult<BookOutcomesAnswer, CashRefusal>>;
  payOut(request: PayOutRequest): Promise<CallResult<PayOutAnswer, SettlementRefusal>>;
  listOutcomes(request: ListOutcomesRequest): Promise<CallResult<ListOutcomesAnswer, SettlementRefusal>>;
}

export interface PayoutEffectsOptions {
  readonly store: RoleStore;
  readonly partners: PayoutPartners;
  readonly checkSignatures: CheckCashSignatures;
  readonly distrust: Distrust;
}

/** Outcomes wake the window; this is for one that was missed. */
const LOOK_AGAIN_MS = 30_000;

export function payoutEffects(options: PayoutEffectsOptions): Perform<WindowEffect, WindowOutcome> {
  const { store, partners, checkSignatures, distrust } = options;
  type Item<Kind extends WindowEffect['kind']> = EffectItem<WindowEffect & { readonly kind: Kind }>;
  type Result = Promise<WindowOutcome | Again>;

  async function close(item: Item<'close'>): Result {
    const { window, currency } = item.effect;
    const result = await partners.closeWindow({ window, currency });
    if (result.kind === 'unknown') return again();
    if (result.kind === 'refused') return distrust.distrust(item, result.refusal.code);
    const { number, from, cutoff } = result.answer;
    if (number === 0n || cutoff <= from || (number === 1n) !== (from === 0n))
      return distrust.distrust(item, 'window_impossible');
    return { kind: 'closed', number, from, cutoff };
  }

  async function book(item: Item<'book'>): Result {
    const { window, after } = item.effect;
    const result = await partners.bookPayouts({ window, after });
    if (result.kind === 'unknown') return again();
    if (result.kind === 'refused') return distrust.distrust(item, result.refusal.code);
    const { payouts, next } = result.answer;
    const problem =
      next !== undefined && next <= (after ?? 0n)
        ? 'page_without_progress'
        : (orderProblem(payouts, after ?? 0n, next) ??
          payouts.map(({ document }) => problemOf(document, item.effect)).find(Boolean) ??
          (await signatureProblem(payouts)));
    if (problem !== undefined) return distrust.distrust(item, problem);
    return { kind: 'booked', orders: payouts, next };
  }

  /** Shops come in the order of their numbers, each once: a page that is stored is told for ever. */
  function orderProblem(
    orders: readonly SignedPayoutOrder[],
    after: bigint,
    next: bigint | undefined,
  ): string | undefined {
    let last = after;
    for (const { document } of orders) {
      if (document.shop <= last || (next !== undefined && document.shop > next)) return 'page_out_of_order';
      last = document.shop;
    }
    return undefined;
  }

  async function signatureProblem(orders: readonly SignedPayoutOrder[]): Promise<string | undefined> {
    const checked = await checkSignatures(
      orders.map(({ document, signature }) => ({
        keyId: document.keyId,
        message: PayoutOrder.signedBytes(document),
        signature,
      })),
    );
    return checked.find((problem) => problem !== undefined);
  }

  /** undefined: it can be right. */
  function problemOf(
    { window, currency, shop }: PayoutOrder,
    asked: { readonly window: bigint; readonly currency: number },
  ): string | undefined {
    if (window !== asked.window) return 'payout_of_other_window';
    if (currency !== asked.currency) return 'payout_of_other_currency';
    return findShop(store, shop) === undefined ? 'payout_of_unknown_shop' : undefined;
  }

  async function instruct(item: Item<'instruct'>): Result {
    const { page, orders } = item.effect;
    const payouts = orders.map((order) => ({
      order,
      enrolment: enrolmentOf(findShop(store, order.document.shop)!),
    }));
    const result = await partners.payOut({ page, payouts });
    if (result.kind === 'unknown') return again();
    return result.kind === 'ok' ? { kind: 'instructed' } : distrust.distrust(item, result.refusal.code);
  }

  async function look({ effect: { window } }: Item<'await'>): Result {
    return findWindow(store, window)!.open === 0 ? { kind: 'settled' } : again(LOOK_AGAIN_MS);
  }

  function perform(item: EffectItem<WindowEffect>): Result {
    const { effect } = item;
    switch (effect.kind) {
      case 'close':
        return close({ ...item, effect });
      case 'book':
        return book({ ...item, effect });
      case 'instruct':
        return instruct({ ...item, effect });
      case 'await':
        return look({ ...item, effect });
    }
  }

  return (items) => items.map((item) => distrust.noting(item.id, perform(item)));
}
