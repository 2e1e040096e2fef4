// The states of a request, as the wallet sees it. Pure.
//
//     written before         ╭─ pending ◀╮
//     it is sent             ▼           │ same bytes again
//     ────────────▶ prepared ─▶ pending ─╯
//                      │  ╲        │ ╲
//                      │   ╲       │  ╲ an answer that is not what it should be
//                      │    ╰──────┼───╰──▶ in_doubt   (asked again like the others)
//                      ▼           ▼            │
//       proven:   enrolled, filed, loaded ◀─────┤
//                                  ▲            │
//                                  │ a receipt  ▼
//       said:     declined, expired, reversed, refused
//
// A purse's opening ends as `opened`, by cash's allowance, and its closing as `closed`.
//
// Money is added only with `loaded`, and that only by a receipt or a statement of cash. That nothing was charged is
// management's word alone; therefore a receipt that comes later still counts.
//
// A purchase ends by cash's signature only:
//
//     prepared, pending,     ╭──▶ paid
//     in_doubt, shop_refused ┼──▶ rejected (cash will never pay this order), lapsed (it has expired unpaid)
//                            ╰──▶ reserved ──▶ captured, released
//
import { bytesUpTo, type Infer, nothing, oneOf, struct, text, u64, u128, union } from '../../shared/codec.ts';

export const REASON_BYTES_MAX = 256;
const Reason = text(REASON_BYTES_MAX);

export const RequestState = union({
  prepared: nothing,
  /** Management's word for how far it is. */
  pending: struct({ state: text(64) }),
  in_doubt: struct({ reason: Reason }),
  enrolled: nothing,
  filed: struct({ filedAt: u64 }),
  loaded: nothing,
  declined: struct({ reason: Reason }),
  expired: nothing,
  reversed: struct({ reason: Reason }),
  refused: struct({ code: text(64), reason: Reason }),
  /** Of a purchase: the shop says no. Nobody has signed that, so the order may still be paid until it expires. */
  shop_refused: struct({ code: text(64), reason: Reason }),
  paid: nothing,
  /** Cash has set the amount aside; the shop will take it, or a part of it, or nothing. */
  reserved: nothing,
  /** Minor units: what the shop has taken of it. */
  captured: struct({ amount: u128 }),
  released: struct({ by: oneOf('void', 'expiry') }),
  rejected: struct({ reason: Reason }),
  lapsed: nothing,
  /** A purse: cash has set the amount aside for it. */
  opened: nothing,
  /** Minor units: what was left, and comes back to the balance with cash's statement. */
  closed: struct({ released: u128 }),
});
export type RequestState = Infer<typeof RequestState>;
export type StateName = RequestState['kind'];

export const RequestKind = oneOf('enrolment', 'filing', 'load', 'purchase', 'reserve', 'release');
export type RequestKind = Infer<typeof RequestKind>;

/** Bytes of a request's message at most: a purchase of 64 articles has 4.2 KiB. */
const MESSAGE_BYTES_MAX = 8192;

export const RequestRecord = struct({
  request: u128,
  kind: RequestKind,
  /** The very bytes that are sent, each time. */
  message: bytesUpTo(MESSAGE_BYTES_MAX),
  state: RequestState,
  /** Nanoseconds, of the wallet's clock. */
  createdAt: u64,
  updatedAt: u64,
  /** Of a load or a purchase; otherwise 0. Minor units. */
  amount: u128,
});
export type RequestRecord = Infer<typeof RequestRecord>;

/** What an answer says, after it was checked. Its kind is the state that it asks for. */
export type Verdict = Exclude<RequestState, { kind: 'prepared' }>;

const STANDING: { readonly [name in StateName]: 'open' | 'said' | 'held' | 'proven' } = {
  prepared: 'open',
  pending: 'open',
  in_doubt: 'open',
  enrolled: 'proven',
  filed: 'proven',
  loaded: 'proven',
  declined: 'said',
  expired: 'said',
  reversed: 'said',
  refused: 'said',
  shop_refused: 'open',
  paid: 'proven',
  reserved: 'held',
  captured: 'proven',
  released: 'proven',
  rejected: 'proven',
  lapsed: 'proven',
  opened: 'proven',
  closed: 'proven',
};

/** Asked again until it is not. */
export function isOpen({ kind }: RequestState): boolean {
  return STANDING[kind] === 'open';
}

/** An authorisation that the shop has not taken or given up yet. */
export function isHeld({ kind }: RequestState): boolean {
  return STANDING[kind] === 'held';
}

/**
 * Also of a load that ended without a receipt, and of an enrolment that was refused: management may have said so of one
 * copy, and have admitted another that came late.
 */
export function mayAskAgain({ kind, state }: Pick<RequestRecord, 'kind' | 'state'>): boolean {
  return isOpen(state) || (kind !== 'filing' && kind !== 'purchase' && STANDING[state.kind] === 'said');
}

/** A load that ended on management's word alone. */
export function isSaidLoad({ kind, state }: Pick<RequestRecord, 'kind' | 'state'>): boolean {
  return kind === 'load' && STANDING[state.kind] === 'said';
}

/** The same object where nothing changes. */
export function nextState(state: RequestState, verdict: Verdict): RequestState {
  switch (STANDING[state.kind]) {
    case 'proven':
      return state;
    case 'held':
      return verdict.kind === 'captured' || verdict.kind === 'released' ? verdict : state;
    case 'said':
      return STANDING[verdict.kind] === 'proven' ? verdict : state;
    case 'open':
      // Doubt does not go away because the next answer is harmless, nor does a no.
      if (verdict.kind === 'pending' && (state.kind === 'in_doubt' || state.kind === 'shop_refused'))
        return state;
      if (verdict.kind === 'pending' && state.kind === 'pending' && verdict.state === state.state)
        return state;
      return verdict;
  }
}
