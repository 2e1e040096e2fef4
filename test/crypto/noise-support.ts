// What the tests of Noise share: the vector file, and primitives for the twin that are not the kernels'.
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { x25519 } from '@noble/curves/ed25519.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import type { NoisePrimitives } from '../../src/reference/noise.ts';

function primitives(hashName: string, hash: typeof sha256 | typeof sha512): NoisePrimitives {
  return {
    hashName,
    publicKey: (privateKey) => x25519.getPublicKey(privateKey),
    dh: (privateKey, publicKey) => x25519.getSharedSecret(privateKey, publicKey),
    hash: (data) => hash(data),
    hmac: (key, data) => hmac(hash, key, data),
    seal: (key, nonce, plaintext, ad) => chacha20poly1305(key, nonce, ad).encrypt(plaintext),
    open: (key, nonce, ciphertext, ad) => chacha20poly1305(key, nonce, ad).decrypt(ciphertext),
  };
}

export const NOBLE_SHA256 = primitives('SHA256', sha256);
export const NOBLE_SHA512 = primitives('SHA512', sha512);

/** One entry of noise/cacophony.json; everything in hexadecimal. */
export interface NoiseVector {
  readonly protocol_name: string;
  readonly init_prologue: string;
  readonly init_ephemeral: string;
  readonly init_static?: string;
  readonly init_remote_static?: string;
  readonly init_psks?: readonly string[];
  readonly resp_prologue: string;
  readonly resp_ephemeral?: string;
  readonly resp_static?: string;
  readonly resp_remote_static?: string;
  readonly resp_psks?: readonly string[];
  readonly handshake_hash: string;
  readonly messages: readonly { readonly payload: string; readonly ciphertext: string }[];
}

export interface NoiseVectors {
  readonly vectors: readonly NoiseVector[];
}
