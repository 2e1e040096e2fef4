// Poly1305 as RFC 8439 section 2.5.1 writes it, in whole numbers: the oracle of assembly/cipher/poly1305.ts.

const P = 2n ** 130n - 5n;
const CLAMP = 0x0ffffffc0ffffffc0ffffffc0fffffffn;

export const littleEndian = (bytes: Uint8Array): bigint =>
  bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);

/** The tag of 16 bytes under a one-time key of 32. */
export function poly1305(key: Uint8Array, message: Uint8Array): Uint8Array {
  const r = littleEndian(key.subarray(0, 16)) & CLAMP;
  const s = littleEndian(key.subarray(16, 32));
  let accumulator = 0n;
  for (let from = 0; from < message.length; from += 16) {
    const block = message.subarray(from, from + 16);
    const n = littleEndian(block) + (1n << BigInt(8 * block.length));
    accumulator = ((accumulator + n) * r) % P;
  }
  const tag = (accumulator + s) % 2n ** 128n;
  return Uint8Array.from({ length: 16 }, (_, i) => Number((tag >> BigInt(8 * i)) & 0xffn));
}
