// ChaCha20-Poly1305, RFC 8439 section 2.8. The sealed message is the ciphertext followed by the tag of 16 bytes.
//
// Opening computes and compares the tag before it writes the first byte of plaintext: what is refused leaves its output
// as it was. The output may be the input, byte for byte in place; any other overlap is not allowed.
//
// No branch and no address depends on a key, a plaintext or a tag: only lengths, and in the end the verdict, do.

import { release, take } from "../memory/workspace";
import { wipe, xorBytes } from "../memory/bytes";
import {
  CHACHA_BLOCK_BYTES,
  CHACHA_QUAD_BYTES,
  CHACHA_STREAM_BYTES,
  ChaChaLane,
  chachaLanes,
  chachaStreamBlock,
  chachaStreamLeft,
  chachaStreamStart,
  chachaStreamXor,
} from "./chacha20";
import { Poly1305, poly1305Finish, poly1305Pad, poly1305Start, poly1305Update } from "./poly1305";

const TAG_BYTES: usize = 16;

// A message on its way, in pieces of any length.
//
//     0                 328                424          432
//     ┌─────────────────┬──────────────────┬────────────┬────────────┐
//     │ keystream       │ Poly1305         │ aad bytes  │ text bytes │ 440
//     └─────────────────┴──────────────────┴────────────┴────────────┘
const POLY: usize = CHACHA_STREAM_BYTES;
const AAD_LENGTH: usize = POLY + offsetof<Poly1305>();
const TEXT_LENGTH: usize = AAD_LENGTH + 8;
const CONTEXT_BYTES: usize = TEXT_LENGTH + 8;

// Ciphertext is authenticated soon after it is written, while it is in the nearest cache.
const STEP_BYTES: usize = 4096;

/** The bytes of a context. It holds secrets; `aeadTag` and `aeadVerify` wipe what only the tag needed, not the key. */
export function aeadContextBytes(): usize {
  return CONTEXT_BYTES;
}

/** Begins a message. Then: aeadAad any number of times, aeadAadEnd, the text, aeadTag or aeadVerify. */
export function aeadStart(context: usize, key: usize, nonce: usize): void {
  chachaStreamStart(context, key, 0, nonce);
  // Block 0 is the one-time key (section 2.6); the text begins with block 1.
  poly1305Start(context + POLY, chachaStreamBlock(context));
  store<u64>(context, 0, AAD_LENGTH);
  store<u64>(context, 0, TEXT_LENGTH);
}

export function aeadAad(context: usize, aad: usize, length: usize): void {
  poly1305Update(context + POLY, aad, length);
  store<u64>(context, load<u64>(context, AAD_LENGTH) + length, AAD_LENGTH);
}

export function aeadAadEnd(context: usize): void {
  poly1305Pad(context + POLY);
}

/** Encrypts a piece and authenticates the ciphertext. */
export function aeadEncrypt(context: usize, input: usize, length: usize, output: usize): void {
  store<u64>(context, load<u64>(context, TEXT_LENGTH) + length, TEXT_LENGTH);
  while (length > 0) {
    const left = <usize>chachaStreamLeft(context);
    const step = min(left > 0 ? left : STEP_BYTES, length);
    chachaStreamXor(context, input, step, output);
    poly1305Update(context + POLY, output, step);
    input += step;
    output += step;
    length -= step;
  }
}

/** Authenticates a piece of ciphertext, and decrypts nothing. */
export function aeadAuthenticate(context: usize, input: usize, length: usize): void {
  poly1305Update(context + POLY, input, length);
  store<u64>(context, load<u64>(context, TEXT_LENGTH) + length, TEXT_LENGTH);
}

/** Decrypts a piece: only after all ciphertext is authenticated and aeadVerify has said 1. */
export function aeadDecrypt(context: usize, input: usize, length: usize, output: usize): void {
  chachaStreamXor(context, input, length, output);
}

/** Writes the tag of what was authenticated. */
export function aeadTag(context: usize, tag: usize): void {
  const poly = context + POLY;
  poly1305Pad(poly);
  poly1305Update(poly, context + AAD_LENGTH, 16);
  poly1305Finish(poly, tag);
}

/** Whether that is the tag of what was authenticated; compares in constant time. */
export function aeadVerify(context: usize, tag: usize): bool {
  const expected = take(TAG_BYTES);
  aeadTag(context, expected);
  const same = sameTag(expected, tag);
  wipe(expected, TAG_BYTES);
  release(expected);
  return same;
}

