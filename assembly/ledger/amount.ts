// Amounts are u128 in two halves; a balance is the address of its low half, the high half follows.
//
//     0        8        16
//     ┌────────┬────────┐
//     │ lo     │ hi     │
//     └────────┴────────┘
//
// Nothing here wraps silently: a caller asks `sumOverflows` first, and `increase` and `decrease` abort where that
// was forgotten.

// @ts-ignore: decorator
@inline
export function sumOverflows(aLo: u64, aHi: u64, bLo: u64, bHi: u64): bool {
  const hi = aHi + bHi;
  const carry = u64(aLo + bLo < aLo);
  return hi < aHi || hi + carry < hi;
}

/** High half of a sum that does not overflow; the low half is aLo + bLo. */
// @ts-ignore: decorator
@inline
export function sumHi(aLo: u64, aHi: u64, bLo: u64, bHi: u64): u64 {
  return aHi + bHi + u64(aLo + bLo < aLo);
}

/** High half of a difference that does not underflow; the low half is aLo - bLo. */
// @ts-ignore: decorator
@inline
export function differenceHi(aLo: u64, aHi: u64, bLo: u64, bHi: u64): u64 {
  return aHi - bHi - u64(aLo < bLo);
}

// @ts-ignore: decorator
@inline
export function isGreater(aLo: u64, aHi: u64, bLo: u64, bHi: u64): bool {
  return aHi > bHi || (aHi == bHi && aLo > bLo);
}

export function increase(balance: usize, lo: u64, hi: u64): void {
  const oldLo = load<u64>(balance);
  const oldHi = load<u64>(balance, 8);
  assert(!sumOverflows(oldLo, oldHi, lo, hi), "balance: expected the sum to stay below 2^128");
  store<u64>(balance, oldLo + lo);
  store<u64>(balance, sumHi(oldLo, oldHi, lo, hi), 8);
}

export function decrease(balance: usize, lo: u64, hi: u64): void {
  const oldLo = load<u64>(balance);
  const oldHi = load<u64>(balance, 8);
  assert(!isGreater(lo, hi, oldLo, oldHi), "balance: expected at least what is taken off");
  store<u64>(balance, oldLo - lo);
  store<u64>(balance, differenceHi(oldLo, oldHi, lo, hi), 8);
}
