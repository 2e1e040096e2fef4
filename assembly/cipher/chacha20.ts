// ChaCha20, RFC 8439 sections 2.3 and 2.4: blocks of keystream, and messages combined with them.
//
// A state is 64 bytes as in section 2.3: constants, key, counter, nonce. With SIMD four blocks are computed at once,
// word by word: lane i of vector w is word w of block i. The four may be consecutive blocks of one message, or blocks of
// four messages with a key each.

import { release, take } from "../memory/workspace";
import { copyBytes, wipe, xorBytes } from "../memory/bytes";

export const CHACHA_BLOCK_BYTES: usize = 64;
export const CHACHA_QUAD_BYTES: usize = 256;

const COUNTER: usize = 48;

// Rotations by 16 and by 8 as one permutation of bytes each, in place of two shifts and an or: a seventh faster. Loaded
// where they are used, since all registers are taken: 2 % faster than kept in locals.
const ROTATE_16: usize = memory.data<u8>([2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13], 16);
const ROTATE_8: usize = memory.data<u8>([3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14], 16);

/** Writes the state of 64 bytes. */
export function chachaState(state: usize, key: usize, counter: u32, nonce: usize): void {
  store<u32>(state, 0x61707865);
  store<u32>(state, 0x3320646e, 4);
  store<u32>(state, 0x79622d32, 8);
  store<u32>(state, 0x6b206574, 12);
  copyBytes(state + 16, key, 32);
  store<u32>(state, counter, COUNTER);
  store<u32>(state, load<u32>(nonce), 52);
  store<u32>(state, load<u32>(nonce, 4), 56);
  store<u32>(state, load<u32>(nonce, 8), 60);
}

