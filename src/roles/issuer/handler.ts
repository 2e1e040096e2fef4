// The operations of the issuer, and who may ask for them.
import { mintCall } from '../../mint/mint-call.ts';
import type { Peer } from '../../wire/peer.ts';
import { listReports, reportOf } from '../common/flow-reports.ts';
import { Refusal } from '../common/refusal.ts';
import type { Handlers } from '../common/role-engine.ts';
import { circulation, findSignatures } from '../common/wide-notes.ts';
import type { IssuerRefusal } from './errors.ts';
import { issueNotes } from './issue.ts';
import type { IssuerOperations } from './messages.ts';
import { moveFunds } from './move-funds.ts';
import type { IssuerParts } from './parts.ts';
import { payQuotes } from './pay-quote.ts';
import { isOperator, isReceiver, isShop, mayCallMint, type ShopPeer } from './peers.ts';
import { describe } from './reports.ts';

export function issuerHandlers(parts: IssuerParts): Handlers<IssuerOperations, Peer, IssuerRefusal> {
  const { store, runner, book, keysets, units, ownMint, wholeMint, log } = parts;
  const onFault = (error: unknown, operation: string): void => {
    log?.error({ operation, error: String(error) }, 'a call of the mint failed');
  };
  return {
    issue_notes: {
      allowed: isShop,
      handle: (requests, peers) => issueNotes(requests, peers as readonly ShopPeer[], parts),
    },
    pay_quote: {
      allowed: isShop,
      handle: (requests, peers) => payQuotes(requests, peers as readonly ShopPeer[], parts),
    },
    move_funds: {
      allowed: isShop,
      handle: (requests, peers) => moveFunds(requests, peers as readonly ShopPeer[], parts),
    },
    mint_call: {
      allowed: mayCallMint,
      // The receiver asks for what is the issuer's own: what it does itself must not come back to it.
      handle: (calls, peers) =>
        calls.map((call, i) => mintCall(isReceiver(peers[i]!) ? ownMint : wholeMint, call, { onFault })),
    },
    find_signatures: {
      allowed: isReceiver,
      handle: (requests) => requests.map(async (request) => findSignatures(store, book, request)),
    },
    circulation: {
      allowed: isOperator,
      handle: (requests) =>
        requests.map(async ({ currency }) => {
          const unit = units.unitOf(currency);
          if (unit !== undefined) return circulation(store, book, keysets, unit);
          return new Refusal<IssuerRefusal>(
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
