// Notes to verify, as a body that this thread or one of a pool computes in place; those of one key are neighbours:
//
//     0       56 · count   16 · count       32 · count
//     ┌───────┬────────────┬────────────────┬────────────────┬╌╌╌╌╌╌╌┐
//     │ items              │ coefficients   │ keys           │ texts │
//     └───────┴────────────┴────────────────┴────────────────┴╌╌╌╌╌╌╌┘
import type { CryptoExports } from '../../kernel/crypto-exports.ts';
import { expectBytes, expectItems, expectMessage, expectScalar } from './check.ts';
import { COEFFICIENT_BYTES, layKeys, layPoint, layText, NOTE, textBytes, type Views } from './items.ts';
import { SCALAR_SIZE, type VerifyItem } from './note-crypto.ts';

export const verifyItemRoom = ({ message }: VerifyItem): number =>
  NOTE.bytes + COEFFICIENT_BYTES + SCALAR_SIZE + textBytes(message);

const coefficientsAt = (address: number, count: number): number => address + NOTE.bytes * count;
const keysAt = (address: number, count: number): number =>
  coefficientsAt(address, count) + COEFFICIENT_BYTES * count;

export function expectVerifyItems(items: readonly VerifyItem[]): void {
  expectItems('items', items);
  items.forEach(({ message, signature, secretKey }, i) => {
    expectMessage(`items[${i}].message`, message);
    expectBytes(`items[${i}].signature`, signature);
    expectScalar(`items[${i}].secretKey`, secretKey);
  });
}

/** `randomBytes`: the coefficients; it must be fit for secrets. */
export function layVerifyItems(
  views: Views,
  address: number,
  items: readonly VerifyItem[],
  randomBytes: (length: number) => Uint8Array,
): void {
  const keys = keysAt(address, items.length);
  let text = keys + SCALAR_SIZE * items.length;
  items.forEach(({ message, signature }, i) => {
    const item = address + NOTE.bytes * i;
    layText(views, item, text, message);
    layPoint(views, item + NOTE.signature, signature);
    views.data.setUint32(item + NOTE.verdict, 0, true);
    text += textBytes(message);
  });
  layKeys(views, keys, items, (i) => address + NOTE.bytes * i + NOTE.key);
  const random = randomBytes(COEFFICIENT_BYTES * items.length);
  expectBytes('result of randomBytes', random, COEFFICIENT_BYTES * items.length);
  views.bytes.set(random, coefficientsAt(address, items.length));
}

export function runVerifyItems(exports: CryptoExports, address: number, count: number): void {
  const countMax = exports.NOTE_COUNT_MAX.value as number;
  const coefficients = coefficientsAt(address, count);
  for (let i = 0; i < count; i += countMax) {
    exports.secpVerifyNotes(
      address + NOTE.bytes * i,
      Math.min(countMax, count - i),
      keysAt(address, count),
      coefficients + COEFFICIENT_BYTES * i,
    );
  }
}

export function verdictsOf({ data }: Views, address: number, count: number): boolean[] {
  return Array.from(
    { length: count },
    (_, i) => data.getUint32(address + NOTE.bytes * i + NOTE.verdict, true) === 1,
  );
}
