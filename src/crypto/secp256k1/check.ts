// What the functions of blind notes refuse, before anything is computed.
import { expectArray, expectBytes, expectItems } from '../errors.ts';
import { SCALAR_SIZE } from './note-crypto.ts';

/** A Cashu secret with conditions has some hundred bytes. */
export const MESSAGE_BYTES_MAX = 1_024;

const N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const ORDER = Uint8Array.from({ length: SCALAR_SIZE }, (_, i) => Number((N >> BigInt(8 * (31 - i))) & 0xffn));

/**
 * Whether the 32 bytes are from 1 to n - 1. Takes as long for one scalar as for another: the borrow of scalar - n, and
 * whether any bit is set.
 */
export function isScalar(scalar: Uint8Array): boolean {
  if (scalar.length !== SCALAR_SIZE) return false;
  let borrow = 0;
  let any = 0;
  for (let i = SCALAR_SIZE - 1; i >= 0; i--) {
    borrow = (scalar[i]! - ORDER[i]! - borrow) >>> 31;
    any |= scalar[i]!;
  }
  return any !== 0 && borrow === 1;
}

/** Throws RangeError unless it is a scalar from 1 to n - 1. The message does not hold it. */
export function expectScalar(name: string, scalar: Uint8Array): void {
  expectBytes(name, scalar);
  if (!isScalar(scalar)) {
    throw new RangeError(`expected ${name} as 32 bytes from 1 to n - 1, got ${scalar.length} bytes`);
  }
}

export function expectMessage(name: string, message: Uint8Array): void {
  expectBytes(name, message);
  if (message.length > MESSAGE_BYTES_MAX) {
    throw new RangeError(
      `expected ${name} of at most ${MESSAGE_BYTES_MAX} bytes, got ${message.length} bytes`,
    );
  }
}

/** An array without holes, each element of which `expect` takes. */
export function expectEach(
  name: string,
  list: readonly Uint8Array[],
  expect: (name: string, value: Uint8Array) => void,
): void {
  expectArray(name, list);
  for (let i = 0; i < list.length; i++) expect(`${name}[${i}]`, list[i]!);
}

export { expectBytes, expectItems };
