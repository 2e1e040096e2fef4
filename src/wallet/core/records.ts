// What a wallet stores, under which keys.
//
//     wallet             settings, for good
//     keys               secret keys, in the clear or protected
//     directory          the newest one that was seen, and when it was looked for
//     device             number and certificate, once enrolled
//     on-file            the request that has put the account number on file; there once one has
//     balance            the balance, and how many entries the history has
//     request/ID         each request, for ever            ID: 32 hex digits, time-ordered
//     open/ID            of those that are not final; empty
//     said/ID            of loads that ended on management's word alone, and may still be charged; empty
//     receipt/ID         each credit that was added, with cash's key that it was verified with
//     purchase/ID        what belongs to a purchase beside its message: shop's card, order, sequence number
//     payment/ID         cash's receipt of each purchase that was paid or reserved, with the key
//     rejection/ID       cash's word that it never will be, with the key
//     held/ID            of authorisations that are neither taken nor released yet; empty
//     spending           the next sequence number; there once something was bought or synchronised
//     sync               up to where cash's statements are in the books; there once there was one
//     statement/NUMBER   each page of a statement that something was booked from, with the key
//     purse/NUMBER …     purses, and what they have paid and received: purse/records.ts
//     history/NUMBER     what changed, one after the other   NUMBER: 16 hex digits from 0
import { PaymentReceipt, PaymentRejection } from '../../roles/documents/payment-receipts.ts';
import { PAYMENT_ORDER_BYTES } from '../../roles/documents/purchase.ts';
import { CreditReceipt } from '../../roles/documents/receipts.ts';
import { SHOP_CARD_CHARACTERS_MAX } from '../../roles/documents/shop-card.ts';
import { digest, KEY_BYTES, publicKey } from '../../roles/documents/signed.ts';
import { Statement } from '../../roles/documents/statement.ts';
import {
  bytes,
  bytesUpTo,
  type Infer,
  oneOf,
  struct,
  text,
  u8,
  u32,
  u64,
  u128,
  union,
} from '../../shared/codec.ts';
import { REASON_BYTES_MAX } from './request.ts';

/** 1: of wallets that could not buy; 2: of those that had no purses. Opened, they become this one. */
export const WALLET_VERSION = 3;
export const NAME_BYTES_MAX = 64;

export const Settings = struct({
  version: u8,
  name: text(NAME_BYTES_MAX),
  /** Of the root key that signs the directory: `SHA256:…`. */
  rootFingerprint: text(64),
  currency: struct({ ledger: u32, code: text(8), exponent: u8 }),
  /** Nanoseconds. */
  createdAt: u64,
});
export type Settings = Infer<typeof Settings>;

export const SecretKeys = struct({ signing: bytes(KEY_BYTES), channel: bytes(KEY_BYTES) });
export type SecretKeys = Infer<typeof SecretKeys>;

export const StoredKeys = union({
  plain: struct({ keys: SecretKeys }),
  protected: struct({ keys: bytesUpTo(4096) }),
});
export type StoredKeys = Infer<typeof StoredKeys>;

export const StoredDirectory = struct({
  directory: bytesUpTo(64 * 1024),
  /** When management was last asked for a newer one, or the wallet was made. Nanoseconds, of the wallet's clock. */
  checkedAt: u64,
});
export type StoredDirectory = Infer<typeof StoredDirectory>;

export const StoredDevice = struct({ device: u128, certificate: bytesUpTo(1024) });
export type StoredDevice = Infer<typeof StoredDevice>;

export const BalanceRecord = struct({
  /** Minor units. */
  balance: u128,
  historyEntries: u64,
});
export type BalanceRecord = Infer<typeof BalanceRecord>;

export const ReceiptRecord = struct({ receipt: CreditReceipt.signed, cashKey: publicKey });
export type ReceiptRecord = Infer<typeof ReceiptRecord>;

/** The enrolment or the filing whose account number management has. */
export const OnFileRecord = struct({ request: u128 });

