// Refunds, captures and voids, as shops order and sign them.
//
//     examine (signed-orders.ts) ─▶ purchases and their devices, of the ledger ─▶ runner (shop-order-flow.ts) ─▶ answer
//
// What a purchase is never changes again in a way that makes a good order bad: one that is paid stays paid. So it is looked
// up before the order is admitted, and the rules that go by it are part of the admission: their rejection is remembered.
// A refund of a device that was replaced goes to the device that has replaced it. One that is blocked gets its refund: it
// is only its own orders that are refused. The shop learns of none of this.
import { sha256 } from '../../crypto/index.ts';
import type { StoreTransaction } from '../../store/store.ts';
import { Refusal } from '../common/refusal.ts';
import {
  ShopOrder,
  ShopOrderReceipt,
  ShopOrderRejection,
  type SignedShopOrder,
} from '../documents/payment-receipts.ts';
import type { Standing, Submission } from '../flow/flow.ts';
import { AccountCode } from './accounts.ts';
import { type CashRefused, checkShopOrder, currencyNotOffered, shopUnknown } from './check.ts';
import { successorOf } from './device-terms.ts';
import type { CashRefusal } from './errors.ts';
import { findDevice, findShop } from './find-holder.ts';
import type { CashParts } from './interface.ts';
import type { ShopOrderAnswer, ShopOrderRequest } from './messages.ts';
import { findPurchases, type Purchase } from './purchases.ts';
import { refundTotal, type ShopOrderState, shopOrderFlow } from './shop-order-flow.ts';
import type { Shop } from './shops.ts';
import { examine, type Finding, ORDER_WAIT_MS, stillUnderWay } from './signed-orders.ts';

type Answer = ShopOrderAnswer | CashRefused;

/**
 * One answer a request, in order.
 * @throws RequestError, CryptoError: nothing is known of any of them; the same requests may come again
 */
export async function shopOrders(requests: readonly ShopOrderRequest[], parts: CashParts): Promise<Answer[]> {
  const orders = requests.map(({ order }) => order);
  const findings = await examine(
    orders.map((order) => ({ id: order.document.request, check: () => check(order, parts) })),
    parts,
  );
  const facts = await factsOf(
    orders.filter((_, i) => findings[i] === 'new'),
    parts,
  );
  const digests = sha256.batch(orders.map(({ document }) => ShopOrder.codec.encode(document)));
  const places = placesOf(findings);
  const standings = parts.runner.submit(
    shopOrderFlow,
    places.map((i) => submission(orders[i]!, digests[i]!, facts, parts)),
    ORDER_WAIT_MS,
  );
  const answers: (Answer | Promise<Answer>)[] = findings.map((finding) =>
    finding instanceof Refusal ? finding : stillUnderWay(),
  );
  places.forEach((place, n) => {
    answers[place] = standings[n]!.then((standing) => answerOf(standing, parts));
  });
  return Promise.all(answers);
}

const placesOf = (findings: readonly Finding[]): number[] =>
  [...findings.keys()].filter((i) => !(findings[i] instanceof Refusal));

function check({ document, signature }: SignedShopOrder, parts: CashParts) {
  const refused = checkShopOrder(document);
  if (refused !== undefined) return refused;
  const shop = findShop(document.shop, parts) ?? shopUnknown(document.shop);
  if (shop instanceof Refusal) return shop;
  if (!shop.accounts.has(document.currency)) {
    return currencyNotOffered([...shop.accounts.keys()], document.currency);
  }
  return { publicKey: shop.preparedKey, message: ShopOrder.signedBytes(document), signature };
}

// ---- What the ledger knows

interface Fact {
  readonly purchase: Purchase;
  /** Where a refund goes, in the ledger. */
  readonly deviceAccount: bigint;
}

/** By the purchase's request. */
type Facts = ReadonlyMap<bigint, Fact>;

