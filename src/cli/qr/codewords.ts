// The codewords of a QR code: data in blocks, Reed-Solomon over GF(256), interleaved.
//
//     block 1   d d d d │ e e          d1 d1 d2 d2 … e1 e1 e2 e2 …
//     block 2   d d d d │ e e    ──▶   (the n-th of each block, block by block)

/** Of level L, by version from 1: error correction codewords of a block, and blocks. */
const CORRECTION = [7, 10, 15, 20, 26, 18, 20, 24, 30, 18, 20, 24, 26, 30, 22, 24, 28, 30, 28, 28];
const BLOCKS = [1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4, 4, 6, 6, 6, 6, 7, 8];

const BYTE_MODE = 0b0100;
const PADDING = [0xec, 0x11];

export interface Codewords {
  readonly version: number;
  readonly codewords: Uint8Array;
}

/** In the smallest version that holds them. @throws RangeError */
export function codewordsOf(bytes: Uint8Array): Codewords {
  for (let version = 1; version <= CORRECTION.length; version++) {
    const room = dataCodewords(version);
    const lengthBits = version < 10 ? 8 : 16;
    if (4 + lengthBits + bytes.length * 8 > room * 8) continue;
    return { version, codewords: interleaved(version, dataOf(bytes, lengthBits, room)) };
  }
  throw new RangeError(`QR code: expected at most 858 bytes, got ${bytes.length}`);
}

/** Modules that are no pattern, as bytes. */
export function allCodewords(version: number): number {
  const size = 17 + 4 * version;
  const count = version === 1 ? 0 : Math.floor(version / 7) + 2;
  // Three of them would lie on the finders; those on the timing patterns share five modules with each.
  const alignment = count === 0 ? 0 : (count * count - 3) * 25 - (count - 2) * 10;
  const patterns = 3 * 64 + 2 * (size - 16) + 31 + alignment + (version < 7 ? 0 : 36);
  return Math.floor((size * size - patterns) / 8);
}

const dataCodewords = (version: number): number =>
  allCodewords(version) - CORRECTION[version - 1]! * BLOCKS[version - 1]!;

function dataOf(bytes: Uint8Array, lengthBits: number, room: number): Uint8Array {
  const bits: number[] = [];
  const put = (value: number, count: number): void => {
    for (let i = count - 1; i >= 0; i--) bits.push((value >> i) & 1);
  };
  put(BYTE_MODE, 4);
  put(bytes.length, lengthBits);
  for (const byte of bytes) put(byte, 8);
  put(0, Math.min(4, room * 8 - bits.length));
  put(0, -bits.length & 7);
  for (let i = 0; bits.length < room * 8; i++) put(PADDING[i % 2]!, 8);
  return Uint8Array.from({ length: room }, (_, i) =>
    bits.slice(i * 8, i * 8 + 8).reduce((byte, bit) => (byte << 1) | bit, 0),
  );
}

function interleaved(version: number, data: Uint8Array): Uint8Array {
  const [correction, count] = [CORRECTION[version - 1]!, BLOCKS[version - 1]!];
  const short = Math.floor(data.length / count);
  const long = data.length % count;
  const generator = generatorOf(correction);
  const blocks: Uint8Array[] = [];
  const checks: Uint8Array[] = [];
  let from = 0;
  for (let i = 0; i < count; i++) {
    // The short ones come first.
    const to = from + short + (i < count - long ? 0 : 1);
    const block = data.subarray(from, to);
    blocks.push(block);
    checks.push(checkOf(block, generator));
    from = to;
  }
  const result: number[] = [];
  for (const lanes of [blocks, checks]) {
    const most = Math.max(...lanes.map(({ length }) => length));
    for (let i = 0; i < most; i++) {
      for (const lane of lanes) if (i < lane.length) result.push(lane[i]!);
    }
  }
  return Uint8Array.from(result);
}

/** In GF(256) with x⁸ + x⁴ + x³ + x² + 1. */
export function multiply(left: number, right: number): number {
  let product = 0;
  for (let i = 7; i >= 0; i--) {
    product = (product << 1) ^ ((product >> 7) * 0x11d);
    if ((right >> i) & 1) product ^= left;
  }
  return product;
}

/** (x - 1)(x - 2)(x - 4) …, without its first coefficient, which is 1. */
function generatorOf(degree: number): number[] {
  let coefficients = [1];
  for (let i = 0, root = 1; i < degree; i++, root = multiply(root, 2)) {
    const shifted = [...coefficients, 0];
    coefficients.forEach((value, at) => {
      shifted[at + 1]! ^= multiply(value, root);
    });
    coefficients = shifted;
  }
  return coefficients.slice(1);
}

function checkOf(block: Uint8Array, generator: readonly number[]): Uint8Array {
  const rest = new Uint8Array(generator.length);
  for (const byte of block) {
    const factor = byte ^ rest[0]!;
    rest.copyWithin(0, 1);
    rest[rest.length - 1] = 0;
    generator.forEach((coefficient, i) => {
      rest[i]! ^= multiply(coefficient, factor);
    });
  }
  return rest;
}
