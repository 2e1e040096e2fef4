// Messages of ISO 8583:1987, bytes written out by hand from the standard's rules: bit n of the bitmap is data element n,
// bit 1 says that a second bitmap follows; ..19 is LLVAR, ...999 is LLLVAR.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Element, formatOf } from '../../src/institution/iso8583/elements.ts';
import { Iso8583Error, type Iso8583ErrorCode } from '../../src/institution/iso8583/errors.ts';
import { FrameParser, frame, MESSAGE_BYTES_MAX } from '../../src/institution/iso8583/frames.ts';
import { decodeMessage, encodeMessage, type Message } from '../../src/institution/iso8583/message.ts';
import { Random } from '../../src/shared/random.ts';
import { anyMessage } from './support.ts';

/** Hexadecimal, except what stands in quotes. */
function bytesOf(text: string): Buffer {
  return Buffer.concat(
    [...text.matchAll(/'([^']*)'|([0-9a-f]+)/g)].map(([, ascii, hex]) =>
      ascii !== undefined ? Buffer.from(ascii, 'latin1') : Buffer.from(hex!, 'hex'),
    ),
  );
}

const TABLE: readonly { name: string; message: Message; bytes: string }[] = [
  {
    name: 'sign-on: the second bitmap for DE 70',
    message: { type: '0800', elements: { 7: '1121104302', 11: '000001', 70: '001' } },
    // 1, 7 | 11 ······ 70
    bytes: "'0800' 8220000000000000 0400000000000000 '1121104302' '000001' '001'",
  },
  {
    name: 'no data elements',
    message: { type: '0810', elements: {} },
    bytes: "'0810' 0000000000000000",
  },
  {
    name: 'authorisation: one bitmap, LLVAR, LLLVAR',
    message: {
      type: '0100',
      elements: {
        2: '9999000000000018',
        3: '000000',
        4: '000000012345',
        7: '1121104302',
        11: '000002',
        12: '104301',
        13: '1121',
        22: '010',
        32: '1',
        37: 'ABCDEF012345',
        41: 'SPECIE  ',
        42: 'SPECIE         ',
        48: '000102030405060708090A0B0C0D0E0F',
        49: '978',
      },
    },
    // 2 3 4 7 | 11 12 13 | 22 | 32 | 37 | 41 42 48 | 49
    bytes:
      "'0100' 7238040108c18000 '16' '9999000000000018' '000000' '000000012345' '1121104302' '000002' '104301' '1121' " +
      "'010' '01' '1' 'ABCDEF012345' 'SPECIE  ' 'SPECIE         ' '032' '000102030405060708090A0B0C0D0E0F' '978'",
  },
  {
    name: 'answer: codes',
    message: {
      type: '0110',
      elements: { 11: '999999', 37: '000000000000', 38: '00000A', 39: '00', 60: 'AUTHORISED' },
    },
    // 11 | 37 38 39 | 60
    bytes: "'0110' 002000000e000010 '999999' '000000000000' '00000A' '00' '010' 'AUTHORISED'",
  },
  {
    name: 'reversal: DE 90 alone in the second bitmap',
    message: { type: '0400', elements: { 90: '010000000211211043020000000000100000000000' } },
    // 90 is bit 26 of the second bitmap
    bytes: "'0400' 8000000000000000 0000004000000000 '010000000211211043020000000000100000000000'",
  },
  {
    name: 'the longest variable elements',
    message: { type: '0600', elements: { 2: '1'.repeat(19), 32: '2'.repeat(11), 48: '~'.repeat(900) } },
    bytes: `'0600' 4000000100010000 '19' '${'1'.repeat(19)}' '11' '${'2'.repeat(11)}' '900' '${'~'.repeat(900)}'`,
  },
];

test.each(TABLE)('$name', ({ message, bytes }) => {
  const expected = bytesOf(bytes);
  expect(encodeMessage(message).toString('hex')).toBe(expected.toString('hex'));
  expect(decodeMessage(expected)).toEqual(message);
});

test('an empty second bitmap is read; it is never written', () => {
  const bytes = bytesOf("'0110' 8000000002000000 0000000000000000 '51'");
  expect(decodeMessage(bytes)).toEqual({ type: '0110', elements: { 39: '51' } });
});

