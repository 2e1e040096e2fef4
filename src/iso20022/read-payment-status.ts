// Reads pain.002, versions 03 to 14.
import { DocumentReader, type XmlElement } from './document.ts';
import { Iso20022Error } from './errors.ts';
import { TRANSACTIONS_MAX } from './limits.ts';
import type { Reason } from './parts.ts';
import type { PaymentAnswer, PaymentStatusReport, TransactionAnswer } from './payment-status.ts';
import { readWhole } from './read-whole.ts';
import { codeOrProprietary, count, dateTime, decimalSum, optionalText, text, uetr } from './values.ts';

/** @throws Iso20022Error */
export function readPaymentStatus(document: string | Uint8Array): PaymentStatusReport {
  const payments: PaymentAnswer[] = [];
  let transactions: TransactionAnswer[] = [];
  let total = 0;
  const reader = new DocumentReader({
    messages: ['pain.002'],
    versions: ['03', '14'],
    parts: ['OrgnlPmtInfAndSts', 'TxInfAndSts'],
    onPart: (element) => {
      if (element.name === 'TxInfAndSts') {
        if (++total > TRANSACTIONS_MAX) {
          throw new Iso20022Error(
            'too_large',
            element.path,
            `expected at most ${TRANSACTIONS_MAX}, got more`,
          );
        }
        if (element.parent?.name !== 'OrgnlPmtInfAndSts') {
          element.fail('bad_xml', 'expected it in OrgnlPmtInfAndSts, got it elsewhere');
        }
        transactions.push(readTransaction(element));
        return;
      }
      payments.push(readPayment(element, transactions));
      transactions = [];
    },
  });
  const { name, body } = readWhole(reader, document);
  if (body.name !== 'CstmrPmtStsRpt') body.fail('wrong_message', 'expected CstmrPmtStsRpt, got another');
  const header = body.required('GrpHdr');
  const group = body.required('OrgnlGrpInfAndSts');
  const originalCreatedAt = group.child('OrgnlCreDtTm');
  return {
    messageName: name.text,
    messageId: text(header.required('MsgId'), 35),
    createdAt: dateTime(header.required('CreDtTm')),
    original: {
      messageId: text(group.required('OrgnlMsgId'), 35),
      messageName: text(group.required('OrgnlMsgNmId'), 35),
      ...(originalCreatedAt === undefined ? {} : { createdAt: dateTime(originalCreatedAt) }),
      ...readTotals(group),
    },
    ...readStatus(group, 'GrpSts', 'groupStatus'),
    reasons: readReasons(group),
    payments,
  };
}

function readPayment(element: XmlElement, transactions: readonly TransactionAnswer[]): PaymentAnswer {
  return {
    paymentInformationId: text(element.required('OrgnlPmtInfId'), 35),
    ...readTotals(element),
    ...readStatus(element, 'PmtInfSts', 'status'),
    reasons: readReasons(element),
    transactions,
  };
}

function readTransaction(element: XmlElement): TransactionAnswer {
  const statusId = optionalText(element, 'StsId', 35);
  const instructionId = optionalText(element, 'OrgnlInstrId', 35);
  const endToEndId = optionalText(element, 'OrgnlEndToEndId', 35);
  const unique = element.child('OrgnlUETR');
  const acceptedAt = element.child('AccptncDtTm');
  const servicerReference = optionalText(element, 'AcctSvcrRef', 35);
  return {
    ...(statusId === undefined ? {} : { statusId }),
    ...(instructionId === undefined ? {} : { instructionId }),
    ...(endToEndId === undefined ? {} : { endToEndId }),
    ...(unique === undefined ? {} : { uetr: uetr(unique) }),
    ...readStatus(element, 'TxSts', 'status'),
    reasons: readReasons(element),
    ...(acceptedAt === undefined ? {} : { acceptedAt: dateTime(acceptedAt) }),
    ...(servicerReference === undefined ? {} : { servicerReference }),
  };
}

function readTotals(element: XmlElement): { numberOfTransactions?: number; controlSum?: string } {
  const number = element.child('OrgnlNbOfTxs');
  const sum = element.child('OrgnlCtrlSum');
  if (sum !== undefined && decimalSum(sum.text) === undefined) {
    sum.fail('bad_sum', 'expected a decimal, got something else');
  }
  return {
    ...(number === undefined ? {} : { numberOfTransactions: count(number) }),
    ...(sum === undefined ? {} : { controlSum: sum.text }),
  };
}

function readStatus<Name extends string>(
  element: XmlElement,
  child: string,
  name: Name,
): { readonly [name in Name]?: string } {
  const status = optionalText(element, child, 4);
  return (status === undefined ? {} : { [name]: status }) as { readonly [name in Name]?: string };
}

function readReasons(element: XmlElement): Reason[] {
  return element.all('StsRsnInf').map(readReason);
}

export function readReason(element: XmlElement): Reason {
  const lines = element.all('AddtlInf').map((line) => text(line, 105));
  return {
    ...codeOrProprietary(element.child('Rsn')),
    ...(lines.length === 0 ? {} : { information: lines.join(' ') }),
  };
}
