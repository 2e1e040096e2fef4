// What an operator orders about a device, as a state machine.
//
//     admitted ─▶ setting ─ the ledger has the terms ─┬─ block, unblock, limits, revoke ▶ done
//                                                     └─ replace ─▶ moving ───────────▶ done
//                                                                    ▲  │ the last reservation has just ended:
//                                                                    └──┘ once more, now to close the account
//
// The transaction that writes `setting` also writes the device's terms (device-terms.ts), so what is ordered stands from
// then on; the effects carry it into the ledger. A block closes the account to payment orders and to nothing else: refunds
// and loads still arrive, and a shop still captures what was reserved before. So does a replacement, which no order undoes.
import { type Infer, list, struct, u8, u32, u64, u128, union } from '../../shared/codec.ts';
import type { StoreReads } from '../../store/store.ts';
import { DeviceOrder } from '../documents/device-order.ts';
import type { Flow, Put } from '../flow/flow.ts';
import { type DeviceTerms, deviceTerms, putDeviceTerms } from './device-terms.ts';
import { CURRENCIES_MAX } from './holders.ts';
import { MovedBalance } from './messages.ts';

/** What has moved by currency, and what is left behind. */
const Moved = list(MovedBalance, CURRENCIES_MAX);
export type Moved = Infer<typeof Moved>;

/** Orders are kept with the operator's signature: what shows later who ordered it. */
const DeviceOrderState = union({
  setting: struct({ order: DeviceOrder.signed }),
  /** `round`: from 0; each has transfers of its own. */
  moving: struct({ order: DeviceOrder.signed, round: u8 }),
  /** Nanoseconds. */
  done: struct({ order: DeviceOrder.signed, timestamp: u64, moved: Moved }),
});
export type DeviceOrderState = Infer<typeof DeviceOrderState>;

export type DeviceOrderEffect =
  /** Everything that is ordered about the device so far goes to the ledger. */
  | { readonly kind: 'set'; readonly device: bigint }
  | { readonly kind: 'move'; readonly device: bigint; readonly by: bigint; readonly round: number };

export type DeviceOrderOutcome =
  | { readonly kind: 'set' }
  /** `isOpen`: some account could be closed now, which it could not before. */
  | { readonly kind: 'moved'; readonly moved: Moved; readonly isOpen: boolean };

/** A second round is rare, a third takes an operator who books by hand at the same time. */
const ROUNDS_MAX = 8;

export const deviceOrderFlow: Flow<DeviceOrderState, DeviceOrderEffect, DeviceOrderOutcome> = {
  kind: 2,
  name: 'device_order',
  state: DeviceOrderState,
  effect(state) {
    const { device, action } = state.order.document;
    if (state.kind === 'setting') return { kind: 'set', device };
    if (state.kind === 'done' || action.kind !== 'replace') return undefined;
    return { kind: 'move', device, by: action.by, round: state.round };
  },
  next(state, outcome, now) {
    const { order } = state;
    if (state.kind === 'setting' && outcome.kind === 'set') {
      return order.document.action.kind === 'replace'
        ? { kind: 'moving', order, round: 0 }
        : { kind: 'done', order, timestamp: now, moved: [] };
    }
    if (state.kind !== 'moving' || outcome.kind !== 'moved') return state;
    if (outcome.isOpen && state.round + 1 < ROUNDS_MAX)
      return { kind: 'moving', order, round: state.round + 1 };
    return { kind: 'done', order, timestamp: now, moved: outcome.moved };
  },
  stateName: ({ kind }) => kind,
  writes(before, after, { reads }): readonly Put[] {
    if (before !== undefined) return [];
    const { document } = after.order;
    return [putDeviceTerms(document.device, termsAfter(document, reads))];
  },
};

function termsAfter({ device, action }: DeviceOrder, reads: StoreReads): DeviceTerms {
  const terms = deviceTerms(reads, device);
  switch (action.kind) {
    case 'block':
      return { ...terms, isBlocked: true };
    case 'unblock':
      return { ...terms, isBlocked: false };
    case 'revoke':
      return { ...terms, isRevoked: true };
    case 'replace':
      return { ...terms, replacedBy: action.by };
    case 'limits': {
      const { currency, paymentMax, dayMax } = action;
      const others = terms.limits.filter((limit) => limit.currency !== currency);
      return { ...terms, limits: [...others, { currency, paymentMax, dayMax }] };
    }
  }
}

/** For transfers beside the order's own. */
export const MoveName = struct({ request: u128, currency: u32, round: u8, part: u8 });
