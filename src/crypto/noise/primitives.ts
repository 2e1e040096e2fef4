// The functions of section 4 as `25519_ChaChaPoly_SHA256` fixes them (section 12), on the kernels.
import { chacha20poly1305 } from '../chacha20poly1305.ts';
import { hkdfSha256 } from '../hkdf.ts';
import { sha256 } from '../sha256.ts';
import { x25519 } from '../x25519.ts';

/** What the protocol's name ends with (section 8). */
export const SUITE = '25519_ChaChaPoly_SHA256';

const EMPTY = new Uint8Array(0);

export const publicKey = (privateKey: Uint8Array): Uint8Array => x25519.publicKey(privateKey);

/** Throws invalid_public_key where the secret is all zero: section 12.1 leaves that open, and here it is refused. */
export const dh = (privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array =>
  x25519.sharedSecret(privateKey, publicKey);

/** HASH(first || second). */
export function hash(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return sha256(both);
}

/** HKDF with two outputs, one after the other: section 4.3 is RFC 5869 with an empty info. */
export const hkdf = (chainingKey: Uint8Array, input: Uint8Array): Uint8Array =>
  hkdfSha256(input, chainingKey, EMPTY, 64);

export const seal = (
  key: Uint8Array,
  nonce: Uint8Array,
  plaintext: Uint8Array,
  aad: Uint8Array,
): Uint8Array => chacha20poly1305.seal(key, nonce, plaintext, aad);

/** Throws authentication_failed. */
export const open = (
  key: Uint8Array,
  nonce: Uint8Array,
  ciphertext: Uint8Array,
  aad: Uint8Array,
): Uint8Array => chacha20poly1305.open(key, nonce, ciphertext, aad);
