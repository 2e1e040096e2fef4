// Books what notes move, whoever may ask for it: one batch of the ledger, which is the memory of it all.
//
//     bookings ─▶ ledger ─┬─ created, exists ───────────────▶ receipt
//                         ├─ refused, id used up ─▶ registry ─▶ rejection
//                         └─ another transfer of this id ─▶ look at it
//                              ├─ of the same request ───────▶ receipt
//                              ├─ of another one of theirs ──▶ request_differs
//                              └─ of something else ─────────▶ rejection
//
// The request's id is the transfer's and its digest the transfer's mark (user_data_128), so the ledger itself makes sure that a
// request counts once; nothing is written beside it for one that is done. What a rule is against is booked to an account
// that does not exist: the ledger's refusal uses up the id, so that a rejection is for good whatever comes first, and
// one that was done before has its receipt, the same to the byte.
import type { CreateTransferStatusName, Transfer } from '../../layout/generated.ts';
import { readU128 } from '../../shared/bytes.ts';
import type { CreateTransferResult } from '../../wire/results.ts';
import { Refusal } from '../common/refusal.ts';
import { NoteReceipt, NoteRejection } from '../documents/note-order.ts';
import { noAccountId, TransferCode } from './accounts.ts';
import type { CashRefused } from './check.ts';
import type { CashRefusal } from './errors.ts';
import { refusalOf } from './failures.ts';
import type { CashParts } from './interface.ts';
import type { NotesBookedAnswer } from './note-messages.ts';
import type { RejectionRecord } from './registry.ts';

export type NotesResult = NotesBookedAnswer | CashRefused;
/** By the places of their requests. */
export type Answers = (NotesResult | undefined)[];

export interface NoteBooking {
  /** Of the request, and of its answer. */
  readonly index: number;
  readonly request: bigint;
  readonly code: number;
  readonly debitAccount: bigint;
  /** undefined: a rule, or time, is against it. */
  readonly creditAccount: bigint | undefined;
  /** Which one. */
  readonly against?: string;
  readonly amount: bigint;
  readonly currency: number;
  /** SHA-256 of all that was asked for. */
  readonly digest: Uint8Array;
  /** Of the transfers that debit these it is known that the one who asks has asked for them. */
  readonly ownAccounts: readonly bigint[];
  /** For an operator's look-up; 0: none. */
  readonly device: bigint;
  /** What receipt and rejection say. */
  readonly action: NoteReceipt['action'];
  readonly reference: Uint8Array;
  readonly orderDigest: Uint8Array;
}

type Outcome = 'done' | 'rejected' | 'compare';

/** What follows from a status. Every other one means that cash has made a transfer that it never should make. */
const OUTCOMES: { readonly [status in CreateTransferStatusName]?: Outcome } = {
  created: 'done',
  exists: 'done',
  exists_with_different_flags: 'compare',
  exists_with_different_pending_id: 'compare',
  exists_with_different_timeout: 'compare',
  exists_with_different_debit_account_id: 'compare',
  exists_with_different_credit_account_id: 'compare',
  exists_with_different_amount: 'compare',
  exists_with_different_user_data_128: 'compare',
  exists_with_different_user_data_64: 'compare',
  exists_with_different_user_data_32: 'compare',
  exists_with_different_ledger: 'compare',
  exists_with_different_code: 'compare',
  id_already_failed: 'rejected',
  debit_account_not_found: 'rejected',
  credit_account_not_found: 'rejected',
  debit_account_already_closed: 'rejected',
  credit_account_already_closed: 'rejected',
  exceeds_credits: 'rejected',
  exceeds_debits: 'rejected',
  exceeds_credit_limit: 'rejected',
  exceeds_debit_limit: 'rejected',
};

/** Somebody else's transfer has the id: whoever sees one can take it. */
const REQUEST_TAKEN = 'request_taken';

const NOTE_CODES: readonly number[] = [TransferCode.note_issue, TransferCode.note_receipt, TransferCode.fund];

/** Fills in the bookings' answers. @throws RequestError: nothing is known of any of them */
export async function bookNotes(
  bookings: readonly NoteBooking[],
  parts: CashParts,
  answers: Answers,
): Promise<void> {
  if (bookings.length === 0) return;
  const results = await parts.ledger.createTransfers(bookings.map(transferOf));
  const refused: { readonly booking: NoteBooking; readonly result: CreateTransferResult }[] = [];
  const unclear: NoteBooking[] = [];
  bookings.forEach((booking, i) => {
    const result = results[i]!;
    const { status, timestamp } = result;
    switch (status === 'unknown' ? undefined : OUTCOMES[status]) {
      case 'done':
        answers[booking.index] = done(booking, timestamp, parts);
        break;
      case 'rejected':
        refused.push({ booking, result });
        break;
      case 'compare':
        unclear.push(booking);
        break;
      default:
        parts.log.error({ ...described(booking), status }, 'notes not booked');
        answers[booking.index] = new Refusal<CashRefusal>(
          'internal_error',
          `expected the ledger to book it, got ${status}`,
        );
    }
  });
  await remember(refused, parts, answers);
  await lookForBooked(unclear, parts, answers, (booking, there) => conflict(booking, there, parts));
}

