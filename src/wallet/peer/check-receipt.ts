// What must hold of a payee's receipt before the payer subtracts. One function a rule, in this order; each returns what is wrong.
import { equalBytes } from '../../identity/binary-text.ts';
import type { PurseCertificate } from '../../identity/purse-certificate.ts';
import { orderSignedBytes } from '../../roles/documents/payment-order.ts';
import { type SignedTransferReceipt, TransferReceipt } from '../../roles/documents/transfer.ts';
import type { WalletCrypto } from '../core/ports.ts';
import { idText } from '../core/records.ts';
import type { PaymentMessage } from './messages.ts';
import { handoverOf } from './records.ts';

/** What a receipt says of a payment: by the payee to make it, by the payer to compare. */
export function receiptContent(
  { order, nonce }: Pick<PaymentMessage, 'order' | 'nonce'>,
  { sha256 }: Pick<WalletCrypto, 'sha256'>,
): Omit<TransferReceipt, 'receivedAt'> {
  const { request, payer, payee, amount, currency } = handoverOf({ order });
  return { request, orderDigest: sha256(orderSignedBytes(order)), payer, payee, amount, currency, nonce };
}

type Content = Omit<TransferReceipt, 'receivedAt'>;
type Rule = (got: TransferReceipt, expected: Content) => string | undefined;

const RULES: readonly Rule[] = [
  (got, { request }) =>
    got.request === request
      ? undefined
      : `receipt: expected one of payment ${idText(request)}, got one of ${idText(got.request)}`,
  (got, { orderDigest }) =>
    equalBytes(got.orderDigest, orderDigest)
      ? undefined
      : 'receipt: expected one of the order that this purse has signed, got one of another order',
  (got, { payer, payee }) =>
    got.payer === payer && got.payee === payee
      ? undefined
      : 'receipt: expected one of these two purses, got one of others',
  (got, { amount, currency }) =>
    got.amount === amount && got.currency === currency
      ? undefined
      : `receipt: expected one of ${amount} minor units in currency ${currency}, got one of ${got.amount} in ${got.currency}`,
  (got, { nonce }) =>
    equalBytes(got.nonce, nonce) ? undefined : 'receipt: expected the nonce of the ask, got another',
];

/** @param payee whose certificate was verified when the payment was made */
export function checkReceipt(
  { document, signature }: SignedTransferReceipt,
  message: PaymentMessage,
  { signingKey }: Pick<PurseCertificate, 'signingKey'>,
  crypto: Pick<WalletCrypto, 'verify' | 'sha256'>,
): string | undefined {
  if (!crypto.verify(signingKey, TransferReceipt.signedBytes(document), signature)) {
    return "receipt: expected what the payee's purse has signed, got something else";
  }
  const expected = receiptContent(message, crypto);
  for (const rule of RULES) {
    const wrong = rule(document, expected);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}
