/** Why a cryptographic call was refused. */
export type CryptoErrorCode =
  /** A value has another length than the primitive takes, or stands outside its range. */
  | 'invalid_argument'
  /** A public key is not a point of the curve, not canonical, or of small order; or the shared secret is all zero. */
  | 'invalid_public_key'
  /** A tag does not match: the ciphertext, its associated data, its key or its nonce is not what was sealed. */
  | 'authentication_failed'
  /** A counter has reached its end; the key must not be used any further. */
  | 'message_limit_reached'
  /** The call does not fit the state: a message out of turn, a finished stream. */
  | 'invalid_state'
  /** The pool is closing, or a batch failed more often than it is retried. */
  | 'unavailable';

/** A refused call. The message says what was expected and what came, and never holds a key, a plaintext or a secret. */
export class CryptoError extends Error {
  override readonly name = 'CryptoError';
  readonly code: CryptoErrorCode;

  constructor(code: CryptoErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Throws invalid_argument unless `value` is a Uint8Array of `length` bytes; `name` is what to call it. */
export function expectBytes(name: string, value: Uint8Array, length?: number): void {
  if (!(value instanceof Uint8Array)) {
    throw new CryptoError('invalid_argument', `expected ${name} as Uint8Array, got ${typeof value}`);
  }
  if (length !== undefined && value.length !== length) {
    throw new CryptoError('invalid_argument', `expected ${name} of ${length} bytes, got ${value.length}`);
  }
  if (value.length === 0) expectReadable(name, value);
}

/**
 * Throws invalid_argument where the buffer of `value` was transferred, or shrank away from under it: that is no empty message.
 * Its length is no safe sign, because optimised code of Node 20 may take it for as long as it was. `at` throws, where an
 * index would not, and so does copying with `set`; so this is for what is copied in pieces, which may turn out to be none.
 */
export function expectReadable(name: string, value: Uint8Array): void {
  try {
    value.at(0);
  } catch (cause) {
    throw new CryptoError('invalid_argument', `expected ${name} in memory, got one whose buffer is gone`, {
      cause,
    });
  }
}

/** Throws invalid_argument unless `items` is an array; `name` is what to call it. */
export function expectArray(name: string, items: readonly unknown[]): void {
  if (Array.isArray(items)) return;
  throw new CryptoError('invalid_argument', `expected ${name} as an array, got ${typeof items}`);
}

/** Throws invalid_argument unless `items` is an array of objects, none missing; `name` is what to call it. */
export function expectItems(name: string, items: readonly unknown[]): void {
  expectArray(name, items);
  // Not forEach, which passes over what is missing.
  for (let i = 0; i < items.length; i++) {
    if (typeof items[i] === 'object' && items[i] !== null) continue;
    const got = items[i] === null ? 'null' : typeof items[i];
    throw new CryptoError('invalid_argument', `expected ${name}[${i}] as an object, got ${got}`);
  }
}
