// Stand-in until branch k-orders brings the real one.
import { writeU128 } from '../../shared/bytes.ts';
import { tagged } from './domain-tags.ts';

export interface PaymentOrder {
  id: bigint;
  debitAccountId: bigint;
  creditAccountId: bigint;
  amount: bigint;
  timeout: number;
  ledger: number;
  code: number;
  flags: number;
  reference: Uint8Array;
  sequence: bigint;
  expiresAt: bigint;
  keyId: bigint;
  signature: Uint8Array;
}

export function encodePaymentOrder(order: Partial<PaymentOrder>): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(256);
  const view = new DataView(bytes.buffer);
  writeU128(view, 0, order.id ?? 0n, 'id');
  writeU128(view, 16, order.debitAccountId ?? 0n, 'payer');
  writeU128(view, 32, order.creditAccountId ?? 0n, 'payee');
  writeU128(view, 48, order.amount ?? 0n, 'amount');
  view.setUint32(108, order.timeout ?? 0, true);
  view.setUint32(112, order.ledger ?? 0, true);
  view.setUint16(116, order.code ?? 0, true);
  view.setUint16(118, order.flags ?? 0, true);
  if (order.reference) bytes.set(order.reference, 128);
  view.setBigUint64(160, order.sequence ?? 0n, true);
  view.setBigUint64(168, order.expiresAt ?? 0n, true);
  view.setBigUint64(176, order.keyId ?? 0n, true);
  if (order.signature) bytes.set(order.signature, 192);
  return bytes;
}

export function decodePaymentOrder(bytes: Uint8Array): PaymentOrder {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const u128 = (at: number): bigint => view.getBigUint64(at, true) | (view.getBigUint64(at + 8, true) << 64n);
  return {
    id: u128(0),
    debitAccountId: u128(16),
    creditAccountId: u128(32),
    amount: u128(48),
    timeout: view.getUint32(108, true),
    ledger: view.getUint32(112, true),
    code: view.getUint16(116, true),
    flags: view.getUint16(118, true),
    reference: bytes.slice(128, 160),
    sequence: view.getBigUint64(160, true),
    expiresAt: view.getBigUint64(168, true),
    keyId: view.getBigUint64(176, true),
    signature: bytes.slice(192),
  };
}

export function orderSignedBytes(orders: Uint8Array, offset = 0): Uint8Array<ArrayBuffer> {
  const signed = new Uint8Array(orders.subarray(offset, offset + 184));
  signed.fill(0, 120, 128);
  return tagged('paymentOrder', signed);
}

export function orderKeyId(keyId: Uint8Array): bigint {
  return new DataView(keyId.buffer, keyId.byteOffset, keyId.byteLength).getBigUint64(0, true);
}
