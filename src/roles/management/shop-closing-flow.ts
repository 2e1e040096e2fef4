// How a shop ends, as a state machine of pure functions (shop-flow.ts has how it begins).
//
//     admitted ─▶ closing ─ cash knows ─▶ closed        one that was never approved, and has no account: closed at once
//                   └─ closing_distrusted: cash has answered what cannot be right
//
// Management refuses the shop from the write that admits this. Cash takes payment orders of shops without management: it is
// told until it has written down that the shop is closed, however long it is away.
import { type Infer, optional, struct, text, u128, union } from '../../shared/codec.ts';
import type { CloseShopRequest } from '../cash/messages.ts';
import type { Flow } from '../flow/flow.ts';
import { nameOfState, REASON_BYTES_MAX } from './flow.ts';
import { findShop, putShop, SHOP_REASON_BYTES_MAX } from './shop-registry.ts';

const ClosingState = union({
  closing: struct({
    shop: u128,
    reason: text(SHOP_REASON_BYTES_MAX),
    /** What was wrong with cash's last answer. */
    distrusted: optional(text(REASON_BYTES_MAX)),
  }),
  closed: struct({ shop: u128, reason: text(SHOP_REASON_BYTES_MAX) }),
});
export type ShopClosingState = Infer<typeof ClosingState>;

export interface ShopClosingEffect {
  readonly kind: 'close';
  readonly request: CloseShopRequest;
  readonly distrusted: string | undefined;
}

export type ShopClosingOutcome =
  | { readonly kind: 'told' }
  | { readonly kind: 'distrusted'; readonly reason: string };

export const shopClosingFlow: Flow<ShopClosingState, ShopClosingEffect, ShopClosingOutcome> = {
  kind: 9,
  name: 'shop_closing',
  state: ClosingState,
  effect(state) {
    if (state.kind !== 'closing') return undefined;
    const { shop, distrusted } = state;
    return { kind: 'close', request: { shop }, distrusted };
  },
  next(state, outcome) {
    if (state.kind !== 'closing') return state;
    const { shop, reason } = state;
    return outcome.kind === 'told'
      ? { kind: 'closed', shop, reason }
      : { ...state, distrusted: outcome.reason };
  },
  stateName: nameOfState,
  writes(before, { kind, shop, reason }, { now, reads }) {
    const enforced = kind === 'closed';
    if (before !== undefined && !enforced) return [];
    // One that was turned down is gone by now.
    const record = findShop(reads, shop);
    if (record === undefined) return [];
    return [putShop(shop, { ...record, closed: { at: record.closed?.at ?? now, reason, enforced } })];
  },
};
