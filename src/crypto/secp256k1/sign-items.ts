// Blind signatures, as a body that this thread or one of a pool computes in place:
//
//     0           16        144 · count                32 · count
//     ┌───────────┬─────────────────────────┬─────────────────────────┐
//     │ key count │ items                   │ keys, each once         │
//     └───────────┴─────────────────────────┴─────────────────────────┘
import type { CryptoExports } from '../../kernel/crypto-exports.ts';
import { expectBytes, expectItems, expectScalar } from './check.ts';
import { layKeys, layPoint, pointOf, SIGN, scalarOf, type Views } from './items.ts';
import { type BlindSigned, SCALAR_SIZE, type SignItem } from './note-crypto.ts';

export const SIGN_HEADER_BYTES = 16;
export const SIGN_ITEM_ROOM = SIGN.bytes + SCALAR_SIZE;

const itemsAt = (address: number): number => address + SIGN_HEADER_BYTES;

export function expectSignItems(items: readonly SignItem[]): void {
  expectItems('items', items);
  items.forEach(({ blinded, secretKey }, i) => {
    expectBytes(`items[${i}].blinded`, blinded);
    expectScalar(`items[${i}].secretKey`, secretKey);
  });
}

export function laySignItems(views: Views, address: number, items: readonly SignItem[]): void {
  const first = itemsAt(address);
  items.forEach(({ blinded }, i) => {
    layPoint(views, first + SIGN.bytes * i + SIGN.blinded, blinded);
    views.data.setUint32(first + SIGN.bytes * i + SIGN.verdict, 0, true);
  });
  const keys = first + SIGN.bytes * items.length;
  const keyCount = layKeys(views, keys, items, (i) => first + SIGN.bytes * i + SIGN.key);
  views.data.setUint32(address, keyCount, true);
}

export function runSignItems(exports: CryptoExports, { data }: Views, address: number, count: number): void {
  const first = itemsAt(address);
  exports.secpSignItems(first, count, first + SIGN.bytes * count, data.getUint32(address, true));
}

export function signaturesOf(views: Views, address: number, count: number): (BlindSigned | undefined)[] {
  return Array.from({ length: count }, (_, i) => {
    const item = itemsAt(address) + SIGN.bytes * i;
    if (views.data.getUint32(item + SIGN.verdict, true) !== 1) return undefined;
    return {
      signature: pointOf(views, item + SIGN.signature),
      dleq: { e: scalarOf(views, item + SIGN.e), s: scalarOf(views, item + SIGN.s) },
    };
  });
}
