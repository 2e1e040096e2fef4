// The keys that charge receipts are signed with, ready for verification.
import { CryptoError, ed25519, type PreparedKey } from '../../crypto/index.ts';
import type { CashIdentity } from './interface.ts';
import { keyIdNumber } from './key-ids.ts';

export class SettlementKeys {
  readonly #identity: Pick<CashIdentity, 'settlementKey'>;
  /** By key id: only of keys that the directory has listed, so there are never many. */
  readonly #prepared = new Map<bigint, { readonly publicKey: Uint8Array; readonly key: PreparedKey }>();

  constructor(identity: Pick<CashIdentity, 'settlementKey'>) {
    this.#identity = identity;
  }

  /** The key of that id, as long as settlement's signatures under it count. */
  find(keyId: Uint8Array): PreparedKey | undefined {
    const publicKey = this.#identity.settlementKey(keyId);
    if (publicKey === undefined) return undefined;
    const id = keyIdNumber(keyId);
    const known = this.#prepared.get(id);
    if (known !== undefined && Buffer.compare(known.publicKey, publicKey) === 0) return known.key;
    try {
      const key = ed25519.prepare(publicKey);
      this.#prepared.set(id, { publicKey, key });
      return key;
    } catch (error) {
      // No signature is good under such a key.
      if (error instanceof CryptoError && error.code === 'invalid_public_key') return undefined;
      throw error;
    }
  }
}
