// The operation `move_funds`: a shop puts some of what it has sold behind notes, or takes it back. No notes are made of it;
// the issuer only sees to it that cash does it, as shops have no channel to cash.
import type { Standing } from '../flow/flow.ts';
import { checkTime, type Refused } from './check.ts';
import type { FundsState, PayEffect, PayOutcome } from './flow.ts';
import { type MoveFundsAnswer, MoveFundsRequest } from './messages.ts';
import { isRefused, type OrderOperation, submitOrders } from './orders.ts';
import type { IssuerParts } from './parts.ts';
import type { ShopPeer } from './peers.ts';

/** One promise an order. */
export function moveFunds(
  requests: readonly MoveFundsRequest[],
  peers: readonly ShopPeer[],
  parts: IssuerParts,
): Promise<MoveFundsAnswer | Refused>[] {
  return submitOrders(requests, peers, parts, operationOf(parts)).map(async (submitted) => {
    const standing = await submitted;
    return isRefused(standing) ? standing : answerOf(standing);
  });
}

function operationOf({
  clock,
  limits,
  funds,
}: IssuerParts): OrderOperation<MoveFundsRequest, FundsState, PayEffect, PayOutcome> {
  return {
    flow: funds,
    codec: MoveFundsRequest,
    actions: ['fund', 'withdraw'],
    check: () => undefined,
    admit: (_, { order }) =>
      checkTime(order.document, clock(), limits) ?? { kind: 'asking', order, distrusted: undefined },
  };
}

function answerOf({ state, stateName }: Standing<FundsState>): MoveFundsAnswer {
  switch (state.kind) {
    case 'moved':
      return { kind: 'moved', receipt: state.receipt };
    case 'rejected':
      return { kind: 'rejected', rejection: state.rejection };
    default:
      return { kind: 'pending', state: stateName };
  }
}
