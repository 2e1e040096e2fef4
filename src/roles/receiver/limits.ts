// How long an answer of the receiver waits, and a melt. Each bound with its reason.

export interface ReceiverLimits {
  /** How long an answer waits for a request to become final. Beyond: `pending`. */
  readonly answerWithinMs: number;
}

export const RECEIVER_DEFAULTS = {
  /** Cash answers in a few milliseconds; who waits longer asks again. */
  answerWithinMs: 250,
} as const satisfies ReceiverLimits;

/** @throws RangeError that names the field */
export function checkLimits(limits: ReceiverLimits): ReceiverLimits {
  const { answerWithinMs } = limits;
  if (!Number.isInteger(answerWithinMs) || answerWithinMs < 0 || answerWithinMs > 10_000) {
    throw new RangeError(`answerWithinMs: expected a whole number from 0 to 10000, got ${answerWithinMs}`);
  }
  return limits;
}
