// Batches: exactly the bad items are found, wherever and however many they are, and whatever the coefficients are.
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type SignedMessage, verifyBatch } from '../../src/crypto/ed25519/batch.ts';
import { prepare, preparedBytes } from '../../src/crypto/ed25519/prepare.ts';
import { verify } from '../../src/crypto/ed25519/verify.ts';
import { COEFFICIENT_BYTES, ITEM_BYTES } from '../../src/crypto/ed25519/verify-item.ts';
import { CryptoError } from '../../src/crypto/errors.ts';
import { eachBuild } from './builds.ts';
import { withCanaries } from './canaries.ts';
import { makeMany, makeSigned, randomOf, type Signed, shiftS, spoil } from './ed25519-signed.ts';

const SIGNED = makeMany(4200);

/** `count` items of which each is spoilt with the given probability: items and what is expected of them. */
function batchOf(count: number, badRate: number, seed: number): { items: Signed[]; expected: boolean[] } {
  const random = randomOf(seed);
  const expected: boolean[] = [];
  const items = SIGNED.slice(0, count).map((item) => {
    const bad = random() < badRate;
    expected.push(!bad);
    return bad ? spoil(item, random) : item;
  });
  return { items, expected };
}

eachBuild('ed25519 batches', (kernel) => {
  test('every size: all good, and random bad ones in random places', () => {
    expect(verifyBatch([])).toEqual([]);
    for (const count of [1, 2, 3, 8, 23, 24, 25, 26, 64, 300, 1024, 4096, 4200]) {
      const room = kernel.exports.workspaceRoom();
      expect(verifyBatch(SIGNED.slice(0, count)), `${count} good`).toEqual(new Array(count).fill(true));
      for (const [badRate, seed] of [
        [1.5 / count, 1],
        [0.02, 2],
        [0.4, 3],
      ] as const) {
        if (count > 2000 && badRate > 0.1) continue;
        const { items, expected } = batchOf(count, badRate, 1000 * seed + count);
        expect(verifyBatch(items), `${count} items, seed ${seed}`).toEqual(expected);
      }
      expect(kernel.exports.workspaceRoom()).toBe(room);
    }
  });

  test('one bad one in each place', () => {
    for (const count of [2, 3, 7, 33]) {
      for (let place = 0; place < count; place++) {
        const items = SIGNED.slice(0, count).map((item, i) => (i === place ? shiftS(item, 1n) : item));
        expect(verifyBatch(items), `place ${place} of ${count}`).toEqual(items.map((_, i) => i !== place));
      }
    }
  });

  test('all bad', () => {
    for (const count of [1, 2, 8, 64, 300, 1024]) {
      const items = SIGNED.slice(0, count).map((item) => shiftS(item, 1n));
      expect(verifyBatch(items), `${count}`).toEqual(new Array(count).fill(false));
    }
  });

  test('the same item many times, good and bad', () => {
    const good = SIGNED[0]!;
    const bad = shiftS(good, 5n);
    for (const count of [2, 30, 100, 700]) {
      expect(verifyBatch(new Array<Signed>(count).fill(good))).toEqual(new Array(count).fill(true));
      expect(verifyBatch(new Array<Signed>(count).fill(bad))).toEqual(new Array(count).fill(false));
      const mixed = Array.from({ length: count }, (_, i) => (i % 10 === 3 ? bad : good));
      expect(verifyBatch(mixed)).toEqual(mixed.map((item) => item === good));
    }
  });

  test('one key, or few keys, for many signatures; prepared, not prepared and both', () => {
    for (const count of [2, 20, 60, 500]) {
      for (const keys of [1, 3]) {
        const items = Array.from({ length: count }, (_, i) =>
          makeSigned(1 + (i % keys), Uint8Array.of(i, i >> 8)),
        );
        const ready = items.slice(0, keys).map(({ publicKey }) => prepare(publicKey));
        const expected = items.map((_, i) => i % 50 !== 7);
        const spoilt = items.map((item, i) => (expected[i] ? item : shiftS(item, 1n)));
        const prepared = spoilt.map((item, i) => ({ ...item, publicKey: ready[i % keys]! }));
        const both: SignedMessage[] = spoilt.map((item, i) => (i % 3 === 0 ? prepared[i]! : item));
        const otherBoth: SignedMessage[] = spoilt.map((item, i) => (i % 3 !== 0 ? prepared[i]! : item));
        for (const batch of [spoilt, prepared, both, otherBoth]) expect(verifyBatch(batch)).toEqual(expected);
      }
    }
  });

  test('prepared keys, all of them or some', () => {
    const ready = SIGNED.slice(0, 1100).map(({ publicKey }) => prepare(publicKey));
    for (const count of [1, 2, 24, 25, 100, 1100]) {
      const { items, expected } = batchOf(count, 0.01, 77 + count);
      const usable = (i: number): boolean => items[i]!.publicKey === SIGNED[i]!.publicKey;
      for (const every of [1, 2]) {
        const batch: SignedMessage[] = items.map((item, i) =>
          i % every === 0 && usable(i) ? { ...item, publicKey: ready[i]! } : item,
        );
        expect(verifyBatch(batch), `${count}, every ${every}`).toEqual(expected);
      }
    }
  });

  test('keys that begin alike are different keys', () => {
    // Collisions in the table of keys cost time, never a verdict: many keys with the same first bytes, most of them none.
    const items = SIGNED.slice(0, 40).flatMap((item) =>
      [0, 1, 2, 3].map((i) => {
        const publicKey = Uint8Array.from(item.publicKey);
        publicKey[20 + i]! ^= i;
        return { ...item, publicKey };
      }),
    );
    expect(verifyBatch(items)).toEqual(items.map((_, i) => i % 4 === 0));
  });

  test('errors that would cancel each other without coefficients do not', () => {
    const one = (length: number): Uint8Array => {
      const bytes = new Uint8Array(length);
      for (let i = 0; i < length; i += COEFFICIENT_BYTES) bytes[i] = 1;
      return bytes;
    };
    for (const count of [2, 10, 100]) {
      const items = SIGNED.slice(0, count);
      items[0] = shiftS(items[0]!, 12345n);
      items[count - 1] = shiftS(items[count - 1]!, -12345n);
      const expected = items.map((_, i) => i !== 0 && i !== count - 1);
      expect(verifyBatch(items), `${count}`).toEqual(expected);
      // That the attack is one: with coefficients that are all 1 it would succeed.
      expect(verifyBatch(items, { randomBytes: one }), `${count}`).toEqual(items.map(() => true));
    }
    // Three errors that add up to nothing, under one key.
    const items = [0, 1, 2].map((i) => makeSigned(1, Uint8Array.of(i)));
    const cancelling = items.map((item, i) => shiftS(item, [7n, -3n, -4n][i]!));
    expect(verifyBatch(cancelling)).toEqual([false, false, false]);
    expect(verifyBatch(cancelling, { randomBytes: one })).toEqual([true, true, true]);
  });

  test('verdicts do not depend on the coefficients', () => {
    const sources: ((length: number) => Uint8Array)[] = [
      (length) => new Uint8Array(length), // zero: replaced
      (length) => new Uint8Array(length).fill(255),
      (length) => new Uint8Array(length).fill(128),
      (length) => new Uint8Array(length).fill(127),
      (length) => Uint8Array.from({ length }, (_, i) => (i % 16 === 15 ? 1 : 0)),
      (length) => randomBytes(length),
    ];
    for (const count of [2, 20, 40, 150, 1200]) {
      const good = SIGNED.slice(0, count);
      const { items, expected } = batchOf(count, 1 / count, 5 + count);
      for (const source of sources) {
        expect(verifyBatch(good, { randomBytes: source })).toEqual(good.map(() => true));
        expect(verifyBatch(items, { randomBytes: source })).toEqual(expected);
      }
    }
    for (const length of [0, 16, 31, 33]) {
      expect(() => verifyBatch(SIGNED.slice(0, 2), { randomBytes: () => new Uint8Array(length) })).toThrow(
        CryptoError,
      );
    }
  });

  test('any mix: as one by one', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 400 }), fc.boolean(), fc.integer()), { maxLength: 80 }),
        (choice) => {
          const items = choice.map(([i, good, seed]) =>
            good ? SIGNED[i]! : spoil(SIGNED[i]!, randomOf(seed)),
          );
          expect(verifyBatch(items)).toEqual(
            items.map(({ publicKey, message, signature }) => verify(publicKey, message, signature)),
          );
        },
      ),
      { numRuns: 40 },
    );
  });

  test('canaries: nothing but verdicts and texts changes', () => {
    for (const count of [5, 60]) {
      const items = SIGNED.slice(0, count);
      const lengths = [
        count * ITEM_BYTES,
        count * COEFFICIENT_BYTES,
        ...items.map(({ message }) => 64 + message.length),
      ];
      const [after] = withCanaries(kernel, lengths, ([at, coefficients, ...texts]) => {
        kernel.bytes.set(randomBytes(count * COEFFICIENT_BYTES), coefficients);
        items.forEach(({ publicKey, message, signature }, i) => {
          const item = at! + i * ITEM_BYTES;
          kernel.bytes.set(signature, item);
          kernel.bytes.set(i % 2 ? preparedBytes(prepareAside(publicKey)) : publicKey, item + 64);
          kernel.bytes.set(message, texts[i]! + 64);
          new Uint32Array(kernel.memory.buffer, item + 192, 4).set([
            texts[i]!,
            64 + message.length,
            i % 2,
            9,
          ]);
        });
        kernel.exports.ed25519VerifyItems(at!, count, coefficients!);
      });
      for (let i = 0; i < count; i++) {
        expect(after![i * ITEM_BYTES + 204]).toBe(1);
        expect(after!.slice(i * ITEM_BYTES, i * ITEM_BYTES + 64)).toEqual(items[i]!.signature);
      }
    }

    /** Preparing uses io as well: what is there comes back. */
    function prepareAside(publicKey: Uint8Array): ReturnType<typeof prepare> {
      const saved = kernel.copy(kernel.io, 1024);
      const key = prepare(publicKey);
      kernel.bytes.set(saved, kernel.io);
      return key;
    }
  });
});
