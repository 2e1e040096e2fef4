// SHA-256 and SHA-512 of many messages.
//
//     0         8 · count                               + the digests
//     ┌─────────┬───────────────────────────────────────┬──────────────┐
//     │ records │ digests                               │ messages     │
//     └─────────┴───────────────────────────────────────┴──────────────┘
import type { CryptoExports } from '../../kernel/crypto-exports.ts';
import { expectBytes } from '../errors.ts';
import type { Operation } from './operation.ts';

/** assembly/hash/message.ts: address and length. */
const RECORD_BYTES = 8;

export type HashOperation = Operation<undefined, Uint8Array, Uint8Array<ArrayBuffer>>;

function hashOperation(
  name: 'sha256Batch' | 'sha512Batch',
  digestBytes: number,
  nanosecondsOf: (bytes: number) => number,
): HashOperation {
  return {
    name,
    itemsName: 'messages',
    // What is hashed may be a secret.
    secret: true,
    checkItem: (message, i) => expectBytes(`messages[${i}]`, message),
    sharedBytes: () => 0,
    itemBytes: ({ length }) => RECORD_BYTES + digestBytes + length,
    itemNanoseconds: ({ length }) => nanosecondsOf(length),
    encode(bytes, address, _, messages) {
      const records = new Uint32Array(bytes.buffer, address, 2 * messages.length);
      let place = address + messages.length * (RECORD_BYTES + digestBytes);
      messages.forEach((message, i) => {
        bytes.set(message, place);
        records[2 * i] = place;
        records[2 * i + 1] = message.length;
        place += message.length;
      });
    },
    run({ exports }: { exports: CryptoExports }, address, count) {
      exports[name](address, count, address + count * RECORD_BYTES);
    },
    decode(bytes, address, _, messages) {
      const digests = address + messages.length * RECORD_BYTES;
      return messages.map((_, i) =>
        Uint8Array.from(bytes.subarray(digests + i * digestBytes, digests + (i + 1) * digestBytes)),
      );
    },
  };
}

/** What one core does, roughly: parts are made equal by it. */
export const SHA256_BATCH = hashOperation('sha256Batch', 32, (bytes) => 200 + bytes);
export const SHA512_BATCH = hashOperation('sha512Batch', 64, (bytes) => 400 + bytes);
