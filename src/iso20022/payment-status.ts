// pain.002, a bank's answer to a payment initiation: what is in one.
import type { Reason, References } from './parts.ts';

/** Of ExternalPaymentTransactionStatus1Code and ExternalPaymentGroupStatus1Code, and what each says about the money. */
const STANDINGS = {
  RCVD: 'pending',
  PDNG: 'pending',
  PATC: 'pending',
  ACTC: 'pending',
  ACCP: 'pending',
  ACFC: 'pending',
  ACSP: 'pending',
  ACWC: 'pending',
  ACWP: 'pending',
  /** Done on the debtor's side. */
  ACSC: 'done',
  /** Done on the creditor's side, too. */
  ACCC: 'done',
  PART: 'partial',
  RJCT: 'rejected',
  CANC: 'rejected',
} as const;
export type PaymentStatus = keyof typeof STANDINGS;
export type Standing = 'pending' | 'done' | 'partial' | 'rejected' | 'unknown';

/** `unknown` for codes that the set has got since: not done, not rejected. */
export function standingOf(status: string | undefined): Standing {
  return status !== undefined && Object.hasOwn(STANDINGS, status)
    ? STANDINGS[status as PaymentStatus]
    : 'unknown';
}

export interface PaymentStatusReport {
  /** `pain.002.001.11`; set by the reader. */
  readonly messageName?: string;
  readonly messageId: string;
  readonly createdAt: string;
  readonly original: OriginalMessage;
  /** A PaymentStatus, or a later code. */
  readonly groupStatus?: string;
  readonly reasons: readonly Reason[];
  /** Those that there is something to say about. */
  readonly payments: readonly PaymentAnswer[];
}

export interface OriginalMessage {
  readonly messageId: string;
  /** `pain.001.001.09` */
  readonly messageName: string;
  readonly createdAt?: string;
  readonly numberOfTransactions?: number;
  readonly controlSum?: string;
}

export interface PaymentAnswer {
  readonly paymentInformationId: string;
  readonly numberOfTransactions?: number;
  readonly controlSum?: string;
  readonly status?: string;
  readonly reasons: readonly Reason[];
  readonly transactions: readonly TransactionAnswer[];
}

/** By the names that the original gave it. */
export interface TransactionAnswer extends References {
  readonly statusId?: string;
  readonly status?: string;
  readonly reasons: readonly Reason[];
  /** When it was accepted, ISO 8601. */
  readonly acceptedAt?: string;
  /** The bank's own name for it. */
  readonly servicerReference?: string;
}
