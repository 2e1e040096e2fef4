// The operation `pay_quote`: a merchant pays what somebody else is to mint (NUT-04). As issue.ts, for a quote instead of outputs.
import { type QuoteRefusal, quoteNumber } from '../../mint/quotes.ts';
import { Refusal } from '../common/refusal.ts';
import { NoteOrder } from '../documents/note-order.ts';
import { digestOf, type Standing, type Submission } from '../flow/flow.ts';
import { isKnown } from '../flow/request-ids.ts';
import {
  checkForCash,
  checkOffered,
  checkOrder,
  checkQuote,
  checkQuoteNamed,
  checkTime,
  orderNotSigned,
  quoteExpired,
  quotePaid,
  quoteUnknown,
  type Refused,
} from './check.ts';
import type { IssuerRefusal } from './errors.ts';
import type { PayState } from './flow.ts';
import { type PayQuoteAnswer, PayQuoteRequest } from './messages.ts';
import type { IssuerParts } from './parts.ts';
import type { ShopPeer } from './peers.ts';

type Submitted = Refused | Promise<Standing<PayState> | Refused>;

const NANOSECONDS_A_SECOND = 1_000_000_000n;

/** One promise a payment. */
export function payQuotes(
  requests: readonly PayQuoteRequest[],
  peers: readonly ShopPeer[],
  parts: IssuerParts,
): Promise<PayQuoteAnswer | Refused>[] {
  const submitted = checkAndSubmit(requests, peers, parts);
  return requests.map(async (_, place) => {
    const standing = await (await submitted)[place]!;
    return standing instanceof Refusal ? standing : answerOf(standing);
  });
}

async function checkAndSubmit(
  requests: readonly PayQuoteRequest[],
  peers: readonly ShopPeer[],
  parts: IssuerParts,
): Promise<readonly Submitted[]> {
  const { store, runner, payments, limits } = parts;
  const results: Submitted[] = new Array(requests.length);
  const fresh: number[] = [];
  requests.forEach(({ order: { document } }, place) => {
    const refused = checkOrder(document, peers[place]!);
    if (refused !== undefined) results[place] = refused;
    else if (!isKnown(store, document.request)) fresh.push(place);
  });
  const refusals = await checkPayments(
    fresh.map((place) => requests[place]!),
    fresh.map((place) => peers[place]!),
    parts,
  );
  fresh.forEach((place, i) => {
    const refused = refusals[i];
    if (refused !== undefined) results[place] = refused;
  });
  const good = [...requests.keys()].filter((place) => results[place] === undefined);
  const standings = runner.submit(
    payments,
    good.map((place) => submission(requests[place]!, parts)),
    limits.answerWithinMs,
  );
  good.forEach((place, i) => {
    results[place] = standings[i]!;
  });
  return results;
}

/** Why each is refused, in order; undefined: it is good. */
export async function checkPayments(
  requests: readonly PayQuoteRequest[],
  peers: readonly ShopPeer[],
  { store, quotes, units, crypto, clock }: IssuerParts,
): Promise<(Refused | undefined)[]> {
  const results = requests.map(({ order: { document }, quote }): Refused | undefined => {
    const unit = units.unitOf(document.currency);
    const refused =
      checkForCash(document) ?? checkOffered(document, unit) ?? checkQuoteNamed(document, quote);
    if (refused !== undefined) return refused;
    const number = quoteNumber(quote);
    const record = number === undefined ? undefined : quotes.read(store, number);
    if (number === undefined || record === undefined) return quoteUnknown();
    return (
      checkQuote(record, document, unit) ??
      refusalOf(quotes.checkPayment(store, number, document.request, clock() / NANOSECONDS_A_SECOND))
    );
  });
  const good = [...results.keys()].filter((place) => results[place] === undefined);
  const isSigned = await crypto.verifyBatch(
    good.map((place) => {
      const { document, signature } = requests[place]!.order;
      return { publicKey: peers[place]!.signingKey, message: NoteOrder.signedBytes(document), signature };
    }),
  );
  good.forEach((place, i) => {
    if (isSigned[i] !== true) results[place] = orderNotSigned();
  });
  return results;
}

function submission(
  request: PayQuoteRequest,
  { quotes, clock, limits }: IssuerParts,
): Submission<PayState, IssuerRefusal> {
  const { order, quote } = request;
  const { request: id } = order.document;
  return {
    id,
    digest: digestOf(PayQuoteRequest, request),
    admit(tx) {
      const now = clock();
      const number = quoteNumber(quote)!;
      return (
        checkTime(order.document, now, limits) ??
        refusalOf(quotes.beginPayment(tx, number, id, now / NANOSECONDS_A_SECOND)) ?? {
          kind: 'asking',
          order,
          quote: number,
          distrusted: undefined,
        }
      );
    },
  };
}

function refusalOf(refusal: QuoteRefusal | undefined): Refused | undefined {
  switch (refusal) {
    case undefined:
      return undefined;
    case 'quote_unknown':
      return quoteUnknown();
    case 'quote_expired':
      return quoteExpired();
    default:
      return quotePaid();
  }
}

function answerOf({ state, stateName }: Standing<PayState>): PayQuoteAnswer {
  switch (state.kind) {
    case 'paid':
      return { kind: 'paid', receipt: state.receipt };
    case 'rejected':
      return { kind: 'rejected', rejection: state.rejection };
    default:
      return { kind: 'pending', state: stateName };
  }
}
