// Bodies of the HTTP interface: what is written is read again, and what is wrong is refused with its name and without its
// value.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MINT_ERRORS, type MintErrorName, mintErrorName, NotesError } from '../../src/notes/errors.ts';
import { mintError, mintErrorBody, mintErrorOf } from '../../src/notes/json/error.ts';
import type { JsonBody } from '../../src/notes/json/fields.ts';
import { type MintInfo, mintInfo } from '../../src/notes/json/info.ts';
import { keysAnswer, keysetsAnswer } from '../../src/notes/json/keys.ts';
import {
  batchMintRequest,
  isMethodName,
  meltQuote,
  meltQuoteRequest,
  meltRequest,
  mintQuote,
  mintQuoteRequest,
  mintQuotesAnswer,
  mintRequest,
} from '../../src/notes/json/quotes.ts';
import { statesAnswer, statesRequest } from '../../src/notes/json/states.ts';
import { restoreAnswer, restoreRequest, signaturesAnswer, swapRequest } from '../../src/notes/json/swap.ts';
import { parseJson, writeJson } from '../../src/notes/json/value.ts';
import { hex } from '../crypto/vectors.ts';
import { testKeyset } from './mint.ts';
import { runs } from './runs.ts';

const keyset = testKeyset().public;
const id = keyset.id;
const point = hex(`02${'ab'.repeat(32)}`);
const scalar = new Uint8Array(32).fill(9);
const input = { amount: 1n, keysetId: id, secret: 'a "secret" ü', signature: point };
const output = { amount: (1n << 64n) - 1n, keysetId: id, blinded: point };
const signature = { amount: 1n << 53n, keysetId: id, signature: point, dleq: { e: scalar, s: scalar } };
const quote = { quote: 'q', request: 'lnbc…', state: 'PAID' as const };

function roundTrip<Of>(body: JsonBody<Of>, value: Of): string {
  const text = body.encode(value);
  expect(body.decode(text)).toEqual(value);
  expect(body.decode(new TextEncoder().encode(text))).toEqual(value);
  return text;
}

function refused(run: () => unknown): NotesError {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(NotesError);
    return error as NotesError;
  }
  throw new Error('expected a refusal');
}

