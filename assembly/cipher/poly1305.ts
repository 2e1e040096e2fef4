// Poly1305, RFC 8439 section 2.5: one-time authentication, h = (h + block)·r modulo 2^130 - 5 for each block.
//
// h stands in 32-bit limbs h0 … h3, kept loosely in u64, and h4 for what is above 2^128. Section 2.5 clamps r: each 32-bit
// word is below 2^28, and r1, r2, r3 are multiples of 4. So 2^128·r1 = 2^130·(r1 / 4), which is 5·(r1 / 4) = r1 + r1 / 4
// modulo 2^130 - 5; that is s1. The message needs no splitting, and a product takes twenty multiplications.
//
// Bounds. Carries move one place each, all at once. In units of 2^32, with the next block added: h0 < 3.225, h1 < 2.862,
// h2 < 2.818, h3 < 2.774, and h4 <= 4. The columns d0 … d3 are then below 13.79, 13.08, 12.38 and 11.68 times 2^60, so no
// sum overflows 64 bits. They hand on a sixteenth of that: h1 < 1 + 13.79 / 16 + 1 with the next block, h2 < 1 + 13.08 /
// 16 + 1, h3 < 1 + 12.38 / 16 + 1. What is above 2^128, d4 < 11.68 / 16 + 4 · 2^28 / 2^32 = 0.98, leaves two bits in h4, and
// five fourths of it come round to h0 < 1 + 1.25 · 0.98 + 1. So the bounds hold again.

import { release, take } from "../memory/workspace";
import { copyBytes, wipe } from "../memory/bytes";

const LOW: u64 = 0xffffffff;
const BLOCK_BYTES: usize = 16;

// A message on its way. The pad is what section 2.5 calls s; a block that is not full yet waits in `partial`.
//
//     0         40        56        72        88              92         96
//     ┌─────────┬─────────┬─────────┬─────────┬───────────────┬──────────┐
//     │ h0 … h4 │ r0 … r3 │ pad     │ partial │ partial_bytes │ reserved │
//     └─────────┴─────────┴─────────┴─────────┴───────────────┴──────────┘
// @ts-ignore: decorator
@unmanaged
export class Poly1305 {
  h0: u64;
  h1: u64;
  h2: u64;
  h3: u64;
  h4: u64;
  r0: u32;
  r1: u32;
  r2: u32;
  r3: u32;
  pad_0: u32;
  pad_1: u32;
  pad_2: u32;
  pad_3: u32;
  partial_lo: u64;
  partial_hi: u64;
  partial_bytes: u32;
  reserved: u32;
}

if (offsetof<Poly1305>() != 96) ERROR("Poly1305 must be 96 bytes");
if (offsetof<Poly1305>("r0") != 40) ERROR("Poly1305.r0 must be at 40");
if (offsetof<Poly1305>("pad_0") != 56) ERROR("Poly1305.pad_0 must be at 56");
if (offsetof<Poly1305>("partial_lo") != 72) ERROR("Poly1305.partial_lo must be at 72");
if (offsetof<Poly1305>("partial_bytes") != 88) ERROR("Poly1305.partial_bytes must be at 88");

/** Begins with the one-time key of 32 bytes. */
export function poly1305Start(context: usize, key: usize): void {
  const poly = changetype<Poly1305>(context);
  wipe(context, offsetof<Poly1305>());
  poly.r0 = load<u32>(key) & 0x0fffffff;
  poly.r1 = load<u32>(key, 4) & 0x0ffffffc;
  poly.r2 = load<u32>(key, 8) & 0x0ffffffc;
  poly.r3 = load<u32>(key, 12) & 0x0ffffffc;
  copyBytes(context + offsetof<Poly1305>("pad_0"), key + 16, 16);
}

export function poly1305Update(context: usize, message: usize, length: usize): void {
  const poly = changetype<Poly1305>(context);
  const partial = context + offsetof<Poly1305>("partial_lo");
  const held = <usize>poly.partial_bytes;
  if (held > 0) {
    const fill = min(BLOCK_BYTES - held, length);
    copyBytes(partial + held, message, fill);
    poly.partial_bytes = <u32>(held + fill);
    if (held + fill < BLOCK_BYTES) return;
    absorb(poly, partial, BLOCK_BYTES, 1);
    poly.partial_bytes = 0;
    message += fill;
    length -= fill;
  }
  const whole = length & ~(BLOCK_BYTES - 1);
  if (whole > 0) absorb(poly, message, whole, 1);
  if (length > whole) {
    copyBytes(partial, message + whole, length - whole);
    poly.partial_bytes = <u32>(length - whole);
  }
}

