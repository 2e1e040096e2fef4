// chacha20poly1305 of specie/crypto: RFC 8439 section 2.8.2, vectors, Wycheproof, @noble/ciphers and node:crypto.
import { createCipheriv } from 'node:crypto';
import { chacha20poly1305 as noble } from '@noble/ciphers/chacha.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  chacha20poly1305,
  expectTextBytes,
  OPENER_BYTES_MAX,
  TEXT_BYTES_MAX,
} from '../../src/crypto/chacha20poly1305.ts';
import { CryptoError, type CryptoErrorCode } from '../../src/crypto/errors.ts';
import { IO_BYTES } from '../../src/kernel/crypto-kernel.ts';
import * as twin from '../../src/reference/chacha20poly1305.ts';
import { eachBuild } from './builds.ts';
import { hex, toHex, vectorTest } from './vectors.ts';

const { seal, open, sealBatch, openBatch, createSealer, createOpener } = chacha20poly1305;

function native(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, aad: Uint8Array): Buffer {
  const cipher = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: 16 });
  cipher.setAAD(aad, { plaintextLength: plaintext.length });
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

function pattern(length: number, seed: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = i * 167 + seed * 59 + (i >> 8) * 3;
  return bytes;
}

const equal = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** The error of a call that must be refused. */
function refusal(call: () => unknown): CryptoError {
  try {
    call();
  } catch (error) {
    if (error instanceof CryptoError) return error;
    throw error;
  }
  throw new Error('expected a refusal, got a result');
}
const codeOf = (call: () => unknown): CryptoErrorCode => refusal(call).code;

/** What stands in the place of a refused item. */
const codeIn = (result: Uint8Array | CryptoError): CryptoErrorCode | undefined =>
  result instanceof CryptoError ? result.code : undefined;

/** A plaintext in hexadecimal, or why there is none. */
const verdict = (result: Uint8Array | CryptoError): string =>
  result instanceof CryptoError ? result.code : toHex(result);

const KEY = pattern(32, 1);
const NONCE = pattern(12, 2);
const AAD = pattern(13, 3);

interface AeadVector {
  key: string;
  nonce: string;
  aad?: string;
  msg: string;
  result: string;
}

interface Wycheproof {
  numberOfTests: number;
  testGroups: {
    ivSize: number;
    tests: {
      tcId: number;
      key: string;
      iv: string;
      aad: string;
      msg: string;
      ct: string;
      tag: string;
      result: 'valid' | 'invalid';
    }[];
  }[];
}

vectorTest<AeadVector[]>(
  'XChaCha20-Poly1305 is not offered: its nonces of 24 bytes are refused',
  'aead/stablelib_xchacha20poly1305.json',
  (vectors) => {
    expect(vectors.length).toBe(1);
    for (const { key, nonce, aad = '', msg, result } of vectors) {
      expect(codeOf(() => seal(hex(key), hex(nonce), hex(msg), hex(aad)))).toBe('invalid_argument');
      expect(codeOf(() => open(hex(key), hex(nonce), hex(result), hex(aad)))).toBe('invalid_argument');
    }
  },
);

describe('the twin', () => {
  test('agrees with node:crypto', () => {
    for (const length of [0, 1, 15, 16, 17, 63, 64, 65, 300]) {
      const text = pattern(length, 4);
      const sealed = native(KEY, NONCE, text, AAD);
      expect(toHex(twin.seal(KEY, NONCE, text, AAD))).toBe(toHex(sealed));
      expect(toHex(twin.open(KEY, NONCE, sealed, AAD)!)).toBe(toHex(text));
      sealed[length]! ^= 1;
      expect(twin.open(KEY, NONCE, sealed, AAD)).toBeUndefined();
    }
  });
});

