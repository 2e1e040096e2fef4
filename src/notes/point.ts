// Points and scalars of secp256k1 that come from outside (SEC 1, 2.3.3: compressed points).
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { POINT_SIZE, SCALAR_SIZE } from '../crypto/secp256k1/note-crypto.ts';

/** The order of the group. */
export const ORDER = secp256k1.Point.Fn.ORDER;

/** Whether the bytes have a compressed point's form. Whether x is on the curve, the arithmetic finds out. */
export function isPointForm(bytes: Uint8Array): boolean {
  return bytes.length === POINT_SIZE && (bytes[0] === 2 || bytes[0] === 3);
}

/** Whether the bytes are a point. Takes as long as a square root: not for what the arithmetic looks at anyway. */
export function isPoint(bytes: Uint8Array): boolean {
  if (!isPointForm(bytes)) return false;
  try {
    secp256k1.Point.fromBytes(bytes);
    return true;
  } catch {
    return false;
  }
}

export function toScalar(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return value;
}

export function fromScalar(value: bigint): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(SCALAR_SIZE);
  let rest = value;
  for (let i = SCALAR_SIZE - 1; i >= 0; i--) {
    bytes[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

const ORDER_BYTES = fromScalar(ORDER);

/** 1 to n - 1, big-endian. In a time that depends on it: for what comes from outside. */
export function isScalar(bytes: Uint8Array): boolean {
  if (bytes.length !== SCALAR_SIZE || bytes.every((byte) => byte === 0)) return false;
  for (let i = 0; i < SCALAR_SIZE; i++) {
    if (bytes[i] !== ORDER_BYTES[i]) return bytes[i]! < ORDER_BYTES[i]!;
  }
  return false;
}

/** A scalar from 48 bytes that look random: the reduction's bias is below 2^-127 (RFC 9380, section 5). */
export function wideScalar(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return fromScalar((toScalar(bytes) % (ORDER - 1n)) + 1n);
}
