// Reads pain.001, versions 03 to 12, with the checks that banks make. Of the document only one transaction is held at a
// time, beside what was read of the others.
import { Currencies } from '../shared/currency.ts';
import { DocumentReader, type XmlElement } from './document.ts';
import { type Finding, findingOf, Iso20022Error } from './errors.ts';
import { TRANSACTIONS_MAX } from './limits.ts';
import { NOT_PROVIDED, type References } from './parts.ts';
import type {
  CreditTransfer,
  InitiatedPayment,
  PaymentInitiation,
  RefusedTransfer,
} from './payment-initiation.ts';
import { feed } from './read-whole.ts';
import {
  account,
  accountProblem,
  agent,
  count,
  dateOrTime,
  dateTime,
  decimalSum,
  money,
  optionalText,
  party,
  remittance,
  text,
  uetr,
} from './values.ts';

export interface ReadOptions {
  /** With those of the operator; otherwise ISO 4217's. */
  readonly currencies?: Currencies;
}

type Writable<T> = { -readonly [key in keyof T]: T[key] };

/** What counts and sums of a payment, or of the message, are compared with. */
class Totals {
  transactions = 0;
  /** Units of 10^-17; undefined once an amount was no number at all, and the sum can't be known. */
  sum: bigint | undefined = 0n;

  add(transactions: number, sum: bigint | undefined): void {
    this.transactions += transactions;
    this.sum = this.sum === undefined || sum === undefined ? undefined : this.sum + sum;
  }
}

interface PaymentUnderWay {
  readonly transactions: CreditTransfer[];
  readonly refused: RefusedTransfer[];
  /** How transactions are told apart. */
  readonly names: Set<string>;
  readonly totals: Totals;
}

export class PaymentInitiationReader {
  readonly #currencies: Currencies;
  readonly #document: DocumentReader;
  readonly #payments: InitiatedPayment[] = [];
  readonly #paymentIds = new Set<string>();
  readonly #uetrs = new Set<string>();
  readonly #totals = new Totals();
  #underWay: PaymentUnderWay = newPayment();

  constructor({ currencies = new Currencies() }: ReadOptions = {}) {
    this.#currencies = currencies;
    this.#document = new DocumentReader({
      messages: ['pain.001'],
      versions: ['03', '12'],
      parts: ['PmtInf', 'CdtTrfTxInf'],
      onPart: (element) => {
        if (element.name === 'PmtInf') this.#payment(element);
        else this.#transaction(element);
      },
    });
  }

  /** @throws Iso20022Error */
  push(chunk: Uint8Array): void {
    this.#document.push(chunk);
  }

  /** @throws Iso20022Error where the message as a whole cannot be used. */
  end(): PaymentInitiation {
    const { name, body } = this.#document.end();
    if (body.name !== 'CstmrCdtTrfInitn')
      body.fail('wrong_message', 'expected CstmrCdtTrfInitn, got another');
    const header = body.required('GrpHdr');
    const controlSum = header.child('CtrlSum');
    const number = header.required('NbOfTxs');
    const findings: Finding[] = [];
    if (this.#payments.length === 0) {
      throw new Iso20022Error('missing', `${body.path}/PmtInf`, 'expected it, got none');
    }
    compare(number, controlSum, this.#totals, findings);
    return {
      messageName: name.text,
      version: name.version,
      messageId: text(header.required('MsgId'), 35),
      createdAt: dateTime(header.required('CreDtTm')),
      initiatingParty: party(header.required('InitgPty')),
      numberOfTransactions: count(number),
      ...(controlSum === undefined ? {} : { controlSum: controlSum.text }),
      payments: this.#payments,
      findings,
    };
  }

  #payment(element: XmlElement): void {
    const { transactions, refused, totals } = this.#underWay;
    this.#underWay = newPayment();
    this.#totals.add(totals.transactions, totals.sum);
    const idElement = element.required('PmtInfId');
    const accountElement = element.required('DbtrAcct');
    const number = element.child('NbOfTxs');
    const controlSum = element.child('CtrlSum');
    const method = element.required('PmtMtd');
    const paymentInformationId = text(idElement, 35);
    const debtorAccount = account(accountElement);
    const debtorAgent = agent(element.child('DbtrAgt'));
    const findings: Finding[] = [];
    if (this.#paymentIds.has(paymentInformationId)) {
      findings.push(found(idElement, 'duplicate', 'expected an id of its own, got that of another payment'));
    }
    this.#paymentIds.add(paymentInformationId);
    if (method.text !== 'TRF' && method.text !== 'TRA') {
      findings.push(found(method, 'not_handled', 'expected transfers (TRF), got another method'));
    }
    const problem = accountProblem(debtorAccount);
    if (problem !== undefined) findings.push(found(accountElement, 'bad_account', problem));
    compare(number, controlSum, totals, findings);
    if (totals.transactions === 0) {
      findings.push(found(element, 'missing', 'expected at least one CdtTrfTxInf, got none'));
    }
    this.#payments.push({
      paymentInformationId,
      requestedExecutionDate: dateOrTime(element.required('ReqdExctnDt')),
      debtor: party(element.required('Dbtr')),
      debtorAccount,
      ...(debtorAgent === undefined ? {} : { debtorAgent }),
      ...(number === undefined ? {} : { numberOfTransactions: count(number) }),
      ...(controlSum === undefined ? {} : { controlSum: controlSum.text }),
      transactions,
      refused,
      findings,
    });
  }

  #transaction(element: XmlElement): void {
    if (element.parent?.name !== 'PmtInf') element.fail('bad_xml', 'expected it in PmtInf, got it elsewhere');
    const { transactions, refused, totals } = this.#underWay;
    if (this.#totals.transactions + totals.transactions === TRANSACTIONS_MAX) {
      throw new Iso20022Error(
        'too_large',
        element.path,
        `expected at most ${TRANSACTIONS_MAX} transactions in one message, got more: split it`,
      );
    }
    totals.add(1, amountSum(element));
    const position = totals.transactions;
    const references: Writable<References> = {};
    try {
      readReferences(element.required('PmtId'), references);
      transactions.push(this.#transfer(element, position, references));
    } catch (error) {
      refused.push({ position, ...references, finding: findingOf(error) });
    }
  }

  #transfer(element: XmlElement, position: number, references: References): CreditTransfer {
    const { endToEndId } = references;
    if (endToEndId === undefined) element.required('PmtId').required('EndToEndId');
    this.#checkNames(element.required('PmtId'), references);
    const amountElement = element.required('Amt');
    if (amountElement.child('EqvtAmt') !== undefined) {
      amountElement.fail('not_handled', 'expected InstdAmt, got an equivalent in another currency');
    }
    const instructed = amountElement.required('InstdAmt');
    const { amount, currency } = money(instructed, this.#currencies);
    if (amount === 0n) instructed.fail('zero_amount', 'expected an amount of more than zero, got zero');
    const accountElement = element.required('CdtrAcct');
    const creditorAccount = account(accountElement);
    const problem = accountProblem(creditorAccount);
    if (problem !== undefined) accountElement.fail('bad_account', problem);
    const creditorAgent = agent(element.child('CdtrAgt'));
    const information = remittance(element.child('RmtInf'));
    return {
      position,
      ...references,
      endToEndId: endToEndId!,
      amount,
      currency,
      creditor: party(element.child('Cdtr')),
      creditorAccount,
      ...(creditorAgent === undefined ? {} : { creditorAgent }),
      ...(information === undefined ? {} : { remittance: information }),
    };
  }

  #checkNames(element: XmlElement, { instructionId, endToEndId, uetr: unique }: References): void {
    // Where it says that there is none, only the position tells one transaction from another.
    if (endToEndId !== NOT_PROVIDED || instructionId !== undefined) {
      const { names } = this.#underWay;
      const name = JSON.stringify([endToEndId, instructionId]);
      if (names.has(name)) {
        element.fail(
          'duplicate',
          'expected ids of its own, got those of another transaction of this payment',
        );
      }
      names.add(name);
    }
    if (unique === undefined) return;
    if (this.#uetrs.has(unique)) {
      element.required('UETR').fail('duplicate', 'expected one of its own, got that of another transaction');
    }
    this.#uetrs.add(unique);
  }
}

