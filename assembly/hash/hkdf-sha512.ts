// HKDF-SHA512 (RFC 5869).
import { release, take } from "../memory/workspace";
import { hmacSha512Final, hmacSha512Init, hmacSha512Once } from "./hmac-sha512";
import { SHA512_BYTES, SHA512_CONTEXT_BYTES, sha512Update } from "./sha512";

/** The most that hkdfSha512Expand derives of one key (section 2.3). */
export const HKDF_SHA512_EXPAND_BYTES_MAX: usize = 255 * SHA512_BYTES;

/** Section 2.2: the pseudorandom key, 64 bytes, to `out`. No salt (0 bytes) is the same as 64 zero bytes. */
export function hkdfSha512Extract(salt: usize, salt_bytes: usize, ikm: usize, ikm_bytes: usize, out: usize): void {
  hmacSha512Once(salt, salt_bytes, ikm, ikm_bytes, out);
}

/**
 * Section 2.3: `bytes` bytes to `out`, apart from the info, of the pseudorandom key that hmacSha512Key prepared. Aborts
 * beyond 255 * 64 bytes.
 */
export function hkdfSha512Expand(prepared: usize, info: usize, info_bytes: usize, out: usize, bytes: usize): void {
  assert(bytes <= HKDF_SHA512_EXPAND_BYTES_MAX, "expected at most 16320 bytes to derive");
  const context = take(SHA512_CONTEXT_BYTES);
  const block = take(SHA512_BYTES + 1);
  const counter = block + SHA512_BYTES;
  store<u8>(counter, 0);
  for (let done: usize = 0; done < bytes; done += SHA512_BYTES) {
    hmacSha512Init(context, prepared);
    if (done > 0) sha512Update(context, block, SHA512_BYTES);
    sha512Update(context, info, info_bytes);
    store<u8>(counter, load<u8>(counter) + 1);
    sha512Update(context, counter, 1);
    hmacSha512Final(context, prepared, block);
    memory.copy(out + done, block, min(SHA512_BYTES, bytes - done));
  }
  memory.fill(block, 0, SHA512_BYTES + 1);
  release(context);
}
