// What the conformance tables, the property tests and the auditor need of a ledger, whatever is behind it: the model,
// the kernel in memory, the journalled engine, later a client over the network. Time comes from the caller.
import type {
  Account,
  AccountBalance,
  AccountFilter,
  ChangeEvent,
  ChangeEventsFilter,
  OrderTerms,
  PaymentOrder,
  Transfer,
} from '../../src/layout/generated.ts';
import type { OrderState } from '../../src/ledger/order-state.ts';

/** What became of one record of a batch. */
export interface CreateResult {
  timestamp: bigint;
  status: number;
}

export type Balances = Pick<Account, 'debitsPending' | 'debitsPosted' | 'creditsPending' | 'creditsPosted'>;

export interface ConformanceTarget {
  /** Runs a batch at `timestamp` (nanoseconds): record i of n happens at timestamp - n + i + 1. */
  createAccounts(timestamp: bigint, events: readonly Account[]): Promise<CreateResult[]>;
  createTransfers(timestamp: bigint, events: readonly Transfer[]): Promise<CreateResult[]>;
  createPaymentOrders(timestamp: bigint, orders: readonly PaymentOrder[]): Promise<CreateResult[]>;
  setOrderTerms(timestamp: bigint, terms: readonly OrderTerms[]): Promise<CreateResult[]>;
  orderState(accountId: bigint): Promise<OrderState | undefined>;
  /** Releases the pending transfers whose time is over at `timestamp`; the i-th of n at timestamp - n + i + 1. */
  expire(timestamp: bigint): Promise<void>;
  lookupAccounts(ids: readonly bigint[]): Promise<Account[]>;
  lookupTransfers(ids: readonly bigint[]): Promise<Transfer[]>;
  getAccountTransfers(filter: AccountFilter): Promise<Transfer[]>;
  getAccountBalances(filter: AccountFilter): Promise<AccountBalance[]>;
  getChangeEvents(filter: ChangeEventsFilter): Promise<ChangeEvent[]>;
  /** Sets balances that no transfer explains. Without it, tables that start from some are funded by transfers. */
  setBalances?(id: bigint, balances: Balances): Promise<void>;
  close(): Promise<void>;
}
