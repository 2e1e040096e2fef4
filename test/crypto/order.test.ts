// Scalars modulo the order of the base point against plain bigints, biased to the edges.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromLittleEndian, mod, toLittleEndian } from '../../src/reference/field.ts';
import { eachBuild } from './builds.ts';
import { withCanaries } from './canaries.ts';

const L = (1n << 252n) + 27742317777372353535851937790883648493n;

const EDGES = [
  0n,
  1n,
  2n,
  L,
  2n * L,
  3n * L,
  4n * L,
  15n * L,
  1n << 125n,
  1n << 252n,
  1n << 253n,
  1n << 255n,
];

/** Any number of so many bits, biased to multiples of L, to powers of two, and to words of all ones and all zeroes. */
const number = (bits: number): fc.Arbitrary<bigint> => {
  const max = (1n << BigInt(bits)) - 1n;
  const clip = (value: bigint): bigint => (value < 0n ? 0n : value > max ? max : value);
  return fc.oneof(
    fc.bigInt({ min: 0n, max }),
    fc.tuple(fc.constantFrom(...EDGES, max), fc.bigInt({ min: -3n, max: 3n })).map(([e, d]) => clip(e + d)),
    fc
      .tuple(fc.bigInt({ min: 0n, max: max / L }), fc.bigInt({ min: -2n, max: 2n }))
      .map(([k, d]) => clip(k * L + d)),
    fc
      .array(fc.constantFrom<bigint[]>(0n, 1n, 0x0fffffffn, 0x10000000n, 0xffffffffn), {
        minLength: bits / 32,
        maxLength: bits / 32,
      })
      .map((words) => words.reduce((sum, word, i) => sum + (word << BigInt(32 * i)), 0n)),
  );
};
const canonical = fc.oneof(
  number(256).map((value) => value % L),
  fc.constantFrom(0n, 1n, 2n, L - 1n, L - 2n, 1n << 252n),
);

