// Account.balance_limit: an upper bound on a balance in 32 bits, a decimal floating-point number.
//
//     31      27 26                            0
//     ┌─────────┬───────────────────────────────┐
//     │exponent │ mantissa                      │    limit = mantissa × 10^exponent minor units
//     └─────────┴───────────────────────────────┘
//
// The mantissa holds any limit up to 134,217,727 exactly; above that, limits of up to eight significant digits.
// Encoding takes the smallest exponent that is exact, so that one limit has one encoding and records compare equal.
import { type Amount, AmountError, amountOf } from './amount.ts';
import { checkUint } from './bytes.ts';

export const BALANCE_LIMIT_MANTISSA_MAX = 0x7ff_ffffn;
export const BALANCE_LIMIT_EXPONENT_MAX = 30;
export const BALANCE_LIMIT_MAX = (BALANCE_LIMIT_MANTISSA_MAX *
  10n ** BigInt(BALANCE_LIMIT_EXPONENT_MAX)) as Amount;

/**
 * The 32-bit form of a limit in minor units.
 * @throws AmountError, naming the nearest limits below and above, where the limit has no exact form.
 */
export function encodeBalanceLimit(limit: Amount): number {
  let mantissa: bigint = amountOf(limit);
  let exponent = 0;
  while (mantissa > BALANCE_LIMIT_MANTISSA_MAX && mantissa % 10n === 0n) {
    mantissa /= 10n;
    exponent++;
  }
  if (mantissa <= BALANCE_LIMIT_MANTISSA_MAX && exponent <= BALANCE_LIMIT_EXPONENT_MAX) {
    return exponent * 2 ** 27 + Number(mantissa);
  }
  const { below, above } = neighbours(limit);
  const choice = above === undefined ? `${below} (the largest)` : `${below} or ${above}`;
  throw new AmountError(
    `balance limit: expected one that 27 bits × 10^n hold, such as ${choice}, got ${limit}`,
  );
}

/** The limit in minor units. @throws RangeError for exponent 31, which is reserved. */
export function decodeBalanceLimit(encoded: number): Amount {
  checkUint(encoded, 0xffff_ffff, 'balance limit');
  const exponent = encoded >>> 27;
  if (exponent > BALANCE_LIMIT_EXPONENT_MAX) {
    throw new RangeError(
      `balance limit: expected an exponent from 0 to ${BALANCE_LIMIT_EXPONENT_MAX}, got ${exponent} in ${encoded}`,
    );
  }
  return amountOf(BigInt(encoded & Number(BALANCE_LIMIT_MANTISSA_MAX)) * 10n ** BigInt(exponent));
}

function neighbours(limit: bigint): { below: bigint; above: bigint | undefined } {
  if (limit > BALANCE_LIMIT_MAX) return { below: BALANCE_LIMIT_MAX, above: undefined };
  let unit = 1n;
  while (limit / unit > BALANCE_LIMIT_MANTISSA_MAX) unit *= 10n;
  // The last mantissa of the exponent below lies between two steps of this one where it is the nearer.
  const onGrid = (limit / unit) * unit;
  const lastFiner = BALANCE_LIMIT_MANTISSA_MAX * (unit / 10n);
  const below = onGrid > lastFiner ? onGrid : lastFiner;
  // One step more may need the next exponent, whose first mantissa is a tenth, rounded up.
  const next = limit / unit + 1n;
  const above = next <= BALANCE_LIMIT_MANTISSA_MAX ? next * unit : ((next + 9n) / 10n) * 10n * unit;
  return { below, above: above <= BALANCE_LIMIT_MAX ? above : undefined };
}
