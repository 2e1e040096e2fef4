export { HASH_MESSAGE_BYTES } from "./message";
export { SHA256_CONTEXT_BYTES, sha256, sha256Final, sha256Init, sha256Update } from "./sha256";
export { sha256Batch } from "./sha256-batch";
export { SHA512_CONTEXT_BYTES, sha512, sha512Final, sha512Init, sha512Update } from "./sha512";
export { sha512Batch } from "./sha512-batch";
