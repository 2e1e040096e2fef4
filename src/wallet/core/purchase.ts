// A purchase as it leaves the wallet: the terms for the shop, and two sealed parts that the shop forwards unread.
//
//     terms ──▶ reference ──▶ payment order, signed ──▶ {payment order}cash ─╮
//       ╰──────────────────▶ device number, amount … ─▶ {number}management ──┼──▶ message to the shop
//       ╰────────────────────────────────────────────────────────────────────╯
import { keyIdOf } from '../../identity/key-set.ts';
import type { ShopCertificate } from '../../identity/shop-certificate.ts';
import { TransferFlags } from '../../layout/generated.ts';
import { encodePaymentOrder, orderKeyId, orderSignedBytes } from '../../roles/documents/payment-order.ts';
import {
  ARTICLES_MAX,
  type ArticleLine,
  NumberContent,
  numberSealInfo,
  PurchaseBinding,
  type PurchaseKind,
  type PurchaseTerms,
  paymentSealInfo,
  purchaseReference,
  SALT_BYTES,
  type SealedNumber,
  type SealedPayment,
} from '../../roles/documents/purchase.ts';
import { BuyRequest } from '../../roles/shop/messages.ts';
import { AMOUNT_MAX, type Amount, amountOf } from '../../shared/amount.ts';
import type { PaymentExpectation } from './check-payment.ts';
import { WalletError } from './errors.ts';
import type { WalletCrypto } from './ports.ts';
import type { PurchaseRecord } from './records.ts';
import type { Keys } from './secrets.ts';

/** Codes of the transfers (docs/chart-of-accounts.md). */
export const PURCHASE_CODES: { readonly [kind in PurchaseKind]: number } = { sale: 20, authorisation: 21 };

/** What is bought, before any of it is signed. */
export interface Wish {
  readonly request: bigint;
  readonly shop: ShopCertificate;
  readonly kind: PurchaseKind;
  readonly timeoutSeconds: number;
  readonly amount: Amount;
  readonly currency: number;
  /** Nanoseconds. */
  readonly expiresAt: bigint;
  readonly articles: readonly ArticleLine[];
  /** Of a till's offer. */
  readonly offer: string | undefined;
}

export interface Sealing {
  readonly device: bigint;
  readonly keys: Keys;
  readonly managementKey: Uint8Array;
  readonly cashKey: Uint8Array;
  readonly crypto: WalletCrypto;
}

export interface SignedPurchase {
  /** BuyRequest. */
  readonly message: Uint8Array;
  readonly order: Uint8Array;
  readonly orderDigest: Uint8Array;
}

/** @throws WalletError invalid_argument */
export function sumOfLines(articles: readonly ArticleLine[]): Amount {
  if (articles.length === 0 || articles.length > ARTICLES_MAX) {
    throw new WalletError(
      'invalid_argument',
      `purchase: expected 1 to ${ARTICLES_MAX} articles, got ${articles.length}`,
    );
  }
  let sum = 0n;
  for (const { article, quantity, price } of articles) {
    if (!Number.isInteger(quantity) || quantity < 1 || quantity > 0xffff_ffff) {
      throw new WalletError(
        'invalid_argument',
        `article ${article}: expected a quantity of 1 or more, got ${quantity}`,
      );
    }
    sum += amountOf(price) * BigInt(quantity);
  }
  if (sum > AMOUNT_MAX) {
    throw new WalletError('invalid_argument', `purchase: expected a sum up to 2^128-1, got ${sum}`);
  }
  return amountOf(sum);
}

/** @throws WalletError invalid_argument: a value does not fit its field */
export function signedPurchase(wish: Wish, sequence: bigint, sealing: Sealing): SignedPurchase {
  const { request, shop, kind, timeoutSeconds, amount, currency, expiresAt, articles, offer } = wish;
  const { device, keys, crypto } = sealing;
  const sha256 = (bytes: Uint8Array): Uint8Array => crypto.sha256(bytes);
  try {
    const salt = crypto.randomBytes(SALT_BYTES);
    const terms: PurchaseTerms = {
      ...{ request, shop: shop.shop, kind, timeoutSeconds, amount, currency, expiresAt, salt, articles },
    };
    const reference = purchaseReference(terms, sha256);
    const unsigned = {
      id: request,
      debitAccountId: device,
      creditAccountId: shop.shop,
      amount,
      timeout: timeoutSeconds,
      ledger: currency,
      code: PURCHASE_CODES[kind],
      flags: kind === 'authorisation' ? TransferFlags.pending : 0,
      reference,
      sequence,
      expiresAt,
      keyId: orderKeyId(keyIdOf(keys.signingKey, sha256)),
    };
    const signed = orderSignedBytes(encodePaymentOrder(unsigned));
    const order = encodePaymentOrder({ ...unsigned, signature: crypto.sign(keys.signingSecret, signed) });
    const aad = PurchaseBinding.encode({ request, shop: shop.shop });
    const content = NumberContent.encode({ device, amount, currency, expiresAt, reference, kind });
    const number = sealed(content, numberSealInfo, sealing.managementKey, aad, crypto);
    const payment = sealed(order, paymentSealInfo, sealing.cashKey, aad, crypto);
    content.fill(0);
    return {
      message: BuyRequest.encode({ terms, number, payment, offer }),
      order,
      orderDigest: crypto.sha256(signed),
    };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new WalletError('invalid_argument', `purchase: ${error.message}`, { cause: error });
  }
}

function sealed(
  plaintext: Uint8Array,
  infoOf: (keyId: Uint8Array) => Uint8Array,
  publicKey: Uint8Array,
  aad: Uint8Array,
  crypto: WalletCrypto,
): SealedNumber & SealedPayment {
  const keyId = keyIdOf(publicKey, (message) => crypto.sha256(message));
  return { keyId, ...crypto.seal({ publicKey, info: infoOf(keyId), aad, plaintext }) };
}

/** What cash's word on it has to say. */
export function expectationOf(
  message: Uint8Array,
  { orderDigest }: Pick<PurchaseRecord, 'orderDigest'>,
  { sha256 }: Pick<WalletCrypto, 'sha256'>,
): PaymentExpectation {
  const { terms } = BuyRequest.decode(message);
  const { request, kind, shop, amount, currency } = terms;
  return { request, kind, orderDigest, shop, amount, currency, reference: purchaseReference(terms, sha256) };
}
