// Every bound on what comes in, with its typical size, its reason, and what happens beyond it: always a NotesError before
// anything of that size is allocated or computed.

/** NUT-01: amounts are unsigned 64-bit. Beyond: `malformed`. */
export const AMOUNT_MAX = 0xffff_ffff_ffff_ffffn;

/** Keys of a keyset: one a power of two up to 2^63. Beyond: `too_large`. */
export const KEYS_MAX = 64;

/** Keysets in one listing; a mint that rotates monthly for ten years has 120. Beyond: `too_large`. */
export const KEYSETS_MAX = 1024;

/** A fee of 1,000 is one unit a note; usual are 0 to 200. Beyond, a note may cost more than is usual by ten thousand times. */
export const INPUT_FEE_PPK_MAX = 1_000_000;

/** A unit: `sat`, `eur`, an organisation's own. Beyond: `too_large`. */
export const UNIT_CHARS_MAX = 64;

/**
 * UTF-8 bytes of a note's secret: 64 hex digits; with spending conditions (NUT-11) some 150 and 70 a key, so that twelve
 * keys fit. It is the bound of NoteCrypto's messages, and the usual one of mints. Beyond: `too_large`.
 */
export const SECRET_BYTES_MAX = 1024;

/** A witness: 150 bytes of JSON with one signature, 131 for each further one. Beyond: `too_large`. */
export const WITNESS_BYTES_MAX = 4096;

/** Keys that a spending condition may name; more do not fit into a secret. Beyond: `condition`. */
export const CONDITION_KEYS_MAX = 16;

/** Signatures that a witness may hold: each may have to be tried with each key. Beyond: `condition`. */
export const CONDITION_SIGNATURES_MAX = 16;

/**
 * Signatures of witnesses that are tried for one request: 1 to 2.5 ms each with @noble/curves, while all others wait. A
 * payment has one or two a note and under 20 notes. Beyond: `too_large`, and the holder spends its notes in several requests.
 */
export const CONDITION_CHECKS_MAX = 256;

/** Notes in a request, the usual bound of mints; a payment has under 20. Beyond: `too_large`. */
export const INPUTS_MAX = 1000;

/** Blinded messages in a request, and signatures in an answer. Beyond: `too_large`. */
export const OUTPUTS_MAX = 1000;

/** Points whose state one request asks for (NUT-07). Beyond: `too_large`. */
export const STATES_MAX = 1000;

/** Quotes in one batch (NUT-29). Beyond: `too_large`. */
export const QUOTES_MAX = 100;

/** A quote's id: 36 characters of UUID, or 40 random ones. Beyond: `too_large`. */
export const QUOTE_ID_CHARS_MAX = 256;

/** What is to be paid for a quote: an invoice has some 400 characters. Beyond: `too_large`. */
export const REQUEST_CHARS_MAX = 4096;

/** Descriptions, memos, details of errors. Beyond: `too_large`. */
export const TEXT_CHARS_MAX = 4096;

/** A mint's address. Beyond: `too_large`. */
export const URL_CHARS_MAX = 1024;

/** A body of the HTTP interface: a swap of 1,000 notes with conditions has some 900 KiB. Beyond: `too_large`. */
export const BODY_BYTES_MAX = 2 * 1024 * 1024;

/** Notes in a token; those of a payment are under 20. Beyond: `too_large`. */
export const TOKEN_NOTES_MAX = 1000;

/** A token as text: 250 characters a note, so that 1,000 fit with DLEQ proofs and witnesses. Beyond: `too_large`. */
export const TOKEN_CHARS_MAX = 1024 * 1024;

/** Lists in lists: a token has 6 levels, mint information 7. Beyond: `malformed`. */
export const DEPTH_MAX = 12;

/** Entries of all lists and maps of one text together; 1,000 inputs with proofs and 1,000 outputs have 15,000. Beyond: `too_large`. */
export const VALUES_MAX = 65_536;

/** A payment request (NUT-18, NUT-26), which must fit into a QR code: under 1,000 characters. Beyond: `too_large`. */
export const PAYMENT_REQUEST_CHARS_MAX = 16_384;

/** Mints, transports, tags of a payment request. Beyond: `too_large`. */
export const PAYMENT_REQUEST_ENTRIES_MAX = 64;

/** Counter of deterministic secrets; BIP 32 has 31 bits for it (NUT-13, version 1). Beyond: RangeError. */
export const SECRET_COUNTER_MAX = 0x7fff_ffff;
