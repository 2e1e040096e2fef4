// The operation `pay_quote`: a merchant pays what somebody else is to mint (NUT-04).
import { type QuoteRefusal, quoteNumber } from '../../mint/quotes.ts';
import type { Standing } from '../flow/flow.ts';
import {
  checkQuote,
  checkQuoteNamed,
  checkTime,
  quoteExpired,
  quotePaid,
  quoteUnknown,
  type Refused,
} from './check.ts';
import type { PayEffect, PayOutcome, PayState } from './flow.ts';
import { type PayQuoteAnswer, PayQuoteRequest } from './messages.ts';
import { isRefused, type OrderOperation, submitOrders } from './orders.ts';
import type { IssuerParts } from './parts.ts';
import type { ShopPeer } from './peers.ts';

const NANOSECONDS_A_SECOND = 1_000_000_000n;

/** One promise a payment. */
export function payQuotes(
  requests: readonly PayQuoteRequest[],
  peers: readonly ShopPeer[],
  parts: IssuerParts,
): Promise<PayQuoteAnswer | Refused>[] {
  return submitOrders(requests, peers, parts, operationOf(parts)).map(async (submitted) => {
    const standing = await submitted;
    return isRefused(standing) ? standing : answerOf(standing);
  });
}

function operationOf(parts: IssuerParts): OrderOperation<PayQuoteRequest, PayState, PayEffect, PayOutcome> {
  const { store, quotes, clock, limits, payments } = parts;
  return {
    flow: payments,
    codec: PayQuoteRequest,
    actions: ['issue'],
    check({ order: { document }, quote }, unit) {
      const refused = checkQuoteNamed(document, quote);
      if (refused !== undefined) return refused;
      const number = quoteNumber(quote);
      const record = number === undefined ? undefined : quotes.read(store, number);
      if (number === undefined || record === undefined) return quoteUnknown();
      return (
        checkQuote(record, document, unit) ??
        refusalOf(quotes.checkPayment(store, number, document.request, clock() / NANOSECONDS_A_SECOND))
      );
    },
    admit(tx, { order, quote }) {
      const now = clock();
      const number = quoteNumber(quote)!;
      const { request } = order.document;
      const refused =
        checkTime(order.document, now, limits) ??
        refusalOf(quotes.beginPayment(tx, number, request, now / NANOSECONDS_A_SECOND));
      return refused ?? { kind: 'asking', order, quote: number, distrusted: undefined };
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
