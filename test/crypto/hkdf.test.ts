// HKDF-SHA256 and HKDF-SHA512: RFC 5869, with the answers of its appendix A for SHA-256.
import { hkdfSync } from 'node:crypto';
import { expand as nobleExpand, extract as nobleExtract } from '@noble/hashes/hkdf.js';
import { sha256 as nobleSha256, sha512 as nobleSha512 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hkdfSha256, hkdfSha512 } from '../../src/crypto/hkdf.ts';
import { IO_BYTES } from '../../src/kernel/crypto-kernel.ts';
import * as twin from '../../src/reference/hkdf.ts';
import { sha256 as twinSha256 } from '../../src/reference/sha256.ts';
import { sha512 as twinSha512 } from '../../src/reference/sha512.ts';
import { eachBuild } from './builds.ts';
import { bytesOf, message } from './hash-inputs.ts';
import { hex, toHex, vectorTest } from './vectors.ts';

const counting = (from: number, to: number): string =>
  toHex(Uint8Array.from({ length: to - from + 1 }, (_, i) => from + i));

const RFC_5869 = [
  {
    appendix: 'A.1',
    ikm: '0b'.repeat(22),
    salt: counting(0x00, 0x0c),
    info: counting(0xf0, 0xf9),
    length: 42,
    prk: '077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5',
    okm: '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
  },
  {
    appendix: 'A.2',
    ikm: counting(0x00, 0x4f),
    salt: counting(0x60, 0xaf),
    info: counting(0xb0, 0xff),
    length: 82,
    prk: '06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244',
    okm:
      'b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c' +
      '59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71' +
      'cc30c58179ec3e87c14c01d5c1f3434f1d87',
  },
  {
    appendix: 'A.3',
    ikm: '0b'.repeat(22),
    salt: '',
    info: '',
    length: 42,
    prk: '19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04',
    okm: '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
  },
];

const kdfs = [
  {
    name: 'sha256',
    hkdf: hkdfSha256,
    twinHash: twinSha256,
    noble: nobleSha256,
    digestBytes: 32,
    blockBytes: 64,
    vectors: 86,
  },
  {
    name: 'sha512',
    hkdf: hkdfSha512,
    twinHash: twinSha512,
    noble: nobleSha512,
    digestBytes: 64,
    blockBytes: 128,
    vectors: 83,
  },
] as const;

interface Wycheproof {
  readonly numberOfTests: number;
  readonly testGroups: readonly {
    readonly tests: readonly {
      readonly tcId: number;
      readonly ikm: string;
      readonly salt: string;
      readonly info: string;
      readonly size: number;
      readonly okm: string;
      readonly result: 'valid' | 'invalid';
    }[];
  }[];
}

test('RFC 5869: twin', () => {
  for (const { appendix, ikm, salt, info, length, prk, okm } of RFC_5869) {
    expect(toHex(twin.extract(twinSha256, hex(ikm), hex(salt))), appendix).toBe(prk);
    expect(toHex(twin.hkdf(twinSha256, hex(ikm), hex(salt), hex(info), length)), appendix).toBe(okm);
  }
});

