// Shops at a test's cash, and devices that sign payment orders and seal them to it.
import { ed25519, hpke } from '../../../src/crypto/index.ts';
import type { KeyPair } from '../../../src/identity/key-set.ts';
import { PAYMENT_ORDER_SIZE, type PaymentOrder, PaymentOrderLayout } from '../../../src/layout/generated.ts';
import type { PayAnswer, PayRequest } from '../../../src/roles/cash/messages.ts';
import type { CallResult } from '../../../src/roles/common/role-client.ts';
import {
  encodePaymentOrder,
  orderKeyId,
  orderSignedBytes,
} from '../../../src/roles/documents/payment-order.ts';
import { PaymentReceipt, PaymentRejection } from '../../../src/roles/documents/payment-receipts.ts';
import {
  PurchaseBinding,
  paymentSealInfo,
  type SealedPayment,
} from '../../../src/roles/documents/purchase.ts';
import {
  answerOf,
  CASH_KEY,
  CASH_SEALING_KEY,
  creditOf,
  EUR,
  keyIdOf,
  keyPair,
  nextRequest,
  type TestCash,
  type TestDevice,
} from './support.ts';

export interface TestShop {
  readonly shop: bigint;
  readonly key: KeyPair;
}

let shops = 0;
export function newShop(): TestShop {
  const number = ++shops;
  return { shop: (1n << 91n) + BigInt(number), key: keyPair(500_000 + number) };
}

export async function openedShop(cash: TestCash, shop = newShop(), currency = EUR): Promise<TestShop> {
  answerOf(await cash.client().openShop({ shop: shop.shop, signingKey: shop.key.publicKey, currency }));
  return shop;
}

/** A device with an account and money on it. */
export async function funded(cash: TestCash, amount: bigint): Promise<TestDevice> {
  const device = await cash.opened();
  const [result] = await cash.credit(creditOf(device, { amount }));
  answerOf(result!);
  return device;
}

export const FOREVER = 1n << 63n;
const sequences = new Map<bigint, bigint>();
export function nextSequence({ device }: TestDevice): bigint {
  const sequence = (sequences.get(device) ?? 0n) + 1n;
  sequences.set(device, sequence);
  return sequence;
}

/** An order of the device to the shop, signed. */
export function paymentOrder(
  device: TestDevice,
  { shop }: TestShop,
  fields: Partial<PaymentOrder> = {},
  signer = device.key,
): Uint8Array {
  const order = encodePaymentOrder({
    id: nextRequest(),
    debitAccountId: device.device,
    creditAccountId: shop,
    amount: 100n,
    ledger: EUR,
    code: 20,
    reference: new Uint8Array(32).fill(9),
    sequence: fields.sequence ?? nextSequence(device),
    expiresAt: FOREVER,
    keyId: orderKeyId(keyIdOf(device.key.publicKey)),
    ...fields,
  });
  order.set(ed25519.sign(signer.secretKey, orderSignedBytes(order)), PaymentOrderLayout.signature);
  return order;
}

/** Seals anything to cash, for that purchase at that shop. */
export function sealedTo(
  binding: PurchaseBinding,
  plaintext: Uint8Array,
  { publicKey }: Pick<KeyPair, 'publicKey'> = CASH_SEALING_KEY,
): SealedPayment {
  const keyId = keyIdOf(publicKey);
  const { enc, ciphertext } = hpke.seal({
    recipientPublicKey: publicKey,
    info: paymentSealInfo(keyId),
    aad: PurchaseBinding.encode(binding),
    plaintext,
  });
  return { keyId, encapsulatedKey: enc, ciphertext };
}

/** What management makes of an order. `changes`: what it should not say. */
export function payRequest(
  order: Uint8Array,
  { device }: Pick<TestDevice, 'device'>,
  { shop }: Pick<TestShop, 'shop'>,
  changes: Partial<PayRequest> = {},
): PayRequest {
  const view = new DataView(order.buffer, order.byteOffset);
  const u128 = (at: number): bigint => view.getBigUint64(at, true) | (view.getBigUint64(at + 8, true) << 64n);
  const request = u128(PaymentOrderLayout.id);
  const reference = PaymentOrderLayout.reference;
  return {
    request,
    device,
    shop,
    kind: view.getUint16(PaymentOrderLayout.code, true) === 21 ? 'authorisation' : 'sale',
    amount: u128(PaymentOrderLayout.amount),
    currency: view.getUint32(PaymentOrderLayout.ledger, true),
    expiresAt: view.getBigUint64(PaymentOrderLayout.expiresAt, true),
    reference: order.slice(reference, reference + 32),
    payment: sealedTo({ request, shop }, order),
    ...changes,
  };
}

/** As a whole, nothing changed. */
export function purchaseOf(
  device: TestDevice,
  shop: TestShop,
  fields: Partial<PaymentOrder> = {},
): PayRequest {
  return payRequest(paymentOrder(device, shop, fields), device, shop);
}

export function payAll(cash: TestCash, ...requests: readonly PayRequest[]): Promise<CallResult<PayAnswer>[]> {
  const client = cash.client();
  return Promise.all(requests.map((request) => client.pay(request)));
}

/** `paid`, `reserved`, `rejected: <reason>`, `refused: <code>` or `unknown`. */
export function outcome(result: CallResult<PayAnswer>): string {
  if (result.kind === 'refused') return `refused: ${result.refusal.code}`;
  if (result.kind === 'unknown') return 'unknown';
  const { answer } = result;
  if (answer.kind === 'rejected') return `rejected: ${answer.rejection.document.reason}`;
  return answer.receipt.document.kind;
}

/** The receipt or the rejection of an answer, whose signature must be that of cash; as bytes. */
export function signedBytesOf(result: CallResult<PayAnswer>): Uint8Array {
  const answer = answerOf(result);
  const [signed, bytes, signature] =
    answer.kind === 'paid'
      ? ([
          PaymentReceipt.signed.encode(answer.receipt),
          PaymentReceipt.signedBytes(answer.receipt.document),
          answer.receipt.signature,
        ] as const)
      : ([
          PaymentRejection.signed.encode(answer.rejection),
          PaymentRejection.signedBytes(answer.rejection.document),
          answer.rejection.signature,
        ] as const);
  if (!ed25519.verify(CASH_KEY.publicKey, bytes, signature)) {
    throw new Error('expected a signature of cash, got another');
  }
  return signed;
}

export function packedOrders(orders: readonly Uint8Array[]): Uint8Array {
  const packed = new Uint8Array(orders.length * PAYMENT_ORDER_SIZE);
  for (const [i, order] of orders.entries()) packed.set(order, i * PAYMENT_ORDER_SIZE);
  return packed;
}
