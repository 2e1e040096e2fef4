// Every bound of a terminal, with its reason.

/** Notes of one operation: as many as a mint takes in one request (src/notes/limits.ts). Beyond: they are refused. */
export const OPERATION_NOTES_MAX = 1000;

/** Operations that are open: sends whose destination has not fetched, tokens that nobody has taken yet. Beyond: invalid_argument. */
export const OPERATIONS_MAX = 4096;

/** Keysets of one unit that are remembered; a mint that rotates monthly for ten years has 120. Beyond: mint_invalid. */
export const KEYSETS_MAX = 256;

/** Pages of deliveries that are asked for at a time; what is left comes with the next time. */
export const DELIVERY_PAGES_MAX = 64;

/** How often a swap is planned anew because the mint has other keys or knows the outputs already. Beyond: mint_refused. */
export const PLANS_MAX = 4;

/** Numbers that are passed over where the mint has signed a secret of ours that we do not know of. */
export const COUNTER_SKIP = 100;

/** Secrets that a restore asks for at a time, and batches without any find before it ends (NUT-13 advises 100 and 3). */
export const RESTORE_BATCH = 100;
export const RESTORE_EMPTY_BATCHES = 3;
/** Secrets of one keyset that a restore looks for at most. */
export const RESTORE_COUNTER_MAX = 100_000;

/** How long a message to a gateway counts: a gateway that is down for a day takes it when it is back. */
export const SEND_VALID_SECONDS = 86_400n;

/** A memo, a name, what went wrong. */
export const TEXT_BYTES_MAX = 512;

/** What a quote's payer, or the payee of a deposit, is told by: an invoice has 400 characters. */
export const REQUEST_BYTES_MAX = 4096;
