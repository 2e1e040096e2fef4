// Why a shop cannot do what its operator or one of its tills asks for. What customers are refused with is in
// src/roles/shop/errors.ts.
export type ShopErrorCode =
  /** An argument that may not be. */
  | 'invalid_argument'
  /** There is no shop in that folder, or it is not enrolled. */
  | 'shop_missing'
  /** There is one already. */
  | 'shop_exists'
  /** Another process has it open. */
  | 'shop_locked'
  | 'shop_closed'
  /** A file or a record is not what was written. */
  | 'shop_damaged'
  | 'storage_failed'
  /** The catalogue has a field that is wrong, missing or unknown. */
  | 'catalogue_invalid'
  /** The certificate or the directory is not what it should be. */
  | 'directory_invalid'
  | 'article_unknown'
  /** The issuer has no such quote, or does not answer. */
  | 'quote_unknown'
  /** The system has no issuer of notes. */
  | 'not_offered'
  /** Nobody has paid it in time, or the till has taken it back. */
  | 'offer_expired'
  | 'offer_cancelled'
  /** More offers, purchases or orders are open than the shop keeps. */
  | 'too_many_open'
  | 'purchase_unknown'
  /** A refund of what is not paid, a capture or a void of what is not reserved. */
  | 'wrong_state'
  /** More than is left of what was paid or reserved. */
  | 'exceeds_rest'
  /** Management or cash has refused it: nothing was done. */
  | 'refused'
  /** The outcome is not known yet; it is asked for until it is. */
  | 'unfinished'
  | 'unreachable';

export class ShopError extends Error {
  override readonly name = 'ShopError';
  readonly code: ShopErrorCode;
  /** Of the purchase or of the shop's order that it is about. */
  readonly request: bigint | undefined;

  constructor(
    code: ShopErrorCode,
    message: string,
    { request, ...options }: ErrorOptions & { readonly request?: bigint } = {},
  ) {
    super(message, options);
    this.code = code;
    this.request = request;
  }
}
