// Receipts of others, and rejections: whether they say what they should, signed by whom they should be. What does not is never passed on.
import { sha256 } from '../../crypto/index.ts';
import { equalBytes } from '../../identity/binary-text.ts';
import { LoadOrder, type SignedLoadOrder } from '../documents/load-order.ts';
import {
  type PaymentReceipt,
  type PaymentRejection,
  ShopOrder,
  type ShopOrderReceipt,
  type ShopOrderRejection,
} from '../documents/payment-receipts.ts';
import {
  ChargeReceipt,
  CreditReceipt,
  CreditRejection,
  type SignedChargeReceipt,
  type SignedCreditReceipt,
  type SignedCreditRejection,
} from '../documents/receipts.ts';
import type { CurrentDirectory } from './interface.ts';
import type { PayRequest } from './messages.ts';
import type { CheckSignature } from './signature-checks.ts';

/** What is wrong with a receipt or a rejection, as it stands in a state and in the log. */
export type ReceiptProblem =
  | 'receipt_of_other_request'
  | 'receipt_of_other_order'
  | 'receipt_of_other_device'
  | 'receipt_of_other_amount'
  | 'receipt_of_other_currency'
  | 'receipt_of_other_shop'
  | 'receipt_of_other_kind'
  | 'receipt_of_other_reference'
  | 'receipt_of_other_purchase'
  | 'receipt_of_unknown_key'
  | 'receipt_signature_invalid';

export interface ReceiptChecks {
  readonly directory: CurrentDirectory;
  readonly now: () => bigint;
  readonly checkSignature: CheckSignature;
}

/** undefined: settlement has charged what the order says. */
export async function checkChargeReceipt(
  { document, signature }: SignedChargeReceipt,
  order: SignedLoadOrder,
  checks: ReceiptChecks,
): Promise<ReceiptProblem | undefined> {
  const problem = checkPayment(document, order);
  if (problem !== undefined) return problem;
  const digest = sha256(LoadOrder.codec.encode(order.document));
  if (!equalBytes(document.orderDigest, digest)) return 'receipt_of_other_order';
  return checkSigned('settlement', document.keyId, ChargeReceipt.signedBytes(document), signature, checks);
}

/** undefined: cash has credited what the order says, to that device. */
export async function checkCreditReceipt(
  { document, signature }: SignedCreditReceipt,
  device: bigint,
  order: SignedLoadOrder,
  checks: ReceiptChecks,
): Promise<ReceiptProblem | undefined> {
  const problem = checkPayment(document, order);
  if (problem !== undefined) return problem;
  if (document.device !== device) return 'receipt_of_other_device';
  return checkSigned('cash', document.keyId, CreditReceipt.signedBytes(document), signature, checks);
}

/** undefined: cash will never credit what the order says. */
export async function checkCreditRejection(
  { document, signature }: SignedCreditRejection,
  device: bigint,
  order: SignedLoadOrder,
  checks: ReceiptChecks,
): Promise<ReceiptProblem | undefined> {
  const problem = checkPayment(document, order);
  if (problem !== undefined) return problem;
  if (document.device !== device) return 'receipt_of_other_device';
  const digest = sha256(LoadOrder.codec.encode(order.document));
  if (!equalBytes(document.orderDigest, digest)) return 'receipt_of_other_order';
  return checkSigned('cash', document.keyId, CreditRejection.signedBytes(document), signature, checks);
}

// ---- Of purchases and of shops' orders: what they say; signatures are checked a batch at a time (cash-signatures.ts)

/** What a shop expects of cash's word on a purchase. */
type Expected = Pick<PayRequest, 'request' | 'amount' | 'currency' | 'reference'>;

/** undefined: cash has paid or reserved what the shop expects. */
export function checkPaymentReceipt(
  receipt: PaymentReceipt,
  purchase: Expected & Pick<PayRequest, 'kind'>,
  shop: bigint,
): ReceiptProblem | undefined {
  const problem = checkPurchaseOf(receipt, purchase, shop);
  if (problem !== undefined) return problem;
  return receipt.kind === (purchase.kind === 'sale' ? 'paid' : 'reserved')
    ? undefined
    : 'receipt_of_other_kind';
}

/** undefined: cash will never pay an order for what the shop expects under this request. */
export function checkPaymentRejection(
  rejection: PaymentRejection,
  purchase: Expected,
  shop: bigint,
): ReceiptProblem | undefined {
  return checkPurchaseOf(rejection, purchase, shop);
}

function checkPurchaseOf(
  said: Expected & { readonly shop: bigint },
  purchase: Expected,
  shop: bigint,
): ReceiptProblem | undefined {
  const problem = checkRequestOf(said, purchase.request);
  if (problem !== undefined) return problem;
  if (said.shop !== shop) return 'receipt_of_other_shop';
  if (said.amount !== purchase.amount) return 'receipt_of_other_amount';
  if (said.currency !== purchase.currency) return 'receipt_of_other_currency';
  return equalBytes(said.reference, purchase.reference) ? undefined : 'receipt_of_other_reference';
}

/** undefined: cash has done what the shop has ordered. What a void releases, cash says. */
export function checkShopOrderReceipt(
  receipt: ShopOrderReceipt,
  order: ShopOrder,
): ReceiptProblem | undefined {
  const problem = checkRequestOf(receipt, order.request);
  if (problem !== undefined) return problem;
  if (receipt.purchase !== order.purchase) return 'receipt_of_other_purchase';
  if (receipt.action !== order.action) return 'receipt_of_other_kind';
  if (receipt.currency !== order.currency) return 'receipt_of_other_currency';
  return order.action === 'void' || receipt.amount === order.amount ? undefined : 'receipt_of_other_amount';
}

/** undefined: cash will never do what the shop has ordered. */
export function checkShopOrderRejection(
  rejection: ShopOrderRejection,
  order: ShopOrder,
): ReceiptProblem | undefined {
  const problem = checkRequestOf(rejection, order.request);
  if (problem !== undefined) return problem;
  const digest = sha256(ShopOrder.codec.encode(order));
  return equalBytes(rejection.orderDigest, digest) ? undefined : 'receipt_of_other_order';
}

export function checkRequestOf(
  receipt: { readonly request: bigint },
  request: bigint,
): ReceiptProblem | undefined {
  return receipt.request === request ? undefined : 'receipt_of_other_request';
}

/** Whether a key of the role that still counts has signed these bytes. */
async function checkSigned(
  role: 'settlement' | 'cash',
  keyId: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
  { directory, now, checkSignature }: ReceiptChecks,
): Promise<ReceiptProblem | undefined> {
  const publicKey = directory.current().verificationKey(role, keyId, now());
  if (publicKey === undefined) {
    directory.missed();
    return 'receipt_of_unknown_key';
  }
  return (await checkSignature({ publicKey, message, signature })) ? undefined : 'receipt_signature_invalid';
}

function checkPayment(
  receipt: { readonly request: bigint; readonly amount: bigint; readonly currency: number },
  { document: order }: SignedLoadOrder,
): ReceiptProblem | undefined {
  if (receipt.request !== order.request) return 'receipt_of_other_request';
  if (receipt.amount !== order.amount) return 'receipt_of_other_amount';
  if (receipt.currency !== order.currency) return 'receipt_of_other_currency';
  return undefined;
}
