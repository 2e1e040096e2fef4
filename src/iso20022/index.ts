// ISO 20022 messages, read and written. Knows nothing of roles.
export type {
  AccountReport,
  AccountReportKind,
  AccountReportMessage,
  Balance,
  Batch,
  Entry,
  EntryTransaction,
  Page,
  Side,
  TransactionCode,
} from './account-report.ts';
export { type MessageName, messageNameOf } from './document.ts';
export { type Finding, Iso20022Error, type Iso20022ErrorCode } from './errors.ts';
export { ibanOf, isIban } from './iban.ts';
export { DOCUMENT_BYTES_MAX, TRANSACTIONS_MAX } from './limits.ts';
export {
  type Account,
  type Agent,
  type Money,
  NOT_PROVIDED,
  type Party,
  type Reason,
  type References,
} from './parts.ts';
export type {
  CreditTransfer,
  InitiatedPayment,
  PaymentInitiation,
  RefusedTransfer,
} from './payment-initiation.ts';
export {
  type OriginalMessage,
  type PaymentAnswer,
  type PaymentStatus,
  type PaymentStatusReport,
  type Standing,
  standingOf,
  type TransactionAnswer,
} from './payment-status.ts';
export { readAccountReport } from './read-account-report.ts';
export {
  PaymentInitiationReader,
  type ReadOptions,
  readPaymentInitiation,
} from './read-payment-initiation.ts';
export { readPaymentStatus } from './read-payment-status.ts';
export { isReasonCode, REASONS, type ReasonCode } from './reason-codes.ts';
export { type AccountReportVersion, writeAccountReport } from './write-account-report.ts';
export {
  type PaymentDraft,
  type PaymentInitiationDraft,
  type PaymentInitiationVersion,
  type TransferDraft,
  writePaymentInitiation,
} from './write-payment-initiation.ts';
export { type PaymentStatusVersion, writePaymentStatus } from './write-payment-status.ts';
export type { WriteOptions } from './xml-writer.ts';
