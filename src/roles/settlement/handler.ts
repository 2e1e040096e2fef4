// The operations of settlement: what each message becomes.
//
//     charge ─┬─ known here ──────────────────────────────────┐
//             └─ new ─▶ checks, all in a batch ─▶ refusal      ├─▶ runner ─▶ where it stands
//                                              └─▶ good ───────┘
import type { CryptoPool } from '../../crypto/index.ts';
import { sha256 } from '../../crypto/index.ts';
import type { Clock } from '../../ledger/clock.ts';
import { u8, u128 } from '../../shared/codec.ts';
import type { RoleStore } from '../../store/store.ts';
import type { Peer } from '../../wire/peer.ts';
import { Refusal } from '../common/refusal.ts';
import { REPORTS_PAGE_MAX } from '../common/request-report.ts';
import type { Handlers } from '../common/role-engine.ts';
import type { Flow, Standing, Submission } from '../flow/flow.ts';
import type { FlowRunner } from '../flow/flow-runner.ts';
import { checkCharges, checkRequestId } from './check.ts';
import type { SettlementRefusal } from './errors.ts';
import {
  admitCharge,
  admitReversal,
  type ChargeEffect,
  type ChargeOutcome,
  type ChargeState,
  type ReversalEffect,
  type ReversalOutcome,
  type ReversalState,
} from './flow.ts';
import type { SettlementLimits } from './limits.ts';
import {
  type ChargeAnswer,
  ChargeRequest,
  type ReverseAnswer,
  type ReverseRequest,
  SettlementOperation,
  type SettlementOperations,
} from './messages.ts';
import { isManagement, isOperator } from './peers.ts';
import { isKnown, requestIds, reversalReason, storedCharge, storedReversal } from './registry.ts';
import { reportOf } from './reports.ts';
import { reversalId } from './reversal-id.ts';
import type { OpenSeals } from './seals.ts';

export interface HandlerOptions {
  readonly store: RoleStore;
  readonly runner: FlowRunner;
  readonly charges: Flow<ChargeState, ChargeEffect, ChargeOutcome>;
  readonly reversals: Flow<ReversalState, ReversalEffect, ReversalOutcome>;
  /** Of this run of the process. */
  readonly run: bigint;
  readonly openSeals: OpenSeals;
  readonly limits: SettlementLimits;
  readonly clock: Clock;
  readonly pool?: CryptoPool | undefined;
}

type Refused = Refusal<SettlementRefusal>;

export function settlementHandlers(
  options: HandlerOptions,
): Handlers<SettlementOperations, Peer, SettlementRefusal> {
  const { store, runner, charges, reversals, run, openSeals, limits, clock, pool } = options;

  /** One answer a charge; refusals of the others do not wait for the institution. */
  function charge(requests: readonly ChargeRequest[]): Promise<ChargeAnswer | Refused>[] {
    const submitted = submitGood(requests);
    return requests.map(async (_, place) => {
      const standing = await (await submitted)[place]!;
      return standing instanceof Refusal ? (standing as Refused) : chargeAnswer(standing);
    });
  }

  async function submitGood(
    requests: readonly ChargeRequest[],
  ): Promise<(Promise<Standing<ChargeState> | Refusal> | Refused)[]> {
    const unknown = [...requests.keys()].filter(
      (place) => !isKnown(store, requests[place]!.order.document.request),
    );
    const refusals = await checkCharges(
      unknown.map((place) => requests[place]!),
      { limits, openSeals, pool },
    );
    const results: (Promise<Standing<ChargeState> | Refusal> | Refused)[] = new Array(requests.length);
    unknown.forEach((place, i) => {
      const refusal = refusals[i];
      if (refusal !== undefined) results[place] = refusal;
    });
    const good = [...requests.keys()].filter((place) => results[place] === undefined);
    const submissions = good.map((place): Submission<ChargeState> => {
      const request = requests[place]!;
      const { request: id } = request.order.document;
      const digest = sha256(
        Buffer.concat([u8.encode(SettlementOperation.charge), ChargeRequest.encode(request)]),
      );
      return {
        id,
        digest,
        admit: (tx) => {
          const now = clock();
          return admitCharge({ ...request, receivedAt: now }, run, now, reversalReason(tx, id));
        },
      };
    });
    const standings = runner.submit(charges, submissions, limits.answerWithinMs);
    good.forEach((place, i) => {
      results[place] = standings[i]!;
    });
    return results;
  }

  function chargeAnswer({ id, state, stateName }: Standing<ChargeState>): ChargeAnswer {
    switch (state.kind) {
      case 'charged': {
        const reversal = storedReversal(store, id);
        if (reversal !== undefined) return reverseAnswer(reversal.state);
        return { kind: 'charged', receipt: state.receipt };
      }
      case 'declined':
        return { kind: 'declined', reason: state.reason };
      case 'expired':
        return { kind: 'expired' };
      case 'reversed':
        return { kind: 'reversed', reason: state.reason };
      default:
        return { kind: 'pending', state: stateName };
    }
  }

  /** Whatever its reason, it is the same reversal. */
  function reverse(requests: readonly ReverseRequest[]): Promise<ReverseAnswer | Refused>[] {
    const standings = runner.submit(
      reversals,
      requests.map(({ request, reason }) => ({
        id: reversalId(request),
        digest: sha256(Buffer.concat([u8.encode(SettlementOperation.reverse), u128.encode(request)])),
        admit: (tx) => admitReversal(request, reason, storedCharge(tx, request)?.state),
      })),
      limits.answerWithinMs,
    );
    return standings.map(async (submitted) => {
      const standing = await submitted;
      return standing instanceof Refusal ? (standing as Refused) : reverseAnswer(standing.state);
    });
  }

  return {
    charge: { allowed: isManagement, handle: charge },
    reverse: {
      allowed: isManagement,
      handle(requests) {
        const refusals = requests.map(({ request }) => checkRequestId(request));
        const answers = reverse(requests.filter((_, i) => refusals[i] === undefined)).values();
        return refusals.map((refusal) =>
          refusal === undefined ? answers.next().value! : Promise.resolve(refusal),
        );
      },
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
          return { reports: requestIds(store, after, limit).map((id) => reportOf(store, id)!) };
        }),
    },
  };
}

function reverseAnswer(state: ReversalState): ReverseAnswer {
  return state.kind === 'reversed'
    ? { kind: 'reversed', reason: state.reason }
    : { kind: 'pending', state: state.kind };
}
