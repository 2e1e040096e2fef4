// What anybody can send: cut, changed, huge, deep, of wrong types. It is refused with a NotesError, at once, and without
// showing what it held.
import { encode } from 'cborg';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { toBase64Url } from '../../src/notes/base64.ts';
import { decodeCbor } from '../../src/notes/cbor.ts';
import { conditionOf } from '../../src/notes/conditions/condition.ts';
import { readWitness } from '../../src/notes/conditions/witness.ts';
import { NotesError } from '../../src/notes/errors.ts';
import { mintErrorBody } from '../../src/notes/json/error.ts';
import { mintInfo } from '../../src/notes/json/info.ts';
import { keysAnswer, keysetsAnswer } from '../../src/notes/json/keys.ts';
import {
  batchMintRequest,
  meltQuote,
  meltRequest,
  mintQuote,
  mintRequest,
} from '../../src/notes/json/quotes.ts';
import { statesAnswer, statesRequest } from '../../src/notes/json/states.ts';
import { restoreAnswer, signaturesAnswer, swapRequest } from '../../src/notes/json/swap.ts';
import { encodeBech32Request } from '../../src/notes/request/bech32.ts';
import { decodePaymentRequest, encodePaymentRequest } from '../../src/notes/request/payment-request.ts';
import {
  decodeToken,
  decodeTokenBytes,
  encodeToken,
  encodeTokenBytes,
  encodeTokenV3,
} from '../../src/notes/token.ts';
import { runs } from './runs.ts';

const SECRET = 'a secret that nobody may see'.repeat(2);
const point = Uint8Array.from({ length: 33 }, (_, i) => (i === 0 ? 2 : i));
const scalar = new Uint8Array(32).fill(1);
const note = {
  amount: 2n,
  keysetId: '00456a94ab4e1c46',
  secret: SECRET,
  signature: point,
  dleq: { e: scalar, s: scalar, r: scalar },
  witness: '{}',
};
const token = { mint: 'https://mint.example', unit: 'eur', memo: 'x', notes: [note, note] };
const request = {
  id: 'a',
  amount: 5n,
  unit: 'eur',
  mints: ['https://mint.example'],
  transports: [{ type: 'post', target: 'https://x.example', tags: [['a', 'b']] }],
  condition: { kind: 'P2PK', data: 'x', tags: [['a', 'b']] },
};

/** Refused with our error, or taken: nothing else is thrown. */
function takenOrRefused(run: () => unknown): NotesError | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(NotesError);
    expect((error as NotesError).message).not.toContain('nobody may see');
    expect(String((error as NotesError).cause ?? '')).not.toContain('nobody may see');
    return error as NotesError;
  }
}

const refused = (run: () => unknown): NotesError['code'] => {
  const error = takenOrRefused(run);
  expect(error).toBeDefined();
  return error!.code;
};

const raw = encodeTokenBytes(token);

