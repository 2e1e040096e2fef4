// Blind notes in a group where everything is easy: a point is its own logarithm. The same equations hold as on the curve, so
// that holders and mints are told from each other as there, at a thousandth of the cost. Only keysets' keys are real points,
// because they are checked to be some.
import { createHash } from 'node:crypto';
import type { BatchNoteCrypto, NoteCrypto } from '../../src/crypto/secp256k1/note-crypto.ts';
import { noteCrypto } from '../../src/crypto/secp256k1/notes.ts';
import { fromScalar, ORDER, toScalar } from '../../src/notes/point.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const point = (logarithm: bigint): Uint8Array =>
  Uint8Array.from([2, ...fromScalar(((logarithm % ORDER) + ORDER) % ORDER)]);
const logarithm = (bytes: Uint8Array): bigint => toScalar(bytes.subarray(1));
const hashed = (message: Uint8Array): bigint =>
  toScalar(createHash('sha256').update(message).digest()) % ORDER;

/** The same few keysets are made for every test. */
const realKeys = new Map<string, Uint8Array[]>();

/** One for all parties of a test. */
export function toyCrypto(): NoteCrypto {
  /** k behind each K. */
  const secrets = new Map<string, bigint>();
  const of = (publicKey: Uint8Array): bigint => secrets.get(hex(publicKey)) ?? 0n;
  return {
    hashToCurve: (messages) => messages.map((message) => point(hashed(message))),
    publicKeys(secretKeys) {
      const name = secretKeys.map(hex).join();
      const keys = realKeys.get(name) ?? noteCrypto.publicKeys(secretKeys);
      realKeys.set(name, keys);
      keys.forEach((key, i) => {
        secrets.set(hex(key), toScalar(secretKeys[i]!));
      });
      return keys;
    },
    blind: (items) =>
      items.map(({ message, blindingFactor }) => point(hashed(message) + toScalar(blindingFactor))),
    sign: (items) =>
      items.map(({ blinded, secretKey }) => ({
        signature: point(toScalar(secretKey) * logarithm(blinded)),
        dleq: { e: fromScalar(1n), s: fromScalar(1n) },
      })),
    unblind: (items) =>
      items.map(({ signature, blindingFactor, publicKey }) =>
        point(logarithm(signature) - toScalar(blindingFactor) * of(publicKey)),
      ),
    verify: (items) =>
      items.map(
        ({ message, signature, secretKey }) =>
          hex(signature) === hex(point(toScalar(secretKey) * hashed(message))),
      ),
    verifyDleq: (items) =>
      items.map(
        ({ blinded, signature, publicKey }) =>
          hex(signature) === hex(point(of(publicKey) * logarithm(blinded))),
      ),
    verifyNoteDleq: (items) =>
      items.map(
        ({ message, signature, publicKey }) => hex(signature) === hex(point(of(publicKey) * hashed(message))),
      ),
  };
}

export const inBatches = (crypto: NoteCrypto): BatchNoteCrypto => ({
  sign: async (items) => crypto.sign(items),
  verify: async (items) => crypto.verify(items),
});
