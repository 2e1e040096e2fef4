// HMAC-SHA256 of four messages of one length under four keys: with SIMD a message a lane, without it one after another,
// behind the same functions. With a stride of 0 all lanes read one place.
//
// Four prepared keys are 256 bytes that only these functions read, as secret as the keys:
//
//     0                     128                   256       0          64         128        192        256
//     ┌─────────────────────┬─────────────────────┐         ┌──────────┬──────────┬──────────┬──────────┐
//     │ inner lane states   │ outer lane states   │   or    │ key of 0 │ key of 1 │ key of 2 │ key of 3 │
//     └─────────────────────┴─────────────────────┘         └──────────┴──────────┴──────────┴──────────┘
//       with SIMD: as sha256x4.ts has them                    without: as hmac-sha256.ts has them
import { release, take } from "../memory/workspace";
import { HMAC_SHA256_KEY_BYTES, hmacSha256, hmacSha256Key } from "./hmac-sha256";
import { SHA256_BLOCK_BYTES, SHA256_BYTES, SHA256_TAIL_BYTES, sha256Pad } from "./sha256";
import { SHA256_IV } from "./sha256-rounds";
import { SHA256X4_STATES_BYTES, sha256x4Begin, sha256x4Blocks, sha256x4Digest } from "./sha256x4";

export const HMAC_SHA256X4_LANES: usize = 4;

/** Bytes of four prepared keys. */
export const HMAC_SHA256X4_KEYS_BYTES: usize = 256;

const IPAD: u64 = 0x3636363636363636;
const OPAD: u64 = 0x5c5c5c5c5c5c5c5c;

/** Prepares the four keys of `bytes` bytes, at most 64, at `keys`, `keys + stride`, …: 256 bytes to `prepared`. */
export function hmacSha256x4Keys(prepared: usize, keys: usize, stride: usize, bytes: usize): void {
  assert(bytes <= SHA256_BLOCK_BYTES, "expected keys of at most 64 bytes");
  if (ASC_FEATURE_SIMD) {
    const blocks_bytes = HMAC_SHA256X4_LANES * SHA256_BLOCK_BYTES;
    const blocks = take(blocks_bytes);
    memory.fill(blocks, 0, blocks_bytes);
    for (let i: usize = 0; i < HMAC_SHA256X4_LANES; i++) {
      memory.copy(blocks + i * SHA256_BLOCK_BYTES, keys + i * stride, bytes);
      sha256x4Begin(prepared, i, SHA256_IV);
      sha256x4Begin(prepared + SHA256X4_STATES_BYTES, i, SHA256_IV);
    }
    mask(blocks, blocks_bytes, IPAD);
    compress(prepared, blocks, SHA256_BLOCK_BYTES, 1);
    mask(blocks, blocks_bytes, IPAD ^ OPAD);
    compress(prepared + SHA256X4_STATES_BYTES, blocks, SHA256_BLOCK_BYTES, 1);
    memory.fill(blocks, 0, blocks_bytes);
    release(blocks);
  } else {
    for (let i: usize = 0; i < HMAC_SHA256X4_LANES; i++) {
      hmacSha256Key(prepared + i * HMAC_SHA256_KEY_BYTES, keys + i * stride, bytes);
    }
  }
}

/** Gives all four lanes the one key that hmacSha256Key prepared at `key`: 256 bytes to `prepared`. */
export function hmacSha256x4Share(prepared: usize, key: usize): void {
  for (let i: usize = 0; i < HMAC_SHA256X4_LANES; i++) {
    if (ASC_FEATURE_SIMD) {
      sha256x4Begin(prepared, i, key);
      sha256x4Begin(prepared + SHA256X4_STATES_BYTES, i, key + SHA256_BYTES);
    } else {
      memory.copy(prepared + i * HMAC_SHA256_KEY_BYTES, key, HMAC_SHA256_KEY_BYTES);
    }
  }
}

/**
 * HMAC of the four messages of `bytes` bytes at `messages`, `messages + stride`, … under the four prepared keys: 32
 * bytes each to `out`, `out + out_stride`, …, which may lie on the message of the same lane where `stride` is not 0.
 */
export function hmacSha256x4(
  prepared: usize,
  messages: usize,
  stride: usize,
  bytes: usize,
  out: usize,
  out_stride: usize,
): void {
  if (ASC_FEATURE_SIMD) {
    const scratch_bytes = SHA256X4_STATES_BYTES + HMAC_SHA256X4_LANES * SHA256_TAIL_BYTES;
    const states = take(scratch_bytes);
    const tails = states + SHA256X4_STATES_BYTES;

    memory.copy(states, prepared, SHA256X4_STATES_BYTES);
    const blocks = bytes >> 6;
    compress(states, messages, stride, blocks);
    const rest = messages + (blocks << 6);
    const total = <u64>SHA256_BLOCK_BYTES + bytes;
    let tail_blocks: usize = 0;
    for (let i: usize = 0; i < HMAC_SHA256X4_LANES; i++) {
      tail_blocks = sha256Pad(tails + i * SHA256_TAIL_BYTES, rest + i * stride, total);
    }
    compress(states, tails, SHA256_TAIL_BYTES, tail_blocks);

    for (let i: usize = 0; i < HMAC_SHA256X4_LANES; i++) {
      const tail = tails + i * SHA256_TAIL_BYTES;
      sha256x4Digest(states, i, tail);
      pad32(tail);
    }
    memory.copy(states, prepared + SHA256X4_STATES_BYTES, SHA256X4_STATES_BYTES);
    compress(states, tails, SHA256_TAIL_BYTES, 1);
    for (let i: usize = 0; i < HMAC_SHA256X4_LANES; i++) sha256x4Digest(states, i, out + i * out_stride);
    memory.fill(states, 0, scratch_bytes);
    release(states);
  } else {
    for (let i: usize = 0; i < HMAC_SHA256X4_LANES; i++) {
      hmacSha256(prepared + i * HMAC_SHA256_KEY_BYTES, messages + i * stride, bytes, out + i * out_stride);
    }
  }
}

// @ts-ignore: decorator
@inline
function compress(states: usize, blocks: usize, stride: usize, count: usize): void {
  sha256x4Blocks(states, blocks, blocks + stride, blocks + 2 * stride, blocks + 3 * stride, count);
}

// @ts-ignore: decorator
@inline
function mask(address: usize, bytes: usize, pad: u64): void {
  for (let i: usize = 0; i < bytes; i += 8) store<u64>(address + i, load<u64>(address + i) ^ pad);
}

/** The padding of the outer hash, after the 32 bytes of the inner one. */
// @ts-ignore: decorator
@inline
function pad32(block: usize): void {
  store<u64>(block, 0x80, 32);
  store<u64>(block, 0, 40);
  store<u64>(block, 0, 48);
  store<u64>(block, bswap<u64>((SHA256_BLOCK_BYTES + SHA256_BYTES) << 3), 56);
}