eachBuild('HKDF', (kernel) => {
  test('RFC 5869', () => {
    for (const { appendix, ikm, salt, info, length, prk, okm } of RFC_5869) {
      expect(toHex(hkdfSha256.extract(hex(salt), hex(ikm))), appendix).toBe(prk);
      expect(toHex(hkdfSha256.expand(hex(prk), hex(info), length)), appendix).toBe(okm);
      expect(toHex(hkdfSha256(hex(ikm), hex(salt), hex(info), length)), appendix).toBe(okm);
    }
  });

  describe.each(kdfs)('$name', ({ name, hkdf, twinHash, noble, digestBytes, blockBytes, vectors }) => {
    const refused = expect.objectContaining({ name: 'CryptoError', code: 'invalid_argument' });
    const lengthMax = 255 * digestBytes;

    vectorTest<Wycheproof>(
      'Wycheproof',
      `wycheproof/hkdf_${name}_test.json`,
      ({ numberOfTests, testGroups }) => {
        let count = 0;
        for (const { tests } of testGroups) {
          for (const { tcId, ikm, salt, info, size, okm, result } of tests) {
            const derive = () => hkdf(hex(ikm), hex(salt), hex(info), size);
            if (result === 'valid') expect(toHex(derive()), `tcId ${tcId}`).toBe(okm);
            else expect(derive, `tcId ${tcId}`).toThrow(refused);
            count++;
          }
        }
        expect(numberOfTests).toBe(vectors);
        expect(count).toBe(vectors);
      },
    );

    test('agrees with its twin, @noble/hashes and node:crypto', () => {
      const lengths = fc.oneof(
        fc.nat(3 * digestBytes),
        fc.constantFrom(0, 1, digestBytes - 1, digestBytes, digestBytes + 1, 2 * digestBytes, 300),
      );
      fc.assert(
        fc.property(
          bytesOf(blockBytes),
          bytesOf(blockBytes),
          bytesOf(blockBytes),
          lengths,
          (ikm, salt, info, length) => {
            const prk = hkdf.extract(salt, ikm);
            expect(toHex(prk)).toBe(toHex(nobleExtract(noble, ikm, salt)));
            const okm = toHex(hkdf.expand(prk, info, length));
            expect(toHex(hkdf(ikm, salt, info, length))).toBe(okm);
            expect(okm).toBe(toHex(twin.hkdf(twinHash, ikm, salt, info, length)));
            // node:crypto takes no longer info.
            if (info.length <= 1024) {
              expect(okm).toBe(toHex(new Uint8Array(hkdfSync(name, ikm, salt, info, length))));
            }
            if (length > 0) expect(okm).toBe(toHex(nobleExpand(noble, prk, info, length)));
          },
        ),
        { numRuns: 50 },
      );
    });

    test('no salt is a salt of zeroes', () => {
      const ikm = message(32);
      const zeroes = hkdf.extract(new Uint8Array(digestBytes), ikm);
      expect(hkdf.extract(undefined, ikm)).toEqual(zeroes);
      expect(hkdf.extract(new Uint8Array(0), ikm)).toEqual(zeroes);
      expect(hkdf(ikm, undefined, message(3), 40)).toEqual(hkdf.expand(zeroes, message(3), 40));
    });

    test('lengths from 0 to 255 digests', () => {
      const [ikm, salt, info] = [message(32), message(16), message(200)];
      for (const length of [0, lengthMax - 1, lengthMax]) {
        const okm = hkdf(ikm, salt, info, length);
        expect(toHex(okm)).toBe(toHex(new Uint8Array(hkdfSync(name, ikm, salt, info, length))));
      }
      for (const length of [-1, lengthMax + 1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, '32', undefined]) {
        expect(() => hkdf(ikm, salt, info, length as number)).toThrow(refused);
        expect(() => hkdf.expand(message(digestBytes), info, length as number)).toThrow(refused);
      }
    });

    test('an info of 1 MiB, and none longer', () => {
      const prk = message(digestBytes);
      const info = message(1 << 20);
      expect(toHex(hkdf.expand(prk, info, digestBytes + 1))).toBe(
        toHex(nobleExpand(noble, prk, info, digestBytes + 1)),
      );
      expect(() => hkdf.expand(prk, message((1 << 20) + 1), 32)).toThrow(refused);
    });

    test('a pseudorandom key is at least one digest long', () => {
      for (const length of [digestBytes, digestBytes + 1, blockBytes, blockBytes + 1, 512]) {
        const prk = message(length);
        expect(hkdf.expand(prk, message(5), 50)).toEqual(nobleExpand(noble, prk, message(5), 50));
      }
      for (const length of [0, digestBytes - 1, 513]) {
        expect(() => hkdf.expand(message(length), message(5), 50)).toThrow(refused);
      }
    });

    test('refuses what is not bytes', () => {
      const [some, wrong] = [message(64), 'secret' as unknown as Uint8Array];
      for (const call of [
        () => hkdf.extract(wrong, some),
        () => hkdf.extract(some, wrong),
        () => hkdf.expand(wrong, some, 32),
        () => hkdf.expand(some, wrong, 32),
        () => hkdf(wrong, some, some, 32),
        () => hkdf(some, wrong, some, 32),
        () => hkdf(some, some, wrong, 32),
      ]) {
        expect(call).toThrow(refused);
        expect(call).not.toThrow(/secret/);
      }
    });

    test('nothing stays in io', () => {
      kernel.bytes.fill(0, kernel.io, kernel.io + IO_BYTES);
      hkdf(message(100), message(200), message(300), 400);
      expect(kernel.bytes.subarray(kernel.io, kernel.io + IO_BYTES).findIndex((byte) => byte !== 0)).toBe(-1);
    });
  });
});
