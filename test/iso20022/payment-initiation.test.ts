import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  Iso20022Error,
  isIban,
  type PaymentInitiation,
  type PaymentInitiationDraft,
  PaymentInitiationReader,
  readPaymentInitiation,
  writePaymentInitiation,
} from '../../src/iso20022/index.ts';
import { Currencies } from '../../src/shared/currency.ts';
import { account, agent, day, money, party, reference, some, text, time, unique } from './arbitrary.ts';
import { IBAN, message, OTHER_IBAN, payment, transaction } from './pain001.ts';
import { samples, schemaTest, validate } from './schemas.ts';

const read = (...payments: string[]) => readPaymentInitiation(message({ count: payments.length, payments }));

/** The finding of a message's only transaction. */
function finding(changed: Parameters<typeof transaction>[0]) {
  const { payments } = read(payment({ transactions: [transaction(changed)] }));
  expect(payments[0]!.transactions).toEqual([]);
  return payments[0]!.refused[0]!.finding;
}

describe('a payment initiation', () => {
  test('is read with everything in it', () => {
    const { payments, ...rest } = read(
      payment({
        header: '<NbOfTxs>1</NbOfTxs><CtrlSum>12.34</CtrlSum>',
        transactions: [
          transaction({
            id: 'E &amp; 1',
            more: '<RmtInf><Ustrd>March</Ustrd><Ustrd>wages</Ustrd></RmtInf>',
          }).replace('<PmtId>', '<PmtId><InstrId>I1</InstrId>'),
        ],
      }),
    );
    expect(rest).toEqual({
      messageName: 'pain.001.001.10',
      version: '10',
      messageId: 'M1',
      createdAt: '2026-03-30T10:00:00Z',
      initiatingParty: { name: 'Works' },
      numberOfTransactions: 1,
      findings: [],
    });
    expect(payments).toEqual([
      {
        paymentInformationId: 'P1',
        requestedExecutionDate: '2026-03-31',
        debtor: { name: 'Works' },
        debtorAccount: { scheme: 'iban', id: OTHER_IBAN },
        debtorAgent: { bic: 'CBSBLT26XXX' },
        numberOfTransactions: 1,
        controlSum: '12.34',
        transactions: [
          {
            position: 1,
            instructionId: 'I1',
            endToEndId: 'E & 1',
            amount: 1234n,
            currency: 'EUR',
            creditor: { name: 'Ann' },
            creditorAccount: { scheme: 'iban', id: IBAN },
            remittance: 'March wages',
          },
        ],
        refused: [],
        findings: [],
      },
    ]);
  });

  test.each(Array.from({ length: 10 }, (_, i) => String(i + 3).padStart(2, '0')))(
    'of version %s',
    (version) => {
      // Up to version 07 the date stands alone, and up to 03 a bank's identifier has another name.
      const old = version <= '07';
      const text = message({ version, payments: [payment(old ? { date: '2026-03-31' } : {})] });
      const found = readPaymentInitiation(version === '03' ? text.replaceAll('BICFI', 'BIC') : text);
      expect(found.version).toBe(version);
      expect(found.payments[0]).toMatchObject({
        requestedExecutionDate: '2026-03-31',
        debtorAgent: { bic: 'CBSBLT26XXX' },
      });
    },
  );

  test('an amount is exact, in the places of its currency', () => {
    const amounts = [
      ['EUR', '0.01', 1n],
      ['EUR', '12', 1200n],
      ['EUR', '9999999999999999.99', 999999999999999999n],
      ['JPY', '12', 12n],
      ['KWD', '1.234', 1234n],
      ['CLF', '1.2345', 12345n],
      ['EUR', '0.30', 30n],
    ] as const;
    for (const [currency, decimal, amount] of amounts) {
      const text = transaction({ amount: `<InstdAmt Ccy="${currency}">${decimal}</InstdAmt>` });
      expect(read(payment({ transactions: [text] })).payments[0]!.transactions[0]).toMatchObject({
        amount,
        currency,
      });
    }
  });

  test("what is wrong with a transaction is that transaction's own", () => {
    const path = 'CstmrCdtTrfInitn/PmtInf[1]/CdtTrfTxInf[1]';
    const amount = (text: string, currency = 'EUR') => ({
      amount: `<InstdAmt Ccy="${currency}">${text}</InstdAmt>`,
    });
    expect(finding(amount('12.345'))).toEqual({
      code: 'bad_amount',
      path: `${path}/Amt/InstdAmt`,
      problem: 'expected at most 2 decimal places in EUR, got 3 in "12.345"',
    });
    for (const text of ['', '-1', '+1', '1,00', '1e2', 'NaN', '.5', '1.', '1'.repeat(19), '1 000']) {
      expect(finding(amount(text)).code).toBe('bad_amount');
    }
    expect(finding(amount('0.00')).code).toBe('zero_amount');
    for (const currency of ['eur', 'ABC', '978', 'EURO', '']) {
      expect(finding(amount('1', currency)).code).toBe('bad_currency');
    }
    expect(finding({ amount: '<InstdAmt>1</InstdAmt>' }).code).toBe('bad_currency');
    expect(
      finding({ amount: '<EqvtAmt><Amt Ccy="EUR">1</Amt><CcyOfTrf>USD</CcyOfTrf></EqvtAmt>' }).code,
    ).toBe('not_handled');
    expect(finding({ amount: `${amount('1').amount}${amount('2').amount}` })).toMatchObject({
      code: 'repeated',
      path: `${path}/Amt/InstdAmt`,
    });
    expect(finding({ account: `<IBAN>${IBAN.replace('02', '03')}</IBAN>` })).toEqual({
      code: 'bad_account',
      path: `${path}/CdtrAcct`,
      problem: 'expected an IBAN whose check digits agree (ISO 7064, mod 97-10), got another text',
    });
    expect(finding({ account: `<Othr><Id>${'1'.repeat(35)}</Id></Othr>` }).code).toBe('bad_text');
    expect(finding({ account: '' }).code).toBe('missing');
    expect(finding({ id: '' }).code).toBe('bad_text');
    expect(finding({ id: 'x'.repeat(36) })).toMatchObject({ problem: 'expected 1 to 35 characters, got 36' });
  });

  test('a refused transaction leaves the others standing, and keeps its name', () => {
    const { payments, findings } = readPaymentInitiation(
      message({
        count: 3,
        header: '<CtrlSum>24.68</CtrlSum>',
        payments: [
          payment({
            transactions: [
              transaction({ id: 'A' }),
              transaction({ id: 'B', amount: '<InstdAmt Ccy="EUR">0</InstdAmt>' }),
              transaction({ id: 'C' }),
            ],
          }),
        ],
      }),
    );
    expect(findings).toEqual([]);
    expect(payments[0]!.transactions.map(({ position, endToEndId }) => [position, endToEndId])).toEqual([
      [1, 'A'],
      [3, 'C'],
    ]);
    expect(payments[0]!.refused).toMatchObject([
      { position: 2, endToEndId: 'B', finding: { code: 'zero_amount' } },
    ]);
  });

  test('counts and control sums must agree, at both levels', () => {
    const wrong = readPaymentInitiation(
      message({
        count: 3,
        header: '<CtrlSum>24.69</CtrlSum>',
        payments: [
          payment({ header: '<NbOfTxs>2</NbOfTxs><CtrlSum>12.3400</CtrlSum>' }),
          payment({ id: 'P2', header: '<NbOfTxs>1</NbOfTxs><CtrlSum>12.35</CtrlSum>' }),
        ],
      }),
    );
    const codes = (list: readonly { code: string; path: string }[]) =>
      list.map(({ code, path }) => [code, path]);
    expect(codes(wrong.findings)).toEqual([
      ['bad_count', 'CstmrCdtTrfInitn/GrpHdr/NbOfTxs'],
      ['bad_sum', 'CstmrCdtTrfInitn/GrpHdr/CtrlSum'],
    ]);
    expect(codes(wrong.payments[0]!.findings)).toEqual([['bad_count', 'CstmrCdtTrfInitn/PmtInf[1]/NbOfTxs']]);
    expect(codes(wrong.payments[1]!.findings)).toEqual([['bad_sum', 'CstmrCdtTrfInitn/PmtInf[2]/CtrlSum']]);
  });

  test('a control sum is that of numbers, whatever their currencies', () => {
    const mixed = [
      transaction({ id: 'A', amount: '<InstdAmt Ccy="JPY">100</InstdAmt>' }),
      transaction({ id: 'B', amount: '<InstdAmt Ccy="KWD">0.001</InstdAmt>' }),
    ];
    const found = readPaymentInitiation(
      message({
        count: 2,
        header: '<CtrlSum>100.001</CtrlSum>',
        payments: [payment({ transactions: mixed })],
      }),
    );
    expect(found.findings).toEqual([]);
  });

  test('ids that come twice', () => {
    const twice = read(payment(), payment());
    expect(twice.payments.map(({ findings }) => findings.map(({ code }) => code))).toEqual([
      [],
      ['duplicate'],
    ]);
    const many = (...ids: string[]) =>
      readPaymentInitiation(
        message({
          count: ids.length,
          payments: [payment({ transactions: ids.map((id) => transaction({ id })) })],
        }),
      ).payments[0]!;
    expect(many('A', 'B', 'A').refused).toMatchObject([
      { position: 3, endToEndId: 'A', finding: { code: 'duplicate' } },
    ]);
    expect(many('NOTPROVIDED', 'NOTPROVIDED').transactions).toHaveLength(2);
    const uetr = '<UETR>eb6305c9-1f7f-49de-aed0-16487c27b42d</UETR></PmtId>';
    const same = ['A', 'B'].map((id) => transaction({ id }).replace('</PmtId>', uetr));
    expect(
      readPaymentInitiation(message({ count: 2, payments: [payment({ transactions: same })] })).payments[0]!
        .refused,
    ).toMatchObject([{ endToEndId: 'B', finding: { code: 'duplicate' } }]);
  });

  test("a debtor's account that is wrong refuses its payment, and no other", () => {
    const wrong = payment({ debtorAccount: `<IBAN>${OTHER_IBAN.replace('12', '13')}</IBAN>` });
    const cheques = payment({ id: 'P2' }).replace('TRF', 'CHK');
    const { payments } = read(wrong, cheques, payment({ id: 'P3' }));
    expect(payments.map(({ findings }) => findings.map(({ code }) => code))).toEqual([
      ['bad_account'],
      ['not_handled'],
      [],
    ]);
  });

  test('what the message cannot do without', () => {
    const text = message();
    for (const name of [
      'GrpHdr',
      'MsgId',
      'CreDtTm',
      'NbOfTxs',
      'PmtInf',
      'PmtInfId',
      'ReqdExctnDt',
      'DbtrAcct',
      'Dbtr',
    ]) {
      const without = text.replace(new RegExp(`<${name}>.*?</${name}>`), '');
      const error = (() => {
        try {
          return readPaymentInitiation(without);
        } catch (thrown) {
          return thrown as Iso20022Error;
        }
      })();
      expect(error).toBeInstanceOf(Iso20022Error);
      expect(error).toMatchObject({ code: 'missing', path: expect.stringMatching(new RegExp(`/${name}$`)) });
    }
    expect(() => readPaymentInitiation(text.replace('2026-03-31', '2026-02-30'))).toThrow('expected a date');
  });

  test("an operator's currencies are known where they are given", () => {
    const currencies = new Currencies([{ ledger: 1000, code: 'TOK', exponent: 0 }]);
    const text = message({
      payments: [payment({ transactions: [transaction({ amount: '<InstdAmt Ccy="TOK">7</InstdAmt>' })] })],
    });
    expect(readPaymentInitiation(text, { currencies }).payments[0]!.transactions[0]!.amount).toBe(7n);
  });

  test('however its bytes are cut, and with a bounded tree', () => {
    const transactions = Array.from({ length: 40 }, (_, i) => transaction({ id: `E${i}` }));
    const bytes = Buffer.from(message({ count: 40, payments: [payment({ transactions })] }));
    const whole = readPaymentInitiation(bytes);
    for (const size of [1, 7, 100]) {
      const reader = new PaymentInitiationReader();
      for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size));
      expect(reader.end()).toEqual(whole);
    }
  });
});

