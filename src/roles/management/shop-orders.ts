// Refunds, captures and voids, signed by shops: checked here, done by cash, written down. As with purchases, cash answers
// the same for ever and management keeps nothing that anyone needs (pay.ts).
import type { CashRefusal } from '../cash/errors.ts';
import type { ShopOrderAnswer as CashAnswer, ShopOrderRequest as CashRequest } from '../cash/messages.ts';
import type { BatchCrypto } from '../common/batch-crypto.ts';
import { type CommonRefusal, Refusal } from '../common/refusal.ts';
import type { CallResult } from '../common/role-client.ts';
import {
  ShopOrder,
  ShopOrderReceipt,
  ShopOrderRejection,
  type SignedShopOrder,
} from '../documents/payment-receipts.ts';
import { checkRequestId, type Refused, refuse } from './check.ts';
import { checkShopOrderReceipt, checkShopOrderRejection } from './check-receipt.ts';
import type { CashClient } from './interface.ts';
import type { ShopOrderAnswer, ShopOrderRequest } from './messages.ts';
import type { ShopPeer } from './peers.ts';
import { type Finding, type RelayItem, type RelayOptions, relay } from './relay.ts';
import { shopStandings } from './shop-standing.ts';

export interface ShopOrdersOptions extends RelayOptions {
  readonly cash: Pick<CashClient, 'shopOrder'>;
  readonly crypto: BatchCrypto;
}

type OrderItem = RelayItem<CashRequest, CashAnswer, ShopOrderAnswer>;

/** An answer each, in order. */
export async function shopOrders(
  messages: readonly ShopOrderRequest[],
  peers: readonly ShopPeer[],
  options: ShopOrdersOptions,
): Promise<(ShopOrderAnswer | Refused)[]> {
  const { findShop, clock, limits, crypto, cash } = options;
  const over = clock() - limits.clockSkewNs;
  const answers: (ShopOrderAnswer | Refused)[] = new Array(messages.length);
  const standingOf = shopStandings(findShop);
  const unverified: number[] = [];
  messages.forEach(({ order: { document } }, i) => {
    const peer = peers[i]!;
    const standing = checkOrder(document) ?? checkShop(document, peer) ?? standingOf(peer);
    if (standing instanceof Refusal) answers[i] = standing;
    else if (standing !== 'open' && document.applyBy > over) {
      // Until then cash might still do it; after that it only says what was.
      answers[i] = { kind: 'pending', state: 'shop_closed' };
    } else unverified.push(i);
  });
  const verdicts = await crypto.verifyBatch(
    unverified.map((i) => {
      const { document, signature } = messages[i]!.order;
      return { publicKey: peers[i]!.signingKey, message: ShopOrder.signedBytes(document), signature };
    }),
  );
  const asked = unverified.filter((i, n) => {
    if (verdicts[n] === true) return true;
    answers[i] = refuse('signature_invalid', "signature: expected one by the shop's key, got another");
    return false;
  });
  const items = asked.map((i) => itemOf(messages[i]!.order));
  const told = await relay(
    'ordering',
    items,
    (requests, signal) => cash.shopOrder(requests, signal),
    options,
  );
  asked.forEach((i, n) => {
    answers[i] = told[n]!;
  });
  return answers;
}

function checkOrder({ request, purchase, action, amount, currency }: ShopOrder): Refused | undefined {
  const refused = checkRequestId(request) ?? checkRequestId(purchase);
  if (refused !== undefined) return refused;
  if (request === purchase) {
    return refuse('malformed', 'request: expected an id of its own, got that of the purchase');
  }
  if (currency === 0) return refuse('malformed', 'currency: expected at least 1, got 0');
  if ((amount === 0n) === (action === 'void')) return undefined;
  return refuse('malformed', `amount: expected 0 in a void and more otherwise, got ${amount} in a ${action}`);
}

function checkShop({ shop }: ShopOrder, peer: ShopPeer): Refused | undefined {
  if (shop === peer.shop) return undefined;
  return refuse('not_permitted', `order: expected one of shop ${peer.shop}, got one of another`);
}

/** What cash refuses for what the order itself is, or because it is too late: nothing was done, and nothing will be. */
const DEFINITE: ReadonlySet<CashRefusal | CommonRefusal> = new Set([
  'purchase_unknown',
  'amount_mismatch',
  'currency_mismatch',
  'currency_not_offered',
  'amount_too_large',
  'expired',
] as const);

function itemOf(order: SignedShopOrder): OrderItem {
  return {
    id: order.document.request,
    request: { order },
    read: (result) => read(result as CallResult<CashAnswer, CashRefusal>, order.document),
  };
}

function read(result: CallResult<CashAnswer, CashRefusal>, order: ShopOrder): Finding<ShopOrderAnswer> {
  if (result.kind === 'unknown') return { kind: 'unknown' };
  if (result.kind === 'refused') return ofRefusal(result.refusal.code);
  const { answer } = result;
  const { request, shop, purchase, currency } = order;
  const trade = { request, kind: order.action, shop, device: 0n, purchase, currency };
  if (answer.kind === 'done') {
    const { document, signature } = answer.receipt;
    const problem = checkShopOrderReceipt(document, order);
    if (problem !== undefined) return { kind: 'distrusted', problem };
    return {
      kind: 'concluded',
      conclusion: {
        answer,
        signed: { keyId: document.keyId, message: ShopOrderReceipt.signedBytes(document), signature },
        trade: { ...trade, amount: document.amount, outcome: 'done', reason: '', at: document.timestamp },
      },
    };
  }
  const { document, signature } = answer.rejection;
  const problem = checkShopOrderRejection(document, order);
  if (problem !== undefined) return { kind: 'distrusted', problem };
  return {
    kind: 'concluded',
    conclusion: {
      answer,
      signed: { keyId: document.keyId, message: ShopOrderRejection.signedBytes(document), signature },
      trade: {
        ...trade,
        amount: order.amount,
        outcome: 'rejected',
        reason: document.reason,
        at: document.rejectedAt,
      },
    },
  };
}

function ofRefusal(code: CashRefusal | CommonRefusal): Finding<ShopOrderAnswer> {
  if (DEFINITE.has(code)) {
    return { kind: 'refused', refusal: refuse(code as Refused['code'], `order: cash refuses it: ${code}`) };
  }
  if (code === 'order_invalid') {
    return { kind: 'refused', refusal: refuse('order_refused', `order: cash refuses it: ${code}`) };
  }
  return { kind: 'distrusted', problem: code };
}
