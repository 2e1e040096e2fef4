// Primary account numbers: check digit, mask, and those of the simulator's accounts.
//
//     999900 nnnnnnnnn c    account of the simulator      999901 0000000 rr c    special: always answered with code rr
//     └─IIN┘ └number─┘ └ Luhn's check digit (ISO/IEC 7812-1)
//
// ISO/IEC 7812 leaves numbers that begin with 9 to national bodies; no card scheme issues them.
import { Random } from '../shared/random.ts';

/** What an account number may look like here; ISO/IEC 7812 allows up to 19 digits. */
export const ACCOUNT_NUMBER_PATTERN = /^\d{12,19}$/;
export const TEST_ACCOUNTS_MAX = 1_000_000;

const NUMBERS = 1_000_000_000;
const TEST_IIN = '999900';
const SPECIAL_PREFIX = '9999010000000';

/** Luhn's check digit for the digits that stand before it. */
export function checkDigit(digits: string): string {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = digits.charCodeAt(digits.length - 1 - i) - 48;
    const doubled = i % 2 === 0 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return String((10 - (sum % 10)) % 10);
}

export function hasCheckDigit(accountNumber: string): boolean {
  return checkDigit(accountNumber.slice(0, -1)) === accountNumber.at(-1);
}

/** First six and last four digits, as PCI DSS allows to be shown; of short numbers only the last four. */
export function maskAccountNumber(accountNumber: string): string {
  const shown = accountNumber.length >= 13 ? 6 : 0;
  return (
    accountNumber.slice(0, shown) + '*'.repeat(accountNumber.length - shown - 4) + accountNumber.slice(-4)
  );
}

/**
 * The account numbers of a seed: a function of 0 to TEST_ACCOUNTS_MAX - 1, each different. The number is
 * (index × a + b) mod 10^9 with `a` prime to 10, a permutation.
 */
export function testAccountNumbers(seed: bigint): (index: number) => string {
  const random = new Random(seed);
  // 1, 3, 7 or 9 at the end: prime to 10.
  const factor = BigInt(random.below(NUMBERS / 10) * 10 + random.pick([1, 3, 7, 9]));
  const offset = BigInt(random.below(NUMBERS));
  return (index) => {
    if (!Number.isInteger(index) || index < 0 || index >= TEST_ACCOUNTS_MAX) {
      throw new RangeError(`test account: expected 0 to ${TEST_ACCOUNTS_MAX - 1}, got ${index}`);
    }
    const number = (BigInt(index) * factor + offset) % BigInt(NUMBERS);
    const digits = TEST_IIN + number.toString().padStart(9, '0');
    return digits + checkDigit(digits);
  };
}

function special(code: string): string {
  return SPECIAL_PREFIX + code + checkDigit(SPECIAL_PREFIX + code);
}

/** Account numbers that every simulator answers alike, whatever its seed. */
export const SPECIAL_ACCOUNTS = {
  insufficientFunds: special('51'),
  stolen: special('43'),
  expired: special('54'),
  /** Has a right check digit, and no account behind it. */
  unknown: special('14'),
} as const;
