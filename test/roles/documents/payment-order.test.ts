import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  decodePaymentOrder,
  encodePaymentOrder,
  ORDER_SIGNED_BYTES,
  orderKeyId,
  orderSignedBytes,
  type PaymentOrder,
} from '../../../src/roles/documents/payment-order.ts';

const ORDER: PaymentOrder = {
  id: 0x1111n,
  debitAccountId: 0x2222n,
  creditAccountId: 0x3333n,
  amount: 250n,
  pendingId: 0n,
  userData128: 4n,
  userData64: 5n,
  userData32: 6,
  timeout: 60,
  ledger: 978,
  code: 3,
  flags: 2,
  timestamp: 0n,
  reference: new Uint8Array(32).fill(0xab),
  sequence: 9n,
  expiresAt: 1_800_000_000_000_000_000n,
  keyId: 0x0102_0304_0506_0708n,
  verdict: 0,
  signature: new Uint8Array(64).fill(0xcd),
};

test('an order is 256 bytes and comes back as it was', () => {
  const bytes = encodePaymentOrder(ORDER);
  expect(bytes.length).toBe(256);
  expect(decodePaymentOrder(bytes)).toEqual(ORDER);
  // The layout is for ever: devices sign it.
  expect(createHash('sha256').update(bytes).digest('hex')).toMatchInlineSnapshot(
    `"8af492878dfaa3dd121c6fec2ada12ec6c3750799a85b68e2fa21eea1c35dcec"`,
  );
  expect(createHash('sha256').update(orderSignedBytes(bytes)).digest('hex')).toMatchInlineSnapshot(
    `"ed2495ee64c0aba5d2f9f3808ea70a1ce16d4785960b46ca7ec0b0189cf5225a"`,
  );
});

test('what is signed leaves out what is not the device’s: time, verdict, the signature itself', () => {
  const signed = orderSignedBytes(encodePaymentOrder(ORDER));
  expect(signed.length).toBe(ORDER_SIGNED_BYTES);
  expect(Buffer.from(signed.subarray(0, 24)).toString()).toBe('specie payment order v1\0');
  const stored = encodePaymentOrder({
    ...ORDER,
    timestamp: 77n,
    verdict: 1,
    signature: new Uint8Array(64),
  });
  expect(orderSignedBytes(stored)).toEqual(signed);
  const packed = new Uint8Array(600);
  packed.set(stored, 256);
  expect(orderSignedBytes(packed, 256)).toEqual(signed);
  for (let at = 0; at < 184; at++) {
    const changed = Uint8Array.from(stored);
    changed[at]! ^= 1;
    const isTime = at >= 120 && at < 128;
    expect(Buffer.compare(orderSignedBytes(changed), signed) === 0, `byte ${at}`).toBe(isTime);
  }
});

test('what has another size is refused by name', () => {
  expect(() => decodePaymentOrder(new Uint8Array(255))).toThrow('expected 256 bytes, got 255');
  expect(() => encodePaymentOrder({ reference: new Uint8Array(31) })).toThrow(
    'PaymentOrder.reference: expected 32 bytes, got 31',
  );
  expect(() => encodePaymentOrder({ sequence: -1n })).toThrow('PaymentOrder.sequence');
  expect(() => orderSignedBytes(new Uint8Array(183))).toThrow(RangeError);
  expect(orderKeyId(Uint8Array.of(8, 7, 6, 5, 4, 3, 2, 1))).toBe(ORDER.keyId);
});