async function factsOf(orders: readonly SignedShopOrder[], parts: CashParts): Promise<Facts> {
  if (orders.length === 0) return new Map();
  const { ledger } = parts;
  const ids = new Set(orders.map(({ document }) => document.purchase));
  const purchases = await findPurchases([...ids], ledger);
  const payers = new Set([...purchases.values()].map(({ deviceAccount }) => deviceAccount));
  const accounts = new Map(
    (await ledger.lookupAccounts([...payers])).map((account) => [account.id, account]),
  );
  const facts = new Map<bigint, Fact>();
  for (const [request, purchase] of purchases) {
    const account = accounts.get(purchase.deviceAccount);
    if (account?.code !== AccountCode.device) continue;
    const deviceAccount = refundAccount(account.userData128, purchase, parts);
    facts.set(request, { purchase, deviceAccount });
  }
  return facts;
}

/** The account of the device that has paid, or of the one that has replaced it. */
function refundAccount(payer: bigint, { deviceAccount, currency }: Purchase, parts: CashParts): bigint {
  const device = successorOf(parts.store, payer);
  if (device === payer) return deviceAccount;
  const successor = findDevice(device, parts);
  if (successor === undefined || successor instanceof Refusal) return deviceAccount;
  return successor.accounts.get(currency)?.account ?? deviceAccount;
}

// ---- Admission

function submission(
  order: SignedShopOrder,
  digest: Uint8Array,
  facts: Facts,
  { clock, shops }: CashParts,
): Submission<ShopOrderState, CashRefusal> {
  const { document } = order;
  return {
    id: document.request,
    digest,
    admit(tx) {
      const now = clock();
      const shop = shops.shop(document.shop);
      const fact = facts.get(document.purchase);
      const reason = document.applyBy <= now ? 'expired' : against(document, shop, fact, tx);
      if (reason !== undefined) return { kind: 'rejected', order, orderDigest: digest, reason, at: now };
      const { purchase, deviceAccount } = fact!;
      const isRefund = document.action === 'refund';
      return {
        kind: 'booking',
        order,
        amount: document.action === 'void' ? purchase.ordered : document.amount,
        shopAccount: isRefund ? purchase.shopAccount : 0n,
        deviceAccount: isRefund ? deviceAccount : 0n,
      };
    },
  };
}

/** The rule that the order is against. Of captures and voids the ledger decides the rest. */
function against(
  { action, amount, currency, purchase: request }: ShopOrder,
  shop: Shop | undefined,
  fact: Fact | undefined,
  tx: StoreTransaction,
): string | undefined {
  // A purchase at another shop is none of this shop's: it is not told that there is one.
  if (fact === undefined || fact.purchase.shopAccount !== shop?.accounts.get(currency)?.account) {
    return 'purchase_unknown';
  }
  const { state, paid } = fact.purchase;
  if (action !== 'refund') return state === 'paid' ? 'purchase_not_reserved' : undefined;
  if (state !== 'paid' && state !== 'captured') return 'purchase_not_paid';
  return refundTotal(tx, request) + amount > paid ? 'exceeds_payment' : undefined;
}

// ---- Answers

function answerOf(standing: Standing<ShopOrderState> | Refusal<CashRefusal>, { signers }: CashParts): Answer {
  if (standing instanceof Refusal) return standing;
  const { state } = standing;
  switch (state.kind) {
    case 'booking':
      return stillUnderWay();
    case 'done': {
      const { booking, timestamp } = state;
      const { request, action, purchase, currency } = booking.order.document;
      const { amount } = booking;
      const content = { request, action, purchase, amount, currency, timestamp };
      return { kind: 'done', receipt: signers.sign(ShopOrderReceipt, content, timestamp) };
    }
    case 'rejected': {
      const { order, orderDigest, reason, at } = state;
      const content = { request: order.document.request, orderDigest, reason, rejectedAt: at };
      return { kind: 'rejected', rejection: signers.sign(ShopOrderRejection, content, at) };
    }
  }
}
