// What settlement charges, and how long it tries. Each bound with its reason.

/** ISO 8583 carries an amount in twelve digits (DE 4): no institution can be told of more. */
export const INSTITUTION_AMOUNT_MAX = 999_999_999_999n;

/** ISO/IEC 7812: what a card's number looks like. Anything else cannot be told to the institution. */
export const CHARGEABLE_ACCOUNT = /^[0-9]{12,19}$/;

export const NANOSECONDS_A_MILLISECOND = 1_000_000n;

/** Pauses before an authorisation that the institution does not know is asked for again: 0, then doubling. */
const AUTHORISE_PAUSE_FIRST_MS = 200;
const AUTHORISE_PAUSE_LAST_MS = 30_000;

export interface SettlementLimits {
  /** The currencies that are charged (their ledger numbers), and the largest charge in each, minor units. */
  readonly amountMax: ReadonlyMap<number, bigint>;
  /** Calls of the institution under way. Beyond: the others wait, their account numbers still sealed. */
  readonly institutionCallsMax: number;
  /** How long the institution is asked what became of a charge. Beyond: it is reversed. */
  readonly inquireForMs: number;
  /** How long an answer waits for a request to become final. Beyond: `pending`. */
  readonly answerWithinMs: number;
}

export const SETTLEMENT_DEFAULTS = {
  /** An ISO 8583 link has six digits of trace numbers; a few hundred messages in flight fill a round trip of 100 ms. */
  institutionCallsMax: 512,
  /** Longer than a restart of the institution, shorter than a customer's patience with an amount that is held. */
  inquireForMs: 120_000,
  answerWithinMs: 250,
} as const satisfies Omit<SettlementLimits, 'amountMax'>;

/**
 * A seal to a key that is not known here is looked at once more after this time: a directory that has just been changed is
 * read within 250 ms of a miss (src/identity/identity-watch.ts).
 */
export const SECOND_LOOK_MS = 600;

/** @throws RangeError that names the field */
export function checkLimits(limits: SettlementLimits): SettlementLimits {
  for (const [currency, amountMax] of limits.amountMax) {
    if (amountMax < 1n || amountMax > INSTITUTION_AMOUNT_MAX) {
      throw new RangeError(
        `amountMax of currency ${currency}: expected 1 to ${INSTITUTION_AMOUNT_MAX}, got ${amountMax}`,
      );
    }
  }
  expectWhole('institutionCallsMax', limits.institutionCallsMax, 1, 10_000);
  expectWhole('inquireForMs', limits.inquireForMs, 1000, 86_400_000);
  expectWhole('answerWithinMs', limits.answerWithinMs, 0, 10_000);
  return limits;
}

/** @param round how often it has been asked for before, from 1 */
export function authorisePauseMs(round: number): number {
  if (round <= 1) return 0;
  return Math.min(AUTHORISE_PAUSE_LAST_MS, AUTHORISE_PAUSE_FIRST_MS * 2 ** (round - 2));
}

function expectWhole(name: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(`${name}: expected a whole number from ${min} to ${max}, got ${value}`);
  }
}
