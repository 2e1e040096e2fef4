// Ed25519 keys and signatures: all vectors, the twin, @noble/curves and node:crypto; what the kernel leaves behind.
import { createPrivateKey, createPublicKey, sign as nodeSign } from 'node:crypto';
import { ed25519, ed25519ctx, ed25519ph } from '@noble/curves/ed25519.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Ed25519Options } from '../../src/crypto/ed25519/domain.ts';
import { generateKeyPair, publicKey, signingKey } from '../../src/crypto/ed25519/keys.ts';
import { sign } from '../../src/crypto/ed25519/sign.ts';
import { CryptoError } from '../../src/crypto/errors.ts';
import { useKernel } from '../../src/crypto/kernel.ts';
import { CryptoKernel, IO_BYTES, WORKSPACE_BYTES } from '../../src/kernel/crypto-kernel.ts';
import * as reference from '../../src/reference/ed25519.ts';
import { add, B, decode, encode, isSmallOrder, L, multiply } from '../../src/reference/edwards.ts';
import { fromLittleEndian, mod, P, toLittleEndian } from '../../src/reference/field.ts';
import { eachBuild, kernelOf } from './builds.ts';
import { withCanaries } from './canaries.ts';
import { hex, toHex, vectorTest } from './vectors.ts';

interface RfcVector {
  readonly name: string;
  readonly secretKey: string;
  readonly publicKey: string;
  readonly message: string;
  readonly context?: string;
  readonly signature: string;
}

interface SignInputVector {
  readonly sk: string;
  readonly pk: string;
  readonly msg: string;
  readonly sig: string;
}

const secret = fc.uint8Array({ minLength: 32, maxLength: 32 });
/** Deterministic bytes of any length, quickly. */
const filled = (length: number, seed = 1): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 131 + seed * 29 + (i >> 8)) & 0xff);

/** What was thrown. */
function errorOf(call: () => unknown): CryptoError {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(CryptoError);
    return error as CryptoError;
  }
  throw new Error('expected an error, got none');
}

/** By OpenSSL: the RFC 8410 form of a secret key. */
const nodeKey = (secretKey: Uint8Array) =>
  createPrivateKey({
    key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), secretKey]),
    format: 'der',
    type: 'pkcs8',
  });

