// Makes key sets, and them again from their secret keys.
import { randomBytes } from 'node:crypto';
import { ed25519, x25519 } from '../crypto/index.ts';
import type { KeyPair, KeySet, KeyUse } from './key-set.ts';

/** `size` unpredictable bytes. */
export type RandomBytes = (size: number) => Uint8Array;

export const systemRandomBytes: RandomBytes = randomBytes;

const PUBLIC_KEY: { readonly [Use in KeyUse]: (secretKey: Uint8Array) => Uint8Array } = {
  signing: ed25519.publicKey,
  channel: x25519.publicKey,
  sealing: x25519.publicKey,
};

/** The pair of a secret key, which it keeps. The public key is always computed, never taken from elsewhere. */
export function keyPairOf(use: KeyUse, secretKey: Uint8Array): KeyPair {
  return { publicKey: PUBLIC_KEY[use](secretKey), secretKey };
}

export function generateKeyPair(use: KeyUse, randomBytes: RandomBytes = systemRandomBytes): KeyPair {
  return keyPairOf(use, Uint8Array.from(randomBytes(32)));
}

export function generateKeySet(randomBytes: RandomBytes = systemRandomBytes): KeySet {
  return {
    signing: generateKeyPair('signing', randomBytes),
    channel: generateKeyPair('channel', randomBytes),
    sealing: generateKeyPair('sealing', randomBytes),
  };
}
