// A settlement window, from its close to the last outcome, as a state machine of pure functions.
//
//     admitted ─▶ closing ─ cutoff ─▶ booking ─ a page of payouts ─▶ instructing ─ settlement has it ─┐
//                                       ▲ └─ no more, none open ─▶ settled                            │
//                                       └────────────── more shops ───────────────────────────────────┤
//                                                                   settled ◀─ all told ─ instructed ◀┘
//
// A page is stored before it is handed over, and its name is made of the window and where the page begins: settlement gets
// the same page however often it is told. Outcomes come on another way (payout-outcomes.ts) and are counted in the registry.
import { sha256 } from '../../crypto/index.ts';
import { readU128 } from '../../shared/bytes.ts';
import { type Infer, list, optional, struct, text, u32, u64, u128, union } from '../../shared/codec.ts';
import { PAYOUTS_PAGE_MAX } from '../cash/payout-messages.ts';
import { PayoutOrder, type SignedPayoutOrder } from '../documents/payout.ts';
import type { Flow, Put, WriteContext } from '../flow/flow.ts';
import { nameOfState, REASON_BYTES_MAX } from './flow.ts';
import type { WindowReport } from './payout-messages.ts';
import { findPayout, findWindow, putHead, putPayout, putPlace, putWindow } from './payout-registry.ts';

const Distrusted = optional(text(REASON_BYTES_MAX));
const Closed = { window: u128, currency: u32, number: u64, from: u64, cutoff: u64 };

const FlowState = union({
  closing: struct({ window: u128, currency: u32, distrusted: Distrusted }),
  /** `after`: the last shop that is through; none: from the first. */
  booking: struct({ ...Closed, after: optional(u128), distrusted: Distrusted }),
  instructing: struct({
    ...Closed,
    after: optional(u128),
    orders: list(PayoutOrder.signed, PAYOUTS_PAGE_MAX),
    next: optional(u128),
    distrusted: Distrusted,
  }),
  instructed: struct(Closed),
  settled: struct(Closed),
});
export type WindowFlowState = Infer<typeof FlowState>;

export type WindowEffect =
  | {
      readonly kind: 'close';
      readonly window: bigint;
      readonly currency: number;
      readonly distrusted: string | undefined;
    }
  | {
      readonly kind: 'book';
      readonly window: bigint;
      readonly currency: number;
      readonly after: bigint | undefined;
      readonly distrusted: string | undefined;
    }
  | {
      readonly kind: 'instruct';
      readonly page: bigint;
      readonly orders: readonly SignedPayoutOrder[];
      readonly distrusted: string | undefined;
    }
  | { readonly kind: 'await'; readonly window: bigint; readonly distrusted: undefined };

export type WindowOutcome =
  | { readonly kind: 'closed'; readonly number: bigint; readonly from: bigint; readonly cutoff: bigint }
  | {
      readonly kind: 'booked';
      readonly orders: readonly SignedPayoutOrder[];
      readonly next: bigint | undefined;
    }
  | { readonly kind: 'instructed' }
  | { readonly kind: 'settled' }
  | { readonly kind: 'distrusted'; readonly reason: string };

export const windowFlow: Flow<WindowFlowState, WindowEffect, WindowOutcome> = {
  kind: 6,
  name: 'window',
  state: FlowState,
  effect(state) {
    switch (state.kind) {
      case 'closing':
        return { ...state, kind: 'close' };
      case 'booking':
        return { ...state, kind: 'book' };
      case 'instructing': {
        const { window, after, orders, distrusted } = state;
        return { kind: 'instruct', page: pageId(window, after), orders, distrusted };
      }
      case 'instructed':
        return { kind: 'await', window: state.window, distrusted: undefined };
      case 'settled':
        return undefined;
    }
  },
  next(state, outcome) {
    if (outcome.kind === 'distrusted')
      return 'distrusted' in state ? { ...state, distrusted: outcome.reason } : state;
    switch (state.kind) {
      case 'closing': {
        if (outcome.kind !== 'closed') return state;
        const { number, from, cutoff } = outcome;
        return { ...state, kind: 'booking', number, from, cutoff, after: undefined, distrusted: undefined };
      }
      case 'booking': {
        if (outcome.kind !== 'booked') return state;
        const { orders, next } = outcome;
        if (orders.length > 0) return { ...state, kind: 'instructing', orders, next, distrusted: undefined };
        return next === undefined ? told(state) : { ...state, after: next, distrusted: undefined };
      }
      case 'instructing': {
        if (outcome.kind !== 'instructed') return state;
        const { window, currency, number, from, cutoff, next } = state;
        if (next === undefined) return told(state);
        const closed = { window, currency, number, from, cutoff };
        return { ...closed, kind: 'booking', after: next, distrusted: undefined };
      }
      case 'instructed':
        return outcome.kind === 'settled' ? { ...state, kind: 'settled' } : state;
      case 'settled':
        return state;
    }
  },
  stateName: nameOfState,
  writes,
};

function told({ window, currency, number, from, cutoff }: Infer<typeof ClosedState>): WindowFlowState {
  return { kind: 'instructed', window, currency, number, from, cutoff };
}
const ClosedState = struct(Closed);

const PageName = struct({ window: u128, after: optional(u128) });
const TAG = new TextEncoder().encode('specie window page v1\0');

function pageId(window: bigint, after: bigint | undefined): bigint {
  const digest = sha256(Buffer.concat([TAG, PageName.encode({ window, after })]));
  return readU128(new DataView(digest.buffer, digest.byteOffset), 0);
}

function writes(
  before: WindowFlowState | undefined,
  after: WindowFlowState,
  { reads }: WriteContext,
): readonly Put[] {
  const { window, currency } = after;
  const last: WindowReport = findWindow(reads, window) ?? {
    ...{ window, currency, state: 'closing', problem: '', number: 0n, from: 0n, cutoff: 0n },
    ...{ payouts: 0, open: 0, rejected: 0, returned: 0, amount: 0n },
  };
  const puts: Put[] = [];
  let report: WindowReport = {
    ...last,
    state: after.kind === 'instructing' ? 'booking' : after.kind,
    problem: ('distrusted' in after ? after.distrusted : undefined) ?? '',
  };
  if ('number' in after) {
    const { number, from, cutoff } = after;
    report = { ...report, number, from, cutoff };
  }
  if (before?.kind === 'booking' && after.kind === 'instructing') {
    for (const { document } of after.orders) {
      const { payout, shop, amount } = document;
      const told = { standing: 'instructing', reason: '', institutionReference: '' } as const;
      puts.push(putPayout(window, { payout, shop, amount, ...told }), putPlace(window, payout));
      report = { ...report, amount: report.amount + amount };
    }
    const count = after.orders.length;
    report = { ...report, payouts: report.payouts + count, open: report.open + count };
  }
  if (before?.kind === 'instructing' && after.kind !== 'instructing') {
    for (const { document } of before.orders) {
      const known = findPayout(reads, window, document.payout)!;
      // An outcome may have come first.
      if (known.standing === 'instructing')
        puts.push(putPayout(window, { ...known, standing: 'instructed' }));
    }
  }
  if (before === undefined) puts.push(putHead(report));
  return [...puts, putWindow(report)];
}
