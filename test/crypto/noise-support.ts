// What the tests of Noise share: the vector file, primitives for the twin that are not the kernels', and pairs of
// handshakes with fixed keys.
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { x25519 } from '@noble/curves/ed25519.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import { expect } from 'vitest';
import { CryptoError, type CryptoErrorCode } from '../../src/crypto/errors.ts';
import {
  type NoiseHandshake,
  type NoiseOptions,
  type NoisePattern,
  noise,
} from '../../src/crypto/noise/noise.ts';
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

export const PATTERN_NAMES: readonly NoisePattern[] = ['IK', 'KK', 'XX', 'NK'];
export const MESSAGE_COUNTS: Readonly<Record<NoisePattern, number>> = { IK: 2, KK: 2, XX: 3, NK: 2 };

/** 32 bytes that are `value`. */
export const key = (value: number): Uint8Array => new Uint8Array(32).fill(value);

/** A `randomBytes` that gives copies of one key. */
export const always = (bytes: Uint8Array) => (): Uint8Array => bytes.slice();

export const INITIATOR_STATIC = key(1);
export const RESPONDER_STATIC = key(2);
export const INITIATOR_EPHEMERAL = key(3);
export const RESPONDER_EPHEMERAL = key(4);
const INITIATOR_PUBLIC = x25519.getPublicKey(INITIATOR_STATIC);
const RESPONDER_PUBLIC = x25519.getPublicKey(RESPONDER_STATIC);

/** Everything that the pattern needs, with fixed keys. */
export function optionsOf(pattern: NoisePattern): { initiator: NoiseOptions; responder: NoiseOptions } {
  const both = { pattern, prologue: Uint8Array.of(7, 7, 7) };
  const initiator = { ...both, randomBytes: always(INITIATOR_EPHEMERAL) };
  const responder = { ...both, randomBytes: always(RESPONDER_EPHEMERAL), staticKey: RESPONDER_STATIC };
  switch (pattern) {
    case 'IK':
      return {
        initiator: { ...initiator, staticKey: INITIATOR_STATIC, remoteStaticKey: RESPONDER_PUBLIC },
        responder,
      };
    case 'KK':
      return {
        initiator: { ...initiator, staticKey: INITIATOR_STATIC, remoteStaticKey: RESPONDER_PUBLIC },
        responder: { ...responder, remoteStaticKey: INITIATOR_PUBLIC },
      };
    case 'XX':
      return { initiator: { ...initiator, staticKey: INITIATOR_STATIC }, responder };
    case 'NK':
      return { initiator: { ...initiator, remoteStaticKey: RESPONDER_PUBLIC }, responder };
  }
}

export class Pair {
  readonly initiator: NoiseHandshake;
  readonly responder: NoiseHandshake;

  constructor(
    pattern: NoisePattern,
    changes: { initiator?: Partial<NoiseOptions>; responder?: Partial<NoiseOptions> } = {},
  ) {
    const { initiator, responder } = optionsOf(pattern);
    this.initiator = noise.initiate({ ...initiator, ...changes.initiator });
    this.responder = noise.respond({ ...responder, ...changes.responder });
  }

  /** Of message `index`. */
  writer(index: number): NoiseHandshake {
    return index % 2 === 0 ? this.initiator : this.responder;
  }

  /** Of message `index`. */
  reader(index: number): NoiseHandshake {
    return index % 2 === 0 ? this.responder : this.initiator;
  }

  /** Lets messages `from` to `to` - 1 pass; each has its number as payload. Returns them. */
  pass(to: number, from = 0): Uint8Array[] {
    const messages: Uint8Array[] = [];
    for (let index = from; index < to; index++) {
      const message = this.writer(index).writeMessage(Uint8Array.of(index));
      expect(this.reader(index).readMessage(message)).toEqual(Uint8Array.of(index));
      messages.push(message);
    }
    return messages;
  }
}

/** Runs `call`, which must throw a CryptoError of one of these codes, with a message in our form. */
export function expectRefusal(call: () => unknown, ...codes: CryptoErrorCode[]): CryptoErrorCode {
  let refusal: unknown;
  try {
    call();
  } catch (error) {
    refusal = error;
  }
  expect(refusal).toBeInstanceOf(CryptoError);
  const { code, message } = refusal as CryptoError;
  expect(codes).toContain(code);
  expect(message).toMatch(/^expected /);
  expect(message, 'no bytes of anything').not.toMatch(/[0-9a-f]{24}|(\d+, ?){8}/i);
  return code;
}

/** A handshake that is over: nothing works any more, and nothing that the peer claimed is told. */
export function expectDead(handshake: NoiseHandshake): void {
  expectRefusal(() => handshake.writeMessage(), 'invalid_state');
  expectRefusal(() => handshake.readMessage(new Uint8Array(96)), 'invalid_state');
  expectRefusal(() => handshake.transport(), 'invalid_state');
  expectRefusal(() => handshake.handshakeHash, 'invalid_state');
  expect(handshake.finished).toBe(false);
  expect(handshake.remoteStaticKey).toBeUndefined();
}
