// Orders of shops that deal in notes, as the issuer passes them on: everything that arrived while the last batch was being
// verified is one batch.
//
//     check, whose key ─▶ all signatures at once ─▶ expired, closed? ─▶ book (book-notes.ts)
//
//     issue     exchange, or shop (source: sales) ─▶ notes
//     fund      shop ─▶ exchange
//     withdraw  exchange ─▶ shop
//
// A shop that is closed may still withdraw: what is in its exchange account is paid out by way of what it has sold.
// What cash learns: shop, amount, time. Of the notes it sees a digest.
import { sha256 } from '../../crypto/index.ts';
import { Refusal } from '../common/refusal.ts';
import { NoteOrder, type SignedNoteOrder } from '../documents/note-order.ts';
import { exchangeAccountId, systemAccountId, TransferCode } from './accounts.ts';
import { type Answers, bookNotes, type NoteBooking, type NotesResult } from './book-notes.ts';
import { currencyNotOffered, orderSignatureInvalid, shopUnknown } from './check.ts';
import { checkNoteOrder } from './check-notes.ts';
import { findShop } from './find-holder.ts';
import type { CashParts } from './interface.ts';
import { MicroBatches } from './micro-batches.ts';
import type { NoteOrderRequest } from './note-messages.ts';
import type { Shop } from './shops.ts';

/** 15 ms of signatures on one core. */
const ORDERS_AT_A_TIME_MAX = 1_024;

/**
 * Books what it is given: one answer a request, in order. A Refusal means that nothing was booked now.
 * Rejects with RequestError, CryptoError: nothing is known of any of them; the same requests may come again.
 */
export function noteOrders(
  parts: CashParts,
): (requests: readonly NoteOrderRequest[]) => Promise<readonly NotesResult[]> {
  const batches = new MicroBatches<NoteOrderRequest, NotesResult>(
    (requests, release) => bookOrders(requests, parts, release),
    ORDERS_AT_A_TIME_MAX,
  );
  return (requests) => batches.add(requests);
}

/** @param release the next batch may be verified */
async function bookOrders(
  requests: readonly NoteOrderRequest[],
  parts: CashParts,
  release: () => void,
): Promise<NotesResult[]> {
  const answers: Answers = new Array(requests.length).fill(undefined);
  const signed = await verifyAll(checkAll(requests, parts, answers), parts, answers);
  const digests = sha256.batch(signed.map(({ order }) => NoteOrder.codec.encode(order.document)));
  const exchanges = signed.filter(({ order }) => namesExchange(order.document));
  await parts.exchangeAccounts.open(
    exchanges.map(({ shop, order }) => ({ shop, currency: order.document.currency })),
  );
  const now = parts.clock();
  const booked = bookNotes(
    signed.map((one, i) => bookingOf(one, digests[i]!, now, parts)),
    parts,
    answers,
  );
  release();
  await booked;
  return answers as NotesResult[];
}

interface Known {
  readonly index: number;
  readonly order: SignedNoteOrder;
  readonly shop: Shop;
}

function checkAll(requests: readonly NoteOrderRequest[], parts: CashParts, answers: Answers): Known[] {
  const known: Known[] = [];
  requests.forEach(({ order }, index) => {
    const { shop: number, currency } = order.document;
    const shop = checkNoteOrder(order.document) ?? findShop(number, parts) ?? shopUnknown(number);
    if (shop instanceof Refusal) answers[index] = shop;
    else if (shop.accounts.has(currency)) known.push({ index, order, shop });
    else answers[index] = currencyNotOffered([...shop.accounts.keys()], currency);
  });
  return known;
}

async function verifyAll(
  known: readonly Known[],
  { verifyBatch }: CashParts,
  answers: Answers,
): Promise<Known[]> {
  if (known.length === 0) return [];
  const verdicts = await verifyBatch(
    known.map(({ order: { document, signature }, shop }) => {
      return { publicKey: shop.preparedKey, message: NoteOrder.signedBytes(document), signature };
    }),
  );
  return known.filter(({ index }, i) => {
    if (!verdicts[i]) answers[index] = orderSignatureInvalid();
    return verdicts[i];
  });
}

const namesExchange = ({ action, source }: NoteOrder): boolean => action !== 'issue' || source === 'exchange';

function bookingOf(
  { index, order: { document }, shop }: Known,
  digest: Uint8Array,
  now: bigint,
  { shops }: CashParts,
): NoteBooking {
  const { request, action, amount, currency, reference } = document;
  const exchange = exchangeAccountId(shop.shop, currency);
  const sales = shop.accounts.get(currency)!.account;
  const against = againstOrder(document, now, shops.isClosed(shop.shop));
  return {
    ...{ index, request, action, amount, currency, reference, digest, orderDigest: digest, device: 0n },
    code: action === 'issue' ? TransferCode.note_issue : TransferCode.fund,
    debitAccount: action === 'fund' || !namesExchange(document) ? sales : exchange,
    creditAccount: against === undefined ? creditOf(document, sales, exchange) : undefined,
    ...(against === undefined ? {} : { against }),
    ownAccounts: [sales, exchange],
  };
}

function creditOf({ action, currency }: NoteOrder, sales: bigint, exchange: bigint): bigint {
  switch (action) {
    case 'issue':
      return systemAccountId('notes', currency);
    case 'fund':
      return exchange;
    case 'withdraw':
      return sales;
  }
}

function againstOrder({ action, applyBy }: NoteOrder, now: bigint, isClosed: boolean): string | undefined {
  if (applyBy <= now) return 'expired';
  return isClosed && action !== 'withdraw' ? 'shop_closed' : undefined;
}
