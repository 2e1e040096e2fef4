import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type AccountReportMessage,
  type Entry,
  readAccountReport,
  writeAccountReport,
} from '../../src/iso20022/index.ts';
import { account, day, money, party, reason, reference, some, text, time, unique } from './arbitrary.ts';
import { OTHER_IBAN } from './pain001.ts';
import { schemaTest, validate } from './schemas.ts';

const side = fc.constantFrom('credit' as const, 'debit' as const);
const page = fc.record(
  { number: fc.integer({ min: 1, max: 99_999 }), last: fc.boolean() },
  { noNullPrototype: true },
);
const transaction = some(
  {
    messageId: text(35),
    paymentInformationId: text(35),
    instructionId: text(35),
    endToEndId: text(35),
    uetr: unique,
    servicerReference: text(35),
    transactionId: text(35),
    money,
    side,
    debtor: party,
    debtorAccount: account,
    creditor: party,
    creditorAccount: account,
    remittance: text(140),
    returned: reason,
  },
  [],
);
const entry = fc
  .tuple(
    some(
      {
        reference: text(35),
        side,
        reversal: fc.boolean(),
        status: fc.constantFrom('BOOK', 'PDNG'),
        bookedAt: fc.oneof(day, time),
        valueDate: day,
        servicerReference: text(35),
        code: fc.oneof(
          fc.constant({ domain: 'PMNT', family: 'ICDT', subFamily: 'ESCT' }),
          fc.record({ proprietary: text(35), issuer: text(35) }, { noNullPrototype: true }),
        ),
        batch: some(
          { messageId: text(35), paymentInformationId: text(35), numberOfTransactions: fc.nat(3) },
          [],
        ),
        transactions: fc.array(transaction, { maxLength: 3 }),
        information: text(500),
      },
      ['side', 'reversal', 'status', 'code', 'transactions'],
    ),
    money,
  )
  .map(([rest, amount]): Entry => ({ ...rest, ...amount }));

function messages(kind: 'statement' | 'notification'): fc.Arbitrary<AccountReportMessage> {
  const balance = fc
    .tuple(
      fc.record(
        { type: fc.constantFrom('OPBD', 'CLBD', 'CLAV'), side, date: day },
        { noNullPrototype: true },
      ),
      money,
    )
    .map(([rest, amount]) => ({ ...rest, ...amount }));
  const report = fc
    .tuple(
      some(
        {
          id: text(35),
          createdAt: time,
          sequence: fc.nat(1_000_000),
          page,
          account,
          balances:
            kind === 'statement' ? fc.array(balance, { minLength: 1, maxLength: 3 }) : fc.constant([]),
          entries: fc.array(entry, { maxLength: 3 }),
        },
        ['id', 'account', 'balances', 'entries'],
      ),
      fc.option(fc.record({ from: time, to: time }, { noNullPrototype: true }), { nil: {} }),
    )
    .map(([rest, period]) => ({ ...rest, ...period }));
  return some(
    {
      kind: fc.constant(kind),
      messageId: reference,
      createdAt: time,
      page,
      reports: fc.array(report, { minLength: 1, maxLength: 2 }),
    },
    ['kind', 'messageId', 'createdAt', 'reports'],
  );
}
const all = fc.oneof(messages('statement'), messages('notification'));

/** A day on which a payout of three went out, and one came back. */
const DAY: AccountReportMessage = {
  kind: 'statement',
  messageId: 'STMT-2026-03-31',
  createdAt: '2026-03-31T20:00:00Z',
  reports: [
    {
      id: 'STMT-2026-03-31-1',
      sequence: 90,
      account: { scheme: 'iban', id: OTHER_IBAN, currency: 'EUR' },
      balances: [
        { type: 'OPBD', amount: 100_000n, currency: 'EUR', side: 'credit', date: '2026-03-31' },
        { type: 'CLBD', amount: 94_500n, currency: 'EUR', side: 'credit', date: '2026-03-31' },
      ],
      entries: [
        {
          amount: 6000n,
          currency: 'EUR',
          side: 'debit',
          reversal: false,
          status: 'BOOK',
          bookedAt: '2026-03-31',
          code: { domain: 'PMNT', family: 'ICDT', subFamily: 'ESCT' },
          batch: { messageId: 'M1', paymentInformationId: 'P1', numberOfTransactions: 3 },
          transactions: [1000n, 2000n, 3000n].map((amount, i) => ({
            endToEndId: `E${i + 1}`,
            instructionId: `I${i + 1}`,
            money: { amount, currency: 'EUR' },
            side: 'debit' as const,
          })),
        },
        {
          amount: 500n,
          currency: 'EUR',
          side: 'credit',
          reversal: false,
          status: 'BOOK',
          bookedAt: '2026-03-31',
          code: { domain: 'PMNT', family: 'ICDT', subFamily: 'RRTN' },
          transactions: [{ endToEndId: 'E0', returned: { code: 'AC04', information: 'account closed' } }],
        },
      ],
    },
  ],
};

