// What an operator orders about a device, as a state machine of pure functions (flow.ts has the others).
//
//     admitted ─▶ ordering ─ cash has done it ─▶ done        the registry follows, in the same write
//                   │ └─ ordering_distrusted: cash has answered what cannot be right
//                   └─── cash refuses it ──────▶ refused
//
// Cash holds the device's account, so nothing counts before cash has done it. The order is signed by the operator and cash
// checks it itself. While cash does not answer, nothing is paid either.
//
// But for a revocation: it counts here from its admission on, and cash, which shops reach without management, is told until
// it has done it. Nothing makes it too late, and no answer of cash ends it but that.
import { type Infer, list, optional, struct, text, u64, union } from '../../shared/codec.ts';
import { type DeviceOrderRequest, MovedBalance } from '../cash/messages.ts';
import { DEVICE_CURRENCIES_MAX, DeviceOrder } from '../documents/device-order.ts';
import type { Flow, Put, WriteContext } from '../flow/flow.ts';
import { nameOfState, REASON_BYTES_MAX } from './flow.ts';
import { putDeviceAndPurses } from './purse-standing.ts';
import { type DeviceRecord, findDevice } from './registry.ts';

const Moved = list(MovedBalance, DEVICE_CURRENCIES_MAX);

const OrderState = union({
  ordering: struct({
    order: DeviceOrder.signed,
    /** What was wrong with cash's last answer. */
    distrusted: optional(text(REASON_BYTES_MAX)),
  }),
  done: struct({ order: DeviceOrder.signed, timestamp: u64, moved: Moved }),
  refused: struct({ order: DeviceOrder.signed, reason: text(REASON_BYTES_MAX) }),
});
export type DeviceOrderState = Infer<typeof OrderState>;

export interface DeviceOrderEffect {
  readonly kind: 'order';
  readonly request: DeviceOrderRequest;
  readonly distrusted: string | undefined;
}

export type DeviceOrderOutcome =
  | { readonly kind: 'done'; readonly timestamp: bigint; readonly moved: Infer<typeof Moved> }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'distrusted'; readonly reason: string };

export const deviceOrderFlow: Flow<DeviceOrderState, DeviceOrderEffect, DeviceOrderOutcome> = {
  kind: 5,
  name: 'device_order',
  state: OrderState,
  effect(state) {
    if (state.kind !== 'ordering') return undefined;
    const { order, distrusted } = state;
    return { kind: 'order', request: { order }, distrusted };
  },
  next(state, outcome) {
    if (state.kind !== 'ordering') return state;
    if (outcome.kind === 'distrusted') return { ...state, distrusted: outcome.reason };
    return { ...outcome, order: state.order };
  },
  stateName: nameOfState,
  writes,
};

function writes(
  before: DeviceOrderState | undefined,
  after: DeviceOrderState,
  { now, reads }: WriteContext,
): readonly Put[] {
  const { device, action } = after.order.document;
  const isDone = before?.kind === 'ordering' && after.kind === 'done';
  if (!isDone && (before !== undefined || action.kind !== 'revoke')) return [];
  const record = findDevice(reads, device);
  const changed = record && followed(record, after.order.document, now, isDone);
  return changed === undefined ? [] : putDeviceAndPurses(reads, device, changed, now);
}

/** The record of a device after an order; undefined: the registry has nothing of it. */
function followed(
  record: DeviceRecord,
  { action, reason }: DeviceOrder,
  at: bigint,
  isDone: boolean,
): DeviceRecord | undefined {
  const revoked = {
    ...(record.revoked ?? { at, reason }),
    enforced: isDone || record.revoked?.enforced === true,
  };
  switch (action.kind) {
    case 'block':
      return { ...record, blocked: record.blocked ?? { at, reason } };
    case 'unblock':
      return { ...record, blocked: undefined };
    case 'replace':
      return { ...record, revoked, replacedBy: action.by };
    case 'revoke':
      return { ...record, revoked };
    case 'limits':
      return undefined;
  }
}
