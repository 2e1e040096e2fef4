// Blind notes over the threads of a pool: the bodies of src/crypto/secp256k1.
import { randomBytes as systemRandomBytes } from 'node:crypto';
import { expectFunction } from '../errors.ts';
import { byKey, viewsOf } from '../secp256k1/items.ts';
import type { BlindSigned, SignItem, VerifyItem } from '../secp256k1/note-crypto.ts';
import {
  expectSignItems,
  laySignItems,
  runSignItems,
  SIGN_HEADER_BYTES,
  SIGN_ITEM_ROOM,
  signaturesOf,
} from '../secp256k1/sign-items.ts';
import {
  expectVerifyItems,
  layVerifyItems,
  runVerifyItems,
  verdictsOf,
  verifyItemRoom,
} from '../secp256k1/verify-items.ts';
import type { BatchPool } from './batch-pool.ts';
import type { Operation } from './operation.ts';

export const NOTE_SIGN_BATCH: Operation<undefined, SignItem, BlindSigned | undefined> = {
  name: 'noteSignBatch',
  itemsName: 'items',
  secret: true,
  // They have been looked at.
  checkItem() {},
  sharedBytes: () => SIGN_HEADER_BYTES,
  itemBytes: () => SIGN_ITEM_ROOM,
  itemNanoseconds: () => 100_000,
  encode(bytes, address, _, items) {
    laySignItems(viewsOf(bytes), address, items);
  },
  run({ bytes, exports }, address, count) {
    runSignItems(exports, viewsOf(bytes), address, count);
  },
  decode(bytes, address, _, items) {
    return signaturesOf(viewsOf(bytes), address, items.length);
  },
};

/** What they have in common is the source of the coefficients. */
export const NOTE_VERIFY_BATCH: Operation<(length: number) => Uint8Array, VerifyItem, boolean> = {
  name: 'noteVerifyBatch',
  itemsName: 'items',
  secret: true,
  checkItem() {},
  sharedBytes: () => 0,
  itemBytes: verifyItemRoom,
  itemNanoseconds: () => 35_000,
  encode(bytes, address, randomBytes, items) {
    layVerifyItems(viewsOf(bytes), address, items, randomBytes);
  },
  run({ exports }, address, count) {
    runVerifyItems(exports, address, count);
  },
  decode(bytes, address, _, items) {
    return verdictsOf(viewsOf(bytes), address, items.length);
  },
};

/** As noteCrypto.sign. */
export async function signNotes(
  pool: BatchPool,
  items: readonly SignItem[],
): Promise<(BlindSigned | undefined)[]> {
  expectSignItems(items);
  return await pool.run(NOTE_SIGN_BATCH, undefined, items);
}

/** As noteCrypto.verify. Items of one key come to the threads next to each other. */
export async function verifyNotes(
  pool: BatchPool,
  items: readonly VerifyItem[],
  randomBytes: (length: number) => Uint8Array = systemRandomBytes,
): Promise<boolean[]> {
  expectVerifyItems(items);
  expectFunction('randomBytes', randomBytes);
  const places = byKey(items);
  const answers = await pool.run(
    NOTE_VERIFY_BATCH,
    randomBytes,
    places.map((place) => items[place]!),
  );
  const verdicts = new Array<boolean>(items.length).fill(false);
  places.forEach((place, i) => {
    verdicts[place] = answers[i]!;
  });
  return verdicts;
}
