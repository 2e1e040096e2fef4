// What the tests of HPKE share: the twin over @noble, the vectors' shape, keys.
import { gcm } from '@noble/ciphers/aes.js';
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { x25519 } from '@noble/curves/ed25519.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js';
import { CryptoError, type CryptoErrorCode } from '../../src/crypto/errors.ts';
import { type HpkePrimitives, ReferenceHpke } from '../../src/reference/hpke.ts';
import { Random } from '../../src/shared/random.ts';

const HASHES = { sha256, sha384, sha512 };
const CIPHERS = { aes128gcm: gcm, aes256gcm: gcm, chacha20poly1305 };

export const NOBLE: HpkePrimitives = {
  hmac: (hash, key, message) => hmac(HASHES[hash], key, message),
  x25519: (privateKey, publicKey) => x25519.scalarMult(privateKey, publicKey),
  seal: (cipher, key, nonce, aad, plaintext) => CIPHERS[cipher](key, nonce, aad).encrypt(plaintext),
  open: (cipher, key, nonce, aad, ciphertext) => CIPHERS[cipher](key, nonce, aad).decrypt(ciphertext),
};

/** The suite of production: HKDF-SHA256 and ChaCha20-Poly1305. */
export const twin = new ReferenceHpke(NOBLE, { kdfId: 1, aeadId: 3 });

/** One entry of shared/vectors/hpke/rfc9180_x25519.json, bytes in hexadecimal. */
export interface HpkeVector {
  readonly mode: number;
  readonly kem_id: number;
  readonly kdf_id: number;
  readonly aead_id: number;
  readonly info: string;
  readonly ikmR: string;
  readonly ikmE: string;
  readonly ikmS?: string;
  readonly skRm: string;
  readonly pkRm: string;
  readonly skEm: string;
  readonly pkEm: string;
  readonly skSm?: string;
  readonly pkSm?: string;
  readonly psk?: string;
  readonly psk_id?: string;
  readonly enc: string;
  readonly shared_secret: string;
  readonly key_schedule_context: string;
  readonly secret: string;
  readonly key: string;
  readonly base_nonce: string;
  readonly exporter_secret: string;
  readonly encryptions: readonly { aad: string; ct: string; nonce: string; pt: string }[];
  readonly exports: readonly { exporter_context: string; L: number; exported_value: string }[];
}

const MODES = ['base', 'psk', 'auth', 'auth_psk'];
const KDFS: Record<number, string> = { 1: 'HKDF-SHA256', 2: 'HKDF-SHA384', 3: 'HKDF-SHA512' };
const AEADS: Record<number, string> = {
  1: 'AES-128-GCM',
  2: 'AES-256-GCM',
  3: 'ChaCha20-Poly1305',
  65535: 'export-only',
};

export const suiteName = ({ mode, kdf_id, aead_id }: HpkeVector): string =>
  `${MODES[mode]} ${KDFS[kdf_id]} ${AEADS[aead_id]}`;

export const privateKey = (seed: number): Uint8Array<ArrayBuffer> =>
  Uint8Array.from({ length: 32 }, (_, i) => (seed * 151 + i * 89 + ((seed * i) >> 3)) & 0xff);

export const NOTHING = new Uint8Array(0);
export const text = (characters: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(characters));

/** Repeatable bytes. */
export function randomFrom(seed: number): (length: number) => Uint8Array<ArrayBuffer> {
  const random = new Random(BigInt(seed));
  return (length) => Uint8Array.from({ length }, () => random.uint32());
}

/** The code of the CryptoError that `call` throws; undefined when it returns. */
export function codeOf(call: () => unknown): CryptoErrorCode | undefined {
  try {
    call();
  } catch (error) {
    if (error instanceof CryptoError) return error.code;
    throw error;
  }
  return undefined;
}

/** Public keys that make every shared secret zero: of order 1, 2, 4 and 8 on the curve and its twist, also above p. */
export const LOW_ORDER: readonly Uint8Array[] = [
  `00${'00'.repeat(31)}`,
  `01${'00'.repeat(31)}`,
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  `ec${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
  `00${'00'.repeat(30)}80`,
].map((point) => new Uint8Array(Buffer.from(point, 'hex')));
