// How a shop becomes one, as a state machine of pure functions (flow.ts has the others).
//
//                                           ┌─ opened (one currency of several)
//                                           ▼ │
//     admitted ─▶ awaiting_approval ─▶ opening ─ opened (the last; certificate) ─▶ open
//                        │ an operator   └─ opening_distrusted: cash has answered what cannot be right
//                        ├─ turned down ──▶ closed
//                        └─ applyBy ──────▶ closed
//
// What an operator says stands in the shop's record (shops.ts), in a transaction of its own, and the request is told to
// look (FlowRunner.wake). From the approval on the shop becomes one, however long cash takes.
import { type Infer, list, optional, struct, text, u8, u32, u64, u128, union } from '../../shared/codec.ts';
import type { OpenShopRequest } from '../cash/messages.ts';
import { DEVICE_CURRENCIES_MAX } from '../documents/device-order.ts';
import { ShopEnrolment } from '../documents/shop-enrolment.ts';
import { publicKey } from '../documents/signed.ts';
import type { Flow, Put, WriteContext } from '../flow/flow.ts';
import { type IssuedCertificate, nameOfState, REASON_BYTES_MAX, SERIAL_FIRST } from './flow.ts';
import { Certificate, putNumber, removeNumber } from './registry.ts';
import {
  findShop,
  putShop,
  putShopCounts,
  putShopKeys,
  removeShop,
  SHOP_REASON_BYTES_MAX,
} from './shop-registry.ts';

const ShopState = union({
  awaiting_approval: struct({ shop: u128, enrolment: ShopEnrolment.signed }),
  opening: struct({
    shop: u128,
    signingKey: publicKey,
    /** Accounts to open at cash, in this order. */
    currencies: list(u32, DEVICE_CURRENCIES_MAX),
    /** How many of them are open. */
    opened: u8,
    /** What was wrong with cash's last answer. */
    distrusted: optional(text(REASON_BYTES_MAX)),
  }),
  open: struct({ shop: u128, certificate: Certificate, notAfter: u64 }),
  closed: struct({ shop: u128, reason: text(SHOP_REASON_BYTES_MAX) }),
});
export type ShopFlowState = Infer<typeof ShopState>;

export type ShopEffect =
  /** Looks for an operator's word; `isOver`: its time has passed. */
  | { readonly kind: 'await'; readonly shop: bigint; readonly isOver: boolean }
  | {
      readonly kind: 'open';
      readonly account: OpenShopRequest;
      /** The shop is certified when this account is open. */
      readonly isLast: boolean;
      readonly distrusted: string | undefined;
    };

export type ShopOutcome =
  | { readonly kind: 'approved'; readonly currencies: readonly number[] }
  | { readonly kind: 'closed'; readonly reason: string }
  | { readonly kind: 'opened'; readonly issued: IssuedCertificate | undefined }
  | { readonly kind: 'distrusted'; readonly reason: string };

export const shopFlow: Flow<ShopFlowState, ShopEffect, ShopOutcome> = {
  kind: 4,
  name: 'shop_enrolment',
  state: ShopState,
  effect(state, now) {
    switch (state.kind) {
      case 'awaiting_approval':
        return { kind: 'await', shop: state.shop, isOver: now >= state.enrolment.document.applyBy };
      case 'opening': {
        const { shop, signingKey, currencies, opened, distrusted } = state;
        const account = { shop, signingKey, currency: currencies[opened]! };
        return { kind: 'open', account, isLast: opened + 1 === currencies.length, distrusted };
      }
      default:
        return undefined;
    }
  },
  next(state, outcome) {
    const { shop } = state;
    if (state.kind === 'awaiting_approval') {
      if (outcome.kind === 'closed') return { kind: 'closed', shop, reason: outcome.reason };
      if (outcome.kind !== 'approved') return state;
      const { signingKey } = state.enrolment.document;
      const { currencies } = outcome;
      return { kind: 'opening', shop, signingKey, currencies, opened: 0, distrusted: undefined };
    }
    if (state.kind !== 'opening') return state;
    if (outcome.kind === 'distrusted') return { ...state, distrusted: outcome.reason };
    if (outcome.kind !== 'opened') return state;
    return outcome.issued === undefined
      ? { ...state, opened: state.opened + 1, distrusted: undefined }
      : { kind: 'open', shop, ...outcome.issued };
  },
  stateName: nameOfState,
  writes,
};

function writes(
  before: ShopFlowState | undefined,
  after: ShopFlowState,
  { id, now, reads }: WriteContext,
): readonly Put[] {
  const { shop } = after;
  if (after.kind === 'awaiting_approval') {
    if (before !== undefined) return [];
    const { document, signature } = after.enrolment;
    const { signingKey, channelKey, name, account, applyBy } = document;
    return [
      putNumber(shop, id),
      ...putShopKeys(shop, document),
      putShop(shop, {
        ...{ request: id, signingKey, channelKey, name, account, applyBy, signature },
        enrolledAt: now,
        approvedAt: undefined,
        closed: undefined,
        certified: undefined,
      }),
      putShopCounts(reads, now, { awaiting: 1n, applications: 1n }),
    ];
  }
  if (after.kind === 'closed' && before?.kind === 'awaiting_approval') {
    return [
      removeNumber(shop),
      ...removeShop(shop, before.enrolment.document),
      putShopCounts(reads, now, { awaiting: -1n }),
    ];
  }
  if (after.kind === 'open' && before?.kind === 'opening') {
    const { certificate, notAfter } = after;
    const record = findShop(reads, shop)!;
    return [putShop(shop, { ...record, certified: { serial: SERIAL_FIRST, certificate, notAfter } })];
  }
  return [];
}
