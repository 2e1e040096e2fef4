// What must hold of a credit receipt before its amount is added. One function a rule, in this order; each returns what is
// wrong, or undefined. Nothing that management says by itself is believed.

import { equalBytes } from '../../identity/binary-text.ts';
import { CreditReceipt, type SignedCreditReceipt } from '../../roles/documents/receipts.ts';
import type { WalletCrypto } from './ports.ts';
import { idText } from './records.ts';

export interface ReceiptExpectation {
  readonly request: bigint;
  readonly device: bigint;
  /** Minor units. */
  readonly amount: bigint;
  readonly currency: number;
  /** Cash's signing key with the id that the receipt names. */
  readonly cashKey: Uint8Array;
}

type Rule = (
  receipt: SignedCreditReceipt,
  expected: ReceiptExpectation,
  crypto: WalletCrypto,
) => string | undefined;

const checkSignature: Rule = ({ document, signature }, { cashKey }, { verify }) =>
  verify(cashKey, CreditReceipt.signedBytes(document), signature)
    ? undefined
    : 'receipt: expected what cash has signed, got something else';

const checkRequest: Rule = ({ document }, { request }) =>
  document.request === request
    ? undefined
    : `receipt: expected one of request ${idText(request)}, got one of request ${idText(document.request)}`;

const checkDevice: Rule = ({ document }, { device }) =>
  document.device === device
    ? undefined
    : `receipt: expected one of device ${idText(device)}, got one of device ${idText(document.device)}`;

const checkAmount: Rule = ({ document }, { amount }) =>
  document.amount === amount
    ? undefined
    : `receipt: expected one of ${amount} minor units, got one of ${document.amount}`;

const checkCurrency: Rule = ({ document }, { currency }) =>
  document.currency === currency
    ? undefined
    : `receipt: expected one in currency ${currency}, got one in ${document.currency}`;

const RULES: readonly Rule[] = [checkSignature, checkRequest, checkDevice, checkAmount, checkCurrency];

export function checkReceipt(
  receipt: SignedCreditReceipt,
  expected: ReceiptExpectation,
  crypto: WalletCrypto,
): string | undefined {
  for (const rule of RULES) {
    const wrong = rule(receipt, expected, crypto);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

/** Of a certificate that management's signature stands under. */
export function checkCertificate(
  certificate: { readonly device: bigint; readonly signingKey: Uint8Array; readonly channelKey: Uint8Array },
  expected: { readonly device: bigint; readonly signingKey: Uint8Array; readonly channelKey: Uint8Array },
): string | undefined {
  if (certificate.device !== expected.device || expected.device === 0n) {
    return `certificate: expected one of device ${idText(expected.device)}, got one of device ${idText(certificate.device)}`;
  }
  if (!equalBytes(certificate.signingKey, expected.signingKey)) {
    return "certificate: expected this wallet's signing key, got another";
  }
  if (!equalBytes(certificate.channelKey, expected.channelKey)) {
    return "certificate: expected this wallet's channel key, got another";
  }
  return undefined;
}