const BROKEN: readonly [name: string, code: Iso8583ErrorCode, element: number | undefined, bytes: string][] =
  [
    ['nothing', 'truncated', undefined, ''],
    ['a type alone', 'truncated', undefined, "'0800'"],
    ['half a bitmap', 'truncated', undefined, "'0800' 00000000"],
    ['a second bitmap that is not there', 'truncated', undefined, "'0800' 8000000000000000 00000000000000"],
    ['a type with a letter', 'bad_type', undefined, "'08O0' 0000000000000000"],
    ['a type of another version', 'bad_type', undefined, "'1800' 0000000000000000"],
    ['an element without a format', 'unknown_element', 5, "'0100' 0800000000000000 '000000000000'"],
    [
      'an element of the second bitmap without a format',
      'unknown_element',
      128,
      "'0100' 80000000000000000000000000000001",
    ],
    ['a third bitmap', 'unknown_element', 65, "'0100' 80000000000000008000000000000000"],
    ['a fixed element cut short', 'truncated', 11, "'0800' 0020000000000000 '00001'"],
    ['a variable element cut short', 'truncated', 2, "'0100' 4000000000000000 '16' '999900000000001'"],
    ['a length cut short', 'truncated', 48, "'0100' 0000000000010000 '03'"],
    ['a length of letters', 'bad_length', 2, "'0100' 4000000000000000 '1x' '9'"],
    ['a length with a sign', 'bad_length', 2, "'0100' 4000000000000000 '+1' '9'"],
    ['a length beyond the most', 'bad_length', 2, "'0100' 4000000000000000 '20' '99999999999999999999'"],
    ['a length of zero', 'bad_length', 32, "'0100' 0000000100000000 '00'"],
    ['a letter among digits', 'bad_character', 11, "'0800' 0020000000000000 '00000A'"],
    ['a control character', 'bad_character', 41, "'0100' 0000000000800000 '1234567' 0a"],
    ['a byte beyond ASCII', 'bad_character', 48, "'0100' 0000000000010000 '001' e9"],
    ['a hyphen in a reference', 'bad_character', 37, "'0100' 0000000008000000 '12345678901-'"],
    ['more than the message', 'trailing_bytes', undefined, "'0810' 0000000002000000 '00' '0'"],
  ];

test.each(BROKEN)('refuses %s: %s', (_, code, element, bytes) => {
  let error: unknown;
  try {
    decodeMessage(bytesOf(bytes));
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(Iso8583Error);
  expect(error).toMatchObject({ code, element });
});

const UNENCODABLE: readonly [name: string, code: Iso8583ErrorCode, message: object][] = [
  ['a short fixed value', 'bad_length', { type: '0100', elements: { 4: '1' } }],
  ['a long fixed value', 'bad_length', { type: '0100', elements: { 39: '000' } }],
  ['an empty variable value', 'bad_length', { type: '0100', elements: { 32: '' } }],
  ['thirteen digits', 'bad_length', { type: '0100', elements: { 4: '1000000000000' } }],
  ['a sign', 'bad_character', { type: '0100', elements: { 4: '-00000000001' } }],
  // The low byte of U+0131 is a 1.
  ['a character whose low byte is a digit', 'bad_character', { type: '0100', elements: { 39: '0\u0131' } }],
  ['an unknown element', 'unknown_element', { type: '0100', elements: { 52: '0' } }],
  ['another version', 'bad_type', { type: '2100', elements: {} }],
];

test.each(UNENCODABLE)('does not write %s: %s', (_, code, message) => {
  expect(() => encodeMessage(message as Message)).toThrow(expect.objectContaining({ code }));
});

test('errors never quote a value', () => {
  const number = '9999000000000018';
  for (const bytes of [
    `'0100' 4000000000000000 '15' '${number}'`,
    `'0100' 4000000000000000 '17' '${number}'`,
    `'0100' 4000000000000000 '16' '${number.slice(0, 15)}x'`,
  ]) {
    try {
      decodeMessage(bytesOf(bytes));
      expect.unreachable();
    } catch (error) {
      expect((error as Error).message).not.toMatch(/\d{6}/);
    }
  }
  expect(() => encodeMessage({ type: '0100', elements: { 4: number } })).toThrow(/^(?!.*\d{6})/);
});

test('what is written is read back the same, in any pieces of the stream', () => {
  fc.assert(
    fc.property(
      fc.array(anyMessage, { minLength: 1, maxLength: 5 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 200 })),
      (messages, sizes) => {
        const stream = Buffer.concat(messages.map((message) => frame(encodeMessage(message))));
        const parser = new FrameParser();
        const found: Message[] = [];
        for (let at = 0; at < stream.length; ) {
          const size = sizes.next().value as number;
          for (const bytes of parser.push(stream.subarray(at, at + size))) found.push(decodeMessage(bytes));
          at += size;
        }
        expect(found).toEqual(messages);
        expect(parser.pendingBytes).toBe(0);
      },
    ),
    { numRuns: 300 },
  );
});

