// HMAC-SHA256 and HMAC-SHA512: RFC 2104, with the answers of RFC 4231, section 4.
import { createHmac } from 'node:crypto';
import { hmac as nobleHmac } from '@noble/hashes/hmac.js';
import { sha256 as nobleSha256, sha512 as nobleSha512 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hmacSha256, hmacSha512 } from '../../src/crypto/hmac.ts';
import { IO_BYTES } from '../../src/kernel/crypto-kernel.ts';
import { hmac as twinHmac } from '../../src/reference/hmac.ts';
import { sha256 as twinSha256 } from '../../src/reference/sha256.ts';
import { sha512 as twinSha512 } from '../../src/reference/sha512.ts';
import { eachBuild } from './builds.ts';
import { bytesOf, message } from './hash-inputs.ts';
import { hex, toHex, vectorTest } from './vectors.ts';

const ascii = (text: string): string => Buffer.from(text).toString('hex');

/** RFC 4231: key, data, and what HMAC-SHA-256 and HMAC-SHA-512 begin with (section 4.6 states 128 bits only). */
const RFC_4231 = [
  {
    section: '4.2',
    key: '0b'.repeat(20),
    data: ascii('Hi There'),
    sha256: 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
    sha512:
      '87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854',
  },
  {
    section: '4.3',
    key: ascii('Jefe'),
    data: ascii('what do ya want for nothing?'),
    sha256: '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    sha512:
      '164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737',
  },
  {
    section: '4.4',
    key: 'aa'.repeat(20),
    data: 'dd'.repeat(50),
    sha256: '773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe',
    sha512:
      'fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb',
  },
  {
    section: '4.5',
    key: '0102030405060708090a0b0c0d0e0f10111213141516171819',
    data: 'cd'.repeat(50),
    sha256: '82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b',
    sha512:
      'b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3dba91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd',
  },
  {
    section: '4.6',
    key: '0c'.repeat(20),
    data: ascii('Test With Truncation'),
    sha256: 'a3b6167473100ee06e0c796c2955552b',
    sha512: '415fad6271580a531d4179bc891d87a6',
  },
  {
    section: '4.7',
    key: 'aa'.repeat(131),
    data: ascii('Test Using Larger Than Block-Size Key - Hash Key First'),
    sha256: '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
    sha512:
      '80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598',
  },
  {
    section: '4.8',
    key: 'aa'.repeat(131),
    data: ascii(
      'This is a test using a larger than block-size key and a larger than block-size data. ' +
        'The key needs to be hashed before being used by the HMAC algorithm.',
    ),
    sha256: '9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2',
    sha512:
      'e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944b6022cac3c4982b10d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58',
  },
];

const macs = [
  { name: 'sha256', hmac: hmacSha256, twin: twinSha256, noble: nobleSha256, digestBytes: 32, blockBytes: 64 },
  {
    name: 'sha512',
    hmac: hmacSha512,
    twin: twinSha512,
    noble: nobleSha512,
    digestBytes: 64,
    blockBytes: 128,
  },
] as const;

interface Wycheproof {
  readonly numberOfTests: number;
  readonly testGroups: readonly {
    readonly tagSize: number;
    readonly tests: readonly {
      readonly tcId: number;
      readonly key: string;
      readonly msg: string;
      readonly tag: string;
      readonly result: 'valid' | 'invalid';
    }[];
  }[];
}

test.each(macs)('RFC 4231: twin of $name', ({ name, twin }) => {
  for (const { section, key, data, [name]: code } of RFC_4231) {
    expect(toHex(twinHmac(twin, hex(key), hex(data))).slice(0, code.length), section).toBe(code);
  }
});

