// The operations of settlement, and who may ask for them.
import type { Peer } from '../../wire/peer.ts';
import { Refusal } from '../common/refusal.ts';
import { REPORTS_PAGE_MAX } from '../common/request-report.ts';
import type { Handlers } from '../common/role-engine.ts';
import { charge } from './charge.ts';
import type { SettlementRefusal } from './errors.ts';
import type { SettlementOperations } from './messages.ts';
import type { SettlementParts } from './parts.ts';
import { listOutcomes, payOut } from './pay-out.ts';
import { isManagement, isOperator } from './peers.ts';
import { requestIds } from './registry.ts';
import { reportOf } from './reports.ts';
import { reverse } from './reverse.ts';

export function settlementHandlers(
  parts: SettlementParts,
): Handlers<SettlementOperations, Peer, SettlementRefusal> {
  const { store } = parts;
  return {
    charge: { allowed: isManagement, handle: (requests) => charge(requests, parts) },
    reverse: { allowed: isManagement, handle: (requests) => reverse(requests, parts) },
    pay_out: { allowed: isManagement, handle: (requests) => payOut(requests, parts) },
    list_outcomes: {
      allowed: (peer) => isManagement(peer) || isOperator(peer),
      handle: (requests) => requests.map(async (request) => listOutcomes(request, parts)),
    },
    lookup_request: {
      allowed: isOperator,
      handle: (requests) => requests.map(async ({ request }) => ({ report: reportOf(store, request) })),
    },
    list_requests: {
      allowed: isOperator,
      handle: (requests) =>
        requests.map(async ({ after, limit }) => {
          if (limit < 1 || limit > REPORTS_PAGE_MAX) {
            return new Refusal<SettlementRefusal>(
              'malformed',
              `limit: expected 1 to ${REPORTS_PAGE_MAX}, got ${limit}`,
            );
          }
          const reports = requestIds(store, after, limit).map((id) => reportOf(store, id));
          return { reports: reports.filter((report) => report !== undefined) };
        }),
    },
  };
}
