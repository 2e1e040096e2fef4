import fc from 'fast-check';
import { describe, expect, expectTypeOf, test } from 'vitest';
import {
  bool,
  bytes,
  bytesUpTo,
  CodecError,
  type Infer,
  list,
  nothing,
  oneOf,
  optional,
  remembered,
  struct,
  text,
  u8,
  u16,
  u32,
  u64,
  u128,
  union,
} from '../../src/shared/codec.ts';

const Order = struct({
  request: u128,
  amount: u128,
  currency: u32,
  until: u64,
  small: u8,
  medium: u16,
  flag: bool,
  key: bytes(4),
  note: text(32),
  blob: bytesUpTo(8),
  more: optional(u64),
  parts: list(struct({ a: u8 }), 3),
  state: oneOf('open', 'closed'),
  outcome: union({ none: nothing, done: struct({ at: u64 }) }),
});
type Order = Infer<typeof Order>;

const order = fc.record<Order>({
  request: fc.bigInt(0n, (1n << 128n) - 1n),
  amount: fc.bigInt(0n, (1n << 128n) - 1n),
  currency: fc.integer({ min: 0, max: 0xffff_ffff }),
  until: fc.bigInt(0n, (1n << 64n) - 1n),
  small: fc.integer({ min: 0, max: 255 }),
  medium: fc.integer({ min: 0, max: 65535 }),
  flag: fc.boolean(),
  key: fc.uint8Array({ minLength: 4, maxLength: 4 }),
  note: fc
    .string({ unit: 'grapheme', maxLength: 4 })
    .filter((note) => new TextEncoder().encode(note).length <= 32),
  blob: fc.uint8Array({ maxLength: 8 }),
  more: fc.option(fc.bigInt(0n, (1n << 64n) - 1n), { nil: undefined }),
  parts: fc.array(fc.record({ a: fc.integer({ min: 0, max: 255 }) }), { maxLength: 3 }),
  state: fc.constantFrom('open', 'closed'),
  outcome: fc.oneof(
    fc.constant({ kind: 'none' as const }),
    fc.record({ kind: fc.constant('done' as const), at: fc.bigInt(0n, (1n << 64n) - 1n) }),
  ),
});

test('bytes as documented', () => {
  const Small = struct({
    a: u16,
    b: optional(u8),
    c: text(4),
    d: union({ x: nothing, y: struct({ e: u32 }) }),
  });
  expectTypeOf<Infer<typeof Small>['b']>().toEqualTypeOf<number | undefined>();
  const encoded = Small.encode({ a: 0x0102, b: 7, c: 'é', d: { kind: 'y', e: 1 } });
  expect(Buffer.from(encoded).toString('hex')).toBe('0201' + '0107' + '02000000c3a9' + '0101000000');
  expect(Small.bytesMax).toBe(2 + 2 + 8 + 5);
});

test('what is encoded is decoded, and nothing else gives the same bytes', () => {
  fc.assert(
    fc.property(order, (value) => {
      const encoded = Order.encode(value);
      expect(encoded.length).toBeLessThanOrEqual(Order.bytesMax);
      expect(Order.decode(encoded)).toEqual(value);
      expect(Order.encode(Order.decode(encoded))).toEqual(encoded);
    }),
  );
});

test('whatever decodes is encoded as the same bytes: one encoding a value', () => {
  fc.assert(
    fc.property(order, fc.nat(), fc.nat(255), (value, place, byte) => {
      const encoded = Order.encode(value);
      encoded[place % encoded.length] = byte;
      let decoded: Order;
      try {
        decoded = Order.decode(encoded);
      } catch (error) {
        expect(error).toBeInstanceOf(CodecError);
        return;
      }
      expect(Order.encode(decoded)).toEqual(encoded);
    }),
    { numRuns: 2000 },
  );
});

test('rubbish, cut and continued bytes are refused', () => {
  fc.assert(
    fc.property(order, fc.nat(), (value, place) => {
      const encoded = Order.encode(value);
      expect(() => Order.decode(encoded.subarray(0, place % encoded.length))).toThrow(CodecError);
      expect(() => Order.decode(Uint8Array.of(...encoded, 0))).toThrow(CodecError);
    }),
  );
});

