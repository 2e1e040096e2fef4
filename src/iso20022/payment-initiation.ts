// pain.001, a customer's credit transfers: what is in one.
//
//     message ── payment (one debtor account, one day) ── transaction (one creditor)
//                         └─ …                         └─ …
//
// A finding counts against the smallest part that it is about: a transaction's leaves the others standing, a payment's
// refuses its transactions, the message's refuses everything.
import type { Finding } from './errors.ts';
import type { Account, Agent, Money, Party, References } from './parts.ts';

export interface PaymentInitiation {
  /** `pain.001.001.09` */
  readonly messageName: string;
  /** `09` */
  readonly version: string;
  readonly messageId: string;
  /** ISO 8601, with or without a zone, as it came. */
  readonly createdAt: string;
  readonly initiatingParty: Party;
  /** As the message says. Where it is wrong there is a finding. */
  readonly numberOfTransactions: number;
  /** Decimal, of all currencies together. */
  readonly controlSum?: string;
  readonly payments: readonly InitiatedPayment[];
  readonly findings: readonly Finding[];
}

export interface InitiatedPayment {
  readonly paymentInformationId: string;
  /** A date, or a time where the customer wants that. */
  readonly requestedExecutionDate: string;
  readonly debtor: Party;
  readonly debtorAccount: Account;
  readonly debtorAgent?: Agent;
  readonly numberOfTransactions?: number;
  readonly controlSum?: string;
  readonly transactions: readonly CreditTransfer[];
  /** Transactions with something wrong in them. */
  readonly refused: readonly RefusedTransfer[];
  readonly findings: readonly Finding[];
}

export interface CreditTransfer extends References, Money {
  /** In its payment, from 1, refused ones counted. */
  readonly position: number;
  readonly endToEndId: string;
  readonly creditor: Party;
  readonly creditorAccount: Account;
  readonly creditorAgent?: Agent;
  readonly remittance?: string;
}

/** Names are there as far as they could be read. */
export interface RefusedTransfer extends References {
  readonly position: number;
  readonly finding: Finding;
}
