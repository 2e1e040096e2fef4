// A charge as a state machine. Each state is stored, and flushed, before its effect is performed.
//
//     ┌─────────────┐ too late ──────────────────────────────────▶ expired
//     │ authorising │ declined ──────────────────────────────────▶ declined
//     │             │ authorised ───────▶ ┌───────────┐
//     └──┬───────▲──┘                     │ capturing │ captured ▶ charged
//   no   │       │ not known there,       │           │
//   ans- │       │ still in time     ┌──▶ └─────┬─────┘
//   wer, ▼       │                   │          │ declined
//   ┌────────────┴──┐ authorised ────┘          ▼
//   │   inquiring   │ no result in time, ─▶ ┌───────────┐
//   │               │ not known there       │ reversing │ reversed ▶ reversed
//   └───────────────┘ and too late          └───────────┘
//     captured ▶ charged, declined ▶ declined
//
// A charge that the institution has once not known, and that is declined or too late then, is reversed: what it was asked
// first may have arrived meanwhile. Where a reversal is asked for, authorising, inquiring and capturing go to reversing.
//
// Capture, inquiry and reversal are repeated until they are answered. A charge is stored as `authorising` by the run of
// the process that will ask for it (`run`). Another run that finds it cannot know whether the institution was asked: it
// inquires first, and never authorises blindly.
//
// The runner keeps requests by id, and ends them for good with a state that has no effect. A charge that has been made
// must still be reversible, and one that never came must be prevented: so a reversal is a request and a flow of its own,
// under an id derived from the charge's (reversal-id.ts). What binds the two:
//
//     reversal admitted   no charge here, or none that is anything with the institution: reversed at once
//                         charged: only with cash's rejection of the credit (rejections.ts); without one, nothing changes
//                         else: the institution is asked to reverse, which it then holds to for ever
//     charge admitted     a reversal is here: reversed at once
//     charge under way    a reversal is here: on to `reversing` before the institution is asked for anything else
//     charge answered     `charged` counts only while no reversal is here
//
// So of a charge that was reversed without a rejection no receipt ever leaves. Transactions are one after the other: the
// reversal's comes before the one that writes `charged`, and is flushed when that is; whoever answers `charged` sees it. If
// it comes after, `charged` is there, flushed or not, and the reversal is refused.
import { type Infer, optional, struct, text, u8, u64, u128, union } from '../../shared/codec.ts';
import { AccountBinding, SealedAccount } from '../documents/account-seal.ts';
import { LoadOrder } from '../documents/load-order.ts';
import { ChargeReceipt, INSTITUTION_REFERENCE_BYTES_MAX } from '../documents/receipts.ts';
import type { Flow, Wait } from '../flow/flow.ts';
import { authorisePauseMs, NANOSECONDS_A_MILLISECOND } from './limits.ts';

/** Stored with each request, for ever. */
export const CHARGE_KIND = 1;
export const REVERSAL_KIND = 2;

const REASON_BYTES_MAX = 64;
const ROUNDS_MAX = 255;

const Reason = text(REASON_BYTES_MAX);
const Reference = text(INSTITUTION_REFERENCE_BYTES_MAX);

/** All that the institution has to be told; the account number stays sealed. */
export const Charge = struct({
  order: LoadOrder.signed,
  account: SealedAccount,
  binding: AccountBinding,
  /** When it came: the same in everything that the institution is told of it. */
  receivedAt: u64,
});
export type Charge = Infer<typeof Charge>;

/** A charge that ended without a use for the account number keeps only its order. */
export const ChargeState = union({
  authorising: struct({
    charge: Charge,
    run: u64,
    /** The institution has been asked before, and has said that it does not know the charge. */
    before: optional(struct({ rounds: u8, unknownSince: u64, notBefore: u64 })),
  }),
  inquiring: struct({ charge: Charge, rounds: u8, unknownSince: u64 }),
  capturing: struct({ charge: Charge, authorisation: Reference }),
  charged: struct({ charge: Charge, receipt: ChargeReceipt.signed }),
  declined: struct({ order: LoadOrder.signed, reason: Reason }),
  expired: struct({ order: LoadOrder.signed }),
  reversing: struct({ charge: Charge, reason: Reason }),
  reversed: struct({ order: LoadOrder.signed, reason: Reason }),
});
export type ChargeState = Infer<typeof ChargeState>;

