// Bounds of the framework, and the sizes that its functions fix.

/** Longest message, of a handshake or after it (section 3). Beyond: refused by writer and reader. */
export const MESSAGE_BYTES_MAX = 65_535;

/** DHLEN: a public key, a shared secret (section 12.1). */
export const KEY_BYTES = 32;

/** HASHLEN (section 12.5). */
export const HASH_BYTES = 32;

/** What encryption adds (section 4.2). */
export const TAG_BYTES = 16;

/** Longest plaintext of a transport message. Beyond: `invalid_argument`; the caller splits it. */
export const PLAINTEXT_BYTES_MAX = MESSAGE_BYTES_MAX - TAG_BYTES;

/**
 * Messages under one key: nonces 0 to 2^64 - 2; the last one is for rekeying (sections 4.2 and 5.1). Rekeying does
 * not begin again at 0. Beyond: `message_limit_reached`, and only a new handshake helps.
 */
export const MESSAGES_MAX = 2n ** 64n - 1n;
