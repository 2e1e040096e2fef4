import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { Batcher, type Refusal } from '../../../src/cli/files/batcher.ts';
import { ACCOUNTS, kindOf, TRANSFERS } from '../../../src/cli/files/columns.ts';
import { derivedIds, fileDigest } from '../../../src/cli/files/derived-id.ts';
import {
  formatFlags,
  formatId,
  formatTimestamp,
  parseFlags,
  parseId,
  parseMoney,
  parseTimestamp,
  snakeCase,
} from '../../../src/cli/files/fields.ts';
import {
  type FileFormat,
  formatOf,
  type ReaderOptions,
  RecordReader,
  type Row,
} from '../../../src/cli/files/reader.ts';
import {
  headerText,
  NEW_ACCOUNT_COLUMNS,
  NEW_TRANSFER_COLUMNS,
  recordText,
} from '../../../src/cli/files/write-records.ts';
import {
  type Account,
  AccountFlags,
  readTransfer,
  type Transfer,
  TransferFlags,
  TransferFlagsNames,
} from '../../../src/layout/generated.ts';
import { amountOf } from '../../../src/shared/amount.ts';
import { encodeBalanceLimit } from '../../../src/shared/balance-limit.ts';
import { Currencies } from '../../../src/shared/currency.ts';

const currencies = new Currencies([{ ledger: 1000, code: 'TOK', exponent: 0 }]);
const U128 = (1n << 128n) - 1n;

async function rowsOf(
  text: string | Uint8Array,
  options: Partial<ReaderOptions> = {},
  cut = 7,
): Promise<Row[]> {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += cut) yield bytes.subarray(at, at + cut);
  }
  const reader = new RecordReader({ format: 'csv', currencies, amountUnit: 'minor', ...options });
  const rows: Row[] = [];
  for await (const part of reader.read(chunks())) rows.push(...part);
  return rows;
}

const reasons = (rows: readonly Row[]) =>
  rows.map((row) => ('reason' in row ? `${row.line}: ${row.reason}` : row.line));

const u128 = fc.oneof(fc.constantFrom(0n, 1n, U128 - 1n, U128), fc.bigInt({ min: 0n, max: U128 }));
const u64 = fc.oneof(fc.constantFrom(0n, (1n << 64n) - 1n), fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }));
const u32 = fc.oneof(fc.constantFrom(0, 0xffff_ffff), fc.nat(0xffff_ffff));
const u16 = fc.nat(0xffff);
const ledger = fc.constantFrom(978, 392, 414, 1000, 5000);
const anyTransfer: fc.Arbitrary<Transfer> = fc.record({
  id: u128,
  debitAccountId: u128,
  creditAccountId: u128,
  amount: u128,
  pendingId: u128,
  userData128: u128,
  userData64: u64,
  userData32: u32,
  timeout: u32,
  ledger,
  code: u16,
  flags: u16,
  timestamp: fc.constant(0n),
});
const anyAccount: fc.Arbitrary<Account> = fc.record({
  id: u128,
  debitsPending: fc.constant(0n),
  debitsPosted: fc.constant(0n),
  creditsPending: fc.constant(0n),
  creditsPosted: fc.constant(0n),
  userData128: u128,
  userData64: u64,
  userData32: u32,
  balanceLimit: fc
    .bigInt({ min: 0n, max: 99_999_999n })
    .map((limit) => encodeBalanceLimit(amountOf(limit * 100n))),
  ledger,
  code: u16,
  flags: u16,
  timestamp: fc.constant(0n),
});

const withoutZeroes = (record: object) =>
  Object.fromEntries(Object.entries(record).filter(([, value]) => value !== 0 && value !== 0n));

describe('a record written is the record read', () => {
  const formats = fc.constantFrom<FileFormat>('csv', 'ndjson');
  const units = fc.constantFrom<'minor' | 'decimal'>('minor', 'decimal');

  test.prop([fc.array(anyTransfer, { minLength: 1, maxLength: 4 }), formats, units])(
    'transfers',
    async (transfers, format, amountUnit) => {
      const options = { format, amountUnit, currencies };
      const lines = transfers.map((t) => recordText(t, NEW_TRANSFER_COLUMNS, options));
      const rows = await rowsOf(headerText(NEW_TRANSFER_COLUMNS, options) + lines.join(''), {
        ...options,
        kind: TRANSFERS,
      });
      expect(rows.map((row) => 'record' in row && withoutZeroes(row.record))).toEqual(
        transfers.map(withoutZeroes),
      );
    },
  );

  test.prop([fc.array(anyAccount, { minLength: 1, maxLength: 4 }), formats, units])(
    'accounts',
    async (accounts, format, amountUnit) => {
      const options = { format, amountUnit, currencies };
      const lines = accounts.map((a) => recordText(a, NEW_ACCOUNT_COLUMNS, options));
      const text = headerText(NEW_ACCOUNT_COLUMNS, options) + lines.join('');
      const rows = await rowsOf(text, { ...options, kind: ACCOUNTS });
      expect(rows.map((row) => 'record' in row && withoutZeroes(row.record))).toEqual(
        accounts.map(withoutZeroes),
      );
    },
  );
});

