// Purses that devices close: the closing is checked here, done by cash, and noted in the registry. Asked again, cash answers
// the same.
import type { SetTimer } from '../../shared/timer.ts';
import type { RoleStore, StoreReads } from '../../store/store.ts';
import type { CashRefusal } from '../cash/errors.ts';
import type { ClosePurseAnswer } from '../cash/purse-messages.ts';
import type { BatchCrypto } from '../common/batch-crypto.ts';
import { type CommonRefusal, Refusal } from '../common/refusal.ts';
import { PURSE_PAYMENTS_MAX, PurseClosing } from '../documents/purse.ts';
import { type Refused, refuse, signatureInvalid } from './check.ts';
import { write } from './devices.ts';
import type { Doubts } from './doubts.ts';
import type { CashClient } from './interface.ts';
import type { DevicePeer } from './peers.ts';
import { type AskersOptions, purseAskers } from './purse-askers.ts';
import type { ClosePurseManagementAnswer, ClosePurseRequest } from './purse-messages.ts';
import { findPurse, type PurseRecord, putPurse } from './purse-registry.ts';
import { CASH_WAIT_MS } from './relay.ts';
import { within } from './within.ts';

export interface ClosingOptions extends AskersOptions {
  readonly store: RoleStore;
  readonly cash: Pick<CashClient, 'closePurse'>;
  readonly crypto: BatchCrypto;
  readonly doubts: Doubts;
  readonly clock: () => bigint;
  readonly setTimer: SetTimer;
}

const CLOSING = 'closing_purse';

/** One promise a message, in order. */
export function closePurses(
  messages: readonly ClosePurseRequest[],
  peers: readonly DevicePeer[],
  options: ClosingOptions,
): readonly Promise<ClosePurseManagementAnswer | Refused>[] {
  const { store, crypto, clock } = options;
  const mayAsk = purseAskers(clock(), options);
  const looked = messages.map(
    ({ closing: { document } }, i) =>
      mayAsk(peers[i]!) ?? checkClosing(document) ?? ownPurse(store, document.purse, peers[i]!),
  );
  const unverified = [...looked.keys()].filter((i) => !(looked[i] instanceof Refusal));
  const verdicts = (async () =>
    crypto.verifyBatch(
      unverified.map((i) => {
        const { document, signature } = messages[i]!.closing;
        const { signingKey } = looked[i] as PurseRecord;
        return { publicKey: signingKey, message: PurseClosing.signedBytes(document), signature };
      }),
    ))();
  const placeOf = new Map(unverified.map((i, n) => [i, n]));
  return messages.map(async (message, i) => {
    const record = looked[i]!;
    if (record instanceof Refusal) return record;
    return (await verdicts)[placeOf.get(i)!] ? close(message, options) : signatureInvalid();
  });
}

/** Whoever asks for another's purse learns no more of it than of one that there is not. */
export function ownPurse(reads: StoreReads, purse: bigint, { device }: DevicePeer): PurseRecord | Refused {
  const record = findPurse(reads, purse);
  return record?.device === device
    ? record
    : refuse('purse_unknown', `purse: expected one of the device that asks, got ${purse}`);
}

function checkClosing({ lastSequence, total }: PurseClosing): Refused | undefined {
  if (lastSequence > BigInt(PURSE_PAYMENTS_MAX)) {
    return refuse('malformed', `lastSequence: expected at most ${PURSE_PAYMENTS_MAX}, got ${lastSequence}`);
  }
  const isPossible = lastSequence === 0n ? total === 0n : total >= lastSequence;
  return isPossible
    ? undefined
    : refuse('malformed', `total: expected that of ${lastSequence} payments, got ${total}`);
}

async function close(
  request: ClosePurseRequest,
  { store, cash, doubts, setTimer }: ClosingOptions,
): Promise<ClosePurseManagementAnswer | Refused> {
  const { purse, lastSequence } = request.closing.document;
  const result = (await within(CASH_WAIT_MS, cash.closePurse(request), setTimer)) ?? {
    kind: 'unknown' as const,
  };
  if (result.kind === 'unknown') return { kind: 'pending' };
  const told =
    result.kind === 'refused' ? ofRefusal(result.refusal.code) : ofAnswer(result.answer, lastSequence);
  if (typeof told === 'string') {
    doubts.add(purse, CLOSING, told);
    return { kind: 'pending' };
  }
  doubts.end(purse);
  if (told instanceof Refusal) return told;
  if (told.kind === 'closed') await noteClosed(store, purse, told);
  return { kind: 'answered', answer: told };
}

/** What cash alone knows of the purse, and may refuse a closing for. Nothing was closed. */
const DEFINITE: { readonly [code in CashRefusal | CommonRefusal]?: Refused } = {
  purse_cheated: refuse('purse_cheated', 'purse: expected one that has not cheated: it ends by itself'),
  request_differs: refuse('request_differs', 'closing: expected the one that the purse was closed with'),
  amount_mismatch: refuse('amount_mismatch', "total: expected the sum of the purse's payments, got another"),
};

/** A text: why cash cannot be right, as management has checked the closing itself. */
const ofRefusal = (code: CashRefusal | CommonRefusal): Refused | string => DEFINITE[code] ?? code;

function ofAnswer(answer: ClosePurseAnswer, lastSequence: bigint): ClosePurseAnswer | string {
  if (answer.kind === 'closed') return answer;
  const { sequences } = answer;
  const last = Number(lastSequence);
  const isOfIt = sequences.every((sequence, i) => sequence > (sequences[i - 1] ?? 0) && sequence <= last);
  return isOfIt && sequences.length > 0 ? answer : 'unreported_of_other_closing';
}

async function noteClosed(
  store: RoleStore,
  purse: bigint,
  { timestamp: at, released }: ClosePurseAnswer & { readonly kind: 'closed' },
): Promise<void> {
  if (findPurse(store, purse)?.closed !== undefined) return;
  await store.transaction((tx) => {
    const record = findPurse(tx, purse)!;
    for (const put of putPurse(purse, { ...record, closed: { at, released } })) write(tx, put);
  });
}
