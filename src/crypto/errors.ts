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

/** Whether `value` is a Uint8Array. A proxy of one and a child of its prototype are instances too, and have no bytes. */
export function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array && ArrayBuffer.isView(value);
}

/** Throws invalid_argument unless `value` is a Uint8Array of `length` bytes; `name` is what to call it. */
export function expectBytes(name: string, value: Uint8Array, length?: number): void {
  if (!isBytes(value)) {
    throw new CryptoError('invalid_argument', `expected ${name} as Uint8Array, got ${typeof value}`);
  }
  if (length !== undefined && value.length !== length) {
    throw new CryptoError('invalid_argument', `expected ${name} of ${length} bytes, got ${value.length}`);
  }
  if (value.length === 0) expectReadable(name, value);
}

/**
 * Throws invalid_argument where the buffer of `value` was transferred, or shrank away from under it: that is no empty message.
 * Its length is no safe sign: code that Node 20 has optimised for resizable buffers takes it for as long as it was. `at`
 * throws, where an index would not, and so does copying with `set`; so this is for what is copied in pieces, perhaps none.
 */
export function expectReadable(name: string, value: Uint8Array): void {
  try {
    value.at(0);
  } catch {
    throw new CryptoError('invalid_argument', `expected ${name} to be here, got bytes that were transferred`);
  }
}

export function expectArray(name: string, value: readonly unknown[]): void {
  if (!Array.isArray(value)) {
    throw new CryptoError('invalid_argument', `expected ${name} as an array, got ${typeof value}`);
  }
}

export function expectObject(name: string, value: object): void {
  if (typeof value !== 'object' || value === null) {
    throw new CryptoError('invalid_argument', `expected ${name} as an object, got ${shown(value)}`);
  }
}

/** An array of objects, without holes. */
export function expectItems(name: string, items: readonly object[]): void {
  expectArray(name, items);
  for (let i = 0; i < items.length; i++) expectObject(`${name}[${i}]`, items[i]!);
}

export function expectFunction(name: string, value: (...args: never) => unknown): void {
  if (typeof value !== 'function') {
    throw new CryptoError('invalid_argument', `expected ${name} as a function, got ${typeof value}`);
  }
}

/** A number as it is, anything else by its type: it may be a secret in the wrong place. */
export function shown(value: unknown): string {
  return typeof value === 'number' || value === null ? String(value) : typeof value;
}