eachBuild('ed25519 signing', (kernel) => {
  const { exports, io } = kernel;

  const rfc = (file: string, count: number, options: (vector: RfcVector) => Ed25519Options): void =>
    vectorTest<RfcVector[]>('RFC 8032', `rfc/${file}`, (vectors) => {
      expect(vectors).toHaveLength(count);
      for (const vector of vectors) {
        const secretKey = hex(vector.secretKey);
        const message = hex(vector.message);
        expect(toHex(publicKey(secretKey)), vector.name).toBe(vector.publicKey);
        expect(toHex(sign(secretKey, message, options(vector))), vector.name).toBe(vector.signature);
        const key = signingKey(secretKey);
        expect(toHex(key.publicKey), vector.name).toBe(vector.publicKey);
        expect(toHex(key.sign(message, options(vector))), vector.name).toBe(vector.signature);
        key.close();
      }
    });
  rfc('ed25519.json', 5, () => ({}));
  rfc('ed25519ctx.json', 4, ({ context }) => ({ context: hex(context!) }));
  rfc('ed25519ph.json', 1, () => ({ prehash: true }));

  vectorTest<SignInputVector[]>('sign.input', 'ed25519/sign_input_1024.json', (vectors) => {
    expect(vectors).toHaveLength(1024);
    for (const { sk, pk, msg, sig } of vectors) {
      const message = hex(msg);
      const key = signingKey(hex(sk));
      expect(toHex(key.publicKey)).toBe(pk);
      expect(toHex(key.sign(message))).toBe(sig);
      expect(toHex(sign(hex(sk), message))).toBe(sig);
    }
  });

  test('as the twin, @noble/curves and OpenSSL sign', () => {
    const lengths = fc.oneof(
      fc.integer({ min: 0, max: 300 }),
      fc.constantFrom(0, 1, 31, 32, 47, 48, 63, 64, 111),
    );
    fc.assert(
      fc.property(secret, lengths, fc.nat(255), (secretKey, length, seed) => {
        const message = filled(length, seed);
        const signature = toHex(sign(secretKey, message));
        const key = signingKey(secretKey);
        expect(toHex(key.sign(message))).toBe(signature);
        expect(toHex(reference.sign(secretKey, message))).toBe(signature);
        expect(toHex(ed25519.sign(message, secretKey))).toBe(signature);
        expect(nodeSign(null, message, nodeKey(secretKey)).toString('hex')).toBe(signature);
        const A = toHex(key.publicKey);
        expect(toHex(publicKey(secretKey))).toBe(A);
        expect(toHex(reference.publicKey(secretKey))).toBe(A);
        expect(
          createPublicKey(nodeKey(secretKey)).export({ format: 'der', type: 'spki' }).subarray(12),
        ).toEqual(Buffer.from(A, 'hex'));
      }),
      { numRuns: 60 },
    );
  });

  test('every length from 0 to 300 as OpenSSL signs', () => {
    const secretKey = filled(32, 7);
    const node = nodeKey(secretKey);
    const key = signingKey(secretKey);
    for (let length = 0; length <= 300; length++) {
      const message = filled(length);
      const signature = nodeSign(null, message, node).toString('hex');
      expect(toHex(key.sign(message)), `${length} bytes`).toBe(signature);
      expect(toHex(sign(secretKey, message)), `${length} bytes`).toBe(signature);
    }
  });

  test('contexts and prehashing as the twin and @noble/curves sign', () => {
    fc.assert(
      fc.property(
        secret,
        fc.nat(300),
        fc.uint8Array({ minLength: 1, maxLength: 255 }),
        (secretKey, length, context) => {
          const message = filled(length);
          const withContext = toHex(sign(secretKey, message, { context }));
          expect(toHex(ed25519ctx.sign(message, secretKey, { context }))).toBe(withContext);
          expect(toHex(reference.sign(secretKey, message, { context }))).toBe(withContext);
          const prehashed = toHex(sign(secretKey, message, { context, prehash: true }));
          expect(toHex(ed25519ph.sign(message, secretKey, { context }))).toBe(prehashed);
          expect(toHex(reference.sign(secretKey, message, { context, prehash: true }))).toBe(prehashed);
        },
      ),
      { numRuns: 25 },
    );
    const secretKey = filled(32);
    for (const context of [undefined, new Uint8Array()]) {
      const signature = sign(secretKey, filled(9), { context, prehash: true });
      expect(toHex(signature)).toBe(toHex(ed25519ph.sign(filled(9), secretKey)));
    }
    const longest = filled(255);
    expect(toHex(sign(secretKey, filled(9), { context: longest }))).toBe(
      toHex(ed25519ctx.sign(filled(9), secretKey, { context: longest })),
    );
    expect(toHex(sign(secretKey, filled(9), { prehash: false }))).toBe(toHex(sign(secretKey, filled(9))));
  });

  test('messages that fill io, and longer ones', () => {
    const secretKey = filled(32, 3);
    const node = nodeKey(secretKey);
    const key = signingKey(secretKey);
    for (const length of [IO_BYTES - 1025, IO_BYTES - 1024, IO_BYTES - 1023, IO_BYTES, 5_000_001]) {
      const message = filled(length);
      const signature = nodeSign(null, message, node).toString('hex');
      expect(toHex(key.sign(message)), `${length} bytes`).toBe(signature);
      expect(toHex(sign(secretKey, message)), `${length} bytes`).toBe(signature);
    }
    const message = filled(IO_BYTES + 1);
    const context = filled(255);
    expect(toHex(key.sign(message, { context }))).toBe(
      toHex(ed25519ctx.sign(message, secretKey, { context })),
    );
    expect(toHex(key.sign(message, { context, prehash: true }))).toBe(
      toHex(ed25519ph.sign(message, secretKey, { context })),
    );
  });

  test('a long message that changes while it is signed gives no signature', () => {
    const key = filled(96);
    const [KEY, SIGNATURE, STREAM, MESSAGE] = [0, 128, 256, 1024].map((offset) => io + offset) as [
      number,
      number,
      number,
      number,
    ];
    const attempt = (second: number): [number, string] => {
      kernel.bytes.set(key, KEY);
      exports.ed25519StreamBegin(STREAM, MESSAGE, 0, KEY);
      kernel.bytes.fill(1, MESSAGE, MESSAGE + 500);
      exports.ed25519StreamUpdate(STREAM, MESSAGE, 500, 1);
      exports.ed25519StreamCommit(STREAM, SIGNATURE, MESSAGE, 0, KEY);
      kernel.bytes.fill(second, MESSAGE + 499, MESSAGE + 500);
      exports.ed25519StreamUpdate(STREAM, MESSAGE, 500, 2);
      const done = exports.ed25519StreamFinish(STREAM, SIGNATURE, KEY);
      const streamBytes = exports.ED25519_STREAM_BYTES.value as number;
      expect(kernel.copy(STREAM, streamBytes).every((byte) => byte === 0)).toBe(true);
      return [done, toHex(kernel.copy(SIGNATURE, 64))];
    };
    expect(attempt(1)[0]).toBe(1);
    expect(attempt(1)[1]).not.toBe('0'.repeat(128));
    expect(attempt(2)).toEqual([0, '0'.repeat(128)]);
  });

  test('key pairs', () => {
    const { secretKey, publicKey: A } = generateKeyPair();
    expect(secretKey).toHaveLength(32);
    expect(toHex(A)).toBe(toHex(reference.publicKey(secretKey)));
    expect(toHex(generateKeyPair().secretKey)).not.toBe(toHex(secretKey));
    const source = filled(32, 9);
    const pair = generateKeyPair((length) => source.subarray(0, length));
    expect(toHex(pair.secretKey)).toBe(toHex(source));
    source.fill(0);
    expect(toHex(pair.publicKey)).toBe(toHex(reference.publicKey(pair.secretKey)));
  });

  test('what is not taken', () => {
    const secretKey = filled(32);
    const message = filled(3);
    const wrong: [() => unknown, string][] = [
      [() => publicKey(filled(31)), 'expected secretKey of 32 bytes, got 31'],
      [() => publicKey('00'.repeat(32) as never), 'expected secretKey as Uint8Array, got string'],
      [() => sign(filled(33), message), 'expected secretKey of 32 bytes, got 33'],
      // A caller that holds the 64 bytes of libsodium, secret key and public key, must not have the latter trusted.
      [() => sign(filled(64), message), 'expected secretKey of 32 bytes, got 64'],
      [() => sign(filled(96), message), 'expected secretKey of 32 bytes, got 96'],
      [() => sign(undefined as never, message), 'expected secretKey as Uint8Array, got undefined'],
      [() => sign(secretKey, 'text' as never), 'expected message as Uint8Array, got string'],
      [
        () => sign(secretKey, message, { context: new Uint8Array() }),
        'expected context of 1 to 255 bytes, got 0',
      ],
      [
        () => sign(secretKey, message, { context: filled(256) }),
        'expected context of 1 to 255 bytes, got 256',
      ],
      [
        () => sign(secretKey, message, { context: filled(256), prehash: true }),
        'expected context of 0 to 255 bytes, got 256',
      ],
      [
        () => sign(secretKey, message, { context: 'c' as never }),
        'expected context as Uint8Array, got string',
      ],
      [() => sign(secretKey, message, { prehash: 1 as never }), 'expected prehash as boolean, got number'],
      [() => signingKey(filled(0)), 'expected secretKey of 32 bytes, got 0'],
      [() => generateKeyPair(() => filled(16)), 'expected result of randomBytes of 32 bytes, got 16'],
    ];
    for (const [call, message] of wrong) {
      const error = errorOf(call);
      expect(error.message).toBe(message);
      expect(error.code).toBe('invalid_argument');
    }
    const key = signingKey(secretKey);
    const A = toHex(key.publicKey);
    key.publicKey.fill(0);
    expect(toHex(key.publicKey)).toBe(A);
    key.close();
    key.close();
    expect(errorOf(() => key.sign(message)).code).toBe('invalid_state');
    expect(toHex(key.publicKey)).toBe(A);
    expect(JSON.stringify(key)).toBe('{}');
  });

  test('multiples of the base point', () => {
    const scalars = fc.oneof(
      fc.bigInt({ min: 0n, max: L - 1n }),
      fc.constantFrom(0n, 1n, 2n, 7n, 8n, 9n, 15n, 16n, 1n << 128n, (1n << 128n) - 1n, L - 1n, L, L + 1n),
      // Every digit -8, 7 or 8; and the one with the highest bits.
      fc.constantFrom(
        fromLittleEndian(new Uint8Array(32).fill(0x88)) >> 4n,
        fromLittleEndian(new Uint8Array(32).fill(0x77)) >> 3n,
        (1n << 253n) - 1n,
      ),
    );
    fc.assert(
      fc.property(scalars, scalars, (a, b) => {
        const expected = [a, b].map((scalar) => toHex(encode(multiply(B, scalar))));
        kernel.bytes.set(toLittleEndian(a), io);
        kernel.bytes.set(toLittleEndian(b), io + 32);
        exports.baseMultiply(io + 512, io);
        exports.pointsCompress(io + 1024, io + 1056, io + 512);
        expect(toHex(kernel.copy(io + 1024, 32))).toBe(expected[0]);
        expect(toHex(kernel.copy(io + 1056, 32))).toBe(expected[0]);
        exports.baseMultiplyTwice(io + 512, io, io + 32);
        exports.pointsCompress(io + 1024, io + 1056, io + 512);
        expect(toHex(kernel.copy(io + 1024, 32))).toBe(expected[0]);
        expect(toHex(kernel.copy(io + 1056, 32))).toBe(expected[1]);
      }),
      { numRuns: 150 },
    );
  });

  test('nothing else is written', () => {
    const keyBytes = exports.ED25519_KEY_BYTES.value as number;
    const streamBytes = exports.ED25519_STREAM_BYTES.value as number;
    expect(keyBytes).toBe(96);
    withCanaries(kernel, [keyBytes, 32], ([key, seed]) => exports.ed25519Key(key!, seed!));
    for (const bytes of [0, 1, 200]) {
      withCanaries(kernel, [64, bytes, 40, keyBytes], ([signature, message, domain, key]) =>
        exports.ed25519Sign(signature!, message!, bytes, domain!, 40, key!),
      );
      withCanaries(kernel, [64, bytes, 40, 32], ([signature, message, domain, seed]) =>
        exports.ed25519SignOnce(signature!, message!, bytes, domain!, 40, seed!),
      );
      withCanaries(kernel, [64, bytes, streamBytes, keyBytes], ([signature, message, stream, key]) => {
        exports.ed25519StreamBegin(stream!, message!, bytes, key!);
        exports.ed25519StreamUpdate(stream!, message!, bytes, 1);
        exports.ed25519StreamCommit(stream!, signature!, message!, bytes, key!);
        exports.ed25519StreamUpdate(stream!, message!, bytes, 2);
        expect(exports.ed25519StreamFinish(stream!, signature!, key!)).toBe(1);
      });
    }
  });
});