/** One block of keystream; the counter goes up by one. */
export function chachaBlock(state: usize, output: usize): void {
  let x0 = load<u32>(state, 0);
  let x1 = load<u32>(state, 4);
  let x2 = load<u32>(state, 8);
  let x3 = load<u32>(state, 12);
  let x4 = load<u32>(state, 16);
  let x5 = load<u32>(state, 20);
  let x6 = load<u32>(state, 24);
  let x7 = load<u32>(state, 28);
  let x8 = load<u32>(state, 32);
  let x9 = load<u32>(state, 36);
  let x10 = load<u32>(state, 40);
  let x11 = load<u32>(state, 44);
  let x12 = load<u32>(state, 48);
  let x13 = load<u32>(state, 52);
  let x14 = load<u32>(state, 56);
  let x15 = load<u32>(state, 60);
  for (let round = 0; round < 10; round++) {
    x0 += x4;
    x12 = rotl<u32>(x12 ^ x0, 16);
    x1 += x5;
    x13 = rotl<u32>(x13 ^ x1, 16);
    x2 += x6;
    x14 = rotl<u32>(x14 ^ x2, 16);
    x3 += x7;
    x15 = rotl<u32>(x15 ^ x3, 16);
    x8 += x12;
    x4 = rotl<u32>(x4 ^ x8, 12);
    x9 += x13;
    x5 = rotl<u32>(x5 ^ x9, 12);
    x10 += x14;
    x6 = rotl<u32>(x6 ^ x10, 12);
    x11 += x15;
    x7 = rotl<u32>(x7 ^ x11, 12);
    x0 += x4;
    x12 = rotl<u32>(x12 ^ x0, 8);
    x1 += x5;
    x13 = rotl<u32>(x13 ^ x1, 8);
    x2 += x6;
    x14 = rotl<u32>(x14 ^ x2, 8);
    x3 += x7;
    x15 = rotl<u32>(x15 ^ x3, 8);
    x8 += x12;
    x4 = rotl<u32>(x4 ^ x8, 7);
    x9 += x13;
    x5 = rotl<u32>(x5 ^ x9, 7);
    x10 += x14;
    x6 = rotl<u32>(x6 ^ x10, 7);
    x11 += x15;
    x7 = rotl<u32>(x7 ^ x11, 7);
    x0 += x5;
    x15 = rotl<u32>(x15 ^ x0, 16);
    x1 += x6;
    x12 = rotl<u32>(x12 ^ x1, 16);
    x2 += x7;
    x13 = rotl<u32>(x13 ^ x2, 16);
    x3 += x4;
    x14 = rotl<u32>(x14 ^ x3, 16);
    x10 += x15;
    x5 = rotl<u32>(x5 ^ x10, 12);
    x11 += x12;
    x6 = rotl<u32>(x6 ^ x11, 12);
    x8 += x13;
    x7 = rotl<u32>(x7 ^ x8, 12);
    x9 += x14;
    x4 = rotl<u32>(x4 ^ x9, 12);
    x0 += x5;
    x15 = rotl<u32>(x15 ^ x0, 8);
    x1 += x6;
    x12 = rotl<u32>(x12 ^ x1, 8);
    x2 += x7;
    x13 = rotl<u32>(x13 ^ x2, 8);
    x3 += x4;
    x14 = rotl<u32>(x14 ^ x3, 8);
    x10 += x15;
    x5 = rotl<u32>(x5 ^ x10, 7);
    x11 += x12;
    x6 = rotl<u32>(x6 ^ x11, 7);
    x8 += x13;
    x7 = rotl<u32>(x7 ^ x8, 7);
    x9 += x14;
    x4 = rotl<u32>(x4 ^ x9, 7);
  }
  store<u32>(output, x0 + load<u32>(state, 0), 0);
  store<u32>(output, x1 + load<u32>(state, 4), 4);
  store<u32>(output, x2 + load<u32>(state, 8), 8);
  store<u32>(output, x3 + load<u32>(state, 12), 12);
  store<u32>(output, x4 + load<u32>(state, 16), 16);
  store<u32>(output, x5 + load<u32>(state, 20), 20);
  store<u32>(output, x6 + load<u32>(state, 24), 24);
  store<u32>(output, x7 + load<u32>(state, 28), 28);
  store<u32>(output, x8 + load<u32>(state, 32), 32);
  store<u32>(output, x9 + load<u32>(state, 36), 36);
  store<u32>(output, x10 + load<u32>(state, 40), 40);
  store<u32>(output, x11 + load<u32>(state, 44), 44);
  store<u32>(output, x12 + load<u32>(state, 48), 48);
  store<u32>(output, x13 + load<u32>(state, 52), 52);
  store<u32>(output, x14 + load<u32>(state, 56), 56);
  store<u32>(output, x15 + load<u32>(state, 60), 60);
  store<u32>(state, load<u32>(state, COUNTER) + 1, COUNTER);
}

// @ts-ignore: decorator
@inline
function rotate(x: v128, bits: i32): v128 {
  return v128.or(i32x4.shl(x, bits), i32x4.shr_u(x, 32 - bits));
}

