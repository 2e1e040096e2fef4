import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../src/cli/program.ts';
import { AliasTable, readAliases } from '../../src/cli/submit/pain001/aliases.ts';
import { reasonOfStatus } from '../../src/cli/submit/pain001/reasons.ts';
import { submitInitiation } from '../../src/cli/submit/pain001/submit.ts';
import { planTransfers, transferId } from '../../src/cli/submit/pain001/transfers.ts';
import { readPaymentInitiation, readPaymentStatus, writePaymentStatus } from '../../src/iso20022/index.ts';
import { CreateTransferStatus, readTransfer, type Transfer } from '../../src/layout/generated.ts';
import { Currencies } from '../../src/shared/currency.ts';
import { LedgerCalls } from '../../src/wire/calls.ts';
import { IBAN, message, OTHER_IBAN, payment, transaction } from '../iso20022/pain001.ts';
import { schemaTest, validate } from '../iso20022/schemas.ts';
import { type RunningEngine, startEngine } from './support.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'specie-pain001-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const currencies = new Currencies();
const NOW_MS = Date.parse('2026-03-31T09:00:00Z');

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

describe('the alias table', () => {
  const read = async (text: string) => readAliases(await file('aliases.csv', text), currencies);

  test('finds by number and currency, then by number', async () => {
    const table = await read(
      `identifier;account;currency\r\n${IBAN.replace(/(.{4})/g, '$1 ').toLowerCase()};1001;EUR\r\n${IBAN};0x2a;\r\n"a;b";7;USD`,
    );
    expect(table.find(IBAN, 'EUR')).toBe(1001n);
    expect(table.find(IBAN, 'USD')).toBe(42n);
    expect(table.find('a;b', 'USD')).toBe(7n);
    expect(table.find('a;b', 'EUR')).toBeUndefined();
    expect(table.size).toBe(3);
    expect((await read('account,identifier\n1,x\n')).find('x', 'EUR')).toBe(1n);
  });

  test.each([
    ['', 'expected a header line, got an empty file'],
    ['identifier,acount\n', 'line 1: expected the columns identifier, account, currency, got "acount"'],
    ['identifier,currency\n', 'line 1: expected the column account once'],
    ['identifier,account\nx,1,2\n', 'line 2: expected 2 fields as in the header, got 3'],
    ['identifier,account\nx,1\ny,abc\n', 'line 3: account: expected a number up to 2^128-1'],
    ['identifier,account\nx,0\n', 'line 2: account: expected a number from 1 to 2^128-2'],
    ['identifier,account\n,1\n', 'line 2: identifier: expected 1 to 34 characters, got 0'],
    ['identifier,account,currency\nx,1,EUROS\n', 'line 2: currency: expected an ISO 4217 code'],
    ['identifier,account\nx,1\nx,2\n', 'line 3: identifier: expected each once a currency, got one twice'],
    ['identifier,account\n"x,1\n', 'line 2: expected a closing quote'],
  ])('%j is refused', async (text, problem) => {
    await expect(read(text)).rejects.toThrow(problem);
  });
});

const STATUSES = new Map(Object.values(CreateTransferStatus).map((status) => [BigInt(status), status]));

/** Answers each transfer by its amount in minor units, where that is a status; keeps the others. */
class FakeLedger extends LedgerCalls {
  readonly transfers = new Map<bigint, Transfer>();

  protected override async exchange({ count, bodySize, write }: Parameters<LedgerCalls['exchange']>[0]) {
    const body = new Uint8Array(bodySize);
    write(body);
    const view = new DataView(body.buffer);
    const answers = new DataView(new ArrayBuffer(count * 16));
    for (let i = 0; i < count; i++) {
      const transfer = readTransfer(view, i * 128);
      const known = this.transfers.has(transfer.id);
      const refused = STATUSES.get(transfer.amount);
      const { created, exists } = CreateTransferStatus;
      const status = refused ?? (known ? exists : created);
      if (status === created) this.transfers.set(transfer.id, transfer);
      answers.setBigUint64(i * 16, BigInt(NOW_MS) * 1_000_000n, true);
      answers.setUint32(i * 16 + 8, status, true);
    }
    return new Uint8Array(answers.buffer);
  }
}

const aliases = new AliasTable();
aliases.add(OTHER_IBAN, '', 1n);
aliases.add(IBAN, 'EUR', 2n);
aliases.add('4711', 'EUR', 3n);

