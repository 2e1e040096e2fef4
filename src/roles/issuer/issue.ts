// The operation `issue_notes`: wide notes against the shop's account. Outputs are signed before money moves, so that it is
// known that they are points; the signatures leave only with cash's receipt (sign.ts).
import { MintRefused } from '../../mint/errors.ts';
import { Refusal } from '../common/refusal.ts';
import { sealNotes } from '../common/sealed-notes.ts';
import { type SealedNotes, type SignedOutput, SignedOutputs } from '../documents/notes.ts';
import type { Standing } from '../flow/flow.ts';
import {
  checkOutputs,
  checkReplyKey,
  checkSum,
  checkTerms,
  checkTime,
  outputKnown,
  outputNoPoint,
  type Refused,
} from './check.ts';
import type { IssuerRefusal } from './errors.ts';
import type { IssueEffect, IssueOutcome, IssueState } from './flow.ts';
import { type IssueNotesAnswer, IssueNotesRequest } from './messages.ts';
import { isRefused, type OrderOperation, submitOrders } from './orders.ts';
import type { IssuerParts } from './parts.ts';
import type { ShopPeer } from './peers.ts';

/** One promise an issue. */
export function issueNotes(
  requests: readonly IssueNotesRequest[],
  peers: readonly ShopPeer[],
  parts: IssuerParts,
): Promise<IssueNotesAnswer | Refused>[] {
  const submitted = submitOrders(requests, peers, parts, operationOf(parts));
  return requests.map(async (request, place) => {
    const standing = await submitted[place]!;
    if (!isRefused(standing)) return answerOf(standing, request);
    parts.signer.forget(request.order.document.request);
    return standing;
  });
}

function operationOf(
  parts: IssuerParts,
): OrderOperation<IssueNotesRequest, IssueState, IssueEffect, IssueOutcome> {
  const { store, book, keysets, clock, limits, issues } = parts;
  return {
    flow: issues,
    codec: IssueNotesRequest,
    actions: ['issue'],
    check(request, unit) {
      const { order, outputs } = request;
      const refused =
        checkOutputs(outputs, keysets, unit) ??
        checkSum(request) ??
        checkTerms(request) ??
        checkReplyKey(request);
      if (refused !== undefined) return refused;
      const taken = book.conflictOfOutputs(store, outputs, order.document.request);
      return taken === undefined ? undefined : outputKnown(taken);
    },
    prepare: (requests) => Promise.all(requests.map((request) => sign(request, parts))),
    admit(tx, { order, outputs }) {
      const refused = checkTime(order.document, clock(), limits);
      if (refused !== undefined) return refused;
      const taken = book.reserve(tx, outputs, order.document.request);
      return taken === undefined
        ? { kind: 'asking', order, outputs, distrusted: undefined }
        : outputKnown(taken);
    },
  };
}

/** Those of all that come in a turn as one batch. */
async function sign(
  { order, outputs }: IssueNotesRequest,
  { signer }: IssuerParts,
): Promise<Refused | undefined> {
  try {
    const signatures = await signer.sign(outputs);
    const wrong = signatures.indexOf(undefined);
    if (wrong >= 0) return outputNoPoint(wrong);
    signer.keep(order.document.request, { outputs, signatures: signatures as SignedOutput[] });
    return undefined;
  } catch (error) {
    if (!(error instanceof MintRefused)) throw error;
    return new Refusal<IssuerRefusal>('busy', error.message);
  }
}

function answerOf(
  { state, stateName }: Standing<IssueState>,
  { replyKey }: IssueNotesRequest,
): IssueNotesAnswer {
  switch (state.kind) {
    case 'issued':
      return { kind: 'issued', notes: sealed(state, replyKey), receipt: state.receipt };
    case 'rejected':
      return { kind: 'rejected', rejection: state.rejection };
    default:
      return { kind: 'pending', state: stateName };
  }
}

/** Anew each time: what is inside is the same. */
function sealed(
  { order, signatures }: Extract<IssueState, { kind: 'issued' }>,
  replyKey: Uint8Array,
): SealedNotes {
  const { request, amount } = order.document;
  return sealNotes(SignedOutputs, signatures, replyKey, { use: 'issue', request, amount });
}