// @ts-ignore: decorator
@inline
function sameTag(a: usize, b: usize): bool {
  return ((load<u64>(a) ^ load<u64>(b)) | (load<u64>(a, 8) ^ load<u64>(b, 8))) == 0;
}

/** Seals one message: `length` bytes of plaintext become `length` + 16 bytes at `output`. */
export function aeadSeal(
  key: usize,
  nonce: usize,
  aad: usize,
  aadLength: usize,
  input: usize,
  length: usize,
  output: usize,
): void {
  const context = take(CONTEXT_BYTES);
  aeadStart(context, key, nonce);
  aeadAad(context, aad, aadLength);
  aeadAadEnd(context);
  aeadEncrypt(context, input, length, output);
  aeadTag(context, output + length);
  wipe(context, CONTEXT_BYTES);
  release(context);
}

/** Opens one message: `length` bytes, tag included, become `length` - 16 bytes at `output`. 0 when it is refused. */
export function aeadOpen(
  key: usize,
  nonce: usize,
  aad: usize,
  aadLength: usize,
  input: usize,
  length: usize,
  output: usize,
): bool {
  if (length < TAG_BYTES) return false;
  const text = length - TAG_BYTES;
  const context = take(CONTEXT_BYTES);
  aeadStart(context, key, nonce);
  aeadAad(context, aad, aadLength);
  aeadAadEnd(context);
  aeadAuthenticate(context, input, text);
  const genuine = aeadVerify(context, input + text);
  if (genuine) aeadDecrypt(context, input, text, output);
  wipe(context, CONTEXT_BYTES);
  release(context);
  return genuine;
}

/** The verdict on one message of a batch. Nothing that was never computed on can look like a success. */
export enum AeadStatus {
  refused = 0,
  done = 1,
}

// One message of a batch: where everything is, and the verdict. Sealing writes input_length + 16 bytes, opening 16 less.
//
//     0     4       8     12           16      20             24       28       32
//     ┌─────┬───────┬─────┬────────────┬───────┬──────────────┬────────┬────────┐
//     │ key │ nonce │ aad │ aad_length │ input │ input_length │ output │ status │
//     └─────┴───────┴─────┴────────────┴───────┴──────────────┴────────┴────────┘
// @ts-ignore: decorator
@unmanaged
export class AeadItem {
  key: u32;
  nonce: u32;
  aad: u32;
  aad_length: u32;
  input: u32;
  input_length: u32;
  output: u32;
  status: u32;
}

if (offsetof<AeadItem>() != 32) ERROR("AeadItem must be 32 bytes");
if (offsetof<AeadItem>("nonce") != 4) ERROR("AeadItem.nonce must be at 4");
if (offsetof<AeadItem>("aad") != 8) ERROR("AeadItem.aad must be at 8");
if (offsetof<AeadItem>("aad_length") != 12) ERROR("AeadItem.aad_length must be at 12");
if (offsetof<AeadItem>("input") != 16) ERROR("AeadItem.input must be at 16");
if (offsetof<AeadItem>("input_length") != 20) ERROR("AeadItem.input_length must be at 20");
if (offsetof<AeadItem>("output") != 24) ERROR("AeadItem.output must be at 24");
if (offsetof<AeadItem>("status") != 28) ERROR("AeadItem.status must be at 28");

const ITEM_BYTES: usize = offsetof<AeadItem>();

// With SIMD the keystream of short messages is computed for a group of them at once: no lane computes a block that
// nobody uses. A longer message fills the lanes by itself.
const SHORT_BLOCKS_MAX: usize = 16;
const GROUP_BLOCKS_MAX: usize = 64;

export function aeadItemBytes(): usize {
  return ITEM_BYTES;
}

/** Seals every item. */
export function aeadSealBatch(items: usize, count: u32): void {
  batch(items, count, true);
}

/** Opens every item; a refused one leaves its output as it was, and the others stand. */
export function aeadOpenBatch(items: usize, count: u32): void {
  batch(items, count, false);
}

function batch(items: usize, count: u32, sealing: bool): void {
  let at = items;
  const end = items + <usize>count * ITEM_BYTES;
  while (at < end) {
    let group = at;
    if (ASC_FEATURE_SIMD) {
      let blocks: usize = 0;
      while (group < end) {
        const more = blocksOf(changetype<AeadItem>(group), sealing);
        if (more > SHORT_BLOCKS_MAX || blocks + more > GROUP_BLOCKS_MAX) break;
        blocks += more;
        group += ITEM_BYTES;
      }
      if (group > at) shortGroup(at, group, blocks, sealing);
    }
    if (group == at) {
      alone(changetype<AeadItem>(at), sealing);
      group += ITEM_BYTES;
    }
    at = group;
  }
}

