// Signed requests on their way to the runner.
//
//     message ─▶ refused by a rule of the message? ─ no ─▶ known already? ── yes ──────────▶ runner ─▶ standing
//                                                                 └─ no ─▶ signature good? ──▶ admit
//                                                                          all of a turn at once
//
// A request that is known was checked when it came first: the same bytes are answered for ever, whatever has become of
// times, limits and keys since. So asking again, which waiting devices do all the time, costs no verification.
import { type SignedMessage, sha256 } from '../../crypto/index.ts';
import type { Codec } from '../../shared/codec.ts';
import type { StoreTransaction } from '../../store/store.ts';
import type { BatchCrypto } from '../common/batch-crypto.ts';
import { Refusal } from '../common/refusal.ts';
import type { DocumentKind, Signed } from '../documents/signed.ts';
import type { Flow, Standing } from '../flow/flow.ts';
import type { FlowRunner } from '../flow/flow-runner.ts';
import { type Refused, refuse, signatureInvalid } from './check.ts';
import type { ManagementLog } from './interface.ts';

/** How long a caller waits for a request to become final before it is told `pending`: several flushes and hops. */
export const ANSWER_WAIT_MS = 250;

export interface SignedRequest<State> {
  readonly id: bigint;
  /** What tells it from another request of the same id. */
  readonly digest: Uint8Array;
  /** What must hold whenever it is asked for, also when it is known. */
  readonly check: () => Refused | undefined;
  /** What must hold of one that is new, before its signature is looked at; nothing remembers that it was refused. */
  readonly checkNew?: () => Refused | undefined;
  readonly signed: SignedMessage;
  /** Rules of time, directory and registry; then the first state. In the transaction that writes it, or the refusal. */
  readonly admit: (tx: StoreTransaction) => State | Refused;
}

/** One digest a message: of the operation's number and the message's bytes. */
export function requestDigests<Message>(
  operation: number,
  codec: Codec<Message>,
  messages: readonly Message[],
): Uint8Array[] {
  return sha256.batch(
    messages.map((message) => {
      const encoded = codec.encode(message);
      const bytes = new Uint8Array(1 + encoded.length);
      bytes[0] = operation;
      bytes.set(encoded, 1);
      return bytes;
    }),
  );
}

export function signedMessage<Document extends { readonly signingKey: Uint8Array }>(
  kind: DocumentKind<Document>,
  { document, signature }: Signed<Document>,
): SignedMessage {
  return { publicKey: document.signingKey, message: kind.signedBytes(document), signature };
}

export interface SubmitOptions {
  readonly crypto: BatchCrypto;
  readonly log: ManagementLog;
}

/** One answer a request, in order; none waits for another. */
export function submitSigned<State, Effect extends object, Outcome>(
  runner: FlowRunner,
  flow: Flow<State, Effect, Outcome>,
  requests: readonly SignedRequest<State>[],
  options: SubmitOptions,
): Promise<Standing<State> | Refused>[] {
  const submitted = submitGood(runner, flow, requests, options);
  return requests.map(async (_, i) => (await submitted)[i]!());
}

/** Why it is refused, or whether the runner knows its id already: then it knows too whether this is the same request. */
type Finding = Refused | 'known' | 'new';

async function submitGood<State, Effect extends object, Outcome>(
  runner: FlowRunner,
  flow: Flow<State, Effect, Outcome>,
  requests: readonly SignedRequest<State>[],
  { crypto, log }: SubmitOptions,
): Promise<(() => Refused | Promise<Standing<State> | Refused>)[]> {
  const findings = requests.map((request) => look(runner, request, log));
  const unverified = placesOf(findings, (finding) => finding === 'new');
  if (unverified.length > 0) {
    const verdicts = await crypto.verifyBatch(unverified.map((i) => requests[i]!.signed));
    unverified.forEach((i, n) => {
      if (!verdicts[n]) findings[i] = signatureInvalid();
    });
  }
  const good = placesOf(findings, (finding) => !(finding instanceof Refusal));
  const standings = runner.submit(
    flow,
    good.map((i) => requests[i]!),
    ANSWER_WAIT_MS,
  );
  const placeOf = new Map(good.map((i, n) => [i, n]));
  // Functions, as a promise in the list of an async function would be waited for.
  return findings.map(
    (finding, i) => () => (finding instanceof Refusal ? finding : standings[placeOf.get(i)!]!),
  );
}

/** A damaged record stands in the way of its own request only. */
function look(
  runner: FlowRunner,
  { id, check, checkNew }: SignedRequest<unknown>,
  log: SubmitOptions['log'],
): Finding {
  try {
    const refused = check();
    if (refused !== undefined) return refused;
    if (runner.lookup(id) !== undefined) return 'known';
    return checkNew?.() ?? 'new';
  } catch (error) {
    log.error({ request: String(id), error: String(error) }, 'a request could not be looked at');
    return refuse('internal_error', 'the request could not be looked at');
  }
}

const placesOf = (findings: readonly Finding[], wanted: (finding: Finding) => boolean): number[] =>
  [...findings.keys()].filter((i) => wanted(findings[i]!));
