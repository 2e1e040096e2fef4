// Everything that the ledger remembers. Records are never changed, only replaced, so whoever holds one holds it as it
// was; and every change can be undone, so that a linked chain leaves no trace when one of its events fails.
//
//     accounts            id ─▶ Account, with its balances as they are now
//     transfers           id ─▶ Transfer, as stored (amounts clamped, fields inherited)
//     failedTransferIds   ids that failed for a passing reason: never accepted again
//     pending             id of a pending transfer ─▶ what became of it
//     orders              id of a transfer that an order made ─▶ that order
//     devices             account ─▶ what is known of its orders
//     changes             every change of balances in order, with both accounts as they were right after it
import type { Account, ChangeEventTypeName, PaymentOrder, Transfer } from '../../src/layout/generated.ts';
import type { Device } from './order-rules.ts';

export type PendingState = 'pending' | 'posted' | 'voided' | 'expired';

export interface Change {
  readonly type: ChangeEventTypeName;
  readonly timestamp: bigint;
  /** The transfer that was created; of an expiry, the transfer that expired. */
  readonly transfer: Transfer;
  readonly debitAccount: Account;
  readonly creditAccount: Account;
}

const NANOSECONDS_PER_SECOND = 1_000_000_000n;

/** When a pending transfer's money is released, in nanoseconds; undefined: never. */
export function expiryOf(transfer: Transfer): bigint | undefined {
  if (transfer.timeout === 0) return undefined;
  return transfer.timestamp + BigInt(transfer.timeout) * NANOSECONDS_PER_SECOND;
}

export class Books {
  readonly accounts: ReadonlyMap<bigint, Account> = new Map();
  readonly transfers: ReadonlyMap<bigint, Transfer> = new Map();
  readonly failedTransferIds: ReadonlySet<bigint> = new Set();
  readonly pending: ReadonlyMap<bigint, PendingState> = new Map();
  readonly orders: ReadonlyMap<bigint, PaymentOrder> = new Map();
  readonly devices: ReadonlyMap<bigint, Device> = new Map();
  readonly changes: readonly Change[] = [];

  /** Largest timestamp of any account; of any transfer or expiry. */
  accountTimestamp = 0n;
  transferTimestamp = 0n;

  #undo: (() => void)[] | undefined;

  /** From here on changes can be taken back, until `commit` or `rollback`. */
  begin(): void {
    this.#undo = [];
  }

  commit(): void {
    this.#undo = undefined;
  }

  rollback(): void {
    for (const undo of this.#undo!.reverse()) undo();
    this.#undo = undefined;
  }

  putAccount(account: Account): void {
    this.#put(this.accounts, account.id, account);
  }

  putTransfer(transfer: Transfer): void {
    this.#put(this.transfers, transfer.id, transfer);
  }

  putPending(id: bigint, state: PendingState): void {
    this.#put(this.pending, id, state);
  }

  putOrder(order: PaymentOrder): void {
    this.#put(this.orders, order.id, order);
  }

  putDevice(account: bigint, device: Device): void {
    this.#put(this.devices, account, device);
  }

  /** Outlives a rollback: the reason may pass, the id stays refused. */
  putFailedTransferId(id: bigint): void {
    (this.failedTransferIds as Set<bigint>).add(id);
  }

  putChange(change: Change): void {
    (this.changes as Change[]).push(change);
    this.#undo?.push(() => (this.changes as Change[]).pop());
  }

  advanceAccountTimestamp(timestamp: bigint): void {
    const before = this.accountTimestamp;
    if (timestamp > before) this.accountTimestamp = timestamp;
    this.#undo?.push(() => {
      this.accountTimestamp = before;
    });
  }

  advanceTransferTimestamp(timestamp: bigint): void {
    const before = this.transferTimestamp;
    if (timestamp > before) this.transferTimestamp = timestamp;
    this.#undo?.push(() => {
      this.transferTimestamp = before;
    });
  }

  hasAccountAt(timestamp: bigint): boolean {
    for (const account of this.accounts.values()) if (account.timestamp === timestamp) return true;
    return false;
  }

  hasTransferAt(timestamp: bigint): boolean {
    for (const transfer of this.transfers.values()) if (transfer.timestamp === timestamp) return true;
    return false;
  }

  #put<Value>(map: ReadonlyMap<bigint, Value>, key: bigint, value: Value): void {
    const writable = map as Map<bigint, Value>;
    const before = writable.get(key);
    writable.set(key, value);
    this.#undo?.push(() => {
      if (before === undefined) writable.delete(key);
      else writable.set(key, before);
    });
  }
}
