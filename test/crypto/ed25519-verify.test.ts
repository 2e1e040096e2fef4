// Verification of one signature: all vectors, the twin, @noble/curves, prepared keys, errors.
import { ed25519 } from '@noble/curves/ed25519.js';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { verifyBatch } from '../../src/crypto/ed25519/batch.ts';
import type { Ed25519Options } from '../../src/crypto/ed25519/domain.ts';
import { PREPARED_KEY_BYTES, prepare, preparedBytes } from '../../src/crypto/ed25519/prepare.ts';
import { verify } from '../../src/crypto/ed25519/verify.ts';
import { ITEM_BYTES, MESSAGE_BYTES_MAX } from '../../src/crypto/ed25519/verify-item.ts';
import { CryptoError } from '../../src/crypto/errors.ts';
import { IO_BYTES } from '../../src/kernel/crypto-kernel.ts';
import * as reference from '../../src/reference/ed25519.ts';
import { B, encode, L, multiply } from '../../src/reference/edwards.ts';
import { fromLittleEndian } from '../../src/reference/field.ts';
import { eachBuild } from './builds.ts';
import { withCanaries } from './canaries.ts';
import { makeSigned, randomOf, shiftS, spoil, withS } from './ed25519-signed.ts';
import { hex, toHex, vectorTest } from './vectors.ts';

interface RfcVector {
  readonly name: string;
  readonly publicKey: string;
  readonly message: string;
  readonly context?: string;
  readonly signature: string;
}

interface SignInputVector {
  readonly pk: string;
  readonly msg: string;
  readonly sig: string;
}

interface WycheproofVectors {
  readonly numberOfTests: number;
  readonly testGroups: readonly {
    readonly publicKey: { readonly pk: string };
    readonly tests: readonly {
      readonly tcId: number;
      readonly comment: string;
      readonly msg: string;
      readonly sig: string;
      readonly result: 'valid' | 'invalid' | 'acceptable';
    }[];
  }[];
}

function codeOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(CryptoError);
    return (error as CryptoError).code;
  }
  return 'no error';
}