const drafts: fc.Arbitrary<PaymentInitiationDraft> = fc.record({
  messageId: reference,
  createdAt: time,
  initiatingParty: party,
  payments: fc.uniqueArray(
    some(
      {
        paymentInformationId: reference,
        requestedExecutionDate: fc.oneof(day, time),
        debtor: party,
        debtorAccount: account,
        debtorAgent: agent,
        transactions: fc.uniqueArray(
          fc
            .tuple(
              some(
                {
                  instructionId: reference,
                  endToEndId: reference,
                  uetr: unique,
                  creditor: party,
                  creditorAccount: account,
                  creditorAgent: agent,
                  remittance: text(140),
                },
                ['endToEndId', 'creditor', 'creditorAccount'],
              ),
              money,
            )
            .map(([transfer, amount]) => ({ ...transfer, ...amount })),
          { selector: ({ endToEndId }) => endToEndId, minLength: 1, maxLength: 4 },
        ),
      },
      [
        'paymentInformationId',
        'requestedExecutionDate',
        'debtor',
        'debtorAccount',
        'debtorAgent',
        'transactions',
      ],
    ),
    { selector: ({ paymentInformationId }) => paymentInformationId, minLength: 1, maxLength: 3 },
  ),
});

/** As a draft: without what the reader adds. */
function draftOf({
  messageId,
  createdAt,
  initiatingParty,
  payments,
}: PaymentInitiation): PaymentInitiationDraft {
  return {
    messageId,
    createdAt,
    initiatingParty,
    payments: payments.map(({ findings, refused, numberOfTransactions, controlSum: _, ...rest }) => {
      expect([findings, refused, numberOfTransactions]).toEqual([[], [], rest.transactions.length]);
      return { ...rest, transactions: rest.transactions.map(({ position: _, ...transfer }) => transfer) };
    }) as PaymentInitiationDraft['payments'],
  };
}