describe('what stays in the kernel', () => {
  for (const build of ['simd', 'scalar'] as const) {
    test(`no seed, prefix, scalar, nonce or digit of them (${build})`, () => {
      const fresh = CryptoKernel.instantiate({ build });
      useKernel(fresh, 'under test');
      const secretKey = filled(32, 77).map((byte, i) => byte ^ (i * 7));
      const message = filled(100);
      const { scalar, prefix } = reference.expand(secretKey);
      const r = reference.hashToScalar(prefix, message);
      const key = signingKey(secretKey);
      publicKey(secretKey);
      sign(secretKey, message, { prehash: true });
      key.sign(filled(IO_BYTES));
      sign(secretKey, message);
      key.sign(message);
      fresh.bytes.set(secretKey, fresh.io);
      fresh.exports.x25519PublicKeyPair(fresh.io + 64, fresh.io + 96, fresh.io, fresh.io);
      fresh.exports.x25519PublicKey(fresh.io, fresh.io);
      fresh.bytes.fill(0, fresh.io, fresh.io + 128);
      useKernel(kernelOf(build), 'under test');
      // Any 8 bytes of a secret in a row would be a piece of it.
      const memory = Buffer.from(fresh.bytes);
      const secrets = {
        secretKey,
        scalar: toLittleEndian(scalar),
        reduced: toLittleEndian(scalar % L),
        prefix,
        r: toLittleEndian(r),
      };
      const traces = (bytes: Uint8Array): number[] =>
        Array.from({ length: bytes.length - 7 }, (_, i) => i).filter((i) =>
          memory.includes(Buffer.from(bytes.subarray(i, i + 8))),
        );
      for (const [name, bytes] of Object.entries(secrets)) expect(traces(bytes), name).toEqual([]);
      memory.set(prefix.subarray(3, 12), fresh.io + 5);
      expect(traces(prefix), 'the search finds what is there').toEqual([3, 4]);
      memory.fill(0, fresh.io + 5, fresh.io + 14);
      // And the workspace holds nothing at all but what an instance keeps: tables and constants.
      const kept = WORKSPACE_BYTES - fresh.exports.workspaceRoom();
      const free = memory.subarray(fresh.io - WORKSPACE_BYTES + kept, fresh.io);
      expect(free.findIndex((byte) => byte !== 0)).toBe(-1);
      expect(memory.subarray(fresh.io, fresh.io + IO_BYTES).findIndex((byte) => byte !== 0)).toBe(-1);
    });
  }
});

