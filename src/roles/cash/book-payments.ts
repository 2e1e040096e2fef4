// Books payment orders whose signatures are good: device ─▶ shop, one batch of the ledger.
//
//     orders ─▶ ledger ─┬─ created, exists ───────────────▶ receipt
//                       ├─ refused for good ─▶ registry ──▶ rejection
//                       └─ anything else ─────────────────▶ internal_error
//
// The purchase's id is the transfer's, so the ledger itself makes sure that a purchase is paid once. Asked again about an
// order that it has, it answers `exists`, with the time of then: the receipt is made anew, the same to the byte, and nothing
// is remembered for it. Asked again about one that it has refused, it may have another reason by now (the order has expired
// in the meantime, its id is used up), so the first reason is remembered, under the purchase's id and the order's digest.
//
// A purchase at a closed shop is first booked as a transfer that the ledger refuses, which uses up its id; then as any other.
// If it was paid before, it has its receipt; if not, no order of this id ever moves anything, whoever submits it, and
// whichever of two attempts comes first.
//
// What the ledger refuses for good: what uses up the id (docs/decisions/0016-payment-orders.md), what only gets worse with
// time (an order's expiry, its sequence number), and what follows from the order and what never changes.
import { type CreateTransferStatusName, OrderVerdict, PAYMENT_ORDER_SIZE } from '../../layout/generated.ts';
import { type CreateTransferResult, readCreateTransferResults } from '../../wire/results.ts';
import { Refusal } from '../common/refusal.ts';
import { PaymentReceipt, PaymentRejection } from '../documents/payment-receipts.ts';
import { noAccountId, TransferCode } from './accounts.ts';
import { type CashRefused, tooManyRejected } from './check.ts';
import type { Purchase } from './check-payment.ts';
import type { CashRefusal } from './errors.ts';
import { refusalOf } from './failures.ts';
import type { CashParts } from './interface.ts';
import type { PayAnswer } from './messages.ts';
import { stamp } from './order-records.ts';
import type { Rejection, RejectionRecord } from './registry.ts';

export type PayResult = PayAnswer | CashRefused;

/** A purchase whose order may be booked as far as the message, the registry and the signature say. */
export interface SignedPurchase extends Purchase {
  /** Of the request, and of its answer. */
  readonly index: number;
  /** Of what the device has signed. */
  readonly orderDigest: Uint8Array;
}

/** What follows from an order's status. Every other one means that cash has made an order that it never should make. */
const OUTCOMES: { readonly [status in CreateTransferStatusName]?: 'paid' | 'rejected' } = {
  created: 'paid',
  exists: 'paid',
  exists_with_different_flags: 'rejected',
  exists_with_different_pending_id: 'rejected',
  exists_with_different_timeout: 'rejected',
  exists_with_different_debit_account_id: 'rejected',
  exists_with_different_credit_account_id: 'rejected',
  exists_with_different_amount: 'rejected',
  exists_with_different_user_data_128: 'rejected',
  exists_with_different_user_data_64: 'rejected',
  exists_with_different_user_data_32: 'rejected',
  exists_with_different_ledger: 'rejected',
  exists_with_different_code: 'rejected',
  exists_with_different_order: 'rejected',
  id_already_failed: 'rejected',
  order_expired: 'rejected',
  payer_key_differs: 'rejected',
  orders_closed: 'rejected',
  sequence_too_old: 'rejected',
  sequence_used: 'rejected',
  exceeds_payment_limit: 'rejected',
  exceeds_day_limit: 'rejected',
  debit_account_already_closed: 'rejected',
  credit_account_already_closed: 'rejected',
  exceeds_credits: 'rejected',
  exceeds_debits: 'rejected',
  exceeds_credit_limit: 'rejected',
  exceeds_debit_limit: 'rejected',
};

/**
 * As bookPayments, of devices that have had too many rejected today: what was decided before has its answer, nothing new is
 * booked. @throws RequestError
 */
export async function answerKnown(
  purchases: readonly SignedPurchase[],
  parts: CashParts,
  answers: (PayResult | undefined)[],
): Promise<void> {
  const { ledger, registry } = parts;
  const open = purchases.filter((purchase) => {
    const record = registry.paymentRejectionOf(purchase.request.request, purchase.orderDigest);
    if (record !== undefined) answers[purchase.index] = rejected(purchase, record, parts);
    return record === undefined;
  });
  if (open.length === 0) return;
  const there = await ledger.lookupTransfers(open.map(({ request }) => request.request));
  const ids = new Set(there.map(({ id }) => id));
  const booked = open.filter(({ request }) => ids.has(request.request));
  const refusal = tooManyRejected(registry.rejectionQuota.perDayMax);
  for (const { request, index } of open) if (!ids.has(request.request)) answers[index] = refusal;
  // Another order under an id that is taken is refused too, or each of them would leave a record.
  await bookPayments(booked, parts, answers, { refusal });
}