/** @throws Iso20022Error where the message as a whole cannot be used. */
export function readPaymentInitiation(
  document: string | Uint8Array,
  options: ReadOptions = {},
): PaymentInitiation {
  const reader = new PaymentInitiationReader(options);
  feed(reader, document);
  return reader.end();
}

function newPayment(): PaymentUnderWay {
  return { transactions: [], refused: [], names: new Set(), totals: new Totals() };
}

/** Fills `references` as far as it gets, so that a refusal can name its transaction. */
function readReferences(element: XmlElement, references: Writable<References>): void {
  const instructionId = optionalText(element, 'InstrId', 35);
  if (instructionId !== undefined) references.instructionId = instructionId;
  const endToEndId = optionalText(element, 'EndToEndId', 35);
  if (endToEndId !== undefined) references.endToEndId = endToEndId;
  const unique = element.child('UETR');
  if (unique !== undefined) references.uetr = uetr(unique);
}

/** For the control sum, which counts every transaction, also those that are refused. */
function amountSum(element: XmlElement): bigint | undefined {
  const amount = element.children.find((child) => child.name === 'Amt');
  const instructed =
    amount?.children.find((child) => child.name === 'InstdAmt') ??
    amount?.children
      .find((child) => child.name === 'EqvtAmt')
      ?.children.find((child) => child.name === 'Amt');
  return instructed === undefined ? undefined : decimalSum(instructed.text);
}

function compare(
  number: XmlElement | undefined,
  controlSum: XmlElement | undefined,
  { transactions, sum }: Totals,
  findings: Finding[],
): void {
  if (number !== undefined && count(number) !== transactions) {
    findings.push(found(number, 'bad_count', `expected ${transactions}, got ${count(number)}`));
  }
  if (controlSum === undefined) return;
  const claimed = decimalSum(controlSum.text);
  if (claimed === undefined) {
    controlSum.fail('bad_sum', 'expected a decimal of at most 18 digits, got something else');
  }
  if (sum !== undefined && claimed !== sum) {
    findings.push(found(controlSum, 'bad_sum', 'expected the sum of the amounts, got another'));
  }
}

function found(element: XmlElement, code: Finding['code'], problem: string): Finding {
  return { code, path: element.path, problem };
}
