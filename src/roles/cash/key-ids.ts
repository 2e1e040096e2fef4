// Key ids as the ledger's user_data_64 holds them: as orders carry them.
import { sha256 } from '../../crypto/index.ts';
import { orderKeyId } from '../documents/payment-order.ts';

export { orderKeyId as keyIdNumber };

/** Of a public key. */
export function keyIdNumberOf(publicKey: Uint8Array): bigint {
  return orderKeyId(sha256(publicKey));
}
