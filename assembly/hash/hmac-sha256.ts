// HMAC-SHA256 (RFC 2104). A key is prepared once: what it costs to hash the two padded keys is paid once, and the key
// itself is not needed any more.
//
//     0                                32                               64
//     ┌────────────────────────────────┬────────────────────────────────┐
//     │ state after key xor ipad       │ state after key xor opad       │
//     └────────────────────────────────┴────────────────────────────────┘
import { release, take } from "../memory/workspace";
import {
  SHA256_BLOCK_BYTES,
  SHA256_BYTES,
  SHA256_TAIL_BYTES,
  sha256,
  sha256Digest,
  sha256End,
  sha256Final,
  sha256Resume,
} from "./sha256";
import { SHA256_IV, sha256Blocks } from "./sha256-rounds";

/** Bytes of a prepared key. As secret as the key. */
export const HMAC_SHA256_KEY_BYTES: usize = 64;

const IPAD: u64 = 0x3636363636363636;
const OPAD: u64 = 0x5c5c5c5c5c5c5c5c;

/** Prepares the `bytes` bytes at `key`, any number: 64 bytes to `prepared`, which may be where the key is. */
export function hmacSha256Key(prepared: usize, key: usize, bytes: usize): void {
  const block = take(SHA256_BLOCK_BYTES);
  memory.fill(block, 0, SHA256_BLOCK_BYTES);
  if (bytes > SHA256_BLOCK_BYTES) sha256(key, bytes, block);
  else memory.copy(block, key, bytes);
  memory.copy(prepared, SHA256_IV, SHA256_BYTES);
  memory.copy(prepared + SHA256_BYTES, SHA256_IV, SHA256_BYTES);
  mask(block, IPAD);
  sha256Blocks(prepared, block, 1);
  mask(block, IPAD ^ OPAD);
  sha256Blocks(prepared + SHA256_BYTES, block, 1);
  memory.fill(block, 0, SHA256_BLOCK_BYTES);
  release(block);
}

// @ts-ignore: decorator
@inline
function mask(block: usize, pad: u64): void {
  for (let i: usize = 0; i < SHA256_BLOCK_BYTES; i += 8) store<u64>(block + i, load<u64>(block + i) ^ pad);
}

/** Begins a message under a prepared key in the context (Sha256Context) at `context`; sha256Update goes on. */
export function hmacSha256Init(context: usize, prepared: usize): void {
  sha256Resume(context, prepared, SHA256_BLOCK_BYTES);
}

/** Ends the message: 32 bytes to `out`, outside the context. The context is wiped. */
export function hmacSha256Final(context: usize, prepared: usize, out: usize): void {
  const inner = take(SHA256_BYTES);
  sha256Final(context, inner);
  outer(prepared, inner, out);
  release(inner);
}

/** HMAC of the `bytes` bytes at `message` under a prepared key: 32 bytes to `out`, which may lie on the message. */
export function hmacSha256(prepared: usize, message: usize, bytes: usize, out: usize): void {
  const state = take(SHA256_BYTES + SHA256_TAIL_BYTES);
  memory.copy(state, prepared, SHA256_BYTES);
  sha256End(state, message, bytes, <u64>SHA256_BLOCK_BYTES + bytes);
  sha256Digest(state, state);
  outer(prepared, state, out);
  memory.fill(state, 0, SHA256_BYTES + SHA256_TAIL_BYTES);
  release(state);
}

/** The outer hash over the 32 bytes at `inner`, which are wiped. */
function outer(prepared: usize, inner: usize, out: usize): void {
  const state = take(SHA256_BYTES + SHA256_TAIL_BYTES);
  memory.copy(state, prepared + SHA256_BYTES, SHA256_BYTES);
  sha256End(state, inner, SHA256_BYTES, SHA256_BLOCK_BYTES + SHA256_BYTES);
  memory.fill(inner, 0, SHA256_BYTES);
  sha256Digest(state, out);
  memory.fill(state, 0, SHA256_BYTES + SHA256_TAIL_BYTES);
  release(state);
}

/** HMAC under a key that is used once: the `key_bytes` bytes at `key`. `out` may lie on the key or on the message. */
export function hmacSha256Once(key: usize, key_bytes: usize, message: usize, bytes: usize, out: usize): void {
  const prepared = take(HMAC_SHA256_KEY_BYTES);
  hmacSha256Key(prepared, key, key_bytes);
  hmacSha256(prepared, message, bytes, out);
  memory.fill(prepared, 0, HMAC_SHA256_KEY_BYTES);
  release(prepared);
}
