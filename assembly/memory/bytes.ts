// Small runs of bytes. memory.copy and memory.fill are calls out of the module: below some hundred bytes, which is what
// most sealed messages are, a loop is faster.

const BULK_BYTES: usize = 512;

/** Copies `length` bytes between places that do not overlap. */
export function copyBytes(to: usize, from: usize, length: usize): void {
  if (length >= BULK_BYTES) {
    memory.copy(to, from, length);
    return;
  }
  const end = from + length;
  const words = from + (length & ~7);
  while (from < words) {
    store<u64>(to, load<u64>(from));
    from += 8;
    to += 8;
  }
  while (from < end) store<u8>(to++, load<u8>(from++));
}

/** Fills `length` bytes with zeroes. The host calls it too: on shared memory its own `fill` is eight times slower. */
export function wipe(address: usize, length: usize): void {
  if (length >= BULK_BYTES) {
    memory.fill(address, 0, length);
    return;
  }
  const end = address + length;
  const words = address + (length & ~7);
  while (address < words) {
    store<u64>(address, 0);
    address += 8;
  }
  while (address < end) store<u8>(address++, 0);
}

/** Writes `input` combined with `mask`; `output` may be `input`. */
export function xorBytes(input: usize, mask: usize, output: usize, length: usize): void {
  const end = input + length;
  if (ASC_FEATURE_SIMD) {
    const vectors = input + (length & ~15);
    while (input < vectors) {
      v128.store(output, v128.xor(v128.load(input), v128.load(mask)));
      input += 16;
      mask += 16;
      output += 16;
    }
  }
  const words = input + ((end - input) & ~7);
  while (input < words) {
    store<u64>(output, load<u64>(input) ^ load<u64>(mask));
    input += 8;
    mask += 8;
    output += 8;
  }
  while (input < end) store<u8>(output++, load<u8>(input++) ^ load<u8>(mask++));
}
