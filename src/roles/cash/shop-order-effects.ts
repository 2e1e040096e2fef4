// Books shop orders: one batch of the ledger for all that became due together. The order's id is the transfer's, so what
// is booked again after a crash is there already.
import { sha256 } from '../../crypto/index.ts';
import { type Transfer, TransferFlags } from '../../layout/generated.ts';
import type { CreateTransferResult } from '../../wire/results.ts';
import { ShopOrder } from '../documents/payment-receipts.ts';
import { type Again, again, type EffectItem, type Perform } from '../flow/flow.ts';
import { TransferCode } from './accounts.ts';
import { refusalOf } from './failures.ts';
import type { CashParts } from './interface.ts';
import type { Booking, ShopOrderEffect, ShopOrderOutcome } from './shop-order-flow.ts';

export function performShopOrders(
  parts: Pick<CashParts, 'ledger' | 'log'>,
): Perform<ShopOrderEffect, ShopOrderOutcome> {
  return (items) => {
    const booked = bookAll(items, parts);
    return items.map(async (_, i) => (await booked)[i]!);
  };
}

async function bookAll(
  items: readonly EffectItem<ShopOrderEffect>[],
  { ledger, log }: Pick<CashParts, 'ledger' | 'log'>,
): Promise<(ShopOrderOutcome | Again)[]> {
  let results: CreateTransferResult[];
  try {
    results = await ledger.createTransfers(items.map(({ effect }) => transferOf(effect.book)));
  } catch (error) {
    refusalOf(error, log);
    return items.map(() => again());
  }
  return items.map(({ effect }, i): ShopOrderOutcome => {
    const { status, timestamp } = results[i]!;
    if (status === 'created' || status === 'exists') return { kind: 'booked', timestamp };
    // Nothing is booked, and as this is written before anyone is told and the transfer is not sent again, never will be.
    const orderDigest = sha256(ShopOrder.codec.encode(effect.book.order.document));
    return { kind: 'rejected', orderDigest, reason: status, at: timestamp };
  });
}

function transferOf({ order, amount, shopAccount, deviceAccount }: Booking): Partial<Transfer> {
  const { request, action, purchase, currency } = order.document;
  switch (action) {
    case 'refund':
      return {
        id: request,
        debitAccountId: shopAccount,
        creditAccountId: deviceAccount,
        amount,
        userData128: purchase,
        ledger: currency,
        code: TransferCode.refund,
      };
    case 'capture':
      return { id: request, pendingId: purchase, amount, flags: TransferFlags.post_pending_transfer };
    case 'void':
      return { id: request, pendingId: purchase, flags: TransferFlags.void_pending_transfer };
  }
}
