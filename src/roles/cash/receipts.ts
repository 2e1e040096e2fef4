// Credit receipts. Nothing keeps them: all that one says is in the ledger's transfer, and Ed25519 is deterministic, so it
// is made anew, the same to the byte, whenever it is asked for.
import { ed25519, type SigningKey, sha256 } from '../../crypto/index.ts';
import { CreditReceipt, type SignedCreditReceipt } from '../documents/receipts.ts';
import { KEY_ID_BYTES } from '../documents/signed.ts';

/** A signing key of cash and when it is in use; nanoseconds, both ends inclusive. */
export interface SigningKeyTerm {
  readonly secretKey: Uint8Array;
  readonly notBefore: bigint;
  readonly notAfter: bigint;
}

interface Signer {
  readonly key: SigningKey;
  readonly keyId: Uint8Array;
  readonly notBefore: bigint;
  readonly notAfter: bigint;
}

export type Credited = Omit<CreditReceipt, 'keyId'>;

export class CreditReceipts {
  readonly #signers: readonly Signer[];

  /**
   * @param keys in the order of their times, at least one. A receipt is signed by the newest that was in use when the ledger
   * wrote the transfer, so that a rotated key leaves old receipts as they were as long as it is here; by the newest of
   * all where none was.
   */
  constructor(keys: readonly SigningKeyTerm[]) {
    if (keys.length === 0) throw new RangeError('signing keys of cash: expected at least one, got none');
    this.#signers = keys.map(({ secretKey, notBefore, notAfter }) => {
      const key = ed25519.signingKey(secretKey);
      return { key, keyId: sha256(key.publicKey).subarray(0, KEY_ID_BYTES), notBefore, notAfter };
    });
  }

  sign(credited: Credited): SignedCreditReceipt {
    const { timestamp } = credited;
    const signer =
      this.#signers.findLast(({ notBefore, notAfter }) => notBefore <= timestamp && timestamp <= notAfter) ??
      this.#signers.at(-1)!;
    const document = { keyId: signer.keyId, ...credited };
    return { document, signature: signer.key.sign(CreditReceipt.signedBytes(document)) };
  }

  /** Wipes the keys. */
  close(): void {
    for (const { key } of this.#signers) key.close();
  }
}