/** Blocks of keystream of an item, the one-time key among them. */
// @ts-ignore: decorator
@inline
function blocksOf(item: AeadItem, sealing: bool): usize {
  const length = <usize>item.input_length;
  const text = sealing ? length : length < TAG_BYTES ? 0 : length - TAG_BYTES;
  return 1 + text / CHACHA_BLOCK_BYTES + <usize>(text % CHACHA_BLOCK_BYTES != 0);
}

function alone(item: AeadItem, sealing: bool): void {
  if (sealing) {
    aeadSeal(item.key, item.nonce, item.aad, item.aad_length, item.input, item.input_length, item.output);
    item.status = AeadStatus.done;
  } else {
    item.status = <u32>(
      aeadOpen(item.key, item.nonce, item.aad, item.aad_length, item.input, item.input_length, item.output)
    );
  }
}

function shortGroup(at: usize, end: usize, blocks: usize, sealing: bool): void {
  const rounded = (blocks + 3) & ~3;
  const keystreamBytes = rounded * CHACHA_BLOCK_BYTES;
  const scratch = take(2 * CHACHA_QUAD_BYTES);
  const lanes = take(4 * offsetof<ChaChaLane>());
  const poly = take(offsetof<Poly1305>() + 2 * TAG_BYTES);
  const keystream = take(keystreamBytes);

  let item = at;
  let counter: u32 = 0;
  let itemBlocks = <u32>blocksOf(changetype<AeadItem>(item), sealing);
  for (let done: usize = 0; done < rounded; done += 4) {
    for (let lane: usize = 0; lane < 4; lane++) {
      const to = changetype<ChaChaLane>(lanes + lane * offsetof<ChaChaLane>());
      to.key = changetype<AeadItem>(item).key;
      to.nonce = changetype<AeadItem>(item).nonce;
      to.counter = counter++;
      // After the last item the lanes that are left go on counting; nobody uses those blocks.
      if (counter >= itemBlocks && item + ITEM_BYTES < end) {
        item += ITEM_BYTES;
        counter = 0;
        itemBlocks = <u32>blocksOf(changetype<AeadItem>(item), sealing);
      }
    }
    chachaLanes(lanes, scratch, keystream + done * CHACHA_BLOCK_BYTES);
  }

  let mask = keystream;
  while (at < end) {
    const item = changetype<AeadItem>(at);
    const used = blocksOf(item, sealing) * CHACHA_BLOCK_BYTES;
    if (sealing) {
      xorBytes(item.input, mask + CHACHA_BLOCK_BYTES, item.output, item.input_length);
      shortTag(item, mask, poly, item.output, item.input_length, <usize>item.output + item.input_length);
      item.status = AeadStatus.done;
    } else {
      item.status = <u32>openShort(item, mask, poly);
    }
    mask += used;
    at += ITEM_BYTES;
  }
  wipe(scratch, 2 * CHACHA_QUAD_BYTES);
  wipe(lanes, 4 * offsetof<ChaChaLane>());
  wipe(poly, offsetof<Poly1305>() + 2 * TAG_BYTES);
  wipe(keystream, keystreamBytes);
  release(scratch);
}

// @ts-ignore: decorator
@inline
function openShort(item: AeadItem, mask: usize, poly: usize): bool {
  if (item.input_length < <u32>TAG_BYTES) return false;
  const text = <usize>item.input_length - TAG_BYTES;
  const expected = poly + offsetof<Poly1305>() + TAG_BYTES;
  shortTag(item, mask, poly, item.input, text, expected);
  const genuine = sameTag(expected, <usize>item.input + text);
  if (genuine) xorBytes(item.input, mask + CHACHA_BLOCK_BYTES, item.output, text);
  return genuine;
}

/** The tag over `length` bytes of ciphertext, with the one-time key at `key`. */
function shortTag(item: AeadItem, key: usize, poly: usize, ciphertext: usize, length: usize, tag: usize): void {
  const lengths = poly + offsetof<Poly1305>();
  poly1305Start(poly, key);
  poly1305Update(poly, item.aad, item.aad_length);
  poly1305Pad(poly);
  poly1305Update(poly, ciphertext, length);
  poly1305Pad(poly);
  store<u64>(lengths, item.aad_length);
  store<u64>(lengths, length, 8);
  poly1305Update(poly, lengths, TAG_BYTES);
  poly1305Finish(poly, tag);
}
