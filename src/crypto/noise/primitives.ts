// The functions of section 4 as `25519_ChaChaPoly_SHA256` fixes them (section 12), on the kernels.
import { chacha20poly1305 } from '../chacha20poly1305.ts';
import { CryptoError } from '../errors.ts';
import { hkdfSha256 } from '../hkdf.ts';
import { sha256 } from '../sha256.ts';
import { type X25519Item, x25519 } from '../x25519.ts';

/** What the protocol's name ends with (section 8). */
export const SUITE = '25519_ChaChaPoly_SHA256';

const EMPTY = new Uint8Array(0);

export const publicKey = (privateKey: Uint8Array): Uint8Array => x25519.publicKey(privateKey);

/** DH of each pair. Throws invalid_public_key where one is all zero: section 12.1 leaves that open, here it is refused. */
export function dh(pairs: readonly X25519Item[]): Uint8Array[] {
  if (pairs.length === 1) return [x25519.sharedSecret(pairs[0]!.privateKey, pairs[0]!.publicKey)];
  const secrets: Uint8Array[] = [];
  let refused: CryptoError | undefined;
  for (const secret of x25519.sharedSecretBatch(pairs)) {
    if (secret instanceof CryptoError) refused ??= secret;
    else secrets.push(secret);
  }
  if (refused === undefined) return secrets;
  for (const secret of secrets) secret.fill(0);
  throw refused;
}

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

export const { open, seal } = chacha20poly1305;
