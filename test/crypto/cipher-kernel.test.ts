// The kernels of assembly/cipher by their addresses: RFC 8439 sections 2.3 to 2.6, appendix A, bounds, canaries.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CryptoKernel, WORKSPACE_BYTES } from '../../src/kernel/crypto-kernel.ts';
import * as chachaTwin from '../../src/reference/chacha20.ts';
import * as aeadTwin from '../../src/reference/chacha20poly1305.ts';
import * as polyTwin from '../../src/reference/poly1305.ts';
import { eachBuild } from './builds.ts';
import { withCanaries } from './canaries.ts';
import { hex, toHex, vectorTest } from './vectors.ts';

const SUNSCREEN = Buffer.from(
  "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
);
const KEY = hex('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f');

/** Every length that can matter: whole blocks, quads of them, steps of the kernel, and one off each. */
const LENGTHS = [
  ...Array(301).keys(),
  ...[448, 511, 512, 513, 639, 640, 641, 703, 704, 705, 767, 768, 769, 895, 896, 897, 959, 960, 961],
  ...[1023, 1024, 1025, 1215, 1216, 1217, 4095, 4096, 4097, 4287, 4288, 4289, 8192, 10_000],
];

const pattern = (length: number, seed: number): Uint8Array<ArrayBuffer> =>
  Uint8Array.from({ length }, (_, i) => (i * 167 + seed * 59 + (i >> 8) * 3) & 0xff);

function put(kernel: CryptoKernel, address: number, bytes: Uint8Array): void {
  kernel.bytes.set(bytes, address);
}

function kernelChacha(
  kernel: CryptoKernel,
  key: Uint8Array,
  counter: number,
  nonce: Uint8Array,
  message: Uint8Array,
): Uint8Array {
  const [, , input, output] = withCanaries(
    kernel,
    [32, 12, message.length, message.length],
    ([k, n, i, o]) => {
      put(kernel, k!, key);
      put(kernel, n!, nonce);
      put(kernel, i!, message);
      kernel.exports.chacha20(k!, counter, n!, i!, message.length, o!);
    },
  );
  expect(toHex(input!)).toBe(toHex(message));
  return output!;
}

function kernelPoly(kernel: CryptoKernel, key: Uint8Array, message: Uint8Array): string {
  const [, , tag] = withCanaries(kernel, [32, message.length, 16], ([k, m, t]) => {
    put(kernel, k!, key);
    put(kernel, m!, message);
    kernel.exports.poly1305(k!, m!, message.length, t!);
  });
  return toHex(tag!);
}

const rs = (r: string, s: string): Uint8Array<ArrayBuffer> => hex(r.padEnd(32, '0') + s.padEnd(32, '0'));
const ff = 'ff'.repeat(16);

/** Section 2.5.2 and appendix A.3, 7 to 11: carries and values around 2^130 - 5. */
const POLY_FACTS: [name: string, key: Uint8Array, message: Uint8Array, tag: string][] = [
  [
    '2.5.2',
    hex('85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b'),
    Buffer.from('Cryptographic Forum Research Group'),
    'a8061dc1305136c6c22b8baf0c0127a9',
  ],
  ['A.3 #7', rs('02', ''), hex(ff), '03'.padEnd(32, '0')],
  ['A.3 #8', rs('02', ff), hex('02'.padEnd(32, '0')), '03'.padEnd(32, '0')],
  ['A.3 #9', rs('01', ''), hex(`${ff}f0${'ff'.repeat(15)}${'11'.padEnd(32, '0')}`), '05'.padEnd(32, '0')],
  ['A.3 #10', rs('01', ''), hex(`${ff}fb${'fe'.repeat(15)}${'01'.repeat(16)}`), ''.padEnd(32, '0')],
  ['A.3 #11', rs('02', ''), hex(`fd${'ff'.repeat(15)}`), `fa${'ff'.repeat(15)}`],
];

describe('the twins agree with RFC 8439', () => {
  test('2.3.2: a block', () => {
    expect(toHex(chachaTwin.chacha20Block(KEY, 1, hex('000000090000004a00000000')))).toBe(
      '10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4ed2826446079faa0914c2d705d98b02a2' +
        'b5129cd1de164eb9cbd083e8a2503c4e',
    );
  });
  test.each(POLY_FACTS)('%s: Poly1305', (_, key, message, tag) => {
    expect(toHex(polyTwin.poly1305(key, message))).toBe(tag);
  });
});

