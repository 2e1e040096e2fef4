// HKDF as RFC 5869 writes it.
import type { ReferenceHash } from './hash.ts';
import { hmac } from './hmac.ts';

/** Section 2.2. A salt that is not given is a string of zeroes as long as a digest. */
export function extract(
  hash: ReferenceHash,
  ikm: Uint8Array,
  salt: Uint8Array = new Uint8Array(hash.digestBytes),
): Uint8Array {
  return hmac(hash, salt, ikm);
}

/** Section 2.3: the first `length` bytes of T(1) | T(2) | …, where T(i) = HMAC(PRK, T(i - 1) | info | i). */
export function expand(hash: ReferenceHash, prk: Uint8Array, info: Uint8Array, length: number): Uint8Array {
  if (length > 255 * hash.digestBytes) throw new RangeError('expected at most 255 digests of output');
  const okm: number[] = [];
  let t = new Uint8Array(0);
  for (let i = 1; okm.length < length; i++) {
    t = Uint8Array.from(hmac(hash, prk, Uint8Array.of(...t, ...info, i)));
    okm.push(...t);
  }
  return Uint8Array.from(okm.slice(0, length));
}

export function hkdf(
  hash: ReferenceHash,
  ikm: Uint8Array,
  salt: Uint8Array | undefined,
  info: Uint8Array,
  length: number,
): Uint8Array {
  return expand(hash, extract(hash, ikm, salt), info, length);
}
