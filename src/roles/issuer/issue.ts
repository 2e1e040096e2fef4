// The operation `issue_notes`:
//
//     messages ─┬─ known here ───────────────────────────────────────────┐
//               └─ new ─▶ rules ─▶ order signed? ─▶ outputs signed ─┬─▶ ──┴─▶ runner ─▶ where it stands, sealed
//                         (signatures of all, points of all: a batch) └─▶ refusal
//
// What is known here is not checked again: a keyset may be retired meanwhile, and it must get the answer that it has.
import { hpke, sha256 } from '../../crypto/index.ts';
import { MintRefused } from '../../mint/errors.ts';
import { Refusal } from '../common/refusal.ts';
import { NoteOrder } from '../documents/note-order.ts';
import {
  NotesBinding,
  notesSealInfo,
  padded,
  type SealedNotes,
  type SignedOutput,
  SignedOutputs,
} from '../documents/notes.ts';
import { KEY_ID_BYTES } from '../documents/signed.ts';
import { digestOf, type Standing, type Submission } from '../flow/flow.ts';
import { isKnown } from '../flow/request-ids.ts';
import {
  checkForCash,
  checkOffered,
  checkOrder,
  checkOutputs,
  checkReplyKey,
  checkSum,
  checkTerms,
  checkTime,
  orderNotSigned,
  outputKnown,
  outputNoPoint,
  type Refused,
} from './check.ts';
import type { IssuerRefusal } from './errors.ts';
import type { IssueState } from './flow.ts';
import { type IssueNotesAnswer, IssueNotesRequest } from './messages.ts';
import type { IssuerParts } from './parts.ts';
import type { ShopPeer } from './peers.ts';

type Submitted = Refused | Promise<Standing<IssueState> | Refused>;

/** One promise an issue: none waits for what cash says of others. */
export function issueNotes(
  requests: readonly IssueNotesRequest[],
  peers: readonly ShopPeer[],
  parts: IssuerParts,
): Promise<IssueNotesAnswer | Refused>[] {
  const submitted = checkAndSubmit(requests, peers, parts);
  return requests.map(async (request, place) => {
    const standing = await (await submitted)[place]!;
    if (!(standing instanceof Refusal)) return answerOf(standing, request);
    parts.signer.forget(request.order.document.request);
    return standing;
  });
}

async function checkAndSubmit(
  requests: readonly IssueNotesRequest[],
  peers: readonly ShopPeer[],
  parts: IssuerParts,
): Promise<readonly Submitted[]> {
  const { store, runner, issues, limits } = parts;
  const results: Submitted[] = new Array(requests.length);
  const fresh: number[] = [];
  requests.forEach((request, place) => {
    const { document } = request.order;
    const refused = checkOrder(document, peers[place]!);
    if (refused !== undefined) results[place] = refused;
    else if (!isKnown(store, document.request)) fresh.push(place);
  });
  const refusals = await checkIssues(
    fresh.map((place) => requests[place]!),
    fresh.map((place) => peers[place]!),
    parts,
  );
  fresh.forEach((place, i) => {
    const refused = refusals[i];
    if (refused !== undefined) results[place] = refused;
  });
  const good = [...requests.keys()].filter((place) => results[place] === undefined);
  const standings = runner.submit(
    issues,
    good.map((place) => submission(requests[place]!, parts)),
    limits.answerWithinMs,
  );
  good.forEach((place, i) => {
    results[place] = standings[i]!;
  });
  return results;
}

/** Why each is refused, in order; undefined: it is good, and its signatures are kept. */
export async function checkIssues(
  requests: readonly IssueNotesRequest[],
  peers: readonly ShopPeer[],
  { store, book, keysets, units, crypto, signer }: IssuerParts,
): Promise<(Refused | undefined)[]> {
  const results = requests.map((request): Refused | undefined => {
    const { document } = request.order;
    const unit = units.unitOf(document.currency);
    return (
      checkForCash(document) ??
      checkOffered(document, unit) ??
      checkOutputs(request.outputs, keysets, unit!) ??
      checkSum(request) ??
      checkTerms(request) ??
      checkReplyKey(request)
    );
  });
  const placesOf = () => [...results.keys()].filter((place) => results[place] === undefined);

  const wellFormed = placesOf();
  const isSigned = await crypto.verifyBatch(
    wellFormed.map((place) => {
      const { document, signature } = requests[place]!.order;
      return { publicKey: peers[place]!.signingKey, message: NoteOrder.signedBytes(document), signature };
    }),
  );
  wellFormed.forEach((place, i) => {
    if (isSigned[i] !== true) results[place] = orderNotSigned();
  });

  for (const place of placesOf()) {
    const { order, outputs } = requests[place]!;
    const taken = book.conflictOfOutputs(store, outputs, order.document.request);
    if (taken !== undefined) results[place] = outputKnown(taken);
  }

  await Promise.all(
    placesOf().map(async (place) => {
      const { order, outputs } = requests[place]!;
      results[place] = await signed(order.document.request, outputs, signer);
    }),
  );
  return results;
}

async function signed(
  request: bigint,
  outputs: IssueNotesRequest['outputs'],
  signer: IssuerParts['signer'],
): Promise<Refused | undefined> {
  try {
    const signatures = await signer.sign(outputs);
    const wrong = signatures.indexOf(undefined);
    if (wrong >= 0) return outputNoPoint(wrong);
    signer.keep(request, { outputs, signatures: signatures as SignedOutput[] });
    return undefined;
  } catch (error) {
    if (!(error instanceof MintRefused)) throw error;
    return new Refusal<IssuerRefusal>('busy', error.message);
  }
}

function submission(
  request: IssueNotesRequest,
  { book, clock, limits }: IssuerParts,
): Submission<IssueState, IssuerRefusal> {
  const { order, outputs } = request;
  const { request: id } = order.document;
  return {
    id,
    digest: digestOf(IssueNotesRequest, request),
    admit(tx) {
      const refused = checkTime(order.document, clock(), limits);
      if (refused !== undefined) return refused;
      const taken = book.reserve(tx, outputs, id);
      return taken === undefined
        ? { kind: 'asking', order, outputs, distrusted: undefined }
        : outputKnown(taken);
    },
  };
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
  const keyId = sha256(replyKey).slice(0, KEY_ID_BYTES);
  const { enc, ciphertext } = hpke.seal({
    recipientPublicKey: replyKey,
    info: notesSealInfo('issue', keyId),
    aad: NotesBinding.encode({ request, amount }),
    plaintext: padded(SignedOutputs, signatures),
  });
  return { keyId, encapsulatedKey: enc, ciphertext };
}