export type ChargeEffect =
  /** `isFirst`: the institution has never heard of it. */
  | { readonly do: 'authorise'; readonly charge: Charge; readonly isFirst: boolean }
  /** `until`: from then on no result is a result, nanoseconds. */
  | { readonly do: 'inquire'; readonly charge: Charge; readonly until: bigint }
  | { readonly do: 'capture'; readonly charge: Charge; readonly authorisation: string }
  | { readonly do: 'reverse'; readonly charge: Charge }
  /** Nothing but to store that another run has left it so. */
  | { readonly do: 'note_interruption' };

export type ChargeOutcome =
  /** The institution was not asked, as `applyBy` has come. */
  | { readonly kind: 'too_late' }
  | { readonly kind: 'interrupted' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'authorised'; readonly authorisation: string }
  | { readonly kind: 'captured'; readonly receipt: Infer<typeof ChargeReceipt.signed> }
  | { readonly kind: 'declined'; readonly reason: string }
  | { readonly kind: 'not_found' }
  | { readonly kind: 'no_result' }
  | { readonly kind: 'reversed' }
  /** The institution was not asked, as a reversal is here. */
  | { readonly kind: 'reversal_asked'; readonly reason: string };

export interface ChargeFlowOptions {
  /** Of this run of the process: random, so that no other has it. */
  readonly run: bigint;
  readonly inquireForMs: number;
}

/** The state that a good charge is stored in. */
export function admitCharge(
  charge: Charge,
  run: bigint,
  now: bigint,
  reversal: string | undefined,
): ChargeState {
  const { order } = charge;
  if (reversal !== undefined) return { kind: 'reversed', order, reason: reversal };
  if (now >= order.document.applyBy) return { kind: 'expired', order };
  return { kind: 'authorising', charge, run, before: undefined };
}

export type ChargeFlow = Flow<ChargeState, ChargeEffect, ChargeOutcome>;

export function chargeFlow({ run, inquireForMs }: ChargeFlowOptions): ChargeFlow {
  const inquireFor = BigInt(inquireForMs) * NANOSECONDS_A_MILLISECOND;

  /** When inquiry ends, result or none. */
  const inquireUntil = (charge: Charge, unknownSince: bigint): bigint => {
    const { applyBy } = charge.order.document;
    const patience = unknownSince + inquireFor;
    return applyBy < patience ? applyBy : patience;
  };

  function effect(state: ChargeState, now: bigint): ChargeEffect | Wait | undefined {
    switch (state.kind) {
      case 'authorising': {
        const { charge, before } = state;
        if (state.run !== run) return { do: 'note_interruption' };
        if (before !== undefined && now < before.notBefore) return { waitUntil: before.notBefore };
        return { do: 'authorise', charge, isFirst: before === undefined };
      }
      case 'inquiring': {
        const { charge, unknownSince } = state;
        return { do: 'inquire', charge, until: inquireUntil(charge, unknownSince) };
      }
      case 'capturing':
        return { do: 'capture', charge: state.charge, authorisation: state.authorisation };
      case 'reversing':
        return { do: 'reverse', charge: state.charge };
      default:
        return undefined;
    }
  }

  function next(state: ChargeState, outcome: ChargeOutcome, now: bigint): ChargeState {
    switch (state.kind) {
      case 'authorising':
        return afterAuthorising(state, outcome, now);
      case 'inquiring':
        return afterInquiring(state, outcome, now);
      case 'capturing':
        return afterCapturing(state, outcome);
      case 'reversing':
        return outcome.kind === 'reversed' ? reversed(state.charge, state.reason) : state;
      default:
        return state;
    }
  }

  function afterInquiring(
    state: ChargeState & { kind: 'inquiring' },
    outcome: ChargeOutcome,
    now: bigint,
  ): ChargeState {
    const { charge, unknownSince } = state;
    switch (outcome.kind) {
      case 'captured':
        return { kind: 'charged', charge, receipt: outcome.receipt };
      case 'no_result':
        return { kind: 'reversing', charge, reason: 'outcome_unknown' };
      case 'not_found': {
        // An authorisation on its way may still arrive: only a reversal makes sure that nothing comes of it.
        if (now >= charge.order.document.applyBy) return { kind: 'reversing', charge, reason: 'expired' };
        if (now >= inquireUntil(charge, unknownSince)) {
          return { kind: 'reversing', charge, reason: 'outcome_unknown' };
        }
        const rounds = Math.min(ROUNDS_MAX, state.rounds + 1);
        const notBefore = now + BigInt(authorisePauseMs(rounds)) * NANOSECONDS_A_MILLISECOND;
        return { kind: 'authorising', charge, run, before: { rounds, unknownSince, notBefore } };
      }
      default:
        return afterAnswer(state, outcome);
    }
  }

  return {
    kind: CHARGE_KIND,
    name: 'charge',
    state: ChargeState,
    effect,
    next,
    stateName: ({ kind }) => kind,
  };
}

