// The operation `close_purse`: what is left of a purse goes back to its device.
//
//     check ─▶ the purse's signature ─▶ queue: all payments are settled, their sum is right ─▶ released
import { equalBytes } from '../../identity/binary-text.ts';
import { Refusal } from '../common/refusal.ts';
import { PurseClosing } from '../documents/purse.ts';
import type { CashRefused } from './check.ts';
import type { CashParts } from './interface.ts';
import { findOpened, type PurseRecord } from './purse-book.ts';
import {
  checkClosing,
  closingDiffers,
  purseCheated,
  purseUnknown,
  readable,
  signatureOfPurseInvalid,
  totalMismatch,
} from './purse-check.ts';
import type { Job } from './purse-desk.ts';
import type { DraftPurse } from './purse-draft.ts';
import type { ClosePurseAnswer, ClosePurseRequest } from './purse-messages.ts';
import { close, type Rules } from './purse-rules.ts';

type Answer = ClosePurseAnswer | CashRefused;

/** One answer a request, in order. @throws RequestError, StoreError, CryptoError: the same requests may come again */
export async function closePurses(
  requests: readonly ClosePurseRequest[],
  parts: CashParts,
): Promise<Answer[]> {
  const known = requests.map((request) => recordOf(request, parts));
  const answers: (Answer | undefined)[] = known.map((one) => (one instanceof Refusal ? one : undefined));
  const places = [...known.keys()].filter((i) => answers[i] === undefined);
  if (places.length === 0) return answers as Answer[];
  const verdicts = await parts.verifyBatch(
    places.map((i) => {
      const { document, signature } = requests[i]!.closing;
      const { signingKey: publicKey } = known[i] as PurseRecord;
      return { publicKey, message: PurseClosing.signedBytes(document), signature };
    }),
  );
  const good = places.filter((place, i) => {
    if (!verdicts[i]) answers[place] = signatureOfPurseInvalid();
    return verdicts[i];
  });
  const done = await parts.purses.add(good.map((i) => jobOf(requests[i]!)));
  good.forEach((place, i) => {
    answers[place] = done[i]!;
  });
  return answers as Answer[];
}

function recordOf(
  { closing: { document } }: ClosePurseRequest,
  { store, log }: CashParts,
): PurseRecord | CashRefused {
  const { purse } = document;
  return (
    checkClosing(document) ?? readable(() => findOpened(store, purse), purse, log) ?? purseUnknown(purse)
  );
}

function jobOf({ closing }: ClosePurseRequest): Job<ClosePurseAnswer> {
  const number = closing.document.purse;
  return {
    purses: [number],
    givesBack: true,
    run(rules) {
      const purse = rules.draft.findOpened(number)!;
      return purse.record.state === 'open'
        ? closeOpen(rules, purse, closing)
        : () => closedOf(purse, closing);
    },
  };
}

function closeOpen(
  rules: Rules,
  purse: DraftPurse,
  closing: ClosePurseRequest['closing'],
): () => ClosePurseAnswer | CashRefused {
  const against = close(rules, purse, closing);
  if (against === undefined) return () => closedOf(purse, closing);
  if (against === 'cheated') return () => purseCheated(purse.number);
  if (against === 'total') return () => totalMismatch(purse.number);
  return () => ({ kind: 'unreported', sequences: against });
}

/** One that has ended by itself was closed as well as it could be. */
function closedOf(
  { number, record }: DraftPurse,
  closing: ClosePurseRequest['closing'],
): ClosePurseAnswer | CashRefused {
  const { closing: first, isCheated, released, releasedAt: timestamp } = record;
  if (first !== undefined && !equalBytes(bytesOf(first.document), bytesOf(closing.document))) {
    return closingDiffers(number);
  }
  return isCheated && first === undefined ? purseCheated(number) : { kind: 'closed', released, timestamp };
}

const bytesOf = (closing: PurseClosing): Uint8Array => PurseClosing.codec.encode(closing);
