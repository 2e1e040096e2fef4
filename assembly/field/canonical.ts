// The one number from 0 to p - 1 that stands for a field element, the same for both builds. Without branches.

const MASK_51: i64 = 0x7ffffffffffff;

/** Stores l0 + l1·2^51 + … + l4·2^204 modulo p as 32 bytes, little-endian; limbs of either sign, below 2^58. */
export function storeCanonical(bytes: usize, l0: i64, l1: i64, l2: i64, l3: i64, l4: i64): void {
  // Twice round: every limb from 0 to 2^51 - 1 but for l0, which may keep a small multiple of 19, of either sign.
  for (let round = 0; round < 2; round++) {
    l1 += l0 >> 51;
    l0 &= MASK_51;
    l2 += l1 >> 51;
    l1 &= MASK_51;
    l3 += l2 >> 51;
    l2 &= MASK_51;
    l4 += l3 >> 51;
    l3 &= MASK_51;
    l0 += 19 * (l4 >> 51);
    l4 &= MASK_51;
  }
  // Now from 0 to 2^255 + 18: in the second round a carry of -1 needs limbs of 0 above it, which leaves l0 near 2^51. The
  // value + 19 reaches 2^255 exactly when it is p or more: then p comes off.
  let q = (l0 + 19) >> 51;
  q = (l1 + q) >> 51;
  q = (l2 + q) >> 51;
  q = (l3 + q) >> 51;
  q = (l4 + q) >> 51;
  l0 += 19 * q;
  l1 += l0 >> 51;
  l0 &= MASK_51;
  l2 += l1 >> 51;
  l1 &= MASK_51;
  l3 += l2 >> 51;
  l2 &= MASK_51;
  l4 += l3 >> 51;
  l3 &= MASK_51;
  l4 &= MASK_51;
  store<u64>(bytes, <u64>l0 | (<u64>l1 << 51));
  store<u64>(bytes, (<u64>l1 >> 13) | (<u64>l2 << 38), 8);
  store<u64>(bytes, (<u64>l2 >> 26) | (<u64>l3 << 25), 16);
  store<u64>(bytes, (<u64>l3 >> 39) | (<u64>l4 << 12), 24);
}
