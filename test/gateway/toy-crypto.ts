// Blind notes whose arithmetic is that of plain numbers: a "point" is a number modulo a prime, and G is 1. Everybody can read
// every key, so nothing is hidden and all can be forged; but blinding, signing and proofs fit together as on the curve, ten
// thousand times as fast. For simulations of what a gateway does with notes, not of what notes are.
import { createHash } from 'node:crypto';
import type { NoteCrypto } from '../../src/crypto/index.ts';

/** Of secp256k1's group, so that its scalars are scalars here. */
const ORDER = 0xffffffff_ffffffff_ffffffff_fffffffe_baaedce6_af48a03b_bfd25e8c_d0364141n;

const toNumber = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
const toBytes = (value: bigint, size: number): Uint8Array =>
  Uint8Array.from(Buffer.from(value.toString(16).padStart(size * 2, '0'), 'hex'));
const mod = (value: bigint): bigint => ((value % ORDER) + ORDER) % ORDER;

const pointOf = (value: bigint): Uint8Array => {
  const bytes = new Uint8Array(33);
  bytes[0] = 2;
  bytes.set(toBytes(mod(value), 32), 1);
  return bytes;
};
const numberIn = (point: Uint8Array): bigint => toNumber(point.subarray(1));
const hashed = (message: Uint8Array): bigint => mod(toNumber(createHash('sha256').update(message).digest()));

export const toyNoteCrypto: NoteCrypto = {
  hashToCurve: (messages) => messages.map((message) => pointOf(hashed(message))),
  publicKeys: (secretKeys) => secretKeys.map((key) => pointOf(toNumber(key))),
  blind: (items) =>
    items.map(({ message, blindingFactor }) => pointOf(hashed(message) + toNumber(blindingFactor))),
  sign: (items) =>
    items.map(({ blinded, secretKey }) => {
      const signature = pointOf(numberIn(blinded) * toNumber(secretKey));
      return { signature, dleq: proof(blinded, signature) };
    }),
  unblind: (items) =>
    items.map(({ signature, blindingFactor, publicKey }) =>
      pointOf(numberIn(signature) - toNumber(blindingFactor) * numberIn(publicKey)),
    ),
  verify: (items) =>
    items.map(
      ({ message, signature, secretKey }) =>
        numberIn(signature) === mod(hashed(message) * toNumber(secretKey)),
    ),
  verifyDleq: (items) =>
    items.map(
      ({ blinded, signature, publicKey, dleq }) =>
        numberIn(signature) === mod(numberIn(blinded) * numberIn(publicKey)) &&
        Buffer.compare(dleq.e, proof(blinded, signature).e) === 0,
    ),
  verifyNoteDleq: (items) =>
    items.map(
      ({ message, signature, publicKey }) =>
        numberIn(signature) === mod(hashed(message) * numberIn(publicKey)),
    ),
};

function proof(blinded: Uint8Array, signature: Uint8Array): { e: Uint8Array; s: Uint8Array } {
  const e = toBytes(
    1n + (toNumber(createHash('sha256').update(blinded).update(signature).digest()) >> 1n),
    32,
  );
  return { e, s: toBytes(1n, 32) };
}
