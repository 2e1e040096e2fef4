// Key ids as the ledger's user_data_64 holds them: the record's 8 bytes are the key id's 8 bytes.
import { sha256 } from '../../crypto/index.ts';

export function keyIdNumber(keyId: Uint8Array): bigint {
  return new DataView(keyId.buffer, keyId.byteOffset, keyId.byteLength).getBigUint64(0, true);
}

/** Of a public key. */
export function keyIdNumberOf(publicKey: Uint8Array): bigint {
  return keyIdNumber(sha256(publicKey));
}
