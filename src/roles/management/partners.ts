// Settlement and cash, over connections to them.
import { CashClient as Cash } from '../cash/client.ts';
import type { MessageTransport } from '../common/role-client.ts';
import { SettlementClient as Settlement } from '../settlement/client.ts';
import type { CashClient, SettlementClient } from './interface.ts';

export const settlementClient = (transport: MessageTransport): SettlementClient => new Settlement(transport);

export const cashClient = (transport: MessageTransport): CashClient => new Cash(transport);
