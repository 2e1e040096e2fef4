// Notes that the receiver has taken in, as money: everything that arrived while the last batch was being opened is one batch.
//
//     check ─▶ expired? ─▶ who is the payee ─┬─ a shop ─────────────────────▶ its exchange account ─┐
//                                            ├─ a device ─▶ open the seals ─▶ its account ──────────┴─▶ book (book-notes.ts)
//                                            └─ nobody, or one who gets nothing ─▶ no account: rejected, for good
//
// The receiver does not give notes back before it has a rejection, so whatever is certain is a rejection. A refusal is left for
// a seal whose key cash does not know: it may come to know it. From `applyBy` on that is a rejection too.
// A device that is blocked gets its money, one that was replaced by way of its successor, as with refunds. The receiver
// learns of none of this; a rejection may tell it that an address leads nowhere.
import { sha256 } from '../../crypto/index.ts';
import { Refusal } from '../common/refusal.ts';
import { PayeeContent, payeeSealInfo, type SealedPayee } from '../documents/note-payee.ts';
import { exchangeAccountId, systemAccountId, TransferCode } from './accounts.ts';
import {
  type Answers,
  bookNotes,
  lookForBooked,
  type NoteBooking,
  type NotesResult,
  rejectedBefore,
} from './book-notes.ts';
import { type CashRefused, currencyNotOffered } from './check.ts';
import { checkReceiveNotes, payeeKeyUnknown } from './check-notes.ts';
import { successorOf } from './device-terms.ts';
import type { CashRefusal } from './errors.ts';
import { findDevice, findShop } from './find-holder.ts';
import type { CashParts } from './interface.ts';
import { MicroBatches } from './micro-batches.ts';
import { type CheckPayeeAnswer, type CheckPayeeRequest, ReceiveNotesRequest } from './note-messages.ts';
import { type Opened, openSeals } from './open-seals.ts';
import type { Shop } from './shops.ts';

/** 35 ms of seals on one core. */
const TAKINGS_AT_A_TIME_MAX = 1_024;

/**
 * Books what it is given: one answer a request, in order. A Refusal means that nothing was booked now.
 * Rejects with RequestError, CryptoError: nothing is known of any of them; the same requests may come again.
 */
export function notesReceiver(
  parts: CashParts,
): (requests: readonly ReceiveNotesRequest[]) => Promise<readonly NotesResult[]> {
  const batches = new MicroBatches<ReceiveNotesRequest, NotesResult>(
    (requests, release) => receive(requests, parts, release),
    TAKINGS_AT_A_TIME_MAX,
  );
  return (requests) => batches.add(requests);
}

/** Where the money goes, why nowhere, or that this is not known yet. */
type Payee =
  | { readonly account: bigint; readonly device: bigint; readonly shop?: Shop }
  | { readonly against: string }
  | CashRefused;

/** @param release the next batch may be opened */
async function receive(
  requests: readonly ReceiveNotesRequest[],
  parts: CashParts,
  release: () => void,
): Promise<NotesResult[]> {
  const answers: Answers = new Array(requests.length).fill(undefined);
  const places = placesOf(requests, parts, answers);
  const payees = await payeesOf(
    places.map((index) => requests[index]!),
    parts,
  );
  const digests = sha256.batch(places.map((index) => ReceiveNotesRequest.encode(requests[index]!)));
  const known: NoteBooking[] = [];
  const unknown: { readonly booking: NoteBooking; readonly refusal: CashRefused }[] = [];
  places.forEach((index, i) => {
    const payee = payees[i]!;
    const booking = bookingOf(index, requests[index]!, digests[i]!, payee);
    if (payee instanceof Refusal) unknown.push({ booking, refusal: payee });
    else known.push(booking);
  });
  await parts.exchangeAccounts.open(
    payees.flatMap((payee, i) => {
      if (payee instanceof Refusal || !('shop' in payee) || payee.shop === undefined) return [];
      return [{ shop: payee.shop, currency: requests[places[i]!]!.currency }];
    }),
  );
  const booked = bookNotes(known, parts, answers);
  release();
  const refusals = new Map(unknown.map(({ booking, refusal }) => [booking, refusal]));
  await Promise.all([
    booked,
    lookForBooked([...refusals.keys()], parts, answers, (booking) => {
      return rejectedBefore(booking, parts) ?? refusals.get(booking)!;
    }),
  ]);
  return answers as NotesResult[];
}

