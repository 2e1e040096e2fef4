// camt.053 (a bank's statement of an account) and camt.054 (a notification of single bookings): what is in one.
//
//     message ── report (one account) ─┬─ balances (statements alone)
//                                      └─ entry (one booking) ── transaction
//                                                             └─ … (a batch booking has several)
import type { Finding } from './errors.ts';
import type { Account, Money, Party, Reason, References } from './parts.ts';

export type AccountReportKind = 'statement' | 'notification';

export interface AccountReportMessage {
  readonly kind: AccountReportKind;
  /** `camt.053.001.08`; set by the reader. */
  readonly messageName?: string;
  readonly messageId: string;
  readonly createdAt: string;
  /** Where a message comes in several. */
  readonly page?: Page;
  readonly reports: readonly AccountReport[];
}

export interface Page {
  /** From 1. */
  readonly number: number;
  readonly last: boolean;
}

export interface AccountReport {
  readonly id: string;
  readonly createdAt?: string;
  /** The bank's electronic sequence number. */
  readonly sequence?: number;
  readonly page?: Page;
  readonly from?: string;
  readonly to?: string;
  readonly account: Account;
  readonly balances: readonly Balance[];
  readonly entries: readonly Entry[];
  /** What does not add up: entries against balances, transactions against their entry. Set by the reader. */
  readonly findings?: readonly Finding[];
}

export interface Balance extends Money {
  /** OPBD opening booked, CLBD closing booked, PRCD previous closing, ITBD interim, CLAV closing available, … */
  readonly type: string;
  readonly side: Side;
  readonly date: string;
}

/** As the bank sees the account: a credit is money that came in. */
export type Side = 'credit' | 'debit';

export interface Entry extends Money {
  readonly reference?: string;
  readonly side: Side;
  /** It takes back an earlier entry. */
  readonly reversal: boolean;
  /** BOOK: booked. PDNG: pending. INFO. FUTR. */
  readonly status: string;
  readonly bookedAt?: string;
  readonly valueDate?: string;
  /** The bank's own name for it. */
  readonly servicerReference?: string;
  readonly code: TransactionCode;
  readonly batch?: Batch;
  readonly transactions: readonly EntryTransaction[];
  readonly information?: string;
}

/** Of ISO 20022's set of bank transaction codes, or the bank's own. */
export interface TransactionCode {
  /** Such as PMNT, ICDT, ESCT: payments, issued credit transfers, SEPA. */
  readonly domain?: string;
  readonly family?: string;
  readonly subFamily?: string;
  readonly proprietary?: string;
  readonly issuer?: string;
}

export interface Batch {
  readonly messageId?: string;
  readonly paymentInformationId?: string;
  readonly numberOfTransactions?: number;
}

export interface EntryTransaction extends References {
  readonly messageId?: string;
  readonly paymentInformationId?: string;
  readonly servicerReference?: string;
  readonly transactionId?: string;
  /** Where it is not that of the entry: of each transaction of a batch. */
  readonly money?: Money;
  readonly side?: Side;
  readonly debtor?: Party;
  readonly debtorAccount?: Account;
  readonly creditor?: Party;
  readonly creditorAccount?: Account;
  readonly remittance?: string;
  /** It came back: the references are those of the original transfer. */
  readonly returned?: Reason;
}
