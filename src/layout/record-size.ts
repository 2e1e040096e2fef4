import {
  BATCH_RECORDS_MAX,
  Operation,
  PAYMENT_ORDER_SIZE,
  PAYMENT_ORDERS_MAX,
  RECORD_SIZE,
} from './generated.ts';

/** Bytes of one record of a journal entry, by what the entry did. */
export function recordSizeOf(operation: number): number {
  return operation === Operation.create_payment_orders ? PAYMENT_ORDER_SIZE : RECORD_SIZE;
}

/** Most records that such an entry has. */
export function recordsMaxOf(operation: number): number {
  return operation === Operation.create_payment_orders ? PAYMENT_ORDERS_MAX : BATCH_RECORDS_MAX;
}
