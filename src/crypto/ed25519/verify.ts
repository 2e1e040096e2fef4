// Verification of one signature. What makes it good stands in assembly/curve/verify.ts.
import { kernel } from '../kernel.ts';
import { domainOf, type Ed25519Options, signedMessage } from './domain.ts';
import {
  expectSigned,
  hashLong,
  hasLengths,
  ITEM_BYTES,
  layItem,
  type VerificationKey,
  verdictOf,
  viewsOf,
} from './verify-item.ts';

/**
 * Whether `signature` is a good one of `message` under `publicKey`: RFC 8032 section 5.1.7, with the cofactor, strict about
 * encodings. A key or a signature of another length, or that encodes nothing, is simply not good: false.
 * @throws CryptoError invalid_argument for another type, or a context of wrong length
 */
export function verify(
  publicKey: VerificationKey,
  message: Uint8Array,
  signature: Uint8Array,
  options: Ed25519Options = {},
): boolean {
  const domain = domainOf(options);
  expectSigned(publicKey, message, signature);
  if (!hasLengths(publicKey, signature)) return false;
  const signed = signedMessage(message, options);
  const hashed = hashLong(publicKey, signed, signature, domain);
  const instance = kernel();
  const { io } = instance;
  const views = viewsOf(instance);
  layItem(
    views,
    io,
    io + ITEM_BYTES,
    hashed?.publicKey ?? publicKey,
    signed,
    hashed?.signature ?? signature,
    domain,
    hashed?.digest,
  );
  instance.exports.ed25519VerifyItems(io, 1, 0);
  return verdictOf(views, io);
}
