// The hash kernels by address, as other kernels call them: they change their output and nothing else, give back what
// they take of the workspace, and leave nothing of a message or key in it.
import { createHash, createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CryptoKernel, WORKSPACE_BYTES } from '../../src/kernel/crypto-kernel.ts';
import { eachBuild } from './builds.ts';
import { withCanaries } from './canaries.ts';
import { edgeLengths, message } from './hash-inputs.ts';
import { toHex } from './vectors.ts';

const sha = (name: string, bytes: Uint8Array): string => createHash(name).update(bytes).digest('hex');
const mac = (name: string, key: Uint8Array, bytes: Uint8Array): string =>
  createHmac(name, key).update(bytes).digest('hex');

/** Bytes of the workspace that a call may have used. */
const WORKSPACE_SEEN = 8192;

function cleanly(kernel: CryptoKernel, lengths: number[], call: (addresses: number[]) => void): Uint8Array[] {
  const workspace = kernel.io - WORKSPACE_BYTES;
  const room = kernel.exports.workspaceRoom();
  kernel.bytes.fill(0, workspace, workspace + WORKSPACE_SEEN);
  const after = withCanaries(kernel, lengths, call);
  expect(kernel.exports.workspaceRoom()).toBe(room);
  const used = kernel.bytes.subarray(workspace, workspace + WORKSPACE_SEEN);
  expect(
    used.findIndex((byte) => byte !== 0),
    'first byte of the workspace that is not wiped',
  ).toBe(-1);
  return after;
}

