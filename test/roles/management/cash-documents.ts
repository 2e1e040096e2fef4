// What a scripted cash signs of purchases, shops' orders, statements and purses: as asked for, or changed.
import { ed25519, sha256 } from '../../../src/crypto/index.ts';
import { type KeyPair, keyIdOf } from '../../../src/identity/key-set.ts';
import type { GetStatementRequest, PayRequest } from '../../../src/roles/cash/messages.ts';
import type { OpenPurseRequest, SettleTransferRequest } from '../../../src/roles/cash/purse-messages.ts';
import { orderSignedBytes } from '../../../src/roles/documents/payment-order.ts';
import {
  PaymentReceipt,
  PaymentRejection,
  ShopOrder,
  ShopOrderReceipt,
  ShopOrderRejection,
} from '../../../src/roles/documents/payment-receipts.ts';
import { Allowance } from '../../../src/roles/documents/purse.ts';
import type { DocumentKind, Signed } from '../../../src/roles/documents/signed.ts';
import { Statement } from '../../../src/roles/documents/statement.ts';
import { readHandover } from '../../../src/roles/documents/transfer.ts';
import { DAY, keySets, START } from '../../identity/support.ts';

const CASH = keySets.cash[0].signing;

function signed<Document extends { readonly keyId: Uint8Array }>(
  kind: DocumentKind<Document>,
  document: Omit<Document, 'keyId'>,
  change: Partial<Document>,
  key: KeyPair,
): Signed<Document> {
  const whole = { keyId: keyIdOf(key.publicKey, sha256), ...document, ...change } as Document;
  return { document: whole, signature: ed25519.sign(key.secretKey, kind.signedBytes(whole)) };
}

export function paymentReceipt(asked: PayRequest, change: Partial<PaymentReceipt> = {}, key = CASH) {
  const { request, kind, shop, amount, currency, reference } = asked;
  return signed(
    PaymentReceipt,
    {
      ...{ request, shop, amount, currency, reference },
      kind: kind === 'sale' ? 'paid' : 'reserved',
      orderDigest: new Uint8Array(32).fill(5),
      timestamp: START + 7n,
    },
    change,
    key,
  );
}

export function paymentRejection(
  { request, shop, amount, currency, reference }: PayRequest,
  change: Partial<PaymentRejection> = {},
  key = CASH,
) {
  const orderDigest = new Uint8Array(32).fill(5);
  const of = { request, orderDigest, shop, amount, currency, reference };
  const document = { ...of, reason: 'exceeds_credits', rejectedAt: START + 9n };
  return signed(PaymentRejection, document, change, key);
}

export function shopOrderReceipt(order: ShopOrder, change: Partial<ShopOrderReceipt> = {}, key = CASH) {
  const { request, action, purchase, amount, currency } = order;
  const document = { request, action, purchase, amount, currency, timestamp: START + 11n };
  return signed(ShopOrderReceipt, document, change, key);
}

export function shopOrderRejection(order: ShopOrder, change: Partial<ShopOrderRejection> = {}, key = CASH) {
  const orderDigest = sha256(ShopOrder.codec.encode(order));
  const document = { request: order.request, orderDigest, reason: 'exceeds_paid', rejectedAt: START + 13n };
  return signed(ShopOrderRejection, document, change, key);
}

export function statement({ device, query }: GetStatementRequest, change: Partial<Statement> = {}) {
  const { currency, after, purchases } = query;
  return signed(
    Statement,
    {
      ...{ device, currency, after, until: START, more: false, balance: 2_500n, reserved: 0n, asOf: START },
      entries: [],
      purchases: purchases.map((request) => ({ request, state: 'unknown', amount: 0n, timestamp: 0n })),
    },
    change,
    CASH,
  );
}

export function allowance({ purse, opening }: OpenPurseRequest, change: Partial<Allowance> = {}, key = CASH) {
  const { signingKey, currency, amount } = opening.document;
  const times = { expiresAt: START + 7n * DAY, reportBy: START + 37n * DAY };
  return signed(Allowance, { ...{ purse, signingKey, currency, amount }, ...times }, change, key);
}

/** Of a transfer: `shop` names the purse that was paid. */
export function handoverReceipt(
  { order }: SettleTransferRequest,
  change: Partial<PaymentReceipt> = {},
  key = CASH,
) {
  const { request, payee, amount, currency, reference } = readHandover(order)!;
  const orderDigest = sha256(orderSignedBytes(order));
  const document = { request, kind: 'paid' as const, orderDigest, shop: payee, amount, currency };
  return signed(PaymentReceipt, { ...document, reference, timestamp: START + 17n }, change, key);
}

export function handoverRejection(
  { order }: SettleTransferRequest,
  change: Partial<PaymentRejection> = {},
  key = CASH,
) {
  const { request, payee, amount, currency, reference } = readHandover(order)!;
  const orderDigest = sha256(orderSignedBytes(order));
  const what = { request, orderDigest, shop: payee, amount, currency, reference };
  const document = { ...what, reason: 'order_expired', rejectedAt: START + 19n };
  return signed(PaymentRejection, document, change, key);
}
