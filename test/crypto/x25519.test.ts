// X25519: the vectors of RFC 7748 and Wycheproof, and against the twin, noble and node:crypto.
import { createPrivateKey, createPublicKey, diffieHellman } from 'node:crypto';
import { x25519 as noble } from '@noble/curves/ed25519.js';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CryptoError } from '../../src/crypto/errors.ts';
import { x25519 } from '../../src/crypto/x25519.ts';
import { IO_BYTES, WORKSPACE_BYTES } from '../../src/kernel/crypto-kernel.ts';
import { fromLittleEndian, P, toLittleEndian } from '../../src/reference/field.ts';
import * as reference from '../../src/reference/x25519.ts';
import { eachBuild } from './builds.ts';
import { withCanaries } from './canaries.ts';
import { hex, toHex, vectorTest } from './vectors.ts';

const MILLION = process.env.SPECIE_SLOW_TESTS === '1';

/** All u below 2^256 whose point has order 1, 2, 4 or 8, on the curve or its twist: RFC 7748 section 6.1 gives zeroes. */
const ORDER_8 = [
  325606250916557431795983626356110631294008115727848805560023387167927233504n,
  39382357235489614581723060781553021112529911719440698176882885853963445705823n,
];
const SMALL_ORDER = [0n, 1n, ...ORDER_8, P - 1n]
  .flatMap((u) => [u, u + P])
  .flatMap((u) => (u < 1n << 255n ? [u, u + (1n << 255n)] : []));

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Uint8Array.from(bytes));
const number256 = fc.oneof(
  bytes32.map(fromLittleEndian),
  fc.bigInt({ min: 0n, max: 20n }),
  fc.bigInt({ min: -20n, max: 20n }).map((d) => P + d),
  fc.bigInt({ min: -20n, max: 20n }).map((d) => (1n << 255n) + d),
  fc.bigInt({ min: 1n, max: 20n }).map((d) => (1n << 256n) - d),
  fc.constantFrom(...SMALL_ORDER),
);
const uCoordinate = number256.map((u) => toLittleEndian(u));
const scalar = fc.oneof(
  bytes32,
  number256.map((k) => toLittleEndian(k)),
  fc.constantFrom(0x00, 0xff, 0x55, 0xaa, 0x80, 0x01).map((byte) => new Uint8Array(32).fill(byte)),
);

/** What sharedSecret answers, or the code it throws. */
function outcome(privateKey: Uint8Array, publicKey: Uint8Array): string {
  try {
    return toHex(x25519.sharedSecret(privateKey, publicKey));
  } catch (error) {
    return (error as CryptoError).code;
  }
}

const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);

function expected(privateKey: Uint8Array, publicKey: Uint8Array): string {
  const secret = reference.x25519(privateKey, publicKey);
  return isZero(secret) ? 'invalid_public_key' : toHex(secret);
}

const jwk = (privateKey: Uint8Array, publicKey: Uint8Array) => ({
  kty: 'OKP',
  crv: 'X25519',
  d: Buffer.from(privateKey).toString('base64url'),
  x: Buffer.from(publicKey).toString('base64url'),
});

/** node:crypto, which refuses all-zero secrets. */
function native(privateKey: Uint8Array, publicKey: Uint8Array): string {
  try {
    return diffieHellman({
      privateKey: createPrivateKey({ key: jwk(privateKey, noble.getPublicKey(privateKey)), format: 'jwk' }),
      publicKey: createPublicKey({ key: jwk(privateKey, publicKey), format: 'jwk' }),
    }).toString('hex');
  } catch {
    return 'invalid_public_key';
  }
}

interface Rfc7748 {
  scalar_mult: { scalar: string; u: string; out: string }[];
  iterated: { iterations: number; out: string }[];
  diffie_hellman: {
    alicePrivate: string;
    alicePublic: string;
    bobPrivate: string;
    bobPublic: string;
    shared: string;
  };
}

