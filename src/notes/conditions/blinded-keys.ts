// Keys of conditions that only payer and payee recognise (NUT-28): the mint sees another key in every note.
//
//     payer:  e random, E = e·G                 Z = x(e·P)       P' = P + r_i·G     into slot i of the condition
//     payee:  E comes with the note             Z = x(p·E)       k = ±p + r_i       signs as P'
//     r_i = SHA-256("Cashu_P2BK_v1" │ Z │ i)    slots: data, pubkeys, refund, in this order, from 0 on
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { NotesError } from '../errors.ts';
import { toHex } from '../hex.ts';
import type { Note } from '../note.ts';
import { fromScalar, isPoint, isScalar, ORDER, toScalar, wideScalar } from '../point.ts';
import { type RandomBytes, systemRandomBytes } from '../random.ts';
import { publicKeyOf } from '../schnorr.ts';
import { conditionOf } from './condition.ts';

const { Point } = secp256k1;
const DOMAIN = new TextEncoder().encode('Cashu_P2BK_v1');

/** data and ten more; more do not fit into a secret. */
const SLOTS_MAX = 11;

/** 1 to n - 1, in whatever time: of the two parties' own. */
function expectScalar(name: string, scalar: Uint8Array): bigint {
  if (!isScalar(scalar)) throw new RangeError(`${name}: expected a scalar from 1 to n-1`);
  return toScalar(scalar);
}

function expectPoint(key: Uint8Array): InstanceType<typeof Point> {
  if (!isPoint(key))
    throw new NotesError('condition', 'blinded keys: expected a compressed point, got other bytes');
  return Point.fromBytes(key);
}

/** x of the point that both know: 32 bytes. */
export function sharedSecret(publicKey: Uint8Array, secretKey: Uint8Array): Uint8Array {
  return expectPoint(publicKey).multiply(expectScalar('secret key', secretKey)).toBytes(true).slice(1);
}

/** r of a slot, 32 bytes. */
export function slotFactor(shared: Uint8Array, slot: number): Uint8Array {
  if (!Number.isInteger(slot) || slot < 0 || slot >= SLOTS_MAX)
    throw new RangeError(`slot: expected 0 to ${SLOTS_MAX - 1}, got ${slot}`);
  const input = [...DOMAIN, ...shared, slot];
  for (const bytes of [input, [...input, 0xff]]) {
    const factor = sha256(Uint8Array.from(bytes));
    if (isScalar(factor)) return factor;
  }
  throw new NotesError(
    'condition',
    'blinded keys: expected a factor below n, got none: take another key pair',
  );
}

/** P' */
export function blindKey(publicKey: Uint8Array, ephemeralSecret: Uint8Array, slot: number): Uint8Array {
  const factor = toScalar(slotFactor(sharedSecret(publicKey, ephemeralSecret), slot));
  return expectPoint(publicKey).add(Point.BASE.multiply(factor)).toBytes(true);
}

/** A new key pair for the keys of one note, or of all notes of one request under SIG_ALL. */
export function ephemeralKeyPair(randomBytes: RandomBytes = systemRandomBytes): {
  readonly secretKey: Uint8Array;
  readonly publicKey: Uint8Array;
} {
  const secretKey = wideScalar(randomBytes(48));
  return { secretKey, publicKey: publicKeyOf(secretKey) };
}

/** Keys of a condition, blinded in their slots. Of a hash (HTLC) the data is no key: slots begin at 1. */
export function blindKeys(
  {
    publicKeys,
    refundKeys,
    isHash,
  }: {
    readonly publicKeys: readonly Uint8Array[];
    readonly refundKeys: readonly Uint8Array[];
    readonly isHash: boolean;
  },
  ephemeralSecret: Uint8Array,
): { readonly publicKeys: Uint8Array[]; readonly refundKeys: Uint8Array[] } {
  const first = isHash ? 1 : 0;
  const blinded = [...publicKeys, ...refundKeys].map((key, i) => blindKey(key, ephemeralSecret, first + i));
  return { publicKeys: blinded.slice(0, publicKeys.length), refundKeys: blinded.slice(publicKeys.length) };
}

/** The key that signs for P'; undefined: it was blinded for another one. */
export function blindedSecretKey(
  secretKey: Uint8Array,
  ephemeralKey: Uint8Array,
  blindedKey: Uint8Array,
  slot: number,
): Uint8Array | undefined {
  const factor = toScalar(slotFactor(sharedSecret(ephemeralKey, secretKey), slot));
  const plain = expectPoint(blindedKey).subtract(Point.BASE.multiply(factor));
  if (plain.equals(Point.ZERO)) return undefined;
  const own = publicKeyOf(secretKey);
  const found = plain.toBytes(true);
  if (toHex(found.subarray(1)) !== toHex(own.subarray(1))) return undefined;
  // A key given by its x alone is the even one (BIP 340), whatever the secret key's own point is.
  const scalar = toScalar(secretKey);
  const derived = ((found[0] === own[0] ? scalar : ORDER - scalar) + factor) % ORDER;
  return derived === 0n ? undefined : fromScalar(derived);
}

/** Which keys sign for a note: of one with blinded keys those derived for its slots, of others the keys themselves. */
export function signingKeysOf(
  note: Pick<Note, 'secret' | 'ephemeralKey'>,
  secretKeys: readonly Uint8Array[],
): readonly Uint8Array[] {
  const condition = conditionOf(note.secret);
  const { ephemeralKey } = note;
  if (condition === undefined || ephemeralKey === undefined) return secretKeys;
  const first = condition.hash === undefined ? 0 : 1;
  const blinded = [...condition.publicKeys, ...condition.refundKeys];
  if (blinded.length + first > SLOTS_MAX)
    throw new NotesError('condition', `blinded keys: expected at most ${SLOTS_MAX}, got more`);
  const found = secretKeys.flatMap((secretKey) =>
    blinded.flatMap((key, i) => blindedSecretKey(secretKey, ephemeralKey, key, first + i) ?? []),
  );
  return [...new Map(found.map((key) => [toHex(key), key])).values()];
}
