export {
  HKDF_SHA256_EXPAND_BYTES_MAX,
  hkdfSha256Expand,
} from "./hkdf-sha256";
export {
  HKDF_SHA512_EXPAND_BYTES_MAX,
  hkdfSha512Expand,
} from "./hkdf-sha512";
export { HMAC_SHA256_KEY_BYTES, hmacSha256, hmacSha256Final, hmacSha256Init, hmacSha256Key } from "./hmac-sha256";
export { HMAC_SHA256X4_KEYS_BYTES, hmacSha256x4, hmacSha256x4Keys, hmacSha256x4Share } from "./hmac-sha256x4";
export { HMAC_SHA512_KEY_BYTES, hmacSha512, hmacSha512Final, hmacSha512Init, hmacSha512Key } from "./hmac-sha512";
export { HASH_MESSAGE_BYTES } from "./message";
export { SHA256_CONTEXT_BYTES, sha256, sha256Final, sha256Init, sha256Update } from "./sha256";
export { sha256Batch } from "./sha256-batch";
export { SHA512_CONTEXT_BYTES, sha512, sha512Final, sha512Init, sha512Pieces, sha512Update } from "./sha512";
export { sha512Batch } from "./sha512-batch";
