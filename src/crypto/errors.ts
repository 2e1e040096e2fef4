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
}