async function submit(
  ledger: FakeLedger,
  text: string,
  more: { anyDate?: boolean; signal?: AbortSignal } = {},
) {
  const initiation = readPaymentInitiation(text);
  const { anyDate = false } = more;
  const plan = planTransfers(initiation, { aliases, currencies, code: 50, nowMs: NOW_MS, anyDate });
  const report = await submitInitiation(ledger, initiation, plan, { inFlightMax: 2, nowMs: NOW_MS, ...more });
  const found = readPaymentStatus(writePaymentStatus(report.answer));
  const answers = found.payments.flatMap(({ transactions }) =>
    transactions.map(({ endToEndId, status, reasons }) => [endToEndId, status, reasons[0]?.code]),
  );
  return { report, found, answers };
}

const amount = (text: string, currency = 'EUR') => `<InstdAmt Ccy="${currency}">${text}</InstdAmt>`;

describe('transfers and their answers', () => {
  test('a transfer holds what its transaction says', async () => {
    const ledger = new FakeLedger();
    const uetr = 'eb6305c9-1f7f-49de-aed0-16487c27b42d';
    const text = transaction().replace('</PmtId>', `<UETR>${uetr}</UETR></PmtId>`);
    const { report, found } = await submit(
      ledger,
      message({ payments: [payment({ transactions: [text] })] }),
    );
    const [transfer] = ledger.transfers.values();
    const id = transferId('M1', 'P1', { endToEndId: 'E1', position: 1 });
    expect(transfer).toMatchObject({
      id,
      debitAccountId: 1n,
      creditAccountId: 2n,
      amount: 1234n,
      ledger: 978,
      code: 50,
      flags: 0,
      userData128: BigInt(`0x${uetr.replaceAll('-', '')}`),
    });
    expect(report).toMatchObject({ created: 1, existing: 0, refused: 0, pending: 0 });
    expect(found).toMatchObject({
      groupStatus: 'ACSC',
      createdAt: '2026-03-31T09:00:00.000Z',
      original: { messageId: 'M1', messageName: 'pain.001.001.10', numberOfTransactions: 1 },
    });
    expect(found.payments[0]).toMatchObject({
      paymentInformationId: 'P1',
      status: 'ACSC',
      transactions: [
        {
          endToEndId: 'E1',
          uetr,
          status: 'ACSC',
          reasons: [],
          acceptedAt: '2026-03-31T09:00:00.000Z',
          servicerReference: `0x${id.toString(16).padStart(32, '0')}`,
        },
      ],
    });
  });

  test('each transaction has its own answer, and the rest stands', async () => {
    const text = message({
      count: 8,
      payments: [
        payment({
          transactions: [
            transaction({ id: 'good' }),
            transaction({ id: 'unknown', account: '<Othr><Id>4712</Id></Othr>' }),
            transaction({ id: 'other number', account: '<Othr><Id>4711</Id></Othr>' }),
            transaction({ id: 'dollars', amount: amount('1.00', 'USD') }),
            transaction({ id: 'account in dollars' }).replace(
              '</Id></CdtrAcct>',
              '</Id><Ccy>USD</Ccy></CdtrAcct>',
            ),
            transaction({ id: 'poor', amount: amount(`0.${CreateTransferStatus.exceeds_credits}`) }),
            transaction({ id: 'zero', amount: amount('0') }),
            transaction({ id: 'good' }),
          ],
        }),
      ],
    });
    const ledger = new FakeLedger();
    const first = await submit(ledger, text);
    expect(first.answers).toEqual([
      ['good', 'ACSC', undefined],
      ['unknown', 'RJCT', 'AC01'],
      ['other number', 'ACSC', undefined],
      ['dollars', 'RJCT', 'AC01'],
      ['account in dollars', 'RJCT', 'AM03'],
      ['poor', 'RJCT', 'AM04'],
      ['zero', 'RJCT', 'AM01'],
      ['good', 'RJCT', 'AM05'],
    ]);
    expect(first.found.groupStatus).toBe('PART');
    expect(first.report).toMatchObject({
      created: 2,
      existing: 0,
      refused: 6,
      reasons: { AC01: 2, AM03: 1 },
    });
    const again = await submit(ledger, text);
    expect(again.answers).toEqual(first.answers);
    expect(again.report).toMatchObject({ created: 0, existing: 2, refused: 6 });
    expect(again.found.payments[0]!.transactions[0]!.reasons).toEqual([
      { information: 'booked when it was submitted before' },
    ]);
    expect(ledger.transfers.size).toBe(2);
  });

  test('a message whose count is wrong is rejected whole, and nothing is submitted', async () => {
    const ledger = new FakeLedger();
    const { answers, found, report } = await submit(ledger, message({ count: 2 }));
    expect(ledger.transfers.size).toBe(0);
    expect(answers).toEqual([['E1', 'RJCT', 'FF01']]);
    expect(found).toMatchObject({ groupStatus: 'RJCT', reasons: [{ code: 'AM18' }] });
    expect(report).toMatchObject({ created: 0, refused: 1 });
  });

  test('a payment that is wrong is rejected, and the others stand', async () => {
    const ledger = new FakeLedger();
    const { found } = await submit(
      ledger,
      message({ count: 2, payments: [payment({ header: '<CtrlSum>1</CtrlSum>' }), payment({ id: 'P2' })] }),
    );
    expect(found.payments.map(({ status, reasons }) => [status, reasons[0]?.code])).toEqual([
      ['RJCT', 'AM10'],
      ['ACSC', undefined],
    ]);
    expect(ledger.transfers.size).toBe(1);
  });

  test('a payment is not booked before its day', async () => {
    const dated = (date: string) => message({ payments: [payment({ date: `<Dt>${date}</Dt>` })] });
    const ledger = new FakeLedger();
    expect((await submit(ledger, dated('2026-04-02'))).answers).toEqual([['E1', 'RJCT', 'DT04']]);
    expect(ledger.transfers.size).toBe(0);
    expect((await submit(ledger, dated('2026-04-02'), { anyDate: true })).report.created).toBe(1);
    expect((await submit(new FakeLedger(), dated('2026-03-31'))).report.created).toBe(1);
    expect((await submit(new FakeLedger(), dated('2020-01-01'))).report.created).toBe(1);
  });

  test('what was not submitted is pending, and comes with the next submission', async () => {
    const stop = new AbortController();
    stop.abort();
    const ledger = new FakeLedger();
    const { report, found } = await submit(ledger, message(), { signal: stop.signal });
    expect(report).toMatchObject({ created: 0, pending: 1 });
    expect(found.groupStatus).toBe('PDNG');
    expect((await submit(ledger, message())).report).toMatchObject({ created: 1, pending: 0 });
  });

  test('names make ids: each of its own, where there are none by their place', async () => {
    const names = { endToEndId: 'E', position: 1 };
    const ids = [
      transferId('M', 'P', names),
      transferId('M', 'P2', names),
      transferId('M2', 'P', names),
      transferId('M', 'P', { ...names, endToEndId: 'E2' }),
      transferId('M', 'P', { ...names, instructionId: 'I' }),
      transferId('M', 'P', { endToEndId: 'NOTPROVIDED', position: 1 }),
      transferId('M', 'P', { endToEndId: 'NOTPROVIDED', position: 2 }),
    ];
    expect(new Set(ids).size).toBe(ids.length);
    // Elsewhere a transaction may be moved, or one before it left out.
    expect(transferId('M', 'P', { ...names, position: 2 })).toBe(ids[0]);
    // They are for ever: another derivation would book what was booked before.
    expect(ids[0]).toBe(191611452893117042844623941172691653242n);
    const ledger = new FakeLedger();
    const transactions = [transaction({ id: 'NOTPROVIDED' }), transaction({ id: 'NOTPROVIDED' })];
    const text = message({ count: 2, payments: [payment({ transactions })] });
    expect((await submit(ledger, text)).report).toMatchObject({ created: 2 });
    expect((await submit(ledger, text)).report).toMatchObject({ created: 0, existing: 2 });
  });

  test('several batches', async () => {
    const transactions = Array.from({ length: 8200 }, (_, i) =>
      transaction({ id: `E${i}`, amount: amount(`${i + 100}`) }),
    );
    const text = message({ count: transactions.length, payments: [payment({ transactions })] });
    const ledger = new FakeLedger();
    const { report, answers } = await submit(ledger, text);
    expect(report.created).toBe(8200);
    expect(answers.map(([id]) => id)).toEqual(transactions.map((_, i) => `E${i}`));
  });

  test('every status has a reason, and two have none', () => {
    const fine = Object.keys(CreateTransferStatus).filter((status) => reasonOfStatus(status) === undefined);
    expect(fine.sort()).toEqual(['created', 'exists']);
    expect(reasonOfStatus('status_4000')).toMatchObject({ code: 'MS03' });
  });

  schemaTest('answers are valid by their schema', async () => {
    const text = message({
      count: 3,
      payments: [
        payment({ header: '<CtrlSum>7</CtrlSum>' }),
        payment({
          id: 'P2',
          transactions: [transaction({ account: '<Othr><Id>x</Id></Othr>' }), transaction({ id: 'E2' })],
        }),
      ],
    });
    const { report } = await submit(new FakeLedger(), text);
    validate(writePaymentStatus(report.answer));
    validate(writePaymentStatus(report.answer, { version: '14' }));
  });
});

