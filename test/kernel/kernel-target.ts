import {
  type Account,
  CreateResultLayout,
  Operation,
  type OrderTerms,
  PAYMENT_ORDER_SIZE,
  type PaymentOrder,
  RECORD_SIZE,
  type Transfer,
  writeAccount,
  writeOrderTerms,
  writePaymentOrder,
  writeTransfer,
} from '../../src/layout/generated.ts';
import type { ConformanceTarget, CreateResult } from '../conformance/target.ts';
import { MemoryLedger } from './memory-host.ts';

/** The kernel with a journal in memory, behind the interface of the conformance tables. */
export function kernelTarget(options: { fundByTransfers?: boolean } = {}): ConformanceTarget {
  const ledger = new MemoryLedger();
  const target: ConformanceTarget = {
    createAccounts: async (timestamp, events) =>
      readResults(ledger.execute(Operation.create_accounts, encode(events, writeAccount), timestamp)),
    createTransfers: async (timestamp, events) =>
      readResults(ledger.execute(Operation.create_transfers, encode(events, writeTransfer), timestamp)),
    createPaymentOrders: async (timestamp, orders) =>
      readResults(ledger.execute(Operation.create_payment_orders, encodeOrders(orders), timestamp)),
    setOrderTerms: async (timestamp, terms) =>
      readResults(ledger.execute(Operation.set_order_terms, encode(terms, writeOrderTerms), timestamp)),
    orderState: async (accountId) => ledger.orderState(accountId),
    expire: async (timestamp) => {
      ledger.pulses(timestamp);
    },
    lookupAccounts: async (ids) => ledger.lookupAccounts(ids),
    lookupTransfers: async (ids) => ledger.lookupTransfers(ids),
    getAccountTransfers: async (filter) => ledger.getAccountTransfers(filter),
    getAccountBalances: async (filter) => ledger.getAccountBalances(filter),
    getChangeEvents: async (filter) => ledger.getChangeEvents(filter),
    close: async () => {},
  };
  if (!options.fundByTransfers) {
    target.setBalances = async (id, balances) => ledger.setBalances(id, balances);
  }
  return target;
}

export function encode<T extends Account | OrderTerms | Transfer>(
  records: readonly Partial<T>[],
  write: (view: DataView, offset: number, record: Partial<T>) => void,
): Uint8Array {
  const bytes = new Uint8Array(records.length * RECORD_SIZE);
  const view = new DataView(bytes.buffer);
  records.forEach((record, i) => {
    write(view, i * RECORD_SIZE, record);
  });
  return bytes;
}

export function encodeOrders(orders: readonly Partial<PaymentOrder>[]): Uint8Array {
  const bytes = new Uint8Array(orders.length * PAYMENT_ORDER_SIZE);
  const view = new DataView(bytes.buffer);
  orders.forEach((order, i) => {
    writePaymentOrder(view, i * PAYMENT_ORDER_SIZE, order);
  });
  return bytes;
}

export function readResults(bytes: Uint8Array): CreateResult[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { size, timestamp, status } = CreateResultLayout;
  return Array.from({ length: bytes.length / size }, (_, i) => ({
    timestamp: view.getBigUint64(i * size + timestamp, true),
    status: view.getUint32(i * size + status, true),
  }));
}
