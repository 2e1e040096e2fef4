// Signatures of BIP 340 on secp256k1, as Cashu uses them: on the SHA-256 of a message (NUT-11, NUT-20).
import { schnorr, secp256k1 } from '@noble/curves/secp256k1.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { isPointForm } from './point.ts';
import { type RandomBytes, systemRandomBytes } from './random.ts';

export const SIGNATURE_SIZE = 64;

const utf8 = new TextEncoder();

const digestOf = (message: string | Uint8Array): Uint8Array =>
  sha256(typeof message === 'string' ? utf8.encode(message) : message);

/** @param randomBytes guards against faults and side channels; the signature is secure without (BIP 340) */
export function signMessage(
  message: string | Uint8Array,
  secretKey: Uint8Array,
  randomBytes: RandomBytes = systemRandomBytes,
): Uint8Array {
  return schnorr.sign(digestOf(message), secretKey, randomBytes(32));
}

/** @param publicKey 33 bytes; of both points with its x the signature is the same */
export function isSignatureOf(
  signature: Uint8Array,
  message: string | Uint8Array,
  publicKey: Uint8Array,
): boolean {
  if (signature.length !== SIGNATURE_SIZE || !isPointForm(publicKey)) return false;
  return schnorr.verify(signature, digestOf(message), publicKey.subarray(1));
}

/** 33 bytes. */
export const publicKeyOf = (secretKey: Uint8Array): Uint8Array => secp256k1.getPublicKey(secretKey, true);
