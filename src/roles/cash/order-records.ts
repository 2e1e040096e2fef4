// Payment orders as packed records: what of them is signed, and where the verdict goes.
//
//     record    0 ──────────────────────── 184 ─────── 192 ──────── 256
//               │ signed                    │ verdict   │ signature  │
//     message   tag ++ those 184 bytes, the timestamp among them zero
import type { SignedRecords } from '../../crypto/index.ts';
import { PAYMENT_ORDER_SIGNED_SIZE, PAYMENT_ORDER_SIZE, PaymentOrderLayout } from '../../layout/generated.ts';
import { tagged } from '../documents/domain-tags.ts';

const at = PaymentOrderLayout;

/** For verification, but for the keys. Orders whose timestamp is not zero have other messages, and no place there. */
export const ORDER_RECORDS: Omit<SignedRecords, 'records' | 'keys'> = {
  prefix: tagged('paymentOrder', new Uint8Array()),
  recordBytes: PAYMENT_ORDER_SIZE,
  signedBytes: PAYMENT_ORDER_SIGNED_SIZE,
  signatureOffset: at.signature,
};

export function stamp(orders: DataView, index: number, verdict: number): void {
  orders.setUint32(index * PAYMENT_ORDER_SIZE + at.verdict, verdict, true);
}