test('one encoding: what can be read is written as it was, but for an empty second bitmap', () => {
  fc.assert(
    fc.property(anyMessage, (message) => {
      const bytes = encodeMessage(message);
      expect(encodeMessage(decodeMessage(bytes)).equals(bytes)).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test('frames: bounds of the length, and no more kept than one message', () => {
  const parser = new FrameParser();
  expect([...parser.push(Buffer.from([0]))]).toEqual([]);
  expect([...parser.push(Buffer.from([12]))]).toEqual([]);
  expect([...parser.push(Buffer.alloc(11, 1))]).toEqual([]);
  expect(parser.pendingBytes).toBe(13);
  expect([...parser.push(Buffer.alloc(1, 1))]).toEqual([Buffer.alloc(12, 1)]);
  for (const length of [0, 11, MESSAGE_BYTES_MAX + 1, 0x3038, 0xffff]) {
    const prefix = Buffer.alloc(2);
    prefix.writeUInt16BE(length, 0);
    expect(() => [...new FrameParser().push(prefix)]).toThrow(expect.objectContaining({ code: 'bad_frame' }));
  }
  expect(() => frame(Buffer.alloc(MESSAGE_BYTES_MAX + 1))).toThrow(
    expect.objectContaining({ code: 'bad_frame' }),
  );
});

test('fuzz: forty thousand broken messages are read or refused with a typed error', () => {
  const random = new Random(20_250_704n);
  const samples = TABLE.map(({ message }) => encodeMessage(message));
  let refused = 0;
  for (let i = 0; i < 40_000; i++) {
    let bytes: Buffer;
    if (random.chance(0.2)) {
      bytes = Buffer.from(Array.from({ length: random.below(400) }, () => random.below(256)));
      if (random.chance(0.7)) bytes.write('0100');
    } else {
      bytes = Buffer.from(random.pick(samples));
      for (let n = 1 + random.below(4); n > 0; n--) bytes[random.below(bytes.length)] = random.below(256);
      if (random.chance(0.3)) bytes = bytes.subarray(0, random.below(bytes.length + 1));
    }
    try {
      const { elements } = decodeMessage(bytes);
      for (const [number, value] of Object.entries(elements)) {
        const { min, max } = formatOf(Number(number))!;
        expect(value.length >= min && value.length <= max).toBe(true);
      }
    } catch (error) {
      if (!(error instanceof Iso8583Error)) throw error;
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(20_000);
});

test('fuzz: streams of random bytes end in bad_frame or keep less than one frame', () => {
  const random = new Random(7n);
  for (let i = 0; i < 3_000; i++) {
    const parser = new FrameParser();
    try {
      for (let n = 0; n < 20; n++) {
        const chunk = Buffer.from(
          Array.from({ length: random.below(100) }, () => random.below(i % 2 ? 5 : 256)),
        );
        for (const bytes of parser.push(chunk)) expect(bytes.length).toBeLessThanOrEqual(MESSAGE_BYTES_MAX);
        expect(parser.pendingBytes).toBeLessThan(MESSAGE_BYTES_MAX + 2);
      }
    } catch (error) {
      expect(error).toMatchObject({ code: 'bad_frame' });
    }
  }
});

test('every data element of the dialect has a format', () => {
  for (const number of Object.values(Element)) expect(formatOf(number)).toBeDefined();
});
