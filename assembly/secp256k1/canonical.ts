// The one number from 0 to p - 1 that stands for a field element, the same for both builds. Without branches.

const MASK_52: i64 = 0xfffffffffffff;
const MASK_51: i64 = 0x7ffffffffffff;
/** 2^256 modulo p. */
const C: i64 = 0x1000003d1;

/**
 * Stores l0 + l1·2^52 + l2·2^103 + l3·2^154 + l4·2^205 modulo p as 32 bytes, big-endian; limbs of either sign, below 2^58,
 * and the sum below 2^262.
 */
export function storeCanonical(bytes: usize, l0: i64, l1: i64, l2: i64, l3: i64, l4: i64): void {
  // Twice round: every limb in its range but for l0, which may keep a small multiple of c.
  for (let round = 0; round < 2; round++) {
    l1 += l0 >> 52;
    l0 &= MASK_52;
    l2 += l1 >> 51;
    l1 &= MASK_51;
    l3 += l2 >> 51;
    l2 &= MASK_51;
    l4 += l3 >> 51;
    l3 &= MASK_51;
    l0 += C * (l4 >> 51);
    l4 &= MASK_51;
  }
  // From 0 to 2^256 + 2^39: a carry of -1 in the second round needs limbs of ones above l0. The value + c reaches 2^256
  // exactly when it is p or more: then p comes off.
  let q = (l0 + C) >> 52;
  q = (l1 + q) >> 51;
  q = (l2 + q) >> 51;
  q = (l3 + q) >> 51;
  q = (l4 + q) >> 51;
  l0 += C * q;
  l1 += l0 >> 52;
  l0 &= MASK_52;
  l2 += l1 >> 51;
  l1 &= MASK_51;
  l3 += l2 >> 51;
  l2 &= MASK_51;
  l4 += l3 >> 51;
  l3 &= MASK_51;
  l4 &= MASK_51;
  store<u64>(bytes, bswap<u64>(<u64>l0 | (<u64>l1 << 52)), 24);
  store<u64>(bytes, bswap<u64>((<u64>l1 >> 12) | (<u64>l2 << 39)), 16);
  store<u64>(bytes, bswap<u64>((<u64>l2 >> 25) | (<u64>l3 << 26)), 8);
  store<u64>(bytes, bswap<u64>((<u64>l3 >> 38) | (<u64>l4 << 13)), 0);
}
