// The operation `take_notes`:
//
//     messages ─┬─ known here ─────────────────────────────────────────────────────────────┐
//               └─ new ─▶ payee ─▶ seals opened ─▶ rules ─▶ notes verified ─▶ free? ─┬──────┴─▶ runner ─▶ where it stands
//                                 (a batch a key)          (all notes: a batch)     └─▶ refusal
//
// What is known here is not checked again: its keys may be gone, and it must get the answer that it has. A note that was
// spent is no refusal: it is said for good, and by the request's own record.
import { sha256 } from '../../crypto/index.ts';
import { MintRefused } from '../../mint/errors.ts';
import type { IncomingNote } from '../../mint/note-book.ts';
import { noteIds, secretBytes } from '../../notes/note.ts';
import { Refusal } from '../common/refusal.ts';
import type { PlainNote } from '../documents/notes.ts';
import { takingTermsMessage } from '../documents/taking-terms.ts';
import { digestOf, type Standing, type Submission } from '../flow/flow.ts';
import { isKnown } from '../flow/request-ids.ts';
import {
  checkForCash,
  checkNotes,
  checkOffered,
  checkPayee,
  checkSum,
  checkTime,
  noteNotSigned,
  type Refused,
} from './check.ts';
import type { ReceiverRefusal } from './errors.ts';
import type { TakingState } from './flow.ts';
import { SECOND_LOOK_MS } from './limits.ts';
import { type TakeNotesAnswer, TakeNotesRequest } from './messages.ts';
import type { ReceiverParts } from './parts.ts';
import type { ShopPeer } from './peers.ts';

const NANOSECONDS_A_SECOND = 1_000_000_000n;
/** Some note was spent before, or is just being, by another request. */
export const NOTE_SPENT = 'note_spent';

type Submitted = Refused | Promise<Standing<TakingState> | Refused>;
type Verified = readonly IncomingNote[] | Refused;

/** One promise a taking: none waits for what cash says of others. */
export function takeNotes(
  requests: readonly TakeNotesRequest[],
  peers: readonly ShopPeer[],
  parts: ReceiverParts,
): Promise<TakeNotesAnswer | Refused>[] {
  const submitted = checkAndSubmit(requests, peers, parts);
  return requests.map(async (_, place) => {
    const standing = await (await submitted)[place]!;
    return standing instanceof Refusal ? standing : answerOf(standing, parts);
  });
}

async function checkAndSubmit(
  requests: readonly TakeNotesRequest[],
  peers: readonly ShopPeer[],
  parts: ReceiverParts,
  isSecondLook = false,
): Promise<readonly Submitted[]> {
  const { store, runner, takings, limits } = parts;
  const results: Submitted[] = new Array(requests.length);
  const verified = new Map<number, readonly IncomingNote[]>();
  const fresh: number[] = [];
  requests.forEach((request, place) => {
    const refused = checkPayee(request, peers[place]!);
    if (refused !== undefined) results[place] = refused;
    else if (!isKnown(store, request.request)) fresh.push(place);
  });
  const checked = await checkTakings(
    fresh.map((place) => requests[place]!),
    parts,
  );
  const later: number[] = [];
  fresh.forEach((place, i) => {
    const notes = checked[i]!;
    if (!(notes instanceof Refusal)) verified.set(place, notes);
    else if (notes.code === 'seal_key_unknown' && !isSecondLook) later.push(place);
    else results[place] = notes;
  });
  lookAgain(
    later.map((place) => requests[place]!),
    later.map((place) => peers[place]!),
    parts,
  ).forEach((submitted, i) => {
    results[later[i]!] = submitted;
  });
  const good = [...requests.keys()].filter((place) => results[place] === undefined);
  const standings = runner.submit(
    takings,
    good.map((place) => submission(requests[place]!, verified.get(place) ?? [], parts)),
    limits.answerWithinMs,
  );
  good.forEach((place, i) => {
    results[place] = standings[i]!;
  });
  return results;
}

/** The receiver may be the last to hear of a new key; whoever is refused is refused for good. */
function lookAgain(
  requests: readonly TakeNotesRequest[],
  peers: readonly ShopPeer[],
  parts: ReceiverParts,
): Promise<Standing<TakingState> | Refused>[] {
  if (requests.length === 0) return [];
  const looked = new Promise<void>((resolve) => {
    parts.setTimer(resolve, SECOND_LOOK_MS);
  }).then(() => checkAndSubmit(requests, peers, parts, true));
  return requests.map(async (_, i) => (await looked)[i]!);
}

