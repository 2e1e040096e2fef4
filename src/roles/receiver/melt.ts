// Melting (NUT-05): notes in, money to a device or a shop, by a taking that a quote stands for.
//
//     quote ─ attempt 0 ─▶ taking ─┬─▶ taken: PAID
//                                  ╰─▶ rejected: UNPAID, the notes are free ─ attempt 1 ─▶ …
//
// Each attempt is a request of its own: cash, which has rejected one, never does it. They are named by what is hashed, so that
// after a crash the same attempt is found again.
import { sha256 } from '../../crypto/index.ts';
import { badRequest, busy, type MintRefused, refused } from '../../mint/errors.ts';
import { quoteRefused } from '../../mint/mint.ts';
import type { AskedMelt, MeltBackend, MeltOrder, MeltTerms } from '../../mint/service.ts';
import { u8, u128 } from '../../shared/codec.ts';
import { Refusal } from '../common/refusal.ts';
import { decodeNotePayee, type NotePayee, NotePayeeError } from '../documents/note-payee.ts';
import { takingTermsMessage } from '../documents/taking-terms.ts';
import type { Standing, Submission } from '../flow/flow.ts';
import type { TakingState } from './flow.ts';
import { NANOSECONDS_A_MILLISECOND } from './limits.ts';
import type { TakingParts } from './parts.ts';

/** Attempts to melt for one quote. Beyond: refused, a new quote costs nothing. */
export const ATTEMPTS_MAX = 16;
const ID_BYTES = 16;
const TAG = new TextEncoder().encode('specie melt v1\0');

/** Below 2^127, where no id of cash's own is. */
export function attemptId(quote: bigint, attempt: number): bigint {
  const digest = sha256(Buffer.concat([TAG, u128.encode(quote), u8.encode(attempt)]));
  return BigInt(`0x${Buffer.from(digest.subarray(0, ID_BYTES)).toString('hex')}`) >> 1n;
}

export function meltBackend(parts: TakingParts): MeltBackend {
  const { store, runner, takings, book, quotes, units, limits, clock } = parts;

  function meltTerms({ request, unit, amount }: AskedMelt): MeltTerms {
    payeeOf(request);
    if (units.currencyOf(unit) === undefined) throw refused('unit_not_supported');
    if (amount === undefined) throw refused('amountless_request');
    return { amount };
  }

  async function melt(order: MeltOrder): Promise<'paid' | 'pending'> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const id = attemptId(order.number, attempt);
      const before = runner.lookup(id);
      if (before !== undefined && isOver(before)) continue;
      // Looked at before it is remembered for ever: notes that somebody else holds may be free again soon.
      if (before === undefined) throwRefusal(order);
      const [submitted] = runner.submit(takings, [submission(order, id)], limits.answerWithinMs);
      return resultOf(await submitted!);
    }
    throw refused('payment_failed', `quote: expected at most ${ATTEMPTS_MAX} attempts`);
  }

  function throwRefusal({ number, notes }: MeltOrder): void {
    const record = quotes.read(store, number);
    if (record?.state === 'unpaid' && record.expiry <= clock() / 1_000_000_000n)
      throw quoteRefused('quote_expired');
    const conflict = book.conflict(
      store,
      notes.map(({ noteId }) => noteId),
      number,
    );
    if (conflict !== undefined)
      throw quoteRefused(conflict.taken.state === 'spent' ? 'notes_spent' : 'notes_pending');
  }

  function submission(order: MeltOrder, id: bigint): Submission<TakingState> {
    const { number, request, unit, amount, notes } = order;
    const payee = payeeOf(request);
    const currency = units.currencyOf(unit);
    if (currency === undefined) throw refused('unit_not_supported');
    const ids = notes.map(({ noteId }) => noteId);
    const reference = sha256(takingTermsMessage({ request: id, amount, currency, notes: ids }));
    return {
      id,
      // What it is over says what is melted for which attempt of which quote.
      digest: reference,
      admit(tx) {
        const now = clock();
        const refusal = quotes.begin(tx, { number, notes }, now);
        if (refusal !== undefined) return new Refusal(refusal, `quote: ${refusal}`);
        const taking = {
          ...{ payee, amount, currency, reference, requestDigest: reference, notes: ids, quote: number },
          applyBy: now + BigInt(limits.meltWithinMs) * NANOSECONDS_A_MILLISECOND,
        };
        return { kind: 'taking', taking, distrusted: undefined };
      },
    };
  }

  return { meltTerms, melt };
}

const isOver = ({
  state,
  refusal,
}: {
  readonly state: unknown;
  readonly refusal: Refusal | undefined;
}): boolean => refusal !== undefined || (state as TakingState).kind === 'rejected';

function payeeOf(request: string): NotePayee {
  try {
    return decodeNotePayee(request);
  } catch (error) {
    if (error instanceof NotePayeeError) throw badRequest(error.message);
    throw error;
  }
}

function resultOf(standing: Standing<TakingState> | Refusal): 'paid' | 'pending' {
  if (standing instanceof Refusal) throw refusalOf(standing);
  switch (standing.state.kind) {
    case 'taken':
      return 'paid';
    case 'taking':
      return 'pending';
    case 'rejected':
      throw refused('payment_failed', `cash rejects it: ${standing.state.reason}`);
  }
}

function refusalOf({ code, message }: Refusal): MintRefused {
  switch (code) {
    case 'quote_unknown':
    case 'quote_expired':
    case 'quote_pending':
    case 'already_paid':
    case 'notes_spent':
    case 'notes_pending':
      return quoteRefused(code);
    case 'request_differs':
      return quoteRefused('quote_pending');
    default:
      return busy(message);
  }
}
