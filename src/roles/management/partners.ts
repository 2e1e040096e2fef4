// Settlement and cash, over connections to them.
import { cashProtocol } from '../cash/messages.ts';
import { type MessageTransport, RoleClient } from '../common/role-client.ts';
import { SettlementClient as Settlement } from '../settlement/client.ts';
import type { CashClient, SettlementClient } from './interface.ts';
import type { PayoutPartners } from './payout-effects.ts';

export const settlementClient = (transport: MessageTransport): SettlementClient => new Settlement(transport);

/** What of both payouts need. */
export function payoutPartners(toCash: MessageTransport, toSettlement: MessageTransport): PayoutPartners {
  const cash = new RoleClient({ protocol: cashProtocol, transport: toCash });
  const settlement = new Settlement(toSettlement);
  return {
    closeWindow: (request) => cash.call('close_window', request),
    bookPayouts: (request) => cash.call('book_payouts', request),
    bookOutcomes: (request) => cash.call('book_outcomes', request),
    payOut: (request) => settlement.payOut(request),
    listOutcomes: (request) => settlement.listOutcomes(request),
  };
}

/** Purchases, shops' orders and transfers go as whole batches; the rest call by call. */
export function cashClient(transport: MessageTransport): CashClient {
  const cash = new RoleClient({ protocol: cashProtocol, transport });
  return {
    openAccount: (request) => cash.call('open_account', request),
    credit: (request) => cash.call('credit', request),
    getBalance: (request) => cash.call('get_balance', request),
    getStatement: (request) => cash.call('get_statement', request),
    openShop: (request) => cash.call('open_shop', request),
    closeShop: (request) => cash.call('close_shop', request),
    deviceOrder: (request) => cash.call('device_order', request),
    pay: (requests, signal) => cash.callAll('pay', requests, signal),
    shopOrder: (requests, signal) => cash.callAll('shop_order', requests, signal),
    openPurse: (request) => cash.call('open_purse', request),
    settleTransfers: (requests, signal) => cash.callAll('settle_transfer', requests, signal),
    closePurse: (request) => cash.call('close_purse', request),
    deviceExposure: (request) => cash.call('device_exposure', request),
  };
}
