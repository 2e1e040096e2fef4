// Cash's signing keys, made ready. Nothing keeps what is signed: all that a receipt says is in the ledger's transfer, all
// that a rejection says is in the order and the registry, and Ed25519 is deterministic, so each is made anew, the same to the
// byte, whenever it is asked for.
import { ed25519, type SigningKey, sha256 } from '../../crypto/index.ts';
import { type DocumentKind, KEY_ID_BYTES, type Signed } from '../documents/signed.ts';
import type { CashIdentity } from './interface.ts';

interface Signer {
  readonly publicKey: Uint8Array;
  readonly keyId: Uint8Array;
  readonly key: SigningKey;
}

/** Keys ready for signing: the current one and those of the last rotations. Beyond: the one made ready first goes. */
const SIGNERS_MAX = 4;

export class Signers {
  readonly #identity: Pick<CashIdentity, 'receiptKey'>;
  readonly #signers: Signer[] = [];

  constructor(identity: Pick<CashIdentity, 'receiptKey'>) {
    this.#identity = identity;
  }

  /**
   * Signs with the key that was in use at `timestamp`: of the ledger, nanoseconds.
   * @param content the document without the key's id
   */
  sign<Document extends { readonly keyId: Uint8Array }>(
    kind: DocumentKind<Document>,
    content: Omit<Document, 'keyId'>,
    timestamp: bigint,
  ): Signed<Document> {
    const { keyId, key } = this.#signer(timestamp);
    const document = { keyId, ...content } as Document;
    return { document, signature: key.sign(kind.signedBytes(document)) };
  }

  /** Wipes the keys. */
  close(): void {
    for (const { key } of this.#signers.splice(0)) key.close();
  }

  #signer(timestamp: bigint): Signer {
    const { publicKey, secretKey } = this.#identity.receiptKey(timestamp);
    const ready = this.#signers.find((signer) => Buffer.compare(signer.publicKey, publicKey) === 0);
    if (ready !== undefined) return ready;
    const key = ed25519.signingKey(secretKey);
    const signer = { publicKey, key, keyId: sha256(publicKey).subarray(0, KEY_ID_BYTES) };
    this.#signers.push(signer);
    if (this.#signers.length > SIGNERS_MAX) this.#signers.shift()!.key.close();
    return signer;
  }
}
