// The operation `reverse`: a flow of its own beside the charge (flow.ts says how the two are bound).
import { sha256 } from '../../crypto/index.ts';
import { u128 } from '../../shared/codec.ts';
import { Refusal } from '../common/refusal.ts';
import { checkRequestId } from './check.ts';
import type { SettlementRefusal } from './errors.ts';
import { admitReversal, type ReversalState, reversalFlow } from './flow.ts';
import type { ReverseAnswer, ReverseRequest } from './messages.ts';
import type { SettlementParts } from './parts.ts';
import { storedCharge } from './registry.ts';
import { reversalId } from './reversal-id.ts';

type Refused = Refusal<SettlementRefusal>;

export function reverse(
  requests: readonly ReverseRequest[],
  { runner, limits }: SettlementParts,
): Promise<ReverseAnswer | Refused>[] {
  const refusals = requests.map(({ request }) => checkRequestId(request));
  const good = requests.filter((_, place) => refusals[place] === undefined);
  const standings = runner.submit(
    reversalFlow,
    good.map(({ request, reason }) => ({
      id: reversalId(request),
      // Of the id alone: with another reason it is still the same reversal.
      digest: sha256(u128.encode(request)),
      admit: (tx) => admitReversal(request, reason, storedCharge(tx, request)?.state),
    })),
    limits.answerWithinMs,
  );
  const answers = standings.map(async (submitted) => {
    const standing = await submitted;
    return standing instanceof Refusal ? standing : reversalAnswer(standing.state);
  });
  return refusals.map((refusal) => (refusal ? Promise.resolve(refusal) : answers.shift()!));
}

export function reversalAnswer(state: ReversalState): ReverseAnswer {
  return state.kind === 'reversed'
    ? { kind: 'reversed', reason: state.reason }
    : { kind: 'pending', state: state.kind };
}
