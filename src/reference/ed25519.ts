// Ed25519, Ed25519ctx and Ed25519ph in bigints: RFC 8032 section 5.1.
import { add, B, decode, encode, equal, isSmallOrder, L, multiply, NEUTRAL, negate } from './edwards.ts';
import { fromLittleEndian, toLittleEndian } from './field.ts';
import { sha512 } from './sha512.ts';

export interface Variant {
  /** Up to 255 bytes; with it the variant is Ed25519ctx. */
  readonly context?: Uint8Array | undefined;
  /** Ed25519ph: what is signed is the SHA-512 of the message. */
  readonly prehash?: boolean | undefined;
}

function join(...pieces: Uint8Array[]): Uint8Array {
  return new Uint8Array(pieces.flatMap((piece) => [...piece]));
}

/** Section 2: nothing for Ed25519 itself. */
function dom2({ context, prehash = false }: Variant): Uint8Array {
  if (context === undefined && !prehash) return new Uint8Array();
  const text = new TextEncoder().encode('SigEd25519 no Ed25519 collisions');
  return join(text, Uint8Array.of(prehash ? 1 : 0, context?.length ?? 0), context ?? new Uint8Array());
}

/** The hash of all the pieces, as a number modulo L. */
export function hashToScalar(...pieces: Uint8Array[]): bigint {
  return fromLittleEndian(sha512.digest(join(...pieces))) % L;
}

/** Section 5.1.5: the secret scalar, from 2^254 to 2^255 - 8, and the prefix. */
export function expand(secretKey: Uint8Array): { scalar: bigint; prefix: Uint8Array } {
  const hash = sha512.digest(secretKey);
  const low = fromLittleEndian(hash.slice(0, 32));
  const scalar = (low & ((1n << 254n) - 8n)) | (1n << 254n);
  return { scalar, prefix: hash.slice(32) };
}

/** Section 5.1.5. */
export function publicKey(secretKey: Uint8Array): Uint8Array<ArrayBuffer> {
  return encode(multiply(B, expand(secretKey).scalar));
}

/** Section 5.1.6. */
export function sign(
  secretKey: Uint8Array,
  message: Uint8Array,
  variant: Variant = {},
): Uint8Array<ArrayBuffer> {
  const { scalar, prefix } = expand(secretKey);
  const domain = dom2(variant);
  const signed = variant.prehash ? sha512.digest(message) : message;
  const A = encode(multiply(B, scalar));
  const r = hashToScalar(domain, prefix, signed);
  const R = encode(multiply(B, r));
  const k = hashToScalar(domain, R, A, signed);
  const signature = new Uint8Array(64);
  signature.set(R);
  signature.set(toLittleEndian((r + k * scalar) % L), 32);
  return signature;
}

/**
 * Section 5.1.7 with the cofactored equation, and strict about encodings: S below L, A and R the canonical encodings of
 * points, A not of small order.
 */
export function verify(
  signature: Uint8Array,
  message: Uint8Array,
  publicKey: Uint8Array,
  variant: Variant = {},
): boolean {
  const S = fromLittleEndian(signature.slice(32));
  if (S >= L) return false;
  const R = decode(signature.slice(0, 32));
  const A = decode(publicKey);
  if (R === undefined || A === undefined || isSmallOrder(A)) return false;
  const signed = variant.prehash ? sha512.digest(message) : message;
  const k = hashToScalar(dom2(variant), signature.slice(0, 32), publicKey, signed);
  const difference = add(multiply(B, S), negate(add(R, multiply(A, k))));
  return equal(multiply(difference, 8n), NEUTRAL);
}
