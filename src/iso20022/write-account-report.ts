// Writes camt.053 and camt.054.
import { Currencies } from '../shared/currency.ts';
import type {
  AccountReport,
  AccountReportMessage,
  Entry,
  EntryTransaction,
  Page,
  Side,
  TransactionCode,
} from './account-report.ts';
import type { Account, Party } from './parts.ts';
import { type WriteOptions, XmlWriter } from './xml-writer.ts';

/** Versions whose schema the tests have. */
export type AccountReportVersion = '08' | '12';

/** @throws Iso20022Error for what the message cannot hold: nothing is cut off. */
export function writeAccountReport(
  message: AccountReportMessage,
  { version = '08', currencies = new Currencies() }: WriteOptions<AccountReportVersion> = {},
): string {
  const statement = message.kind === 'statement';
  const writer = new XmlWriter(`${statement ? 'camt.053' : 'camt.054'}.001.${version}`, currencies);
  writer.inside(statement ? 'BkToCstmrStmt' : 'BkToCstmrDbtCdtNtfctn', () => {
    writer.inside('GrpHdr', () => {
      writer.reference('MsgId', message.messageId);
      writer.dateTime('CreDtTm', message.createdAt);
      writePage(writer, 'MsgPgntn', message.page);
    });
    for (const report of message.reports) {
      writer.inside(statement ? 'Stmt' : 'Ntfctn', () => writeReport(writer, report, statement));
    }
  });
  return writer.end();
}

function writeReport(writer: XmlWriter, report: AccountReport, statement: boolean): void {
  writer.text('Id', report.id, 35);
  writePage(writer, statement ? 'StmtPgntn' : 'NtfctnPgntn', report.page);
  writer.number('ElctrncSeqNb', report.sequence);
  writer.dateTime('CreDtTm', report.createdAt);
  const { from, to } = report;
  if (from !== undefined && to !== undefined) {
    writer.inside('FrToDt', () => {
      writer.dateTime('FrDtTm', from);
      writer.dateTime('ToDtTm', to);
    });
  }
  writer.account('Acct', report.account);
  for (const balance of statement ? report.balances : []) {
    writer.inside('Bal', () => {
      writer.inside('Tp', () => writer.inside('CdOrPrtry', () => writer.code('Cd', balance.type)));
      writer.money('Amt', balance);
      writeSide(writer, balance.side);
      writer.dateOrTime('Dt', balance.date);
    });
  }
  for (const entry of report.entries) writer.inside('Ntry', () => writeEntry(writer, entry));
}

function writePage(writer: XmlWriter, name: string, page: Page | undefined): void {
  if (page === undefined) return;
  writer.inside(name, () => {
    writer.number('PgNb', page.number);
    writer.text('LastPgInd', String(page.last), 5);
  });
}

function writeEntry(writer: XmlWriter, entry: Entry): void {
  writer.text('NtryRef', entry.reference, 35);
  writer.money('Amt', entry);
  writeSide(writer, entry.side);
  if (entry.reversal) writer.text('RvslInd', 'true', 4);
  writer.inside('Sts', () => writer.code('Cd', entry.status));
  writer.dateOrTime('BookgDt', entry.bookedAt);
  writer.dateOrTime('ValDt', entry.valueDate);
  writer.text('AcctSvcrRef', entry.servicerReference, 35);
  writer.inside('BkTxCd', () => writeCode(writer, entry.code));
  const { batch, transactions } = entry;
  if (batch !== undefined || transactions.length > 0) {
    writer.inside('NtryDtls', () => {
      if (batch !== undefined) {
        writer.inside('Btch', () => {
          writer.text('MsgId', batch.messageId, 35);
          writer.text('PmtInfId', batch.paymentInformationId, 35);
          writer.number('NbOfTxs', batch.numberOfTransactions);
        });
      }
      for (const transaction of transactions) {
        writer.inside('TxDtls', () => writeTransaction(writer, transaction));
      }
    });
  }
  writer.text('AddtlNtryInf', entry.information, 500);
}

function writeCode(writer: XmlWriter, code: TransactionCode): void {
  const { domain, family, subFamily, proprietary, issuer } = code;
  if (domain !== undefined) {
    writer.inside('Domn', () => {
      writer.code('Cd', domain);
      writer.inside('Fmly', () => {
        writer.code('Cd', family ?? 'NTAV');
        writer.code('SubFmlyCd', subFamily ?? 'NTAV');
      });
    });
  }
  if (proprietary !== undefined) {
    writer.inside('Prtry', () => {
      writer.text('Cd', proprietary, 35);
      writer.text('Issr', issuer, 35);
    });
  }
}

function writeTransaction(writer: XmlWriter, transaction: EntryTransaction): void {
  const { servicerReference, messageId, paymentInformationId, instructionId, endToEndId } = transaction;
  const { uetr, transactionId, side, remittance, returned } = transaction;
  const references = [messageId, servicerReference, paymentInformationId, instructionId, endToEndId, uetr];
  if ([...references, transactionId].some((reference) => reference !== undefined)) {
    writer.inside('Refs', () => {
      writer.text('MsgId', messageId, 35);
      writer.text('AcctSvcrRef', servicerReference, 35);
      writer.text('PmtInfId', paymentInformationId, 35);
      writer.text('InstrId', instructionId, 35);
      writer.text('EndToEndId', endToEndId, 35);
      writer.uetr('UETR', uetr);
      writer.text('TxId', transactionId, 35);
    });
  }
  writer.money('Amt', transaction.money);
  if (side !== undefined) writeSide(writer, side);
  const { debtor, debtorAccount, creditor, creditorAccount } = transaction;
  if ([debtor, debtorAccount, creditor, creditorAccount].some((one) => one !== undefined)) {
    writer.inside('RltdPties', () => {
      writeParty(writer, 'Dbtr', debtor, debtorAccount);
      writeParty(writer, 'Cdtr', creditor, creditorAccount);
    });
  }
  if (remittance !== undefined) writer.inside('RmtInf', () => writer.text('Ustrd', remittance, 140));
  if (returned !== undefined) writer.inside('RtrInf', () => writer.reason(returned));
}

function writeParty(
  writer: XmlWriter,
  name: 'Dbtr' | 'Cdtr',
  party: Party | undefined,
  account: Account | undefined,
): void {
  if (party !== undefined) writer.inside(name, () => writer.party('Pty', party));
  writer.account(`${name}Acct`, account);
}

function writeSide(writer: XmlWriter, side: Side): void {
  writer.text('CdtDbtInd', side === 'credit' ? 'CRDT' : 'DBIT', 4);
}
