// The specification of create_payment_orders and set_order_terms: what an order has to keep to beside the rules of every
// transfer, in order of precedence.
//
//     form ──▶ the id exists ──▶ exists…                       (as for transfers, then: of the same order)
//       └────▶ else ───────────▶ the order's rules and movementRules, in the order in which the statuses are declared
import {
  CreateTransferStatus,
  type CreateTransferStatusName,
  ORDER_TERMS_FLAGS_RESERVED,
  type OrderTerms,
  OrderTermsFlags,
  OrderVerdict,
  type PaymentOrder,
  SEQUENCE_WINDOW,
  SetOrderTermsStatus,
  type SetOrderTermsStatusName,
  type Transfer,
  TransferFlags,
} from '../../src/layout/generated.ts';
import { U128_MAX } from '../../src/shared/bytes.ts';
import type { Books } from './books.ts';
import { inPrecedence, type Rule } from './rules.ts';
import { movementRules, TransferCase } from './transfer-rules.ts';

const NANOSECONDS_PER_DAY = 86_400_000_000_000n;

/** What is known of an account's orders. */
export interface Device {
  /** Sequence numbers that were applied, ever. */
  readonly used: ReadonlySet<bigint>;
  readonly day: bigint;
  readonly spent: bigint;
  readonly paymentMax: bigint;
  readonly dayMax: bigint;
  readonly flags: number;
  readonly termsTimestamp: bigint;
}

export const NEW_DEVICE: Device = {
  used: new Set(),
  day: 0n,
  spent: 0n,
  paymentMax: 0n,
  dayMax: 0n,
  flags: 0,
  termsTimestamp: 0n,
};

export function newestSequence({ used }: Device): bigint {
  let newest = 0n;
  for (const sequence of used) if (sequence > newest) newest = sequence;
  return newest;
}

export function dayOf(timestamp: bigint): bigint {
  return timestamp / NANOSECONDS_PER_DAY;
}

/** The first half of an order. */
export function transferOf(order: PaymentOrder): Transfer {
  const { reference, sequence, expiresAt, keyId, verdict, signature, ...transfer } = order;
  return transfer;
}

/** A new order on trial, and what the books say about it. */
export class OrderCase {
  readonly order: PaymentOrder;
  readonly movement: TransferCase;
  readonly books: Books;
  readonly batchTimestamp: bigint;

  constructor(order: PaymentOrder, now: bigint, books: Books, batchTimestamp: bigint) {
    this.order = order;
    this.movement = new TransferCase({ ...transferOf(order), timestamp: now }, books);
    this.books = books;
    this.batchTimestamp = batchTimestamp;
  }

  get device(): Device {
    return this.books.devices.get(this.order.debitAccountId) ?? NEW_DEVICE;
  }

  /** What the orders of today add up to, with this one. Never more than 2^128 - 1: there the sum stands still. */
  get spentToday(): bigint {
    const { day, spent } = this.device;
    return (day === dayOf(this.batchTimestamp) ? spent : 0n) + this.order.amount;
  }
}

/** Before the id is looked up. */
export const orderFormRules = inPrecedence<CreateTransferStatusName, PaymentOrder>(CreateTransferStatus, [
  ['timestamp_must_be_zero', (o) => o.timestamp !== 0n],
  ['reserved_field', (o) => o.verdict > OrderVerdict.bad],
  ['signature_not_checked', (o) => o.verdict === OrderVerdict.not_checked],
  ['signature_invalid', (o) => o.verdict === OrderVerdict.bad],
  ['flags_not_allowed', (o) => (o.flags & ~TransferFlags.pending) !== 0],
  ['id_must_not_be_zero', (o) => o.id === 0n],
  ['id_must_not_be_int_max', (o) => o.id === U128_MAX],
]);

/** Whether the transfer that has the id of `order` came from another order, or from none. */
export function isOtherOrder(order: PaymentOrder, existing: PaymentOrder | undefined): boolean {
  return (
    existing === undefined ||
    existing.sequence !== order.sequence ||
    existing.expiresAt !== order.expiresAt ||
    existing.keyId !== order.keyId ||
    Buffer.compare(existing.reference, order.reference) !== 0
  );
}

type OrderRule = Rule<CreateTransferStatusName, OrderCase>;

const ownRules: readonly OrderRule[] = [
  ['order_expired', ({ order, batchTimestamp }) => order.expiresAt <= batchTimestamp],
  ['sequence_must_not_be_zero', ({ order }) => order.sequence === 0n],
  [
    'payer_key_differs',
    ({ order, movement }) => order.keyId === 0n || order.keyId !== movement.debitAccount.userData64,
  ],
  ['orders_closed', ({ device }) => (device.flags & OrderTermsFlags.orders_closed) !== 0],
  [
    'sequence_too_old',
    ({ order, device }) => order.sequence + BigInt(SEQUENCE_WINDOW) <= newestSequence(device),
  ],
  ['sequence_used', ({ order, device }) => device.used.has(order.sequence)],
  [
    'exceeds_payment_limit',
    ({ order, device: { paymentMax } }) => paymentMax !== 0n && order.amount > paymentMax,
  ],
  ['exceeds_day_limit', (c) => c.device.dayMax !== 0n && c.spentToday > c.device.dayMax],
];

const DECLARED = Object.keys(CreateTransferStatus);

/** When the id is free. */
export const newOrderRules: readonly OrderRule[] = [
  ...ownRules,
  ...movementRules.map(([status, applies]): OrderRule => [status, ({ movement }) => applies(movement)]),
].sort(([a], [b]) => DECLARED.indexOf(a) - DECLARED.indexOf(b));

export const termsRules = inPrecedence<SetOrderTermsStatusName, { terms: OrderTerms; books: Books }>(
  SetOrderTermsStatus,
  [
    ['timestamp_must_be_zero', ({ terms }) => terms.timestamp !== 0n],
    ['reserved_flag', ({ terms }) => (terms.flags & ORDER_TERMS_FLAGS_RESERVED) !== 0],
    ['account_id_must_not_be_zero', ({ terms }) => terms.accountId === 0n],
    ['account_id_must_not_be_int_max', ({ terms }) => terms.accountId === U128_MAX],
    ['account_not_found', ({ terms, books }) => !books.accounts.has(terms.accountId)],
  ],
);