eachBuild('ChaCha20 kernel', (kernel) => {
  test('2.3.2: a block, and the counter goes up', () => {
    const [, , state, block] = withCanaries(kernel, [32, 12, 64, 64], ([k, n, s, b]) => {
      put(kernel, k!, KEY);
      put(kernel, n!, hex('000000090000004a00000000'));
      kernel.exports.chachaState(s!, k!, 1, n!);
      kernel.exports.chachaBlock(s!, b!);
    });
    expect(toHex(block!)).toBe(
      '10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4ed2826446079faa0914c2d705d98b02a2' +
        'b5129cd1de164eb9cbd083e8a2503c4e',
    );
    expect(toHex(state!.subarray(48))).toBe('02000000000000090000004a00000000');
  });

  test('2.4.2: a message', () => {
    expect(toHex(kernelChacha(kernel, KEY, 1, hex('000000000000004a00000000'), SUNSCREEN))).toBe(
      '6e2e359a2568f98041ba0728dd0d6981e97e7aec1d4360c20a27afccfd9fae0bf91b65c5524733ab8f593dabcd62b357' +
        '1639d624e65152ab8f530c359f0861d807ca0dbf500d6a6156a38e088a22b65e52bc514d16ccf806818ce91ab7793736' +
        '5af90bbf74a35be6b40b8eedf2785e42874d',
    );
  });

  test('2.6.2: a one-time key is the first half of block 0', () => {
    const key = hex('808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f');
    expect(toHex(kernelChacha(kernel, key, 0, hex('000000000001020304050607'), new Uint8Array(32)))).toBe(
      '8ad5a08b905f81cc815040274ab29471a833b637e3fd0da508dbb8e2fdd1a646',
    );
  });

  test('every length, as the twin', () => {
    const key = pattern(32, 1);
    const nonce = pattern(12, 2);
    for (const length of LENGTHS) {
      const message = pattern(length, 3);
      expect(toHex(kernelChacha(kernel, key, 7, nonce, message)), `${length} bytes`).toBe(
        toHex(chachaTwin.chacha20(key, 7, nonce, message)),
      );
    }
  });

  test('the counter of the last blocks, and lanes that pass its end', () => {
    const key = pattern(32, 4);
    const nonce = pattern(12, 5);
    for (const counter of [0x7ffffffe, 0x7fffffff, 0x80000000, 0xfffffffc, 0xfffffffe, 0xffffffff]) {
      const message = pattern(Math.min(700, (2 ** 32 - counter) * 64), 6);
      expect(toHex(kernelChacha(kernel, key, counter, nonce, message)), `block ${counter}`).toBe(
        toHex(chachaTwin.chacha20(key, counter, nonce, message)),
      );
    }
  });

  test('in place', () => {
    for (const length of [1, 63, 64, 65, 255, 256, 257, 1000]) {
      const message = pattern(length, 8);
      const [, , text] = withCanaries(kernel, [32, 12, length], ([k, n, m]) => {
        put(kernel, k!, KEY);
        put(kernel, n!, new Uint8Array(12));
        put(kernel, m!, message);
        kernel.exports.chacha20(k!, 1, n!, m!, length, m!);
      });
      expect(toHex(text!)).toBe(toHex(chachaTwin.chacha20(KEY, 1, new Uint8Array(12), message)));
    }
  });

  vectorTest<{ key: string; nonce: string; stream: string }[]>(
    'keystream (nonces of 8 bytes: the original, whose counter takes the first 4 of the 12)',
    'aead/stablelib_chacha20.json',
    (vectors) => {
      expect(vectors.length).toBe(5);
      for (const { key, nonce, stream } of vectors) {
        const nonce12 = hex(nonce.padStart(24, '0'));
        const zeroes = new Uint8Array(stream.length / 2);
        expect(toHex(kernelChacha(kernel, hex(key), 0, nonce12, zeroes))).toBe(stream);
        expect(toHex(chachaTwin.chacha20(hex(key), 0, nonce12, zeroes))).toBe(stream);
      }
    },
  );
});

