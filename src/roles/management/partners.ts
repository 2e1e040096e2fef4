// Settlement and cash, over connections to them. Of their operations management knows only those that it may call.
import { CASH_REFUSALS } from '../cash/errors.ts';
import {
  CashOperation,
  CreditAnswer,
  CreditRequest,
  GetBalanceAnswer,
  GetBalanceRequest,
  OpenAccountAnswer,
  OpenAccountRequest,
} from '../cash/messages.ts';
import { operation, protocol } from '../common/operation.ts';
import { type MessageTransport, RoleClient } from '../common/role-client.ts';
import { SETTLEMENT_REFUSALS } from '../settlement/errors.ts';
import {
  ChargeAnswer,
  ChargeRequest,
  ReverseAnswer,
  ReverseRequest,
  SettlementOperation,
} from '../settlement/messages.ts';
import type { CashClient, SettlementClient } from './interface.ts';

const ofSettlement = protocol({
  role: 'settlement',
  refusals: SETTLEMENT_REFUSALS,
  operations: {
    charge: operation(SettlementOperation.charge, ChargeRequest, ChargeAnswer),
    reverse: operation(SettlementOperation.reverse, ReverseRequest, ReverseAnswer),
  },
});

const ofCash = protocol({
  role: 'cash',
  refusals: CASH_REFUSALS,
  operations: {
    open_account: operation(CashOperation.open_account, OpenAccountRequest, OpenAccountAnswer),
    credit: operation(CashOperation.credit, CreditRequest, CreditAnswer),
    get_balance: operation(CashOperation.get_balance, GetBalanceRequest, GetBalanceAnswer),
  },
});

export function settlementClient(transport: MessageTransport): SettlementClient {
  const client = new RoleClient({ protocol: ofSettlement, transport });
  return {
    charge: (request) => client.call('charge', request),
    reverse: (request) => client.call('reverse', request),
  };
}

export function cashClient(transport: MessageTransport): CashClient {
  const client = new RoleClient({ protocol: ofCash, transport });
  return {
    openAccount: (request) => client.call('open_account', request),
    credit: (request) => client.call('credit', request),
    getBalance: (request) => client.call('get_balance', request),
  };
}
