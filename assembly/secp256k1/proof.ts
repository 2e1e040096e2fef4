// NUT-12: the nonce and the challenge of a proof that log_G K = log_B' C'.
//
//     r = HMAC-SHA256(k, "Cashu_DLEQ_R_v1" ‖ K ‖ B' ‖ C' ‖ counter), the first from 1 to n - 1; points not compressed
//     e = SHA-256(hex of R1, R2, K, C', not compressed)
import { hmacSha256Once } from "../hash/hmac-sha256";
import { sha256 } from "../hash/sha256";
import { release, take } from "../memory/workspace";
import { COORDINATES_BYTES } from "./encoding";
import { SCALAR_BYTES, isScalar, reverse } from "./order";

/** "Cashu_DLEQ_R_v1" */
const LABEL = memory.data<u8>([67, 97, 115, 104, 117, 95, 68, 76, 69, 81, 95, 82, 95, 118, 49]);
const LABEL_BYTES: usize = 15;
const LONG_BYTES: usize = COORDINATES_BYTES + 1;
const NONCE_BYTES: usize = LABEL_BYTES + 3 * LONG_BYTES + 1;
const CHALLENGE_BYTES: usize = 4 * 2 * LONG_BYTES;

/** A point, not compressed, of its coordinates. Returns what follows. */
function storeLong(out: usize, coordinates: usize): usize {
  store<u8>(out, 4);
  memory.copy(out + 1, coordinates, COORDINATES_BYTES);
  return out + LONG_BYTES;
}

/** The nonce, as a scalar; the key as bytes. There are 2^-128 that the first is not taken. */
export function deriveNonce(nonce: usize, key: usize, publicKey: usize, blinded: usize, signature: usize): void {
  const text = take(NONCE_BYTES + SCALAR_BYTES);
  const hash = text + NONCE_BYTES;
  memory.copy(text, LABEL, LABEL_BYTES);
  let end = storeLong(text + LABEL_BYTES, publicKey);
  end = storeLong(end, blinded);
  end = storeLong(end, signature);
  for (let counter: u32 = 0; counter < 256; counter++) {
    store<u8>(end, <u8>counter);
    hmacSha256Once(key, SCALAR_BYTES, text, NONCE_BYTES, hash);
    reverse(nonce, hash);
    if (isScalar(nonce)) break;
  }
  memory.fill(text, 0, NONCE_BYTES + SCALAR_BYTES);
  release(text);
}

/** A point, not compressed, in hexadecimal digits, from its coordinates. Returns what follows. */
function storeHex(out: usize, coordinates: usize): usize {
  store<u16>(out, 0x3430);
  for (let i: usize = 0; i < COORDINATES_BYTES; i++) {
    const byte = <u32>load<u8>(coordinates + i);
    store<u8>(out + 2 * i, <u8>digit(byte >> 4), 2);
    store<u8>(out + 2 * i, <u8>digit(byte & 15), 3);
  }
  return out + 2 * LONG_BYTES;
}

// @ts-ignore: decorator
@inline
function digit(value: u32): u32 {
  return value + 48 + (((9 - value) >> 31) * 39);
}

/** e, 32 bytes, of the coordinates of four points. */
export function challenge(e: usize, r1: usize, r2: usize, publicKey: usize, signature: usize): void {
  const text = take(CHALLENGE_BYTES);
  let end = storeHex(text, r1);
  end = storeHex(end, r2);
  end = storeHex(end, publicKey);
  storeHex(end, signature);
  sha256(text, CHALLENGE_BYTES, e);
  memory.fill(text, 0, CHALLENGE_BYTES);
  release(text);
}
