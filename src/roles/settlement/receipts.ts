// Signs charge receipts and payout receipts. The signed receipt stays in the charge's state, and is the same as long as signatures of its key
// count. When they do not (the key was compromised, or its time is over), whoever asks gets one that says the same, signed
// by the key in use. Nothing of that is stored: the stored receipt and the key make the same bytes each time. Cash credits
// an order once, whatever receipt comes with it.
import { ed25519, type SigningKey, sha256 } from '../../crypto/index.ts';
import type { Clock } from '../../ledger/clock.ts';
import { LoadOrder } from '../documents/load-order.ts';
import { PayoutReceipt, type SignedPayoutReceipt } from '../documents/payout.ts';
import { ChargeReceipt, type SignedChargeReceipt } from '../documents/receipts.ts';
import { type DocumentKind, KEY_ID_BYTES, type Signed } from '../documents/signed.ts';
import type { SignReceipt } from './institution-calls.ts';
import type { KeyPair } from './interface.ts';

export class ReceiptSigner {
  readonly #current: () => KeyPair;
  readonly #clock: Clock;
  #ready: { readonly of: Uint8Array; readonly key: SigningKey; readonly keyId: Uint8Array } | undefined;

  /** @param current what receipts are signed with now */
  constructor(current: () => KeyPair, clock: Clock) {
    this.#current = current;
    this.#clock = clock;
  }

  readonly sign: SignReceipt = ({ order }, institutionReference) => {
    const { request, amount, currency } = order.document;
    return this.#signed(ChargeReceipt, {
      request,
      orderDigest: sha256(LoadOrder.codec.encode(order.document)),
      amount,
      currency,
      institutionReference,
      chargedAt: this.#clock(),
    });
  };

  /** The same receipt by the key in use. */
  signAnew({ document }: SignedChargeReceipt): SignedChargeReceipt {
    return this.#signed(ChargeReceipt, document);
  }

  /** What became of a payout. Its stored receipt too, when signatures of its key do not count any more. */
  signPayout(content: Omit<PayoutReceipt, 'keyId'>): SignedPayoutReceipt {
    return this.#signed(PayoutReceipt, content);
  }

  /** Wipes the key. */
  close(): void {
    this.#ready?.key.close();
    this.#ready = undefined;
  }

  #signed<Document extends { readonly keyId: Uint8Array }>(
    kind: DocumentKind<Document>,
    content: Omit<Document, 'keyId'>,
  ): Signed<Document> {
    const { key, keyId } = this.#key();
    const document = { ...content, keyId } as Document;
    return { document, signature: key.sign(kind.signedBytes(document)) };
  }

  #key() {
    const of = this.#current();
    if (this.#ready === undefined || Buffer.compare(this.#ready.of, of.publicKey) !== 0) {
      this.close();
      const key = ed25519.signingKey(of.secretKey);
      this.#ready = { of: of.publicKey, key, keyId: sha256(key.publicKey).slice(0, KEY_ID_BYTES) };
    }
    return this.#ready!;
  }
}
