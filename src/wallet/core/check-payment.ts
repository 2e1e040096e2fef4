// What must hold of cash's word on a purchase before the wallet subtracts the amount or gives it back. One function a rule,
// in this order; each returns what is wrong, or undefined. What the shop and management say by themselves moves nothing.
import { equalBytes } from '../../identity/binary-text.ts';
import {
  PaymentReceipt,
  PaymentRejection,
  type SignedPaymentReceipt,
  type SignedPaymentRejection,
} from '../../roles/documents/payment-receipts.ts';
import type { PurchaseKind } from '../../roles/documents/purchase.ts';
import type { WalletCrypto } from './ports.ts';
import { idText } from './records.ts';

export interface PaymentExpectation {
  readonly request: bigint;
  readonly kind: PurchaseKind;
  readonly orderDigest: Uint8Array;
  readonly shop: bigint;
  /** Minor units. */
  readonly amount: bigint;
  readonly currency: number;
  readonly reference: Uint8Array;
}

type Rule<Signed> = (signed: Signed, expected: PaymentExpectation) => string | undefined;

const WORD: { readonly [kind in PurchaseKind]: PaymentReceipt['kind'] } = {
  sale: 'paid',
  authorisation: 'reserved',
};

type Word = 'receipt' | 'rejection';
type Said = SignedPaymentReceipt | SignedPaymentRejection;

/** What both say of the purchase. */
const purchaseRules = (word: Word): readonly Rule<Said>[] => [
  ({ document }, { request }) =>
    document.request === request
      ? undefined
      : `${word}: expected one of request ${idText(request)}, got one of request ${idText(document.request)}`,
  ({ document }, { orderDigest }) =>
    equalBytes(document.orderDigest, orderDigest)
      ? undefined
      : `${word}: expected one of the order that this wallet has signed, got one of another order`,
  ({ document }, { shop }) =>
    document.shop === shop
      ? undefined
      : `${word}: expected one of shop ${idText(shop)}, got one of shop ${idText(document.shop)}`,
  ({ document }, { amount }) =>
    document.amount === amount
      ? undefined
      : `${word}: expected one of ${amount} minor units, got one of ${document.amount}`,
  ({ document }, { currency }) =>
    document.currency === currency
      ? undefined
      : `${word}: expected one in currency ${currency}, got one in ${document.currency}`,
  ({ document }, { reference }) =>
    equalBytes(document.reference, reference)
      ? undefined
      : `${word}: expected the reference of these terms, got another`,
];

const RECEIPT_RULES: readonly Rule<SignedPaymentReceipt>[] = [
  ...purchaseRules('receipt'),
  ({ document }, { kind }) =>
    document.kind === WORD[kind]
      ? undefined
      : `receipt: expected ${WORD[kind]}, as this is an order of the kind ${kind}, got ${document.kind}`,
];

const REJECTION_RULES: readonly Rule<SignedPaymentRejection>[] = purchaseRules('rejection');

/** @param cashKey cash's signing key with the id that the receipt names */
export function checkPaymentReceipt(
  receipt: SignedPaymentReceipt,
  expected: PaymentExpectation,
  cashKey: Uint8Array,
  { verify }: WalletCrypto,
): string | undefined {
  if (!verify(cashKey, PaymentReceipt.signedBytes(receipt.document), receipt.signature))
    return 'receipt: expected what cash has signed, got something else';
  return firstWrong(RECEIPT_RULES, receipt, expected);
}

/** @param cashKey cash's signing key with the id that the rejection names */
export function checkPaymentRejection(
  rejection: SignedPaymentRejection,
  expected: PaymentExpectation,
  cashKey: Uint8Array,
  { verify }: WalletCrypto,
): string | undefined {
  if (!verify(cashKey, PaymentRejection.signedBytes(rejection.document), rejection.signature))
    return 'rejection: expected what cash has signed, got something else';
  return firstWrong(REJECTION_RULES, rejection, expected);
}

function firstWrong<Signed>(
  rules: readonly Rule<Signed>[],
  signed: Signed,
  expected: PaymentExpectation,
): string | undefined {
  for (const rule of rules) {
    const wrong = rule(signed, expected);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}
