// Receipts of others, and rejections: whether they say what they should, signed by whom they should be. What does not is never passed on.
import { sha256 } from '../../crypto/index.ts';
import { equalBytes } from '../../identity/binary-text.ts';
import { LoadOrder, type SignedLoadOrder } from '../documents/load-order.ts';
import {
  ChargeReceipt,
  CreditReceipt,
  CreditRejection,
  type SignedChargeReceipt,
  type SignedCreditReceipt,
  type SignedCreditRejection,
} from '../documents/receipts.ts';
import type { CurrentDirectory } from './interface.ts';
import type { CheckSignature } from './signature-checks.ts';

/** What is wrong with a receipt or a rejection, as it stands in a state and in the log. */
export type ReceiptProblem =
  | 'receipt_of_other_request'
  | 'receipt_of_other_order'
  | 'receipt_of_other_device'
  | 'receipt_of_other_amount'
  | 'receipt_of_other_currency'
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
