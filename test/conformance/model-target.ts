import { LedgerModel } from '../model/ledger-model.ts';
import type { ConformanceTarget } from './target.ts';

/** The model behind the common interface; `fundByTransfers` takes away its ability to set balances. */
export function modelTarget(options: { fundByTransfers?: boolean } = {}): ConformanceTarget {
  const model = new LedgerModel();
  const target: ConformanceTarget = {
    createAccounts: async (timestamp, events) => model.createAccounts(timestamp, events),
    createTransfers: async (timestamp, events) => model.createTransfers(timestamp, events),
    createPaymentOrders: async (timestamp, orders) => model.createPaymentOrders(timestamp, orders),
    setOrderTerms: async (timestamp, terms) => model.setOrderTerms(timestamp, terms),
    orderState: async (accountId) => model.orderState(accountId),
    expire: async (timestamp) => {
      model.expirePendingTransfers(timestamp);
    },
    lookupAccounts: async (ids) => model.lookupAccounts(ids),
    lookupTransfers: async (ids) => model.lookupTransfers(ids),
    getAccountTransfers: async (filter) => model.getAccountTransfers(filter),
    getAccountBalances: async (filter) => model.getAccountBalances(filter),
    getChangeEvents: async (filter) => model.getChangeEvents(filter),
    close: async () => {},
  };
  if (!options.fundByTransfers) {
    target.setBalances = async (id, balances) => model.setBalances(id, balances);
  }
  return target;
}
