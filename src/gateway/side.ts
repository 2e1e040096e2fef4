// What each of the two listeners offers: the LAN's terminals send out, those of the WAN send in, and neither can ask for what is
// the other's.

import { protocol, type RoleProtocol } from '../roles/common/operation.ts';
import { GATEWAY_REFUSALS, type GatewayRefusal } from '../roles/gateway/errors.ts';
import { type GatewayOperations, gatewayProtocol } from '../roles/gateway/messages.ts';

export type LanOperations = Omit<GatewayOperations, 'send_in'>;
export type WanOperations = Omit<GatewayOperations, 'send_out' | 'mint_call'>;

const { send_in, send_out, mint_call, ...common } = gatewayProtocol.operations;

export const lanSide: RoleProtocol<LanOperations, GatewayRefusal> = protocol({
  role: 'gateway',
  refusals: GATEWAY_REFUSALS,
  operations: { ...common, send_out, mint_call },
});

export const wanSide: RoleProtocol<WanOperations, GatewayRefusal> = protocol({
  role: 'gateway',
  refusals: GATEWAY_REFUSALS,
  operations: { ...common, send_in },
});