describe('what is written', () => {
  test('is read as it was, without a finding', () => {
    fc.assert(
      fc.property(drafts, fc.constantFrom('10' as const, '12' as const), (draft, version) => {
        const found = readPaymentInitiation(writePaymentInitiation(draft, { version }));
        expect(found.findings).toEqual([]);
        expect(draftOf(found)).toEqual(draft);
      }),
      { numRuns: 25 },
    );
  });

  schemaTest('is valid by the schemas', () => {
    fc.assert(
      fc.property(drafts, (draft) => {
        for (const version of ['10', '12'] as const) validate(writePaymentInitiation(draft, { version }));
      }),
      { numRuns: 12 },
    );
  });

  test('is the same text for the same content', () => {
    fc.assert(
      fc.property(drafts, (draft) => {
        const written = writePaymentInitiation(draft);
        expect(writePaymentInitiation(structuredClone(draft))).toBe(written);
      }),
      { numRuns: 5 },
    );
  });

  const DRAFT: PaymentInitiationDraft = {
    messageId: 'M1',
    createdAt: '2026-03-30T10:00:00Z',
    initiatingParty: { name: 'Works' },
    payments: [
      {
        paymentInformationId: 'P1',
        requestedExecutionDate: '2026-03-31',
        debtor: { name: 'Works' },
        debtorAccount: { scheme: 'iban', id: OTHER_IBAN },
        transactions: [
          {
            endToEndId: 'E1',
            amount: 1234n,
            currency: 'EUR',
            creditor: { name: 'Ann' },
            creditorAccount: { scheme: 'iban', id: IBAN },
          },
        ],
      },
    ],
  };
  const changed = (path: readonly string[], value: unknown): PaymentInitiationDraft => {
    const draft = structuredClone(DRAFT) as unknown as Record<string, unknown>;
    let at = draft;
    for (const step of path.slice(0, -1)) at = at[step] as Record<string, unknown>;
    at[path.at(-1)!] = value;
    return draft as unknown as PaymentInitiationDraft;
  };
  const TRANSFER = ['payments', '0', 'transactions', '0'];

  test.each([
    ['an id that is too long', ['messageId'], 'x'.repeat(36), 'GrpHdr/MsgId'],
    ['an empty id', ['messageId'], '', 'GrpHdr/MsgId'],
    ['an id with a character that banks refuse', ['messageId'], 'a_b', 'GrpHdr/MsgId'],
    ['a reference with two slashes', [...TRANSFER, 'endToEndId'], 'a//b', 'PmtId/EndToEndId'],
    ['a control character', [...TRANSFER, 'remittance'], 'a\u0007b', 'RmtInf/Ustrd'],
    ['half a character', [...TRANSFER, 'remittance'], 'a\ud800b', 'RmtInf/Ustrd'],
    ['a long remittance', [...TRANSFER, 'remittance'], 'x'.repeat(141), 'RmtInf/Ustrd'],
    ['white space at an end', [...TRANSFER, 'creditor', 'name'], 'Ann ', 'Cdtr/Nm'],
    ['a wrong IBAN', [...TRANSFER, 'creditorAccount', 'id'], 'DE00', 'Id/IBAN'],
    ['an unknown currency', [...TRANSFER, 'currency'], 'ABC', 'CtrlSum'],
    ['an amount of 19 digits', [...TRANSFER, 'amount'], 10n ** 18n, 'CtrlSum'],
    ['a day that is none', ['payments', '0', 'requestedExecutionDate'], '2026-02-30', 'ReqdExctnDt/Dt'],
    ['a time that is none', ['createdAt'], 'yesterday', 'GrpHdr/CreDtTm'],
  ])('%s is refused', (_, path, value, where) => {
    expect(() => writePaymentInitiation(changed(path, value))).toThrow(Iso20022Error);
    expect(() => writePaymentInitiation(changed(path, value))).toThrow(`${where}: expected`);
  });

  test('no account number is in an error', () => {
    const text = message({
      payments: [payment({ transactions: [transaction({ account: `<IBAN>${IBAN}9</IBAN>` })] })],
    });
    expect(JSON.stringify(readPaymentInitiation(text).payments[0]!.refused)).not.toContain(IBAN);
    expect(() => writePaymentInitiation(changed([...TRANSFER, 'creditorAccount', 'id'], `${IBAN}9`))).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining(IBAN) }),
    );
  });
});

