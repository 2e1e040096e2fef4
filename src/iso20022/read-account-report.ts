// Reads camt.053 and camt.054, versions 02 to 12, and adds them up.
import { Currencies } from '../shared/currency.ts';
import type {
  AccountReport,
  AccountReportMessage,
  Balance,
  Batch,
  Entry,
  EntryTransaction,
  Page,
  Side,
  TransactionCode,
} from './account-report.ts';
import { DocumentReader, type XmlElement } from './document.ts';
import { type Finding, Iso20022Error } from './errors.ts';
import { TRANSACTIONS_MAX } from './limits.ts';
import type { Account, Party } from './parts.ts';
import type { ReadOptions } from './read-payment-initiation.ts';
import { readReason } from './read-payment-status.ts';
import { readWhole } from './read-whole.ts';
import {
  account,
  count,
  dateOrTime,
  dateTime,
  money,
  optionalText,
  party,
  remittance,
  text,
  uetr,
} from './values.ts';

const KINDS = {
  BkToCstmrStmt: { kind: 'statement', report: 'Stmt', page: 'StmtPgntn' },
  BkToCstmrDbtCdtNtfctn: { kind: 'notification', report: 'Ntfctn', page: 'NtfctnPgntn' },
} as const;

/** @throws Iso20022Error */
export function readAccountReport(
  document: string | Uint8Array,
  { currencies = new Currencies() }: ReadOptions = {},
): AccountReportMessage {
  const reports: AccountReport[] = [];
  let entries: Entry[] = [];
  let findings: Finding[] = [];
  let total = 0;
  const reader = new DocumentReader({
    messages: ['camt.053', 'camt.054'],
    versions: ['02', '12'],
    parts: ['Stmt', 'Ntfctn', 'Ntry'],
    onPart: (element) => {
      if (element.name !== 'Ntry') {
        reports.push(readReport(element, entries, findings, currencies));
        entries = [];
        findings = [];
        return;
      }
      const entry = readEntry(element, currencies);
      total += Math.max(1, entry.transactions.length);
      if (total > TRANSACTIONS_MAX) {
        throw new Iso20022Error(
          'too_large',
          element.path,
          `expected at most ${TRANSACTIONS_MAX} bookings, got more`,
        );
      }
      const finding = checkBatch(element, entry);
      if (finding !== undefined) findings.push(finding);
      entries.push(entry);
    },
  });
  const { name, body } = readWhole(reader, document);
  if (!Object.hasOwn(KINDS, body.name)) {
    body.fail('wrong_message', `expected ${Object.keys(KINDS).join(' or ')}, got another`);
  }
  const { kind } = KINDS[body.name as keyof typeof KINDS];
  const header = body.required('GrpHdr');
  return {
    kind,
    messageName: name.text,
    messageId: text(header.required('MsgId'), 35),
    createdAt: dateTime(header.required('CreDtTm')),
    ...readPage(header.child('MsgPgntn')),
    reports,
  };
}

function readReport(
  element: XmlElement,
  entries: readonly Entry[],
  found: readonly Finding[],
  currencies: Currencies,
): AccountReport {
  const createdAt = element.child('CreDtTm');
  const sequence = element.child('ElctrncSeqNb');
  const period = element.child('FrToDt');
  const page = readPage(element.child('StmtPgntn') ?? element.child('NtfctnPgntn'));
  const balances = element.all('Bal').map((balance) => readBalance(balance, currencies));
  const report = {
    id: text(element.required('Id'), 35),
    ...(createdAt === undefined ? {} : { createdAt: dateTime(createdAt) }),
    ...(sequence === undefined ? {} : { sequence: count(sequence) }),
    ...page,
    ...(period === undefined
      ? {}
      : { from: dateTime(period.required('FrDtTm')), to: dateTime(period.required('ToDtTm')) }),
    account: account(element.required('Acct')),
    balances,
    entries,
  };
  const finding = checkBalances(element, report);
  return { ...report, findings: finding === undefined ? found : [...found, finding] };
}