describe('errors name the field', () => {
  test.each([
    ['parts[1].a: expected 1 bytes, got 0', struct({ parts: list(struct({ a: u8 }), 3) }), [2, 0, 0, 0, 1]],
    ['parts: expected at most 3 values, got 4', struct({ parts: list(u8, 3) }), [4, 0, 0, 0]],
    [
      'parts: expected at most 3 values, got 4294967295',
      struct({ parts: list(u8, 3) }),
      [255, 255, 255, 255],
    ],
    ['blob: expected 5 bytes, got 1', struct({ blob: bytesUpTo(8) }), [5, 0, 0, 0, 1]],
    ['flag: expected 0 or 1, got 2', struct({ flag: bool }), [2]],
    ['more: expected 0 or 1, got 9', struct({ more: optional(u8) }), [9]],
    ['note: expected UTF-8, got other bytes', struct({ note: text(4) }), [1, 0, 0, 0, 0xff]],
    ['state: expected 0 to 1 (open, closed), got 2', struct({ state: oneOf('open', 'closed') }), [2]],
    ['of.kind: expected 0 to 0, got 1', struct({ of: union({ none: nothing }) }), [1]],
    ['expected 1 bytes, got 2', struct({ a: u8 }), [1, 2]],
  ])('%s', (message, type, encoded) => {
    expect(() => type.decode(Uint8Array.from(encoded))).toThrow(new CodecError(message));
  });

  test.each([
    ['a: u8: expected an integer from 0 to 255, got 256', struct({ a: u8 }), { a: 256 }],
    ['a: u8: expected an integer from 0 to 255, got undefined', struct({ a: u8 }), {}],
    ['b: expected 2 bytes, got 3', struct({ b: bytes(2) }), { b: new Uint8Array(3) }],
    ['c: expected at most 2 bytes of text, got 3', struct({ c: text(2) }), { c: 'abc' }],
    ['c: expected a well-formed text, got a lone surrogate', struct({ c: text(9) }), { c: '\ud800' }],
    ['d: kind: expected one of x, got another', struct({ d: union({ x: nothing }) }), { d: { kind: 'y' } }],
  ])('%s', (message, type, value) => {
    expect(() => type.encode(value as never)).toThrow(message);
  });
});

describe('remembered', () => {
  const Kept = remembered(Order);

  test.each(['alone', 'inside'])('is the same bytes, built or read: %s', (where) => {
    fc.assert(
      fc.property(order, (value) => {
        const bytes = Order.encode(value);
        const [plain, kept] =
          where === 'alone'
            ? [Order, Kept]
            : [struct({ kept: Order, rest: u8 }), struct({ kept: Kept, rest: u8 })];
        const wrap = (one: Order) => (where === 'alone' ? one : { kept: one, rest: 7 }) as never;
        const encoded = plain.encode(wrap(value));
        expect(kept.encode(wrap(value))).toEqual(encoded);
        const read = kept.decode(encoded);
        expect(read).toEqual(wrap(value));
        expect(kept.encode(read as never)).toEqual(encoded);
        expect(Kept.encode(Kept.decode(bytes))).toEqual(bytes);
        expect(kept.bytesMax).toBe(plain.bytesMax);
      }),
    );
  });

  test('what is made of a value that was read has fields of its own', () => {
    fc.assert(
      fc.property(order, order, (value, other) => {
        const read = Kept.decode(Order.encode(value));
        expect(Kept.encode({ ...read, amount: other.amount })).toEqual(
          Order.encode({ ...value, amount: other.amount }),
        );
      }),
    );
  });

  test('gives bytes of its own each time', () => {
    const bytes = remembered(struct({ a: u8 })).encode({ a: 1 });
    const source = Uint8Array.from(bytes);
    const codec = remembered(struct({ a: u8 }));
    const read = codec.decode(source);
    source.fill(9);
    codec.encode(read).fill(9);
    expect(codec.encode(read)).toEqual(bytes);
  });
});
