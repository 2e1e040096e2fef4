// Windows closed and booked, and what settlement says of payouts.
import { ed25519, sha256 } from '../../../src/crypto/index.ts';
import type { WindowReportAnswer } from '../../../src/roles/cash/payout-messages.ts';
import { PayoutOrder, PayoutReceipt, type SignedPayoutOrder } from '../../../src/roles/documents/payout.ts';
import { answerOf, EUR, keyIdOf, nextRequest, SETTLEMENT_KEY, type TestCash } from './support.ts';

export async function closed(cash: TestCash, window = nextRequest(), currency = EUR) {
  return { window, ...answerOf(await cash.client().closeWindow({ window, currency })) };
}

/** All pages. */
export async function booked(cash: TestCash, window: bigint): Promise<SignedPayoutOrder[]> {
  const orders: SignedPayoutOrder[] = [];
  for (let after: bigint | undefined; ; ) {
    const page = answerOf(await cash.client().bookPayouts({ window, after }));
    orders.push(...page.payouts);
    if (page.next === undefined) return orders;
    after = page.next;
  }
}

export async function reported(cash: TestCash, window: bigint): Promise<WindowReportAnswer['positions']> {
  const positions: WindowReportAnswer['positions'][number][] = [];
  for (let after: bigint | undefined; ; ) {
    const page = answerOf(await cash.client().windowReport({ window, after }));
    positions.push(...page.positions);
    if (page.next === undefined) return positions;
    after = page.next;
  }
}

export function outcomeOf(
  { document: order }: SignedPayoutOrder,
  outcome: PayoutReceipt['outcome'],
  changes: Partial<PayoutReceipt> = {},
  key = SETTLEMENT_KEY,
) {
  const document: PayoutReceipt = {
    keyId: keyIdOf(key.publicKey),
    payout: order.payout,
    orderDigest: sha256(PayoutOrder.codec.encode(order)),
    amount: order.amount,
    currency: order.currency,
    outcome,
    reason: outcome === 'booked' ? '' : 'AC04',
    institutionReference: 'BANK 42',
    at: 5n,
    ...changes,
  };
  return { document, signature: ed25519.sign(key.secretKey, PayoutReceipt.signedBytes(document)) };
}
