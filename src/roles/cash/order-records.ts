// Payment orders as packed records: what of them is signed, and where the verdict goes.
//
//     record    0 ──────────────────────── 184 ─────── 192 ──────── 256
//               │ signed                    │ verdict   │ signature  │
//     message   tag ++ those 184 bytes, the timestamp among them zero
import { sha256 } from '../../crypto/index.ts';
import { PAYMENT_ORDER_SIGNED_SIZE, PAYMENT_ORDER_SIZE, PaymentOrderLayout } from '../../layout/generated.ts';
import { tagged } from '../documents/domain-tags.ts';

const TAG = tagged('paymentOrder', new Uint8Array());
const MESSAGE_SIZE = TAG.length + PAYMENT_ORDER_SIGNED_SIZE;
const TIMESTAMP_SIZE = 8;

/** What each order's signature is over. */
export function signedMessages(orders: Uint8Array): Uint8Array[] {
  const count = orders.length / PAYMENT_ORDER_SIZE;
  const messages: Uint8Array[] = new Array(count);
  const all = new Uint8Array(count * MESSAGE_SIZE);
  for (let i = 0; i < count; i++) {
    const record = i * PAYMENT_ORDER_SIZE;
    const at = i * MESSAGE_SIZE;
    const signed = at + TAG.length;
    all.set(TAG, at);
    all.set(orders.subarray(record, record + PAYMENT_ORDER_SIGNED_SIZE), signed);
    const timestamp = signed + PaymentOrderLayout.timestamp;
    all.fill(0, timestamp, timestamp + TIMESTAMP_SIZE);
    messages[i] = all.subarray(at, at + MESSAGE_SIZE);
  }
  return messages;
}

export function signatureOf(orders: Uint8Array, index: number): Uint8Array {
  const at = index * PAYMENT_ORDER_SIZE;
  return orders.subarray(at + PaymentOrderLayout.signature, at + PAYMENT_ORDER_SIZE);
}

/** @param messages as signedMessages gives them */
export const orderDigests = (messages: readonly Uint8Array[]): Uint8Array[] => sha256.batch(messages);

export function stamp(orders: Uint8Array, index: number, verdict: number): void {
  const at = index * PAYMENT_ORDER_SIZE + PaymentOrderLayout.verdict;
  new DataView(orders.buffer, orders.byteOffset, orders.byteLength).setUint32(at, verdict, true);
}