describe('fields', () => {
  test.prop([u128])('an id is read as decimal, hex and UUID', (id) => {
    const hex = id.toString(16).padStart(32, '0');
    const uuid = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
    for (const text of [String(id), `0x${id.toString(16)}`, uuid, uuid.toUpperCase(), formatId(id)]) {
      expect(parseId(text)).toBe(id);
    }
  });

  test.each(['', '-1', '0x', '1.5', 'x', String(U128 + 1n), `0x${'f'.repeat(33)}`, '1e3', 'deadbeef-0000'])(
    'the id %j is refused',
    (text) => {
      expect(() => parseId(text)).toThrow('expected a number up to 2^128-1');
    },
  );

  test.prop([u16])('flags are written and read', (flags) => {
    expect(parseFlags(String(flags), TransferFlags)).toBe(flags);
    const known = flags & 0x1ff;
    expect(parseFlags(formatFlags(known, TransferFlagsNames), TransferFlags)).toBe(known);
  });

  test('flags are names, in both spellings, or a number', () => {
    expect(parseFlags('linked | postPendingTransfer', TransferFlags)).toBe(5);
    expect(parseFlags('debits_must_not_exceed_credits|history', AccountFlags)).toBe(10);
    expect(parseFlags('0x10', TransferFlags)).toBe(16);
    for (const text of ['link', 'toString', '99999', 'pending linked']) {
      expect(() => parseFlags(text, TransferFlags)).toThrow('expected');
    }
    expect(formatFlags(0x8001, TransferFlagsNames)).toBe('linked|0x8000');
  });

  test.each([
    ['1234', 978, 'minor', 1234n],
    ['12.34 EUR', 978, 'minor', 1234n],
    ['EUR 12.34', 0, 'minor', 1234n],
    ['12 EUR', 978, 'minor', 1200n],
    ['12.34', 978, 'decimal', 1234n],
    ['12', 978, 'decimal', 1200n],
    ['12', 392, 'decimal', 12n],
    ['7 TOK', 1000, 'decimal', 7n],
    ['max', 0, 'minor', U128],
  ] as const)('the amount %j in ledger %d as %s is %d', (text, number, unit, amount) => {
    expect(parseMoney(text, number, unit, currencies).amount).toBe(amount);
  });

  test.each([
    ['12.34', 978, 'minor', 'expected whole minor units'],
    ['12.34 USD', 978, 'minor', "expected an amount in the record's ledger 978"],
    ['12.345', 978, 'decimal', 'at most 2 decimal places in EUR'],
    ['12.3', 392, 'decimal', 'at most 0 decimal places in JPY'],
    ['12', 0, 'decimal', 'expected a ledger beside the decimal amount'],
    ['1,5', 978, 'decimal', 'expected a decimal'],
    ['-5', 978, 'minor', 'whole number of minor units'],
    ['5 XYZ', 0, 'minor', 'expected an ISO 4217 code'],
  ] as const)('the amount %j in ledger %d as %s is refused', (text, number, unit, message) => {
    expect(() => parseMoney(text, number, unit, currencies)).toThrow(message);
  });

  test.prop([fc.bigInt({ min: 0n, max: 4_000_000_000_000_000_000n })])(
    'times are written and read',
    (nanoseconds) => {
      expect(parseTimestamp(formatTimestamp(nanoseconds))).toBe(nanoseconds);
      expect(parseTimestamp(String(nanoseconds))).toBe(nanoseconds);
    },
  );

  test('times carry a zone', () => {
    expect(parseTimestamp('2026-03-02')).toBe(parseTimestamp('2026-03-02T01:00:00.000000000+01:00'));
    expect(parseTimestamp('1970-01-01T00:00:00.000000001Z')).toBe(1n);
    for (const text of ['2026-03-02T12:00:00', '2026-13-01', '02.03.2026', '1969-12-31', '']) {
      expect(() => parseTimestamp(text)).toThrow('expected nanoseconds since 1970');
    }
  });

  test('names are the same in both spellings', () => {
    for (const kind of [ACCOUNTS, TRANSFERS]) {
      for (const { name, field } of kind.columns.values()) {
        expect(snakeCase(field)).toBe(name);
        expect(snakeCase(name)).toBe(name);
      }
    }
    expect(snakeCase('userData128')).toBe('user_data_128');
  });
});

