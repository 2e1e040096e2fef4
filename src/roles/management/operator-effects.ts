// What the flows ask of cash that operators have set going: shops' accounts and their end, orders about devices. As in effects.ts, what
// cannot be right is not believed.
import type { StoreReads } from '../../store/store.ts';
import type { CashRefusal } from '../cash/errors.ts';
import type { Distrust } from '../common/distrust.ts';
import type { CommonRefusal } from '../common/refusal.ts';
import { type Again, again, type EffectItem, type Perform } from '../flow/flow.ts';
import type { IssueShopCertificate } from './certificates.ts';
import type { DeviceOrderEffect, DeviceOrderOutcome } from './device-order-flow.ts';
import { type IssuedCertificate, SERIAL_FIRST } from './flow.ts';
import type { CashClient } from './interface.ts';
import type { ShopClosingEffect, ShopClosingOutcome } from './shop-closing-flow.ts';
import type { ShopEffect, ShopOutcome } from './shop-flow.ts';
import { findShop } from './shop-registry.ts';

/** An operator's word wakes the request; this is for one that was missed. */
const LOOK_AGAIN_MS = 30_000;
/** Accounts of a shop are opened within moments, but for a cash that is away. */
const OPENING_PAUSE_MS = 1_000;

/** What cash refuses for what the order itself is, or because it is too late: it has not done it, and will not. */
const DEFINITE: ReadonlySet<CashRefusal | CommonRefusal> = new Set([
  'order_invalid',
  'currency_not_offered',
  'device_replaced',
  'device_blocked',
  'expired',
] as const);

export interface OperatorEffectsOptions {
  readonly store: StoreReads;
  readonly cash: Pick<CashClient, 'openShop' | 'closeShop' | 'deviceOrder'>;
  readonly issueCertificate: IssueShopCertificate;
  /** What a new shop gets an account in. */
  readonly currencies: readonly number[];
  readonly now: () => bigint;
  readonly distrust: Distrust;
}

export interface OperatorEffects {
  readonly performShop: Perform<ShopEffect, ShopOutcome>;
  readonly performShopClosing: Perform<ShopClosingEffect, ShopClosingOutcome>;
  readonly performDeviceOrder: Perform<DeviceOrderEffect, DeviceOrderOutcome>;
}

export function operatorEffects(options: OperatorEffectsOptions): OperatorEffects {
  const { store, cash, issueCertificate, currencies, now, distrust } = options;

  function look({ shop, isOver }: ShopEffect & { kind: 'await' }): ShopOutcome | Again {
    const record = findShop(store, shop);
    // An operator's word that came in time counts, also when it is read after it.
    if (record?.approvedAt !== undefined) return { kind: 'approved', currencies };
    if (record?.closed !== undefined) return { kind: 'closed', reason: record.closed.reason };
    return isOver ? { kind: 'closed', reason: 'expired' } : again(LOOK_AGAIN_MS);
  }

  function certify(shop: bigint): IssuedCertificate {
    const { name, signingKey, channelKey } = findShop(store, shop)!;
    return issueCertificate({ shop, name, signingKey, channelKey, serial: SERIAL_FIRST }, now());
  }

  async function open(item: EffectItem<ShopEffect & { kind: 'open' }>): Promise<ShopOutcome | Again> {
    const { account, isLast } = item.effect;
    const result = await cash.openShop(account);
    if (result.kind === 'unknown') return again();
    if (result.kind === 'refused') return distrust.distrust(item, result.refusal.code);
    return { kind: 'opened', issued: isLast ? certify(account.shop) : undefined };
  }

  const performShop = async (item: EffectItem<ShopEffect>): Promise<ShopOutcome | Again> =>
    item.effect.kind === 'await' ? look(item.effect) : open({ ...item, effect: item.effect });

  async function close(item: EffectItem<ShopClosingEffect>): Promise<ShopClosingOutcome | Again> {
    const { shop } = item.effect.request;
    // Its accounts are being opened: cash closes what it knows.
    if (findShop(store, shop)?.certified === undefined) return again(OPENING_PAUSE_MS);
    const result = await cash.closeShop(item.effect.request);
    if (result.kind === 'unknown') return again();
    if (result.kind === 'refused') return distrust.distrust(item, result.refusal.code);
    return { kind: 'told' };
  }

  async function performOrder(item: EffectItem<DeviceOrderEffect>): Promise<DeviceOrderOutcome | Again> {
    const result = await cash.deviceOrder(item.effect.request);
    if (result.kind === 'unknown') return again();
    if (result.kind === 'ok') return { kind: 'done', ...result.answer };
    const { code } = result.refusal;
    const isRevocation = item.effect.request.order.document.action.kind === 'revoke';
    return DEFINITE.has(code) && !isRevocation
      ? { kind: 'refused', reason: code }
      : distrust.distrust(item, code);
  }

  return {
    performShop: (items) => items.map((item) => distrust.noting(item.id, performShop(item))),
    performShopClosing: (items) => items.map((item) => distrust.noting(item.id, close(item))),
    performDeviceOrder: (items) => items.map((item) => distrust.noting(item.id, performOrder(item))),
  };
}
