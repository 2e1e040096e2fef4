// A payment as the payer makes it: the terms that both sides have agreed on, the order that it signs, and its device number for
// management alone.
//
//     ask ──▶ terms ──▶ reference ──▶ order, signed by the purse ──▶ digest ──▶ {device number}management
import { keyIdOf } from '../../identity/key-set.ts';
import { PaymentOrderLayout } from '../../layout/generated.ts';
import { orderSignedBytes } from '../../roles/documents/payment-order.ts';
import {
  encodeHandover,
  type Funding,
  PayerContent,
  payerSealInfo,
  type SealedPayer,
  TransferBinding,
  type TransferTerms,
  transferReference,
} from '../../roles/documents/transfer.ts';
import type { WalletCrypto } from '../core/ports.ts';
import type { OwnPurse } from './ledger.ts';
import type { PaymentMessage } from './messages.ts';

export interface PaymentPlan {
  readonly request: bigint;
  readonly payee: bigint;
  /** Minor units. */
  readonly amount: bigint;
  /** What both sides agree on, as the payee has asked for it. */
  readonly nonce: Uint8Array;
  readonly memo: string;
  /** Of the payment: number, and the sum of all up to it. */
  readonly sequence: bigint;
  readonly total: bigint;
  readonly funding: Funding;
}

/** @param managementKey what is sealed to management now @throws RangeError for what does not fit its field */
export function signedPayment(
  { request, payee, amount, nonce, memo, sequence, total, funding }: PaymentPlan,
  { device, keys, allowance }: OwnPurse,
  managementKey: Uint8Array,
  crypto: WalletCrypto,
): PaymentMessage {
  const sha256 = (message: Uint8Array): Uint8Array => crypto.sha256(message);
  const { purse: payer, currency, reportBy } = allowance.document;
  const terms: TransferTerms = { request, payer, payee, amount, currency, nonce, memo };
  const order = encodeHandover({
    ...{ request, payer, payee, amount, currency, sequence, total, reportBy },
    reference: transferReference(terms, sha256),
    keyId: keyIdOf(keys.signingKey, sha256),
  });
  const signed = orderSignedBytes(order);
  order.set(crypto.sign(keys.signingSecret, signed), PaymentOrderLayout.signature);
  const content = PayerContent.encode({ device, purse: payer, orderDigest: sha256(signed) });
  const number = sealedPayer(content, { request, payee }, managementKey, crypto);
  content.fill(0);
  return { order, payer: number, nonce, memo, funding };
}

function sealedPayer(
  plaintext: Uint8Array,
  binding: TransferBinding,
  publicKey: Uint8Array,
  crypto: WalletCrypto,
): SealedPayer {
  const keyId = keyIdOf(publicKey, (message) => crypto.sha256(message));
  const aad = TransferBinding.encode(binding);
  return { keyId, ...crypto.seal({ publicKey, info: payerSealInfo(keyId), aad, plaintext }) };
}
