// Why a shop refuses a message, beside the refusals that all roles have (src/roles/common). Nothing was forwarded, and no
// money has moved. New ones go to the end.
export const SHOP_REFUSALS = [
  /** The terms name another shop. */
  'shop_differs',
  'currency_not_offered',
  /** Not an article, or not on sale. */
  'article_unknown',
  /** The same article stands in two lines, or there is no line. */
  'articles_invalid',
  'quantity_invalid',
  /** Not the price of today: get the catalogue anew. */
  'price_differs',
  /** Not the sum of the lines. */
  'amount_differs',
  /** The shop takes no purchases of that kind. */
  'kind_not_offered',
  /** Of an authorisation: not within the shop's bounds; of a sale: not 0. */
  'timeout_invalid',
  'expired',
  'expires_too_late',
  /** No offer of that code, or not any more. */
  'offer_unknown',
  /** The lines, the amount or the kind are not the offer's. */
  'offer_differs',
  /** Another purchase pays it. */
  'offer_taken',
  /** The shop sells by its tills' offers only. */
  'offer_needed',
] as const;
export type ShopRefusal = (typeof SHOP_REFUSALS)[number];
