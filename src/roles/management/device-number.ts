// Numbers of devices and of shops: random, so that one says nothing of whose it is and nobody can guess one.
import { readU128, U64_MAX } from '../../shared/bytes.ts';

/** Cash keeps the numbers below for its own accounts, and those from 2^127 for further accounts of devices. */
export const DEVICE_NUMBER_MIN = U64_MAX + 1n;
export const DEVICE_NUMBER_MAX = (1n << 127n) - 1n;

const NUMBER_BYTES = 16;
/** Of a sound source one draw in 2^63 is below the first number, and fewer are taken. Beyond: the source is broken. */
const DRAWS_MAX = 16;

export type RandomBytes = (length: number) => Uint8Array;

/** A number that is not taken. @throws Error when the source gives none */
export function drawNumber(randomBytes: RandomBytes, isTaken: (device: bigint) => boolean): bigint {
  for (let draw = 0; draw < DRAWS_MAX; draw++) {
    const bytes = Uint8Array.from(randomBytes(NUMBER_BYTES));
    const device = readU128(new DataView(bytes.buffer), 0) & DEVICE_NUMBER_MAX;
    if (device >= DEVICE_NUMBER_MIN && !isTaken(device)) return device;
  }
  throw new Error(`device number: expected a free one among ${DRAWS_MAX} random ones, got none`);
}
