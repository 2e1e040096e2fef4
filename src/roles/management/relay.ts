// What purchases and shops' orders have in common on their way to cash and back: a batch is asked at once, its answers are
// believed once their signatures are good, and written down before anyone is told.
import type { SetTimer } from '../../shared/timer.ts';
import { StoreError } from '../../store/errors.ts';
import type { RoleStore } from '../../store/store.ts';
import type { CallResult } from '../common/role-client.ts';
import type { Trace } from '../flow/flow.ts';
import type { CashSigned, CheckCashSignatures } from './cash-signatures.ts';
import { type Refused, refuse } from './check.ts';
import type { ReceiptProblem } from './check-receipt.ts';
import type { Doubts } from './doubts.ts';
import type { ManagementLog } from './interface.ts';
import type { ManagementLimits } from './limits.ts';
import type { FindShop } from './shop-standing.ts';
import { type Trade, writeTrades } from './trades.ts';

/** How long a shop waits for cash. Beyond: `pending`, and it asks again. */
export const CASH_WAIT_MS = 2_000;

export interface RelayOptions {
  readonly store: RoleStore;
  readonly findShop: FindShop;
  readonly checkSignatures: CheckCashSignatures;
  readonly doubts: Doubts;
  readonly limits: Pick<ManagementLimits, 'clockSkewNs'>;
  readonly clock: () => bigint;
  readonly setTimer: SetTimer;
  readonly trace: Trace;
  readonly log: ManagementLog;
}

/** Not through yet: ask again with the same message. */
export interface PendingAnswer {
  readonly kind: 'pending';
  readonly state: string;
}

/** What cash has answered for good, with what has to be good about it before it is passed on. */
export interface Conclusion<Answer> {
  readonly answer: Answer;
  readonly signed: CashSigned;
  readonly trade: Trade;
}

/** What an answer of cash comes to, by itself. */
export type Finding<Answer> =
  | { readonly kind: 'concluded'; readonly conclusion: Conclusion<Answer> }
  | { readonly kind: 'refused'; readonly refusal: Refused }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'distrusted'; readonly problem: ReceiptProblem | string };

/** One purchase or order of a batch. */
export interface RelayItem<Request, Reply, Answer> {
  readonly id: bigint;
  readonly request: Request;
  read(result: CallResult<Reply>): Finding<Answer>;
}

/** Answers in order. `state`: what is under way while there is none. */
export async function relay<Request, Reply, Answer>(
  state: string,
  items: readonly RelayItem<Request, Reply, Answer>[],
  ask: (requests: readonly Request[], signal: AbortSignal) => Promise<readonly CallResult<Reply>[]>,
  options: RelayOptions,
): Promise<(Answer | PendingAnswer | Refused)[]> {
  const { doubts, trace } = options;
  const first = items[0];
  if (first === undefined) return [];
  trace('before_effect', first.id, state);
  const requests = items.map(({ request }) => request);
  const results = await withinTime((signal) => ask(requests, signal), options.setTimer);
  trace('after_effect', first.id, state);
  const findings = items.map((item, i) => item.read(results[i]!));
  await checkAll(findings, options.checkSignatures);
  const concluded = findings.flatMap((finding) => (finding.kind === 'concluded' ? [finding.conclusion] : []));
  const failure = await write(first.id, state, concluded, options);
  return findings.map((finding, i) => {
    const { id } = items[i]!;
    if (finding.kind === 'unknown') return { kind: 'pending', state };
    if (finding.kind === 'distrusted') {
      doubts.add(id, state, finding.problem);
      return { kind: 'pending', state: `${state}_distrusted` };
    }
    doubts.end(id);
    return finding.kind === 'refused' ? finding.refusal : (failure ?? finding.conclusion.answer);
  });
}

/** Aborted after CASH_WAIT_MS: one timer a batch. */
async function withinTime<Result>(
  ask: (signal: AbortSignal) => Promise<Result>,
  setTimer: SetTimer,
): Promise<Result> {
  const waiting = new AbortController();
  const cancel = setTimer(() => waiting.abort(), CASH_WAIT_MS);
  try {
    return await ask(waiting.signal);
  } finally {
    cancel();
  }
}

/** Conclusions whose signature is not good are distrusted. */
async function checkAll(findings: Finding<unknown>[], checkSignatures: CheckCashSignatures): Promise<void> {
  const places: number[] = [];
  const signed: CashSigned[] = [];
  findings.forEach((finding, place) => {
    if (finding.kind !== 'concluded') return;
    places.push(place);
    signed.push(finding.conclusion.signed);
  });
  if (places.length === 0) return;
  const problems = await checkSignatures(signed);
  places.forEach((place, i) => {
    const problem = problems[i];
    if (problem !== undefined) findings[place] = { kind: 'distrusted', problem };
  });
}

/** A refusal after which the shop asks again: what is not written is not told. */
async function write(
  first: bigint,
  state: string,
  concluded: readonly Conclusion<unknown>[],
  { store, trace, log }: RelayOptions,
): Promise<Refused | undefined> {
  if (concluded.length === 0) return undefined;
  try {
    trace('before_write', first, state);
    await writeTrades(
      store,
      concluded.map(({ trade }) => trade),
    );
    trace('after_write', first, state);
    return undefined;
  } catch (error) {
    if (error instanceof StoreError && error.code === 'store_full') {
      return refuse('storage_full', 'nothing was stored, the disk is full');
    }
    if (error instanceof StoreError && error.code === 'store_busy') return refuse('busy', error.what);
    log.error({ count: concluded.length, error: String(error) }, 'trades could not be written');
    return refuse('internal_error', 'the outcome could not be written');
  }
}
