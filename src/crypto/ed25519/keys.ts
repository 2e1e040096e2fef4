// Key pairs, and keys made ready for signing. A public key is always computed from the secret key, never taken from the
// caller: see assembly/curve/ed25519-sign.ts.
import { randomBytes as secureRandomBytes } from 'node:crypto';
import { CryptoError, expectBytes, expectFunction } from '../errors.ts';
import type { Ed25519Options } from './domain.ts';
import { KEY_BYTES, keyOf, PUBLIC_KEY_BYTES, SECRET_KEY_BYTES, signWithKey } from './sign.ts';

export interface Ed25519KeyPair {
  readonly secretKey: Uint8Array<ArrayBuffer>;
  readonly publicKey: Uint8Array<ArrayBuffer>;
}

const publicPart = (key: Uint8Array): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(key.subarray(KEY_BYTES - PUBLIC_KEY_BYTES));

/** The public key of a 32-byte secret key: RFC 8032 section 5.1.5. */
export function publicKey(secretKey: Uint8Array): Uint8Array<ArrayBuffer> {
  const key = keyOf(secretKey);
  const result = publicPart(key);
  key.fill(0);
  return result;
}

/** A new key pair. `randomBytes` must be a generator fit for secrets. */
export function generateKeyPair(
  randomBytes: (length: number) => Uint8Array = secureRandomBytes,
): Ed25519KeyPair {
  expectFunction('randomBytes', randomBytes);
  const random = randomBytes(SECRET_KEY_BYTES);
  expectBytes('result of randomBytes', random, SECRET_KEY_BYTES);
  const secretKey = Uint8Array.from(random);
  return { secretKey, publicKey: publicKey(secretKey) };
}

/** A secret key made ready: signing with it takes a little more than half of what `sign` takes. */
export class SigningKey {
  readonly #key: Uint8Array;
  readonly #publicKey: Uint8Array;
  #open = true;

  constructor(secretKey: Uint8Array) {
    this.#key = keyOf(secretKey);
    this.#publicKey = publicPart(this.#key);
  }

  /** A copy of the public key; also after `close`. */
  get publicKey(): Uint8Array<ArrayBuffer> {
    return Uint8Array.from(this.#publicKey);
  }

  sign(message: Uint8Array, options?: Ed25519Options): Uint8Array<ArrayBuffer> {
    if (!this.#open) throw new CryptoError('invalid_state', 'expected a signing key that is not closed');
    return signWithKey(this.#key, message, options);
  }

  /** Wipes the key. */
  close(): void {
    this.#open = false;
    this.#key.fill(0);
  }
}

export function signingKey(secretKey: Uint8Array): SigningKey {
  return new SigningKey(secretKey);
}
