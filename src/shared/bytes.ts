// Fixed-width integers in byte buffers, little-endian, each write checked.

export const U64_MAX = 0xffff_ffff_ffff_ffffn;
export const U128_MAX = (1n << 128n) - 1n;

export function checkUint(value: number, max: number, what: string): number {
  if (!Number.isInteger(value) || value < 0 || value > max) {
    throw new RangeError(`${what}: expected an integer from 0 to ${max}, got ${value}`);
  }
  return value;
}

export function checkU64(value: bigint, what: string): bigint {
  if (typeof value !== 'bigint' || value < 0n || value > U64_MAX) {
    throw new RangeError(`${what}: expected a bigint from 0 to 2^64-1, got ${typeof value} ${value}`);
  }
  return value;
}

export function checkU128(value: bigint, what: string): bigint {
  if (typeof value !== 'bigint' || value < 0n || value > U128_MAX) {
    throw new RangeError(`${what}: expected a bigint from 0 to 2^128-1, got ${typeof value} ${value}`);
  }
  return value;
}

export function readU128(view: DataView, offset: number): bigint {
  const high = view.getBigUint64(offset + 8, true);
  const low = view.getBigUint64(offset, true);
  return high === 0n ? low : (high << 64n) | low;
}

export function writeU128(view: DataView, offset: number, value: bigint, what: string): void {
  checkU128(value, what);
  view.setBigUint64(offset, value & U64_MAX, true);
  view.setBigUint64(offset + 8, value >> 64n, true);
}

/** Zeroes `length` bytes (a multiple of 8). */
export function zero(view: DataView, offset: number, length: number): void {
  for (let i = 0; i < length; i += 8) view.setBigUint64(offset + i, 0n, true);
}

/** A copy of `length` bytes. */
export function readBytes(view: DataView, offset: number, length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(new Uint8Array(view.buffer, view.byteOffset + offset, length));
}

/** Writes exactly `length` bytes. */
export function writeBytes(
  view: DataView,
  offset: number,
  value: Uint8Array,
  length: number,
  what: string,
): void {
  if (value.length !== length) {
    throw new RangeError(`${what}: expected ${length} bytes, got ${value.length}`);
  }
  new Uint8Array(view.buffer, view.byteOffset + offset, length).set(value);
}
