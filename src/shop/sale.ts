// A purchase as a till and a back office see it.
import type { SignedPaymentReceipt } from '../roles/documents/payment-receipts.ts';
import type { ArticleLine, PurchaseKind } from '../roles/documents/purchase.ts';
import { type Amount, amountOf } from '../shared/amount.ts';
import type { PaidRecord, SaleState } from './records.ts';

export interface Sale {
  /** Its request id: what refund, capture and void are asked with. */
  readonly purchase: bigint;
  /** An empty text: self service. */
  readonly till: string;
  readonly kind: PurchaseKind;
  /** `reserved` until it is captured or voided, or runs out. */
  readonly state: SaleState;
  /** Paid, or reserved. */
  readonly amount: Amount;
  /** ISO 4217 number, or an operator's. */
  readonly currency: number;
  readonly articles: readonly ArticleLine[];
  readonly captured: Amount;
  readonly refunded: Amount;
  /** Nanoseconds: of the ledger's transfer. */
  readonly timestamp: bigint;
  /** Cash's, signed: whoever has the directory can verify it. */
  readonly receipt: SignedPaymentReceipt;
}

export function saleOf({ terms, till, state, captured, refunded, receipt }: PaidRecord): Sale {
  return {
    purchase: terms.request,
    till,
    kind: terms.kind,
    state,
    amount: amountOf(terms.amount),
    currency: terms.currency,
    articles: terms.articles,
    captured: amountOf(captured),
    refunded: amountOf(refunded),
    timestamp: receipt.document.timestamp,
    receipt,
  };
}

/** What refunds may still give back. */
export function refundable({ state, terms, captured, refunded }: PaidRecord): bigint {
  if (state === 'paid') return terms.amount - refunded;
  return state === 'captured' ? captured - refunded : 0n;
}
