// The three variants of Ed25519 (RFC 8032 section 5.1) and what sets them apart: the domain that begins every hash.
import { CryptoError, expectBytes, expectObject } from '../errors.ts';
import { sha512 } from '../sha512.ts';

export interface Ed25519Options {
  /**
   * 1 to 255 bytes that say what the signature is for: Ed25519ctx. A signature under one context is none under another.
   * With `prehash` it may be empty.
   */
  readonly context?: Uint8Array | undefined;
  /** Ed25519ph: the SHA-512 of the message is signed in its place. */
  readonly prehash?: boolean | undefined;
}

export const CONTEXT_BYTES_MAX = 255;
/** The longest domain. */
export const DOMAIN_BYTES_MAX = 34 + CONTEXT_BYTES_MAX;

const TEXT = new TextEncoder().encode('SigEd25519 no Ed25519 collisions');
const NONE = new Uint8Array();

/** Section 2, dom2; empty for Ed25519 itself. */
export function domainOf(options: Ed25519Options): Uint8Array {
  expectObject('options', options);
  const { context, prehash = false } = options;
  if (typeof prehash !== 'boolean') {
    throw new CryptoError('invalid_argument', `expected prehash as boolean, got ${typeof prehash}`);
  }
  if (context === undefined) {
    if (!prehash) return NONE;
  } else {
    expectBytes('context', context);
    // Section 8.3 advises against an empty context in Ed25519ctx: it is easily taken for none, which is Ed25519.
    const min = prehash ? 0 : 1;
    if (context.length < min || context.length > CONTEXT_BYTES_MAX) {
      throw new CryptoError(
        'invalid_argument',
        `expected context of ${min} to ${CONTEXT_BYTES_MAX} bytes, got ${context.length}`,
      );
    }
  }
  const bytes = context ?? NONE;
  const domain = new Uint8Array(TEXT.length + 2 + bytes.length);
  domain.set(TEXT);
  domain[TEXT.length] = prehash ? 1 : 0;
  domain[TEXT.length + 1] = bytes.length;
  domain.set(bytes, TEXT.length + 2);
  return domain;
}

/** What is signed for `message`: itself, or its hash. */
export function signedMessage(message: Uint8Array, { prehash }: Ed25519Options): Uint8Array {
  expectBytes('message', message);
  return prehash ? sha512(message) : message;
}