describe('the twin', () => {
  test('accepts what it signs, and refuses by its rule', () => {
    const secretKey = filled(32, 5);
    const message = filled(50);
    const A = reference.publicKey(secretKey);
    const signature = reference.sign(secretKey, message);
    expect(reference.verify(signature, message, A)).toBe(true);
    expect(reference.verify(signature, filled(51), A)).toBe(false);
    for (const place of [0, 31, 32, 63]) {
      const changed = Uint8Array.from(signature);
      changed[place]! ^= 1;
      expect(reference.verify(changed, message, A), `byte ${place}`).toBe(false);
    }
    const larger = Uint8Array.from(signature);
    larger.set(toLittleEndian(fromLittleEndian(signature.subarray(32)) + L), 32);
    expect(reference.verify(larger, message, A)).toBe(false);
    const context = filled(4);
    expect(reference.verify(reference.sign(secretKey, message, { context }), message, A, { context })).toBe(
      true,
    );
    expect(reference.verify(signature, message, A, { context })).toBe(false);
    const prehashed = reference.sign(secretKey, message, { prehash: true });
    expect(reference.verify(prehashed, message, A, { prehash: true })).toBe(true);
    expect(reference.verify(prehashed, message, A)).toBe(false);
  });

  test('takes a component of small order in R, by the cofactor, and no key of small order', () => {
    // [8](S·B - R - k·A) drops what a point of small order adds to R.
    const torsion = decode(hex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'))!;
    expect(isSmallOrder(torsion)).toBe(true);
    const secretKey = filled(32, 6);
    const A = reference.publicKey(secretKey);
    const message = filled(20);
    const { scalar, prefix } = reference.expand(secretKey);
    const r = reference.hashToScalar(prefix, message);
    const R = encode(add(multiply(B, r), torsion));
    const k = reference.hashToScalar(R, A, message);
    const signature = new Uint8Array([...R, ...toLittleEndian((r + k * scalar) % L)]);
    expect(reference.verify(signature, message, A)).toBe(true);
    expect(toHex(signature)).not.toBe(toHex(reference.sign(secretKey, message)));

    const zero = new Uint8Array(64);
    zero.set(encode(torsion));
    expect(reference.verify(zero, message, encode(torsion))).toBe(false);
  });

  test('decodes nothing but the one encoding of a point', () => {
    expect(decode(toLittleEndian(1n))).toBeDefined();
    // y = 1 with the sign of x = 0 set, y = p + 1, y = p, y = -1 with the sign set, no point at y = 2.
    expect(decode(toLittleEndian(1n | (1n << 255n)))).toBeUndefined();
    expect(decode(toLittleEndian(P + 1n))).toBeUndefined();
    expect(decode(toLittleEndian(P))).toBeUndefined();
    expect(decode(toLittleEndian(mod(-1n) | (1n << 255n)))).toBeUndefined();
    expect(decode(toLittleEndian(2n))).toBeUndefined();
  });
});
