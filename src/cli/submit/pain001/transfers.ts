// From a payment initiation to transfers of the ledger, one a transaction.
//
//     MsgId, PmtInfId, EndToEndId, InstrId ──▶ SHA-256 ──▶ id: its first 128 bits
//
// So the same file gives the same ids, and submitting it twice does nothing twice. What else is in a transaction does not
// change its id: one that is changed under its old names is refused as a duplicate, instead of being paid again.
import { createHash } from 'node:crypto';
import {
  type Account,
  type CreditTransfer,
  type InitiatedPayment,
  NOT_PROVIDED,
  type PaymentInitiation,
  type Reason,
  type References,
} from '../../../iso20022/index.ts';
import type { Currencies } from '../../../shared/currency.ts';
import type { AliasTable } from './aliases.ts';
import { reasonOfFinding } from './reasons.ts';

const DOMAIN = 'specie pain.001 transfer v1';
/** Somewhere it is that day already: UTC+14. */
const EARLIEST_ZONE_MS = 14 * 3600 * 1000;

export interface PlanOptions {
  readonly aliases: AliasTable;
  readonly currencies: Currencies;
  /** `code` of the transfers. */
  readonly code: number;
  readonly nowMs: number;
  /** Book payments whose day has not come. */
  readonly anyDate: boolean;
}

/** One transaction: a transfer to submit, or why there is none. */
export interface Planned {
  readonly position: number;
  readonly references: References;
  readonly transfer?: Record<string, bigint | number>;
  readonly refusal?: Reason;
}

export interface PlannedPayment {
  readonly payment: InitiatedPayment;
  readonly reasons: readonly Reason[];
  /** In the order of the message. */
  readonly transactions: readonly Planned[];
}

/** Where the message has findings, nothing of it is to be submitted. */
export function planTransfers(initiation: PaymentInitiation, options: PlanOptions): PlannedPayment[] {
  const rejected = initiation.findings.length > 0;
  return initiation.payments.map((payment) => {
    const reasons = [...payment.findings.map(reasonOfFinding), ...dateReasons(payment, options)];
    const refuseAll = rejected || reasons.length > 0;
    const planned: Planned[] = payment.refused.map(({ position, finding, ...references }) => ({
      position,
      references,
      refusal: reasonOfFinding(finding),
    }));
    for (const transfer of payment.transactions) {
      const { position } = transfer;
      const references = referencesOf(transfer);
      if (refuseAll) planned.push({ position, references, refusal: reasons[0] ?? MESSAGE_REJECTED });
      else planned.push({ position, references, ...planTransfer(initiation, payment, transfer, options) });
    }
    return { payment, reasons, transactions: planned.sort((a, b) => a.position - b.position) };
  });
}

const MESSAGE_REJECTED: Reason = { code: 'FF01', information: 'the message as a whole is rejected' };

function planTransfer(
  { messageId }: PaymentInitiation,
  { paymentInformationId, debtorAccount }: InitiatedPayment,
  transfer: CreditTransfer,
  { aliases, currencies, code }: PlanOptions,
): Pick<Planned, 'transfer' | 'refusal'> {
  const { amount, currency, creditorAccount } = transfer;
  for (const [whose, account] of [
    ['debtor', debtorAccount],
    ['creditor', creditorAccount],
  ] as const) {
    if (account.currency === undefined || account.currency === currency) continue;
    return { refusal: { code: 'AM03', information: `the ${whose}'s account is in another currency` } };
  }
  const debit = accountOf(aliases, debtorAccount, currency);
  const credit = accountOf(aliases, creditorAccount, currency);
  if (debit === undefined || credit === undefined) {
    const whose = debit === undefined ? 'debtor' : 'creditor';
    return { refusal: { code: 'AC01', information: `the alias table does not have the ${whose}'s account` } };
  }
  return {
    transfer: {
      id: transferId(messageId, paymentInformationId, transfer),
      debitAccountId: debit,
      creditAccountId: credit,
      amount,
      userData128: transfer.uetr === undefined ? 0n : BigInt(`0x${transfer.uetr.replaceAll('-', '')}`),
      userData64: messageKey(messageId),
      ledger: currencies.parse(currency).ledger,
      code,
    },
  };
}

function accountOf(aliases: AliasTable, { id }: Account, currency: string): bigint | undefined {
  return aliases.find(id, currency);
}

/** The names of a transaction as 128 bits; its position where it says that it has none. */
export function transferId(
  messageId: string,
  paymentInformationId: string,
  { endToEndId, instructionId, position }: Pick<CreditTransfer, 'endToEndId' | 'instructionId' | 'position'>,
): bigint {
  const place = endToEndId === NOT_PROVIDED && instructionId === undefined ? position : null;
  const names = [DOMAIN, messageId, paymentInformationId, endToEndId, instructionId ?? null, place];
  return BigInt(`0x${sha256(JSON.stringify(names)).subarray(0, 16).toString('hex')}`);
}

/** In `user_data_64` of all transfers of a message, so that they can be found. */
export function messageKey(messageId: string): bigint {
  return sha256(messageId).readBigUInt64BE(0);
}

function dateReasons(
  { requestedExecutionDate }: InitiatedPayment,
  { nowMs, anyDate }: PlanOptions,
): Reason[] {
  const day = requestedExecutionDate.slice(0, 10);
  const latest = new Date(nowMs + EARLIEST_ZONE_MS).toISOString().slice(0, 10);
  if (anyDate || day <= latest) return [];
  return [{ code: 'DT04', information: `requested for ${day}: submit it then, or with --any-date` }];
}

function referencesOf({ instructionId, endToEndId, uetr }: References): References {
  return {
    ...(instructionId === undefined ? {} : { instructionId }),
    ...(endToEndId === undefined ? {} : { endToEndId }),
    ...(uetr === undefined ? {} : { uetr }),
  };
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