/** Of those that may be booked as far as the message says. */
function placesOf(requests: readonly ReceiveNotesRequest[], parts: CashParts, answers: Answers): number[] {
  return [...requests.keys()].filter((index) => {
    const request = requests[index]!;
    const { currency } = request;
    const refused =
      checkReceiveNotes(request) ??
      (parts.terms.has(currency) ? undefined : currencyNotOffered([...parts.terms.keys()], currency));
    if (refused !== undefined) answers[index] = refused;
    return refused === undefined;
  });
}

/** Nothing is booked, and nothing kept. */
export async function checkPayees(
  requests: readonly CheckPayeeRequest[],
  parts: CashParts,
): Promise<(CheckPayeeAnswer | CashRefused)[]> {
  const payees = await payeesOf(
    requests.map((request) => ({ ...request, applyBy: MAX_U64 })),
    parts,
  );
  return payees.map((payee): CheckPayeeAnswer | CashRefused => {
    if (payee instanceof Refusal)
      return payee.code === 'payment_seal_invalid'
        ? { kind: 'not_payable', reason: 'payee_key_unknown' }
        : payee;
    return 'against' in payee ? { kind: 'not_payable', reason: payee.against } : { kind: 'payable' };
  });
}

type Asked = Pick<ReceiveNotesRequest, 'payee' | 'currency' | 'applyBy'>;

async function payeesOf(requests: readonly Asked[], parts: CashParts): Promise<Payee[]> {
  const now = parts.clock();
  const payees: Payee[] = new Array(requests.length);
  const sealed: { readonly place: number; readonly seal: SealedPayee }[] = [];
  requests.forEach(({ payee, currency, applyBy }, place) => {
    if (applyBy <= now) payees[place] = { against: 'expired' };
    else if (payee.kind === 'shop') payees[place] = shopPayee(payee.shop, currency, parts);
    else sealed.push({ place, seal: payee.sealed });
  });
  const opened = await openSeals(
    sealed.map(({ seal }) => ({ ...seal, aad: NOTHING })),
    payeeSealInfo,
    parts,
  );
  sealed.forEach(({ place }, i) => {
    payees[place] = devicePayee(opened[i]!, requests[place]!.currency, parts);
  });
  return payees;
}

const NOTHING = new Uint8Array();
const MAX_U64 = 2n ** 64n - 1n;

function shopPayee(number: bigint, currency: number, parts: CashParts): Payee {
  const shop = findShop(number, parts);
  if (shop === undefined) return { against: 'shop_unknown' };
  if (shop instanceof Refusal) return shop;
  if (parts.shops.isClosed(number)) return { against: 'shop_closed' };
  if (!shop.accounts.has(currency)) return { against: 'currency_not_offered' };
  return { account: exchangeAccountId(number, currency), device: 0n, shop };
}

function devicePayee(opened: Opened, currency: number, parts: CashParts): Payee {
  if (opened === 'key_unknown') return payeeKeyUnknown();
  if (opened === 'invalid') return { against: 'payment_seal_invalid' };
  const content = PayeeContent.decode(opened);
  if (content.currency !== currency) return { against: 'currency_mismatch' };
  const number = successorOf(parts.store, content.device);
  const device = findDevice(number, parts);
  if (device === undefined) return { against: 'device_unknown' };
  if (device instanceof Refusal) return payeeDamaged();
  const account = device.accounts.get(currency)?.account;
  return account === undefined ? { against: 'currency_not_offered' } : { account, device: number };
}

/** The caller is not told which device it is. */
function payeeDamaged(): CashRefused {
  return new Refusal<CashRefusal>(
    'internal_error',
    'payee: expected the record of its device, got a damaged one',
  );
}

function bookingOf(
  index: number,
  { request, amount, currency, reference }: ReceiveNotesRequest,
  digest: Uint8Array,
  payee: Payee,
): NoteBooking {
  const notes = systemAccountId('notes', currency);
  const to = payee instanceof Refusal ? undefined : payee;
  return {
    ...{ index, request, amount, currency, reference, digest, orderDigest: reference },
    action: 'receive',
    code: TransferCode.note_receipt,
    debitAccount: notes,
    creditAccount: to !== undefined && 'account' in to ? to.account : undefined,
    ...(to !== undefined && 'against' in to ? { against: to.against } : {}),
    ownAccounts: [notes],
    device: to !== undefined && 'account' in to ? to.device : 0n,
  };
}
