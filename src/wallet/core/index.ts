// The wallet without Node: give it a storage, cryptography, a clock and a transport. docs/wallet.md says how.
export { decodeShopCard, type ShopCard } from '../../roles/documents/shop-card.ts';
export type { Amount } from '../../shared/amount.ts';
export * from '../peer/index.ts';
export type {
  PurseReport,
  ReceiveOptions,
  ReportResult,
  ReserveOptions,
  SendOptions,
  TransferReport,
  TransferState,
} from '../purse/purse-types.ts';
export { type Funds, OPEN_REQUESTS_MAX } from './book.ts';
export { WALLET_ERROR_ADVICE, WalletError, type WalletErrorCode } from './errors.ts';
export {
  type ConnectOptions,
  type ConnectShopOptions,
  type KeyProtection,
  type PeerHandshake,
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
export type { BookReport } from './proof.ts';
export type {
  HistoryEntry,
  PaymentRecord,
  PurchaseRecord,
  ReceiptRecord,
  StatementRecord,
} from './records.ts';
export type { RequestKind, RequestState } from './request.ts';
export { Wallet } from './wallet.ts';
export type {
  BalanceReport,
  BuyOptions,
  CreateOptions,
  EnrolOptions,
  Item,
  LoadOptions,
  OnlineBalance,
  OpenRequest,
  Outcome,
  PurchaseReport,
  Resumed,
  SyncReport,
  WaitOptions,
  WalletEvent,
  WalletOptions,
  WalletTimes,
} from './wallet-types.ts';
