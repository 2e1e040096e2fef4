// The operations of the receiver, and who may ask for them.
import { mintCall } from '../../mint/mint-call.ts';
import type { Peer } from '../../wire/peer.ts';
import { listReports, reportOf } from '../common/flow-reports.ts';
import { Refusal } from '../common/refusal.ts';
import type { Handlers } from '../common/role-engine.ts';
import { circulation, findSignatures } from '../common/wide-notes.ts';
import type { ReceiverRefusal } from './errors.ts';
import type { ReceiverOperations } from './messages.ts';
import type { ReceiverParts } from './parts.ts';
import { isIssuer, isOperator, isShop, mayCallMint, type ShopPeer } from './peers.ts';
import { describe } from './reports.ts';
import { takeNotes } from './take-notes.ts';

export function receiverHandlers(parts: ReceiverParts): Handlers<ReceiverOperations, Peer, ReceiverRefusal> {
  const { store, runner, book, keysets, units, ownMint, wholeMint, log } = parts;
  const onFault = (error: unknown, operation: string): void => {
    log?.error({ operation, error: String(error) }, 'a call of the mint failed');
  };
  return {
    take_notes: {
      allowed: isShop,
      handle: (requests, peers) => takeNotes(requests, peers as readonly ShopPeer[], parts),
    },
    mint_call: {
      allowed: mayCallMint,
      // The issuer asks for what is the receiver's own: what it does itself must not come back to it.
      handle: (calls, peers) =>
        calls.map((call, i) => mintCall(isIssuer(peers[i]!) ? ownMint : wholeMint, call, { onFault })),
    },
    find_signatures: {
      allowed: isIssuer,
      handle: (requests) => requests.map(async (request) => findSignatures(store, book, request)),
    },
    circulation: {
      allowed: isOperator,
      handle: (requests) =>
        requests.map(async ({ currency }) => {
          const unit = units.unitOf(currency);
          if (unit !== undefined) return circulation(store, book, keysets, unit);
          return new Refusal<ReceiverRefusal>(
            'currency_not_offered',
            `currency: expected one that is offered, got ${currency}`,
          );
        }),
    },
    lookup_request: {
      allowed: isOperator,
      handle: (requests) =>
        requests.map(async ({ request }) => ({ report: reportOf(runner, request, describe) })),
    },
    list_requests: {
      allowed: isOperator,
      handle: (requests) => requests.map(async (request) => listReports(store, runner, request, describe)),
    },
  };
}
