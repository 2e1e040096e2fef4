// Constants of the curve y² = x³ + 7 (SEC 2, section 2.4.1) as pairs, the same element in both lanes. A pair looks different
// in each build, so they are made when the instance is initialised, from the bytes below.
import { take } from "../memory/workspace";
import { PAIR_BYTES, fromBytes } from "./field";

// prettier-ignore
const BASE = memory.data<u8>([
  0x79, 0xbe, 0x66, 0x7e, 0xf9, 0xdc, 0xbb, 0xac, 0x55, 0xa0, 0x62, 0x95, 0xce, 0x87, 0x0b, 0x07,
  0x02, 0x9b, 0xfc, 0xdb, 0x2d, 0xce, 0x28, 0xd9, 0x59, 0xf2, 0x81, 0x5b, 0x16, 0xf8, 0x17, 0x98,
  0x48, 0x3a, 0xda, 0x77, 0x26, 0xa3, 0xc4, 0x65, 0x5d, 0xa4, 0xfb, 0xfc, 0x0e, 0x11, 0x08, 0xa8,
  0xfd, 0x17, 0xb4, 0x48, 0xa6, 0x85, 0x54, 0x19, 0x9c, 0x47, 0xd0, 0x8f, 0xfb, 0x10, 0xd4, 0xb8,
], 16);

// prettier-ignore
const NUMBERS = memory.data<u8>([
  // β, a cube root of 1: (βx, y) is λ·(x, y)
  0x7a, 0xe9, 0x6a, 0x2b, 0x65, 0x7c, 0x07, 0x10, 0x6e, 0x64, 0x47, 0x9e, 0xac, 0x34, 0x34, 0xe9,
  0x9c, 0xf0, 0x49, 0x75, 0x12, 0xf5, 0x89, 0x95, 0xc1, 0x39, 0x6c, 0x28, 0x71, 0x95, 0x01, 0xee,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7,
], 16);

export let BETA: usize = 0;
export let ONE: usize = 0;
export let ZERO: usize = 0;
export let SEVEN: usize = 0;
/** The base point, x and y. */
export let GENERATOR: usize = 0;

export function initialiseConstants(): void {
  BETA = take(6 * PAIR_BYTES);
  ONE = BETA + PAIR_BYTES;
  ZERO = ONE + PAIR_BYTES;
  SEVEN = ZERO + PAIR_BYTES;
  GENERATOR = SEVEN + PAIR_BYTES;
  fromBytes(GENERATOR, BASE, BASE);
  fromBytes(GENERATOR + PAIR_BYTES, BASE + 32, BASE + 32);
  for (let i: usize = 0; i < 4; i++) fromBytes(BETA + i * PAIR_BYTES, NUMBERS + (i << 5), NUMBERS + (i << 5));
}
