// SHA-256 as FIPS 180-4 writes it, to compare the kernel with. The constants are computed from what the standard says
// they are, so that a wrong digit in the kernel's tables shows.

import type { ReferenceHash } from './hash.ts';
import { firstPrimes, rootFraction } from './root-fractions.ts';

/** Section 4.2.2: the first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
const K = firstPrimes(64).map((prime) => Number(rootFraction(prime, 3n, 32n)));

/** Section 5.3.3: of the square roots of the first eight. */
const H0 = firstPrimes(8).map((prime) => Number(rootFraction(prime, 2n, 32n)));

const BLOCK_BYTES = 64;

const rotr = (x: number, n: number): number => ((x >>> n) | (x << (32 - n))) >>> 0;
const add = (...terms: number[]): number => terms.reduce((sum, term) => (sum + term) >>> 0, 0);

// Section 4.1.2.
const ch = (x: number, y: number, z: number): number => (x & y) ^ (~x & z);
const maj = (x: number, y: number, z: number): number => (x & y) ^ (x & z) ^ (y & z);
const bigSigma0 = (x: number): number => rotr(x, 2) ^ rotr(x, 13) ^ rotr(x, 22);
const bigSigma1 = (x: number): number => rotr(x, 6) ^ rotr(x, 11) ^ rotr(x, 25);
const smallSigma0 = (x: number): number => rotr(x, 7) ^ rotr(x, 18) ^ (x >>> 3);
const smallSigma1 = (x: number): number => rotr(x, 17) ^ rotr(x, 19) ^ (x >>> 10);

/** Section 5.1.1: a one, zeroes, and the length in bits in 8 bytes. */
function pad(message: Uint8Array): Uint8Array {
  const padded = new Uint8Array(Math.ceil((message.length + 9) / BLOCK_BYTES) * BLOCK_BYTES);
  padded.set(message);
  padded[message.length] = 0x80;
  new DataView(padded.buffer).setBigUint64(padded.length - 8, BigInt(message.length) * 8n);
  return padded;
}

/** Section 6.2. */
function digest(message: Uint8Array): Uint8Array {
  const padded = pad(message);
  const view = new DataView(padded.buffer);
  let state = H0;
  for (let block = 0; block < padded.length; block += BLOCK_BYTES) {
    const w: number[] = [];
    for (let t = 0; t < 64; t++) {
      w[t] =
        t < 16
          ? view.getUint32(block + 4 * t)
          : add(smallSigma1(w[t - 2]!), w[t - 7]!, smallSigma0(w[t - 15]!), w[t - 16]!);
    }
    let [a, b, c, d, e, f, g, h] = state as [number, number, number, number, number, number, number, number];
    for (let t = 0; t < 64; t++) {
      const t1 = add(h, bigSigma1(e), ch(e, f, g), K[t]!, w[t]!);
      const t2 = add(bigSigma0(a), maj(a, b, c));
      [h, g, f, e, d, c, b, a] = [g, f, e, add(d, t1), c, b, a, add(t1, t2)];
    }
    state = [a, b, c, d, e, f, g, h].map((word, i) => add(word, state[i]!));
  }
  const out = new Uint8Array(32);
  const outView = new DataView(out.buffer);
  state.forEach((word, i) => {
    outView.setUint32(4 * i, word);
  });
  return out;
}

export const sha256: ReferenceHash = { digest, digestBytes: 32, blockBytes: BLOCK_BYTES };
