// Writes pain.002.
import { Currencies } from '../shared/currency.ts';
import type { Reason } from './parts.ts';
import type { PaymentAnswer, PaymentStatusReport, TransactionAnswer } from './payment-status.ts';
import { type WriteOptions, XmlWriter } from './xml-writer.ts';

/** Versions whose schema the tests have. */
export type PaymentStatusVersion = '11' | '14';

/** @throws Iso20022Error for what the message cannot hold: nothing is cut off. */
export function writePaymentStatus(
  report: PaymentStatusReport,
  { version = '11', currencies = new Currencies() }: WriteOptions<PaymentStatusVersion> = {},
): string {
  const writer = new XmlWriter(`pain.002.001.${version}`, currencies);
  const { original } = report;
  writer.inside('CstmrPmtStsRpt', () => {
    writer.inside('GrpHdr', () => {
      writer.reference('MsgId', report.messageId);
      writer.dateTime('CreDtTm', report.createdAt);
    });
    writer.inside('OrgnlGrpInfAndSts', () => {
      writer.text('OrgnlMsgId', original.messageId, 35);
      writer.text('OrgnlMsgNmId', original.messageName, 35);
      writer.dateTime('OrgnlCreDtTm', original.createdAt);
      writer.number('OrgnlNbOfTxs', original.numberOfTransactions);
      writer.decimal('OrgnlCtrlSum', original.controlSum);
      writer.code('GrpSts', report.groupStatus);
      writeReasons(writer, report.reasons);
    });
    for (const payment of report.payments) {
      writer.inside('OrgnlPmtInfAndSts', () => writePayment(writer, payment));
    }
  });
  return writer.end();
}

function writePayment(writer: XmlWriter, payment: PaymentAnswer): void {
  writer.text('OrgnlPmtInfId', payment.paymentInformationId, 35);
  writer.number('OrgnlNbOfTxs', payment.numberOfTransactions);
  writer.decimal('OrgnlCtrlSum', payment.controlSum);
  writer.code('PmtInfSts', payment.status);
  writeReasons(writer, payment.reasons);
  for (const answer of payment.transactions) {
    writer.inside('TxInfAndSts', () => writeTransaction(writer, answer));
  }
}

function writeTransaction(writer: XmlWriter, answer: TransactionAnswer): void {
  writer.text('StsId', answer.statusId, 35);
  writer.text('OrgnlInstrId', answer.instructionId, 35);
  writer.text('OrgnlEndToEndId', answer.endToEndId, 35);
  writer.uetr('OrgnlUETR', answer.uetr);
  writer.code('TxSts', answer.status);
  writeReasons(writer, answer.reasons);
  writer.dateTime('AccptncDtTm', answer.acceptedAt);
  writer.text('AcctSvcrRef', answer.servicerReference, 35);
}

function writeReasons(writer: XmlWriter, reasons: readonly Reason[]): void {
  for (const reason of reasons) writer.inside('StsRsnInf', () => writer.reason(reason));
}
