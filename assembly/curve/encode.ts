// Encodings of secret multiples of the base point (RFC 8032 section 5.1.2): what compress of edwards.ts does, with the
// quicker inversion of divsteps.ts.
import { invertPair } from "../field/divsteps";
import { PAIR_BYTES, mul, toBytes, wipe } from "../field/pair";
import { release, take } from "../memory/workspace";
import { X, Y, Z } from "./edwards";

/** Stores the encodings of two points: y, and the low bit of x in the highest bit. */
export function encode(bytesA: usize, bytesB: usize, p: usize): void {
  const x = take(2 * PAIR_BYTES + 64);
  const y = x + PAIR_BYTES;
  const bytes = y + PAIR_BYTES;
  invertPair(y, p + Z);
  mul(x, p + X, y);
  mul(y, p + Y, y);
  toBytes(bytes, bytes + 32, x);
  toBytes(bytesA, bytesB, y);
  store<u8>(bytesA, load<u8>(bytesA, 31) | (load<u8>(bytes) << 7), 31);
  store<u8>(bytesB, load<u8>(bytesB, 31) | (load<u8>(bytes, 32) << 7), 31);
  memory.fill(x, 0, 2 * PAIR_BYTES + 64);
  wipe();
  release(x);
}
