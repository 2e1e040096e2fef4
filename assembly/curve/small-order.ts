// Points whose order divides the cofactor 8. There are eight, with five different y; strictly decoded, a point is one of
// them exactly when its y is.

// prettier-ignore
const SMALL_ORDER_Y = memory.data<u64>([
  // order 1: (0, 1)
  0x0000000000000001, 0x0000000000000000, 0x0000000000000000, 0x0000000000000000,
  // order 2: (0, -1)
  0xffffffffffffffec, 0xffffffffffffffff, 0xffffffffffffffff, 0x7fffffffffffffff,
  // order 4: y = 0, x one of the roots of -1
  0x0000000000000000, 0x0000000000000000, 0x0000000000000000, 0x0000000000000000,
  // order 8: the two roots of d·y⁴ + 2·y² = 1, with two x each
  0xb027b2c28f95e826, 0xf098eff289f4c345, 0x3933c6d305acdfd5, 0x05fc536d880238b1,
  0x4fd84d3d706a17c7, 0x0f67100d760b3cba, 0xc6cc392cfa53202a, 0x7a03ac9277fdc74e,
], 16);

const MASK_255: u64 = 0x7fffffffffffffff;

/** Whether the point encoded by the 32 bytes, which decompress has taken, has an order of 1, 2, 4 or 8. */
export function isSmallOrder(bytes: usize): bool {
  for (let i: usize = 0; i < 5 * 32; i += 32) {
    const y = SMALL_ORDER_Y + i;
    if (
      load<u64>(bytes) == load<u64>(y) &&
      load<u64>(bytes, 8) == load<u64>(y, 8) &&
      load<u64>(bytes, 16) == load<u64>(y, 16) &&
      (load<u64>(bytes, 24) & MASK_255) == load<u64>(y, 24)
    ) {
      return true;
    }
  }
  return false;
}
