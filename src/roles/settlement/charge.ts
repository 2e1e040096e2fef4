// The operation `charge`:
//
//     messages ─┬─ known here ─────────────────────────────────┐
//               └─ new ─▶ checks, all in a batch ─┬─▶ good ─────┴─▶ runner ─▶ where it stands
//                                                 └─▶ refusal
//
// What is known here is not checked again: its keys may be gone, and it must get the answer that it has.
import { Refusal } from '../common/refusal.ts';
import { digestOf, type Standing, type Submission } from '../flow/flow.ts';
import { checkCharges } from './check.ts';
import type { SettlementRefusal } from './errors.ts';
import { admitCharge, type ChargeState } from './flow.ts';
import { type ChargeAnswer, ChargeRequest } from './messages.ts';
import type { SettlementParts } from './parts.ts';
import { isKnown, reversalReason, storedReversal } from './registry.ts';
import { reversalAnswer } from './reverse.ts';

type Refused = Refusal<SettlementRefusal>;
type Submitted = Refused | Promise<Standing<ChargeState> | Refused>;

/** One promise a charge: a refusal does not wait for what others ask of the institution. */
export function charge(
  requests: readonly ChargeRequest[],
  parts: SettlementParts,
): Promise<ChargeAnswer | Refused>[] {
  const submitted = checkAndSubmit(requests, parts);
  return requests.map(async (_, place) => {
    const standing = await (await submitted)[place]!;
    return standing instanceof Refusal ? standing : answerOf(standing, parts);
  });
}

async function checkAndSubmit(
  requests: readonly ChargeRequest[],
  parts: SettlementParts,
): Promise<readonly Submitted[]> {
  const { store, runner, chargeFlow, limits } = parts;
  const results: Submitted[] = new Array(requests.length);
  const places = [...requests.keys()];

  const unknown = places.filter((place) => !isKnown(store, requests[place]!.order.document.request));
  const refusals = await checkCharges(
    unknown.map((place) => requests[place]!),
    parts,
  );
  unknown.forEach((place, i) => {
    const refusal = refusals[i];
    if (refusal !== undefined) results[place] = refusal;
  });

  const good = places.filter((place) => results[place] === undefined);
  const standings = runner.submit(
    chargeFlow,
    good.map((place) => submission(requests[place]!, parts)),
    limits.answerWithinMs,
  );
  good.forEach((place, i) => {
    results[place] = standings[i]!;
  });
  return results;
}

function submission(
  request: ChargeRequest,
  { clock, run }: SettlementParts,
): Submission<ChargeState, SettlementRefusal> {
  const { request: id } = request.order.document;
  return {
    id,
    digest: digestOf(ChargeRequest, request),
    admit(tx) {
      const now = clock();
      return admitCharge({ ...request, receivedAt: now }, run, now, reversalReason(tx, id));
    },
  };
}

function answerOf({ id, state, stateName }: Standing<ChargeState>, { store }: SettlementParts): ChargeAnswer {
  switch (state.kind) {
    case 'charged': {
      const reversal = storedReversal(store, id);
      if (reversal !== undefined) return reversalAnswer(reversal.state);
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