test('IBANs, by the examples of the registry', () => {
  for (const iban of [
    'GB29NWBK60161331926819',
    'DE89370400440532013000',
    'FR1420041010050500013M02606',
    'NO9386011117947',
    'MT84MALT011000012345MTLCAST001S',
  ]) {
    expect(isIban(iban)).toBe(true);
    expect(isIban(iban.replace(/.$/, (last) => (last === '0' ? '1' : '0')))).toBe(false);
  }
  for (const text of [
    '',
    'DE',
    'de89370400440532013000',
    'DE89 3704 0044 0532 0130 00',
    `DE89${'3'.repeat(31)}`,
  ]) {
    expect(isIban(text)).toBe(false);
  }
});

schemaTest('samples are read or refused as their schemas have them', () => {
  const outcomes: Record<string, string> = {};
  for (const { name, bytes } of samples()) {
    let valid = true;
    try {
      validate(bytes);
    } catch {
      valid = false;
    }
    let outcome: string;
    try {
      const { payments, findings } = readPaymentInitiation(bytes);
      const of = payments.flatMap(({ findings, refused }) => [
        ...findings,
        ...refused.map(({ finding }) => finding),
      ]);
      outcome = [
        `read ${payments.flatMap(({ transactions }) => transactions).length}`,
        ...[...findings, ...of].map(({ code }) => code),
      ].join(' ');
      // What the schema refuses as a whole is refused here.
      expect(valid, name).toBe(true);
    } catch (error) {
      expect(error, name).toBeInstanceOf(Iso20022Error);
      outcome = (error as Iso20022Error).code;
    }
    outcomes[name] = outcome;
  }
  expect(outcomes).toMatchInlineSnapshot(`
    {
      "moov__International_payment_USD_naujas_1.xml": "read 1 bad_account",
      "moov__gistfile1.xml": "read 3",
      "moov__valid_pacs_v11.xml": "wrong_message",
      "moov__valid_pain_v11.xml": "wrong_message",
      "svapnil__cross_river__pain_001_ach_credit.xml": "bad_xml",
      "svapnil__example__sepa_pain_001_v3.xml": "read 0 bad_account",
      "svapnil__example__sepa_pain_001_v3_multiple_pmtinf.xml": "read 0 bad_count bad_sum bad_account bad_account bad_account",
      "svapnil__example__swift_pain_001_v3.xml": "read 0 bad_account",
    }
  `);
});
