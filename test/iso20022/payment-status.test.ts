import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  isReasonCode,
  type PaymentStatusReport,
  readPaymentStatus,
  standingOf,
  writePaymentStatus,
} from '../../src/iso20022/index.ts';
import { reason, reference, some, text, time, unique } from './arbitrary.ts';
import { samples, schemaTest, validate } from './schemas.ts';

const status = fc.constantFrom('ACCP', 'ACSC', 'ACSP', 'PDNG', 'RJCT', 'PART', 'NEW1');
const total = fc.nat(999_999);
const sum = fc.constantFrom('0', '12.34', '1.23456');
const reports: fc.Arbitrary<PaymentStatusReport> = some(
  {
    messageId: reference,
    createdAt: time,
    original: some(
      {
        messageId: text(35),
        messageName: fc.constant('pain.001.001.09'),
        createdAt: time,
        numberOfTransactions: total,
        controlSum: sum,
      },
      ['messageId', 'messageName'],
    ),
    groupStatus: status,
    reasons: fc.array(reason, { maxLength: 2 }),
    payments: fc.array(
      some(
        {
          paymentInformationId: text(35),
          numberOfTransactions: total,
          controlSum: sum,
          status,
          reasons: fc.array(reason, { maxLength: 2 }),
          transactions: fc.array(
            some(
              {
                statusId: text(35),
                instructionId: text(35),
                endToEndId: text(35),
                uetr: unique,
                status,
                reasons: fc.array(reason, { maxLength: 2 }),
                acceptedAt: time,
                servicerReference: text(35),
              },
              ['reasons'],
            ),
            { maxLength: 3 },
          ),
        },
        ['paymentInformationId', 'reasons', 'transactions'],
      ),
      { maxLength: 3 },
    ),
  },
  ['messageId', 'createdAt', 'original', 'reasons', 'payments'],
);

describe('a status report', () => {
  test('is read as it was written', () => {
    fc.assert(
      fc.property(reports, fc.constantFrom('11' as const, '14' as const), (report, version) => {
        const { messageName, ...found } = readPaymentStatus(writePaymentStatus(report, { version }));
        expect(messageName).toBe(`pain.002.001.${version}`);
        expect(found).toEqual(report);
      }),
      { numRuns: 25 },
    );
  });

  schemaTest('is valid by the schemas', () => {
    fc.assert(
      fc.property(reports, (report) => {
        for (const version of ['11', '14'] as const) validate(writePaymentStatus(report, { version }));
      }),
      { numRuns: 12 },
    );
  });

  test('says where it is wrong', () => {
    const report = {
      messageId: 'S1',
      createdAt: '2026-03-30T10:00:01Z',
      original: { messageId: 'M1', messageName: 'pain.001.001.09' },
      reasons: [],
      payments: [
        {
          paymentInformationId: 'P1',
          reasons: [],
          transactions: [{ endToEndId: 'E1', status: 'RJCT', reasons: [] }],
        },
      ],
    };
    const written = writePaymentStatus(report);
    expect(() => readPaymentStatus(written.replace('RJCT', 'REJECTED'))).toThrow(
      'CstmrPmtStsRpt/OrgnlPmtInfAndSts[1]/TxInfAndSts[1]/TxSts: expected 1 to 4 characters, got 8',
    );
    expect(() => readPaymentStatus(written.replace(/<OrgnlMsgId>.*\n/, ''))).toThrow(
      'CstmrPmtStsRpt/OrgnlGrpInfAndSts/OrgnlMsgId: expected it, got none',
    );
    expect(() => writePaymentStatus({ ...report, groupStatus: 'REJECTED' })).toThrow(
      'GrpSts: expected a code',
    );
  });

  test('what a status says about the money', () => {
    expect(
      ['ACSC', 'ACCC', 'RJCT', 'PART', 'PDNG', 'ACCP', 'ACSP', 'XXXX', undefined].map(standingOf),
    ).toEqual([
      ...['done', 'done', 'rejected', 'partial', 'pending', 'pending', 'pending', 'unknown', 'unknown'],
    ]);
    expect(standingOf('toString')).toBe('unknown');
    expect([isReasonCode('AC01'), isReasonCode('ZZ99'), isReasonCode('toString')]).toEqual([
      true,
      false,
      false,
    ]);
  });

  schemaTest('of others is read', () => {
    const sample = samples().find(({ name }) => name === 'moov__valid_pain_v11.xml')!;
    expect(readPaymentStatus(sample.bytes)).toEqual({
      messageName: 'pain.002.001.11',
      messageId: 'MsgId',
      createdAt: '2014-11-12T11:45:26.371',
      original: { messageId: 'OrgnlMsgId', messageName: 'OrgnlMsgNmId' },
      reasons: [],
      payments: [],
    });
  });
});
