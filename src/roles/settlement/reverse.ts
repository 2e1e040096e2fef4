// The operation `reverse`: a flow of its own beside the charge (flow.ts says how the two are bound).
//
//     messages ─┬─ known here ──────────────────────────────────────────────────────────┐
//               └─ new ─▶ rejections, all in a batch ─▶ charged, and no rejection of it? │
//                                 │                        │                 │ no        ▼
//                                 └──────▶ refusal ◀───────┘ yes             └──▶ where it stands
//
// Whether the account is charged is looked at in the transaction that would admit the reversal, where every receipt is
// seen that anyone may hold: a receipt leaves when its state is flushed.
import { sha256 } from '../../crypto/index.ts';
import { u128 } from '../../shared/codec.ts';
import { Refusal } from '../common/refusal.ts';
import type { Standing, Submission } from '../flow/flow.ts';
import { isKnown } from '../flow/request-ids.ts';
import { checkRequestId } from './check.ts';
import type { SettlementRefusal } from './errors.ts';
import { admitReversal, type ReversalState, reversalFlow } from './flow.ts';
import type { ReverseAnswer, ReverseRequest } from './messages.ts';
import type { SettlementParts } from './parts.ts';
import { storedCharge } from './registry.ts';
import { checkRejected, checkRejections, rejectionRequired } from './rejections.ts';
import { reversalId } from './reversal-id.ts';

type Refused = Refusal<SettlementRefusal>;

export function reverse(
  requests: readonly ReverseRequest[],
  parts: SettlementParts,
): Promise<ReverseAnswer | Refused>[] {
  const submitted = checkAndSubmit(requests, parts);
  return requests.map(async (_, place) => {
    const standing = await (await submitted)[place]!();
    return standing instanceof Refusal ? standing : reversalAnswer(standing.state);
  });
}

type Submitted = () => Refused | Promise<Standing<ReversalState> | Refused>;

/** Functions, as a promise in the list of an async function would be waited for. */
async function checkAndSubmit(
  requests: readonly ReverseRequest[],
  parts: SettlementParts,
): Promise<readonly Submitted[]> {
  const { runner, store, limits } = parts;
  const refusals: (Refused | undefined)[] = requests.map(({ request }) => checkRequestId(request));
  const unknown = placesOf(refusals).filter((place) => !isKnown(store, reversalId(requests[place]!.request)));
  const checked = await checkRejections(
    unknown.map((place) => requests[place]!),
    parts,
  );
  unknown.forEach((place, i) => {
    refusals[place] = checked[i];
  });
  const good = placesOf(refusals);
  const submissions = good.map((place) => submission(requests[place]!));
  const standings = runner.submit(
    reversalFlow,
    submissions.map(({ item }) => item),
    limits.answerWithinMs,
  );
  const places = new Map(good.map((place, i) => [place, i]));
  return refusals.map((refusal, place) => () => {
    if (refusal !== undefined) return refusal;
    const i = places.get(place)!;
    return standings[i]!.then((standing) => submissions[i]!.refused() ?? standing);
  });
}

interface ReversalSubmission {
  readonly item: Submission<ReversalState, SettlementRefusal>;
  /** Why it was not admitted. */
  readonly refused: () => Refused | undefined;
}

function submission({ request, reason, rejection }: ReverseRequest): ReversalSubmission {
  let refused: Refused | undefined;
  const item: Submission<ReversalState, SettlementRefusal> = {
    id: reversalId(request),
    // Of the id alone: with another reason it is still the same reversal.
    digest: sha256(u128.encode(request)),
    admit(tx) {
      const charge = storedCharge(tx, request)?.state;
      if (charge?.kind === 'charged') {
        refused =
          rejection === undefined
            ? rejectionRequired(request)
            : checkRejected(rejection.document, charge.charge.order);
        // The runner remembers every refusal but this: with a rejection, the same reversal may come again.
        if (refused !== undefined) return new Refusal<SettlementRefusal>('busy', refused.message);
      }
      return admitReversal(request, reason, charge);
    },
  };
  return { item, refused: () => refused };
}

export function reversalAnswer(state: ReversalState): ReverseAnswer {
  return state.kind === 'reversed'
    ? { kind: 'reversed', reason: state.reason }
    : { kind: 'pending', state: state.kind };
}

/** Where nothing has been refused so far. */
function placesOf(results: readonly (Refused | undefined)[]): number[] {
  return [...results.keys()].filter((place) => results[place] === undefined);
}