interface Wycheproof {
  numberOfTests: number;
  testGroups: {
    tests: {
      tcId: number;
      private: string;
      public: string;
      shared: string;
      result: 'valid' | 'acceptable';
      flags: string[];
    }[];
  }[];
}

test('the twin: RFC 7748 section 5.2', () => {
  const nine = toLittleEndian(9n);
  expect(toHex(reference.x25519(nine, nine))).toBe(
    '422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079',
  );
});

eachBuild('x25519', (kernel) => {
  const { exports, io } = kernel;

  /** The function of the kernel by itself, which answers all-zero results too. */
  const raw = (scalar: Uint8Array, u: Uint8Array): { out: Uint8Array; zero: number } => {
    kernel.bytes.set(scalar, io);
    kernel.bytes.set(u, io + 32);
    const zero = exports.x25519(io + 64, io, io + 32);
    return { out: kernel.copy(io + 64, 32), zero };
  };

  vectorTest<Rfc7748>('RFC 7748', 'rfc/rfc7748_x25519.json', (vectors) => {
    expect(vectors.scalar_mult).toHaveLength(2);
    for (const { scalar, u, out } of vectors.scalar_mult) {
      expect(outcome(hex(scalar), hex(u))).toBe(out);
      expect(toHex(reference.x25519(hex(scalar), hex(u)))).toBe(out);
    }
    expect(vectors.iterated.map(({ iterations }) => iterations)).toEqual([1, 1000]);
    let [k, u] = [toLittleEndian(9n), toLittleEndian(9n)];
    for (let i = 1; i <= 1000; i++) {
      [k, u] = [x25519.sharedSecret(k, u), k];
      const vector = vectors.iterated.find(({ iterations }) => iterations === i);
      if (vector) expect(toHex(k)).toBe(vector.out);
    }
    const { alicePrivate, alicePublic, bobPrivate, bobPublic, shared } = vectors.diffie_hellman;
    expect(toHex(x25519.publicKey(hex(alicePrivate)))).toBe(alicePublic);
    expect(toHex(x25519.publicKey(hex(bobPrivate)))).toBe(bobPublic);
    expect(outcome(hex(alicePrivate), hex(bobPublic))).toBe(shared);
    expect(outcome(hex(bobPrivate), hex(alicePublic))).toBe(shared);
  });

  test.skipIf(!MILLION)(
    'RFC 7748 section 5.2: 1,000,000 iterations (skipped without SPECIE_SLOW_TESTS=1: minutes)',
    () => {
      let [k, u] = [toLittleEndian(9n), toLittleEndian(9n)];
      for (let i = 0; i < 1_000_000; i++) [k, u] = [x25519.sharedSecret(k, u), k];
      expect(toHex(k)).toBe('7c3911e0ab2586fd864497297e575e6f3bc601c0883c30df5f4dd2d24f665424');
    },
    1_200_000,
  );

  vectorTest<Wycheproof>('Wycheproof', 'wycheproof/x25519_test.json', (vectors) => {
    const tests = vectors.testGroups.flatMap((group) => group.tests);
    expect(tests).toHaveLength(518);
    expect(vectors.numberOfTests).toBe(518);
    let zeroes = 0;
    for (const { tcId, private: k, public: u, shared, flags } of tests) {
      const zero = flags.includes('ZeroSharedSecret');
      expect({ tcId, ...raw(hex(k), hex(u)) }).toEqual({ tcId, out: hex(shared), zero: zero ? 1 : 0 });
      expect(`${tcId} ${outcome(hex(k), hex(u))}`).toBe(`${tcId} ${zero ? 'invalid_public_key' : shared}`);
      zeroes += zero ? 1 : 0;
    }
    expect(zeroes).toBe(tests.filter(({ shared }) => isZero(hex(shared))).length);
    expect(zeroes).toBeGreaterThan(0);
    const secrets = x25519.sharedSecretBatch(
      tests.map((t) => ({ privateKey: hex(t.private), publicKey: hex(t.public) })),
    );
    expect(secrets.map((secret) => (secret instanceof CryptoError ? secret.code : toHex(secret)))).toEqual(
      tests.map((t) => (isZero(hex(t.shared)) ? 'invalid_public_key' : t.shared)),
    );
  });

  test('agrees with the twin, noble and node:crypto', () => {
    fc.assert(
      fc.property(scalar, uCoordinate, (k, u) => {
        const secret = expected(k, u);
        expect(outcome(k, u)).toBe(secret);
        expect(native(k, u)).toBe(secret);
        expect(toHex(raw(k, u).out)).toBe(toHex(reference.x25519(k, u)));
        if (secret !== 'invalid_public_key') expect(toHex(noble.getSharedSecret(k, u))).toBe(secret);
        expect(toHex(x25519.publicKey(k))).toBe(toHex(reference.publicKey(k)));
        expect(toHex(x25519.publicKey(k))).toBe(toHex(noble.getPublicKey(k)));
      }),
      { numRuns: 300 },
    );
  });

  test('points of small order give zeroes, in whatever form they are written', () => {
    expect(SMALL_ORDER).toHaveLength(14);
    const k = noble.utils.randomSecretKey();
    for (const u of SMALL_ORDER) {
      expect(raw(k, toLittleEndian(u))).toEqual({ out: new Uint8Array(32), zero: 1 });
      expect(() => x25519.sharedSecret(k, toLittleEndian(u))).toThrow(
        expect.objectContaining({ name: 'CryptoError', code: 'invalid_public_key' }),
      );
    }
  });

  test('lanes do not touch each other', () => {
    fc.assert(
      fc.property(scalar, uCoordinate, scalar, uCoordinate, (kA, uA, kB, uB) => {
        const [outA, outB] = withCanaries(kernel, [32, 32, 32, 32, 32, 32], ([a, b, c, d, e, f]) => {
          kernel.bytes.set(kA, c);
          kernel.bytes.set(uA, d);
          kernel.bytes.set(kB, e);
          kernel.bytes.set(uB, f);
          const zeroes = exports.x25519Pair(a!, b!, c!, d!, e!, f!);
          expect(zeroes).toBe((isZero(kernel.copy(a!, 32)) ? 1 : 0) + (isZero(kernel.copy(b!, 32)) ? 2 : 0));
        });
        expect(toHex(outA!)).toBe(toHex(reference.x25519(kA, uA)));
        expect(toHex(outB!)).toBe(toHex(reference.x25519(kB, uB)));
      }),
      { numRuns: 100 },
    );
  });

  test('each export changes its outputs and nothing else, inputs stay', () => {
    const k = Uint8Array.from({ length: 32 }, (_, i) => 7 * i + 1);
    const u = reference.publicKey(toLittleEndian(123n));
    const shared = toHex(reference.x25519(k, u));
    const single = withCanaries(kernel, [32, 32, 32], ([out, scalar, point]) => {
      kernel.bytes.set(k, scalar);
      kernel.bytes.set(u, point);
      expect(exports.x25519(out!, scalar!, point!)).toBe(0);
    });
    expect(single.map(toHex)).toEqual([shared, toHex(k), toHex(u)]);
    const base = withCanaries(kernel, [32, 32], ([out, scalar]) => {
      kernel.bytes.set(k, scalar);
      exports.x25519PublicKey(out!, scalar!);
    });
    expect(base.map(toHex)).toEqual([toHex(reference.publicKey(k)), toHex(k)]);
    for (const count of [0, 1, 2, 3]) {
      // Results, and at odd addresses the inputs.
      const lengths = [16 * count, 32 * count, 33, 33];
      const batch = withCanaries(kernel, lengths, ([items, outs, scalar, point]) => {
        kernel.bytes.set(k, scalar! + 1);
        kernel.bytes.set(u, point! + 1);
        const records = new Uint32Array(kernel.memory.buffer, items, 4 * count);
        for (let i = 0; i < count; i++) records.set([scalar! + 1, point! + 1, outs! + 32 * i, 9], 4 * i);
        exports.x25519Batch(items!, count);
        for (let i = 0; i < count; i++) expect(records[4 * i + 3]).toBe(0);
      });
      expect(toHex(batch[1]!)).toBe(shared.repeat(count));
      expect(toHex(batch[2]!.subarray(1))).toBe(toHex(k));
      expect(toHex(batch[3]!.subarray(1))).toBe(toHex(u));
    }
  });

  test('a batch gives what single calls give', () => {
    for (const size of [0, 1, 2, 3, 7, 64, 1001]) {
      const items = fc
        .sample(fc.record({ privateKey: scalar, publicKey: uCoordinate }), {
          numRuns: size || 1,
          seed: 1000 + size,
        })
        .slice(0, size);
      const secrets = x25519.sharedSecretBatch(items);
      expect(secrets).toHaveLength(size);
      secrets.forEach((secret, i) => {
        const { privateKey, publicKey } = items[i]!;
        const single = outcome(privateKey, publicKey);
        expect(secret instanceof CryptoError ? secret.code : toHex(secret)).toBe(single);
        if (!(secret instanceof CryptoError)) expect(secret.buffer).toBeInstanceOf(ArrayBuffer);
      });
    }
  });

  test('a batch larger than io goes through in pieces', () => {
    const size = Math.floor(IO_BYTES / 80) + 3;
    const privateKey = toLittleEndian(987_654_321n << 100n);
    const publicKeys = [toLittleEndian(9n), new Uint8Array(32), toLittleEndian(5n)];
    const singles = publicKeys.map((publicKey) => outcome(privateKey, publicKey));
    const items = Array.from({ length: size }, (_, i) => ({ privateKey, publicKey: publicKeys[i % 3]! }));
    const wrong = x25519
      .sharedSecretBatch(items)
      .map((secret) => (secret instanceof CryptoError ? secret.code : toHex(secret)))
      .findIndex((secret, i) => secret !== singles[i % 3]);
    expect(wrong).toBe(-1);
  }, 60_000);

  test('generates key pairs that agree', () => {
    const alice = x25519.generateKeyPair();
    const bob = x25519.generateKeyPair();
    expect(alice.privateKey).not.toEqual(bob.privateKey);
    expect(x25519.sharedSecret(alice.privateKey, bob.publicKey)).toEqual(
      x25519.sharedSecret(bob.privateKey, alice.publicKey),
    );
    const seeded = new Uint8Array(32).fill(5);
    const pair = x25519.generateKeyPair((length) => seeded.subarray(0, length));
    expect(pair).toEqual({ privateKey: seeded, publicKey: reference.publicKey(seeded) });
    seeded.fill(6);
    expect(pair.privateKey).toEqual(new Uint8Array(32).fill(5));
    expect(() => x25519.generateKeyPair(() => new Uint8Array(31))).toThrow(
      /expected privateKey of 32 bytes, got 31/,
    );
  });

  test('refuses keys of a wrong type or length, and says no secret', () => {
    const key = new Uint8Array(32).fill(9);
    const invalid = (message: RegExp) =>
      expect.objectContaining({ code: 'invalid_argument', message: expect.stringMatching(message) });
    for (const length of [0, 31, 33, 64]) {
      const wrong = new Uint8Array(length);
      const message = new RegExp(`of 32 bytes, got ${length}$`);
      expect(() => x25519.publicKey(wrong)).toThrow(invalid(message));
      expect(() => x25519.sharedSecret(wrong, key)).toThrow(invalid(message));
      expect(() => x25519.sharedSecret(key, wrong)).toThrow(invalid(message));
      expect(() =>
        x25519.sharedSecretBatch([
          { privateKey: key, publicKey: key },
          { privateKey: key, publicKey: wrong },
        ]),
      ).toThrow(invalid(new RegExp(`items\\[1\\].publicKey of 32 bytes, got ${length}$`)));
      expect(() => x25519.sharedSecretBatch([{ privateKey: wrong, publicKey: key }])).toThrow(
        invalid(/items\[0\].privateKey/),
      );
    }
    for (const wrong of [
      '00'.repeat(32),
      undefined,
      null,
      32,
      new ArrayBuffer(32),
    ] as unknown as Uint8Array[]) {
      expect(() => x25519.publicKey(wrong)).toThrow(invalid(/as Uint8Array/));
      expect(() => x25519.sharedSecret(key, wrong)).toThrow(invalid(/as Uint8Array/));
      expect(() => x25519.sharedSecret(wrong, key)).toThrow(invalid(/as Uint8Array/));
    }
  });

  test('leaves no secret behind in the memory of the kernel', () => {
    const privateKey = Uint8Array.from({ length: 32 }, (_, i) => (i * 37 + 11) & 0xff);
    const publicKey = reference.publicKey(toLittleEndian(77n));
    const secret = reference.x25519(privateKey, publicKey);
    const forms = [privateKey, secret].flatMap(traces);
    const room = exports.workspaceRoom();
    // Before the room that is free stands what the instance keeps: first the field's columns, then public tables.
    kernel.bytes.fill(0, io - room, io);
    const before = kernel.copy(io - WORKSPACE_BYTES, WORKSPACE_BYTES);
    before.fill(0, 0, kernel.build === 'simd' ? 240 : 160);
    const check = (what: string): void => {
      const from = io - WORKSPACE_BYTES;
      const memory = Buffer.from(kernel.memory.buffer, from, WORKSPACE_BYTES + IO_BYTES);
      for (const form of forms)
        expect(memory.includes(Buffer.from(form)), `${what}: ${toHex(form)}`).toBe(false);
      expect(exports.workspaceRoom()).toBe(room);
    };
    kernel.bytes.fill(0, io, io + IO_BYTES);
    // The scan does find what it looks for.
    kernel.bytes.set(privateKey, io + 12_345);
    expect(() => check('planted')).toThrow();
    kernel.bytes.fill(0, io, io + IO_BYTES);

    x25519.publicKey(privateKey);
    check('publicKey');
    x25519.sharedSecret(privateKey, publicKey);
    check('sharedSecret');
    x25519.sharedSecretBatch(new Array(200).fill({ privateKey, publicKey }));
    check('sharedSecretBatch');
    x25519.sharedSecretBatch(new Array(3).fill({ privateKey, publicKey }));
    check('sharedSecretBatch of an odd number');
    expect(() => x25519.sharedSecret(privateKey, new Uint8Array(32))).toThrow();
    check('a refused key');
    const after = kernel.copy(io - WORKSPACE_BYTES, WORKSPACE_BYTES);
    expect(
      after.findIndex((byte, i) => byte !== before[i]),
      'first byte of the workspace that is not what it was',
    ).toBe(-1);
  }, 30_000);
});

