// What is done about each message of a customer. Everybody may send every one; what a purchase has to be is in check.ts.
import { sha256 } from '../crypto/index.ts';
import { equalBytes } from '../identity/binary-text.ts';
import { ShopCertificate } from '../identity/shop-certificate.ts';
import { Refusal } from '../roles/common/refusal.ts';
import type { Handlers } from '../roles/common/role-engine.ts';
import { referenceMessage } from '../roles/documents/purchase.ts';
import type { ShopRefusal } from '../roles/shop/errors.ts';
import {
  type BuyAnswer,
  CATALOGUE_PAGE_MAX,
  type GetCatalogueAnswer,
  type GetCatalogueRequest,
  type GetOfferAnswer,
  type GetOfferRequest,
} from '../roles/shop/messages.ts';
import type { Peer } from '../wire/peer.ts';
import type { Book } from './book.ts';
import { checkOrder } from './check.ts';
import type { Guesses } from './guesses.ts';
import type { ShopIdentity, ShopOffering } from './interface.ts';
import type { Offer, Offers } from './offers.ts';
import { type Order, payMessage, type ShopSideOperations } from './order.ts';
import { type BuyReply, type Purchases, replyOf } from './purchases.ts';
import type { OpenRecord } from './records.ts';

export interface HandlerOptions {
  readonly book: Book;
  readonly purchases: Purchases;
  readonly offers: Offers;
  readonly guesses: Guesses;
  readonly identity: ShopIdentity;
  readonly offering: ShopOffering;
}

type Reply<Answer> = Answer | Refusal<ShopRefusal>;
type Taken = Parameters<Purchases['take']>[0][number];

const anyone = (): boolean => true;

export function shopHandlers(options: HandlerOptions): Handlers<ShopSideOperations, Peer, ShopRefusal> {
  return {
    get_catalogue: {
      allowed: anyone,
      handle: async (messages) => messages.map((message) => catalogue(message, options)),
    },
    get_offer: {
      allowed: anyone,
      handle: async (messages, peers) => messages.map((message, i) => offer(message, peers[i]!, options)),
    },
    buy: { allowed: anyone, handle: (messages, peers, now) => buy(messages, peers, now, options) },
  };
}

function certificateOf({ identity }: HandlerOptions): Uint8Array {
  return ShopCertificate.signed.encode(identity.certificate());
}

function catalogue(
  { after, limit }: GetCatalogueRequest,
  options: HandlerOptions,
): Reply<GetCatalogueAnswer> {
  if (limit < 1 || limit > CATALOGUE_PAGE_MAX) {
    return new Refusal<ShopRefusal>('malformed', `limit: expected 1 to ${CATALOGUE_PAGE_MAX}, got ${limit}`);
  }
  const { currency, selfService, expiresWithinSeconds, authorisationSecondsMax } = options.offering.terms();
  const { articles, more } = options.offering.catalogue().page(after, limit);
  return {
    certificate: certificateOf(options),
    ...{ currency, selfService, expiresWithinSeconds, authorisationSecondsMax, more },
    articles: articles.map(({ id, name, price }) => ({ article: id, name, price })),
  };
}

function offer({ code }: GetOfferRequest, peer: Peer, options: HandlerOptions): Reply<GetOfferAnswer> {
  const found = look(code, peer, options);
  if (found instanceof Refusal) return found;
  const { kind, timeoutSeconds, amount, articles, names, expiresAt } = found;
  const { currency } = options.offering.terms();
  return {
    certificate: certificateOf(options),
    ...{ kind, timeoutSeconds, amount, currency, articles, names, expiresAt },
  };
}

/** The offer of a code, for somebody who may still guess. */
function look(code: string, peer: Peer, { offers, guesses }: HandlerOptions): Offer | Refusal<ShopRefusal> {
  const refused = guesses.check(peer);
  if (refused !== undefined) return refused;
  const found = offers.find(code);
  if (found !== undefined) return found;
  guesses.wrong(peer);
  return offerUnknown();
}

const offerUnknown = (): Refusal<ShopRefusal> =>
  new Refusal('offer_unknown', 'offer: expected the code of one that stands, got another');

/** The new ones of a turn are written down together, and what is hashed of them is hashed together. */
function buy(
  orders: readonly Order[],
  peers: readonly Peer[],
  now: bigint,
  options: HandlerOptions,
): Promise<Reply<BuyAnswer>>[] {
  const { purchases } = options;
  const references = sha256.batch(orders.map(({ terms }) => referenceMessage(terms)));
  const messages = orders.map((order, i) => payMessage(order, references[i]!));
  const digests = sha256.batch(messages);
  const taken: Taken[] = [];
  const waiting: (bigint | BuyReply)[] = [];
  // Copies of one purchase may come in one turn.
  const here = new Map<bigint, Uint8Array>();
  orders.forEach((order, i) => {
    const { request } = order.terms;
    const hashed = { reference: references[i]!, message: messages[i]!, digest: digests[i]! };
    const asked = { order, peer: peers[i]!, ...hashed };
    const outcome = admit(asked, here, taken.length, now, options);
    if (outcome === 'open') waiting.push(request);
    else if ('record' in outcome) {
      here.set(request, outcome.digest);
      taken.push(outcome);
      waiting.push(request);
    } else waiting.push(outcome);
  });
  if (taken.length > 0) purchases.take(taken);
  return waiting.map((one) => (typeof one === 'bigint' ? purchases.wait(one) : Promise.resolve(one)));
}

interface Asked {
  readonly order: Order;
  readonly peer: Peer;
  readonly reference: Uint8Array;
  /** To management. */
  readonly message: Uint8Array;
  readonly digest: Uint8Array;
}

/** What was asked before has its answer, or waits for it; what is new is checked. */
function admit(
  { order, peer, reference, message, digest }: Asked,
  here: ReadonlyMap<bigint, Uint8Array>,
  takenCount: number,
  now: bigint,
  options: HandlerOptions,
): 'open' | Taken | BuyReply {
  const { book, purchases, offers, offering } = options;
  const { terms, offer: code } = order;
  const { request } = terms;
  const known = here.get(request);
  const open =
    known === undefined ? purchases.find(request, digest) : equalBytes(known, digest) ? 'same' : 'other';
  if (open !== undefined) return open === 'same' ? 'open' : differs();
  const stored = book.purchase(request);
  if (stored?.kind === 'paid' || stored?.kind === 'rejected') {
    return equalBytes(stored.digest, digest) ? replyOf(stored) : differs();
  }
  if (!purchases.hasRoom(takenCount + 1)) {
    return new Refusal<ShopRefusal>(
      'busy',
      'expected room for one more open purchase, got none: try again later',
    );
  }
  if (stored?.kind === 'refused') {
    const { open: record } = stored;
    if (!equalBytes(record.message, message)) return differs();
    return { request, record, digest, reference, wasRefused: true };
  }
  const found = code === undefined ? undefined : look(code, peer, options);
  if (found instanceof Refusal) return found;
  const wrong = checkOrder(terms, found, { shop: offering.terms(), catalogue: offering.catalogue(), now });
  if (wrong !== undefined) return wrong;
  if (code !== undefined) offers.take(code, request);
  const record: OpenRecord = { terms, message, till: found?.till ?? '', offer: code, createdAt: now };
  return { request, record, digest, reference, wasRefused: false };
}

const differs = (): Refusal<ShopRefusal> =>
  new Refusal<ShopRefusal>(
    'request_differs',
    'buy: expected the purchase that this request id names, got another',
  );
