// Where the constants of SHA-2 come from: fractional parts of roots of primes (FIPS 180-4, sections 4.2 and 5.3).

export function firstPrimes(count: number): bigint[] {
  const primes: bigint[] = [];
  for (let candidate = 2n; primes.length < count; candidate++) {
    if (primes.every((prime) => candidate % prime !== 0n)) primes.push(candidate);
  }
  return primes;
}

/** The first `bits` bits of the fractional part of the `degree`th root of `radicand`. */
export function rootFraction(radicand: bigint, degree: bigint, bits: bigint): bigint {
  return integerRoot(radicand << (degree * bits), degree) & ((1n << bits) - 1n);
}

/** The largest integer whose `degree`th power is at most `radicand`, by bisection. */
function integerRoot(radicand: bigint, degree: bigint): bigint {
  let low = 0n;
  let high = radicand;
  while (low < high) {
    const middle = (low + high + 1n) / 2n;
    if (middle ** degree <= radicand) low = middle;
    else high = middle - 1n;
  }
  return low;
}