eachBuild('order', (kernel) => {
  const { exports } = kernel;
  const [OUT, A, B, C] = [0, 1, 2, 3].map((i) => kernel.io + 1024 * i) as [number, number, number, number];

  const put = (address: number, value: bigint, length = 32): void => {
    kernel.bytes.set(toLittleEndian(value, length), address);
  };
  const get = (): bigint => fromLittleEndian(kernel.copy(OUT, 32));

  test('512 bits modulo L', () => {
    const check = (value: bigint): void => {
      put(A, value, 64);
      exports.orderReduce512(OUT, A);
      expect(get()).toBe(value % L);
    };
    for (const value of [
      0n,
      1n,
      L - 1n,
      L,
      L + 1n,
      2n * L,
      1n << 252n,
      (1n << 256n) - 1n,
      (1n << 512n) - 1n,
    ]) {
      check(value);
    }
    fc.assert(fc.property(number(512), check), { numRuns: 5000 });
  });

  test('products, products and a sum, of any 256 bits', () => {
    fc.assert(
      fc.property(number(256), number(256), number(256), number(128), (a, b, c, short) => {
        put(A, a);
        put(B, b);
        put(C, c);
        exports.orderMulMod(OUT, A, B);
        expect(get()).toBe((a * b) % L);
        exports.orderMulAdd(OUT, A, B, C);
        expect(get()).toBe((a * b + c) % L);
        put(A, short, 16);
        exports.orderMulMod128(OUT, A, B);
        expect(get()).toBe((short * b) % L);
      }),
      { numRuns: 5000 },
    );
    const max = (1n << 256n) - 1n;
    for (const address of [A, B, C]) put(address, max);
    exports.orderMulAdd(OUT, A, B, C);
    expect(get()).toBe((max * max + max) % L);
  });

  test('sums and negation of scalars', () => {
    fc.assert(
      fc.property(canonical, canonical, (a, b) => {
        put(A, a);
        put(B, b);
        exports.orderAddMod(OUT, A, B);
        expect(get()).toBe((a + b) % L);
        exports.orderNegate(OUT, A);
        expect(get()).toBe(mod(-a, L));
      }),
      { numRuns: 2000 },
    );
  });

  test('an operand may be the result', () => {
    fc.assert(
      fc.property(canonical, canonical, (a, b) => {
        const inPlace = (call: () => void): bigint => {
          put(OUT, a);
          put(B, b);
          call();
          return get();
        };
        expect(inPlace(() => exports.orderMulMod(OUT, OUT, B))).toBe((a * b) % L);
        expect(inPlace(() => exports.orderMulMod(OUT, B, OUT))).toBe((a * b) % L);
        expect(inPlace(() => exports.orderMulAdd(OUT, B, B, OUT))).toBe((b * b + a) % L);
        expect(inPlace(() => exports.orderAddMod(OUT, OUT, B))).toBe((a + b) % L);
        expect(inPlace(() => exports.orderNegate(OUT, OUT))).toBe(mod(-a, L));
      }),
    );
  });

  test('canonical is what is below L', () => {
    fc.assert(
      fc.property(number(256), (a) => {
        put(A, a);
        expect(exports.orderIsCanonical(A)).toBe(a < L ? 1 : 0);
      }),
      { numRuns: 2000 },
    );
    for (const [value, verdict] of [
      [0n, 1],
      [L - 1n, 1],
      [L, 0],
      [L + 1n, 0],
    ] as const) {
      put(A, value);
      expect(exports.orderIsCanonical(A)).toBe(verdict);
    }
  });

  const short = fc.oneof(
    canonical,
    number(256).map((value) => value >> 3n),
    fc.constantFrom((1n << 253n) - 1n, (1n << 128n) - 1n),
  );

  test('signed digits of a fixed radix', () => {
    fc.assert(
      fc.property(short, fc.integer({ min: 2, max: 15 }), (a, width) => {
        put(A, a);
        exports.orderSignedDigits(OUT, A, width);
        const count = Math.floor(253 / width) + 1;
        const digits = Array.from(new Int16Array(kernel.memory.buffer, OUT, count));
        const half = 2 ** (width - 1);
        expect(digits.slice(0, -1).every((digit) => digit >= -half && digit < half)).toBe(true);
        expect(digits.at(-1)! >= 0 && digits.at(-1)! <= half).toBe(true);
        expect(digits.reduceRight((sum, digit) => (sum << BigInt(width)) + BigInt(digit), 0n)).toBe(a);
      }),
      { numRuns: 3000 },
    );
  });

  test('non-adjacent form', () => {
    fc.assert(
      fc.property(short, fc.integer({ min: 2, max: 8 }), (a, width) => {
        put(A, a);
        const end = exports.orderWnaf(OUT, A, width);
        const digits = Array.from(new Int8Array(kernel.memory.buffer, OUT, 256));
        const places = digits.flatMap((digit, place) => (digit === 0 ? [] : [place]));
        expect(places.every((place) => (digits[place]! & 1) === 1)).toBe(true);
        expect(places.every((place) => Math.abs(digits[place]!) < 2 ** (width - 1))).toBe(true);
        expect(places.every((place, i) => i === 0 || place - places[i - 1]! >= width)).toBe(true);
        expect(end).toBe((places.at(-1) ?? -1) + 1);
        expect(digits.reduceRight((sum, digit) => (sum << 1n) + BigInt(digit), 0n)).toBe(a);
      }),
      { numRuns: 3000 },
    );
  });

  test('nothing else is written', () => {
    withCanaries(kernel, [32, 64], ([out, wide]) => exports.orderReduce512(out!, wide!));
    withCanaries(kernel, [32, 32, 32, 32], ([out, a, b, c]) => exports.orderMulAdd(out!, a!, b!, c!));
    withCanaries(kernel, [32, 16, 32], ([out, a, b]) => exports.orderMulMod128(out!, a!, b!));
    withCanaries(kernel, [128, 32], ([out, scalar]) => {
      kernel.bytes.fill(0, scalar!, scalar! + 32);
      exports.orderSignedDigits(out!, scalar!, 4);
    });
    withCanaries(kernel, [34, 32], ([out, scalar]) => {
      kernel.bytes.fill(0, scalar!, scalar! + 32);
      exports.orderSignedDigits(out!, scalar!, 15);
    });
    withCanaries(kernel, [256, 32], ([out, scalar]) => {
      kernel.bytes.fill(0, scalar!, scalar! + 32);
      exports.orderWnaf(out!, scalar!, 8);
    });
  });
});