eachBuild('Poly1305 kernel', (kernel) => {
  test.each(POLY_FACTS)('%s', (_, key, message, tag) => {
    expect(kernelPoly(kernel, key, message)).toBe(tag);
  });

  test('every length, as the twin', () => {
    const key = pattern(32, 9);
    for (const length of LENGTHS) {
      const message = pattern(length, 10);
      expect(kernelPoly(kernel, key, message), `${length} bytes`).toBe(
        toHex(polyTwin.poly1305(key, message)),
      );
    }
  });

  test('limbs at their largest: all ones everywhere, over many blocks', () => {
    for (const r of [ff, 'ffffff0ffcffff0ffcffff0ffcffff0f', '01', '02', '05', 'fbffff0f']) {
      for (const s of ['', ff]) {
        for (const fill of [0xff, 0xfe, 0xfb, 0x00, 0x01, 0x80]) {
          for (const length of [1, 15, 16, 17, 31, 32, 48, 160, 4096, 4111]) {
            const key = rs(r, s);
            const message = new Uint8Array(length).fill(fill);
            expect(kernelPoly(kernel, key, message), `r ${r}, s ${s}, ${length} of ${fill}`).toBe(
              toHex(polyTwin.poly1305(key, message)),
            );
          }
        }
      }
    }
  });

  test('each bit of r: the 22 that section 2.5 clears change nothing', () => {
    const message = pattern(40, 11);
    let cleared = 0;
    for (let bit = 0; bit < 128; bit++) {
      const key = new Uint8Array(32);
      key[bit >> 3] = 1 << (bit & 7);
      const tag = kernelPoly(kernel, key, message);
      expect(tag, `bit ${bit}`).toBe(toHex(polyTwin.poly1305(key, message)));
      if (tag === '0'.repeat(32)) cleared++;
    }
    expect(cleared).toBe(22);
  });

  test('sums around 2^130 - 5, and around 2^128 after it', () => {
    // With r = 1 the accumulator is the sum of the blocks: chosen to end within 16 of the prime and of its multiples.
    for (let offset = -16n; offset <= 16n; offset++) {
      for (const multiple of [1n, 2n]) {
        const target = (2n ** 130n - 5n) * multiple + offset;
        const blocks: bigint[] = [];
        let left = target;
        while (left >= 2n ** 128n) {
          const block = left - 2n ** 128n < 2n ** 128n ? left - 2n ** 128n : 2n ** 128n - 1n;
          blocks.push(block);
          left -= block + 2n ** 128n;
        }
        const message = new Uint8Array(16 * blocks.length);
        blocks.forEach((block, i) => {
          for (let j = 0; j < 16; j++) message[16 * i + j] = Number((block >> BigInt(8 * j)) & 0xffn);
        });
        for (const s of ['', ff, '01']) {
          expect(kernelPoly(kernel, rs('01', s), message), `${multiple} p + ${offset}`).toBe(
            toHex(polyTwin.poly1305(rs('01', s), message)),
          );
        }
      }
    }
  });

  test('random blocks that favour extremes', () => {
    const byte = fc.oneof(
      fc.constantFrom(0, 1, 0x0f, 0x7f, 0x80, 0xfb, 0xfc, 0xfe, 0xff),
      fc.integer({ min: 0, max: 255 }),
    );
    const bytes = (min: number, max: number) =>
      fc.array(byte, { minLength: min, maxLength: max }).map((a) => Uint8Array.from(a));
    fc.assert(
      fc.property(bytes(32, 32), bytes(0, 200), (key, message) => {
        expect(kernelPoly(kernel, key, message)).toBe(toHex(polyTwin.poly1305(key, message)));
      }),
      { numRuns: 400 },
    );
  });

  vectorTest<{ data: string; key: string; mac: string }[]>(
    'tags',
    'aead/stablelib_poly1305.json',
    (vectors) => {
      expect(vectors.length).toBe(32);
      for (const { data, key, mac } of vectors) {
        expect(kernelPoly(kernel, hex(key), hex(data))).toBe(mac);
        expect(toHex(polyTwin.poly1305(hex(key), hex(data)))).toBe(mac);
      }
    },
  );
});