function afterAuthorising(
  state: ChargeState & { kind: 'authorising' },
  outcome: ChargeOutcome,
  now: bigint,
): ChargeState {
  const { charge, before } = state;
  switch (outcome.kind) {
    case 'too_late':
      return before === undefined
        ? { kind: 'expired', order: charge.order }
        : { kind: 'reversing', charge, reason: 'expired' };
    case 'interrupted':
    case 'unknown':
      return {
        kind: 'inquiring',
        charge,
        rounds: before?.rounds ?? 0,
        unknownSince: before?.unknownSince ?? now,
      };
    case 'declined':
      // What was asked for earlier may have arrived meanwhile, and be held.
      if (before !== undefined) return { kind: 'reversing', charge, reason: outcome.reason };
      return afterAnswer(state, outcome);
    default:
      return afterAnswer(state, outcome);
  }
}

/** What an authorisation and an inquiry may both say. */
function afterAnswer(
  state: ChargeState & { kind: 'authorising' | 'inquiring' },
  outcome: ChargeOutcome,
): ChargeState {
  const { charge } = state;
  switch (outcome.kind) {
    case 'authorised':
      return { kind: 'capturing', charge, authorisation: outcome.authorisation };
    case 'declined':
      return { kind: 'declined', order: charge.order, reason: outcome.reason };
    case 'reversed':
      return reversed(charge, 'by_institution');
    case 'reversal_asked':
      return { kind: 'reversing', charge, reason: outcome.reason };
    default:
      return state;
  }
}

function afterCapturing(state: ChargeState & { kind: 'capturing' }, outcome: ChargeOutcome): ChargeState {
  const { charge } = state;
  switch (outcome.kind) {
    case 'captured':
      return { kind: 'charged', charge, receipt: outcome.receipt };
    case 'declined':
      // What was authorised may still be held.
      return { kind: 'reversing', charge, reason: outcome.reason };
    case 'reversed':
      return reversed(charge, 'by_institution');
    case 'reversal_asked':
      return { kind: 'reversing', charge, reason: outcome.reason };
    default:
      return state;
  }
}

function reversed({ order }: Charge, reason: string): ChargeState {
  return { kind: 'reversed', order, reason };
}

/** A reversal that was asked for. */
export const ReversalState = union({
  reversing: struct({ request: u128, charge: Charge, reason: Reason }),
  reversed: struct({ request: u128, reason: Reason }),
});
export type ReversalState = Infer<typeof ReversalState>;

export type ReversalEffect = { readonly do: 'reverse'; readonly charge: Charge };
export type ReversalOutcome = { readonly kind: 'reversed' };

/** Request ids for which a reversal is here, and why. */
export const REVERSALS_TABLE = 'reversals';
export const ReversalReason = Reason;

/**
 * @param charge as it stands when the reversal comes, with cash's rejection if it is `charged`; undefined: it never came.
 * Only what keeps a charge can be undone.
 */
export function admitReversal(
  request: bigint,
  reason: string,
  charge: ChargeState | undefined,
): ReversalState {
  return charge !== undefined && 'charge' in charge
    ? { kind: 'reversing', request, charge: charge.charge, reason }
    : { kind: 'reversed', request, reason };
}

export const reversalFlow: Flow<ReversalState, ReversalEffect, ReversalOutcome> = {
  kind: REVERSAL_KIND,
  name: 'reversal',
  state: ReversalState,
  effect: (state) => (state.kind === 'reversing' ? { do: 'reverse', charge: state.charge } : undefined),
  next: (state) => ({ kind: 'reversed', request: state.request, reason: state.reason }),
  stateName: ({ kind }) => kind,
  writes: (before, after) =>
    before === undefined
      ? [{ table: REVERSALS_TABLE, key: after.request, value: ReversalReason.encode(after.reason) }]
      : [],
};
