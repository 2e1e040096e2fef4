// Writes pain.001: the credit transfers that a bank is asked for. Counts and control sums are made here.
import { Currencies } from '../shared/currency.ts';
import { Iso20022Error } from './errors.ts';
import { TRANSACTIONS_MAX } from './limits.ts';
import type { Account, Agent, Money, Party, References } from './parts.ts';
import { type WriteOptions, XmlWriter } from './xml-writer.ts';

export interface PaymentInitiationDraft {
  /** Unique for ever: banks refuse a second message with it. 1 to 35 characters. */
  readonly messageId: string;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly initiatingParty: Party;
  readonly payments: readonly PaymentDraft[];
}

export interface PaymentDraft {
  readonly paymentInformationId: string;
  /** A date, or a time. */
  readonly requestedExecutionDate: string;
  /** One booking on the debtor's account for all transactions together. */
  readonly batchBooking?: boolean;
  readonly debtor: Party;
  readonly debtorAccount: Account;
  readonly debtorAgent?: Agent;
  readonly transactions: readonly TransferDraft[];
}

export interface TransferDraft extends References, Money {
  readonly endToEndId: string;
  readonly creditor: Party;
  readonly creditorAccount: Account;
  readonly creditorAgent?: Agent;
  /** Up to 140 characters. */
  readonly remittance?: string;
}

/** Versions whose schema the tests have. */
export type PaymentInitiationVersion = '10' | '12';

/** @throws Iso20022Error for what the message cannot hold: nothing is cut off. */
export function writePaymentInitiation(
  { messageId, createdAt, initiatingParty, payments }: PaymentInitiationDraft,
  { version = '10', currencies = new Currencies() }: WriteOptions<PaymentInitiationVersion> = {},
): string {
  const writer = new XmlWriter(`pain.001.001.${version}`, currencies);
  const all = payments.flatMap(({ transactions }) => transactions);
  if (
    all.length === 0 ||
    all.length > TRANSACTIONS_MAX ||
    payments.some((p) => p.transactions.length === 0)
  ) {
    throw new Iso20022Error(
      'bad_count',
      '',
      `expected payments with a transaction each, ${TRANSACTIONS_MAX} at most, got ${all.length}`,
    );
  }
  writer.inside('CstmrCdtTrfInitn', () => {
    writer.inside('GrpHdr', () => {
      writer.reference('MsgId', messageId);
      writer.dateTime('CreDtTm', createdAt);
      writer.number('NbOfTxs', all.length);
      writer.decimal('CtrlSum', controlSumOf(writer, all));
      writer.party('InitgPty', initiatingParty);
    });
    for (const payment of payments) writer.inside('PmtInf', () => writePayment(writer, payment));
  });
  return writer.end();
}

function writePayment(writer: XmlWriter, payment: PaymentDraft): void {
  writer.reference('PmtInfId', payment.paymentInformationId);
  writer.text('PmtMtd', 'TRF', 3);
  if (payment.batchBooking !== undefined) writer.text('BtchBookg', String(payment.batchBooking), 5);
  writer.number('NbOfTxs', payment.transactions.length);
  writer.decimal('CtrlSum', controlSumOf(writer, payment.transactions));
  writer.dateOrTime('ReqdExctnDt', payment.requestedExecutionDate);
  writer.party('Dbtr', payment.debtor);
  writer.account('DbtrAcct', payment.debtorAccount);
  writer.agent('DbtrAgt', payment.debtorAgent);
  for (const transfer of payment.transactions) {
    writer.inside('CdtTrfTxInf', () => {
      writer.inside('PmtId', () => {
        writer.reference('InstrId', transfer.instructionId);
        writer.reference('EndToEndId', transfer.endToEndId);
        writer.uetr('UETR', transfer.uetr);
      });
      writer.inside('Amt', () => writer.money('InstdAmt', transfer));
      if (transfer.creditorAgent !== undefined) writer.agent('CdtrAgt', transfer.creditorAgent);
      writer.party('Cdtr', transfer.creditor);
      writer.account('CdtrAcct', transfer.creditorAccount);
      const { remittance } = transfer;
      if (remittance !== undefined) writer.inside('RmtInf', () => writer.text('Ustrd', remittance, 140));
    });
  }
}

/**
 * The sum of decimals as they are written, whatever their currencies: exactly. Undefined where it has more digits than
 * the message takes, which needs none.
 */
function controlSumOf(writer: XmlWriter, amounts: readonly Money[]): string | undefined {
  const PLACES = 5;
  let sum = 0n;
  let places = 0;
  for (const money of amounts) {
    const [whole, fraction = ''] = writer.decimalOf('CtrlSum', money).split('.') as [string, string?];
    sum += BigInt(whole + fraction.padEnd(PLACES, '0'));
    places = Math.max(places, fraction.length);
  }
  const digits = sum.toString().padStart(PLACES + 1, '0');
  const whole = digits.slice(0, -PLACES);
  const text = places === 0 ? whole : `${whole}.${digits.slice(-PLACES).slice(0, places)}`;
  return text.replace('.', '').length <= 18 ? text : undefined;
}
