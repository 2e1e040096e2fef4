// A signature to be verified, laid down in io as the kernel takes it: assembly/curve/verify-item.ts. What the kernel is
// given, from the start of io:
//
//     ┌────────────────────┬─────────────────────┬─────────────────────────────────────────────────┐
//     │ items, 208 bytes   │ coefficients, 16    │ texts: domain, room of 64 bytes, message        │
//     │ each               │ bytes each          │                                                 │
//     └────────────────────┴─────────────────────┴─────────────────────────────────────────────────┘
import type { CryptoKernel } from '../../kernel/crypto-kernel.ts';
import { CryptoError, expectBytes, isBytes } from '../errors.ts';
import { sha512 } from '../sha512.ts';
import { PreparedKey, preparedBytes } from './prepare.ts';
import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES } from './sign.ts';

export const ITEM_BYTES = 208;
export const COEFFICIENT_BYTES = 16;

/** A longer message is hashed in pieces, so that one message does not crowd out the rest of a batch. */
export const MESSAGE_BYTES_MAX = 64 << 10;

const KEY = 64;
const R_BYTES = 32;
const TEXT = 192;
const KIND = 200;
const VERDICT = 204;

const PREPARED = 1;
const DIGEST = 2;
/** What stands in a text for R and the key. */
export const ROOM_BYTES = 64;

export type VerificationKey = Uint8Array | PreparedKey;

/** Throws invalid_argument for what is not of these types at all. */
export function expectSigned(publicKey: VerificationKey, message: Uint8Array, signature: Uint8Array): void {
  expectBytes('message', message);
  expectBytes('signature', signature);
  if (!(publicKey instanceof PreparedKey) && !isBytes(publicKey)) {
    throw new CryptoError(
      'invalid_argument',
      `expected publicKey as Uint8Array or PreparedKey, got ${typeof publicKey}`,
    );
  }
}

/** Whether key and signature have the only lengths that can be good: what strangers send is bad, not an error. */
export function hasLengths(publicKey: VerificationKey, signature: Uint8Array): boolean {
  return (
    signature.length === SIGNATURE_BYTES &&
    (publicKey instanceof PreparedKey || publicKey.length === PUBLIC_KEY_BYTES)
  );
}

/** Bytes of an item's text, rounded up for the next one. */
export function textRoom(message: Uint8Array, domain: Uint8Array): number {
  if (message.length > MESSAGE_BYTES_MAX) return ROOM_BYTES;
  return (domain.length + ROOM_BYTES + message.length + 7) & ~7;
}

/** Views of all of the kernel's memory, made once a call. */
export interface Views {
  readonly bytes: Uint8Array;
  readonly data: DataView;
}

export function viewsOf(kernel: CryptoKernel): Views {
  return { bytes: kernel.bytes, data: new DataView(kernel.memory.buffer) };
}

/** Lays the item down at `item`, its text at `text`. A message longer than MESSAGE_BYTES_MAX comes with its digest. */
export function layItem(
  { bytes, data }: Views,
  item: number,
  text: number,
  publicKey: VerificationKey,
  message: Uint8Array,
  signature: Uint8Array,
  domain: Uint8Array,
  digest: Uint8Array | undefined,
): void {
  const prepared = publicKey instanceof PreparedKey;
  bytes.set(signature, item);
  bytes.set(prepared ? preparedBytes(publicKey) : publicKey, item + KEY);
  data.setUint32(item + TEXT, text, true);
  if (digest === undefined) {
    if (domain.length > 0) bytes.set(domain, text);
    bytes.set(message, text + domain.length + ROOM_BYTES);
    data.setUint32(item + TEXT + 4, domain.length + ROOM_BYTES + message.length, true);
  } else bytes.set(digest, text);
  data.setUint16(item + KIND, (prepared ? PREPARED : 0) | (digest === undefined ? 0 : DIGEST), true);
  data.setUint16(item + KIND + 2, digest === undefined ? domain.length : 0, true);
}

/** What was hashed of an item with a long message. */
export interface Hashed {
  readonly publicKey: VerificationKey;
  readonly signature: Uint8Array;
  readonly digest: Uint8Array;
}

/**
 * The hash of a long message, which goes through io itself and so comes before the item; undefined for others. It comes
 * with copies of what was hashed: R and key must not change before they are laid down, or anything would verify.
 */
export function hashLong(
  publicKey: VerificationKey,
  message: Uint8Array,
  signature: Uint8Array,
  domain: Uint8Array,
): Hashed | undefined {
  if (message.length <= MESSAGE_BYTES_MAX) return undefined;
  const prepared = publicKey instanceof PreparedKey;
  const key = prepared ? publicKey.publicKey : Uint8Array.from(publicKey);
  const copy = Uint8Array.from(signature);
  const digest = sha512
    .create()
    .update(domain)
    .update(copy.subarray(0, R_BYTES))
    .update(key)
    .update(message)
    .digest();
  return { publicKey: prepared ? publicKey : key, signature: copy, digest };
}

export function verdictOf({ data }: Views, item: number): boolean {
  return data.getUint32(item + VERDICT, true) === 1;
}
