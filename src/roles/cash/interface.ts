// What cash is given from outside, and what its parts share.
import type { KeyPair } from '../../identity/key-set.ts';
import type { Clock } from '../../ledger/clock.ts';
import type { Ledger } from '../../ledger/index.ts';
import type { RoleStore } from '../../store/store.ts';
import type { BatchCrypto } from '../common/batch-crypto.ts';
import type { FlowRunner } from '../flow/flow-runner.ts';
import type { CurrencyTerms } from './accounts.ts';
import type { ExchangeAccounts } from './exchange-accounts.ts';
import type { PurseDesk } from './purse-desk.ts';
import type { CreditReceipts } from './receipts.ts';
import type { Registry } from './registry.ts';
import type { SettlementKeys } from './settlement-keys.ts';
import type { Shops } from './shops.ts';
import type { Signers } from './signers.ts';

/** Gets request ids, devices, amounts, statuses; never keys. An operator has to look at errors. */
export interface CashLog {
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** The keys of others and of its own, asked anew each time, so that a rotation needs no restart. */
export interface CashIdentity {
  /** Settlement's signing key of that id, as long as its signatures count. */
  settlementKey(keyId: Uint8Array): Uint8Array | undefined;
  /** X25519: what opens what was sealed to cash's key of that id, the one in use or one retired not long ago. */
  sealingKey(keyId: Uint8Array): KeyPair | undefined;
  /** The signing key of the operator of that name, as long as the directory lists it. */
  operatorKey(name: string): Uint8Array | undefined;
  /** Ed25519: what is signed with of that which the ledger wrote, or rejected, at `timestamp`, nanoseconds. */
  receiptKey(timestamp: bigint): KeyPair;
}

/**
 * Told of each batch of payments how many have come to a step: taken in, begun once the batch before had been verified,
 * verified, booked and flushed, signed for. Two steps' times, added up, are what lies between them.
 */
export type PayTrace = (step: 'taken' | 'begun' | 'verified' | 'booked' | 'signed', count: number) => void;

export interface CashParts extends BatchCrypto {
  readonly identity: CashIdentity;
  readonly ledger: Ledger;
  readonly store: RoleStore;
  /** Orders of shops and operators, from their admission to their end. */
  readonly runner: FlowRunner;
  readonly registry: Registry;
  readonly shops: Shops;
  readonly exchangeAccounts: ExchangeAccounts;
  /** The one queue that touches purses. */
  readonly purses: PurseDesk;
  readonly settlementKeys: SettlementKeys;
  readonly signers: Signers;
  readonly receipts: CreditReceipts;
  /** By currency. */
  readonly terms: ReadonlyMap<number, CurrencyTerms>;
  /** Nanoseconds. */
  readonly clock: Clock;
  readonly log: CashLog;
  readonly payTrace?: PayTrace | undefined;
}