eachBuild('ChaCha20-Poly1305 kernel', (kernel) => {
  const key = pattern(32, 12);
  const nonce = pattern(12, 13);

  test('seals and opens beside guards, every length', () => {
    for (const length of LENGTHS) {
      const aad = pattern(length % 37, 14);
      const message = pattern(length, 15);
      const expected = aeadTwin.seal(key, nonce, message, aad);
      const sealed = withCanaries(kernel, [32, 12, aad.length, length, length + 16], ([k, n, a, i, o]) => {
        put(kernel, k!, key);
        put(kernel, n!, nonce);
        put(kernel, a!, aad);
        put(kernel, i!, message);
        kernel.exports.aeadSeal(k!, n!, a!, aad.length, i!, length, o!);
      });
      expect(toHex(sealed[4]!), `${length} bytes`).toBe(toHex(expected));
      expect([sealed[0], sealed[1], sealed[2], sealed[3]].map((b) => toHex(b!))).toEqual(
        [key, nonce, aad, message].map(toHex),
      );
      const opened = withCanaries(kernel, [32, 12, aad.length, length + 16, length], ([k, n, a, i, o]) => {
        put(kernel, k!, key);
        put(kernel, n!, nonce);
        put(kernel, a!, aad);
        put(kernel, i!, expected);
        expect(kernel.exports.aeadOpen(k!, n!, a!, aad.length, i!, length + 16, o!)).toBe(1);
      });
      expect(toHex(opened[4]!), `${length} bytes`).toBe(toHex(message));
      expect(toHex(opened[3]!)).toBe(toHex(expected));
    }
  });

  test('in place, and what is refused leaves its output as it was', () => {
    for (const length of [0, 1, 16, 64, 191, 192, 193, 1000, 5000]) {
      const message = pattern(length, 16);
      const expected = aeadTwin.seal(key, nonce, message);
      const [, , text] = withCanaries(kernel, [32, 12, length + 16], ([k, n, t]) => {
        put(kernel, k!, key);
        put(kernel, n!, nonce);
        put(kernel, t!, message);
        kernel.exports.aeadSeal(k!, n!, 0, 0, t!, length, t!);
        expect(toHex(kernel.copy(t!, length + 16))).toBe(toHex(expected));

        for (const wrong of [0, length >> 1, length, length + 15]) {
          kernel.bytes[t! + wrong]! ^= 1;
          const before = kernel.copy(t!, length + 16);
          expect(kernel.exports.aeadOpen(k!, n!, 0, 0, t!, length + 16, t!)).toBe(0);
          expect(toHex(kernel.copy(t!, length + 16))).toBe(toHex(before));
          kernel.bytes[t! + wrong]! ^= 1;
        }
        expect(kernel.exports.aeadOpen(k!, n!, 0, 0, t!, length + 16, t!)).toBe(1);
      });
      expect(toHex(text!.subarray(0, length))).toBe(toHex(message));
      expect(toHex(text!.subarray(length))).toBe(toHex(expected.subarray(length)));
    }
  });

  test('shorter than a tag is refused, and nothing is written', () => {
    for (let length = 0; length < 16; length++) {
      const [, , , output] = withCanaries(kernel, [32, 12, length, 64], ([k, n, i, o]) => {
        expect(kernel.exports.aeadOpen(k!, n!, 0, 0, i!, length, o!)).toBe(0);
      });
      expect(output!.every((byte) => byte === 0xa5)).toBe(true);
    }
  });

  /** One item: lengths of aad and text, and whether one of its bits is flipped before opening. */
  interface Plan {
    readonly aad: number;
    readonly text: number;
    readonly bad: boolean;
  }

  function batch(plans: readonly Plan[], place: 'in place' | 'beside'): void {
    const itemBytes = kernel.exports.aeadItemBytes();
    expect(itemBytes).toBe(32);
    const keys = plans.map((_, i) => pattern(32, 20 + i));
    const nonces = plans.map((_, i) => pattern(12, 21 + i));
    const aads = plans.map(({ aad }, i) => pattern(aad, 22 + i));
    const texts = plans.map(({ text }, i) => pattern(text, 23 + i));
    const expected = plans.map((_, i) => aeadTwin.seal(keys[i]!, nonces[i]!, texts[i]!, aads[i]!));
    const lengths = [
      itemBytes * plans.length,
      ...plans.flatMap(({ aad, text }) => [32, 12, aad, text + 16, text + 16]),
    ];
    withCanaries(kernel, lengths, ([records, ...places]) => {
      const view = new DataView(kernel.memory.buffer);
      const inputs: number[] = [];
      const outputs: number[] = [];
      plans.forEach(({ aad, text }, i) => {
        const [k, n, a, input, other] = places.slice(5 * i, 5 * i + 5) as [
          number,
          number,
          number,
          number,
          number,
        ];
        const output = place === 'in place' ? input : other;
        inputs.push(input);
        outputs.push(output);
        put(kernel, k, keys[i]!);
        put(kernel, n, nonces[i]!);
        put(kernel, a, aads[i]!);
        put(kernel, input, texts[i]!);
        [k, n, a, aad, input, text, output, 99].forEach((value, j) => {
          view.setUint32(records! + i * itemBytes + 4 * j, value, true);
        });
      });
      const status = (i: number): number => view.getUint32(records! + i * itemBytes + 28, true);

      kernel.exports.aeadSealBatch(records!, plans.length);
      plans.forEach(({ text, bad }, i) => {
        expect(status(i)).toBe(1);
        expect(toHex(kernel.copy(outputs[i]!, text + 16)), `item ${i}`).toBe(toHex(expected[i]!));
        // What was sealed is the input now, and the output is the other place.
        view.setUint32(records! + i * itemBytes + 16, outputs[i]!, true);
        view.setUint32(records! + i * itemBytes + 20, text + 16, true);
        view.setUint32(records! + i * itemBytes + 24, inputs[i]!, true);
        if (bad) kernel.bytes[outputs[i]! + ((i * 7) % (text + 16))]! ^= 1 << (i % 8);
      });
      const before = plans.map(({ text }, i) => kernel.copy(inputs[i]!, text + 16));

      kernel.exports.aeadOpenBatch(records!, plans.length);
      plans.forEach(({ text, bad }, i) => {
        expect(status(i), `item ${i}`).toBe(bad ? 0 : 1);
        const whole = Buffer.concat([texts[i]!, before[i]!.subarray(text)]);
        expect(toHex(kernel.copy(inputs[i]!, text + 16)), `item ${i}`).toBe(toHex(bad ? before[i]! : whole));
      });
    });
  }

  test('batches of every size from 0 to 70, short messages', () => {
    for (let count = 0; count <= 70; count++) {
      const plans = Array.from({ length: count }, (_, i) => ({
        aad: i % 20,
        text: (i * 37 + count) % 150,
        bad: i % 5 === 3,
      }));
      batch(plans, count % 2 === 0 ? 'in place' : 'beside');
    }
  });

  test('batches of any mixture', () => {
    const plan = fc.record({
      aad: fc.oneof(fc.constantFrom(0, 15, 16, 17), fc.nat(50)),
      text: fc.oneof(
        fc.constantFrom(0, 1, 63, 64, 65, 127, 128, 129, 192, 895, 896, 897, 959, 960, 961, 2000),
        fc.nat(300),
      ),
      bad: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(plan, { maxLength: 24 }),
        fc.constantFrom('in place', 'beside') as fc.Arbitrary<'in place' | 'beside'>,
        batch,
      ),
      { numRuns: 60 },
    );
  });

  test('a batch whose items are shorter than a tag', () => {
    withCanaries(kernel, [32 * 16, 32, 12, 16], ([records, k, n, text]) => {
      const view = new DataView(kernel.memory.buffer);
      for (let i = 0; i < 16; i++) {
        [k!, n!, 0, 0, text!, i, text!, 99].forEach((value, j) => {
          view.setUint32(records! + 32 * i + 4 * j, value, true);
        });
      }
      kernel.exports.aeadOpenBatch(records!, 16);
      for (let i = 0; i < 16; i++) expect(view.getUint32(records! + 32 * i + 28, true)).toBe(0);
    });
  });

  test('nothing stays in the workspace', () => {
    const from = kernel.io - WORKSPACE_BYTES;
    const dirty = (): number => kernel.bytes.subarray(from, kernel.io).findIndex((byte) => byte !== 0);
    kernel.bytes.fill(0, from, kernel.io);
    batch(
      Array.from({ length: 30 }, (_, i) => ({ aad: i, text: i * 40, bad: i % 2 === 0 })),
      'beside',
    );
    expect(dirty()).toBe(-1);
    kernelChacha(kernel, key, 0, nonce, pattern(1000, 1));
    expect(dirty()).toBe(-1);
    kernelPoly(kernel, key, pattern(1000, 1));
    expect(dirty()).toBe(-1);
  });
});
