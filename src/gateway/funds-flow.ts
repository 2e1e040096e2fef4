// What the organisation puts behind notes, and takes back: fees, and what it has put there.
//
//     asked ── cash's receipt ──▶ moved
//       ╰───── cash's rejection ──▶ rejected
//
// What is ordered back counts as taken from then on, so that nobody orders it twice.
import type { Flow, Put, WriteContext } from '../roles/flow/flow.ts';
import { type Infer, oneOf, optional, struct, u64, u128, union } from '../shared/codec.ts';
import type { CounterChange } from './backing.ts';
import { type Books, bookPuts, Reason } from './exchange.ts';

const FundsAction = oneOf('fund', 'withdraw');
const FundsState = union({
  asked: struct({ action: FundsAction, amount: u128, applyBy: u64, distrusted: optional(Reason) }),
  moved: struct({ action: FundsAction, amount: u128 }),
  rejected: struct({ action: FundsAction, amount: u128, reason: Reason }),
});
export type FundsState = Infer<typeof FundsState>;

export interface FundsEffect {
  readonly kind: 'move';
  readonly state: FundsState & { readonly kind: 'asked' };
}

export type FundsOutcome =
  | { readonly kind: 'moved' }
  | { readonly kind: 'rejected'; readonly reason: string }
  | { readonly kind: 'distrusted'; readonly reason: string };

export const FUNDS_FLOW_KIND = 3;

export function fundsFlow(books: Books): Flow<FundsState, FundsEffect, FundsOutcome> {
  return {
    kind: FUNDS_FLOW_KIND,
    name: 'funds',
    state: FundsState,
    effect: (state) => (state.kind === 'asked' ? { kind: 'move', state } : undefined),
    next(state, outcome) {
      if (state.kind !== 'asked') return state;
      const { action, amount } = state;
      if (outcome.kind === 'distrusted') return { ...state, distrusted: outcome.reason };
      if (outcome.kind === 'moved') return { kind: 'moved', action, amount };
      return { kind: 'rejected', action, amount, reason: outcome.reason };
    },
    stateName: (state) =>
      state.kind === 'asked' && state.distrusted !== undefined ? 'asked_distrusted' : state.kind,
    writes: (before, after, context) => writes(before, after, context, books),
  };
}

function writes(
  before: FundsState | undefined,
  after: FundsState,
  { reads }: WriteContext,
  books: Books,
): readonly Put[] {
  if (before?.kind === after.kind) return [];
  return bookPuts(reads, books, (tx) => tx.change(changeOf(after)));
}

function changeOf({ kind, action, amount }: FundsState): CounterChange {
  if (action === 'fund') return kind === 'moved' ? { funded: amount } : {};
  if (kind === 'asked') return { withdrawing: amount };
  return { withdrawing: -amount, ...(kind === 'moved' && { withdrawn: amount }) };
}
