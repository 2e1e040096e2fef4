// Messages for tests of hashes: bytes that any length can be had of, and lengths at the edges of blocks.
import fc from 'fast-check';

/** `length` bytes without a short period, the same ones each time. */
export function message(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let x = seed >>> 0;
  for (let i = 0; i < length; i++) {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = x >>> 24;
  }
  return bytes;
}

/** Lengths where something changes: nothing at all, one block, what the padding needs, several blocks. */
export function edgeLengths(blockBytes: number): number[] {
  const lengths = [0, 1, 2];
  for (const blocks of [1, 2, 3, 4, 8]) {
    const end = blocks * blockBytes;
    lengths.push(end - 18, end - 17, end - 16, end - 10, end - 9, end - 8, end - 1, end, end + 1);
  }
  return lengths;
}

/** Bytes whose length is often at an edge. */
export const bytesOf = (blockBytes: number): fc.Arbitrary<Uint8Array> =>
  fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc
      .constantFrom(...edgeLengths(blockBytes))
      .chain((length) => fc.uint8Array({ minLength: length, maxLength: length })),
  );