eachBuild('hash kernels', (kernel) => {
  const { exports } = kernel;
  const put = (address: number, bytes: Uint8Array): void => kernel.bytes.set(bytes, address);
  const records = (messages: Uint8Array[], addresses: number[]): Uint8Array =>
    new Uint8Array(Uint32Array.from(messages.flatMap(({ length }, i) => [addresses[i]!, length])).buffer);

  test('sizes', () => {
    expect(exports.SHA256_CONTEXT_BYTES.value).toBe(104);
    expect(exports.SHA512_CONTEXT_BYTES.value).toBe(200);
    expect(exports.HMAC_SHA256_KEY_BYTES.value).toBe(64);
    expect(exports.HMAC_SHA512_KEY_BYTES.value).toBe(128);
    expect(exports.HMAC_SHA256X4_KEYS_BYTES.value).toBe(256);
    expect(exports.HASH_MESSAGE_BYTES.value).toBe(8);
    expect(exports.HKDF_SHA256_EXPAND_BYTES_MAX.value).toBe(8160);
    expect(exports.HKDF_SHA512_EXPAND_BYTES_MAX.value).toBe(16_320);
  });

  describe.each([
    { name: 'sha256', digestBytes: 32, blockBytes: 64, keyBytes: 64, contextBytes: 104 },
    { name: 'sha512', digestBytes: 64, blockBytes: 128, keyBytes: 128, contextBytes: 200 },
  ] as const)('$name', ({ name, digestBytes, blockBytes, keyBytes, contextBytes }) => {
    const whole = exports[name];
    const batch = exports[`${name}Batch`];
    const capital = name === 'sha256' ? 'Sha256' : 'Sha512';
    const hmacKey = exports[`hmac${capital}Key`];
    const hmac = exports[`hmac${capital}`];
    const hkdfExpand = exports[`hkdf${capital}Expand`];
    const lengths = edgeLengths(blockBytes);

    test('one message', () => {
      for (const length of lengths) {
        const bytes = message(length);
        const [after, digest] = cleanly(kernel, [length, digestBytes], ([place, out]) => {
          put(place!, bytes);
          whole(place!, length, out!);
        });
        expect(toHex(digest!)).toBe(sha(name, bytes));
        expect(toHex(after!)).toBe(toHex(bytes));
      }
    });

    test('the digest may lie on the message, at any address', () => {
      for (let shift = 0; shift < 16; shift++) {
        const bytes = message(200 + shift);
        const [after] = cleanly(kernel, [300], ([place]) => {
          put(place! + shift, bytes);
          whole(place! + shift, bytes.length, place! + shift);
        });
        expect(toHex(after!.subarray(shift, shift + digestBytes))).toBe(sha(name, bytes));
      }
    });

    test('pieces over a context, which is wiped at the end', () => {
      for (const length of lengths) {
        const bytes = message(length);
        const [context, , digest] = cleanly(
          kernel,
          [contextBytes, length, digestBytes],
          ([context, place, out]) => {
            put(place!, bytes);
            exports[`${name}Init`](context!);
            for (let from = 0; from < length; from += 37) {
              exports[`${name}Update`](context!, place! + from, Math.min(37, length - from));
            }
            exports[`${name}Final`](context!, out!);
          },
        );
        expect(toHex(digest!)).toBe(sha(name, bytes));
        expect(context!.every((byte) => byte === 0)).toBe(true);
      }
    });

    test('a batch changes its digests only', () => {
      const counts = fc.array(fc.constantFrom(...lengths), { maxLength: 12 });
      fc.assert(
        fc.property(counts, (lengths) => {
          const messages = lengths.map((length, i) => message(length, i));
          const buffers = [8 * lengths.length, digestBytes * lengths.length, ...lengths];
          const [, digests, ...after] = cleanly(kernel, buffers, ([list, out, ...places]) => {
            messages.forEach((bytes, i) => {
              put(places[i]!, bytes);
            });
            put(list!, records(messages, places));
            batch(list!, messages.length, out!);
          });
          expect(toHex(digests!)).toBe(messages.map((bytes) => sha(name, bytes)).join(''));
          expect(after.map(toHex)).toEqual(messages.map(toHex));
        }),
      );
    });

    test('HMAC under a prepared key, in place', () => {
      for (const length of lengths) {
        const [key, bytes] = [message(length, 2), message(length, 3)];
        const buffers = [Math.max(length, keyBytes), Math.max(length, digestBytes)];
        const [, code] = cleanly(kernel, buffers, ([prepared, place]) => {
          put(prepared!, key);
          put(place!, bytes);
          hmacKey(prepared!, prepared!, length);
          hmac(prepared!, place!, length, place!);
        });
        expect(toHex(code!.subarray(0, digestBytes))).toBe(mac(name, key, bytes));
      }
    });

    test('HKDF writes as many bytes as it is asked for', () => {
      const [prk, info] = [message(digestBytes, 5), message(11, 6)];
      let okm = '';
      for (let i = 1, t = ''; i <= 3; i++) {
        t = mac(name, prk, Buffer.concat([Buffer.from(t, 'hex'), info, Uint8Array.of(i)]));
        okm += t;
      }
      for (let length = 0; length <= 3 * digestBytes; length += 7) {
        const [, , derived] = cleanly(kernel, [keyBytes, 11, length], ([prepared, place, out]) => {
          put(prepared!, prk);
          put(place!, info);
          hmacKey(prepared!, prepared!, digestBytes);
          hkdfExpand(prepared!, place!, 11, out!, length);
        });
        expect(toHex(derived!)).toBe(okm.slice(0, 2 * length));
      }
    });
  });

  test('SHA-512 of four pieces', () => {
    const piece = fc.constantFrom(0, 1, 32, 63, 64, 127, 128, 129, 300);
    fc.assert(
      fc.property(fc.tuple(piece, piece, piece, piece), (lengths) => {
        const pieces = lengths.map((length, i) => message(length, i));
        const [digest] = cleanly(kernel, [64, ...lengths], ([out, a, b, c, d]) => {
          [a, b, c, d].forEach((place, i) => {
            put(place!, pieces[i]!);
          });
          const [aBytes, bBytes, cBytes, dBytes] = lengths;
          exports.sha512Pieces(a!, aBytes, b!, bBytes, c!, cBytes, d!, dBytes, out!);
        });
        expect(toHex(digest!)).toBe(sha('sha512', Buffer.concat(pieces)));
      }),
    );
  });

  describe('HMAC-SHA256 of four messages at once', () => {
    const four = (length: number, seed: number): Uint8Array[] =>
      [0, 1, 2, 3].map((lane) => message(length, 4 * seed + lane));
    const strideOf = (length: number): number => length + 5;
    const put4 = (address: number, all: Uint8Array[], stride: number): void => {
      all.forEach((bytes, lane) => {
        put(address + lane * stride, bytes);
      });
    };
    const codes = (out: Uint8Array, stride: number): string[] =>
      [0, 1, 2, 3].map((lane) => toHex(out.subarray(lane * stride, lane * stride + 32)));

    test('four keys', () => {
      const keyLengths = fc.constantFrom(0, 1, 31, 32, 33, 63, 64);
      const length = fc.oneof(fc.nat(400), fc.constantFrom(...edgeLengths(64)));
      fc.assert(
        fc.property(keyLengths, length, fc.constantFrom(32, 40), (keyLength, length, outStride) => {
          const [keys, messages] = [four(keyLength, 1), four(length, 2)];
          const [keyStride, stride] = [strideOf(keyLength), strideOf(length)];
          const buffers = [256, 4 * keyStride, 4 * stride, 3 * outStride + 32];
          const [, , , out] = cleanly(kernel, buffers, ([prepared, keyPlace, place, out]) => {
            put4(keyPlace!, keys, keyStride);
            put4(place!, messages, stride);
            exports.hmacSha256x4Keys(prepared!, keyPlace!, keyStride, keyLength);
            exports.hmacSha256x4(prepared!, place!, stride, length, out!, outStride);
          });
          const expected = messages.map((bytes, lane) => mac('sha256', keys[lane]!, bytes));
          expect(codes(out!, outStride)).toEqual(expected);
        }),
      );
    });

    test('one prepared key', () => {
      for (const length of edgeLengths(64)) {
        const [key, messages] = [message(100, 7), four(length, 3)];
        const stride = strideOf(length);
        const [, , , out] = cleanly(
          kernel,
          [256, 100, 4 * stride, 128],
          ([prepared, keyPlace, place, out]) => {
            put(keyPlace!, key);
            put4(place!, messages, stride);
            exports.hmacSha256Key(keyPlace!, keyPlace!, 100);
            exports.hmacSha256x4Share(prepared!, keyPlace!);
            exports.hmacSha256x4(prepared!, place!, stride, length, out!, 32);
          },
        );
        expect(codes(out!, 32)).toEqual(messages.map((bytes) => mac('sha256', key, bytes)));
      }
    });

    test('codes may lie on the messages; a stride of 0 gives all lanes one message', () => {
      const [keys, messages, one] = [four(32, 1), four(70, 2), message(70, 5)];
      const [, , inPlace, shared, out] = cleanly(
        kernel,
        [256, 128, 4 * 70, 70, 128],
        ([prepared, keyPlace, place, sharedPlace, out]) => {
          put4(keyPlace!, keys, 32);
          put4(place!, messages, 70);
          put(sharedPlace!, one);
          exports.hmacSha256x4Keys(prepared!, keyPlace!, 32, 32);
          exports.hmacSha256x4(prepared!, place!, 70, 70, place!, 70);
          exports.hmacSha256x4(prepared!, sharedPlace!, 0, 70, out!, 32);
        },
      );
      expect(codes(inPlace!, 70)).toEqual(messages.map((bytes, lane) => mac('sha256', keys[lane]!, bytes)));
      expect(codes(out!, 32)).toEqual(keys.map((key) => mac('sha256', key, one)));
      expect(toHex(shared!)).toBe(toHex(one));
    });
  });
});
