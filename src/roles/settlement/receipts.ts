// Signs charge receipts. The signed receipt stays in the charge's state, so that it is the same for ever, whatever becomes
// of the key.
import { ed25519, type SigningKey, sha256 } from '../../crypto/index.ts';
import type { Clock } from '../../ledger/clock.ts';
import { LoadOrder } from '../documents/load-order.ts';
import { ChargeReceipt } from '../documents/receipts.ts';
import { KEY_ID_BYTES } from '../documents/signed.ts';
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
    const { key, keyId } = this.#key();
    const { request, amount, currency } = order.document;
    const document: ChargeReceipt = {
      keyId,
      request,
      orderDigest: sha256(LoadOrder.codec.encode(order.document)),
      amount,
      currency,
      institutionReference,
      chargedAt: this.#clock(),
    };
    return { document, signature: key.sign(ChargeReceipt.signedBytes(document)) };
  };

  /** Wipes the key. */
  close(): void {
    this.#ready?.key.close();
    this.#ready = undefined;
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
