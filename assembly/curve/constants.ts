// Constants of the curve -x² + y² = 1 + d·x²·y² (RFC 8032, section 5.1) as pairs, the same element in both lanes. A pair
// looks different in each build, so they are made when the instance is initialised, from the bytes below.
import { take } from "../memory/workspace";
import { PAIR_BYTES, fromBytes } from "../field/pair";

// prettier-ignore
const NUMBERS = memory.data<u64>([
  // d = -121665/121666
  0x75eb4dca135978a3, 0x00700a4d4141d8ab, 0x8cc740797779e898, 0x52036cee2b6ffe73,
  // 2d
  0xebd69b9426b2f159, 0x00e0149a8283b156, 0x198e80f2eef3d130, 0x2406d9dc56dffce7,
  // 2^((p - 1) / 4), a square root of -1
  0xc4ee1b274a0ea0b0, 0x2f431806ad2fe478, 0x2b4d00993dfbd7a7, 0x2b8324804fc1df0b,
  1, 0, 0, 0,
  0, 0, 0, 0,
  4, 0, 0, 0,
], 16);

/** The base point, encoded: y = 4/5, x even. */
export const BASE = memory.data<u64>([0x6666666666666658, 0x6666666666666666, 0x6666666666666666, 0x6666666666666666], 16);

export let D: usize = 0;
export let D2: usize = 0;
export let ROOT: usize = 0;
export let ONE: usize = 0;
export let ZERO: usize = 0;
export let FOUR: usize = 0;

export function initialiseConstants(): void {
  D = take(6 * PAIR_BYTES);
  D2 = D + PAIR_BYTES;
  ROOT = D2 + PAIR_BYTES;
  ONE = ROOT + PAIR_BYTES;
  ZERO = ONE + PAIR_BYTES;
  FOUR = ZERO + PAIR_BYTES;
  for (let i: usize = 0; i < 6; i++) fromBytes(D + i * PAIR_BYTES, NUMBERS + (i << 5), NUMBERS + (i << 5));
}