const SHOP_CLOSED = 'shop_closed';

/** As bookPayments, of shops that are closed: nothing new is paid. @throws RequestError */
export async function bookToClosed(
  purchases: readonly SignedPurchase[],
  parts: CashParts,
  answers: (PayResult | undefined)[],
): Promise<void> {
  if (purchases.length === 0) return;
  await parts.ledger.createTransfers(
    purchases.map(({ request: { request: id, amount, currency }, device }) => ({
      id,
      debitAccountId: device.accounts.get(currency)!.account,
      creditAccountId: noAccountId(currency),
      amount,
      ledger: currency,
      code: TransferCode.payment,
    })),
  );
  await bookPayments(purchases, parts, answers, { usedUp: SHOP_CLOSED });
}

export interface BookingOptions {
  /** Why an id was used up before, where nothing is remembered of it. */
  readonly usedUp?: string;
  /** The answer to what the ledger refuses, in place of a rejection that is kept. */
  readonly refusal?: CashRefused;
  /** They are flushed. */
  readonly booked?: () => void;
}

/** Fills in the purchases' answers. @throws RequestError: nothing is known of any of them */
export async function bookPayments(
  purchases: readonly SignedPurchase[],
  parts: CashParts,
  answers: (PayResult | undefined)[],
  { usedUp = 'id_already_failed', refusal, booked = () => {} }: BookingOptions = {},
): Promise<void> {
  if (purchases.length === 0) return;
  const results = readCreateTransferResults(await parts.ledger.createPaymentOrders(packed(purchases)));
  booked();
  const refused: { readonly purchase: SignedPurchase; readonly result: CreateTransferResult }[] = [];
  purchases.forEach((purchase, i) => {
    const result = results[i]!;
    const { status, timestamp } = result;
    switch (status === 'unknown' ? undefined : OUTCOMES[status]) {
      case 'paid':
        answers[purchase.index] = paid(purchase, timestamp, parts);
        break;
      case 'rejected':
        refused.push({ purchase, result });
        break;
      default:
        parts.log.error({ ...described(purchase), status }, 'payment not booked');
        answers[purchase.index] = new Refusal<CashRefusal>(
          'internal_error',
          `expected the ledger to book it, got ${status}`,
        );
    }
  });
  if (refusal !== undefined) {
    for (const { purchase } of refused) answers[purchase.index] = refusal;
    return;
  }
  if (refused.length === 0) return;
  // What cannot be kept now is not answered now; the rest of the batch is.
  try {
    const remembered = await parts.registry.paymentsRejected(
      refused.map(({ purchase, result }) => recordOf(purchase, result, usedUp)),
    );
    refused.forEach(({ purchase }, i) => {
      answers[purchase.index] = rejected(purchase, remembered[i]!, parts);
    });
  } catch (error) {
    const notKept = refusalOf(error, parts.log);
    for (const { purchase } of refused) answers[purchase.index] = notKept;
  }
}

function packed(purchases: readonly SignedPurchase[]): Uint8Array {
  const orders = new Uint8Array(purchases.length * PAYMENT_ORDER_SIZE);
  const view = new DataView(orders.buffer);
  purchases.forEach(({ order }, i) => {
    orders.set(order, i * PAYMENT_ORDER_SIZE);
    stamp(view, i, OrderVerdict.good);
  });
  return orders;
}

function paid(
  { request, orderDigest }: SignedPurchase,
  timestamp: bigint,
  { signers }: CashParts,
): PayAnswer {
  const { request: id, shop, amount, currency, reference } = request;
  const kind = request.kind === 'sale' ? 'paid' : 'reserved';
  const content = { request: id, kind, orderDigest, shop, amount, currency, reference, timestamp } as const;
  return { kind: 'paid', receipt: signers.sign(PaymentReceipt, content, timestamp) };
}

function rejected(
  { request, orderDigest }: SignedPurchase,
  { reason, at }: RejectionRecord,
  { signers }: CashParts,
): PayAnswer {
  const { request: id, shop, amount, currency, reference } = request;
  const content = { request: id, orderDigest, shop, amount, currency, reference, reason, rejectedAt: at };
  return { kind: 'rejected', rejection: signers.sign(PaymentRejection, content, at) };
}

function recordOf(
  { request, device, orderDigest }: SignedPurchase,
  { status, timestamp: at }: CreateTransferResult,
  usedUp: string,
): Rejection {
  const { request: id, amount, currency } = request;
  const reason = status === 'id_already_failed' ? usedUp : status;
  return { request: id, device: device.number, amount, currency, orderDigest, reason, at };
}

function described({ request, device }: SignedPurchase): Record<string, unknown> {
  const { request: id, shop, amount, currency } = request;
  return {
    request: String(id),
    device: String(device.number),
    shop: String(shop),
    amount: String(amount),
    currency,
  };
}