/** Four blocks at once: 16 vectors of initial words at `initial`, as many of keystream words to `result`. */
function permuteQuad(initial: usize, result: usize): void {
  let x0 = v128.load(initial, 0);
  let x1 = v128.load(initial, 16);
  let x2 = v128.load(initial, 32);
  let x3 = v128.load(initial, 48);
  let x4 = v128.load(initial, 64);
  let x5 = v128.load(initial, 80);
  let x6 = v128.load(initial, 96);
  let x7 = v128.load(initial, 112);
  let x8 = v128.load(initial, 128);
  let x9 = v128.load(initial, 144);
  let x10 = v128.load(initial, 160);
  let x11 = v128.load(initial, 176);
  let x12 = v128.load(initial, 192);
  let x13 = v128.load(initial, 208);
  let x14 = v128.load(initial, 224);
  let x15 = v128.load(initial, 240);
  for (let round = 0; round < 10; round++) {
    x0 = i32x4.add(x0, x4);
    x12 = i8x16.relaxed_swizzle(v128.xor(x12, x0), v128.load(ROTATE_16));
    x1 = i32x4.add(x1, x5);
    x13 = i8x16.relaxed_swizzle(v128.xor(x13, x1), v128.load(ROTATE_16));
    x2 = i32x4.add(x2, x6);
    x14 = i8x16.relaxed_swizzle(v128.xor(x14, x2), v128.load(ROTATE_16));
    x3 = i32x4.add(x3, x7);
    x15 = i8x16.relaxed_swizzle(v128.xor(x15, x3), v128.load(ROTATE_16));
    x8 = i32x4.add(x8, x12);
    x4 = rotate(v128.xor(x4, x8), 12);
    x9 = i32x4.add(x9, x13);
    x5 = rotate(v128.xor(x5, x9), 12);
    x10 = i32x4.add(x10, x14);
    x6 = rotate(v128.xor(x6, x10), 12);
    x11 = i32x4.add(x11, x15);
    x7 = rotate(v128.xor(x7, x11), 12);
    x0 = i32x4.add(x0, x4);
    x12 = i8x16.relaxed_swizzle(v128.xor(x12, x0), v128.load(ROTATE_8));
    x1 = i32x4.add(x1, x5);
    x13 = i8x16.relaxed_swizzle(v128.xor(x13, x1), v128.load(ROTATE_8));
    x2 = i32x4.add(x2, x6);
    x14 = i8x16.relaxed_swizzle(v128.xor(x14, x2), v128.load(ROTATE_8));
    x3 = i32x4.add(x3, x7);
    x15 = i8x16.relaxed_swizzle(v128.xor(x15, x3), v128.load(ROTATE_8));
    x8 = i32x4.add(x8, x12);
    x4 = rotate(v128.xor(x4, x8), 7);
    x9 = i32x4.add(x9, x13);
    x5 = rotate(v128.xor(x5, x9), 7);
    x10 = i32x4.add(x10, x14);
    x6 = rotate(v128.xor(x6, x10), 7);
    x11 = i32x4.add(x11, x15);
    x7 = rotate(v128.xor(x7, x11), 7);
    x0 = i32x4.add(x0, x5);
    x15 = i8x16.relaxed_swizzle(v128.xor(x15, x0), v128.load(ROTATE_16));
    x1 = i32x4.add(x1, x6);
    x12 = i8x16.relaxed_swizzle(v128.xor(x12, x1), v128.load(ROTATE_16));
    x2 = i32x4.add(x2, x7);
    x13 = i8x16.relaxed_swizzle(v128.xor(x13, x2), v128.load(ROTATE_16));
    x3 = i32x4.add(x3, x4);
    x14 = i8x16.relaxed_swizzle(v128.xor(x14, x3), v128.load(ROTATE_16));
    x10 = i32x4.add(x10, x15);
    x5 = rotate(v128.xor(x5, x10), 12);
    x11 = i32x4.add(x11, x12);
    x6 = rotate(v128.xor(x6, x11), 12);
    x8 = i32x4.add(x8, x13);
    x7 = rotate(v128.xor(x7, x8), 12);
    x9 = i32x4.add(x9, x14);
    x4 = rotate(v128.xor(x4, x9), 12);
    x0 = i32x4.add(x0, x5);
    x15 = i8x16.relaxed_swizzle(v128.xor(x15, x0), v128.load(ROTATE_8));
    x1 = i32x4.add(x1, x6);
    x12 = i8x16.relaxed_swizzle(v128.xor(x12, x1), v128.load(ROTATE_8));
    x2 = i32x4.add(x2, x7);
    x13 = i8x16.relaxed_swizzle(v128.xor(x13, x2), v128.load(ROTATE_8));
    x3 = i32x4.add(x3, x4);
    x14 = i8x16.relaxed_swizzle(v128.xor(x14, x3), v128.load(ROTATE_8));
    x10 = i32x4.add(x10, x15);
    x5 = rotate(v128.xor(x5, x10), 7);
    x11 = i32x4.add(x11, x12);
    x6 = rotate(v128.xor(x6, x11), 7);
    x8 = i32x4.add(x8, x13);
    x7 = rotate(v128.xor(x7, x8), 7);
    x9 = i32x4.add(x9, x14);
    x4 = rotate(v128.xor(x4, x9), 7);
  }
  v128.store(result, i32x4.add(x0, v128.load(initial, 0)), 0);
  v128.store(result, i32x4.add(x1, v128.load(initial, 16)), 16);
  v128.store(result, i32x4.add(x2, v128.load(initial, 32)), 32);
  v128.store(result, i32x4.add(x3, v128.load(initial, 48)), 48);
  v128.store(result, i32x4.add(x4, v128.load(initial, 64)), 64);
  v128.store(result, i32x4.add(x5, v128.load(initial, 80)), 80);
  v128.store(result, i32x4.add(x6, v128.load(initial, 96)), 96);
  v128.store(result, i32x4.add(x7, v128.load(initial, 112)), 112);
  v128.store(result, i32x4.add(x8, v128.load(initial, 128)), 128);
  v128.store(result, i32x4.add(x9, v128.load(initial, 144)), 144);
  v128.store(result, i32x4.add(x10, v128.load(initial, 160)), 160);
  v128.store(result, i32x4.add(x11, v128.load(initial, 176)), 176);
  v128.store(result, i32x4.add(x12, v128.load(initial, 192)), 192);
  v128.store(result, i32x4.add(x13, v128.load(initial, 208)), 208);
  v128.store(result, i32x4.add(x14, v128.load(initial, 224)), 224);
  v128.store(result, i32x4.add(x15, v128.load(initial, 240)), 240);
}