export const PurchaseRecord = struct({
  /** As it was given: where the shop is, and who. */
  card: text(SHOP_CARD_CHARACTERS_MAX),
  sequence: u64,
  /** The signed payment order, which is sealed to cash in the message. */
  order: bytes(PAYMENT_ORDER_BYTES),
  /** SHA-256 of what of it was signed: cash's answers name it. */
  orderDigest: digest,
});
export type PurchaseRecord = Infer<typeof PurchaseRecord>;

export const PaymentRecord = struct({ receipt: PaymentReceipt.signed, cashKey: publicKey });
export type PaymentRecord = Infer<typeof PaymentRecord>;

export const RejectionRecord = struct({ rejection: PaymentRejection.signed, cashKey: publicKey });
export type RejectionRecord = Infer<typeof RejectionRecord>;

export const SpendingRecord = struct({
  /** Of the next payment order. None is used twice: the order is stored with it, before it is sent. */
  nextSequence: u64,
});
export type SpendingRecord = Infer<typeof SpendingRecord>;

export const SyncRecord = struct({
  /** Of the ledger, nanoseconds: entries up to it are in the books. */
  until: u64,
  /** Of the newest statement. */
  asOf: u64,
  /** Pages that are stored. */
  statements: u64,
});
export type SyncRecord = Infer<typeof SyncRecord>;

export const StatementRecord = struct({ statement: Statement.signed, cashKey: publicKey });
export type StatementRecord = Infer<typeof StatementRecord>;

export const HistoryEntry = struct({
  /** Nanoseconds, of the wallet's clock. */
  at: u64,
  request: u128,
  event: oneOf(
    'enrolled',
    'filed',
    'loaded',
    'declined',
    'expired',
    'reversed',
    'refused',
    'paid',
    'reserved',
    /** Taken of what was reserved: the shop's capture. */
    'captured',
    'released',
    'rejected',
    'lapsed',
    // From cash's statement alone; `request` is the ledger's transfer, or the purchase of a capture.
    'refunded',
    'credited',
    'debited',
    // A purse: what was reserved for it is taken of the balance. What is left of it comes back by cash's statement.
    'opened',
    'closed',
  ),
  /** Of a load or a purchase, also of one that did not come about; otherwise 0. Minor units. */
  amount: u128,
  /** After it. */
  balance: u128,
  detail: text(REASON_BYTES_MAX),
});
export type HistoryEntry = Infer<typeof HistoryEntry>;

/** As people and logs see ids of requests and devices. */
export const idText = (id: bigint): string => `0x${hex(id, 32)}`;

const hex = (value: bigint, digits: number): string => value.toString(16).padStart(digits, '0');

export const Key = {
  wallet: 'wallet',
  keys: 'keys',
  directory: 'directory',
  device: 'device',
  onFile: 'on-file',
  balance: 'balance',
  requests: 'request/',
  request: (id: bigint) => `request/${hex(id, 32)}`,
  opens: 'open/',
  open: (id: bigint) => `open/${hex(id, 32)}`,
  saids: 'said/',
  said: (id: bigint) => `said/${hex(id, 32)}`,
  purchases: 'purchase/',
  purchase: (id: bigint) => `purchase/${hex(id, 32)}`,
  payments: 'payment/',
  payment: (id: bigint) => `payment/${hex(id, 32)}`,
  rejection: (id: bigint) => `rejection/${hex(id, 32)}`,
  helds: 'held/',
  held: (id: bigint) => `held/${hex(id, 32)}`,
  spending: 'spending',
  sync: 'sync',
  statements: 'statement/',
  statement: (number: bigint) => `statement/${hex(number, 16)}`,
  receipts: 'receipt/',
  receipt: (id: bigint) => `receipt/${hex(id, 32)}`,
  /** What stands below, purse/records.ts says. */
  purses: 'purse/',
  histories: 'history/',
  history: (number: bigint) => `history/${hex(number, 16)}`,
} as const;

/** The id in the key of a request, a receipt or an open one. */
export function idOfKey(key: string): bigint {
  return BigInt(`0x${key.slice(key.indexOf('/') + 1)}`);
}
