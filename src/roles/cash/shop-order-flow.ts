// What a shop orders about a purchase, as a state machine.
//
//     admitted ─▶ booking ─┬─ the ledger has booked it ─▶ done
//           │              └─ the ledger refuses it ────▶ rejected
//           └─ against a rule ──────────────────────────▶ rejected
//
// A purchase is never given back more than was paid:
//
//     refunds    purchase's request ─▶ minor units: given back, and being given back
//
// The transaction that writes `booking` has compared the sum with what was paid and added the amount to it; the one that
// writes `rejected` takes it off again. So the sum counts an order from before its transfer can be made until it is
// certain that it never will be. Transactions see all that were before them, so of two orders that race the second
// counts the first. The ledger counts each once, by its id.
import { bytes, type Infer, struct, text, u64, u128, union } from '../../shared/codec.ts';
import type { StoreReads } from '../../store/store.ts';
import { ShopOrder } from '../documents/payment-receipts.ts';
import { REJECTION_REASON_BYTES_MAX } from '../documents/receipts.ts';
import { DIGEST_BYTES } from '../documents/signed.ts';
import type { Flow, Put } from '../flow/flow.ts';

const REFUNDS = 'refunds';

/** What is to be booked. */
const Booking = struct({
  /** With the shop's signature: what shows later who ordered it. */
  order: ShopOrder.signed,
  /** Given back, taken or released, minor units. */
  amount: u128,
  /** Of a refund: whom it comes from and whom it goes to, in the ledger; otherwise 0. */
  shopAccount: u128,
  deviceAccount: u128,
});
export type Booking = Infer<typeof Booking>;

const ShopOrderState = union({
  booking: Booking,
  /** `timestamp`: of the ledger's transfer, nanoseconds. */
  done: struct({ booking: Booking, timestamp: u64 }),
  rejected: struct({
    order: ShopOrder.signed,
    orderDigest: bytes(DIGEST_BYTES),
    reason: text(REJECTION_REASON_BYTES_MAX),
    at: u64,
  }),
});
export type ShopOrderState = Infer<typeof ShopOrderState>;

export type ShopOrderEffect = { readonly book: Booking };

export type ShopOrderOutcome =
  | { readonly kind: 'booked'; readonly timestamp: bigint }
  | {
      readonly kind: 'rejected';
      readonly orderDigest: Uint8Array;
      readonly reason: string;
      readonly at: bigint;
    };

export const shopOrderFlow: Flow<ShopOrderState, ShopOrderEffect, ShopOrderOutcome> = {
  kind: 1,
  name: 'shop_order',
  state: ShopOrderState,
  effect: (state) => (state.kind === 'booking' ? { book: state } : undefined),
  next(state, outcome) {
    if (state.kind !== 'booking') return state;
    const { order, amount, shopAccount, deviceAccount } = state;
    if (outcome.kind === 'booked') {
      const booking = { order, amount, shopAccount, deviceAccount };
      return { kind: 'done', booking, timestamp: outcome.timestamp };
    }
    const { orderDigest, reason, at } = outcome;
    return { kind: 'rejected', order, orderDigest, reason, at };
  },
  stateName: ({ kind }) => kind,
  writes(before, after, { reads }): readonly Put[] {
    const change = givenBack(after) - (before === undefined ? 0n : givenBack(before));
    if (change === 0n) return [];
    const { purchase } = orderOf(after);
    const value = u128.encode(refundTotal(reads, purchase) + change);
    return [{ table: REFUNDS, key: purchase, value }];
  },
};

/** What has been given back of a purchase and what is being given back, minor units. */
export function refundTotal(reads: StoreReads, purchase: bigint): bigint {
  const stored = reads.get(REFUNDS, purchase);
  return stored === undefined ? 0n : u128.decode(stored);
}

export function orderOf(state: ShopOrderState): ShopOrder {
  return state.kind === 'done' ? state.booking.order.document : state.order.document;
}

/** What this order adds to the sum of its purchase's refunds. */
function givenBack(state: ShopOrderState): bigint {
  if (state.kind === 'rejected' || orderOf(state).action !== 'refund') return 0n;
  return state.kind === 'done' ? state.booking.amount : state.amount;
}