eachBuild('HMAC', (kernel) => {
  describe.each(macs)('$name', ({ name, hmac, twin, noble, digestBytes, blockBytes }) => {
    const native = (key: Uint8Array, bytes: Uint8Array): string =>
      createHmac(name, key).update(bytes).digest('hex');

    test('RFC 4231', () => {
      for (const { section, key, data, [name]: code } of RFC_4231) {
        expect(toHex(hmac(hex(key), hex(data))).slice(0, code.length), section).toBe(code);
      }
    });

    // A truncated tag is the beginning of the whole one; an invalid one differs from it.
    vectorTest<Wycheproof>(
      'Wycheproof',
      `wycheproof/hmac_${name}_test.json`,
      ({ numberOfTests, testGroups }) => {
        let count = 0;
        for (const { tagSize, tests } of testGroups) {
          for (const { tcId, key, msg, tag, result } of tests) {
            const whole = hmac(hex(key), hex(msg));
            const same = toHex(whole.subarray(0, tagSize / 8)) === tag;
            expect(same, `tcId ${tcId}`).toBe(result === 'valid');
            expect(toHex(hmac.create(hex(key)).update(hex(msg)).digest())).toBe(toHex(whole));
            count++;
          }
        }
        expect(numberOfTests).toBe(174);
        expect(count).toBe(174);
      },
    );

    test('agrees with its twin, @noble/hashes and node:crypto', () => {
      fc.assert(
        fc.property(bytesOf(blockBytes), bytesOf(blockBytes), (key, bytes) => {
          const code = toHex(hmac(key, bytes));
          expect(code).toBe(native(key, bytes));
          expect(code).toBe(toHex(nobleHmac(noble, key, bytes)));
          expect(code).toBe(toHex(twinHmac(twin, key, bytes)));
        }),
      );
    });

    test('keys of every length up to three blocks, and one longer than io', () => {
      const bytes = message(blockBytes + 5);
      for (let length = 0; length <= 3 * blockBytes; length++) {
        const key = message(length, 9);
        expect(toHex(hmac(key, bytes)), `${length}`).toBe(native(key, bytes));
        expect(toHex(hmac.create(key).update(bytes).digest()), `${length}`).toBe(native(key, bytes));
      }
      const long = message(IO_BYTES + 1);
      expect(toHex(hmac(long, bytes))).toBe(native(long, bytes));
      expect(toHex(hmac.create(long).update(bytes).digest())).toBe(native(long, bytes));
    });

    test('messages about the size of pieces and of io', () => {
      const key = message(32);
      const long = message(IO_BYTES + 3);
      for (const about of [64 << 10, IO_BYTES]) {
        for (const length of [about - 1, about, about + 1, about + 3]) {
          const bytes = long.subarray(0, length);
          expect(toHex(hmac(key, bytes)), `${length}`).toBe(native(key, bytes));
        }
      }
    });

    test('streams under different keys go on side by side', () => {
      const order = fc.array(fc.tuple(fc.nat(3), bytesOf(blockBytes)), { maxLength: 30 });
      fc.assert(
        fc.property(order, (order) => {
          const keys = [0, 32, blockBytes, blockBytes + 1].map((length) => message(length, 4));
          const streams = keys.map((key) => hmac.create(key));
          const natives = keys.map((key) => createHmac(name, key));
          for (const [which, piece] of order) {
            expect(streams[which]!.update(piece)).toBe(streams[which]);
            natives[which]!.update(piece);
          }
          streams.forEach((stream, i) => {
            expect(toHex(stream.digest())).toBe(natives[i]!.digest('hex'));
          });
        }),
        { numRuns: 50 },
      );
    });

    test('a stream ends once', () => {
      const stream = hmac.create(message(3));
      stream.digest();
      const givenUp = hmac.create(message(3)).update(message(1));
      givenUp.close();
      givenUp.close();
      for (const { digest, update } of [stream, givenUp].map((over) => ({
        digest: () => over.digest(),
        update: () => over.update(message(1)),
      }))) {
        expect(digest).toThrow(expect.objectContaining({ name: 'CryptoError', code: 'invalid_state' }));
        expect(update).toThrow(expect.objectContaining({ name: 'CryptoError', code: 'invalid_state' }));
      }
    });

    test('refuses what is not bytes, and does not repeat it', () => {
      const secret = 'a secret key' as unknown as Uint8Array;
      for (const call of [
        () => hmac(secret, message(1)),
        () => hmac(message(1), secret),
        () => hmac.create(secret),
        () => hmac.create(message(1)).update(secret),
      ]) {
        expect(call).toThrow(expect.objectContaining({ name: 'CryptoError', code: 'invalid_argument' }));
        expect(call).not.toThrow(/secret/);
      }
    });

    test('nothing of key and message stays in io', () => {
      kernel.bytes.fill(0, kernel.io, kernel.io + IO_BYTES);
      const [key, long] = [message(32), message(1000)];
      hmac(key, long);
      hmac(long, long);
      hmac.create(key).update(long).digest();
      hmac.create(long).update(key).digest();
      expect(kernel.bytes.subarray(kernel.io, kernel.io + IO_BYTES).findIndex((byte) => byte !== 0)).toBe(-1);
      expect(hmac.digestBytes).toBe(digestBytes);
    });
  });
});
