// The operation `charge`:
//
//     messages ─┬─ known here ─────────────────────────────────┐
//               └─ new ─▶ checks, all in a batch ─┬─▶ good ─────┴─▶ runner ─▶ where it stands
//                                                 └─▶ refusal
//
// What is known here is not checked again: its keys may be gone, and it must get the answer that it has.
import { Refusal } from '../common/refusal.ts';
import { digestOf, type Standing, type Submission } from '../flow/flow.ts';
import { isKnown } from '../flow/request-ids.ts';
import { checkCharges } from './check.ts';
import type { SettlementRefusal } from './errors.ts';
import { admitCharge, type ChargeState } from './flow.ts';
import { SECOND_LOOK_MS } from './limits.ts';
import { type ChargeAnswer, ChargeRequest } from './messages.ts';
import type { SettlementParts } from './parts.ts';
import { reversalReason, storedReversal } from './registry.ts';
import { reversalAnswer } from './reverse.ts';

type Refused = Refusal<SettlementRefusal>;
type Submitted = Refused | Promise<Standing<ChargeState> | Refused>;

/** One promise a charge: none waits for what others ask of the institution. */
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
  isSecondLook = false,
): Promise<readonly Submitted[]> {
  const { store, runner, chargeFlow, limits } = parts;
  const results: Submitted[] = new Array(requests.length);
  const put = (places: readonly number[], values: readonly Submitted[]): void =>
    places.forEach((place, i) => {
      results[place] = values[i]!;
    });
  const at = (places: readonly number[]) => places.map((place) => requests[place]!);

  const all = [...requests.keys()];
  const unknown = all.filter((place) => !isKnown(store, requests[place]!.order.document.request));
  const refusals = await checkCharges(at(unknown), parts);
  const refused = new Map(unknown.map((place, i) => [place, refusals[i]]));
  const good = all.filter((place) => refused.get(place) === undefined);
  const later = isSecondLook ? [] : all.filter((place) => refused.get(place)?.code === 'seal_key_unknown');

  put(
    all,
    all.map((place) => refused.get(place)!),
  );
  put(
    good,
    runner.submit(
      chargeFlow,
      at(good).map((request) => submission(request, parts)),
      limits.answerWithinMs,
    ),
  );
  if (later.length > 0) put(later, lookAgain(at(later), parts));
  return results;
}

/** Settlement may be the last to hear of a new key; whoever is refused is refused for good. */
function lookAgain(
  requests: readonly ChargeRequest[],
  parts: SettlementParts,
): Promise<Standing<ChargeState> | Refused>[] {
  const looked = new Promise<void>((resolve) => {
    parts.setTimer(resolve, SECOND_LOOK_MS);
  }).then(() => checkAndSubmit(requests, parts, true));
  return requests.map(async (_, i) => (await looked)[i]!);
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

function answerOf(
  { id, state, stateName }: Standing<ChargeState>,
  { store, receiptNow }: SettlementParts,
): ChargeAnswer {
  switch (state.kind) {
    case 'charged': {
      const reversal = storedReversal(store, id);
      if (reversal !== undefined) return reversalAnswer(reversal.state);
      return { kind: 'charged', receipt: receiptNow(state.receipt) };
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
