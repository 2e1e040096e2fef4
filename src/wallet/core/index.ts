// The wallet without Node: give it a storage, cryptography, a clock and a transport. docs/wallet.md says how.
export type { Amount } from '../../shared/amount.ts';
export { type BookReport, OPEN_REQUESTS_MAX } from './book.ts';
export { WALLET_ERROR_ADVICE, WalletError, type WalletErrorCode } from './errors.ts';
export {
  type ConnectOptions,
  type KeyProtection,
  type Put,
  type StoredRecord,
  TransportError,
  type TransportErrorCode,
  type WalletChannel,
  type WalletClock,
  type WalletCrypto,
  type WalletStorage,
  type WalletTransport,
} from './ports.ts';
export type { HistoryEntry, ReceiptRecord } from './records.ts';
export type { RequestKind, RequestState } from './request.ts';
export {
  type BalanceReport,
  type CreateOptions,
  type EnrolOptions,
  type LoadOptions,
  type OnlineBalance,
  type OpenRequest,
  type Outcome,
  type Resumed,
  type WaitOptions,
  Wallet,
  type WalletEvent,
  type WalletOptions,
  type WalletTimes,
} from './wallet.ts';
