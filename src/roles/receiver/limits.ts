// What the receiver offers, and how long it tries and waits. Each bound with its reason.

export const NANOSECONDS_A_MILLISECOND = 1_000_000n;

export interface ReceiverLimits {
  /** Of a quote of Cashu's interface, minor units. Beyond: refused. */
  readonly quoteAmountMax: bigint;
  /** How long an answer waits for a request to become final. Beyond: `pending`. */
  readonly answerWithinMs: number;
  /** How far ahead `applyBy` may lie: what cash refuses is tried until then. Beyond: refused. */
  readonly applyByAheadMaxMs: number;
  /** How long a quote waits to be paid. Beyond: it is forgotten. */
  readonly quoteExpirySeconds: number;
  /** How long after it was asked for cash may pay a melt. Beyond: the notes are free again. */
  readonly meltWithinMs: number;
}

export const RECEIVER_DEFAULTS = {
  /** Four notes of the largest amount in a keyset of 32 keys; who needs more takes several quotes. */
  quoteAmountMax: 2n ** 33n,
  /** Cash answers in a few milliseconds; who waits longer asks again. */
  answerWithinMs: 250,
  /** A gateway tries for seven days before it gives back. */
  applyByAheadMaxMs: 30 * 86_400_000,
  /** Long enough to walk to a counter. */
  quoteExpirySeconds: 3_600,
  /** Longer than a restart of cash; a holder who waits longer wants his notes back. */
  meltWithinMs: 3_600_000,
} as const satisfies ReceiverLimits;

/**
 * A seal to a key that is not known here is looked at once more after this time: a directory that has just been changed is
 * read within 250 ms of a miss (src/identity/identity-watch.ts).
 */
export const SECOND_LOOK_MS = 600;

/** NUT-00: amounts are unsigned 64-bit. */
const AMOUNT_MAX = 2n ** 64n - 1n;

/** @throws RangeError that names the field */
export function checkLimits(limits: ReceiverLimits): ReceiverLimits {
  const { quoteAmountMax } = limits;
  if (quoteAmountMax < 1n || quoteAmountMax > AMOUNT_MAX)
    throw new RangeError(`quoteAmountMax: expected 1 to ${AMOUNT_MAX}, got ${quoteAmountMax}`);
  expectWhole('answerWithinMs', limits.answerWithinMs, 0, 10_000);
  expectWhole('applyByAheadMaxMs', limits.applyByAheadMaxMs, 1_000, 366 * 86_400_000);
  expectWhole('quoteExpirySeconds', limits.quoteExpirySeconds, 1, 30 * 86_400);
  expectWhole('meltWithinMs', limits.meltWithinMs, 1_000, 86_400_000);
  return limits;
}

function expectWhole(name: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(`${name}: expected a whole number from ${min} to ${max}, got ${value}`);
  }
}
