// Signing. What the kernel is given and what it leaves, seen from the start of io:
//
//     0         96          160         640         1024
//     ┌─────────┬───────────┬───────────┬───────────┬────────────────────────┐
//     │ key or  │ signature │ stream    │ domain    │ message, or a piece    │
//     │ seed    │           │           │           │                        │
//     └─────────┴───────────┴───────────┴───────────┴────────────────────────┘
//
// All of it is wiped before the call returns.
import { IO_BYTES } from '../../kernel/crypto-kernel.ts';
import { CryptoError, expectBytes } from '../errors.ts';
import { kernel } from '../kernel.ts';
import { DOMAIN_BYTES_MAX, domainOf, type Ed25519Options, signedMessage } from './domain.ts';

export const SECRET_KEY_BYTES = 32;
export const PUBLIC_KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;
/** A key as the kernel computes with it: assembly/curve/ed25519-sign.ts. */
export const KEY_BYTES = 96;

const SIGNATURE = KEY_BYTES;
const STREAM = SIGNATURE + SIGNATURE_BYTES;
const DOMAIN = 640;
const MESSAGE = 1024;
const MESSAGE_BYTES_MAX = IO_BYTES - MESSAGE;
/** How much of a longer message goes to the kernel at once: little enough for the cache. */
const PIECE_BYTES = 64 << 10;

if (DOMAIN + DOMAIN_BYTES_MAX > MESSAGE)
  throw new Error('expected the longest domain to end before the message');

/** The kernel's key of a secret key; it holds secrets. */
export function keyOf(secretKey: Uint8Array): Uint8Array<ArrayBuffer> {
  expectBytes('secretKey', secretKey, SECRET_KEY_BYTES);
  const { exports, bytes, io } = kernel();
  try {
    bytes.set(secretKey, io);
    exports.ed25519Key(io, io);
    return bytes.slice(io, io + KEY_BYTES);
  } finally {
    bytes.fill(0, io, io + KEY_BYTES);
  }
}

/** The signature of a message under a 32-byte secret key: RFC 8032 section 5.1.6. */
export function sign(
  secretKey: Uint8Array,
  message: Uint8Array,
  options: Ed25519Options = {},
): Uint8Array<ArrayBuffer> {
  expectBytes('secretKey', secretKey, SECRET_KEY_BYTES);
  const domain = domainOf(options);
  const signed = signedMessage(message, options);
  if (signed.length <= MESSAGE_BYTES_MAX) return signWhole(secretKey, signed, domain);
  const key = keyOf(secretKey);
  try {
    return signPieces(key, signed, domain);
  } finally {
    key.fill(0);
  }
}

/** The same under a key that keyOf has made. */
export function signWithKey(
  key: Uint8Array,
  message: Uint8Array,
  options: Ed25519Options = {},
): Uint8Array<ArrayBuffer> {
  const domain = domainOf(options);
  const signed = signedMessage(message, options);
  return signed.length <= MESSAGE_BYTES_MAX
    ? signWhole(key, signed, domain)
    : signPieces(key, signed, domain);
}

/** With a key or a secret key, which differ in length. */
function signWhole(key: Uint8Array, message: Uint8Array, domain: Uint8Array): Uint8Array<ArrayBuffer> {
  const { exports, bytes, io } = kernel();
  const signKernel = key.length === KEY_BYTES ? exports.ed25519Sign : exports.ed25519SignOnce;
  // What is signed is the copy in io, whatever happens to the message meanwhile.
  const { length } = message;
  try {
    bytes.set(key, io);
    bytes.set(domain, io + DOMAIN);
    bytes.set(message, io + MESSAGE);
    signKernel(io + SIGNATURE, io + MESSAGE, length, io + DOMAIN, domain.length, io);
    return bytes.slice(io + SIGNATURE, io + SIGNATURE + SIGNATURE_BYTES);
  } finally {
    bytes.fill(0, io, io + MESSAGE + length);
  }
}

/** A message longer than io, fed in pieces, twice. */
function signPieces(key: Uint8Array, message: Uint8Array, domain: Uint8Array): Uint8Array<ArrayBuffer> {
  const { exports, bytes, io } = kernel();
  const feed = (round: number): void => {
    for (let from = 0; from < message.length; from += PIECE_BYTES) {
      const piece = message.subarray(from, from + PIECE_BYTES);
      bytes.set(piece, io + MESSAGE);
      exports.ed25519StreamUpdate(io + STREAM, io + MESSAGE, piece.length, round);
    }
  };
  try {
    bytes.set(key, io);
    bytes.set(domain, io + DOMAIN);
    exports.ed25519StreamBegin(io + STREAM, io + DOMAIN, domain.length, io);
    feed(1);
    exports.ed25519StreamCommit(io + STREAM, io + SIGNATURE, io + DOMAIN, domain.length, io);
    feed(2);
    if (!exports.ed25519StreamFinish(io + STREAM, io + SIGNATURE, io)) {
      throw new CryptoError('invalid_state', 'expected a message that stays the same while it is signed');
    }
    return bytes.slice(io + SIGNATURE, io + SIGNATURE + SIGNATURE_BYTES);
  } finally {
    bytes.fill(0, io, io + MESSAGE + PIECE_BYTES);
  }
}
