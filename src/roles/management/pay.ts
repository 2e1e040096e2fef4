// Purchases that shops forward, a batch at a time. Money moves at cash alone, once for each request, and cash answers the
// same for ever: so management keeps nothing that anyone needs. It opens whose purchase it is, asks cash, and writes down
// how it ended.
//
//     messages ─▶ shop? ─▶ number seals ─▶ as the shop says? ─▶ device? ─▶ cash ─▶ credible? ─▶ records ─▶ answers
//                          one batch a key                                 one batch  one batch    one write
//
//     refused          by a rule of the message alone: the same for ever, and nothing was done; or because cash has rejected
//                      too many of this device today: nothing was done, and the shop need not keep it
//     pending          cash has not answered, or not credibly; or nothing may be paid any more (below): ask again
//     paid, rejected   cash's word, signed
//
// A device may be revoked, or a shop closed, after cash was asked and before its answer was passed on. A refusal would then
// say that nothing was done where something may be. So until cash knows of it nothing definite is said, and cash is not
// asked, as it might still pay, unless the purchase has run out. From then on cash is asked, which pays nothing new and says
// what was: its signed rejection ends the purchase for wallet and shop alike, and nobody holds a till by it.

import { equalBytes } from '../../identity/binary-text.ts';
import type { CashRefusal } from '../cash/errors.ts';
import type { PayAnswer as CashPayAnswer, PayRequest as CashPayRequest } from '../cash/messages.ts';
import { type CommonRefusal, Refusal } from '../common/refusal.ts';
import type { CallResult } from '../common/role-client.ts';
import { PaymentReceipt, PaymentRejection } from '../documents/payment-receipts.ts';
import type { NumberContent } from '../documents/purchase.ts';
import { checkRequestId, type Refused, refuse } from './check.ts';
import { checkPaymentReceipt, checkPaymentRejection } from './check-receipt.ts';
import type { CashClient } from './interface.ts';
import type { PayAnswer, PayRequest } from './messages.ts';
import type { OpenNumbers } from './number-seals.ts';
import type { ShopPeer } from './peers.ts';
import type { DeviceStanding } from './registry.ts';
import { type Finding, type PendingAnswer, type RelayItem, type RelayOptions, relay } from './relay.ts';
import { type ShopStanding, shopStandings } from './shop-standing.ts';

export interface PayOptions extends RelayOptions {
  readonly cash: Pick<CashClient, 'pay'>;
  readonly openNumbers: OpenNumbers;
  readonly deviceStanding: (device: bigint) => DeviceStanding | undefined;
}

type PayItem = RelayItem<CashPayRequest, CashPayAnswer, PayAnswer>;

/** An answer each, in order. */
export async function pay(
  messages: readonly PayRequest[],
  peers: readonly ShopPeer[],
  options: PayOptions,
): Promise<(PayAnswer | Refused)[]> {
  const { findShop, deviceStanding, clock, limits, openNumbers, cash } = options;
  const now = clock();
  const answers: (PayAnswer | Refused)[] = new Array(messages.length);
  const shopOf = shopStandings(findShop);
  const standings = messages.map((message, i) => checkMessage(message) ?? shopOf(peers[i]!));
  const admitted: number[] = [];
  standings.forEach((standing, i) => {
    if (standing instanceof Refusal) answers[i] = standing;
    else admitted.push(i);
  });
  const contents = await openNumbers(
    admitted.map((i) => {
      const { number, request } = messages[i]!;
      return { number, binding: { request, shop: peers[i]!.shop } };
    }),
    now,
  );
  const asked: number[] = [];
  const items: PayItem[] = [];
  admitted.forEach((i, n) => {
    const message = messages[i]!;
    const content = contents[n]!;
    const decided =
      content instanceof Refusal
        ? content
        : (checkContent(content, message) ??
          checkPayer(
            deviceStanding(content.device),
            standings[i] as ShopStanding,
            message,
            now - limits.clockSkewNs,
          ));
    if (decided !== undefined) {
      answers[i] = decided;
      return;
    }
    asked.push(i);
    items.push(itemOf(message, peers[i]!.shop, (content as NumberContent).device));
  });
  const told = await relay('paying', items, (requests, signal) => cash.pay(requests, signal), options);
  asked.forEach((i, n) => {
    answers[i] = told[n]!;
  });
  return answers;
}

// ---- Before cash is asked

function checkMessage({ request, amount, currency }: PayRequest): Refused | undefined {
  const refused = checkRequestId(request);
  if (refused !== undefined) return refused;
  if (amount === 0n) return refuse('malformed', 'amount: expected at least 1, got 0');
  return currency === 0 ? refuse('malformed', 'currency: expected at least 1, got 0') : undefined;
}