describe('every body comes back as it went', () => {
  test('swap and restore', () => {
    const text = roundTrip(swapRequest, { inputs: [{ ...input, witness: '{}' }], outputs: [output] });
    expect(text).toContain('"amount":18446744073709551615');
    expect(JSON.parse(text)).toMatchObject({ inputs: [{ id, secret: input.secret, witness: '{}' }] });
    roundTrip(signaturesAnswer, { signatures: [signature] });
    roundTrip(restoreRequest, { outputs: [output] });
    roundTrip(restoreAnswer, { outputs: [output], signatures: [signature] });
  });

  test('mint and melt', () => {
    roundTrip(mintQuoteRequest, { amount: 5n, unit: 'eur', description: 'x', publicKey: point });
    roundTrip(mintQuote, {
      ...quote,
      amount: 5n,
      unit: 'eur',
      amountPaid: 5n,
      amountIssued: 0n,
      expiry: 1n,
      updatedAt: 2n,
    });
    roundTrip(mintRequest, { quote: 'q', outputs: [output], signature: new Uint8Array(64) });
    roundTrip(meltQuoteRequest, { request: 'shop', unit: 'eur', amount: 4n });
    roundTrip(meltQuote, { ...quote, amount: 1n, feeReserve: 0n, paymentProof: '', change: [signature] });
    roundTrip(meltRequest, { quote: 'q', inputs: [input], outputs: [{ ...output, amount: 0n }] });
    roundTrip(mintQuotesAnswer, [quote, quote]);
    roundTrip(batchMintRequest, {
      quotes: ['a', 'b'],
      quoteAmounts: [1n, 2n],
      outputs: [output],
      signatures: [new Uint8Array(64), undefined],
    });
  });

  test('states', () => {
    roundTrip(statesRequest, { noteIds: [point, point] });
    roundTrip(statesAnswer, {
      states: [
        { noteId: point, state: 'SPENT', witness: '{}' },
        { noteId: point, state: 'UNSPENT' },
      ],
    });
    expect(
      statesAnswer.decode(`{"states":[{"Y":"${'02'.repeat(33)}","state":"PENDING","witness":null}]}`),
    ).toEqual({
      states: [{ noteId: new Uint8Array(33).fill(2), state: 'PENDING' }],
    });
  });

  test('keys and keysets', () => {
    const full = { ...keyset, finalExpiry: 2_000_000_000n, inputFeePpk: 100 };
    roundTrip(keysAnswer, { keysets: [full] });
    const { keys: _, ...info } = full;
    roundTrip(keysetsAnswer, { keysets: [{ ...info, isActive: false }] });
    expect(keysetsAnswer.decode(`{"keysets":[{"id":"${id}","unit":"eur"}]}`).keysets).toEqual([
      { id, unit: 'eur', isActive: true, inputFeePpk: 0 },
    ]);
  });

  test('information', () => {
    const info: MintInfo = {
      name: 'Campus',
      publicKey: point,
      version: 'specie/0.5.0',
      contact: [{ method: 'email', info: 'desk@campus.example' }],
      time: 1n,
      nuts: {
        mint: {
          methods: [{ method: 'specie', unit: 'eur', minAmount: 1n, maxAmount: 10n }],
          isDisabled: false,
        },
        melt: { methods: [] },
        batchMint: { maxBatchSize: 100, methods: ['specie'] },
        supported: [7, 9, 12],
      },
    };
    roundTrip(mintInfo, info);
    const { nuts } = mintInfo.decode(
      '{"nuts":{"17":{"supported":[{"method":"x"}]},"7":{"supported":true},"x":1}}',
    );
    expect(nuts).toEqual({ supported: [7] });
  });

  test('errors', () => {
    for (const name of Object.keys(MINT_ERRORS) as MintErrorName[]) {
      const body = mintError(name);
      roundTrip(mintErrorBody, body);
      expect(mintErrorName(body.code)).toBe(name);
    }
    expect(mintErrorName(1)).toBeUndefined();
    expect(mintErrorBody.decode('{"detail":"no"}')).toEqual({ detail: 'no', code: 0 });
    expect(mintErrorBody.decode('{"code":11001,"error":"no"}')).toEqual({ detail: '', code: 11001 });
    expect(mintErrorOf(new NotesError('condition', 'no'))).toEqual({ code: 10001, detail: 'no' });
    expect(mintErrorOf(new NotesError('malformed', 'no')).code).toBe(0);
    const many = { inputs: Array.from({ length: 1001 }, () => input), outputs: [] };
    expect(mintErrorOf(refused(() => swapRequest.decode(swapRequest.encode(many)))).code).toBe(11014);
    const wide = { outputs: Array.from({ length: 1001 }, () => output), inputs: [] };
    expect(mintErrorOf(refused(() => swapRequest.decode(swapRequest.encode(wide)))).code).toBe(11015);
  });
});

test('what would give the holder away does not go to the mint', () => {
  const note = { ...input, dleq: { e: scalar, s: scalar, r: scalar }, ephemeralKey: point };
  const text = swapRequest.encode({ inputs: [note], outputs: [] });
  expect(text).not.toContain('dleq');
  expect(text).not.toContain('p2pk_e');
});

test('unknown members are passed over, null is absent, keysets of unknown versions are left out', () => {
  const text = `{"quote":"q","request":"r","state":"UNPAID","expiry":null,"new":{"a":[1.5]}}`;
  expect(mintQuote.decode(text)).toEqual({ quote: 'q', request: 'r', state: 'UNPAID' });
  const others = ['02'.repeat(33), 'L3zxxRB/I8uE', 'x']
    .map((other) => `{"id":"${other}","keys":1},`)
    .join('');
  expect(keysetsAnswer.decode(`{"keysets":[${others}{"id":"${id}","unit":"eur"}]}`).keysets).toHaveLength(1);
  for (const [paid, issued, state] of [
    [0, 0, 'UNPAID'],
    [5, 0, 'PAID'],
    [5, 5, 'ISSUED'],
  ])
    expect(
      mintQuote.decode(`{"quote":"q","request":"r","amount_paid":${paid},"amount_issued":${issued}}`).state,
    ).toBe(state);
  expect(refused(() => mintQuote.decode('{"quote":"q","request":"r"}')).message).toContain('state');
});

