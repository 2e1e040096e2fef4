// What a taking must be before anything is stored or asked: one function a rule, in the order of their precedence. The refusals
// are definite and leave no trace; a request that is known already is not checked again.

import type { MintKeysets } from '../../mint/keysets.ts';
import { feeOf } from '../../notes/amounts.ts';
import type { PublicKeyset } from '../../notes/keyset.ts';
import { checkReceiveNotes } from '../cash/check-notes.ts';
import { Refusal } from '../common/refusal.ts';
import type { PlainNote } from '../documents/notes.ts';
import type { ReceiverRefusal } from './errors.ts';
import { NANOSECONDS_A_MILLISECOND, type ReceiverLimits } from './limits.ts';
import type { TakeNotesRequest } from './messages.ts';
import type { ShopPeer } from './peers.ts';

export type Refused = Refusal<ReceiverRefusal>;

const refuse = (code: Refused['code'], message: string): Refused => new Refusal(code, message);

/** The caller's own account; devices are paid by a melt. */
export function checkPayee({ payee }: TakeNotesRequest, peer: ShopPeer): Refused | undefined {
  if (payee.kind === 'shop' && payee.shop === peer.shop) return undefined;
  return refuse('payee_not_permitted', `payee: expected shop ${peer.shop}, which asks, got another`);
}

/** What cash would refuse for ever: notes would be held for nothing. */
export function checkForCash(request: TakeNotesRequest): Refused | undefined {
  const refused = checkReceiveNotes({ ...request, reference: NOTHING });
  return refused && refuse('malformed', refused.message);
}

/** @param unit of the currency; undefined: it is not offered */
export function checkOffered({ currency }: TakeNotesRequest, unit: string | undefined): Refused | undefined {
  if (unit !== undefined) return undefined;
  return refuse('currency_not_offered', `currency: expected one that is offered, got ${currency}`);
}

/** @param now Unix seconds */
export function checkNotes(
  notes: readonly PlainNote[],
  unit: string,
  keysets: MintKeysets,
  now: bigint,
): Refused | undefined {
  if (notes.length === 0) return refuse('note_invalid', 'notes: expected at least one, got none');
  const seen = new Set<string>();
  for (const [i, { amount, keysetId, secret }] of notes.entries()) {
    const keyset = keysets.get(keysetId);
    if (keyset === undefined || keyset.unit !== unit || isExpired(keyset, now))
      return refuse(
        'keyset_unknown',
        `notes[${i}]: expected a keyset of ${unit} that is taken in, got another`,
      );
    if (!keyset.keys.has(amount))
      return refuse('note_invalid', `notes[${i}]: expected an amount of its keyset, got ${amount}`);
    if (!isPlain(secret))
      return refuse('note_invalid', `notes[${i}]: expected one without conditions, got one with some`);
    if (seen.has(secret))
      return refuse('note_invalid', `notes[${i}]: expected one that was not there before, got it twice`);
    seen.add(secret);
  }
  return undefined;
}

const isExpired = ({ finalExpiry }: PublicKeyset, now: bigint): boolean =>
  finalExpiry !== undefined && finalExpiry > 0n && finalExpiry <= now;

/** NUT-10: a secret with conditions is a list in JSON. Whoever holds one swaps it first. */
export const isPlain = (secret: string): boolean => !/^\s*\[/.test(secret);

export function checkSum(
  { amount }: TakeNotesRequest,
  notes: readonly PlainNote[],
  keysets: MintKeysets,
): Refused | undefined {
  const fees = feeOf(notes, new Map(notes.map(({ keysetId }) => [keysetId, keysets.get(keysetId)!])));
  let sum = 0n;
  for (const note of notes) sum += note.amount;
  if (sum === amount + fees) return undefined;
  return refuse('amounts_mismatch', `notes: expected ${amount} and a fee of ${fees}, got ${sum}`);
}

export function noteNotSigned(place: number): Refused {
  return refuse('note_invalid', `notes[${place}]: expected the mint's signature, got another`);
}

/** In the transaction that admits it: from then on nothing is done. */
export function checkTime(
  { applyBy }: Pick<TakeNotesRequest, 'applyBy'>,
  now: bigint,
  { applyByAheadMaxMs }: Pick<ReceiverLimits, 'applyByAheadMaxMs'>,
): Refused | undefined {
  if (now >= applyBy) return refuse('expired', `applyBy: expected a time to come, got ${applyBy} at ${now}`);
  const latest = now + BigInt(applyByAheadMaxMs) * NANOSECONDS_A_MILLISECOND;
  if (applyBy <= latest) return undefined;
  return refuse('malformed', `applyBy: expected at most ${latest}, got ${applyBy}`);
}

const NOTHING = new Uint8Array(32);
