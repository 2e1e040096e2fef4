// What an exchange may be and costs, as the organisation has set it.

export interface GatewayTerms {
  /** 1 to 32 of a-z, 0-9 and -: the unit of local notes names it. */
  readonly organisation: string;
  /** Of the ledger: ISO 4217 numeric, operator currencies from 1000. */
  readonly currency: number;
  /** Unit of the wide notes: the currency's code in lower case. */
  readonly unit: string;
  /** Of one exchange, minor units. */
  readonly amountMin: bigint;
  readonly amountMax: bigint;
  /** Of what one terminal sends in a UTC day. */
  readonly dayMax: bigint;
  readonly feeBasisPoints: number;
  readonly feeFixed: bigint;
  readonly returnAfterSeconds: number;
}

const ORGANISATION = /^[a-z0-9-]{1,32}$/;
const UNIT = /^[a-z0-9]{2,10}$/;
/** What 64 notes of 2^31 make up, with room for the fee: an exchange's notes go into one message. */
export const AMOUNT_MAX = 2n ** 36n;
export const FEE_BASIS_POINTS_MAX = 10_000;
const RETURN_AFTER_SECONDS_MAX = 366 * 86_400;

/** @throws RangeError naming what is wrong */
export function checkTerms(terms: GatewayTerms): void {
  const { organisation, unit, amountMin, amountMax, dayMax, feeBasisPoints, feeFixed, returnAfterSeconds } =
    terms;
  const expect = (isRight: boolean, what: string): void => {
    if (!isRight) throw new RangeError(`terms: expected ${what}`);
  };
  expect(ORGANISATION.test(organisation), 'an organisation of 1 to 32 of a-z, 0-9 and -');
  expect(UNIT.test(unit), 'a unit that is a currency code in lower case');
  expect(amountMin >= 1n && amountMin <= amountMax, `amountMin from 1 to amountMax, got ${amountMin}`);
  expect(amountMax <= AMOUNT_MAX, `amountMax of at most ${AMOUNT_MAX}, got ${amountMax}`);
  expect(dayMax >= amountMin, `dayMax from amountMin on, got ${dayMax}`);
  expect(
    Number.isInteger(feeBasisPoints) && feeBasisPoints >= 0 && feeBasisPoints <= FEE_BASIS_POINTS_MAX,
    `feeBasisPoints from 0 to ${FEE_BASIS_POINTS_MAX}, got ${feeBasisPoints}`,
  );
  expect(feeFixed >= 0n && feeFixed <= AMOUNT_MAX, `feeFixed from 0 to ${AMOUNT_MAX}, got ${feeFixed}`);
  expect(
    Number.isInteger(returnAfterSeconds) &&
      returnAfterSeconds >= 1 &&
      returnAfterSeconds <= RETURN_AFTER_SECONDS_MAX,
    `returnAfterSeconds from 1 to ${RETURN_AFTER_SECONDS_MAX}, got ${returnAfterSeconds}`,
  );
}

/** On top of the amount: a share of it, rounded half up, and a fixed amount. */
export function feeFor(
  amount: bigint,
  { feeBasisPoints, feeFixed }: Pick<GatewayTerms, 'feeBasisPoints' | 'feeFixed'>,
): bigint {
  return (amount * BigInt(feeBasisPoints) + 5_000n) / 10_000n + feeFixed;
}

/** What a local note is counted in. */
export const localUnit = ({ unit, organisation }: Pick<GatewayTerms, 'unit' | 'organisation'>): string =>
  `${unit}@${organisation}`;