eachBuild('chacha20poly1305', (kernel) => {
  test('RFC 8439, 2.8.2', () => {
    const sealed = seal(
      hex('808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f'),
      hex('070000004041424344454647'),
      Buffer.from(
        "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
      ),
      hex('50515253c0c1c2c3c4c5c6c7'),
    );
    expect(toHex(sealed)).toBe(
      'd31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a71' +
        'de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4def0' +
        '8e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691',
    );
  });

  vectorTest<AeadVector[]>('sealed and opened', 'aead/stablelib_chacha20poly1305.json', (vectors) => {
    expect(vectors.length).toBe(67);
    for (const { key, nonce, aad = '', msg, result } of vectors) {
      expect(toHex(seal(hex(key), hex(nonce), hex(msg), hex(aad)))).toBe(result);
      expect(toHex(open(hex(key), hex(nonce), hex(result), hex(aad)))).toBe(msg);
      expect(toHex(twin.seal(hex(key), hex(nonce), hex(msg), hex(aad)))).toBe(result);
    }
  });

  vectorTest<Wycheproof>('Wycheproof', 'wycheproof/chacha20_poly1305_test.json', (vectors) => {
    expect(vectors.numberOfTests).toBe(325);
    const seen = { valid: 0, invalid: 0, nonce: 0 };
    const batch: {
      key: Uint8Array;
      nonce: Uint8Array;
      ciphertext: Uint8Array;
      aad: Uint8Array;
      expected: string;
    }[] = [];
    for (const { ivSize, tests } of vectors.testGroups) {
      for (const { tcId, key, iv, aad, msg, ct, tag, result } of tests) {
        const name = `test ${tcId}`;
        const openIt = (): Uint8Array => open(hex(key), hex(iv), hex(ct + tag), hex(aad));
        if (ivSize !== 96) {
          seen.nonce++;
          expect(codeOf(openIt), name).toBe('invalid_argument');
          expect(
            codeOf(() => seal(hex(key), hex(iv), hex(msg), hex(aad))),
            name,
          ).toBe('invalid_argument');
          continue;
        }
        if (result === 'valid') {
          seen.valid++;
          expect(toHex(seal(hex(key), hex(iv), hex(msg), hex(aad))), name).toBe(ct + tag);
          expect(toHex(openIt()), name).toBe(msg);
        } else {
          seen.invalid++;
          expect(codeOf(openIt), name).toBe('authentication_failed');
        }
        const expected = result === 'valid' ? msg : 'authentication_failed';
        batch.push({ key: hex(key), nonce: hex(iv), ciphertext: hex(ct + tag), aad: hex(aad), expected });
      }
    }
    expect(seen.valid + seen.invalid + seen.nonce).toBe(325);
    expect(seen.nonce).toBe(9);
    expect(seen.invalid).toBeGreaterThan(50);
    const opened = openBatch(batch);
    batch.forEach(({ expected }, i) => {
      expect(verdict(opened[i]!)).toBe(expected);
    });
  });

  const bytes = (constraints: fc.IntArrayConstraints) => fc.uint8Array(constraints);
  const lengths = fc.oneof(
    fc.constantFrom(0, 1, 15, 16, 17, 63, 64, 65, 191, 192, 193, 255, 256, 257, 447, 448, 449, 4096 + 192),
    fc.nat(2000),
  );
  const text = lengths.chain((length) => bytes({ minLength: length, maxLength: length }));

  test('as the twin, @noble/ciphers and node:crypto, there and back', () => {
    fc.assert(
      fc.property(
        bytes({ minLength: 32, maxLength: 32 }),
        bytes({ minLength: 12, maxLength: 12 }),
        text,
        bytes({ maxLength: 80 }),
        (key, nonce, plaintext, aad) => {
          const sealed = seal(key, nonce, plaintext, aad);
          expect(toHex(sealed)).toBe(toHex(native(key, nonce, plaintext, aad)));
          expect(toHex(sealed)).toBe(toHex(noble(key, nonce, aad).encrypt(plaintext)));
          expect(toHex(sealed)).toBe(toHex(twin.seal(key, nonce, plaintext, aad)));
          expect(toHex(open(key, nonce, sealed, aad))).toBe(toHex(plaintext));
        },
      ),
      { numRuns: 150 },
    );
  });

  test('every length from 0 to 300 and around multiples of 64 and 256, as node:crypto', () => {
    const around = (step: number, to: number): number[] =>
      Array.from({ length: to / step }, (_, i) => [-1, 0, 1].map((d) => (i + 1) * step + d)).flat();
    for (const length of [...Array(301).keys(), ...around(64, 2048), ...around(256, 10_240)]) {
      const plaintext = pattern(length, length);
      const aad = pattern(length % 65, 5);
      const sealed = seal(KEY, NONCE, plaintext, aad);
      expect(equal(sealed, native(KEY, NONCE, plaintext, aad)), `${length} bytes`).toBe(true);
      expect(equal(open(KEY, NONCE, sealed, aad), plaintext), `${length} bytes`).toBe(true);
    }
  });

  test('longer than io: around its length, twice it, and a long aad', () => {
    const lengths: [text: number, aad: number][] = [
      ...[-100, -64, -63, -49, -48, -47, -16, -1, 0, 1, 17].map((d): [number, number] => [IO_BYTES + d, 0]),
      [2 * IO_BYTES + 12_345, 7],
      [100, IO_BYTES + 5],
      [0, IO_BYTES],
      [IO_BYTES >> 1, IO_BYTES >> 1],
    ];
    for (const [textLength, aadLength] of lengths) {
      const plaintext = pattern(textLength, 6);
      const aad = pattern(aadLength, 7);
      const sealed = seal(KEY, NONCE, plaintext, aad);
      expect(equal(sealed, native(KEY, NONCE, plaintext, aad)), `${textLength}, ${aadLength}`).toBe(true);
      expect(equal(open(KEY, NONCE, sealed, aad), plaintext), `${textLength}, ${aadLength}`).toBe(true);
      sealed[sealed.length >> 1]! ^= 0x10;
      expect(codeOf(() => open(KEY, NONCE, sealed, aad))).toBe('authentication_failed');
    }
  });

  test('every single bit that is flipped is refused', () => {
    for (const length of [0, 1, 20, 70]) {
      const sealed = seal(KEY, NONCE, pattern(length, 8), AAD);
      const flipped = (value: Uint8Array, bit: number): Uint8Array =>
        value.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
      const cases = [
        ...Array.from(
          { length: sealed.length * 8 },
          (_, bit) => [KEY, NONCE, flipped(sealed, bit), AAD] as const,
        ),
        ...Array.from({ length: 256 }, (_, bit) => [flipped(KEY, bit), NONCE, sealed, AAD] as const),
        ...Array.from({ length: 96 }, (_, bit) => [KEY, flipped(NONCE, bit), sealed, AAD] as const),
        ...Array.from({ length: 104 }, (_, bit) => [KEY, NONCE, sealed, flipped(AAD, bit)] as const),
      ];
      for (const [key, nonce, ciphertext, aad] of cases) {
        expect(codeOf(() => open(key, nonce, ciphertext, aad))).toBe('authentication_failed');
      }
      const items = cases.map(([key, nonce, ciphertext, aad]) => ({ key, nonce, ciphertext, aad }));
      expect(openBatch(items).map(codeIn)).toEqual(cases.map(() => 'authentication_failed'));
      expect(codeOf(() => open(KEY, NONCE, sealed))).toBe('authentication_failed');
      expect(codeOf(() => open(KEY, NONCE, sealed, AAD.subarray(1)))).toBe('authentication_failed');
    }
  });

  test('truncated and extended messages are refused', () => {
    const sealed = seal(KEY, NONCE, pattern(40, 9), AAD);
    for (let length = 0; length < sealed.length; length++) {
      expect(codeOf(() => open(KEY, NONCE, sealed.subarray(0, length), AAD))).toBe('authentication_failed');
      if (length > 0) {
        expect(codeOf(() => open(KEY, NONCE, sealed.subarray(length), AAD))).toBe('authentication_failed');
      }
    }
    expect(codeOf(() => open(KEY, NONCE, Buffer.concat([sealed, new Uint8Array(1)]), AAD))).toBe(
      'authentication_failed',
    );
  });

  test('arguments stay as they were, and results are memory of their own', () => {
    const plaintext = pattern(100, 10);
    const sealed = seal(KEY, NONCE, plaintext, AAD);
    const opened = open(KEY, NONCE, sealed, AAD);
    for (const result of [sealed, opened]) {
      expect(result.buffer).toBeInstanceOf(ArrayBuffer);
      expect(result.byteOffset).toBe(0);
      expect(result.buffer.byteLength).toBe(result.length);
    }
    expect(equal(plaintext, pattern(100, 10))).toBe(true);
    expect(equal(sealed, native(KEY, NONCE, plaintext, AAD))).toBe(true);
    expect([KEY, NONCE, AAD].map(toHex)).toEqual([pattern(32, 1), pattern(12, 2), pattern(13, 3)].map(toHex));
  });

  test('views into larger buffers are taken as they are', () => {
    const large = Buffer.concat([pattern(5, 1), KEY, NONCE, AAD, pattern(77, 11)]);
    const view = (from: number, length: number): Uint8Array => large.subarray(from, from + length);
    const sealed = seal(view(5, 32), view(37, 12), view(62, 77), view(49, 13));
    expect(equal(sealed, native(KEY, NONCE, pattern(77, 11), AAD))).toBe(true);
  });

  test('a Buffer, whose slice is no copy, stays as it was too', () => {
    for (const length of [100, IO_BYTES + 100]) {
      const plaintext = Buffer.from(pattern(length, 18));
      const sealed = Buffer.from(seal(KEY, NONCE, plaintext, AAD));
      const before = new Uint8Array(sealed);
      expect(equal(open(KEY, NONCE, sealed, AAD), plaintext)).toBe(true);
      const opener = createOpener(KEY, NONCE, AAD);
      opener.update(sealed.subarray(0, length));
      expect(equal(sealed, before)).toBe(true);
      sealed.fill(0, 0, length);
      expect(equal(opener.finish(sealed.subarray(length)), plaintext)).toBe(true);
      expect(equal(plaintext, pattern(length, 18))).toBe(true);
    }
  });

  test('nothing stays in io, whatever the outcome', () => {
    const clean = (): boolean =>
      kernel.bytes.subarray(kernel.io, kernel.io + IO_BYTES).every((byte) => byte === 0);
    kernel.bytes.fill(0, kernel.io, kernel.io + IO_BYTES);
    for (const length of [0, 33, 5000, IO_BYTES + 1]) {
      const plaintext = pattern(length, 12).fill(0xee);
      const sealed = seal(KEY, NONCE, plaintext, AAD);
      expect(clean(), `sealed ${length}`).toBe(true);
      open(KEY, NONCE, sealed, AAD);
      expect(clean(), `opened ${length}`).toBe(true);
      sealed[0]! ^= 1;
      expect(codeOf(() => open(KEY, NONCE, sealed, AAD))).toBe('authentication_failed');
      expect(clean(), `refused ${length}`).toBe(true);
      openBatch([
        { key: KEY, nonce: NONCE, ciphertext: sealed, aad: AAD },
        ...sealBatch([{ key: KEY, nonce: NONCE, plaintext }]).map((ciphertext) => ({
          key: KEY,
          nonce: NONCE,
          ciphertext,
        })),
      ]);
      expect(clean(), `batch ${length}`).toBe(true);
      const sealer = createSealer(KEY, NONCE, AAD);
      sealer.update(plaintext);
      sealer.finish();
      expect(clean(), `streamed ${length}`).toBe(true);
    }
  });

  test('wrong lengths and types: what was expected and what came, and no secret', () => {
    const sealed = seal(KEY, NONCE, AAD);
    for (const length of [0, 16, 31, 33, 64]) {
      const error = refusal(() => seal(new Uint8Array(length), NONCE, AAD));
      expect(error.code).toBe('invalid_argument');
      expect(error.message).toBe(`expected key of 32 bytes, got ${length}`);
      expect(codeOf(() => open(new Uint8Array(length), NONCE, sealed))).toBe('invalid_argument');
      expect(codeOf(() => createSealer(new Uint8Array(length), NONCE))).toBe('invalid_argument');
      expect(codeOf(() => createOpener(new Uint8Array(length), NONCE))).toBe('invalid_argument');
    }
    for (const length of [0, 8, 11, 13, 24]) {
      const error = refusal(() => seal(KEY, new Uint8Array(length), AAD));
      expect(error.code).toBe('invalid_argument');
      expect(error.message).toBe(`expected nonce of 12 bytes, got ${length}`);
      expect(codeOf(() => open(KEY, new Uint8Array(length), sealed))).toBe('invalid_argument');
      expect(codeOf(() => createSealer(KEY, new Uint8Array(length)))).toBe('invalid_argument');
      expect(codeOf(() => createOpener(KEY, new Uint8Array(length)))).toBe('invalid_argument');
    }
    for (const wrong of ['text', 5, null, [1, 2], new ArrayBuffer(32), new Uint16Array(16)]) {
      const value = wrong as unknown as Uint8Array;
      expect(codeOf(() => seal(value, NONCE, AAD))).toBe('invalid_argument');
      expect(codeOf(() => seal(KEY, value, AAD))).toBe('invalid_argument');
      expect(codeOf(() => seal(KEY, NONCE, value))).toBe('invalid_argument');
      expect(codeOf(() => seal(KEY, NONCE, AAD, value))).toBe('invalid_argument');
      expect(codeOf(() => open(KEY, NONCE, value))).toBe('invalid_argument');
      expect(codeOf(() => open(KEY, NONCE, sealed, value))).toBe('invalid_argument');
      expect(codeOf(() => createSealer(KEY, NONCE).update(value))).toBe('invalid_argument');
      expect(codeOf(() => createOpener(KEY, NONCE).update(value))).toBe('invalid_argument');
      expect(codeOf(() => createOpener(KEY, NONCE).finish(value))).toBe('invalid_argument');
      expect(codeOf(() => sealBatch([{ key: KEY, nonce: NONCE, plaintext: value }]))).toBe(
        'invalid_argument',
      );
    }
    const forged = refusal(() => open(KEY, NONCE, new Uint8Array(40), AAD));
    for (const secret of [KEY, NONCE, AAD]) expect(forged.message).not.toContain(toHex(secret).slice(0, 8));
  });

  test('the limit of RFC 8439 on the length of a text', () => {
    expect(TEXT_BYTES_MAX).toBe(274_877_906_880);
    expectTextBytes(TEXT_BYTES_MAX);
    expect(codeOf(() => expectTextBytes(TEXT_BYTES_MAX + 1))).toBe('message_limit_reached');
  });

  test('batches: each item as by itself, bad ones among them', () => {
    const item = fc.record({
      key: bytes({ minLength: 32, maxLength: 32 }),
      nonce: bytes({ minLength: 12, maxLength: 12 }),
      plaintext: text,
      aad: fc.option(bytes({ maxLength: 40 }), { nil: undefined }),
      flip: fc.option(fc.nat(), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(item, { maxLength: 20 }), (items) => {
        const plain = items.map(({ key, nonce, plaintext, aad }) => ({
          key,
          nonce,
          plaintext,
          ...(aad === undefined ? {} : { aad }),
        }));
        const sealed = sealBatch(plain);
        expect(sealed.length).toBe(items.length);
        const toOpen = plain.map(({ plaintext, ...rest }, i) => {
          const expected = native(rest.key, rest.nonce, plaintext, rest.aad ?? new Uint8Array());
          expect(equal(sealed[i]!, expected)).toBe(true);
          const { flip } = items[i]!;
          if (flip !== undefined) expected[flip % expected.length]! ^= 1 << (flip % 8);
          return { ...rest, ciphertext: expected };
        });
        const opened = openBatch(toOpen);
        expect(opened.length).toBe(items.length);
        items.forEach(({ plaintext, flip }, i) => {
          expect(verdict(opened[i]!)).toBe(flip === undefined ? toHex(plaintext) : 'authentication_failed');
        });
      }),
      { numRuns: 60 },
    );
  });

  test('batches larger than io, with items that are larger than io by themselves', () => {
    const sizes = [
      100,
      IO_BYTES - 200,
      0,
      1,
      IO_BYTES + 1,
      IO_BYTES >> 1,
      IO_BYTES >> 1,
      50,
      3 * IO_BYTES,
      7,
    ];
    const items = [...sizes, ...Array(3000).fill(1000)].map((length: number, i) => ({
      key: pattern(32, i),
      nonce: NONCE,
      plaintext: pattern(length, i + 1),
      aad: pattern(i % 30, i),
    }));
    const sealed = sealBatch(items);
    items.forEach(({ key, nonce, plaintext, aad }, i) => {
      expect(equal(sealed[i]!, native(key, nonce, plaintext, aad)), `item ${i}`).toBe(true);
      if (i % 7 === 4) sealed[i]![plaintext.length >> 1]! ^= 2;
    });
    const opened = openBatch(
      items.map(({ key, nonce, aad }, i) => ({ key, nonce, aad, ciphertext: sealed[i]! })),
    );
    items.forEach(({ plaintext }, i) => {
      if (i % 7 === 4) expect(codeIn(opened[i]!), `item ${i}`).toBe('authentication_failed');
      else expect(equal(opened[i] as Uint8Array, plaintext), `item ${i}`).toBe(true);
    });
  });

  test('empty batches, items shorter than a tag, and wrong lengths by their index', () => {
    expect(sealBatch([])).toEqual([]);
    expect(openBatch([])).toEqual([]);
    const good = { key: KEY, nonce: NONCE, ciphertext: seal(KEY, NONCE, AAD) };
    const short = Array.from({ length: 16 }, (_, i) => ({ ...good, ciphertext: new Uint8Array(i) }));
    expect(openBatch([good, ...short, good]).map(verdict)).toEqual([
      toHex(AAD),
      ...Array(16).fill('authentication_failed'),
      toHex(AAD),
    ]);
    const error = refusal(() => openBatch([good, good, { ...good, nonce: new Uint8Array(8) }]));
    expect(error.code).toBe('invalid_argument');
    expect(error.message).toBe('expected items[2].nonce of 12 bytes, got 8');
  });

  test('streams: any division into pieces seals and opens the same', () => {
    const pieces = fc.array(fc.oneof(fc.constantFrom(0, 1, 15, 16, 17, 63, 64, 65, 192, 256), fc.nat(700)), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(pieces, pieces, bytes({ maxLength: 40 }), (sealing, opening, aad) => {
        const total = sealing.reduce((a, b) => a + b, 0);
        const plaintext = pattern(total, 13);
        const sealer = createSealer(KEY, NONCE, aad);
        let from = 0;
        const parts = sealing.map((length) => {
          const part = sealer.update(plaintext.subarray(from, from + length));
          from += length;
          expect(part.length).toBe(length);
          return part;
        });
        const tag = sealer.finish();
        const ciphertext = Buffer.concat(parts);
        expect(toHex(Buffer.concat([ciphertext, tag]))).toBe(toHex(native(KEY, NONCE, plaintext, aad)));

        const opener = createOpener(KEY, NONCE, aad);
        from = 0;
        for (const length of [...opening, total]) {
          opener.update(ciphertext.subarray(from, from + length));
          from += length;
        }
        expect(toHex(opener.finish(tag))).toBe(toHex(plaintext));
      }),
      { numRuns: 100 },
    );
  });

  test('streams may run side by side, and long ones through io', () => {
    const texts = [pattern(IO_BYTES + 1000, 14), pattern(500_001, 15)];
    const sealers = texts.map((_, i) => createSealer(KEY, pattern(12, i), AAD));
    const parts: Uint8Array[][] = [[], []];
    for (let from = 0; from < texts[0]!.length; from += 300_007) {
      texts.forEach((text, i) => {
        parts[i]!.push(sealers[i]!.update(text.subarray(from, from + 300_007)));
      });
    }
    texts.forEach((text, i) => {
      const sealed = Buffer.concat([...parts[i]!, sealers[i]!.finish()]);
      expect(equal(sealed, native(KEY, pattern(12, i), text, AAD))).toBe(true);
      const opener = createOpener(KEY, pattern(12, i), AAD);
      opener.update(sealed.subarray(0, text.length));
      expect(equal(opener.finish(sealed.subarray(text.length)), text)).toBe(true);
    });
  });

  test('an opener gives out nothing before the tag, and nothing when it is wrong', () => {
    const plaintext = pattern(1000, 16);
    const sealed = seal(KEY, NONCE, plaintext, AAD);
    const tag = sealed.subarray(1000);
    for (const bit of [0, 4000, 7999]) {
      const opener = createOpener(KEY, NONCE, AAD);
      const forged = sealed.slice(0, 1000);
      forged[bit >> 3]! ^= 1 << (bit & 7);
      expect(opener.update(forged)).toBeUndefined();
      expect(codeOf(() => opener.finish(tag))).toBe('authentication_failed');
      expect(codeOf(() => opener.finish(tag))).toBe('invalid_state');
    }
    // What the caller does to a piece after he gave it changes nothing.
    const opener = createOpener(KEY, NONCE, AAD);
    const piece = sealed.slice(0, 1000);
    opener.update(piece);
    piece.fill(0);
    expect(equal(opener.finish(tag), plaintext)).toBe(true);
  });

  test('an opener holds back up to its bound, and drops everything beyond it', () => {
    expect(OPENER_BYTES_MAX).toBe(64 << 20);
    const sealed = seal(KEY, NONCE, pattern(100, 17));
    const exact = createOpener(KEY, NONCE, undefined, { bytesMax: 100 });
    exact.update(sealed.subarray(0, 100));
    expect(equal(exact.finish(sealed.subarray(100)), pattern(100, 17))).toBe(true);
    const beyond = createOpener(KEY, NONCE, undefined, { bytesMax: 99 });
    beyond.update(sealed.subarray(0, 60));
    const error = refusal(() => beyond.update(sealed.subarray(60, 100)));
    expect(error.code).toBe('invalid_argument');
    expect(error.message).toBe('expected at most 99 bytes of ciphertext (bytesMax), got 100');
    expect(codeOf(() => beyond.update(sealed.subarray(60, 61)))).toBe('invalid_state');
    for (const bytesMax of [-1, 1.5, Number.NaN, TEXT_BYTES_MAX + 1]) {
      expect(codeOf(() => createOpener(KEY, NONCE, AAD, { bytesMax }))).toBe('invalid_argument');
    }
  });

  test('streams that are finished or closed take nothing more', () => {
    const sealer = createSealer(KEY, NONCE);
    expect(toHex(sealer.finish())).toBe(toHex(seal(KEY, NONCE, new Uint8Array())));
    expect(codeOf(() => sealer.update(AAD))).toBe('invalid_state');
    expect(codeOf(() => sealer.finish())).toBe('invalid_state');
    sealer.close();
    const opener = createOpener(KEY, NONCE);
    opener.close();
    expect(codeOf(() => opener.update(AAD))).toBe('invalid_state');
    expect(codeOf(() => opener.finish(new Uint8Array(16)))).toBe('invalid_state');
    // A tag of the wrong length is a mistake of the caller: the message goes on.
    const patient = createOpener(KEY, NONCE);
    expect(codeOf(() => patient.finish(new Uint8Array(15)))).toBe('invalid_argument');
    expect(patient.finish(seal(KEY, NONCE, new Uint8Array())).length).toBe(0);
  });
});