/** The initial words of four consecutive blocks of one state. */
function spreadState(state: usize, initial: usize): void {
  for (let i: usize = 0; i < 16; i++) v128.store(initial + i * 16, v128.load32_splat(state + i * 4));
  v128.store(initial, i32x4.add(v128.load(initial, 192), i32x4(0, 1, 2, 3)), 192);
}

// The words 4·row … 4·row + 3 of four blocks, lane by lane, become 16 consecutive bytes of each block.
// @ts-ignore: decorator
@inline
function storeRows(a: v128, b: v128, c: v128, d: v128, to0: usize, to1: usize, to2: usize, to3: usize): void {
  const abLow = v128.shuffle<u32>(a, b, 0, 4, 1, 5);
  const cdLow = v128.shuffle<u32>(c, d, 0, 4, 1, 5);
  const abHigh = v128.shuffle<u32>(a, b, 2, 6, 3, 7);
  const cdHigh = v128.shuffle<u32>(c, d, 2, 6, 3, 7);
  v128.store(to0, v128.shuffle<u64>(abLow, cdLow, 0, 2));
  v128.store(to1, v128.shuffle<u64>(abLow, cdLow, 1, 3));
  v128.store(to2, v128.shuffle<u64>(abHigh, cdHigh, 0, 2));
  v128.store(to3, v128.shuffle<u64>(abHigh, cdHigh, 1, 3));
}

/** From vectors of words to four blocks one after the other. */
function storeQuad(words: usize, output: usize): void {
  for (let row: usize = 0; row < 4; row++) {
    const from = words + row * 64;
    const to = output + row * 16;
    storeRows(
      v128.load(from),
      v128.load(from, 16),
      v128.load(from, 32),
      v128.load(from, 48),
      to,
      to + 64,
      to + 128,
      to + 192,
    );
  }
}

/** The same, combined with 256 bytes of a message. */
function xorQuad(words: usize, input: usize, output: usize): void {
  for (let row: usize = 0; row < 4; row++) {
    const from = words + row * 64;
    const a = v128.load(from);
    const b = v128.load(from, 16);
    const c = v128.load(from, 32);
    const d = v128.load(from, 48);
    const abLow = v128.shuffle<u32>(a, b, 0, 4, 1, 5);
    const cdLow = v128.shuffle<u32>(c, d, 0, 4, 1, 5);
    const abHigh = v128.shuffle<u32>(a, b, 2, 6, 3, 7);
    const cdHigh = v128.shuffle<u32>(c, d, 2, 6, 3, 7);
    const at = row * 16;
    v128.store(output + at, v128.xor(v128.shuffle<u64>(abLow, cdLow, 0, 2), v128.load(input + at)));
    v128.store(output + at, v128.xor(v128.shuffle<u64>(abLow, cdLow, 1, 3), v128.load(input + at, 64)), 64);
    v128.store(output + at, v128.xor(v128.shuffle<u64>(abHigh, cdHigh, 0, 2), v128.load(input + at, 128)), 128);
    v128.store(output + at, v128.xor(v128.shuffle<u64>(abHigh, cdHigh, 1, 3), v128.load(input + at, 192)), 192);
  }
}

