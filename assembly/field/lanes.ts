// Pairs put together from the elements of other pairs: what point formulas need that spread one operation over both lanes.
// See pair.ts for the pairs. The names say which element of a and which of b: A is the first of a pair, B the second.

// @ts-ignore: decorator
@inline
function copyElement(out: usize, a: usize): void {
  store<u64>(out, load<u64>(a), 0);
  store<u64>(out, load<u64>(a, 8), 8);
  store<u64>(out, load<u64>(a, 16), 16);
  store<u64>(out, load<u64>(a, 24), 24);
  store<u64>(out, load<u64>(a, 32), 32);
}

/** out = (first of a, first of b). Out may be a, not b. */
// @ts-ignore: decorator
@inline
export function joinAA(out: usize, a: usize, b: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) {
    v128.store(out, v128.shuffle<u64>(v128.load(a, 0), v128.load(b, 0), 0, 2), 0);
    v128.store(out, v128.shuffle<u64>(v128.load(a, 16), v128.load(b, 16), 0, 2), 16);
    v128.store(out, v128.shuffle<u64>(v128.load(a, 32), v128.load(b, 32), 0, 2), 32);
    v128.store(out, v128.shuffle<u64>(v128.load(a, 48), v128.load(b, 48), 0, 2), 48);
    v128.store(out, v128.shuffle<u64>(v128.load(a, 64), v128.load(b, 64), 0, 2), 64);
  } else {
    copyElement(out, a);
    copyElement(out + 40, b);
  }
}

/** out = (second of a, second of b). Out may be a, not b. */
// @ts-ignore: decorator
@inline
export function joinBB(out: usize, a: usize, b: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) {
    v128.store(out, v128.shuffle<u64>(v128.load(a, 0), v128.load(b, 0), 1, 3), 0);
    v128.store(out, v128.shuffle<u64>(v128.load(a, 16), v128.load(b, 16), 1, 3), 16);
    v128.store(out, v128.shuffle<u64>(v128.load(a, 32), v128.load(b, 32), 1, 3), 32);
    v128.store(out, v128.shuffle<u64>(v128.load(a, 48), v128.load(b, 48), 1, 3), 48);
    v128.store(out, v128.shuffle<u64>(v128.load(a, 64), v128.load(b, 64), 1, 3), 64);
  } else {
    copyElement(out, a + 40);
    copyElement(out + 40, b + 40);
  }
}

/** out = (first of a, second of b). Out may be a or b. */
// @ts-ignore: decorator
@inline
export function joinAB(out: usize, a: usize, b: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) {
    v128.store(out, v128.shuffle<u64>(v128.load(a, 0), v128.load(b, 0), 0, 3), 0);
    v128.store(out, v128.shuffle<u64>(v128.load(a, 16), v128.load(b, 16), 0, 3), 16);
    v128.store(out, v128.shuffle<u64>(v128.load(a, 32), v128.load(b, 32), 0, 3), 32);
    v128.store(out, v128.shuffle<u64>(v128.load(a, 48), v128.load(b, 48), 0, 3), 48);
    v128.store(out, v128.shuffle<u64>(v128.load(a, 64), v128.load(b, 64), 0, 3), 64);
  } else {
    copyElement(out, a);
    copyElement(out + 40, b + 40);
  }
}

/** out = (second of a, first of b). Out is neither. */
// @ts-ignore: decorator
@inline
export function joinBA(out: usize, a: usize, b: usize): void {
  if (ASC_FEATURE_RELAXED_SIMD) {
    v128.store(out, v128.shuffle<u64>(v128.load(a, 0), v128.load(b, 0), 1, 2), 0);
    v128.store(out, v128.shuffle<u64>(v128.load(a, 16), v128.load(b, 16), 1, 2), 16);
    v128.store(out, v128.shuffle<u64>(v128.load(a, 32), v128.load(b, 32), 1, 2), 32);
    v128.store(out, v128.shuffle<u64>(v128.load(a, 48), v128.load(b, 48), 1, 2), 48);
    v128.store(out, v128.shuffle<u64>(v128.load(a, 64), v128.load(b, 64), 1, 2), 64);
  } else {
    copyElement(out, a + 40);
    copyElement(out + 40, b);
  }
}
