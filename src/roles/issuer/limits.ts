// What the issuer issues, and how long an answer waits. Each bound with its reason.

export interface IssuerLimits {
  /** How long an answer waits for a request to become final. Beyond: `pending`. */
  readonly answerWithinMs: number;
}

export const ISSUER_DEFAULTS = {
  /** Cash answers in a few milliseconds; who waits longer asks again. */
  answerWithinMs: 250,
} as const satisfies IssuerLimits;

/** @throws RangeError that names the field */
export function checkLimits(limits: IssuerLimits): IssuerLimits {
  const { answerWithinMs } = limits;
  if (!Number.isInteger(answerWithinMs) || answerWithinMs < 0 || answerWithinMs > 10_000) {
    throw new RangeError(`answerWithinMs: expected a whole number from 0 to 10000, got ${answerWithinMs}`);
  }
  return limits;
}
