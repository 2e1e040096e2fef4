// Bounds of messages, each with what is usual. Beyond one a message is refused with `too_large`, as soon as it shows.

/** A payroll of 10,000 takes about 10 MB. */
export const DOCUMENT_BYTES_MAX = 256 * 1024 * 1024;
/** One tag, one text, one comment. The longest text that messages here have is of 500 characters. */
export const TOKEN_BYTES_MAX = 64 * 1024;
/** The deepest path of these messages has 12 elements. */
export const DEPTH_MAX = 32;
/** Of one element. ISO 20022 has one, beside the names of namespaces. */
export const ATTRIBUTES_MAX = 16;
/** Held at once: those of one transaction or one entry, which may be a batch of thousands. */
export const ELEMENTS_MAX = 400_000;
/** Transactions of a payment initiation or a status report, entries of a statement. Banks take 10,000 to 100,000. */
export const TRANSACTIONS_MAX = 200_000;
