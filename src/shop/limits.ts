// Every bound of a shop: what it is, why, and what happens beyond.

/** Articles of a catalogue: a supermarket has 40,000. Beyond: catalogue_invalid. */
export const ARTICLES_IN_CATALOGUE_MAX = 65_536;
/** Bytes of the catalogue's file. Beyond: catalogue_invalid. */
export const CATALOGUE_BYTES_MAX = 16 * 1024 * 1024;

/** Purchases whose outcome is not known: some 1.5 KB each, in memory and on disk. Beyond: customers are told `busy`. */
export const PURCHASES_OPEN_MAX = 16_384;
/** Offers of all tills that nobody has paid yet. Beyond: too_many_open. */
export const OFFERS_MAX = 4_096;
/**
 * Wrong codes of offers a minute: of a channel, and of all before a channel has one only. Whoever types makes one or two; with
 * 4,096 open offers one of 200,000 guesses finds one. Beyond: `busy`.
 */
export const WRONG_CODES_A_MINUTE = 8;
export const WRONG_CODES_IN_ALL_A_MINUTE = 600;
/**
 * A purchase of an offer may expire so much later at most: until then nobody else pays at that till. Wallets say five minutes.
 * Beyond: expires_too_late.
 */
export const OFFER_HELD_SECONDS_MAX = 900;
/** Refunds, captures and voids whose outcome is not known. Beyond: too_many_open. */
export const ORDERS_OPEN_MAX = 1_024;
/** Customers that wait for the same purchase, over several connections. Beyond: they are told to come again. */
export const WAITERS_MAX = 8;

/** How long a customer waits for an outcome; then he hears `pending`, and asks again. */
export const ANSWER_WITHIN_MS = 1_000;
/** How long a till waits for a refund, a capture or a void, unless told otherwise; then it is `unfinished`, and goes on. */
export const ORDER_WITHIN_MS = 20_000;

/** A purchase may expire a day from now at most, so that what is open has an end. Beyond: expires_too_late. */
export const EXPIRES_WITHIN_SECONDS = 86_400;
/** How long an offer stands, unless the till says otherwise. */
export const OFFER_SECONDS = 300;
/** A refund, a capture or a void that is not done by then is not done any more. */
export const ORDER_SECONDS = 86_400;

/** How often the open ones are looked through: for customers who have waited long enough, and for those to be asked again. */
export const TICK_MS = 100;
/** Pauses before management is asked again, doubled each time. */
export const RETRY_FIRST_MS = 200;
export const RETRY_LAST_MS = 30_000;

/** Frames to management without an answer: of full ones, some 110 purchases each, a thousand keep management and cash busy. */
export const FRAMES_IN_FLIGHT_MAX = 10;
/** Of the purchases that are under way, what a frame has to have that is not full: else it waits for more, or for answers. */
export const FRAME_SHARE_MIN = 0.5;

/** Bytes of a till's name. */
export const TILL_BYTES_MAX = 32;
/** Sales of one page. */
export const SALES_PAGE_MAX = 1_024;
