// What cash is given from outside, and what its parts share.
import type { Ledger } from '../../ledger/index.ts';
import type { CurrencyTerms } from './accounts.ts';
import type { CreditReceipts } from './receipts.ts';
import type { Registry } from './registry.ts';
import type { SettlementKeys } from './settlement-keys.ts';

/** Gets request ids, devices, amounts, statuses; never keys. An operator has to look at errors. */
export interface CashLog {
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What cash asks the directory. */
export interface CashDirectory {
  /** The role's signing key of that id, as long as its signatures count at `now`, nanoseconds. */
  verificationKey(role: 'settlement', keyId: Uint8Array, now: bigint): Uint8Array | undefined;
}

export interface CashParts {
  readonly ledger: Ledger;
  readonly registry: Registry;
  readonly settlementKeys: SettlementKeys;
  readonly receipts: CreditReceipts;
  /** By currency. */
  readonly terms: ReadonlyMap<number, CurrencyTerms>;
  readonly log: CashLog;
}
