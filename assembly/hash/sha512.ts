// SHA-512 of one message: in pieces over a context, or at once. A context is plain bytes without addresses in it: it
// may be copied anywhere, and a copy goes on by itself.
//
//     0                       64             72                                  200
//     ┌───────────────────────┬──────────────┬───────────────────────────────────┐
//     │ state (8 words)       │ bytes so far │ block that is not full yet        │
//     └───────────────────────┴──────────────┴───────────────────────────────────┘
import { release, take } from "../memory/workspace";
import { SHA512_IV, sha512Blocks } from "./sha512-rounds";

// @ts-ignore: decorator
@unmanaged
export class Sha512Context {
  state: u64;
  state_1: u64;
  state_2: u64;
  state_3: u64;
  state_4: u64;
  state_5: u64;
  state_6: u64;
  state_7: u64;
  bytes: u64;
  block: u64;
  block_rest_0: u64;
  block_rest_1: u64;
  block_rest_2: u64;
  block_rest_3: u64;
  block_rest_4: u64;
  block_rest_5: u64;
  block_rest_6: u64;
  block_rest_7: u64;
  block_rest_8: u64;
  block_rest_9: u64;
  block_rest_10: u64;
  block_rest_11: u64;
  block_rest_12: u64;
  block_rest_13: u64;
  block_rest_14: u64;
}

export const SHA512_BYTES: usize = 64;
export const SHA512_BLOCK_BYTES: usize = 128;
export const SHA512_CONTEXT_BYTES: usize = 200;

/** Room for what sha512Pad writes. */
export const SHA512_TAIL_BYTES: usize = 256;

if (offsetof<Sha512Context>() != 200) ERROR("Sha512Context must be 200 bytes");
if (offsetof<Sha512Context>("state") != 0) ERROR("Sha512Context.state must be at 0");
if (offsetof<Sha512Context>("bytes") != 64) ERROR("Sha512Context.bytes must be at 64");
if (offsetof<Sha512Context>("block") != 72) ERROR("Sha512Context.block must be at 72");

const BLOCK: usize = offsetof<Sha512Context>("block");

/** Begins a message in the 200 bytes at `context`. */
export function sha512Init(context: usize): void {
  sha512Resume(context, SHA512_IV, 0);
}

/** Begins where a message of `bytes` bytes, whole blocks, has led to the state of eight words at `state`. */
export function sha512Resume(context: usize, state: usize, bytes: u64): void {
  const record = changetype<Sha512Context>(context);
  for (let i: usize = 0; i < SHA512_BYTES; i += 8) store<u64>(context + i, load<u64>(state + i));
  record.bytes = bytes;
}

/** Goes on with `bytes` bytes at `address`. */
export function sha512Update(context: usize, address: usize, bytes: usize): void {
  const record = changetype<Sha512Context>(context);
  const filled = <usize>record.bytes & (SHA512_BLOCK_BYTES - 1);
  record.bytes += bytes;
  if (filled > 0) {
    const missing = SHA512_BLOCK_BYTES - filled;
    if (bytes < missing) {
      memory.copy(context + BLOCK + filled, address, bytes);
      return;
    }
    memory.copy(context + BLOCK + filled, address, missing);
    sha512Blocks(context, context + BLOCK, 1);
    address += missing;
    bytes -= missing;
  }
  const blocks = bytes >> 7;
  sha512Blocks(context, address, blocks);
  const rest = bytes & (SHA512_BLOCK_BYTES - 1);
  if (rest > 0) memory.copy(context + BLOCK, address + (blocks << 7), rest);
}

/** Ends the message: 64 bytes to `out`, outside the context. The context is wiped. */
export function sha512Final(context: usize, out: usize): void {
  const tail = take(SHA512_TAIL_BYTES);
  sha512Blocks(context, tail, sha512Pad(tail, context + BLOCK, changetype<Sha512Context>(context).bytes));
  sha512Digest(context, out);
  memory.fill(tail, 0, SHA512_TAIL_BYTES);
  memory.fill(context, 0, SHA512_CONTEXT_BYTES);
  release(tail);
}

/** The SHA-512 of `bytes` bytes at `message`: 64 bytes to `out`, which may lie anywhere, also on the message. */
export function sha512(message: usize, bytes: usize, out: usize): void {
  const state = take(SHA512_BYTES + SHA512_TAIL_BYTES);
  memory.copy(state, SHA512_IV, SHA512_BYTES);
  sha512End(state, message, bytes, bytes);
  sha512Digest(state, out);
  memory.fill(state, 0, SHA512_BYTES + SHA512_TAIL_BYTES);
  release(state);
}

/**
 * Takes the last `bytes` bytes of a message of `total` bytes, at `message`, and its padding into the state at `state`,
 * which 256 bytes of room for the padding follow. What came before them was whole blocks.
 */
export function sha512End(state: usize, message: usize, bytes: usize, total: u64): void {
  const blocks = bytes >> 7;
  sha512Blocks(state, message, blocks);
  const tail = state + SHA512_BYTES;
  sha512Blocks(state, tail, sha512Pad(tail, message + (blocks << 7), total));
}

/**
 * Lays the end of a message of `total` bytes at `tail`: its last total % 128 bytes, from `rest`, and the padding (FIPS
 * 180-4, section 5.1.2). Returns how many blocks that makes, 1 or 2.
 */
export function sha512Pad(tail: usize, rest: usize, total: u64): usize {
  for (let i: usize = 0; i < SHA512_TAIL_BYTES; i += 8) store<u64>(tail + i, 0);
  const bytes = <usize>total & (SHA512_BLOCK_BYTES - 1);
  if (bytes > 0) memory.copy(tail, rest, bytes);
  store<u8>(tail + bytes, 0x80);
  // The length takes 16 bytes; no message here has 2^64 bits.
  const blocks: usize = bytes < SHA512_BLOCK_BYTES - 16 ? 1 : 2;
  store<u64>(tail + (blocks << 7) - 8, bswap<u64>(total << 3));
  return blocks;
}

/** The state of eight words at `state` as 64 bytes at `out`, which may be the same place. */
// @ts-ignore: decorator
@inline
export function sha512Digest(state: usize, out: usize): void {
  for (let i: usize = 0; i < SHA512_BYTES; i += 8) store<u64>(out + i, bswap<u64>(load<u64>(state + i)));
}

/** The SHA-512 of up to four pieces that follow one another: 64 bytes to `out`. A piece of 0 bytes is none. */
export function sha512Pieces(
  piece_0: usize,
  bytes_0: usize,
  piece_1: usize,
  bytes_1: usize,
  piece_2: usize,
  bytes_2: usize,
  piece_3: usize,
  bytes_3: usize,
  out: usize,
): void {
  const context = take(SHA512_CONTEXT_BYTES);
  sha512Init(context);
  sha512Update(context, piece_0, bytes_0);
  sha512Update(context, piece_1, bytes_1);
  sha512Update(context, piece_2, bytes_2);
  sha512Update(context, piece_3, bytes_3);
  sha512Final(context, out);
  release(context);
}
