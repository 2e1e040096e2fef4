// Point formulas against @noble/curves: any points of the curve, also those outside the group of prime order, both lanes.
import { ed25519 } from '@noble/curves/ed25519.js';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { P, toLittleEndian } from '../../src/reference/field.ts';
import { eachBuild } from './builds.ts';
import { toHex } from './vectors.ts';

const { Point } = ed25519;
type Point = typeof Point.BASE;

/** A point of order 8. */
const TORSION = Point.fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05');
const order = Point.Fn.ORDER;

const multiple = (k: bigint): Point => (k === 0n ? Point.ZERO : Point.BASE.multiplyUnsafe(k));
const anyPoint = fc
  .tuple(
    fc.oneof(fc.bigInt({ min: 0n, max: order - 1n }), fc.constantFrom(0n, 1n, 2n, order - 1n)),
    fc.integer({ min: 0, max: 7 }),
  )
  .map(([k, j]) => multiple(k).add(j === 0 ? Point.ZERO : TORSION.multiplyUnsafe(BigInt(j))));

eachBuild('edwards', (kernel) => {
  const { exports } = kernel;
  const at = (index: number): number => kernel.io + 512 * index;
  const BYTES = at(20);

  const decode = (slot: number, a: Uint8Array, b: Uint8Array): number => {
    kernel.bytes.set(a, BYTES);
    kernel.bytes.set(b, BYTES + 32);
    return exports.pointsDecompress(at(slot), BYTES, BYTES + 32);
  };
  const put = (slot: number, a: Point, b: Point): void => {
    expect(decode(slot, a.toBytes(), b.toBytes())).toBe(3);
  };
  const get = (slot: number): [string, string] => {
    exports.pointsCompress(BYTES, BYTES + 32, at(slot));
    return [toHex(kernel.copy(BYTES, 32)), toHex(kernel.copy(BYTES + 32, 32))];
  };
  const encoded = (a: Point, b: Point): [string, string] => [a.toHex(), b.toHex()];

  test('every formula, on equal, opposite and neutral points too', () => {
    fc.assert(
      fc.property(anyPoint, anyPoint, anyPoint, (a, b, c) => {
        for (const [p, q, r, s] of [
          [a, b, c, a],
          [a, a, b, b.negate()],
          [Point.ZERO, a, b, Point.ZERO],
        ] as const) {
          put(0, p, r);
          put(1, q, s);
          expect(get(0)).toEqual(encoded(p, r));
          exports.pointsDouble(at(2), at(0));
          expect(get(2)).toEqual(encoded(p.double(), r.double()));
          exports.pointsToAffine(at(3), at(1));
          exports.pointsAddAffine(at(4), at(0), at(3));
          expect(get(4)).toEqual(encoded(p.add(q), r.add(s)));
          exports.pointsToCached(at(5), at(4));
          exports.pointsAddCached(at(6), at(2), at(5));
          expect(get(6)).toEqual(encoded(p.double().add(p.add(q)), r.double().add(r.add(s))));
          exports.pointsNormalise(at(6));
          exports.pointsToAffine(at(3), at(6));
          exports.pointsAddAffine(at(0), at(0), at(3)); // out may be an operand
          exports.pointsDouble(at(0), at(0));
          const sum = (x: Point, y: Point): Point => x.add(x.double()).add(x.add(y)).double();
          expect(get(0)).toEqual(encoded(sum(p, q), sum(r, s)));
        }
      }),
      { numRuns: 60 },
    );
  });

  test('decoding takes what RFC 8032 takes, each lane for itself', () => {
    const strictly = (bytes: Uint8Array): boolean => {
      try {
        Point.fromBytes(bytes, false);
        // noble takes -0, which section 5.1.3 refuses in step 4.
        const isMinusZero = (bytes[31]! & 0x80) !== 0 && Point.fromBytes(bytes, false).x === 0n;
        return !isMinusZero;
      } catch {
        return false;
      }
    };
    const sign = (bytes: Uint8Array): Uint8Array => bytes.map((byte, i) => (i === 31 ? byte | 0x80 : byte));
    const edges = [0n, 1n, 2n, 3n, 19n, P - 3n, P - 2n, P - 1n, P, P + 1n, P + 2n, P + 18n].flatMap((y) => [
      toLittleEndian(y),
      sign(toLittleEndian(y)),
    ]);
    let taken = 0;
    const check = (a: Uint8Array, b: Uint8Array): void => {
      const valid = decode(0, a, b);
      expect([a, b].map(toHex).concat(`${valid}`)).toEqual(
        [a, b].map(toHex).concat(`${(strictly(a) ? 1 : 0) | (strictly(b) ? 2 : 0)}`),
      );
      const [gotA, gotB] = get(0);
      if (valid & 1) expect(gotA).toBe(toHex(a));
      if (valid & 2) expect(gotB).toBe(toHex(b));
      taken += (valid & 1) + (valid >> 1);
    };
    for (const a of edges) for (const b of edges) check(a, b);
    const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(fc.property(bytes, bytes, check), { numRuns: 300 });
    expect(taken).toBeGreaterThan(200);
  });
});
