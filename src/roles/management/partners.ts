// Settlement and cash, over connections to them.
import { CASH_REFUSALS } from '../cash/errors.ts';
import { CashOperation, cashProtocol } from '../cash/messages.ts';
import {
  ClosePurseAnswer,
  ClosePurseRequest,
  DeviceExposureAnswer,
  DeviceExposureRequest,
  OpenPurseAnswer,
  OpenPurseRequest,
  SettleTransferAnswer,
  SettleTransferRequest,
} from '../cash/purse-messages.ts';
import { operation, protocol } from '../common/operation.ts';
import { type MessageTransport, RoleClient } from '../common/role-client.ts';
import { SettlementClient as Settlement } from '../settlement/client.ts';
import type { CashClient, SettlementClient } from './interface.ts';
import type { PayoutPartners } from './payout-effects.ts';

export const settlementClient = (transport: MessageTransport): SettlementClient => new Settlement(transport);

const purseProtocol = protocol({
  role: 'cash',
  refusals: CASH_REFUSALS,
  operations: {
    open_purse: operation(CashOperation.open_purse, OpenPurseRequest, OpenPurseAnswer),
    settle_transfer: operation(CashOperation.settle_transfer, SettleTransferRequest, SettleTransferAnswer),
    close_purse: operation(CashOperation.close_purse, ClosePurseRequest, ClosePurseAnswer),
    device_exposure: operation(CashOperation.device_exposure, DeviceExposureRequest, DeviceExposureAnswer),
  },
});

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
  const purses = new RoleClient({ protocol: purseProtocol, transport });
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
    openPurse: (request) => purses.call('open_purse', request),
    settleTransfers: (requests, signal) => purses.callAll('settle_transfer', requests, signal),
    closePurse: (request) => purses.call('close_purse', request),
    deviceExposure: (request) => purses.call('device_exposure', request),
  };
}
