// ChaCha20-Poly1305 as RFC 8439 section 2.8 writes it: the oracle of assembly/cipher/aead.ts.
import { chacha20, chacha20Block } from './chacha20.ts';
import { poly1305 } from './poly1305.ts';

function tagOf(key: Uint8Array, nonce: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  // Section 2.6: the one-time key is the first half of block 0.
  const oneTimeKey = chacha20Block(key, 0, nonce).subarray(0, 32);
  const padded = (length: number): number => Math.ceil(length / 16) * 16;
  const message = new Uint8Array(padded(aad.length) + padded(ciphertext.length) + 16);
  message.set(aad);
  message.set(ciphertext, padded(aad.length));
  const lengths = new DataView(message.buffer, message.length - 16);
  lengths.setBigUint64(0, BigInt(aad.length), true);
  lengths.setBigUint64(8, BigInt(ciphertext.length), true);
  return poly1305(oneTimeKey, message);
}

/** Ciphertext and tag. */
export function seal(
  key: Uint8Array,
  nonce: Uint8Array,
  plaintext: Uint8Array,
  aad: Uint8Array = new Uint8Array(),
): Uint8Array {
  const ciphertext = chacha20(key, 1, nonce, plaintext);
  const sealed = new Uint8Array(ciphertext.length + 16);
  sealed.set(ciphertext);
  sealed.set(tagOf(key, nonce, aad, ciphertext), ciphertext.length);
  return sealed;
}

/** The plaintext; undefined where the tag does not match. */
export function open(
  key: Uint8Array,
  nonce: Uint8Array,
  sealed: Uint8Array,
  aad: Uint8Array = new Uint8Array(),
): Uint8Array | undefined {
  if (sealed.length < 16) return undefined;
  const ciphertext = sealed.subarray(0, sealed.length - 16);
  const tag = tagOf(key, nonce, aad, ciphertext);
  if (tag.some((byte, i) => byte !== sealed[ciphertext.length + i])) return undefined;
  return chacha20(key, 1, nonce, ciphertext);
}