/** Their notes, in order, or why each is refused. */
export async function checkTakings(
  requests: readonly TakeNotesRequest[],
  { units, keysets, openSeals, verify, hash, clock }: ReceiverParts,
): Promise<Verified[]> {
  const results: (Verified | undefined)[] = requests.map((request) => {
    const unit = units.unitOf(request.currency);
    return checkForCash(request) ?? checkOffered(request, unit);
  });
  const placesOf = () => [...results.keys()].filter((place) => results[place] === undefined);

  const wellFormed = placesOf();
  const opened = await openSeals(wellFormed.map((place) => requests[place]!));
  const notes = new Map<number, readonly PlainNote[]>();
  const now = clock() / NANOSECONDS_A_SECOND;
  wellFormed.forEach((place, i) => {
    const request = requests[place]!;
    const plain = opened[i]!;
    const refused =
      plain instanceof Refusal
        ? plain
        : (checkNotes(plain, units.unitOf(request.currency)!, keysets, now) ??
          checkSum(request, plain, keysets));
    if (refused !== undefined) results[place] = refused;
    else notes.set(place, plain as readonly PlainNote[]);
  });

  await Promise.all(
    [...notes].map(async ([place, list]) => {
      results[place] = await verified(list, keysets, verify);
    }),
  );
  const good = [...notes].filter(([place]) => results[place] === undefined);
  const ids = noteIds(
    good.flatMap(([, list]) => list),
    hash,
  );
  let at = 0;
  for (const [place, list] of good) {
    results[place] = list.map(({ keysetId, amount }) => ({ noteId: ids[at++]!, keysetId, amount }));
  }
  return results as Verified[];
}

/** undefined: all are the mint's. */
async function verified(
  notes: readonly PlainNote[],
  keysets: ReceiverParts['keysets'],
  verify: ReceiverParts['verify'],
): Promise<Refused | undefined> {
  try {
    const isSigned = await verify.run(
      notes.map(({ secret, signature, keysetId, amount }) => ({
        message: secretBytes(secret),
        signature,
        secretKey: keysets.secretKey(keysetId, amount)!,
      })),
    );
    const wrong = isSigned.indexOf(false);
    return wrong < 0 ? undefined : noteNotSigned(wrong);
  } catch (error) {
    if (!(error instanceof MintRefused)) throw error;
    return new Refusal<ReceiverRefusal>('busy', error.message);
  }
}

/** @param notes of a new one; those of one that is known are in its record */
function submission(
  request: TakeNotesRequest,
  notes: readonly IncomingNote[],
  { book, clock, limits }: ReceiverParts,
): Submission<TakingState, ReceiverRefusal> {
  const { request: id, payee, amount, currency, applyBy } = request;
  const requestDigest = digestOf(TakeNotesRequest, request);
  return {
    id,
    digest: requestDigest,
    admit(tx) {
      const now = clock();
      const refused = checkTime(request, now, limits);
      if (refused !== undefined) return refused;
      if (notes.length === 0) throw new Error(`request ${id}: expected its notes to be verified, got none`);
      const ids = notes.map(({ noteId }) => noteId);
      if (book.conflict(tx, ids) !== undefined)
        return { kind: 'rejected', amount, currency, quote: undefined, reason: NOTE_SPENT };
      book.hold(tx, notes, id, now);
      const reference = sha256(takingTermsMessage({ request: id, amount, currency, notes: ids }));
      const taking = {
        payee,
        amount,
        currency,
        applyBy,
        reference,
        requestDigest,
        notes: ids,
        quote: undefined,
      };
      return { kind: 'taking', taking, distrusted: undefined };
    },
  };
}

function answerOf(
  { state, stateName }: Standing<TakingState>,
  { acknowledgementNow }: ReceiverParts,
): TakeNotesAnswer {
  switch (state.kind) {
    case 'taken':
      return { kind: 'taken', acknowledgement: acknowledgementNow(state.acknowledgement) };
    case 'rejected':
      return { kind: 'rejected', reason: state.reason };
    default:
      return { kind: 'pending', state: stateName };
  }
}
