// specie/crypto: what the engine signs, seals and agrees on keys with. docs/cryptography.md has the choices and the rules.
export { chacha20poly1305, type Opener, type OpenerOptions, type Sealer } from './chacha20poly1305.ts';
export {
  type Ed25519KeyPair,
  type Ed25519Options,
  ed25519,
  type PreparedKey,
  type SignedMessage,
  type SignedRecords,
  type SigningKey,
  type VerifyBatchOptions,
} from './ed25519/index.ts';
export { CryptoError, type CryptoErrorCode } from './errors.ts';
export type { Hash } from './hash.ts';
export type { HashStream } from './hash-stream.ts';
export { type Hkdf, hkdfSha256, hkdfSha512 } from './hkdf.ts';
export { type Hmac, hmacSha256, hmacSha512 } from './hmac.ts';
export {
  type HpkeKeyPair,
  hpke,
  type OpenItem,
  type RecipientContext,
  type Sealed,
  type SealItem,
  type SenderContext,
} from './hpke/index.ts';
export { type KernelChoice, kernelChoice } from './kernel.ts';
export {
  type NoiseHandshake,
  type NoiseOptions,
  type NoisePattern,
  type NoiseTransport,
  noise,
} from './noise/noise.ts';
export {
  type CryptoPool,
  type CryptoPoolOptions,
  type CryptoPoolStats,
  createCryptoPool,
} from './pool/crypto-pool.ts';
export { poolNoteCrypto } from './pool/pool-note-crypto.ts';
export {
  type BatchNoteCrypto,
  type BlindItem,
  type BlindSigned,
  type Dleq,
  type DleqItem,
  type NoteCrypto,
  type NoteDleqItem,
  POINT_SIZE,
  SCALAR_SIZE,
  type SignItem,
  type UnblindItem,
  type VerifyItem,
} from './secp256k1/note-crypto.ts';
export { createNoteCrypto, type NoteCryptoOptions, noteCrypto } from './secp256k1/notes.ts';
export { sha256 } from './sha256.ts';
export { sha512 } from './sha512.ts';
export { type X25519Item, type X25519KeyPair, x25519 } from './x25519.ts';
