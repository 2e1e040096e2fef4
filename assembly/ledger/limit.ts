// Bounds on balances: those of the reference (debits within credits and the reverse) and ours, `balance_limit`.
//
//     31    27 26                           0
//     ┌───────┬─────────────────────────────┐
//     │ exp   │ mantissa                    │    limit = mantissa × 10^exp, exp from 0 to 30
//     └───────┴─────────────────────────────┘

import { Account, AccountFlags } from "../layout";
import { isGreater, sumHi, sumOverflows } from "./amount";

const MANTISSA_BITS: u32 = 27;
const MANTISSA_MASK: u32 = (1 << MANTISSA_BITS) - 1;
const EXPONENT_MAX: u32 = 30;

// 10^0 to 10^30, 16 bytes each. (2^27 - 1) × 10^30 is below 2^127: a limit never overflows.
const POWERS: usize = memory.data(31 * 16, 16);

export function initialiseLimits(): void {
  let lo: u64 = 1;
  let hi: u64 = 0;
  for (let exponent: u32 = 0; exponent <= EXPONENT_MAX; exponent += 1) {
    store<u64>(POWERS + exponent * 16, lo);
    store<u64>(POWERS + exponent * 16, hi, 8);
    hi = scaleHi(10, lo, hi);
    lo *= 10;
  }
  // 10^30 = 54210108624 × 2^64 + 5076944270305263616.
  const top = POWERS + EXPONENT_MAX * 16;
  assert(load<u64>(top) == 5076944270305263616 && load<u64>(top, 8) == 54210108624, "limits: wrong power of ten");
}

// High half of factor × (hi, lo) for a factor below 2^32 and a product below 2^128.
// @ts-ignore: decorator
@inline
function scaleHi(factor: u64, lo: u64, hi: u64): u64 {
  return factor * hi + ((factor * (lo >> 32) + ((factor * (lo & 0xffffffff)) >> 32)) >> 32);
}

/** Whether `limit` of an account with these flags is one: no exponent of 31, and zero when no flag asks for it. */
// @ts-ignore: decorator
@inline
export function limitIsValid(limit: u32, flags: u32): bool {
  if ((flags & (AccountFlags.credit_balance_limited | AccountFlags.debit_balance_limited)) == 0) return limit == 0;
  return limit >> MANTISSA_BITS <= EXPONENT_MAX;
}

// raised + amount - lowering > limit, for a raised + amount that is known not to overflow.
// @ts-ignore: decorator
@inline
function exceedsLimit(limit: u32, raisedLo: u64, raisedHi: u64, loweringLo: u64, loweringHi: u64): bool {
  const power = POWERS + (limit >> MANTISSA_BITS) * 16;
  const mantissa = <u64>(limit & MANTISSA_MASK);
  const limitLo = mantissa * load<u64>(power);
  const limitHi = scaleHi(mantissa, load<u64>(power), load<u64>(power, 8));
  if (sumOverflows(limitLo, limitHi, loweringLo, loweringHi)) return false;
  return isGreater(
    raisedLo,
    raisedHi,
    limitLo + loweringLo,
    sumHi(limitLo, limitHi, loweringLo, loweringHi),
  );
}

/** debits_pending + debits_posted + amount above credits_posted, where the account's flags forbid that. */
// @ts-ignore: decorator
@inline
export function exceedsCredits(account: Account, debitsLo: u64, debitsHi: u64): bool {
  if ((account.flags & AccountFlags.debits_must_not_exceed_credits) == 0) return false;
  return isGreater(debitsLo, debitsHi, account.credits_posted_lo, account.credits_posted_hi);
}

/** credits_pending + credits_posted + amount above debits_posted, where the account's flags forbid that. */
// @ts-ignore: decorator
@inline
export function exceedsDebits(account: Account, creditsLo: u64, creditsHi: u64): bool {
  if ((account.flags & AccountFlags.credits_must_not_exceed_debits) == 0) return false;
  return isGreater(creditsLo, creditsHi, account.debits_posted_lo, account.debits_posted_hi);
}

/** `creditsLo/Hi` are all credits after the transfer, pending ones included. */
// @ts-ignore: decorator
@inline
export function exceedsCreditLimit(account: Account, creditsLo: u64, creditsHi: u64): bool {
  if ((account.flags & AccountFlags.credit_balance_limited) == 0) return false;
  return exceedsLimit(
    account.balance_limit,
    creditsLo,
    creditsHi,
    account.debits_posted_lo,
    account.debits_posted_hi,
  );
}

/** `debitsLo/Hi` are all debits after the transfer, pending ones included. */
// @ts-ignore: decorator
@inline
export function exceedsDebitLimit(account: Account, debitsLo: u64, debitsHi: u64): bool {
  if ((account.flags & AccountFlags.debit_balance_limited) == 0) return false;
  return exceedsLimit(
    account.balance_limit,
    debitsLo,
    debitsHi,
    account.credits_posted_lo,
    account.credits_posted_hi,
  );
}