describe('files', () => {
  test('each bad line gets its reason and the others are read', async () => {
    const rows = await rowsOf(
      [
        '\ufeffid,debit_account_id,creditAccountId,amount,ledger,code,flags',
        '1,10,20,100,EUR,1,',
        'x,10,20,100,EUR,1,',
        '3,10,20,1.5,EUR,1,',
        '4,10,20,100,EURO,1,',
        '5,10,20,100,EUR,99999,',
        '6,10,20,100,EUR,1,linkd',
        '7,10,20',
        '"8',
        '9,10,20,12.34 EUR,,1,pending',
      ].join('\r\n'),
    );
    expect(reasons(rows)).toEqual([
      2,
      '3: id: expected a number up to 2^128-1, 0x and hex digits, or a UUID, got "x"',
      '4: amount: expected whole minor units, got "1.5": add the currency ("1.5 EUR") or read all amounts as decimals',
      '5: ledger: currency: expected an ISO 4217 code or a ledger number, got "EURO"',
      '6: code: expected a whole number from 0 to 65535, got "99999"',
      expect.stringMatching(/^7: flags: expected flags of linked, pending.*got "linkd"$/),
      '8: expected 7 fields as in the header, got 3',
      '9: expected a closing quote within 65536 characters, got none',
      10,
    ]);
    expect(rows.at(-1)).toEqual({
      line: 10,
      record: {
        id: 9n,
        debitAccountId: 10n,
        creditAccountId: 20n,
        amount: 1234n,
        ledger: 978,
        code: 1,
        flags: 2,
      },
    });
  });

  test('NDJSON takes strings and whole numbers, never numbers that have lost digits', async () => {
    const rows = await rowsOf(
      [
        '{"id":"0x1","debitAccountId":10,"credit_account_id":"20","amount":100,"ledger":"EUR","flags":["linked","pending"],"code":null}',
        '{"id":12345678901234567890,"debit_account_id":1}',
        '{"id":"2","amount":1.5}',
        '{"id":"3","amount":{}}',
        'nonsense',
        '[1]',
        '{"id":"4","color":"red"}',
        '',
        '{"id":"5","amount":"7"}',
      ].join('\n'),
      { format: 'ndjson' },
    );
    expect(rows[0]).toEqual({
      line: 1,
      record: { id: 1n, debitAccountId: 10n, creditAccountId: 20n, amount: 100n, ledger: 978, flags: 3 },
    });
    expect(reasons(rows).slice(1)).toEqual([
      expect.stringContaining('2: id: expected a string for a value beyond 2^53-1'),
      expect.stringContaining('3: amount: expected a string for a value beyond 2^53-1 or with decimals'),
      '4: amount: expected a string or a whole number, got a value of type object',
      expect.stringContaining('5: expected one JSON object'),
      '6: expected a JSON object, got an array',
      expect.stringContaining('got "color"'),
      9,
    ]);
  });

  test('a semicolon or a tab separates where the header says so', async () => {
    expect(reasons(await rowsOf('id;ledger\n1;EUR\n'))).toEqual([2]);
    expect(reasons(await rowsOf('id\tledger\n1\tEUR\n'))).toEqual([2]);
    expect(reasons(await rowsOf('id|ledger\n1|EUR\n', { delimiter: '|' }))).toEqual([2]);
  });

  test('a wrong header refuses the whole file', async () => {
    await expect(rowsOf('id,debit_account_id,colour\n')).rejects.toThrow('got "colour"');
    await expect(rowsOf('id,ID\n1,2\n')).rejects.toThrow('expected each column once, got id twice');
    await expect(rowsOf('')).rejects.toThrow('expected a header line, got an empty file');
    expect(reasons(await rowsOf('id,colour\n1,red\n', { ignoreUnknownColumns: true }))).toEqual([2]);
  });

  test('characters that the chunks cut in two are read whole', async () => {
    const rows = await rowsOf('id,flags\n1,é😀\n', {}, 1);
    expect(reasons(rows)[0]).toContain('got "é😀"');
  });

  test('kind and format are told apart', () => {
    expect(kindOf(['id', 'debitAccountId'])).toBe(TRANSFERS);
    expect(kindOf(['id', 'ledger'])).toBe(ACCOUNTS);
    const bytes = (text: string) => new TextEncoder().encode(text);
    expect(formatOf('a.CSV', bytes('{'))).toBe('csv');
    expect(formatOf('a.jsonl', bytes('id'))).toBe('ndjson');
    expect(formatOf('a', bytes(' {"id":1}'))).toBe('ndjson');
    expect(formatOf('a', bytes('id,ledger'))).toBe('csv');
  });
});

