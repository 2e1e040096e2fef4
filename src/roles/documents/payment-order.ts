// What a device signs of a payment order (assembly/layout/payment-order.ts), and how one is read and written.
//
//     ┌────────────────────────────┬──────────────────────────────────────────────┐
//     │ tag of payment orders      │ bytes 0 to 184, those of the timestamp zero  │
//     └────────────────────────────┴──────────────────────────────────────────────┘
//
// The ledger writes the timestamp when it applies the order, so what is stored can be checked again like what was sent.
import {
  PAYMENT_ORDER_SIGNED_SIZE,
  PAYMENT_ORDER_SIZE,
  type PaymentOrder,
  PaymentOrderLayout,
  readPaymentOrder,
  writePaymentOrder,
} from '../../layout/generated.ts';
import { tagged } from './domain-tags.ts';

export { PAYMENT_ORDER_SIZE, type PaymentOrder };

/** Bytes that `orderSignedBytes` gives. */
export const ORDER_SIGNED_BYTES = tagged('paymentOrder', new Uint8Array(PAYMENT_ORDER_SIGNED_SIZE)).length;

const TAG_BYTES = ORDER_SIGNED_BYTES - PAYMENT_ORDER_SIGNED_SIZE;

/** What the signature of the order at `offset` of packed orders is over. @throws RangeError when they end before */
export function orderSignedBytes(orders: Uint8Array, offset = 0): Uint8Array<ArrayBuffer> {
  if (offset + PAYMENT_ORDER_SIZE > orders.length) {
    throw new RangeError(
      `payment order: expected ${PAYMENT_ORDER_SIZE} bytes, got ${orders.length - offset}`,
    );
  }
  const signed = tagged('paymentOrder', orders.subarray(offset, offset + PAYMENT_ORDER_SIGNED_SIZE));
  const timestamp = TAG_BYTES + PaymentOrderLayout.timestamp;
  return signed.fill(0, timestamp, timestamp + 8);
}

/** The signature of one order, where it lies. */
export const orderSignature = (order: Uint8Array): Uint8Array =>
  order.subarray(PaymentOrderLayout.signature, PAYMENT_ORDER_SIZE);

/** 256 bytes; fields left out are zero. @throws RangeError for a value that does not fit */
export function encodePaymentOrder(order: Partial<PaymentOrder>): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(PAYMENT_ORDER_SIZE);
  writePaymentOrder(new DataView(bytes.buffer), 0, order);
  return bytes;
}

/** @throws RangeError unless there are exactly 256 bytes */
export function decodePaymentOrder(bytes: Uint8Array): PaymentOrder {
  if (bytes.length !== PAYMENT_ORDER_SIZE) {
    throw new RangeError(`payment order: expected ${PAYMENT_ORDER_SIZE} bytes, got ${bytes.length}`);
  }
  return readPaymentOrder(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0);
}

/** A key's id as orders and accounts (user_data_64) carry it: the first 8 bytes of the key's SHA-256, little-endian. */
export function orderKeyId(keyId: Uint8Array): bigint {
  return new DataView(keyId.buffer, keyId.byteOffset, keyId.byteLength).getBigUint64(0, true);
}