function readPage(element: XmlElement | undefined): { readonly page?: Page } {
  if (element === undefined) return {};
  const last = element.required('LastPgInd');
  return { page: { number: count(element.required('PgNb')), last: truth(last) } };
}

function readBalance(element: XmlElement, currencies: Currencies): Balance {
  const type = element.required('Tp').required('CdOrPrtry');
  return {
    type: optionalText(type, 'Cd', 4) ?? text(type.required('Prtry'), 35),
    ...money(element.required('Amt'), currencies),
    side: side(element.required('CdtDbtInd')),
    date: dateOrTime(element.required('Dt')),
  };
}

function readEntry(element: XmlElement, currencies: Currencies): Entry {
  const status = element.required('Sts');
  const reversal = element.child('RvslInd');
  const bookedAt = element.child('BookgDt');
  const valueDate = element.child('ValDt');
  const details = element.all('NtryDtls');
  const transactions = details.flatMap((detail) => detail.all('TxDtls'));
  return {
    ...optional('reference', element, 'NtryRef'),
    ...money(element.required('Amt'), currencies),
    side: side(element.required('CdtDbtInd')),
    reversal: reversal !== undefined && truth(reversal),
    // Up to version 06 it is the code itself.
    status:
      status.children.length === 0
        ? text(status, 4)
        : text(status.child('Cd') ?? status.required('Prtry'), 35),
    ...(bookedAt === undefined ? {} : { bookedAt: dateOrTime(bookedAt) }),
    ...(valueDate === undefined ? {} : { valueDate: dateOrTime(valueDate) }),
    ...optional('servicerReference', element, 'AcctSvcrRef'),
    code: readCode(element.required('BkTxCd')),
    ...readBatch(details[0]?.child('Btch')),
    transactions: transactions.map((transaction) => readTransaction(transaction, currencies)),
    ...optional('information', element, 'AddtlNtryInf', 500),
  };
}

function readCode(element: XmlElement): TransactionCode {
  const domain = element.child('Domn');
  const own = element.child('Prtry');
  return {
    ...(domain === undefined
      ? {}
      : {
          domain: text(domain.required('Cd'), 4),
          family: text(domain.required('Fmly').required('Cd'), 4),
          subFamily: text(domain.required('Fmly').required('SubFmlyCd'), 4),
        }),
    ...(own === undefined
      ? {}
      : { proprietary: text(own.required('Cd'), 35), ...optional('issuer', own, 'Issr') }),
  };
}

function readBatch(element: XmlElement | undefined): { readonly batch?: Batch } {
  if (element === undefined) return {};
  const number = element.child('NbOfTxs');
  return {
    batch: {
      ...optional('messageId', element, 'MsgId'),
      ...optional('paymentInformationId', element, 'PmtInfId'),
      ...(number === undefined ? {} : { numberOfTransactions: count(number) }),
    },
  };
}

function readTransaction(element: XmlElement, currencies: Currencies): EntryTransaction {
  const references = element.child('Refs');
  const unique = references?.child('UETR');
  // Up to version 03 the amount stands among the details alone.
  const amount = element.child('Amt') ?? element.descendant('AmtDtls', 'TxAmt', 'Amt');
  const sideElement = element.child('CdtDbtInd');
  const parties = element.child('RltdPties');
  const returned = element.child('RtrInf');
  const information = remittance(element.child('RmtInf'));
  return {
    ...optional('messageId', references, 'MsgId'),
    ...optional('servicerReference', references, 'AcctSvcrRef'),
    ...optional('paymentInformationId', references, 'PmtInfId'),
    ...optional('instructionId', references, 'InstrId'),
    ...optional('endToEndId', references, 'EndToEndId'),
    ...(unique === undefined ? {} : { uetr: uetr(unique) }),
    ...optional('transactionId', references, 'TxId'),
    ...(amount === undefined ? {} : { money: money(amount, currencies) }),
    ...(sideElement === undefined ? {} : { side: side(sideElement) }),
    ...readParty('debtor', parties?.child('Dbtr')),
    ...readAccount('debtorAccount', parties?.child('DbtrAcct')),
    ...readParty('creditor', parties?.child('Cdtr')),
    ...readAccount('creditorAccount', parties?.child('CdtrAcct')),
    ...(information === undefined ? {} : { remittance: information }),
    ...(returned === undefined ? {} : { returned: readReason(returned) }),
  };
}

