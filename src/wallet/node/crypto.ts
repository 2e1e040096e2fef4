import { randomBytes } from 'node:crypto';
import { ed25519, hpke, noise, sha256, x25519 } from '../../crypto/index.ts';
import type { WalletCrypto } from '../core/ports.ts';

/** The engine's own cryptography, for wallets. */
export const nodeCrypto: WalletCrypto = {
  randomBytes: (size) => Uint8Array.from(randomBytes(size)),
  sha256,
  signingPublicKey: ed25519.publicKey,
  channelPublicKey: x25519.publicKey,
  sign: (secretKey, message) => ed25519.sign(secretKey, message),
  verify: (publicKey, message, signature) => ed25519.verify(publicKey, message, signature),
  seal({ publicKey, info, aad, plaintext }) {
    const { enc, ciphertext } = hpke.seal({ recipientPublicKey: publicKey, info, aad, plaintext });
    return { encapsulatedKey: enc, ciphertext };
  },
  handshake({ role, ...keys }) {
    return role === 'initiator'
      ? noise.initiate({ pattern: 'XX', ...keys })
      : noise.respond({ pattern: 'XX', ...keys });
  },
};
