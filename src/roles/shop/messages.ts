// What a shop is asked by wallets, and what it answers. Numbers are fixed for ever.
//
// Everybody may ask everything: a shop's server knows nobody by name. The shop itself is in src/shop; this part is here
// because wallets need it too.
import {
  bool,
  bytesUpTo,
  type Infer,
  list,
  optional,
  struct,
  text,
  u16,
  u32,
  u64,
  u128,
  union,
} from '../../shared/codec.ts';
import { operation, protocol } from '../common/operation.ts';
import { PaymentReceipt, PaymentRejection } from '../documents/payment-receipts.ts';
import {
  ARTICLE_BYTES_MAX,
  ARTICLES_MAX,
  ArticleLine,
  PurchaseKind,
  PurchaseTerms,
  SealedNumber,
  SealedPayment,
} from '../documents/purchase.ts';
import { OFFER_CODE_BYTES_MAX } from '../documents/shop-card.ts';
import { SHOP_REFUSALS } from './errors.ts';

export const ShopOperation = {
  get_catalogue: 32,
  get_offer: 33,
  buy: 34,
} as const;

/** Bytes of a signed shop certificate, at most. */
const CERTIFICATE_BYTES_MAX = 512;
/** Bytes of what a receipt or a screen shows of an article. */
export const ARTICLE_NAME_BYTES_MAX = 70;
/** Articles of one answer. Beyond: ask again from the last one. */
export const CATALOGUE_PAGE_MAX = 128;

export const CatalogueArticle = struct({
  /** A key of the catalogue; `article` of a line. */
  article: text(ARTICLE_BYTES_MAX),
  name: text(ARTICLE_NAME_BYTES_MAX),
  /** Of one, minor units. */
  price: u128,
});
export type CatalogueArticle = Infer<typeof CatalogueArticle>;

/** Articles in the order of their keys, after that one; an empty text: from the first. */
export const GetCatalogueRequest = struct({ after: text(ARTICLE_BYTES_MAX), limit: u16 });
export type GetCatalogueRequest = Infer<typeof GetCatalogueRequest>;
export const GetCatalogueAnswer = struct({
  /** The newest one. */
  certificate: bytesUpTo(CERTIFICATE_BYTES_MAX),
  currency: u32,
  /** Customers choose for themselves; otherwise only a till's offers are sold. */
  selfService: bool,
  /** A purchase may expire so many seconds from now, at most. */
  expiresWithinSeconds: u32,
  /** Most that an authorisation may be reserved for; 0: the shop takes none. */
  authorisationSecondsMax: u32,
  articles: list(CatalogueArticle, CATALOGUE_PAGE_MAX),
  more: bool,
});
export type GetCatalogueAnswer = Infer<typeof GetCatalogueAnswer>;

/** What there is to pay at a till. */
export const GetOfferRequest = struct({ code: text(OFFER_CODE_BYTES_MAX) });
export type GetOfferRequest = Infer<typeof GetOfferRequest>;
/** The terms of the purchase have to say the same; refused as `offer_unknown` where there is no such offer. */
export const GetOfferAnswer = struct({
  certificate: bytesUpTo(CERTIFICATE_BYTES_MAX),
  kind: PurchaseKind,
  /** Of an authorisation; 0 in a sale. */
  timeoutSeconds: u32,
  amount: u128,
  currency: u32,
  articles: list(ArticleLine, ARTICLES_MAX),
  /** Of the articles, in their order. */
  names: list(text(ARTICLE_NAME_BYTES_MAX), ARTICLES_MAX),
  /** Nanoseconds: the offer stands until then. */
  expiresAt: u64,
});
export type GetOfferAnswer = Infer<typeof GetOfferAnswer>;

/** A purchase (claim 8). The shop reads the terms, and forwards the two sealed parts to management. */
export const BuyRequest = struct({
  terms: PurchaseTerms,
  /** {device number}management */
  number: SealedNumber,
  /** {signed payment order}cash */
  payment: SealedPayment,
  /** Of a till's offer. */
  offer: optional(text(OFFER_CODE_BYTES_MAX)),
});
export type BuyRequest = Infer<typeof BuyRequest>;
export const BuyAnswer = union({
  /** Unknown as yet: ask again with the same message. */
  pending: struct({ state: text(64) }),
  paid: struct({ receipt: PaymentReceipt.signed }),
  /** For good: cash says so. */
  rejected: struct({ rejection: PaymentRejection.signed }),
  /**
   * Management has refused it, with that code, and nothing was done. Nobody has signed that: until its expiry the order may
   * still be paid if somebody forwards it again.
   */
  refused: struct({ code: text(64) }),
});
export type BuyAnswer = Infer<typeof BuyAnswer>;

export const shopProtocol = protocol({
  role: 'shop',
  refusals: SHOP_REFUSALS,
  operations: {
    get_catalogue: operation(ShopOperation.get_catalogue, GetCatalogueRequest, GetCatalogueAnswer),
    get_offer: operation(ShopOperation.get_offer, GetOfferRequest, GetOfferAnswer),
    buy: operation(ShopOperation.buy, BuyRequest, BuyAnswer),
  },
});
export type ShopOperations = (typeof shopProtocol)['operations'];