describe('a statement, a notification', () => {
  test('is read as it was written', () => {
    fc.assert(
      fc.property(all, fc.constantFrom('08' as const, '12' as const), (message, version) => {
        const { messageName, reports, ...found } = readAccountReport(
          writeAccountReport(message, { version }),
        );
        expect(messageName).toBe(`camt.05${message.kind === 'statement' ? 3 : 4}.001.${version}`);
        expect({ ...found, reports: reports.map(({ findings: _, ...report }) => report) }).toEqual(message);
      }),
      { numRuns: 25 },
    );
  });

  schemaTest('is valid by the schemas', () => {
    fc.assert(
      fc.property(all, (message) => {
        for (const version of ['08', '12'] as const) validate(writeAccountReport(message, { version }));
      }),
      { numRuns: 12 },
    );
  });

  test('names what was paid and what came back', () => {
    const { reports } = readAccountReport(writeAccountReport(DAY));
    expect(reports[0]!.findings).toEqual([]);
    expect(reports[0]!.entries[0]!.transactions.map(({ endToEndId }) => endToEndId)).toEqual([
      'E1',
      'E2',
      'E3',
    ]);
    expect(reports[0]!.entries[1]!.transactions[0]).toEqual({
      endToEndId: 'E0',
      returned: { code: 'AC04', information: 'account closed' },
    });
  });

  test('is added up: balances against entries, an entry against its transactions', () => {
    const written = writeAccountReport(DAY);
    const findings = (text: string) =>
      readAccountReport(text).reports[0]!.findings!.map(({ code, path, problem }) => [code, path, problem]);
    expect(findings(written.replace('945.00', '945.01'))).toEqual([
      [
        'bad_sum',
        'BkToCstmrStmt/Stmt[1]',
        'expected entries from the opening to the closing balance of 94501 minor units, got 94500',
      ],
    ]);
    expect(findings(written.replace('>10.00<', '>10.01<'))).toEqual([
      [
        'bad_sum',
        'BkToCstmrStmt/Stmt[1]/Ntry[1]',
        'expected transactions of together 6000 minor units, got 6001',
      ],
    ]);
    expect(findings(written.replace('<NbOfTxs>3', '<NbOfTxs>4'))).toEqual([
      ['bad_count', 'BkToCstmrStmt/Stmt[1]/Ntry[1]', 'expected 4 transactions as the batch says, got 3'],
    ]);
    // What is not booked yet is not in the balance.
    expect(findings(written.replace('<Cd>BOOK', '<Cd>PDNG'))).toHaveLength(1);
    expect(findings(written.replace('945.00', '1005.00').replace('<Cd>BOOK', '<Cd>PDNG'))).toEqual([]);
  });

  test('of an older version is read', () => {
    // Up to 06 the status is a code by itself, and up to 03 transactions have their amount among the details.
    const old = writeAccountReport(DAY)
      .replace('camt.053.001.08', 'camt.053.001.02')
      .replaceAll(/<Sts>\s*<Cd>BOOK<\/Cd>\s*<\/Sts>/g, '<Sts>BOOK</Sts>')
      .replaceAll(
        /(<\/Refs>\s*)(<Amt .*<\/Amt>)(\s*<CdtDbtInd>DBIT<\/CdtDbtInd>)/g,
        '$1<AmtDtls><TxAmt>$2</TxAmt></AmtDtls>',
      );
    const [report] = readAccountReport(old).reports;
    expect(report!.findings).toEqual([]);
    expect(report!.entries.map(({ status }) => status)).toEqual(['BOOK', 'BOOK']);
    expect(report!.entries[0]!.transactions.map(({ money }) => money!.amount)).toEqual([1000n, 2000n, 3000n]);
  });

  test('says where it is wrong', () => {
    const written = writeAccountReport(DAY);
    expect(() => readAccountReport(written.replace('<CdtDbtInd>CRDT', '<CdtDbtInd>CREDIT'))).toThrow(
      'BkToCstmrStmt/Stmt[1]/Bal[1]/CdtDbtInd: expected CRDT or DBIT',
    );
    expect(() => readAccountReport(written.replace('>20.00<', '>20.001<'))).toThrow(
      'BkToCstmrStmt/Stmt[1]/Ntry[1]/NtryDtls[1]/TxDtls[2]/Amt: expected at most 2 decimal places',
    );
    expect(() => readAccountReport(written.replace(/<Acct>[\s\S]*<\/Acct>/, ''))).toThrow(
      'BkToCstmrStmt/Stmt[1]/Acct: expected it, got none',
    );
  });
});
