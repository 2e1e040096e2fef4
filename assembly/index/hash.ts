// Keyed hash of an id. The key is secret, so that nobody can choose ids that all fall on one place. Ids come from
// clients, therefore each half goes through a multiplication by a secret odd number before anything is added to it.

const MULTIPLIER_0: u64 = 0x9e3779b97f4a7c15;
const MULTIPLIER_1: u64 = 0xd6e8feb86659fd93;

/** An odd multiplier made of one seed. */
// @ts-ignore: decorator
@inline
export function multiplierOf(seed: u64): u64 {
  return (mix(seed + MULTIPLIER_0) << 1) | 1;
}

// @ts-ignore: decorator
@inline
export function mix(x: u64): u64 {
  x ^= x >> 32;
  x *= MULTIPLIER_1;
  x ^= x >> 29;
  x *= MULTIPLIER_0;
  return x ^ (x >> 32);
}

/** 64 well mixed bits of (lo, hi); key_0 and key_1 are secret and odd. */
// @ts-ignore: decorator
@inline
export function hashPair(lo: u64, hi: u64, key_0: u64, key_1: u64): u64 {
  let x = (lo ^ key_1) * key_0;
  x ^= x >> 32;
  x = (x ^ hi) * key_1;
  x ^= x >> 29;
  x = (x + hi) * key_0;
  return x ^ (x >> 32);
}
