// X25519, RFC 7748: public keys and shared secrets. Computed two at a time, so what can be asked for together should be.
import { randomBytes as systemRandomBytes } from 'node:crypto';
import { IO_BYTES } from '../kernel/crypto-kernel.ts';
import { CryptoError, expectBytes, expectFunction, expectItems } from './errors.ts';
import { kernel } from './kernel.ts';

const KEY_BYTES = 32;
/** assembly/curve/x25519-item.ts: addresses of private key, public key and result, and whether that is all zero. */
const ITEM_BYTES = 16;
const ITEM_WORDS = ITEM_BYTES / Uint32Array.BYTES_PER_ELEMENT;
/** Items that one call of the kernel takes: each with its keys, and the result in place of the private key. */
const ITEMS_MAX = Math.floor(IO_BYTES / (ITEM_BYTES + 2 * KEY_BYTES));

export interface X25519KeyPair {
  readonly privateKey: Uint8Array<ArrayBuffer>;
  readonly publicKey: Uint8Array<ArrayBuffer>;
}

export interface X25519Item {
  readonly privateKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

/** RFC 7748 section 6.1: an all-zero secret would be the same for every private key. */
export function smallOrder(): CryptoError {
  return new CryptoError(
    'invalid_public_key',
    'expected a public key that gives a secret, got a point of small order',
  );
}

function publicKey(privateKey: Uint8Array): Uint8Array<ArrayBuffer> {
  expectBytes('privateKey', privateKey, KEY_BYTES);
  const { bytes, exports, io } = kernel();
  try {
    bytes.set(privateKey, io);
    exports.x25519PublicKey(io, io);
    return bytes.slice(io, io + KEY_BYTES);
  } finally {
    bytes.fill(0, io, io + KEY_BYTES);
  }
}

function sharedSecret(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array<ArrayBuffer> {
  expectBytes('privateKey', privateKey, KEY_BYTES);
  expectBytes('publicKey', publicKey, KEY_BYTES);
  const { bytes, exports, io } = kernel();
  try {
    bytes.set(privateKey, io);
    bytes.set(publicKey, io + KEY_BYTES);
    if (exports.x25519(io, io, io + KEY_BYTES)) throw smallOrder();
    return bytes.slice(io, io + KEY_BYTES);
  } finally {
    bytes.fill(0, io, io + 2 * KEY_BYTES);
  }
}

/**
 * The secrets of many pairs of keys, in their order. A public key that gives none does not spoil the others: in its place
 * stands the error that `sharedSecret` throws. Of keys of a wrong type or length, nothing is computed and it throws.
 */
function sharedSecretBatch(items: readonly X25519Item[]): (Uint8Array<ArrayBuffer> | CryptoError)[] {
  expectItems('items', items);
  items.forEach(({ privateKey, publicKey }, i) => {
    expectBytes(`items[${i}].privateKey`, privateKey, KEY_BYTES);
    expectBytes(`items[${i}].publicKey`, publicKey, KEY_BYTES);
  });
  const secrets: (Uint8Array<ArrayBuffer> | CryptoError)[] = [];
  for (let from = 0; from < items.length; from += ITEMS_MAX) {
    compute(items.slice(from, from + ITEMS_MAX), secrets);
  }
  return secrets;
}

/** In io: the records, then each item's private key (afterwards its secret) and public key. */
function compute(items: readonly X25519Item[], secrets: (Uint8Array<ArrayBuffer> | CryptoError)[]): void {
  const { bytes, exports, io } = kernel();
  const keys = io + ITEM_BYTES * items.length;
  const at = (i: number): number => keys + 2 * KEY_BYTES * i;
  try {
    const records = new Uint32Array(bytes.buffer, io, ITEM_WORDS * items.length);
    items.forEach(({ privateKey, publicKey }, i) => {
      bytes.set(privateKey, at(i));
      bytes.set(publicKey, at(i) + KEY_BYTES);
      records.set([at(i), at(i) + KEY_BYTES, at(i)], ITEM_WORDS * i);
    });
    exports.x25519Batch(io, items.length);
    items.forEach((_, i) => {
      const zero = records[ITEM_WORDS * i + ITEM_WORDS - 1];
      secrets.push(zero ? smallOrder() : bytes.slice(at(i), at(i) + KEY_BYTES));
    });
  } finally {
    bytes.fill(0, io, at(items.length));
  }
}

/** A new pair of keys. `randomBytes` may be given to repeat a run; it must be unpredictable everywhere else. */
function generateKeyPair(randomBytes: (bytes: number) => Uint8Array = systemRandomBytes): X25519KeyPair {
  expectFunction('randomBytes', randomBytes);
  const random = randomBytes(KEY_BYTES);
  expectBytes('result of randomBytes', random, KEY_BYTES);
  const privateKey = Uint8Array.from(random);
  return { privateKey, publicKey: publicKey(privateKey) };
}

export const x25519 = { publicKey, sharedSecret, sharedSecretBatch, generateKeyPair };