/** From version 07 on the party stands inside of `Pty`. */
function readParty<Name extends string>(
  name: Name,
  element: XmlElement | undefined,
): { readonly [name in Name]?: Party } {
  const found = element === undefined ? undefined : party(element.child('Pty') ?? element);
  return (found === undefined ? {} : { [name]: found }) as { readonly [name in Name]?: Party };
}

function readAccount<Name extends string>(
  name: Name,
  element: XmlElement | undefined,
): { readonly [name in Name]?: Account } {
  // Some banks name an account without its number.
  const found = element?.child('Id') === undefined ? undefined : account(element);
  return (found === undefined ? {} : { [name]: found }) as { readonly [name in Name]?: Account };
}

function optional<Name extends string>(
  name: Name,
  parent: XmlElement | undefined,
  child: string,
  max = 35,
): { readonly [name in Name]?: string } {
  const found = optionalText(parent, child, max);
  return (found === undefined ? {} : { [name]: found }) as { readonly [name in Name]?: string };
}

function side(element: XmlElement): Side {
  if (element.text === 'CRDT') return 'credit';
  if (element.text === 'DBIT') return 'debit';
  return element.fail('bad_text', 'expected CRDT or DBIT, got another text');
}

function truth(element: XmlElement): boolean {
  if (element.text === 'true' || element.text === '1') return true;
  if (element.text === 'false' || element.text === '0') return false;
  return element.fail('bad_text', 'expected true or false, got another text');
}

/** Where every transaction of an entry has an amount in its currency, they are together that of the entry. */
function checkBatch(element: XmlElement, entry: Entry): Finding | undefined {
  const { transactions, batch } = entry;
  const announced = batch?.numberOfTransactions;
  if (announced !== undefined && transactions.length > 0 && announced !== transactions.length) {
    return {
      code: 'bad_count',
      path: element.path,
      problem: `expected ${announced} transactions as the batch says, got ${transactions.length}`,
    };
  }
  let sum = 0n;
  for (const { money, side } of transactions) {
    if (money === undefined || money.currency !== entry.currency) return undefined;
    sum += (side ?? entry.side) === entry.side ? money.amount : -money.amount;
  }
  if (transactions.length === 0 || sum === entry.amount) return undefined;
  return {
    code: 'bad_sum',
    path: element.path,
    problem: `expected transactions of together ${entry.amount} minor units, got ${sum}`,
  };
}

/** Opening balance and booked entries make the closing balance, where it is all on one page. */
function checkBalances(
  element: XmlElement,
  { balances, entries, page }: Pick<AccountReport, 'balances' | 'entries' | 'page'>,
): Finding | undefined {
  const opening = balances.filter(({ type }) => type === 'OPBD' || type === 'PRCD');
  const closing = balances.filter(({ type }) => type === 'CLBD');
  if (opening.length !== 1 || closing.length !== 1) return undefined;
  if (page !== undefined && (page.number !== 1 || !page.last)) return undefined;
  const { currency } = opening[0]!;
  let sum = signed(opening[0]!);
  for (const entry of entries) {
    if (entry.status !== 'BOOK') continue;
    if (entry.currency !== currency) return undefined;
    sum += signed(entry);
  }
  const expected = signed(closing[0]!);
  if (closing[0]!.currency === currency && sum === expected) return undefined;
  return {
    code: 'bad_sum',
    path: element.path,
    problem: `expected entries from the opening to the closing balance of ${expected} minor units, got ${sum}`,
  };
}

function signed({ amount, side }: { readonly amount: bigint; readonly side: Side }): bigint {
  return side === 'credit' ? amount : -amount;
}
