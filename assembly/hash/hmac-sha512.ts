// HMAC-SHA512 (RFC 2104). A key is prepared once: what it costs to hash the two padded keys is paid once, and the key
// itself is not needed any more.
//
//     0                                64                               128
//     ┌────────────────────────────────┬────────────────────────────────┐
//     │ state after key xor ipad       │ state after key xor opad       │
//     └────────────────────────────────┴────────────────────────────────┘
import { release, take } from "../memory/workspace";
import {
  SHA512_BLOCK_BYTES,
  SHA512_BYTES,
  SHA512_TAIL_BYTES,
  sha512,
  sha512Digest,
  sha512End,
  sha512Final,
  sha512Resume,
} from "./sha512";
import { SHA512_IV, sha512Blocks } from "./sha512-rounds";

/** Bytes of a prepared key. As secret as the key. */
export const HMAC_SHA512_KEY_BYTES: usize = 128;

const IPAD: u64 = 0x3636363636363636;
const OPAD: u64 = 0x5c5c5c5c5c5c5c5c;

/** Prepares the `bytes` bytes at `key`, any number: 128 bytes to `prepared`, which may be where the key is. */
export function hmacSha512Key(prepared: usize, key: usize, bytes: usize): void {
  const block = take(SHA512_BLOCK_BYTES);
  memory.fill(block, 0, SHA512_BLOCK_BYTES);
  if (bytes > SHA512_BLOCK_BYTES) sha512(key, bytes, block);
  else memory.copy(block, key, bytes);
  memory.copy(prepared, SHA512_IV, SHA512_BYTES);
  memory.copy(prepared + SHA512_BYTES, SHA512_IV, SHA512_BYTES);
  mask(block, IPAD);
  sha512Blocks(prepared, block, 1);
  mask(block, IPAD ^ OPAD);
  sha512Blocks(prepared + SHA512_BYTES, block, 1);
  memory.fill(block, 0, SHA512_BLOCK_BYTES);
  release(block);
}

// @ts-ignore: decorator
@inline
function mask(block: usize, pad: u64): void {
  for (let i: usize = 0; i < SHA512_BLOCK_BYTES; i += 8) store<u64>(block + i, load<u64>(block + i) ^ pad);
}

/** Begins a message under a prepared key in the context (Sha512Context) at `context`; sha512Update goes on. */
export function hmacSha512Init(context: usize, prepared: usize): void {
  sha512Resume(context, prepared, SHA512_BLOCK_BYTES);
}

/** Ends the message: 64 bytes to `out`, outside the context. The context is wiped. */
export function hmacSha512Final(context: usize, prepared: usize, out: usize): void {
  const inner = take(SHA512_BYTES);
  sha512Final(context, inner);
  outer(prepared, inner, out);
  release(inner);
}

/** HMAC of the `bytes` bytes at `message` under a prepared key: 64 bytes to `out`, which may lie on the message. */
export function hmacSha512(prepared: usize, message: usize, bytes: usize, out: usize): void {
  const state = take(SHA512_BYTES + SHA512_TAIL_BYTES);
  memory.copy(state, prepared, SHA512_BYTES);
  sha512End(state, message, bytes, <u64>SHA512_BLOCK_BYTES + bytes);
  sha512Digest(state, state);
  outer(prepared, state, out);
  memory.fill(state, 0, SHA512_BYTES + SHA512_TAIL_BYTES);
  release(state);
}

/** The outer hash over the 64 bytes at `inner`, which are wiped. */
function outer(prepared: usize, inner: usize, out: usize): void {
  const state = take(SHA512_BYTES + SHA512_TAIL_BYTES);
  memory.copy(state, prepared + SHA512_BYTES, SHA512_BYTES);
  sha512End(state, inner, SHA512_BYTES, SHA512_BLOCK_BYTES + SHA512_BYTES);
  memory.fill(inner, 0, SHA512_BYTES);
  sha512Digest(state, out);
  memory.fill(state, 0, SHA512_BYTES + SHA512_TAIL_BYTES);
  release(state);
}

/** HMAC under a key that is used once: the `key_bytes` bytes at `key`. `out` may lie on the key or on the message. */
export function hmacSha512Once(key: usize, key_bytes: usize, message: usize, bytes: usize, out: usize): void {
  const prepared = take(HMAC_SHA512_KEY_BYTES);
  hmacSha512Key(prepared, key, key_bytes);
  hmacSha512(prepared, message, bytes, out);
  memory.fill(prepared, 0, HMAC_SHA512_KEY_BYTES);
  release(prepared);
}
