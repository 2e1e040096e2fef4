// Ed25519 signatures, verified by one equation a part: assembly/curve/verify.ts. A text of any length is hashed where it
// lies.
//
//     0       208 · count           16 · count more
//     ┌───────┬─────────────────────┬─────────────────────────────────────────────────┐
//     │ items │ coefficients        │ texts: room for R and key, message              │
//     └───────┴─────────────────────┴─────────────────────────────────────────────────┘
import { expectBatch, type SignedMessage, type VerifyBatchOptions } from '../ed25519/batch.ts';
import {
  COEFFICIENT_BYTES,
  expectSigned,
  hasLengths,
  ITEM_BYTES,
  layItem,
  ROOM_BYTES,
  type Views,
  verdictOf,
} from '../ed25519/verify-item.ts';
import { expectBytes } from '../errors.ts';
import type { BatchPool } from './batch-pool.ts';
import type { Operation } from './operation.ts';

const NO_DOMAIN = new Uint8Array();

const viewsOf = (bytes: Uint8Array): Views => ({ bytes, data: new DataView(bytes.buffer) });
const textBytes = (message: Uint8Array): number => (ROOM_BYTES + message.length + 7) & ~7;

/** What they have in common is the source of the coefficients. */
export const VERIFY_BATCH: Operation<(length: number) => Uint8Array, SignedMessage, boolean> = {
  name: 'verifyBatch',
  itemsName: 'items',
  secret: false,
  // They have been looked at.
  checkItem() {},
  sharedBytes: () => 0,
  itemBytes: ({ message }) => ITEM_BYTES + COEFFICIENT_BYTES + textBytes(message),
  itemNanoseconds: ({ message }) => 10_000 + 2 * message.length,
  encode(bytes, address, randomBytes, items) {
    const views = viewsOf(bytes);
    const coefficients = address + items.length * ITEM_BYTES;
    let text = coefficients + items.length * COEFFICIENT_BYTES;
    // No verdict of another batch is left.
    bytes.fill(0, address, coefficients);
    if (items.length > 1) {
      const random = randomBytes(items.length * COEFFICIENT_BYTES);
      expectBytes('result of randomBytes', random, items.length * COEFFICIENT_BYTES);
      bytes.set(random, coefficients);
    }
    items.forEach(({ publicKey, message, signature }, i) => {
      const item = address + i * ITEM_BYTES;
      layItem(views, item, text, publicKey, message, signature, NO_DOMAIN, undefined);
      text += textBytes(message);
    });
  },
  run({ exports }, address, count) {
    const countMax = exports.VERIFY_COUNT_MAX.value;
    const coefficients = address + count * ITEM_BYTES;
    for (let i = 0; i < count; i += countMax) {
      exports.ed25519VerifyItems(
        address + i * ITEM_BYTES,
        Math.min(countMax, count - i),
        coefficients + i * COEFFICIENT_BYTES,
      );
    }
  },
  decode(bytes, address, _, items) {
    const views = viewsOf(bytes);
    return items.map((_, i) => verdictOf(views, address + i * ITEM_BYTES));
  },
};

/** As ed25519.verifyBatch: what has no length of a key or a signature is not good, without asking a thread. */
export async function verifyBatch(
  pool: BatchPool,
  items: readonly SignedMessage[],
  options: VerifyBatchOptions = {},
): Promise<boolean[]> {
  const { randomBytes } = expectBatch(items, options);
  const verdicts = new Array<boolean>(items.length).fill(false);
  const possible: SignedMessage[] = [];
  const places: number[] = [];
  items.forEach((item, place) => {
    expectSigned(item.publicKey, item.message, item.signature);
    if (!hasLengths(item.publicKey, item.signature)) return;
    possible.push(item);
    places.push(place);
  });
  const answers = await pool.run(VERIFY_BATCH, randomBytes, possible);
  places.forEach((place, i) => {
    verdicts[place] = answers[i]!;
  });
  return verdicts;
}
