// What the operations that shops sign orders for have in common:
//
//     messages ─┬─ known here ────────────────────────────────────────────────────────┐
//               └─ new ─▶ its rules ─▶ order signed? (a batch) ─▶ `prepare` ─┬─────────┴─▶ runner ─▶ where it stands
//                                                                           └─▶ refusal
//
// What is known here is not checked again: a keyset may be retired meanwhile, and it must get the answer that it has. Whose
// order it is, is asked of every message: nobody else is told what became of it.
import type { Codec } from '../../shared/codec.ts';
import type { StoreTransaction } from '../../store/store.ts';
import { Refusal } from '../common/refusal.ts';
import { type NoteAction, NoteOrder, type SignedNoteOrder } from '../documents/note-order.ts';
import { digestOf, type Flow, type Standing } from '../flow/flow.ts';
import { isKnown } from '../flow/request-ids.ts';
import { checkForCash, checkOffered, checkOrder, orderNotSigned, type Refused } from './check.ts';
import type { IssuerParts } from './parts.ts';
import type { ShopPeer } from './peers.ts';

export interface WithOrder {
  readonly order: SignedNoteOrder;
}

export interface OrderOperation<Request extends WithOrder, State, Effect extends object, Outcome> {
  readonly flow: Flow<State, Effect, Outcome>;
  readonly codec: Codec<Request>;
  /** What its orders may be for. */
  readonly actions: readonly NoteAction[];
  /** Rules that the message alone is enough for, and tables as they are flushed. @param unit of the order's currency */
  check(request: Request, unit: string): Refused | undefined;
  /** Those whose orders are signed: what is left to be found out, in order. */
  prepare?(requests: readonly Request[]): Promise<readonly (Refused | undefined)[]>;
  /** In the transaction that writes the state, or remembers the refusal. */
  admit(tx: StoreTransaction, request: Request): State | Refused;
}

/** One promise a message: none waits for what cash says of others. */
export function submitOrders<Request extends WithOrder, State, Effect extends object, Outcome>(
  requests: readonly Request[],
  peers: readonly ShopPeer[],
  parts: IssuerParts,
  operation: OrderOperation<Request, State, Effect, Outcome>,
): Promise<Standing<State> | Refused>[] {
  const submitted = checkAndSubmit(requests, peers, parts, operation);
  return requests.map(async (_, place) => (await submitted)[place]!);
}

async function checkAndSubmit<Request extends WithOrder, State, Effect extends object, Outcome>(
  requests: readonly Request[],
  peers: readonly ShopPeer[],
  parts: IssuerParts,
  operation: OrderOperation<Request, State, Effect, Outcome>,
): Promise<readonly (Refused | Promise<Standing<State> | Refused>)[]> {
  const { store, runner, limits } = parts;
  const results: (Refused | Promise<Standing<State> | Refused> | undefined)[] = requests.map(
    ({ order: { document } }, place) => checkOrder(document, peers[place]!, operation.actions),
  );
  const isLeft = (place: number): boolean => results[place] === undefined;
  const fresh = [...requests.keys()].filter(
    (place) => isLeft(place) && !isKnown(store, requests[place]!.order.document.request),
  );
  const refusals = await checkNew(
    fresh.map((place) => requests[place]!),
    fresh.map((place) => peers[place]!),
    parts,
    operation,
  );
  fresh.forEach((place, i) => {
    results[place] = refusals[i];
  });
  const good = [...requests.keys()].filter(isLeft);
  const standings = runner.submit(
    operation.flow,
    good.map((place) => {
      const request = requests[place]!;
      return {
        id: request.order.document.request,
        digest: digestOf(operation.codec, request),
        admit: (tx: StoreTransaction) => operation.admit(tx, request),
      };
    }),
    limits.answerWithinMs,
  );
  good.forEach((place, i) => {
    results[place] = standings[i]!;
  });
  return results as (Refused | Promise<Standing<State> | Refused>)[];
}

/** Why each is refused, in order; undefined: it is good. */
async function checkNew<Request extends WithOrder, State, Effect extends object, Outcome>(
  requests: readonly Request[],
  peers: readonly ShopPeer[],
  { units, crypto }: IssuerParts,
  operation: OrderOperation<Request, State, Effect, Outcome>,
): Promise<(Refused | undefined)[]> {
  const results = requests.map((request): Refused | undefined => {
    const { document } = request.order;
    const unit = units.unitOf(document.currency);
    return checkForCash(document) ?? checkOffered(document, unit) ?? operation.check(request, unit!);
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

  const signed = placesOf();
  const prepared = await operation.prepare?.(signed.map((place) => requests[place]!));
  signed.forEach((place, i) => {
    results[place] = prepared?.[i];
  });
  return results;
}

export const isRefused = (standing: unknown): standing is Refused => standing instanceof Refusal;