// A stream: a state whose counter is that of the next block to compute, and keystream that is computed and not used yet,
// at the end of a buffer of four blocks. A message may pass through in pieces of any length.
//
//     0         64                                 320          324
//     ┌─────────┬──────────────────────────────────┬────────────┬──────────┐
//     │ state   │ used          │ left             │ left bytes │ reserved │
//     └─────────┴──────────────────────────────────┴────────────┴──────────┘
export const CHACHA_STREAM_BYTES: usize = 328;

const KEYSTREAM: usize = 64;
const KEYSTREAM_END: usize = KEYSTREAM + CHACHA_QUAD_BYTES;
const LEFT: usize = KEYSTREAM_END;

/** Bytes of keystream that are computed and not used yet. */
// @ts-ignore: decorator
@inline
export function chachaStreamLeft(stream: usize): u32 {
  return load<u32>(stream, LEFT);
}

/** Begins the stream whose first block has this counter. */
export function chachaStreamStart(stream: usize, key: usize, counter: u32, nonce: usize): void {
  chachaState(stream, key, counter, nonce);
  store<u32>(stream, 0, LEFT);
}

/** Computes keystream when none is left: four blocks, or one without SIMD. */
function refill(stream: usize): void {
  if (ASC_FEATURE_SIMD) {
    const initial = take(2 * CHACHA_QUAD_BYTES);
    const words = initial + CHACHA_QUAD_BYTES;
    spreadState(stream, initial);
    permuteQuad(initial, words);
    storeQuad(words, stream + KEYSTREAM);
    store<u32>(stream, load<u32>(stream, COUNTER) + 4, COUNTER);
    store<u32>(stream, <u32>CHACHA_QUAD_BYTES, LEFT);
    wipe(initial, CHACHA_QUAD_BYTES);
    wipe(words, CHACHA_QUAD_BYTES);
    release(initial);
  } else {
    chachaBlock(stream, stream + KEYSTREAM_END - CHACHA_BLOCK_BYTES);
    store<u32>(stream, <u32>CHACHA_BLOCK_BYTES, LEFT);
  }
}

/** Takes the next whole block out of the keystream and returns where it stands, until the stream is used again. */
export function chachaStreamBlock(stream: usize): usize {
  if (load<u32>(stream, LEFT) == 0) refill(stream);
  const left = load<u32>(stream, LEFT);
  store<u32>(stream, left - <u32>CHACHA_BLOCK_BYTES, LEFT);
  return stream + KEYSTREAM_END - left;
}

/** Combines the next `length` bytes of a message with the keystream; `output` may be `input`. */
export function chachaStreamXor(stream: usize, input: usize, length: usize, output: usize): void {
  const fromLeft = min(<usize>load<u32>(stream, LEFT), length);
  if (fromLeft > 0) {
    useLeft(stream, input, fromLeft, output);
    input += fromLeft;
    output += fromLeft;
    length -= fromLeft;
  }
  if (ASC_FEATURE_SIMD) {
    const whole = length & ~(CHACHA_QUAD_BYTES - 1);
    if (whole > 0) {
      xorQuads(stream, input, whole, output);
      input += whole;
      output += whole;
      length -= whole;
    }
  }
  while (length > 0) {
    refill(stream);
    const used = min(<usize>load<u32>(stream, LEFT), length);
    useLeft(stream, input, used, output);
    input += used;
    output += used;
    length -= used;
  }
}

