// Melting (NUT-05): notes in, money to a device or a shop, by a taking that a quote stands for.
//
//     quote ─▶ payable? ─▶ taking, notes held: PENDING ─┬─▶ taken: PAID
//                  │                                    ╰─▶ rejected: the notes are free; that quote is over, as cash
//                  ╰─ no: refused, nothing is kept                                            will never do it
//
import { sha256 } from '../../crypto/index.ts';
import { badRequest, busy, type MintRefused, refused } from '../../mint/errors.ts';
import { quoteRefused } from '../../mint/mint.ts';
import type { QuoteRefusal } from '../../mint/quotes.ts';
import type { AskedMelt, MeltBackend, MeltOrder, MeltTerms } from '../../mint/service.ts';
import { u128 } from '../../shared/codec.ts';
import { Refusal } from '../common/refusal.ts';
import { decodeNotePayee, type NotePayee, NotePayeeError } from '../documents/note-payee.ts';
import { takingTermsMessage } from '../documents/taking-terms.ts';
import type { Standing, Submission } from '../flow/flow.ts';
import type { TakingState } from './flow.ts';
import { NANOSECONDS_A_MILLISECOND } from './limits.ts';
import type { TakingParts } from './parts.ts';

const ID_BYTES = 16;
const TAG = new TextEncoder().encode('specie melt v1\0');

/** The request that a quote is melted by: the same after a crash, and below 2^127, where no id of cash's own is. */
export function meltRequestId(quote: bigint): bigint {
  const digest = sha256(Buffer.concat([TAG, u128.encode(quote)]));
  return BigInt(`0x${Buffer.from(digest.subarray(0, ID_BYTES)).toString('hex')}`) >> 1n;
}

interface Late {
  refusal: QuoteRefusal | undefined;
}

export function meltBackend(parts: TakingParts): MeltBackend {
  const { store, runner, takings, book, quotes, units, limits, notPayable, clock } = parts;

  function meltTerms({ request, unit, amount }: AskedMelt): MeltTerms {
    payeeOf(request);
    if (units.currencyOf(unit) === undefined) throw refused('unit_not_supported');
    if (amount === undefined) throw refused('amountless_request');
    return { amount };
  }

  async function melt(order: MeltOrder): Promise<'paid' | 'pending'> {
    const id = meltRequestId(order.number);
    // Whose notes are gone gets no look at cash.
    const isNew = quotes.read(store, order.number)?.state === 'unpaid';
    const ids = order.notes.map(({ noteId }) => noteId);
    if (isNew && book.conflict(store, ids) === undefined) await expectPayable(order);
    const late: Late = { refusal: undefined };
    const [submitted] = runner.submit(takings, [submission(order, id, late)], limits.answerWithinMs);
    const standing = await submitted!;
    if (late.refusal !== undefined) throw quoteRefused(late.refusal);
    return resultOf(standing);
  }

  async function expectPayable({ request, unit }: MeltOrder): Promise<void> {
    const reason = await notPayable(payeeOf(request), currencyOf(unit));
    if (reason !== undefined) throw refused('payment_failed', `cash would reject it: ${reason}`);
  }

  function currencyOf(unit: string): number {
    const currency = units.currencyOf(unit);
    if (currency === undefined) throw refused('unit_not_supported');
    return currency;
  }

  /** @param late why it was not admitted: others have come first */
  function submission(order: MeltOrder, id: bigint, late: Late): Submission<TakingState> {
    const { number, request, unit, amount, notes } = order;
    const payee = payeeOf(request);
    const currency = currencyOf(unit);
    const ids = notes.map(({ noteId }) => noteId);
    const reference = sha256(takingTermsMessage({ request: id, amount, currency, notes: ids }));
    return {
      id,
      // It names quote, amount and notes.
      digest: reference,
      admit(tx) {
        const now = clock();
        late.refusal = quotes.begin(tx, { number, notes }, now);
        // Not remembered: notes that somebody else holds may be free again soon.
        if (late.refusal !== undefined) return new Refusal('busy', late.refusal);
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
  return code === 'request_differs' ? quoteRefused('quote_pending') : busy(message);
}
