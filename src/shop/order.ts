// A customer's order as the shop reads it: the terms, and two sealed parts that it forwards as they came. They are of one
// length each and say nothing to a shop, so they are one run of bytes here. On the wire all this is BuyRequest and PayRequest.
//
//     BuyRequest   terms │ number │ payment │ offer
//                        ╰───── sealed ─────╯
//     PayRequest   request, kind, amount, currency, expiry, reference │ number │ payment
import { operation, protocol } from '../roles/common/operation.ts';
import { PurchaseKind, PurchaseTerms, SealedNumber, SealedPayment } from '../roles/documents/purchase.ts';
import { OFFER_CODE_BYTES_MAX } from '../roles/documents/shop-card.ts';
import { digest } from '../roles/documents/signed.ts';
import { PayRequest } from '../roles/management/messages.ts';
import { BuyAnswer, BuyRequest, ShopOperation, shopProtocol } from '../roles/shop/messages.ts';
import { bytes, type Infer, optional, struct, text, u32, u64, u128 } from '../shared/codec.ts';

const sealed = bytes(SealedNumber.bytesMax + SealedPayment.bytesMax);

export const Order = struct({
  terms: PurchaseTerms,
  sealed,
  offer: optional(text(OFFER_CODE_BYTES_MAX)),
});
export type Order = Infer<typeof Order>;

const PayMessage = struct({
  request: u128,
  kind: PurchaseKind,
  amount: u128,
  currency: u32,
  expiresAt: u64,
  reference: digest,
  sealed,
});

if (Order.bytesMax !== BuyRequest.bytesMax || PayMessage.bytesMax !== PayRequest.bytesMax) {
  throw new Error('expected orders and messages of the length that wallets and management have of them');
}

/** What management is asked for a purchase. */
export function payMessage({ terms, sealed }: Order, reference: Uint8Array): Uint8Array {
  const { request, kind, amount, currency, expiresAt } = terms;
  return PayMessage.encode({ request, kind, amount, currency, expiresAt, reference, sealed });
}

/** The shop's own side of its protocol. */
export const shopSide = protocol({
  ...shopProtocol,
  operations: {
    ...shopProtocol.operations,
    buy: operation(ShopOperation.buy, Order, BuyAnswer),
  },
});
export type ShopSideOperations = (typeof shopSide)['operations'];
