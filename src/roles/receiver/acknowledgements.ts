// Signs acknowledgements. The signed one stays in the taking's state, and is the same to the byte as long as signatures of its
// key count; when they do not, whoever asks gets one that says the same, signed by the key in use.
import { ed25519, type SigningKey, sha256 } from '../../crypto/index.ts';
import { KEY_ID_BYTES } from '../documents/signed.ts';
import type { KeyPair } from './interface.ts';
import { Acknowledgement, type SignedAcknowledgement } from './messages.ts';

export class AcknowledgementSigner {
  readonly #current: () => KeyPair;
  #ready: { readonly of: Uint8Array; readonly key: SigningKey; readonly keyId: Uint8Array } | undefined;

  /** @param current what is signed with now */
  constructor(current: () => KeyPair) {
    this.#current = current;
  }

  sign(content: Omit<Acknowledgement, 'keyId'>): SignedAcknowledgement {
    const { key, keyId } = this.#key();
    const document: Acknowledgement = { ...content, keyId };
    return { document, signature: key.sign(Acknowledgement.signedBytes(document)) };
  }

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
