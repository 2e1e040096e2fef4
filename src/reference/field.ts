// The field modulo p = 2^255 - 19 in bigints: RFC 7748 section 4.1, RFC 8032 section 5.1.

export const P = (1n << 255n) - 19n;

/** The number from 0 to p - 1. */
export function mod(a: bigint, modulus = P): bigint {
  const rest = a % modulus;
  return rest < 0n ? rest + modulus : rest;
}

export function power(base: bigint, exponent: bigint, modulus = P): bigint {
  let result = 1n;
  let square = mod(base, modulus);
  for (let e = exponent; e > 0n; e >>= 1n) {
    if (e & 1n) result = mod(result * square, modulus);
    square = mod(square * square, modulus);
  }
  return result;
}

/** 1/a, and 0 for 0. */
export function invert(a: bigint): bigint {
  return power(a, P - 2n);
}

export function fromLittleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

/** `length` bytes of a number below 2^(8·length). */
export function toLittleEndian(value: bigint, length = 32): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
}