test('amounts are unsigned integers of 64 bits as they are', () => {
  const decode = (amount: string) => () =>
    meltQuoteRequest.decode(`{"request":"","unit":"eur","amount":${amount}}`);
  expect(decode('18446744073709551615')().amount).toBe((1n << 64n) - 1n);
  expect(decode('9007199254740993')().amount).toBe(9007199254740993n);
  for (const amount of [
    '18446744073709551616',
    '-1',
    '-0',
    '1.0',
    '1e3',
    '1E0',
    '"1"',
    '01',
    '+1',
    'true',
    '[1]',
    '0x1',
    '1_0',
    'NaN',
    '9'.repeat(1000),
  ])
    expect(refused(decode(amount)).code, amount).toBe('malformed');
});

test('what is wrong is named, and what it held is not', () => {
  const secret = 'do not show';
  const cases: [string, RegExp][] = [
    [`{"inputs":[{"amount":1,"id":"${id}","secret":"${secret}","C":"00"}],"outputs":[]}`, /inputs\[0\]\.C/],
    [`{"inputs":[{"amount":1,"id":"${secret}","secret":"","C":"00"}],"outputs":[]}`, /inputs\[0\]\.id/],
    [`{"inputs":[{"amount":"${secret}"}],"outputs":[]}`, /inputs\[0\]\.amount/],
    [`{"inputs":"${secret}","outputs":[]}`, /inputs: expected a list/],
    [`{"inputs":[]}`, /outputs/],
    [`{"inputs":[],"inputs":[],"outputs":[]}`, /not there before/],
    [`{"${secret}":1,"${secret}":1}`, /not there before/],
    [`["${secret}"]`, /expected an object/],
    [`{"${secret}`, /JSON/],
  ];
  for (const [body, message] of cases) {
    const error = refused(() => swapRequest.decode(body));
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain(secret);
  }
});

test('names of methods', () => {
  for (const name of ['bolt11', 'specie', 'a-b_c']) expect(isMethodName(name)).toBe(true);
  for (const name of ['', 'A', '../x', 'a b', '-', 'x'.repeat(65)]) expect(isMethodName(name)).toBe(false);
});

describe('JSON', () => {
  const plain = (value: unknown): unknown => {
    if (value instanceof Map)
      return Object.fromEntries([...value].map(([name, member]) => [name, plain(member)]));
    if (Array.isArray(value)) return value.map(plain);
    return typeof value === 'bigint' ? Number(value) : value;
  };
  const isTwice = (text: string): boolean => /__proto__/.test(text);

  test('is what JSON.parse reads, but for integers beyond 20 digits, doubles and lone surrogates', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), (text) => {
        if (isTwice(text) || /\\ud[89a-f]/i.test(text) || /\d{20}/.test(text)) return;
        const value = parseJson(text);
        expect(plain(value)).toEqual(JSON.parse(text, (_, each) => (Object.is(each, -0) ? 0 : each)));
        expect(JSON.parse(writeJson(value))).toEqual(
          JSON.parse(text, (_, each) => (Object.is(each, -0) ? 0 : each)),
        );
      }),
      { numRuns: runs(150) },
    );
  });

  test('that JSON.parse refuses is refused', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      'a',
      '\\',
      '1',
      '.',
      '-',
      'e',
      'true',
      'null',
      ' ',
      '\n',
      '\u0001',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
        const text = parts.join('');
        let isJson = true;
        try {
          JSON.parse(text);
        } catch {
          isJson = false;
        }
        if (!isJson) expect(refused(() => parseJson(text)).code).toBe('malformed');
      }),
      { numRuns: runs(400) },
    );
  });

  test('has bounds: bytes, depth, values, digits', () => {
    expect(refused(() => parseJson(' '.repeat(2 * 1024 * 1024 + 1))).code).toBe('too_large');
    expect(refused(() => parseJson(new Uint8Array(2 * 1024 * 1024 + 1))).code).toBe('too_large');
    expect(refused(() => parseJson('['.repeat(1_000_000))).code).toBe('malformed');
    expect(refused(() => parseJson('{"a":'.repeat(300_000))).code).toBe('malformed');
    expect(refused(() => parseJson(`[${'1,'.repeat(70_000)}1]`)).code).toBe('too_large');
    expect(refused(() => parseJson('1'.repeat(1_000_000))).code).toBe('malformed');
    expect(refused(() => parseJson(Uint8Array.of(0x22, 0xff, 0x22))).code).toBe('malformed');
    expect(refused(() => parseJson('"\\ud800"')).code).toBe('malformed');
    expect(refused(() => parseJson('"\ud800"')).code).toBe('malformed');
    expect(parseJson('{"__proto__":{"a":1}}')).toEqual(new Map([['__proto__', new Map([['a', 1n]])]]));
  });
});