eachBuild('ed25519 verification', (kernel) => {
  const { exports, io } = kernel;

  const rfc = (file: string, count: number, options: (vector: RfcVector) => Ed25519Options): void =>
    vectorTest<RfcVector[]>('RFC 8032', `rfc/${file}`, (vectors) => {
      expect(vectors).toHaveLength(count);
      for (const vector of vectors) {
        const [key, message, signature] = [vector.publicKey, vector.message, vector.signature].map(hex);
        const variant = options(vector);
        for (const publicKey of [key!, prepare(key!)]) {
          expect(verify(publicKey, message!, signature!, variant), vector.name).toBe(true);
          expect(verify(publicKey, Uint8Array.of(...message!, 1), signature!, variant)).toBe(false);
          for (const other of [{}, { context: Uint8Array.of(1) }, { prehash: true }]) {
            const same = JSON.stringify(other) === JSON.stringify(variant);
            expect(verify(publicKey, message!, signature!, other), vector.name).toBe(same);
          }
        }
      }
    });
  rfc('ed25519.json', 5, () => ({}));
  rfc('ed25519ctx.json', 4, ({ context }) => ({ context: hex(context!) }));
  rfc('ed25519ph.json', 1, () => ({ prehash: true }));

  vectorTest<SignInputVector[]>('sign.input', 'ed25519/sign_input_1024.json', (vectors) => {
    expect(vectors).toHaveLength(1024);
    const items = vectors.map(({ pk, msg, sig }) => ({
      publicKey: hex(pk),
      message: hex(msg),
      signature: hex(sig),
    }));
    for (const { publicKey, message, signature } of items) {
      expect(verify(publicKey, message, signature)).toBe(true);
    }
    expect(verifyBatch(items)).toEqual(items.map(() => true));
    // Each message under the key of the next one: every key and every R is a point, every equation wrong.
    const wrong = items.map((item, i) => ({ ...item, publicKey: items[(i + 1) % 1024]!.publicKey }));
    expect(verifyBatch(wrong)).toEqual(items.map(() => false));
  });

  vectorTest<WycheproofVectors>('Wycheproof', 'wycheproof/ed25519_test.json', (vectors) => {
    const items = vectors.testGroups.flatMap(({ publicKey, tests }) =>
      tests.map((one) => ({
        publicKey: hex(publicKey.pk),
        message: hex(one.msg),
        signature: hex(one.sig),
        expected: one.result === 'valid',
        name: `${one.tcId} ${one.comment}`,
      })),
    );
    expect(items).toHaveLength(151);
    expect(vectors.numberOfTests).toBe(151);
    for (const { publicKey, message, signature, expected, name } of items) {
      expect(verify(publicKey, message, signature), name).toBe(expected);
      expect(verify(prepare(publicKey), message, signature), name).toBe(expected);
      expect(
        reference.verify(signature.length === 64 ? signature : new Uint8Array(64), message, publicKey),
      ).toBe(expected);
    }
    expect(verifyBatch(items)).toEqual(items.map(({ expected }) => expected));
  });

  test('good and spoilt signatures: as the twin and @noble/curves say', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1000 }),
        fc.uint8Array({ maxLength: 300 }),
        fc.integer(),
        (secret, message, seed) => {
          const good = makeSigned(secret, message);
          const bad = spoil(good, randomOf(seed));
          for (const { publicKey, message, signature } of [good, bad]) {
            const verdict = verify(publicKey, message, signature);
            if (signature.length === 64 && publicKey.length === 32) {
              expect(verdict).toBe(reference.verify(signature, message, publicKey));
              let noble = false;
              try {
                noble = ed25519.verify(signature, message, publicKey, { zip215: false });
              } catch {}
              expect(verdict).toBe(noble);
            } else expect(verdict).toBe(false);
          }
          expect(verify(good.publicKey, message, good.signature)).toBe(true);
          expect(verify(bad.publicKey, bad.message, bad.signature)).toBe(false);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('contexts and prehash: as the twin says', () => {
    const secretKey = new Uint8Array(32).fill(7);
    const publicKey = reference.publicKey(secretKey);
    const message = new Uint8Array(150).fill(3);
    for (const options of [
      { context: Uint8Array.of(0) },
      { context: new Uint8Array(255).fill(9) },
      { prehash: true },
      { prehash: true, context: new Uint8Array() },
      { prehash: true, context: new Uint8Array(100).fill(1) },
      { prehash: false },
    ]) {
      const signature = reference.sign(secretKey, message, options);
      expect(verify(publicKey, message, signature, options)).toBe(true);
      expect(verify(prepare(publicKey), message, signature, options)).toBe(true);
      expect(verify(publicKey, message, signature, { context: Uint8Array.of(1) })).toBe(false);
    }
    const signature = new Uint8Array(64);
    expect(codeOf(() => verify(publicKey, message, signature, { context: new Uint8Array() }))).toBe(
      'invalid_argument',
    );
    expect(codeOf(() => verify(publicKey, message, signature, { context: new Uint8Array(256) }))).toBe(
      'invalid_argument',
    );
  });

  test('messages of every length: around blocks of the hash, around pieces, longer than io', () => {
    const lengths = [0, 1, 47, 48, 63, 64, 65, 111, 112, 127, 128, 129, 1000];
    lengths.push(MESSAGE_BYTES_MAX - 1, MESSAGE_BYTES_MAX, MESSAGE_BYTES_MAX + 1, IO_BYTES, IO_BYTES + 5);
    const items = lengths.map((length, i) => makeSigned(i + 1, new Uint8Array(length).fill(i)));
    for (const { publicKey, message, signature } of items) {
      expect(verify(publicKey, message, signature), `${message.length}`).toBe(true);
      expect(verify(prepare(publicKey), message, signature), `${message.length}`).toBe(true);
      if (message.length === 0) continue;
      const changed = Uint8Array.from(message);
      changed[message.length - 1]! ^= 1;
      expect(verify(publicKey, changed, signature), `${message.length}`).toBe(false);
    }
    expect(verifyBatch(items)).toEqual(items.map(() => true));
    // Many texts that do not fit in io together.
    const large = Array.from({ length: 100 }, (_, i) => items[items.length - 4 + (i % 3)]!);
    expect(verifyBatch(large)).toEqual(large.map(() => true));
  });

  test('S: below L, and the one right one', () => {
    const item = makeSigned(5, Uint8Array.of(1, 2, 3));
    const s = fromLittleEndian(item.signature.slice(32));
    const check = (value: bigint): boolean => {
      const { publicKey, message, signature } = withS(item, value);
      return verify(publicKey, message, signature);
    };
    expect(check(s)).toBe(true);
    for (const value of [0n, 1n, s + 1n, L - 1n, L, L + 1n, s + L, s + 8n * L, 2n ** 253n, 2n ** 256n - 1n]) {
      expect(check(value), `${value}`).toBe(false);
    }
    const one = shiftS(item, -s + 1n);
    expect(verify(one.publicKey, one.message, one.signature)).toBe(false);
  });

  test('a key or a signature of another length is not good; another type is an error', () => {
    const { publicKey, message, signature } = makeSigned(9, new Uint8Array(10));
    for (const length of [0, 31, 33, 64])
      expect(verify(new Uint8Array(length), message, signature)).toBe(false);
    for (const length of [0, 32, 63, 65])
      expect(verify(publicKey, message, new Uint8Array(length))).toBe(false);
    for (const wrong of [undefined, null, 'a', 1, [1]] as never[]) {
      expect(codeOf(() => verify(wrong, message, signature))).toBe('invalid_argument');
      expect(codeOf(() => verify(publicKey, wrong, signature))).toBe('invalid_argument');
      expect(codeOf(() => verify(publicKey, message, wrong))).toBe('invalid_argument');
      expect(codeOf(() => verifyBatch([{ publicKey, message, signature: wrong }]))).toBe('invalid_argument');
      expect(codeOf(() => prepare(wrong))).toBe('invalid_argument');
      if (!Array.isArray(wrong)) expect(codeOf(() => verifyBatch(wrong))).toBe('invalid_argument');
    }
    expect(codeOf(() => prepare(new Uint8Array(31)))).toBe('invalid_argument');
    expect(codeOf(() => verify(publicKey, message, signature, { prehash: 1 as never }))).toBe(
      'invalid_argument',
    );
  });

  test('prepared keys: the same bytes whatever made them, right points, bad keys refused', () => {
    for (const secret of [1, 2, 3]) {
      const { publicKey } = makeSigned(secret, new Uint8Array());
      const key = prepare(publicKey);
      expect(toHex(key.publicKey)).toBe(toHex(publicKey));
      const point = ed25519.Point.fromBytes(publicKey);
      const upper = point.multiply(2n ** 127n);
      const bytes = preparedBytes(key);
      expect(bytes).toHaveLength(PREPARED_KEY_BYTES);
      expect([32, 64, 96].map((at) => fromLittleEndian(bytes.slice(at, at + 32)))).toEqual([
        point.x,
        upper.x,
        upper.y,
      ]);
    }
    expect(codeOf(() => prepare(new Uint8Array(32)))).toBe('invalid_public_key');
    expect(codeOf(() => prepare(new Uint8Array(32).fill(255)))).toBe('invalid_public_key');
    expect(codeOf(() => prepare(Uint8Array.of(2, ...new Uint8Array(31))))).toBe('invalid_public_key');
    expect(toHex(prepare(encode(multiply(B, 2n))).publicKey)).toBe(ed25519.Point.BASE.double().toHex());
  });

  test('canaries: nothing but verdict, text and prepared key changes', () => {
    const { publicKey, message, signature } = makeSigned(3, new Uint8Array(100));
    for (const key of [publicKey, prepare(publicKey)]) {
      const [item] = withCanaries(kernel, [ITEM_BYTES, 64 + 100], ([at, text]) => {
        kernel.bytes.set(signature, at);
        kernel.bytes.set(key instanceof Uint8Array ? key : preparedBytes(key), at! + 64);
        kernel.bytes.set(message, text! + 64);
        const words = new Uint32Array(kernel.memory.buffer, at! + 192, 4);
        words.set([text!, 164, key instanceof Uint8Array ? 0 : 1, 7]);
        exports.ed25519VerifyItems(at!, 1, 0);
      });
      expect(item![204]).toBe(1);
      expect(item!.slice(0, 64)).toEqual(signature);
    }
    withCanaries(kernel, [PREPARED_KEY_BYTES, 32], ([out, key]) => {
      kernel.bytes.set(publicKey, key);
      expect(exports.ed25519PrepareKey(out!, key!)).toBe(1);
    });
    const room = exports.workspaceRoom();
    exports.ed25519VerifyItems(io, 0, 0);
    expect(exports.workspaceRoom()).toBe(room);
    expect(exports.VERIFY_ITEM_BYTES.value).toBe(ITEM_BYTES);
    expect(exports.PREPARED_KEY_BYTES.value).toBe(PREPARED_KEY_BYTES);
  });
});