describe('batches', () => {
  /** `1` a record, `2-` a linked one, `3!` unreadable, `4!-` unreadable and linked, `5?` unreadable, nobody knows. */
  function pack(text: string, recordsMax: number) {
    const refusals: Refusal[] = [];
    const batcher = new Batcher(TRANSFERS, undefined, (refusal) => refusals.push(refusal), recordsMax);
    const batches: number[][] = [];
    const take = (batch: ReturnType<Batcher['add']>) => {
      if (batch === undefined) return;
      expect(batch.count).toBeLessThanOrEqual(recordsMax);
      const view = new DataView(batch.bytes.buffer, batch.bytes.byteOffset, batch.bytes.byteLength);
      const ids = Array.from({ length: batch.count }, (_, i) => Number(readTransfer(view, i * 128).id));
      expect([...batch.lines]).toEqual(ids);
      batches.push(ids);
    };
    for (const token of text.split(' ')) {
      const line = Number.parseInt(token, 10);
      const linked = token.endsWith('-');
      if (token.includes('?')) take(batcher.add({ line, reason: 'bad', linked: undefined }));
      else if (token.includes('!')) take(batcher.add({ line, reason: 'bad', linked }));
      else take(batcher.add({ line, record: { id: BigInt(line), flags: linked ? 1 : 0 } }));
    }
    take(batcher.finish());
    return { batches, refused: refusals.map(({ line }) => line).sort((a, b) => a - b), refusals };
  }

  test.each([
    ['1 2 3 4 5', [[1, 2], [3, 4], [5]], []],
    ['1 2- 3 4', [[1], [2, 3], [4]], []],
    [
      '1- 2 3- 4',
      [
        [1, 2],
        [3, 4],
      ],
      [],
    ],
    ['1 2- 3- 4 5', [[1], [5]], [2, 3, 4]],
    ['1- 2- 3- 4 5', [[5]], [1, 2, 3, 4]],
    ['1 2! 3', [[1, 3]], [2]],
    ['1- 2! 3', [[3]], [1, 2]],
    ['1- 2!- 3 4', [[4]], [1, 2, 3]],
    ['1 2!- 3- 4 5', [[1, 5]], [2, 3, 4]],
    ['1- 2? 3 4', [[4]], [1, 2, 3]],
    ['1 2? 3', [[1, 3]], [2]],
    ['1 2-', [[1, 2]], []],
  ])('%s', (text, batches, refused) => {
    const packed = pack(text, 2);
    expect(packed.batches).toEqual(batches);
    expect(packed.refused).toEqual(refused);
  });

  test.prop([
    fc.array(fc.constantFrom('', '-', '!', '!-', '?'), { minLength: 1, maxLength: 40 }),
    fc.integer({ min: 1, max: 6 }),
  ])('every line is sent or refused once, in order, and no chain is cut or joined', (marks, recordsMax) => {
    const { batches, refused } = pack(marks.map((mark, i) => `${i + 1}${mark}`).join(' '), recordsMax);
    const sent = batches.flat();
    expect([...sent].sort((a, b) => a - b)).toEqual(sent);
    expect([...sent, ...refused].sort((a, b) => a - b)).toEqual(marks.map((_, i) => i + 1));
    const linked = (line: number) => marks[line - 1] === '-';
    for (const batch of batches) {
      for (const [i, line] of batch.entries()) {
        // What a linked record is joined to is what stood behind it in the file.
        if (linked(line) && line < marks.length) expect(batch[i + 1]).toBe(line + 1);
        // What follows a chain's record follows it in its own batch.
        if (i === 0 && line > 1) expect(linked(line - 1)).toBe(false);
      }
    }
  });

  test('records without ids get them from the file, or are refused', async () => {
    const digest = await fileDigest(
      (async function* () {
        yield new TextEncoder().encode('abc');
      })(),
    );
    expect(Buffer.from(digest).toString('hex').slice(0, 16)).toBe('ba7816bf8f01cfea');
    const idOf = derivedIds(digest);
    expect(idOf(1)).toBe((0xba7816bf8f01cfea414140n << 40n) | 1n);
    expect(idOf(2) > idOf(1)).toBe(true);
    expect(() => idOf(0)).toThrow('expected 1 to 2^40-2');
    expect(() => idOf(2 ** 40)).toThrow('expected 1 to 2^40-2');
    const batcher = new Batcher(TRANSFERS, idOf, () => expect.unreachable());
    batcher.add({ line: 7, record: { amount: 5n } });
    const { bytes } = batcher.finish()!;
    expect(readTransfer(new DataView(bytes.buffer, bytes.byteOffset), 0)).toMatchObject({
      id: idOf(7),
      amount: 5n,
    });
    const refusals: Refusal[] = [];
    const strict = new Batcher(TRANSFERS, undefined, (refusal) => refusals.push(refusal));
    strict.add({ line: 3, record: { amount: 5n } });
    expect(refusals).toEqual([
      { line: 3, id: undefined, reason: expect.stringContaining('id: expected one') },
    ]);
    expect(strict.finish()).toBeUndefined();
  });
});