/** How a number could stand in memory: its halves as bytes, clamped or not, and its limbs in either build's form. */
function traces(bytes: Uint8Array): Uint8Array[] {
  const clamped = Uint8Array.from(bytes);
  clamped[0]! &= 0xf8;
  clamped[31] = (clamped[31]! & 0x7f) | 0x40;
  const value = fromLittleEndian(bytes) & ((1n << 255n) - 1n);
  const doubles = [0, 1, 2, 3, 4].flatMap((i) => {
    const limb = Number((value >> BigInt(51 * i)) & ((1n << 51n) - 1n));
    return [limb, limb - 2 ** 51, limb + 1, limb + 1 - 2 ** 51].map(
      (double) => new Uint8Array(Float64Array.of(double).buffer),
    );
  });
  const integers = [0, 51, 102, 153, 204].map((shift) => {
    const low = Number((value >> BigInt(shift)) & 0x3ffffffn);
    const high = Number((value >> BigInt(shift + 26)) & 0x1ffffffn);
    return new Uint8Array(Int32Array.of(low, high).buffer);
  });
  return [
    bytes.subarray(0, 16),
    bytes.subarray(8, 24),
    bytes.subarray(16),
    clamped.subarray(0, 16),
    clamped.subarray(16),
    ...doubles,
    ...integers,
  ];
}
