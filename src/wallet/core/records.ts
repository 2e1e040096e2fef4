// What a wallet stores, under which keys.
//
//     wallet             settings, for good
//     keys               secret keys, in the clear or protected
//     directory          the newest one that was seen, and when it was looked for
//     device             number and certificate, once enrolled
//     balance            the balance, and how many entries the history has
//     request/ID         each request, for ever            ID: 32 hex digits, time-ordered
//     open/ID            of those that are not final; empty
//     said/ID            of loads that ended on management's word alone, and may still be charged; empty
//     receipt/ID         each credit that was added, with cash's key that it was verified with
//     history/NUMBER     what changed, one after the other   NUMBER: 16 hex digits from 0

import { CreditReceipt } from '../../roles/documents/receipts.ts';
import { KEY_BYTES, publicKey } from '../../roles/documents/signed.ts';
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

export const WALLET_VERSION = 1;
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

export const HistoryEntry = struct({
  /** Nanoseconds, of the wallet's clock. */
  at: u64,
  request: u128,
  event: oneOf('enrolled', 'filed', 'loaded', 'declined', 'expired', 'reversed', 'refused'),
  /** Of a load, also of one that did not come about; otherwise 0. Minor units. */
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
  balance: 'balance',
  requests: 'request/',
  request: (id: bigint) => `request/${hex(id, 32)}`,
  opens: 'open/',
  open: (id: bigint) => `open/${hex(id, 32)}`,
  saids: 'said/',
  said: (id: bigint) => `said/${hex(id, 32)}`,
  receipts: 'receipt/',
  receipt: (id: bigint) => `receipt/${hex(id, 32)}`,
  histories: 'history/',
  history: (number: bigint) => `history/${hex(number, 16)}`,
} as const;

/** The id in the key of a request, a receipt or an open one. */
export function idOfKey(key: string): bigint {
  return BigInt(`0x${key.slice(key.indexOf('/') + 1)}`);
}