/** What the wallet has sealed must be what the shop says. */
function checkContent(content: NumberContent, message: PayRequest): Refused | undefined {
  const { amount, currency, expiresAt, reference, kind } = message;
  if (content.amount !== amount) return mismatch('amount', content.amount, amount);
  if (content.currency !== currency) return mismatch('currency', content.currency, currency);
  if (content.expiresAt !== expiresAt) return mismatch('expiry', content.expiresAt, expiresAt);
  if (!equalBytes(content.reference, reference)) {
    return refuse(
      'reference_mismatch',
      'reference: expected that of the terms which the wallet has, got another',
    );
  }
  if (content.kind !== kind) return mismatch('kind', content.kind, kind);
  return undefined;
}

function mismatch(
  what: 'amount' | 'currency' | 'expiry' | 'kind',
  expected: bigint | number | string,
  got: bigint | number | string,
): Refused {
  return refuse(`${what}_mismatch`, `${what}: expected ${expected}, as the wallet has sealed it, got ${got}`);
}

/** Never names the device: the answer goes to a shop. @param over a purchase that ran out before has run out on every clock */
function checkPayer(
  device: DeviceStanding | undefined,
  shop: ShopStanding,
  { expiresAt }: PayRequest,
  over: bigint,
): Refused | PendingAnswer | undefined {
  if (device === undefined) {
    return refuse('device_unknown', 'device: expected one of the registry, got another');
  }
  if (expiresAt <= over) return undefined;
  if (device === 'revoking') return { kind: 'pending', state: 'device_revoked' };
  return shop === 'closing' ? { kind: 'pending', state: 'shop_closed' } : undefined;
}

// ---- What cash answers

/** What cash refuses for what the message itself is: so it did before, and will again. And what it takes tomorrow. */
const DEFINITE: ReadonlySet<CashRefusal | CommonRefusal> = new Set([
  'payment_seal_invalid',
  'request_mismatch',
  'key_mismatch',
  'payer_mismatch',
  'payee_mismatch',
  'amount_mismatch',
  'currency_mismatch',
  'expiry_mismatch',
  'reference_mismatch',
  'kind_mismatch',
  'signature_invalid',
  'currency_not_offered',
  'too_many_rejected',
] as const);

function itemOf(message: PayRequest, shop: bigint, device: bigint): PayItem {
  const { request, kind, amount, currency, expiresAt, reference, payment } = message;
  return {
    id: request,
    request: { request, device, shop, kind, amount, currency, expiresAt, reference, payment },
    read: (result) => read(result as CallResult<CashPayAnswer, CashRefusal>, message, shop, device),
  };
}

function read(
  result: CallResult<CashPayAnswer, CashRefusal>,
  message: PayRequest,
  shop: bigint,
  device: bigint,
): Finding<PayAnswer> {
  if (result.kind === 'unknown') return { kind: 'unknown' };
  if (result.kind === 'refused') return ofRefusal(result.refusal.code);
  const { answer } = result;
  const { request, kind, amount, currency } = message;
  const trade = { request, kind, shop, device, purchase: 0n, amount, currency };
  if (answer.kind === 'paid') {
    const { document, signature } = answer.receipt;
    const problem = checkPaymentReceipt(document, message, shop);
    if (problem !== undefined) return { kind: 'distrusted', problem };
    return {
      kind: 'concluded',
      conclusion: {
        answer,
        signed: { keyId: document.keyId, message: PaymentReceipt.signedBytes(document), signature },
        trade: { ...trade, outcome: document.kind, reason: '', at: document.timestamp },
      },
    };
  }
  const { document, signature } = answer.rejection;
  const problem = checkPaymentRejection(document, message, shop);
  if (problem !== undefined) return { kind: 'distrusted', problem };
  return {
    kind: 'concluded',
    conclusion: {
      answer,
      signed: { keyId: document.keyId, message: PaymentRejection.signedBytes(document), signature },
      trade: { ...trade, outcome: 'rejected', reason: document.reason, at: document.rejectedAt },
    },
  };
}

/** Cash's text may name the device: the shop gets the code. */
function ofRefusal(code: CashRefusal | CommonRefusal): Finding<PayAnswer> {
  if (DEFINITE.has(code)) {
    const refusal = refuse(
      code as Refused['code'],
      `payment: cash refuses what the wallet has signed: ${code}`,
    );
    return { kind: 'refused', refusal };
  }
  if (code === 'order_invalid') {
    return { kind: 'refused', refusal: refuse('payment_refused', `payment: cash refuses it: ${code}`) };
  }
  return { kind: 'distrusted', problem: code };
}