/** Fills up a begun block with zeroes: the padding between the parts of section 2.8. */
export function poly1305Pad(context: usize): void {
  const poly = changetype<Poly1305>(context);
  if (poly.partial_bytes == 0) return;
  const partial = context + offsetof<Poly1305>("partial_lo");
  wipe(partial + poly.partial_bytes, BLOCK_BYTES - poly.partial_bytes);
  absorb(poly, partial, BLOCK_BYTES, 1);
  poly.partial_bytes = 0;
}

/** The whole blocks at `message`; `top` is the bit that section 2.5 adds above a block of 16 bytes. */
function absorb(poly: Poly1305, message: usize, length: usize, top: u64): void {
  const r0 = <u64>poly.r0;
  const r1 = <u64>poly.r1;
  const r2 = <u64>poly.r2;
  const r3 = <u64>poly.r3;
  const s1 = r1 + (r1 >> 2);
  const s2 = r2 + (r2 >> 2);
  const s3 = r3 + (r3 >> 2);
  let h0 = poly.h0;
  let h1 = poly.h1;
  let h2 = poly.h2;
  let h3 = poly.h3;
  let h4 = poly.h4;
  const end = message + length;
  while (message < end) {
    h0 += <u64>load<u32>(message);
    h1 += <u64>load<u32>(message, 4);
    h2 += <u64>load<u32>(message, 8);
    h3 += <u64>load<u32>(message, 12);
    h4 += top;
    const d3 = h1 * r2 + h2 * r1 + h3 * r0 + h4 * s3 + h0 * r3;
    const d0 = h1 * s3 + h2 * s2 + h3 * s1 + h0 * r0;
    const d1 = h1 * r0 + h2 * s3 + h3 * s2 + h4 * s1 + h0 * r1;
    const d2 = h1 * r1 + h2 * r0 + h3 * s3 + h4 * s2 + h0 * r2;
    const d4 = h4 * r0 + (d3 >> 32);
    h0 = (d0 & LOW) + (d4 >> 2) + (d4 & ~3);
    h1 = (d1 & LOW) + (d0 >> 32);
    h2 = (d2 & LOW) + (d1 >> 32);
    h3 = (d3 & LOW) + (d2 >> 32);
    h4 = d4 & 3;
    message += BLOCK_BYTES;
  }
  poly.h0 = h0;
  poly.h1 = h1;
  poly.h2 = h2;
  poly.h3 = h3;
  poly.h4 = h4;
}

/** Writes the tag of 16 bytes and wipes the context. */
export function poly1305Finish(context: usize, tag: usize): void {
  const poly = changetype<Poly1305>(context);
  if (poly.partial_bytes > 0) {
    const partial = context + offsetof<Poly1305>("partial_lo");
    wipe(partial + poly.partial_bytes, BLOCK_BYTES - poly.partial_bytes);
    store<u8>(partial + poly.partial_bytes, 1);
    absorb(poly, partial, BLOCK_BYTES, 0);
  }
  let h0 = poly.h0;
  let h1 = poly.h1;
  let h2 = poly.h2;
  let h3 = poly.h3;
  let h4 = poly.h4;
  // Twice: the first round leaves less than 2^130 + 2^4, the second less than 2·(2^130 - 5) in strict limbs.
  for (let round = 0; round < 2; round++) {
    h1 += h0 >> 32;
    h2 += h1 >> 32;
    h3 += h2 >> 32;
    h4 += h3 >> 32;
    h0 = (h0 & LOW) + (h4 >> 2) * 5;
    h1 &= LOW;
    h2 &= LOW;
    h3 &= LOW;
    h4 &= 3;
  }
  h1 += h0 >> 32;
  h2 += h1 >> 32;
  h3 += h2 >> 32;
  h4 += h3 >> 32;
  h0 &= LOW;
  h1 &= LOW;
  h2 &= LOW;
  h3 &= LOW;

  // h - (2^130 - 5) = h + 5 - 2^130, taken where it is not negative, without a branch.
  let c = (h0 + 5) >> 32;
  c = (h1 + c) >> 32;
  c = (h2 + c) >> 32;
  c = (h3 + c) >> 32;
  const reduced = (h4 + c) >> 2;
  h0 += 5 * reduced + poly.pad_0;
  h1 += <u64>poly.pad_1 + (h0 >> 32);
  h2 += <u64>poly.pad_2 + (h1 >> 32);
  h3 += <u64>poly.pad_3 + (h2 >> 32);
  store<u32>(tag, <u32>h0);
  store<u32>(tag, <u32>h1, 4);
  store<u32>(tag, <u32>h2, 8);
  store<u32>(tag, <u32>h3, 12);
  wipe(context, offsetof<Poly1305>());
}

/** The tag of a whole message: section 2.5. */
export function poly1305(key: usize, message: usize, length: usize, tag: usize): void {
  const context = take(offsetof<Poly1305>());
  poly1305Start(context, key);
  poly1305Update(context, message, length);
  poly1305Finish(context, tag);
  release(context);
}