function useLeft(stream: usize, input: usize, length: usize, output: usize): void {
  const left = <usize>load<u32>(stream, LEFT);
  xorBytes(input, stream + KEYSTREAM_END - left, output, length);
  store<u32>(stream, <u32>(left - length), LEFT);
}

/** Whole quads straight from the vectors, while no keystream is left. */
function xorQuads(stream: usize, input: usize, length: usize, output: usize): void {
  const initial = take(2 * CHACHA_QUAD_BYTES);
  const words = initial + CHACHA_QUAD_BYTES;
  spreadState(stream, initial);
  const end = input + length;
  while (input < end) {
    permuteQuad(initial, words);
    xorQuad(words, input, output);
    v128.store(initial, i32x4.add(v128.load(initial, 192), i32x4.splat(4)), 192);
    input += CHACHA_QUAD_BYTES;
    output += CHACHA_QUAD_BYTES;
  }
  store<u32>(stream, load<u32>(initial, 192), COUNTER);
  wipe(initial, CHACHA_QUAD_BYTES);
  wipe(words, CHACHA_QUAD_BYTES);
  release(initial);
}

/** One of four blocks that are computed at once: whose key and nonce, and which block. */
// @ts-ignore: decorator
@unmanaged
export class ChaChaLane {
  key: u32;
  nonce: u32;
  counter: u32;
  reserved: u32;
}

if (offsetof<ChaChaLane>() != 16) ERROR("ChaChaLane must be 16 bytes");
if (offsetof<ChaChaLane>("counter") != 8) ERROR("ChaChaLane.counter must be at 8");

/** SIMD only: the blocks of four lanes, one after the other. `scratch` is of 512 bytes and is the caller's to wipe. */
export function chachaLanes(lanes: usize, scratch: usize, output: usize): void {
  const words = scratch + CHACHA_QUAD_BYTES;
  v128.store(scratch, i32x4.splat(0x61707865));
  v128.store(scratch, i32x4.splat(0x3320646e), 16);
  v128.store(scratch, i32x4.splat(0x79622d32), 32);
  v128.store(scratch, i32x4.splat(0x6b206574), 48);
  const key0 = <usize>load<u32>(lanes);
  const key1 = <usize>load<u32>(lanes, 16);
  const key2 = <usize>load<u32>(lanes, 32);
  const key3 = <usize>load<u32>(lanes, 48);
  // Rows to columns is the same permutation as columns to rows.
  for (let half: usize = 0; half < 32; half += 16) {
    const to = scratch + 64 + half * 4;
    storeRows(
      v128.load(key0 + half),
      v128.load(key1 + half),
      v128.load(key2 + half),
      v128.load(key3 + half),
      to,
      to + 16,
      to + 32,
      to + 48,
    );
  }
  storeRows(
    lastRow(lanes),
    lastRow(lanes + 16),
    lastRow(lanes + 32),
    lastRow(lanes + 48),
    scratch + 192,
    scratch + 208,
    scratch + 224,
    scratch + 240,
  );
  permuteQuad(scratch, words);
  storeQuad(words, output);
}

/** Counter and nonce of a lane; no byte beyond the nonce is read. */
// @ts-ignore: decorator
@inline
function lastRow(lane: usize): v128 {
  const nonce = <usize>load<u32>(lane, offsetof<ChaChaLane>("nonce"));
  let row = v128.load32_splat(lane, offsetof<ChaChaLane>("counter"));
  row = v128.load32_lane(nonce, row, 1);
  row = v128.load32_lane(nonce, row, 2, 4);
  return v128.load32_lane(nonce, row, 3, 8);
}

/** Combines a whole message with the keystream from block `counter` on: section 2.4. `output` may be `input`. */
export function chacha20(
  key: usize,
  counter: u32,
  nonce: usize,
  input: usize,
  length: usize,
  output: usize,
): void {
  const stream = take(CHACHA_STREAM_BYTES);
  chachaStreamStart(stream, key, counter, nonce);
  chachaStreamXor(stream, input, length, output);
  wipe(stream, CHACHA_STREAM_BYTES);
  release(stream);
}
