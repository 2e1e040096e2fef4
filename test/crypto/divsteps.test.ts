// Inverses by division steps against bigints: the field at its edges, numbers of long runs of bits, both lanes.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromLittleEndian, invert, mod, P, toLittleEndian } from '../../src/reference/field.ts';
import { eachBuild } from './builds.ts';
import { withCanaries } from './canaries.ts';

/** From 0 to p - 1. */
const element = fc.oneof(
  fc.bigInt({ min: 0n, max: P - 1n }),
  fc.constantFrom(0n, 1n, 2n, 19n, P - 1n, P - 2n, (P + 1n) / 2n, (P - 1n) / 2n),
  fc.tuple(fc.nat(254), fc.nat(254)).map(([i, j]) => mod((1n << BigInt(i)) - (1n << BigInt(j)))),
  fc
    .array(fc.constantFrom<bigint[]>(0n, 1n, 0x1fffffffn, 0x20000000n, 0x3fffffffn), {
      minLength: 9,
      maxLength: 9,
    })
    .map((limbs) => mod(limbs.reduce((sum, limb, i) => sum + (limb << BigInt(30 * i)), 0n))),
);

eachBuild('division steps', (kernel) => {
  const { exports, io } = kernel;

  test('the inverse of every element, and 0 of 0', () => {
    const inverseOf = (a: bigint): bigint => {
      kernel.bytes.set(toLittleEndian(a), io);
      exports.fieldInvertBytes(io, io);
      return fromLittleEndian(kernel.copy(io, 32));
    };
    fc.assert(
      fc.property(element, (a) => {
        expect(inverseOf(a)).toBe(invert(a));
      }),
      { numRuns: 2000 },
    );
    for (let i = 0n; i < 255n; i++) {
      for (const a of [1n << i, mod(-(1n << i)), (1n << i) - 1n])
        expect(mod(inverseOf(a) * a)).toBe(a === 0n ? 0n : 1n);
    }
  });

  test('of two at once, as by the power', () => {
    const [BYTES, A, QUICK, POWER] = [io, io + 128, io + 256, io + 384];
    const get = (pair: number): bigint[] => {
      exports.fieldToBytes(BYTES, BYTES + 32, pair);
      return [fromLittleEndian(kernel.copy(BYTES, 32)), fromLittleEndian(kernel.copy(BYTES + 32, 32))];
    };
    const notZero = element.filter((a) => a !== 0n);
    fc.assert(
      fc.property(notZero, notZero, (a, b) => {
        kernel.bytes.set(toLittleEndian(a), BYTES);
        kernel.bytes.set(toLittleEndian(b), BYTES + 32);
        exports.fieldFromBytes(A, BYTES, BYTES + 32);
        exports.fieldInvertPair(QUICK, A);
        exports.fieldInvert(POWER, A);
        const inverses = get(QUICK);
        expect(inverses).toEqual(get(POWER));
        expect(inverses).toEqual([invert(a), invert(b)]);
      }),
      { numRuns: 500 },
    );
  });

  test('nothing else is written', () => {
    withCanaries(kernel, [32, 32], ([out, a]) => {
      kernel.bytes.fill(3, a!, a! + 32);
      exports.fieldInvertBytes(out!, a!);
    });
  });
});