/** The command in this process, which costs a tenth of one of its own. */
async function specie(args: readonly string[]) {
  let stdout = '';
  let stderr = '';
  const code = await run(args, {
    write: (text) => {
      stdout += text;
    },
    note: (line) => {
      stderr += `${line}\n`;
    },
    interactive: false,
  });
  return { code, stdout, stderr };
}

describe('specie submit', () => {
  let engine: RunningEngine;
  let table: string;
  let payroll: string;
  beforeAll(async () => {
    engine = await startEngine(join(folder, 'store'));
    table = await file(
      'table.csv',
      `identifier,account,currency\n${OTHER_IBAN},1,\n${IBAN},2,EUR\n4711,3,\n`,
    );
    payroll = await file(
      'payroll.txt',
      message({
        count: 3,
        header: '<CtrlSum>30.00</CtrlSum>',
        payments: [
          payment({
            transactions: [
              transaction({ id: 'ann', amount: amount('10.00') }),
              transaction({ id: 'bob', amount: amount('12.00'), account: '<Othr><Id>4711</Id></Othr>' }),
              transaction({ id: 'eve', amount: amount('8.00'), account: '<Othr><Id>nobody</Id></Othr>' }),
            ],
          }),
        ],
      }),
    );
    const accounts = await file('accounts.csv', 'id,ledger,code\n1,EUR,10\n2,EUR,20\n');
    expect((await specie(['submit', accounts, '--url', engine.url, '--quiet'])).code).toBe(0);
  });
  afterAll(() => engine?.stop());

  test('books a payroll once, answers it, and says what it did', async () => {
    const args = ['submit', payroll, '--url', engine.url, '--aliases', table, '--quiet', '--any-date'];
    const first = await specie([...args, '--strict', '--json']);
    expect(first.stderr).toBe('');
    expect(first.code).toBe(2);
    const answer = join(folder, 'payroll.txt.pain002.xml');
    expect(JSON.parse(first.stdout)).toMatchObject({
      messageId: 'M1',
      groupStatus: 'PART',
      created: 1,
      existing: 0,
      refused: 2,
      reasons: { AC01: 1, AC03: 1 },
      answer,
    });
    const { payments } = readPaymentStatus(await readFile(answer, 'utf8'));
    expect(
      payments[0]!.transactions.map(({ endToEndId, status, reasons }) => [
        endToEndId,
        status,
        reasons[0]?.code,
      ]),
    ).toEqual([
      ['ann', 'ACSC', undefined],
      ['bob', 'RJCT', 'AC03'],
      ['eve', 'RJCT', 'AC01'],
    ]);
    const again = await specie([...args, '--answer', '-']);
    expect(again.code).toBe(0);
    expect(readPaymentStatus(again.stdout).payments[0]!.transactions[0]).toMatchObject({
      status: 'ACSC',
      reasons: [{ information: 'booked when it was submitted before' }],
      acceptedAt: payments[0]!.transactions[0]!.acceptedAt,
    });
    expect(again.stderr).toContain('existing   1 (booked when they were submitted before, not again)');
    const { stdout } = await specie(['accounts', '2', '--url', engine.url, '--json']);
    expect(stdout).toContain('"1000"');
  });

  test('what it cannot use is refused, with nothing booked and no answer', async () => {
    const refused = async (name: string, text: string, ...more: readonly string[]) => {
      const path = await file(name, text);
      // An address that is none: whoever connects fails otherwise.
      const { code, stderr } = await specie(['submit', path, '--url', 'ws://', '--quiet', ...more]);
      expect(code).toBe(1);
      expect([`${path}.pain002.xml`, `${path}.pain002.xml.new`].filter(existsSync)).toEqual([]);
      return stderr;
    };
    const known = ['--aliases', table];
    expect(await refused('a', message())).toContain('expected --aliases FILE');
    expect(await refused('b', message().replace('pain.001', 'pain.008'), ...known)).toContain(
      'expected CSV, NDJSON or ISO 20022 pain.001, got pain.008.001.10',
    );
    expect(await refused('c', message().replace('</CstmrCdtTrfInitn>', ''), ...known)).toContain(
      'expected </CstmrCdtTrfInitn>, got the end of another element',
    );
    expect(await refused('d', message(), ...known, '--results', 'x.csv')).toContain(
      '--results: expected it with another kind of file, got a file of pain.001',
    );
    expect(await refused('e.csv', 'id,ledger,code\n', ...known)).toContain(
      '--aliases: expected it with another kind of file, got a file of CSV or NDJSON',
    );
    expect(await refused('f', message(), ...known, '--answer', '-', '--json')).toContain(
      '--json: expected --answer',
    );
    expect(await refused('f', message(), ...known, '--answer', join(folder, 'f'))).toContain(
      '--answer: expected a file of its own',
    );
    expect(await refused('g', message(), ...known, '--answer', join(folder, 'no', 'where.xml'))).toContain(
      'ENOENT',
    );
    expect(await refused('h', message(), ...known, '--any-date')).toContain('--url: expected one such as');
    expect(await refused('i', '<html></html>')).toContain('got other XML');
  });
});
