import { randomFillSync } from 'node:crypto';
import { CryptoError, expectBytes, expectFunction } from '../errors.ts';
import { x25519 } from '../x25519.ts';
import { KEM_SUITE, labeledExpand, labeledExtract, PRIVATE_KEY_BYTES } from './suite.ts';

export interface HpkeKeyPair {
  readonly privateKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** A source of secure random bytes. */
export type RandomBytes = (length: number) => Uint8Array;

/** A fresh key pair; `randomBytes` stands in for the host's secure generator. */
export function generateKeyPair(randomBytes?: RandomBytes): HpkeKeyPair {
  const privateKey = drawSecret(PRIVATE_KEY_BYTES, randomBytes);
  return { privateKey, publicKey: x25519.publicKey(privateKey) };
}

/** DeriveKeyPair (RFC 9180, 7.1.3): the same pair from the same keying material, of which 32 bytes or more are needed. */
export function deriveKeyPair(ikm: Uint8Array): HpkeKeyPair {
  expectBytes('ikm', ikm);
  if (ikm.length < PRIVATE_KEY_BYTES) {
    throw new CryptoError(
      'invalid_argument',
      `expected ikm of at least ${PRIVATE_KEY_BYTES} bytes, got ${ikm.length}`,
    );
  }
  const prk = labeledExtract(KEM_SUITE, 'dkp_prk', ikm);
  const privateKey = labeledExpand(KEM_SUITE, prk, 'sk', new Uint8Array(0), PRIVATE_KEY_BYTES);
  prk.fill(0);
  return { privateKey, publicKey: x25519.publicKey(privateKey) };
}

/** `length` secret bytes of the caller's own, to be wiped by it. */
export function drawSecret(length: number, randomBytes?: RandomBytes): Uint8Array {
  const secret = new Uint8Array(length);
  if (randomBytes === undefined) return randomFillSync(secret);
  expectFunction('randomBytes', randomBytes);
  const drawn = randomBytes(length);
  expectBytes('random bytes', drawn, length);
  secret.set(drawn);
  return secret;
}