describe('tokens', () => {
  test('cut anywhere', () => {
    for (let length = 0; length < raw.length; length++)
      refused(() => decodeTokenBytes(raw.subarray(0, length)));
    for (const text of [encodeToken(token), encodeTokenV3(token)])
      for (let length = 0; length < text.length - 4; length += 3)
        refused(() => decodeToken(text.slice(0, length)));
  });

  test('changed anywhere', () => {
    for (let at = 0; at < raw.length; at++) {
      for (const mask of [0x01, 0x20]) {
        const changed = Uint8Array.from(raw);
        changed[at]! ^= mask;
        takenOrRefused(() => decodeTokenBytes(changed));
      }
    }
  });

  const inCbor = (value: unknown): string => `cashuB${toBase64Url(encode(value))}`;
  const cborNote = { a: 1, s: 'x', c: point };
  const cborToken = (change: object, changedNote: object = {}): unknown => ({
    t: [{ i: Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7), p: [{ ...cborNote, ...changedNote }] }],
    m: 'https://mint.example',
    u: 'eur',
    ...change,
  });

  test('of wrong types, sizes and numbers', () => {
    expect(takenOrRefused(() => decodeToken(inCbor(cborToken({}))))).toBeUndefined();
    expect(takenOrRefused(() => decodeToken(inCbor(cborToken({ x: 1 }, { y: [1] }))))).toBeUndefined();
    for (const change of [
      { t: [] },
      { t: {} },
      { t: 1 },
      { t: [1] },
      { t: [{}] },
      { m: 1 },
      { m: 'x'.repeat(1025) },
      { u: 1 },
      { u: 'x'.repeat(65) },
      { d: 1 },
      { d: 'x'.repeat(5000) },
    ])
      refused(() => decodeToken(inCbor(cborToken(change))));
    for (const change of [
      { a: -1 },
      { a: 'x' },
      { a: 1.5 },
      { a: null },
      { s: 1 },
      { s: 'x'.repeat(1025) },
      { s: 'ü'.repeat(600) },
      { c: point.subarray(1) },
      { c: scalar },
      { c: 'x' },
      { c: new Uint8Array(33).fill(4) },
      { d: {} },
      { d: { e: scalar, s: scalar } },
      { d: { e: scalar, s: scalar, r: new Uint8Array(32) } },
      { d: { e: scalar, s: scalar, r: new Uint8Array(32).fill(255) } },
      { w: 1 },
      { w: 'x'.repeat(5000) },
      { pe: scalar },
    ])
      refused(() => decodeToken(inCbor(cborToken({}, change))));
    for (const i of [
      new Uint8Array(7),
      new Uint8Array(33).fill(2),
      Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0),
      'x',
      new Uint8Array(9),
    ])
      refused(() => decodeToken(inCbor(cborToken({ t: [{ i, p: [cborNote] }] }))));
    const many = Array.from({ length: 1001 }, () => cborNote);
    const group = (notes: unknown[]) => ({ i: new Uint8Array(8), p: notes });
    expect(refused(() => decodeToken(inCbor(cborToken({ t: [group(many)] }))))).toBe('too_large');
    const halves = [group(many.slice(500)), group(many.slice(500))];
    expect(refused(() => decodeToken(inCbor(cborToken({ t: halves }))))).toBe('too_large');
  });

  test('with a mark of byte order before a secret: kept in JSON, refused in CBOR, never left out', () => {
    const marked = { ...token, notes: [{ ...note, secret: `\ufeff${SECRET}` }] };
    expect(decodeToken(encodeTokenV3(marked)).notes[0]!.secret).toBe(`\ufeff${SECRET}`);
    expect(() => decodeToken(encodeToken(marked))).toThrow(NotesError);
  });

  test('too long, of other versions, without anything', () => {
    expect(refused(() => decodeToken('cashuB'.padEnd(2 * 1024 * 1024, 'A')))).toBe('too_large');
    for (const text of [
      '',
      'cashu',
      'cashuC',
      'cashuZabc',
      'casshuA',
      'cashu:',
      'lnbc1',
      encodeToken(token).slice(6),
    ])
      expect(refused(() => decodeToken(text))).toBe('unsupported');
    for (const text of ['cashuA', 'cashuB', 'cashuA====', 'cashuB!', 'cashuBé', 'cashuAe30', 'cashuBoA'])
      expect(refused(() => decodeToken(text))).toBe('malformed');
    expect(refused(() => decodeTokenBytes(new Uint8Array(0)))).toBe('unsupported');
    expect(refused(() => decodeTokenBytes(new TextEncoder().encode('crawA')))).toBe('unsupported');
  });

  test('behind its scheme, and with space around it', () => {
    const text = encodeToken(token);
    for (const written of [`cashu:${text}`, `cashu://${text}`, `CASHU:${text}`, ` ${text}\n`])
      expect(decodeToken(written)).toEqual(decodeToken(text));
  });

  test('of several mints', () => {
    const [, entry] = /^\{"token":\[(.*)\],"unit"/.exec(atob(encodeTokenV3(token).slice(6)))!;
    const written = (other: string): string => `cashuA${btoa(`{"token":[${entry},${other}]}`)}`;
    expect(decodeToken(written(entry!)).notes).toHaveLength(4);
    expect(refused(() => decodeToken(written(entry!.replace('mint.example', 'other.example'))))).toBe(
      'unsupported',
    );
  });
});

describe('CBOR', () => {
  const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));
  const cases: Record<string, string> = {
    nothing: '',
    'two values': '0101',
    'a name twice': 'a2616101616102',
    'a number in more bytes than it needs': '1801',
    'a length in more bytes than it needs': '780161',
    'a list of unknown length': '9f01ff',
    'a map of unknown length': 'bf616101ff',
    'a text of unknown length': '7f6161ff',
    'a tag': 'c001',
    'a bigint as a tag': 'c24101',
    'a float': 'f93c00',
    'a float of 64 bits': 'fb3ff0000000000000',
    'another simple value': 'f0',
    'a simple value in two bytes': 'f814',
    'a break': 'ff',
    'a text that is no UTF-8': '61ff',
    'a list longer than the bytes': '9b00000000ffffffff',
    'a map longer than the bytes': 'bbffffffffffffffff',
    'bytes longer than there are': '5bffffffffffffffff00',
    'a text longer than there is': '7a7fffffff61',
    'a reserved length': '1c',
  };
  test.each(Object.entries(cases))('%s', (_, hex) => {
    expect(refused(() => decodeCbor(bytes(hex)))).toBe('malformed');
  });

  test('depth and number of values are bounded, whatever their form', () => {
    for (const open of [0x81, 0xa1, 0x9f, 0xc1, 0xd8])
      expect(refused(() => decodeCbor(new Uint8Array(500_000).fill(open)))).toBe('malformed');
    const wide = Uint8Array.from([0x9a, 0x00, 0x01, 0x11, 0x70, ...new Array(70_000).fill(1)]);
    expect(refused(() => decodeCbor(wide))).toBe('too_large');
    const pairs = (text: string): string => `81${text}`;
    let nested = '01';
    for (let depth = 0; depth < 12; depth++) nested = pairs(nested);
    expect(takenOrRefused(() => decodeCbor(bytes(nested)))).toBeUndefined();
    expect(refused(() => decodeCbor(bytes(pairs(nested))))).toBe('malformed');
  });

  test('any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (any) => {
        takenOrRefused(() => decodeCbor(any));
      }),
      { numRuns: runs(500) },
    );
  });

  test('names of prototypes are names', () => {
    const map = decodeCbor(
      encode(
        new Map([
          ['__proto__', 1],
          ['constructor', 2],
        ]),
      ),
    ) as Map<string, number>;
    expect([...map.keys()].sort()).toEqual(['__proto__', 'constructor']);
  });
});

