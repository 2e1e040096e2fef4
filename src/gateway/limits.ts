// All bounds of a gateway, with their usual size, their reason, and what happens beyond.

/** Exchanges that are not over, deliveries that wait for a week among them. Beyond: `busy`. */
export const EXCHANGES_MAX = 16_384;

/** Of one terminal: a till sends some a minute, and they are over in seconds. Beyond: `busy`. */
export const EXCHANGES_OF_TERMINAL_MAX = 64;

/** An organisation's tills and desks. Beyond: `terminals_exhausted`. */
export const LAN_TERMINALS_MAX = 16_384;

/** Anybody may register on the WAN. Beyond: those that never sent anything go, then `terminals_exhausted`. */
export const WAN_TERMINALS_MAX = 65_536;

/** A terminal that has done nothing for so long is forgotten when there is no room, unless something waits for it. */
export const TERMINAL_IDLE_DAYS = 365;

/** One that has never exchanged anything goes after this long, when there is no room. */
export const TERMINAL_UNUSED_HOURS = 1;

/** Looking for those that may go walks over all of them. */
export const TERMINALS_PRUNED_EVERY_MS = 60_000;

/**
 * Refusals of one terminal a day: those that a table decides are remembered (a late copy must not be taken after its sender
 * was told no), and looking at notes costs milliseconds. A terminal in use makes some. Beyond: `busy`, for the rest of the day.
 */
export const REFUSED_A_DAY_MAX = 256;

/** What has to be taken in later than this from now is not taken in: a day bridges an outage. Beyond: `malformed`. */
export const APPLY_WITHIN_SECONDS = 86_400;

/** How long a caller waits for the end of its exchange before it is told how it stands. */
export const ANSWER_WITHIN_MS = 250;

/** Between two looks at a delivery that is waiting; a confirmation is seen at once. */
export const DELIVERY_LOOK_MS = 60_000;

/** After something that cannot be right: it takes a human, or a newer directory. */
export const DISTRUSTED_PAUSE_MS = 60_000;

/** What is to be given back is asked for anew, under another id, so long after it was rejected; then after twice as long. */
export const RETURN_AGAIN_SECONDS = 300;

/** So often: 21 hours are the longest. */
export const RETURN_DOUBLINGS_MAX = 8;

/** For what is to be given back: the order or the taking counts for so long. */
export const RETURN_APPLY_SECONDS = 86_400;
