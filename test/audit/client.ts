// What an audit needs of a ledger: the requests that any client has. Nothing here says what is behind it.
import type {
  Account,
  AccountBalance,
  AccountFilter,
  ChangeEvent,
  ChangeEventsFilter,
  Transfer,
} from '../../src/layout/generated.ts';

export interface AuditedResult {
  timestamp: bigint;
  status: number;
}

export interface AuditedLedger {
  createAccounts(events: readonly Account[]): Promise<AuditedResult[]>;
  createTransfers(events: readonly Transfer[]): Promise<AuditedResult[]>;
  lookupAccounts(ids: readonly bigint[]): Promise<Account[]>;
  lookupTransfers(ids: readonly bigint[]): Promise<Transfer[]>;
  getAccountTransfers(filter: AccountFilter): Promise<Transfer[]>;
  getAccountBalances(filter: AccountFilter): Promise<AccountBalance[]>;
  getChangeEvents(filter: ChangeEventsFilter): Promise<ChangeEvent[]>;
}
