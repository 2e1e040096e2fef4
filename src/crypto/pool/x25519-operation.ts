// X25519 shared secrets. What the kernel answers takes the place of the private key:
//
//     0         16 · count                     64 · count more
//     ┌─────────┬──────────────────────────────┬
//     │ records │ private key, public key; …   │
//     └─────────┴──────────────────────────────┴
import type { CryptoError } from '../errors.ts';
import { expectBytes, expectObject } from '../errors.ts';
import { smallOrder, type X25519Item } from '../x25519.ts';
import type { Operation } from './operation.ts';

const KEY_BYTES = 32;
/** assembly/curve/x25519-item.ts: addresses of private key, public key and result, and whether that is all zero. */
const RECORD_WORDS = 4;
const RECORD_BYTES = RECORD_WORDS * Uint32Array.BYTES_PER_ELEMENT;

const recordsAt = (bytes: Uint8Array, address: number, count: number): Uint32Array =>
  new Uint32Array(bytes.buffer, address, RECORD_WORDS * count);

export const SHARED_SECRET_BATCH: Operation<undefined, X25519Item, Uint8Array<ArrayBuffer> | CryptoError> = {
  name: 'sharedSecretBatch',
  itemsName: 'items',
  secret: true,
  checkItem(item, i) {
    expectObject(`items[${i}]`, item);
    const { privateKey, publicKey } = item;
    expectBytes(`items[${i}].privateKey`, privateKey, KEY_BYTES);
    expectBytes(`items[${i}].publicKey`, publicKey, KEY_BYTES);
  },
  sharedBytes: () => 0,
  itemBytes: () => RECORD_BYTES + 2 * KEY_BYTES,
  itemNanoseconds: () => 20_000,
  encode(bytes, address, _, items) {
    const records = recordsAt(bytes, address, items.length);
    let place = address + RECORD_BYTES * items.length;
    items.forEach(({ privateKey, publicKey }, i) => {
      bytes.set(privateKey, place);
      bytes.set(publicKey, place + KEY_BYTES);
      records.set([place, place + KEY_BYTES, place, 0], RECORD_WORDS * i);
      place += 2 * KEY_BYTES;
    });
  },
  run({ exports }, address, count) {
    exports.x25519Batch(address, count);
  },
  decode(bytes, address, _, items) {
    const records = recordsAt(bytes, address, items.length);
    const keys = address + RECORD_BYTES * items.length;
    return items.map((_, i) => {
      if (records[RECORD_WORDS * i + RECORD_WORDS - 1]) return smallOrder();
      const secret = keys + 2 * KEY_BYTES * i;
      return Uint8Array.from(bytes.subarray(secret, secret + KEY_BYTES));
    });
  },
};
