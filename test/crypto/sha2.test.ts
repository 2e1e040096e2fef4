// SHA-256 and SHA-512: FIPS 180-4. Known answers are those of NIST's examples for the standard.
import { createHash } from 'node:crypto';
import { sha256 as nobleSha256, sha512 as nobleSha512 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CryptoError } from '../../src/crypto/errors.ts';
import { sha256 } from '../../src/crypto/sha256.ts';
import { sha512 } from '../../src/crypto/sha512.ts';
import { IO_BYTES } from '../../src/kernel/crypto-kernel.ts';
import { sha256 as twinSha256 } from '../../src/reference/sha256.ts';
import { sha512 as twinSha512 } from '../../src/reference/sha512.ts';
import { eachBuild } from './builds.ts';
import { bytesOf, edgeLengths, message } from './hash-inputs.ts';
import { toHex } from './vectors.ts';

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

const MESSAGE_448_BITS = 'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq';
const MESSAGE_896_BITS =
  'abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu';
const MILLION = 'a'.repeat(1_000_000);

const hashes = [
  {
    name: 'sha256',
    hash: sha256,
    twin: twinSha256,
    noble: nobleSha256,
    digestBytes: 32,
    blockBytes: 64,
    known: [
      ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
      ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
      [MESSAGE_448_BITS, '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1'],
      [MESSAGE_896_BITS, 'cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1'],
      [MILLION, 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0'],
    ],
  },
  {
    name: 'sha512',
    hash: sha512,
    twin: twinSha512,
    noble: nobleSha512,
    digestBytes: 64,
    blockBytes: 128,
    known: [
      [
        '',
        'cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e',
      ],
      [
        'abc',
        'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
      ],
      [
        MESSAGE_448_BITS,
        '204a8fc6dda82f0a0ced7beb8e08a41657c16ef468b228a8279be331a703c33596fd15c13b1b07f9aa1d3bea57789ca031ad85c7a71dd70354ec631238ca3445',
      ],
      [
        MESSAGE_896_BITS,
        '8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909',
      ],
      [
        MILLION,
        'e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973ebde0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b',
      ],
    ],
  },
] as const;

describe.each(hashes)('twin $name', ({ name, twin, known }) => {
  test('known answers', () => {
    // A million bytes take the twin of SHA-512 too long.
    for (const [text, digest] of known.slice(0, 4)) expect(toHex(twin.digest(ascii(text)))).toBe(digest);
  });

  test('all lengths of the first blocks agree with node:crypto', () => {
    for (let length = 0; length <= 260; length++) {
      const bytes = message(length);
      expect(toHex(twin.digest(bytes)), `${length}`).toBe(createHash(name).update(bytes).digest('hex'));
    }
  });
});

eachBuild('FIPS 180-4', (kernel) => {
  describe.each(hashes)('$name', ({ name, hash, twin, noble, digestBytes, blockBytes, known }) => {
    const native = (bytes: Uint8Array): string => createHash(name).update(bytes).digest('hex');

    test('known answers', () => {
      for (const [text, digest] of known) expect(toHex(hash(ascii(text)))).toBe(digest);
    });

    test('states its lengths', () => {
      expect(hash.digestBytes).toBe(digestBytes);
      expect(hash.blockBytes).toBe(blockBytes);
      expect(hash(message(5))).toHaveLength(digestBytes);
    });

    test('agrees with its twin, @noble/hashes and node:crypto', () => {
      fc.assert(
        fc.property(bytesOf(blockBytes), (bytes) => {
          const digest = toHex(hash(bytes));
          expect(digest).toBe(native(bytes));
          expect(digest).toBe(toHex(noble(bytes)));
          expect(digest).toBe(toHex(twin.digest(bytes)));
        }),
        { numRuns: 150 },
      );
    });

    test('every length up to nine blocks, and lengths about the size of pieces and of io', () => {
      const long = message(2 * IO_BYTES + 3);
      for (let length = 0; length <= 9 * blockBytes; length++) {
        expect(toHex(hash(long.subarray(0, length))), `${length}`).toBe(native(long.subarray(0, length)));
      }
      for (const about of [64 << 10, 128 << 10, IO_BYTES, 2 * IO_BYTES]) {
        for (const length of [about - 1, about, about + 1, about + 3]) {
          expect(toHex(hash(long.subarray(0, length))), `${length}`).toBe(native(long.subarray(0, length)));
        }
      }
    });

    test('a message in pieces is the message', () => {
      const pieces = fc.array(bytesOf(blockBytes), { maxLength: 8 });
      fc.assert(
        fc.property(pieces, (pieces) => {
          const stream = hash.create();
          for (const piece of pieces) expect(stream.update(piece)).toBe(stream);
          expect(toHex(stream.digest())).toBe(native(Buffer.concat(pieces)));
        }),
      );
      const long = message(IO_BYTES + 77);
      expect(toHex(hash.create().update(long).update(long).digest())).toBe(
        native(Buffer.concat([long, long])),
      );
    });

    test('streams go on side by side, with other calls between them', () => {
      const order = fc.array(fc.tuple(fc.nat(4), bytesOf(blockBytes)), { maxLength: 40 });
      fc.assert(
        fc.property(order, (order) => {
          const streams = Array.from({ length: 5 }, () => hash.create());
          const natives = streams.map(() => createHash(name));
          for (const [which, piece] of order) {
            streams[which]!.update(piece);
            natives[which]!.update(piece);
            hash(piece);
          }
          streams.forEach((stream, i) => {
            expect(toHex(stream.digest())).toBe(natives[i]!.digest('hex'));
          });
        }),
      );
    });

    test('a stream ends once', () => {
      const stream = hash.create().update(message(3));
      stream.digest();
      for (const late of [() => stream.digest(), () => stream.update(message(1))]) {
        expect(late).toThrow(CryptoError);
        expect(late).toThrow(expect.objectContaining({ code: 'invalid_state' }));
      }
    });

    test('a batch is each of its messages', () => {
      fc.assert(
        fc.property(fc.array(bytesOf(blockBytes), { maxLength: 40 }), (messages) => {
          expect(hash.batch(messages).map(toHex)).toEqual(messages.map(native));
        }),
      );
    });

    test('batches of all sizes, of edge lengths in any order', () => {
      const lengths = edgeLengths(blockBytes);
      for (const count of [0, 1, 2, 3, 4, 5, 7, 8, 9, 1023, 1024, 1025, 2500]) {
        const messages = Array.from({ length: count }, (_, i) =>
          message(lengths[(i * 31 + count) % lengths.length]!, i),
        );
        expect(hash.batch(messages).map(toHex), `${count}`).toEqual(messages.map(native));
      }
    });

    test('a batch with messages longer than io, and more than io together', () => {
      const lengths = [0, IO_BYTES + 1, 5, 1_500_000, 1_500_000, 0, 3 * IO_BYTES, 100, 100, IO_BYTES, 64];
      const messages = lengths.map((length, i) => message(length, i));
      expect(hash.batch(messages).map(toHex)).toEqual(messages.map(native));
    });

    test('digests are in memory of their own', () => {
      const [one, two] = hash.batch([message(1), message(2)]) as [Uint8Array, Uint8Array];
      const digests = [one, two, hash(message(1)), hash.create().digest()];
      expect(new Set(digests.map((digest) => digest.buffer)).size).toBe(digests.length);
      for (const digest of digests) expect(digest.buffer).not.toBe(kernel.memory.buffer);
    });

    test('refuses what is not bytes', () => {
      const wrong = 'abc' as unknown as Uint8Array;
      const calls = [
        () => hash(wrong),
        () => hash.create().update(wrong),
        () => hash.batch([message(1), wrong]),
        () => hash.batch(wrong as unknown as Uint8Array[]),
      ];
      for (const call of calls) {
        expect(call).toThrow(expect.objectContaining({ name: 'CryptoError', code: 'invalid_argument' }));
      }
    });

    test('nothing of a message stays in io', () => {
      const bytes = message(3000).map((byte) => byte | 1);
      kernel.bytes.fill(0, kernel.io, kernel.io + IO_BYTES);
      hash(bytes);
      hash.batch([bytes, bytes.subarray(0, 7), bytes.subarray(0, 1000)]);
      hash.create().update(bytes).digest();
      expect(kernel.bytes.subarray(kernel.io, kernel.io + IO_BYTES).findIndex((byte) => byte !== 0)).toBe(-1);
    });
  });
});
