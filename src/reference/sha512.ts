// SHA-512 as FIPS 180-4 writes it, to compare the kernel with. The constants are computed from what the standard says
// they are, so that a wrong digit in the kernel's tables shows.
import type { ReferenceHash } from './hash.ts';
import { firstPrimes, rootFraction } from './root-fractions.ts';

/** Section 4.2.3: the first 64 bits of the fractional parts of the cube roots of the first 80 primes. */
const K = firstPrimes(80).map((prime) => rootFraction(prime, 3n, 64n));

/** Section 5.3.5: of the square roots of the first eight. */
const H0 = firstPrimes(8).map((prime) => rootFraction(prime, 2n, 64n));

const BLOCK_BYTES = 128;

const add = (...terms: bigint[]): bigint =>
  BigInt.asUintN(
    64,
    terms.reduce((sum, term) => sum + term, 0n),
  );
const rotr = (x: bigint, n: bigint): bigint => (x >> n) | BigInt.asUintN(64, x << (64n - n));

// Section 4.1.3.
const ch = (x: bigint, y: bigint, z: bigint): bigint => (x & y) ^ (BigInt.asUintN(64, ~x) & z);
const maj = (x: bigint, y: bigint, z: bigint): bigint => (x & y) ^ (x & z) ^ (y & z);
const bigSigma0 = (x: bigint): bigint => rotr(x, 28n) ^ rotr(x, 34n) ^ rotr(x, 39n);
const bigSigma1 = (x: bigint): bigint => rotr(x, 14n) ^ rotr(x, 18n) ^ rotr(x, 41n);
const smallSigma0 = (x: bigint): bigint => rotr(x, 1n) ^ rotr(x, 8n) ^ (x >> 7n);
const smallSigma1 = (x: bigint): bigint => rotr(x, 19n) ^ rotr(x, 61n) ^ (x >> 6n);

/** Section 5.1.2: a one, zeroes, and the length in bits in 16 bytes. */
function pad(message: Uint8Array): Uint8Array {
  const padded = new Uint8Array(Math.ceil((message.length + 17) / BLOCK_BYTES) * BLOCK_BYTES);
  padded.set(message);
  padded[message.length] = 0x80;
  new DataView(padded.buffer).setBigUint64(padded.length - 8, BigInt(message.length) * 8n);
  return padded;
}

/** Section 6.4. */
function digest(message: Uint8Array): Uint8Array {
  const padded = pad(message);
  const view = new DataView(padded.buffer);
  let state = H0;
  for (let block = 0; block < padded.length; block += BLOCK_BYTES) {
    const w: bigint[] = [];
    for (let t = 0; t < 80; t++) {
      w[t] =
        t < 16
          ? view.getBigUint64(block + 8 * t)
          : add(smallSigma1(w[t - 2]!), w[t - 7]!, smallSigma0(w[t - 15]!), w[t - 16]!);
    }
    let [a, b, c, d, e, f, g, h] = state as [bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint];
    for (let t = 0; t < 80; t++) {
      const t1 = add(h, bigSigma1(e), ch(e, f, g), K[t]!, w[t]!);
      const t2 = add(bigSigma0(a), maj(a, b, c));
      [h, g, f, e, d, c, b, a] = [g, f, e, add(d, t1), c, b, a, add(t1, t2)];
    }
    state = [a, b, c, d, e, f, g, h].map((word, i) => add(word, state[i]!));
  }
  const out = new Uint8Array(64);
  const outView = new DataView(out.buffer);
  state.forEach((word, i) => {
    outView.setBigUint64(8 * i, word);
  });
  return out;
}

export const sha512: ReferenceHash = { digest, digestBytes: 64, blockBytes: BLOCK_BYTES };