test('payment requests: cut, changed, of wrong types', () => {
  const texts = [encodePaymentRequest(request), encodeBech32Request(request)];
  for (const text of texts) {
    for (let length = 0; length < text.length - 4; length++)
      refused(() => decodePaymentRequest(text.slice(0, length)));
    for (let at = 0; at < text.length; at += 2)
      for (const other of ['A', 'q', '1', '-'])
        takenOrRefused(() => decodePaymentRequest(text.slice(0, at) + other + text.slice(at + 1)));
  }
  const inCbor = (value: unknown): string => `creqA${toBase64Url(encode(value))}`;
  for (const wrong of [
    1,
    [],
    { a: 1 },
    { a: -1, u: 'x' },
    { i: 1 },
    { s: 1 },
    { m: 'x' },
    { m: [1] },
    { t: [{}] },
    { t: [{ t: 'post' }] },
    { t: [{ t: 'post', a: 'x', g: ['x'] }] },
    { nut10: {} },
    { nut10: { k: 'P2PK', d: 1 } },
    { m: Array.from({ length: 65 }, () => 'x') },
  ])
    refused(() => decodePaymentRequest(inCbor(wrong)));
  expect(refused(() => decodePaymentRequest('creqA'.padEnd(20_000, 'A')))).toBe('too_large');
  expect(refused(() => decodePaymentRequest('creqC'))).toBe('unsupported');
  expect(refused(() => encodePaymentRequest({ amount: 1n }))).toBe('malformed');
  expect(refused(() => encodeBech32Request({ amount: 1n }))).toBe('malformed');
  expect(refused(() => encodeBech32Request({ transports: [{ type: 'pigeon', target: '' }] }))).toBe(
    'unsupported',
  );
});

describe('bodies', () => {
  const bodies = [
    swapRequest,
    signaturesAnswer,
    restoreAnswer,
    statesRequest,
    statesAnswer,
    keysAnswer,
    keysetsAnswer,
    mintInfo,
    mintQuote,
    mintRequest,
    meltQuote,
    meltRequest,
    batchMintRequest,
    mintErrorBody,
  ];
  const names = fc.constantFrom(
    'inputs',
    'outputs',
    'signatures',
    'amount',
    'id',
    'secret',
    'C',
    'C_',
    'B_',
    'dleq',
    'quote',
    'keysets',
    'keys',
    'unit',
    'states',
    'Ys',
    'nuts',
    '4',
    '1',
    'state',
    'request',
    'quotes',
    'detail',
    'code',
  );
  const leaf = fc.constantFrom(
    '"x"',
    `"${'02'.repeat(33)}"`,
    '1',
    '-1',
    '1.5',
    'null',
    'true',
    '"00456a94ab4e1c46"',
    '"PAID"',
    `"${SECRET}"`,
  );
  const { value } = fc.letrec<{ value: string }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      leaf,
      fc.array(tie('value'), { maxLength: 3 }).map((entries) => `[${entries.join(',')}]`),
      fc
        .array(fc.tuple(names, tie('value')), { maxLength: 4 })
        .map((entries) => `{${entries.map(([name, member]) => `"${name}":${member}`).join(',')}}`),
    ),
  }));

  test('of any structure', () => {
    fc.assert(
      fc.property(value, fc.constantFrom(...bodies), (text, body) => {
        takenOrRefused(() => body.decode(text));
      }),
      { numRuns: runs(600) },
    );
  });

  test('of any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.constantFrom(...bodies), (bytes, body) => {
        refused(() => body.decode(bytes));
      }),
      { numRuns: runs(200) },
    );
  });
});

test('secrets and witnesses of any text', () => {
  const text = fc.oneof(
    fc.string(),
    fc.json(),
    fc.json().map((json) => `["P2PK",${json}]`),
    fc.json().map((json) => `["HTLC",{"nonce":"","data":${json},"tags":${json}}]`),
  );
  fc.assert(
    fc.property(text, (any) => {
      takenOrRefused(() => conditionOf(any));
      takenOrRefused(() => readWitness(any));
    }),
    { numRuns: runs(300) },
  );
});
