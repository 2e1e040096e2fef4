// The specification of create_accounts: every reason to refuse an account, in order of precedence. What concerns the
// whole batch (chains, imported events, timestamps) comes before and stands in ledger-model.ts.
import {
  ACCOUNT_FLAGS_RESERVED,
  type Account,
  AccountFlags,
  CreateAccountStatus,
  type CreateAccountStatusName,
} from '../../src/layout/generated.ts';
import { U128_MAX } from '../../src/shared/bytes.ts';
import type { Books } from './books.ts';
import { inPrecedence, type Rule } from './rules.ts';

/** Largest power of ten of a balance limit: 134,217,727 * 10^30 is the largest limit that fits 128 bits. */
const LIMIT_EXPONENT_MAX = 30;

const LIMITED = AccountFlags.credit_balance_limited | AccountFlags.debit_balance_limited;

/** The bound on an account's balance: 27 bits of mantissa, above them 5 bits of exponent to the base ten. */
export function balanceLimitOf(account: Account): bigint {
  return BigInt(account.balanceLimit & 0x7ff_ffff) * 10n ** BigInt(account.balanceLimit >>> 27);
}

function hasAll(flags: number, wanted: number): boolean {
  return (flags & wanted) === wanted;
}

/** Before the id is looked up. */
export const accountFormRules = inPrecedence<CreateAccountStatusName, Account>(CreateAccountStatus, [
  ['reserved_field', (a) => a.balanceLimit !== 0 && (a.flags & LIMITED) === 0],
  ['reserved_field', (a) => a.balanceLimit >>> 27 > LIMIT_EXPONENT_MAX],
  ['reserved_flag', (a) => (a.flags & ACCOUNT_FLAGS_RESERVED) !== 0],
  ['id_must_not_be_zero', (a) => a.id === 0n],
  ['id_must_not_be_int_max', (a) => a.id === U128_MAX],
]);

/** When the id is taken: `existing` has it. The last rule always applies. */
export const accountExistsRules = inPrecedence<
  CreateAccountStatusName,
  { event: Account; existing: Account }
>(CreateAccountStatus, [
  ['exists_with_different_flags', ({ event, existing }) => event.flags !== existing.flags],
  ['exists_with_different_flags', ({ event, existing }) => event.balanceLimit !== existing.balanceLimit],
  [
    'exists_with_different_user_data_128',
    ({ event, existing }) => event.userData128 !== existing.userData128,
  ],
  ['exists_with_different_user_data_64', ({ event, existing }) => event.userData64 !== existing.userData64],
  ['exists_with_different_user_data_32', ({ event, existing }) => event.userData32 !== existing.userData32],
  ['exists_with_different_ledger', ({ event, existing }) => event.ledger !== existing.ledger],
  ['exists_with_different_code', ({ event, existing }) => event.code !== existing.code],
  ['exists', () => true],
]);

/** When the id is free. */
export const newAccountRules = inPrecedence<CreateAccountStatusName, { event: Account; books: Books }>(
  CreateAccountStatus,
  [
    [
      'flags_are_mutually_exclusive',
      ({ event }) =>
        hasAll(
          event.flags,
          AccountFlags.debits_must_not_exceed_credits | AccountFlags.credits_must_not_exceed_debits,
        ),
    ],
    ['flags_are_mutually_exclusive', ({ event }) => hasAll(event.flags, LIMITED)],
    ['debits_pending_must_be_zero', ({ event }) => event.debitsPending !== 0n],
    ['debits_posted_must_be_zero', ({ event }) => event.debitsPosted !== 0n],
    ['credits_pending_must_be_zero', ({ event }) => event.creditsPending !== 0n],
    ['credits_posted_must_be_zero', ({ event }) => event.creditsPosted !== 0n],
    ['ledger_must_not_be_zero', ({ event }) => event.ledger === 0],
    ['code_must_not_be_zero', ({ event }) => event.code === 0],
    [
      'imported_event_timestamp_must_not_regress',
      ({ event, books }) =>
        (event.flags & AccountFlags.imported) !== 0 &&
        (event.timestamp <= books.accountTimestamp || books.hasTransferAt(event.timestamp)),
    ],
  ] satisfies readonly Rule<CreateAccountStatusName, { event: Account; books: Books }>[],
);
