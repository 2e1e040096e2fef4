// SHA-256 of one message: in pieces over a context, or at once. A context is plain bytes without addresses in it: it
// may be copied anywhere, and a copy goes on by itself.
//
//     0                       32             40                                  104
//     ┌───────────────────────┬──────────────┬───────────────────────────────────┐
//     │ state (8 words)       │ bytes so far │ block that is not full yet        │
//     └───────────────────────┴──────────────┴───────────────────────────────────┘
import { release, take } from "../memory/workspace";
import { SHA256_IV, sha256Blocks } from "./sha256-rounds";

// @ts-ignore: decorator
@unmanaged
export class Sha256Context {
  state_01: u64;
  state_23: u64;
  state_45: u64;
  state_67: u64;
  bytes: u64;
  block: u64;
  block_rest_0: u64;
  block_rest_1: u64;
  block_rest_2: u64;
  block_rest_3: u64;
  block_rest_4: u64;
  block_rest_5: u64;
  block_rest_6: u64;
}

export const SHA256_BYTES: usize = 32;
export const SHA256_BLOCK_BYTES: usize = 64;
export const SHA256_CONTEXT_BYTES: usize = 104;

/** Room for what sha256Pad writes. */
export const SHA256_TAIL_BYTES: usize = 128;

if (offsetof<Sha256Context>() != 104) ERROR("Sha256Context must be 104 bytes");
if (offsetof<Sha256Context>("state_01") != 0) ERROR("Sha256Context.state_01 must be at 0");
if (offsetof<Sha256Context>("bytes") != 32) ERROR("Sha256Context.bytes must be at 32");
if (offsetof<Sha256Context>("block") != 40) ERROR("Sha256Context.block must be at 40");

const BLOCK: usize = offsetof<Sha256Context>("block");

/** Begins a message in the 104 bytes at `context`. */
export function sha256Init(context: usize): void {
  sha256Resume(context, SHA256_IV, 0);
}

/** Begins where a message of `bytes` bytes, whole blocks, has led to the state of eight words at `state`. */
export function sha256Resume(context: usize, state: usize, bytes: u64): void {
  const record = changetype<Sha256Context>(context);
  record.state_01 = load<u64>(state);
  record.state_23 = load<u64>(state, 8);
  record.state_45 = load<u64>(state, 16);
  record.state_67 = load<u64>(state, 24);
  record.bytes = bytes;
}

/** Goes on with `bytes` bytes at `address`. */
export function sha256Update(context: usize, address: usize, bytes: usize): void {
  const record = changetype<Sha256Context>(context);
  const filled = <usize>record.bytes & (SHA256_BLOCK_BYTES - 1);
  record.bytes += bytes;
  if (filled > 0) {
    const missing = SHA256_BLOCK_BYTES - filled;
    if (bytes < missing) {
      memory.copy(context + BLOCK + filled, address, bytes);
      return;
    }
    memory.copy(context + BLOCK + filled, address, missing);
    sha256Blocks(context, context + BLOCK, 1);
    address += missing;
    bytes -= missing;
  }
  const blocks = bytes >> 6;
  sha256Blocks(context, address, blocks);
  const rest = bytes & (SHA256_BLOCK_BYTES - 1);
  if (rest > 0) memory.copy(context + BLOCK, address + (blocks << 6), rest);
}

/** Ends the message: 32 bytes to `out`, outside the context. The context is wiped. */
export function sha256Final(context: usize, out: usize): void {
  const tail = take(SHA256_TAIL_BYTES);
  sha256Blocks(context, tail, sha256Pad(tail, context + BLOCK, changetype<Sha256Context>(context).bytes));
  sha256Digest(context, out);
  memory.fill(tail, 0, SHA256_TAIL_BYTES);
  memory.fill(context, 0, SHA256_CONTEXT_BYTES);
  release(tail);
}

/** The SHA-256 of `bytes` bytes at `message`: 32 bytes to `out`, which may lie anywhere, also on the message. */
export function sha256(message: usize, bytes: usize, out: usize): void {
  const state = take(SHA256_BYTES + SHA256_TAIL_BYTES);
  memory.copy(state, SHA256_IV, SHA256_BYTES);
  sha256End(state, message, bytes, bytes);
  sha256Digest(state, out);
  memory.fill(state, 0, SHA256_BYTES + SHA256_TAIL_BYTES);
  release(state);
}

/**
 * Takes the last `bytes` bytes of a message of `total` bytes, at `message`, and its padding into the state at `state`,
 * which 128 bytes of room for the padding follow. What came before them was whole blocks.
 */
export function sha256End(state: usize, message: usize, bytes: usize, total: u64): void {
  const blocks = bytes >> 6;
  sha256Blocks(state, message, blocks);
  const tail = state + SHA256_BYTES;
  sha256Blocks(state, tail, sha256Pad(tail, message + (blocks << 6), total));
}

/**
 * Lays the end of a message of `total` bytes at `tail`: its last total % 64 bytes, from `rest`, and the padding (FIPS
 * 180-4, section 5.1.1). Returns how many blocks that makes, 1 or 2.
 */
export function sha256Pad(tail: usize, rest: usize, total: u64): usize {
  for (let i: usize = 0; i < SHA256_TAIL_BYTES; i += 8) store<u64>(tail + i, 0);
  const bytes = <usize>total & (SHA256_BLOCK_BYTES - 1);
  if (bytes > 0) memory.copy(tail, rest, bytes);
  store<u8>(tail + bytes, 0x80);
  const blocks: usize = bytes < SHA256_BLOCK_BYTES - 8 ? 1 : 2;
  store<u64>(tail + (blocks << 6) - 8, bswap<u64>(total << 3));
  return blocks;
}

/** The state of eight words at `state` as 32 bytes at `out`, which may be the same place. */
// @ts-ignore: decorator
@inline
export function sha256Digest(state: usize, out: usize): void {
  for (let i: usize = 0; i < SHA256_BYTES; i += 4) store<u32>(out + i, bswap<u32>(load<u32>(state + i)));
}
