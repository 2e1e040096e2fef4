// Public keys by the table of the base point are those of the ladder, of @noble/curves and of OpenSSL.

import { createPrivateKey, createPublicKey } from 'node:crypto';
import { x25519 } from '@noble/curves/ed25519.js';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { L } from '../../src/reference/edwards.ts';
import { toLittleEndian } from '../../src/reference/field.ts';
import { eachBuild } from './builds.ts';
import { withCanaries } from './canaries.ts';
import { hex, toHex, vectorTest } from './vectors.ts';

interface Rfc7748 {
  readonly diffie_hellman: {
    readonly alicePrivate: string;
    readonly alicePublic: string;
    readonly bobPrivate: string;
    readonly bobPublic: string;
  };
}

const privateKey = fc.oneof(
  fc.uint8Array({ minLength: 32, maxLength: 32 }),
  fc.constantFrom(0x00, 0x07, 0x77, 0x80, 0x88, 0xff).map((byte) => new Uint8Array(32).fill(byte)),
  // Near the multiples of L between 2^254 and 2^255.
  fc
    .tuple(fc.bigInt({ min: 4n, max: 7n }), fc.bigInt({ min: -16n, max: 16n }))
    .map(([k, d]) => toLittleEndian(k * L + d)),
);

const opensslPublicKey = (key: Uint8Array): Buffer =>
  createPublicKey(
    createPrivateKey({
      key: Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), key]),
      format: 'der',
      type: 'pkcs8',
    }),
  )
    .export({ format: 'der', type: 'spki' })
    .subarray(12);

/** u = 9. */
const BASE_POINT = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 9 : 0));

eachBuild('x25519 by the base point', (kernel) => {
  const { exports, io } = kernel;

  const both = (a: Uint8Array, b: Uint8Array): [string, string] => {
    kernel.bytes.set(a, io);
    kernel.bytes.set(b, io + 32);
    exports.x25519PublicKeyPair(io + 64, io + 96, io, io + 32);
    return [toHex(kernel.copy(io + 64, 32)), toHex(kernel.copy(io + 96, 32))];
  };
  const one = (a: Uint8Array): string => {
    kernel.bytes.set(a, io);
    exports.x25519PublicKey(io, io);
    return toHex(kernel.copy(io, 32));
  };

  const ladder = (a: Uint8Array): string => {
    kernel.bytes.set(a, io);
    kernel.bytes.set(BASE_POINT, io + 32);
    exports.x25519(io, io, io + 32);
    return toHex(kernel.copy(io, 32));
  };

  vectorTest<Rfc7748>('RFC 7748 section 6.1', 'rfc/rfc7748_x25519.json', (vectors) => {
    const { alicePrivate, alicePublic, bobPrivate, bobPublic } = vectors.diffie_hellman;
    expect(both(hex(alicePrivate), hex(bobPrivate))).toEqual([alicePublic, bobPublic]);
    expect(one(hex(alicePrivate))).toBe(alicePublic);
    expect(one(hex(bobPrivate))).toBe(bobPublic);
  });

  test('as the ladder, @noble/curves and OpenSSL', () => {
    fc.assert(
      fc.property(privateKey, privateKey, (a, b) => {
        const expected = [a, b].map((key) => toHex(x25519.getPublicKey(key)));
        expect(both(a, b)).toEqual(expected);
        expect(one(a)).toBe(expected[0]);
        expect(opensslPublicKey(a).toString('hex')).toBe(expected[0]);
        expect(ladder(a)).toBe(expected[0]);
      }),
      { numRuns: 200 },
    );
  });

  test('a chain of a thousand, each the private key of the next, as the ladder', () => {
    let key = '01'.repeat(32);
    for (let i = 0; i < 1000; i++) {
      const next = one(hex(key));
      expect(next).toBe(ladder(hex(key)));
      key = next;
    }
  });

  test('nothing else is written', () => {
    withCanaries(kernel, [32, 32], ([out, key]) => exports.x25519PublicKey(out!, key!));
    withCanaries(kernel, [32, 32, 32, 32], ([outA, outB, a, b]) =>
      exports.x25519PublicKeyPair(outA!, outB!, a!, b!),
    );
  });
});