function transferOf(booking: NoteBooking): Partial<Transfer> {
  const { request, code, debitAccount, creditAccount, amount, currency } = booking;
  return {
    id: request,
    debitAccountId: debitAccount,
    creditAccountId: creditAccount ?? noAccountId(currency),
    amount,
    userData128: markOf(booking),
    ledger: currency,
    code,
  };
}

/** The first half of the digest. */
function markOf({ digest }: NoteBooking): bigint {
  return readU128(new DataView(digest.buffer, digest.byteOffset), 0);
}

function done(booking: NoteBooking, timestamp: bigint, { signers }: CashParts): NotesBookedAnswer {
  const { request, action, amount, currency, reference } = booking;
  const content = { request, action, amount, currency, reference, timestamp };
  return { kind: 'done', receipt: signers.sign(NoteReceipt, content, timestamp) };
}

function rejected(
  { request, orderDigest }: NoteBooking,
  { reason, at }: Pick<RejectionRecord, 'reason' | 'at'>,
  { signers }: CashParts,
): NotesBookedAnswer {
  const content = { request, orderDigest, reason, rejectedAt: at };
  return { kind: 'rejected', rejection: signers.sign(NoteRejection, content, at) };
}

/** The reason that was answered first stays. What cannot be kept now is not answered now; the rest of the batch is. */
async function remember(
  refused: readonly { readonly booking: NoteBooking; readonly result: CreateTransferResult }[],
  parts: CashParts,
  answers: Answers,
): Promise<void> {
  if (refused.length === 0) return;
  const { registry, log } = parts;
  try {
    const remembered = await registry.notesRejected(
      refused.map(({ booking, result: { status, timestamp: at } }) => {
        const { request, device, amount, currency, digest: orderDigest, against: reason = status } = booking;
        return { request, device, amount, currency, orderDigest, reason, at };
      }),
    );
    refused.forEach(({ booking }, i) => {
      answers[booking.index] = rejected(booking, remembered[i]!, parts);
    });
  } catch (error) {
    const refusal = refusalOf(error, log);
    for (const { booking } of refused) answers[booking.index] = refusal;
  }
}

/** The account that was credited is left out: a device may have been replaced since. */
const SAME = ['debitAccountId', 'amount', 'userData128', 'ledger', 'code', 'flags'] as const;

/** Answers what was decided before; of the others `otherwise` decides. Nothing is booked. */
export async function lookForBooked(
  bookings: readonly NoteBooking[],
  parts: CashParts,
  answers: Answers,
  otherwise: (booking: NoteBooking, there: Transfer | undefined) => NotesResult,
): Promise<void> {
  if (bookings.length === 0) return;
  try {
    const found = await parts.ledger.lookupTransfers(bookings.map(({ request }) => request));
    const byId = new Map(found.map((transfer) => [transfer.id, transfer]));
    for (const booking of bookings) {
      const wanted = { ...transferOf(booking), flags: 0 };
      const there = byId.get(booking.request);
      const isThis = there !== undefined && SAME.every((field) => there[field] === wanted[field]);
      answers[booking.index] = isThis ? done(booking, there.timestamp, parts) : otherwise(booking, there);
    }
  } catch (error) {
    const refusal = refusalOf(error, parts.log);
    for (const { index } of bookings) answers[index] = refusal;
  }
}

/** The rejection of one that was rejected before. */
export function rejectedBefore(booking: NoteBooking, parts: CashParts): NotesBookedAnswer | undefined {
  const record = parts.registry.noteRejectionOf(booking.request, booking.digest);
  return record && rejected(booking, record, parts);
}

function conflict(booking: NoteBooking, there: Transfer | undefined, parts: CashParts): NotesResult {
  // The ledger never loses a transfer, but this is no place to rely on it.
  const isOwn =
    there === undefined ||
    (NOTE_CODES.includes(there.code) && booking.ownAccounts.includes(there.debitAccountId));
  if (isOwn) {
    return new Refusal<CashRefusal>(
      'request_differs',
      `request ${booking.request}: expected what was asked for before, got something else`,
    );
  }
  parts.log.error(described(booking), 'the id of a request about notes is that of another transfer');
  return rejected(booking, { reason: REQUEST_TAKEN, at: there.timestamp }, parts);
}

function described({ request, action, amount, currency }: NoteBooking): Record<string, unknown> {
  return { request: String(request), action, amount: String(amount), currency };
}
