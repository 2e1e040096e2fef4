import { ed25519, sha256 } from '../crypto/index.ts';
import type { IdentityCrypto } from './signed.ts';

/** What certificates and the directory are verified with outside browsers. */
export const systemCrypto: IdentityCrypto = {
  verify: (publicKey, message, signature) => ed25519.verify(publicKey, message, signature),
  sha256,
};
