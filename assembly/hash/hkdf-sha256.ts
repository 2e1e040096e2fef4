// HKDF-SHA256 (RFC 5869).
import { release, take } from "../memory/workspace";
import { hmacSha256Final, hmacSha256Init, hmacSha256Once } from "./hmac-sha256";
import { SHA256_BYTES, SHA256_CONTEXT_BYTES, sha256Update } from "./sha256";

/** The most that hkdfSha256Expand derives of one key (section 2.3). */
export const HKDF_SHA256_EXPAND_BYTES_MAX: usize = 255 * SHA256_BYTES;

/** Section 2.2: the pseudorandom key, 32 bytes, to `out`. No salt (0 bytes) is the same as 32 zero bytes. */
export function hkdfSha256Extract(salt: usize, salt_bytes: usize, ikm: usize, ikm_bytes: usize, out: usize): void {
  hmacSha256Once(salt, salt_bytes, ikm, ikm_bytes, out);
}

/**
 * Section 2.3: `bytes` bytes to `out`, apart from the info, of the pseudorandom key that hmacSha256Key prepared. Aborts
 * beyond 255 * 32 bytes.
 */
export function hkdfSha256Expand(prepared: usize, info: usize, info_bytes: usize, out: usize, bytes: usize): void {
  assert(bytes <= HKDF_SHA256_EXPAND_BYTES_MAX, "expected at most 8160 bytes to derive");
  const context = take(SHA256_CONTEXT_BYTES);
  const block = take(SHA256_BYTES + 1);
  const counter = block + SHA256_BYTES;
  store<u8>(counter, 0);
  for (let done: usize = 0; done < bytes; done += SHA256_BYTES) {
    hmacSha256Init(context, prepared);
    if (done > 0) sha256Update(context, block, SHA256_BYTES);
    sha256Update(context, info, info_bytes);
    store<u8>(counter, load<u8>(counter) + 1);
    sha256Update(context, counter, 1);
    hmacSha256Final(context, prepared, block);
    memory.copy(out + done, block, min(SHA256_BYTES, bytes - done));
  }
  memory.fill(block, 0, SHA256_BYTES + 1);
  release(context);
}
