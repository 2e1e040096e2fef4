// Reading a table at a secret place: every entry is read, and kept under a mask. See pair.ts for the pairs.

/** All ones if a = b, else 0; both below 2^31. Without a comparison, which might become a branch. */
// @ts-ignore: decorator
@inline
function equalMask(a: u64, b: u64): u64 {
  return <u64>(<i64>((a ^ b) - 1) >> 63);
}

/**
 * out = in each lane, the element of that lane of pair number `indexA` and `indexB`: 0 is the pair at `zero`, 1 to `count`
 * are at `first` and every `stride` bytes after it. In constant time.
 */
export function select(
  out: usize,
  zero: usize,
  first: usize,
  stride: usize,
  count: usize,
  indexA: u32,
  indexB: u32,
): void {
  const end = first + stride * count;
  if (ASC_FEATURE_RELAXED_SIMD) {
    const index = i64x2.replace_lane(i64x2.splat(indexA), 1, indexB);
    const one = i64x2.splat(1);
    let number = i64x2.splat(0);
    let mask = i64x2.eq(index, number);
    let s0 = v128.and(v128.load(zero, 0), mask);
    let s1 = v128.and(v128.load(zero, 16), mask);
    let s2 = v128.and(v128.load(zero, 32), mask);
    let s3 = v128.and(v128.load(zero, 48), mask);
    let s4 = v128.and(v128.load(zero, 64), mask);
    for (let pair = first; pair < end; pair += stride) {
      number = i64x2.add(number, one);
      mask = i64x2.eq(index, number);
      s0 = v128.or(s0, v128.and(v128.load(pair, 0), mask));
      s1 = v128.or(s1, v128.and(v128.load(pair, 16), mask));
      s2 = v128.or(s2, v128.and(v128.load(pair, 32), mask));
      s3 = v128.or(s3, v128.and(v128.load(pair, 48), mask));
      s4 = v128.or(s4, v128.and(v128.load(pair, 64), mask));
    }
    v128.store(out, s0, 0);
    v128.store(out, s1, 16);
    v128.store(out, s2, 32);
    v128.store(out, s3, 48);
    v128.store(out, s4, 64);
  } else {
    selectElement(out, zero, first, end, stride, indexA);
    selectElement(out + 40, zero + 40, first + 40, end + 40, stride, indexB);
  }
}

function selectElement(out: usize, zero: usize, first: usize, end: usize, stride: usize, index: u64): void {
  let number: u64 = 0;
  let mask = equalMask(index, number);
  let s0 = load<u64>(zero, 0) & mask;
  let s1 = load<u64>(zero, 8) & mask;
  let s2 = load<u64>(zero, 16) & mask;
  let s3 = load<u64>(zero, 24) & mask;
  let s4 = load<u64>(zero, 32) & mask;
  for (let element = first; element < end; element += stride) {
    number++;
    mask = equalMask(index, number);
    s0 |= load<u64>(element, 0) & mask;
    s1 |= load<u64>(element, 8) & mask;
    s2 |= load<u64>(element, 16) & mask;
    s3 |= load<u64>(element, 24) & mask;
    s4 |= load<u64>(element, 32) & mask;
  }
  store<u64>(out, s0, 0);
  store<u64>(out, s1, 8);
  store<u64>(out, s2, 16);
  store<u64>(out, s3, 24);
  store<u64>(out, s4, 32);
}

/** a = -a in the lanes whose mask is all ones, not where it is 0; in constant time. */
export function negateIf(a: usize, maskA: u64, maskB: u64): void {
  if (ASC_FEATURE_RELAXED_SIMD) {
    const sign = v128.and(i64x2.replace_lane(i64x2.splat(maskA), 1, maskB), i64x2.splat(0x8000000000000000));
    v128.store(a, v128.xor(v128.load(a, 0), sign), 0);
    v128.store(a, v128.xor(v128.load(a, 16), sign), 16);
    v128.store(a, v128.xor(v128.load(a, 32), sign), 32);
    v128.store(a, v128.xor(v128.load(a, 48), sign), 48);
    v128.store(a, v128.xor(v128.load(a, 64), sign), 64);
  } else {
    for (let i: usize = 0; i < 40; i += 4) {
      store<i32>(a + i, (load<i32>(a + i) ^ <i32>maskA) - <i32>maskA);
      store<i32>(a + i, (load<i32>(a + i, 40) ^ <i32>maskB) - <i32>maskB, 40);
    }
  }
}
