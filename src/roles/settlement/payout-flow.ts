// A page of payouts, which is one message to the institution, as a state machine.
//
//     admitted ─▶ checking ─ seals opened, what does not open is rejected ─▶ sending ─ pain.002 ─▶ instructed ─▶ settled
//                                 nothing was sent so far                      │ ▲                  every payout has
//                                                                no answer ────┘ └── the same       an outcome
//                                                                                    MsgId again
//
// From `sending` on the institution may have the message: nothing but its own word rejects a payout then.
import { type Infer, list, struct, u64, u128, union } from '../../shared/codec.ts';
import type { Flow } from '../flow/flow.ts';
import { putPayout } from './payout-book.ts';
import { PAGE_PAYOUTS_MAX, Payout } from './payout-messages.ts';

export const PAYOUT_PAGE_KIND = 3;

const Page = struct({
  page: u128,
  /** The same in the message each time it is written. */
  receivedAt: u64,
  payouts: list(Payout, PAGE_PAYOUTS_MAX),
});
export type Page = Infer<typeof Page>;

export const PageState = union({
  checking: Page,
  sending: Page,
  instructed: struct({ page: u128, payouts: list(u128, PAGE_PAYOUTS_MAX) }),
  settled: struct({ page: u128 }),
});
export type PageState = Infer<typeof PageState>;

export type PageEffect =
  | { readonly do: 'check'; readonly page: Page }
  | { readonly do: 'send'; readonly page: Page }
  | { readonly do: 'await'; readonly page: bigint; readonly payouts: readonly bigint[] };

export type PageOutcome =
  /** `good`: those that are to be sent. */
  | { readonly kind: 'checked'; readonly good: readonly bigint[] }
  | { readonly kind: 'sent' }
  | { readonly kind: 'settled' };

export const pageFlow: Flow<PageState, PageEffect, PageOutcome> = {
  kind: PAYOUT_PAGE_KIND,
  name: 'payouts',
  state: PageState,
  effect(state) {
    switch (state.kind) {
      case 'checking':
        return { do: 'check', page: state };
      case 'sending':
        return { do: 'send', page: state };
      case 'instructed':
        return { do: 'await', page: state.page, payouts: state.payouts };
      case 'settled':
        return undefined;
    }
  },
  next(state, outcome) {
    switch (state.kind) {
      case 'checking': {
        if (outcome.kind !== 'checked') return state;
        const good = new Set(outcome.good);
        const payouts = state.payouts.filter(({ order }) => good.has(order.document.payout));
        return payouts.length === 0
          ? { kind: 'settled', page: state.page }
          : { ...state, kind: 'sending', payouts };
      }
      case 'sending': {
        const payouts = state.payouts.map(({ order }) => order.document.payout);
        return outcome.kind === 'sent' ? { kind: 'instructed', page: state.page, payouts } : state;
      }
      case 'instructed':
        return outcome.kind === 'settled' ? { kind: 'settled', page: state.page } : state;
      case 'settled':
        return state;
    }
  },
  stateName: ({ kind }) => kind,
  writes: (before, after) =>
    before === undefined && after.kind === 'checking'
      ? after.payouts.map(({ order }) => putPayout({ page: after.page, order, outcome: undefined }))
      : [],
};
