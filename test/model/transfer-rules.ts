// The specification of create_transfers: every reason to refuse a transfer, in order of precedence. What concerns the
// whole batch (chains, imported events, timestamps) comes before and stands in ledger-model.ts.
//
//     form ──▶ the id exists ─────────────▶ exists…            (existing…Rules; a failed id: id_already_failed)
//       └────▶ it posts or voids another ─▶ resolutionRules
//       └────▶ else ──────────────────────▶ movementRules      (single-phase or pending)
import {
  type Account,
  AccountFlags,
  CreateTransferStatus,
  type CreateTransferStatusName,
  TIMESTAMP_MAX,
  TRANSFER_FLAGS_RESERVED,
  type Transfer,
  TransferFlags,
  type TransferFlagsName,
} from '../../src/layout/generated.ts';
import { U128_MAX } from '../../src/shared/bytes.ts';
import { balanceLimitOf } from './account-rules.ts';
import { type Books, expiryOf, type PendingState } from './books.ts';
import { inPrecedence, type Rule } from './rules.ts';

/** Reasons that may pass: a transfer that failed with one of them failed for good, so its id is never accepted again. */
export const TRANSIENT_STATUSES: ReadonlySet<CreateTransferStatusName> = new Set<CreateTransferStatusName>([
  'debit_account_not_found',
  'credit_account_not_found',
  'pending_transfer_not_found',
  'debit_account_already_closed',
  'credit_account_already_closed',
  'orders_closed',
  'exceeds_payment_limit',
  'exceeds_day_limit',
  'exceeds_credits',
  'exceeds_debits',
  'exceeds_credit_limit',
  'exceeds_debit_limit',
]);

export function isSet(transfer: Transfer, ...names: TransferFlagsName[]): boolean {
  return names.some((name) => (transfer.flags & TransferFlags[name]) !== 0);
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

/** How much a balancing transfer may still move: what is left of `available`, nothing when it is overdrawn. */
function room(available: bigint, used: bigint): bigint {
  return available > used ? available - used : 0n;
}

function found<Value>(value: Value | undefined, what: string): Value {
  if (value === undefined)
    throw new Error(`expected ${what}: an earlier rule must have refused the transfer`);
  return value;
}

/** A transfer on trial, and what the books say about it. */
export class TransferCase {
  readonly event: Transfer;
  readonly books: Books;

  constructor(event: Transfer, books: Books) {
    this.event = event;
    this.books = books;
  }

  /** Whose flags and balances decide: those named, or those of the pending transfer that is posted or voided. */
  get debitAccount(): Account {
    const id = this.resolves ? this.pendingTransfer.debitAccountId : this.event.debitAccountId;
    return found(this.books.accounts.get(id), 'a debit account');
  }

  get creditAccount(): Account {
    const id = this.resolves ? this.pendingTransfer.creditAccountId : this.event.creditAccountId;
    return found(this.books.accounts.get(id), 'a credit account');
  }

  get resolves(): boolean {
    return isSet(this.event, 'post_pending_transfer', 'void_pending_transfer');
  }

  get pendingTransfer(): Transfer {
    return found(this.books.transfers.get(this.event.pendingId), 'a pending transfer');
  }

  get pendingState(): PendingState {
    return found(this.books.pending.get(this.event.pendingId), 'the state of a pending transfer');
  }

  /** What is moved in the end, which can be less than what was asked for (balancing) or be implied (post, void). */
  get amount(): bigint {
    const { event } = this;
    if (isSet(event, 'void_pending_transfer'))
      return event.amount === 0n ? this.pendingTransfer.amount : event.amount;
    if (isSet(event, 'post_pending_transfer')) {
      return event.amount === U128_MAX ? this.pendingTransfer.amount : event.amount;
    }
    let amount = event.amount;
    if (isSet(event, 'balancing_debit')) {
      const { debitsPending, debitsPosted, creditsPosted } = this.debitAccount;
      amount = min(amount, room(creditsPosted, debitsPending + debitsPosted));
    }
    if (isSet(event, 'balancing_credit')) {
      const { creditsPending, creditsPosted, debitsPosted } = this.creditAccount;
      amount = min(amount, room(debitsPosted, creditsPending + creditsPosted));
    }
    return amount;
  }

  /** What the transfer will be stored as. */
  get stored(): Transfer {
    const { event, amount } = this;
    if (!this.resolves) return { ...event, amount };
    const { debitAccountId, creditAccountId, ledger, code, ...pending } = this.pendingTransfer;
    return {
      ...event,
      amount,
      debitAccountId,
      creditAccountId,
      ledger,
      code,
      userData128: event.userData128 || pending.userData128,
      userData64: event.userData64 || pending.userData64,
      userData32: event.userData32 || pending.userData32,
    };
  }
}

type TransferRule = Rule<CreateTransferStatusName, TransferCase>;

/** Before the id is looked up. */
export const transferFormRules = inPrecedence<CreateTransferStatusName, Transfer>(CreateTransferStatus, [
  ['reserved_flag', (t) => (t.flags & TRANSFER_FLAGS_RESERVED) !== 0],
  ['id_must_not_be_zero', (t) => t.id === 0n],
  ['id_must_not_be_int_max', (t) => t.id === U128_MAX],
]);

/** An id that exists, or that failed before. `pending` is the transfer that `existing` posted or voided, if it did. */
interface Repetition {
  readonly event: Transfer;
  readonly existing: Transfer;
  readonly pending: Transfer | undefined;
}

/** A repeated balancing transfer may ask for more than was moved: the balance decided what could be. */
function hasDifferentAmount({ event, existing, pending }: Repetition): boolean {
  if (isSet(event, 'balancing_debit', 'balancing_credit')) return event.amount < existing.amount;
  if (pending !== undefined) {
    const all = isSet(event, 'void_pending_transfer') ? 0n : U128_MAX;
    return existing.amount !== (event.amount === all ? pending.amount : event.amount);
  }
  return event.amount !== existing.amount;
}

/** In a post or void, zero stands for the value of the pending transfer. */
function differs(field: 'userData128' | 'userData64' | 'userData32') {
  return ({ event, existing, pending }: Repetition): boolean =>
    existing[field] !== (pending !== undefined && !event[field] ? pending[field] : event[field]);
}

/** In a post or void, zero says nothing. */
function contradicts(field: 'debitAccountId' | 'creditAccountId' | 'ledger' | 'code') {
  return ({ event, existing, pending }: Repetition): boolean =>
    event[field] !== existing[field] && (pending === undefined || Boolean(event[field]));
}

/** When the id is taken. The last rule always applies. */
export const transferExistsRules = inPrecedence<CreateTransferStatusName, Repetition>(CreateTransferStatus, [
  ['exists_with_different_flags', ({ event, existing }) => event.flags !== existing.flags],
  ['exists_with_different_pending_id', ({ event, existing }) => event.pendingId !== existing.pendingId],
  ['exists_with_different_timeout', ({ event, existing }) => event.timeout !== existing.timeout],
  ['exists_with_different_debit_account_id', contradicts('debitAccountId')],
  ['exists_with_different_credit_account_id', contradicts('creditAccountId')],
  ['exists_with_different_amount', hasDifferentAmount],
  ['exists_with_different_user_data_128', differs('userData128')],
  ['exists_with_different_user_data_64', differs('userData64')],
  ['exists_with_different_user_data_32', differs('userData32')],
  ['exists_with_different_ledger', contradicts('ledger')],
  ['exists_with_different_code', contradicts('code')],
  ['exists', () => true],
]);

/** A moment that is not later than the last transfer, or that belongs to an account. */
const importedTimestampMustNotRegress: TransferRule = [
  'imported_event_timestamp_must_not_regress',
  ({ event, books }) =>
    isSet(event, 'imported') &&
    (event.timestamp <= books.transferTimestamp || books.hasAccountAt(event.timestamp)),
];

function isClosed(account: Account): boolean {
  return (account.flags & AccountFlags.closed) !== 0;
}

function hasFlag(account: Account, flag: number): boolean {
  return (account.flags & flag) !== 0;
}

/** A single-phase or pending transfer with a free id. */
export const movementRules = inPrecedence<CreateTransferStatusName, TransferCase>(CreateTransferStatus, [
  ['debit_account_id_must_not_be_zero', ({ event }) => event.debitAccountId === 0n],
  ['debit_account_id_must_not_be_int_max', ({ event }) => event.debitAccountId === U128_MAX],
  ['credit_account_id_must_not_be_zero', ({ event }) => event.creditAccountId === 0n],
  ['credit_account_id_must_not_be_int_max', ({ event }) => event.creditAccountId === U128_MAX],
  ['accounts_must_be_different', ({ event }) => event.debitAccountId === event.creditAccountId],
  ['pending_id_must_be_zero', ({ event }) => event.pendingId !== 0n],
  ['timeout_reserved_for_pending_transfer', ({ event }) => event.timeout !== 0 && !isSet(event, 'pending')],
  [
    'closing_transfer_must_be_pending',
    ({ event }) => isSet(event, 'closing_debit', 'closing_credit') && !isSet(event, 'pending'),
  ],
  ['ledger_must_not_be_zero', ({ event }) => event.ledger === 0],
  ['code_must_not_be_zero', ({ event }) => event.code === 0],
  ['debit_account_not_found', ({ event, books }) => !books.accounts.has(event.debitAccountId)],
  ['credit_account_not_found', ({ event, books }) => !books.accounts.has(event.creditAccountId)],
  ['accounts_must_have_the_same_ledger', (c) => c.debitAccount.ledger !== c.creditAccount.ledger],
  ['transfer_must_have_the_same_ledger_as_accounts', (c) => c.event.ledger !== c.debitAccount.ledger],
  importedTimestampMustNotRegress,
  [
    'imported_event_timestamp_must_postdate_debit_account',
    (c) => isSet(c.event, 'imported') && c.event.timestamp <= c.debitAccount.timestamp,
  ],
  [
    'imported_event_timestamp_must_postdate_credit_account',
    (c) => isSet(c.event, 'imported') && c.event.timestamp <= c.creditAccount.timestamp,
  ],
  ['imported_event_timeout_must_be_zero', ({ event }) => isSet(event, 'imported') && event.timeout !== 0],
  ['debit_account_already_closed', (c) => isClosed(c.debitAccount)],
  ['credit_account_already_closed', (c) => isClosed(c.creditAccount)],
  [
    'overflows_debits_pending',
    (c) => isSet(c.event, 'pending') && c.debitAccount.debitsPending + c.amount > U128_MAX,
  ],
  [
    'overflows_credits_pending',
    (c) => isSet(c.event, 'pending') && c.creditAccount.creditsPending + c.amount > U128_MAX,
  ],
  ['overflows_debits_posted', (c) => c.debitAccount.debitsPosted + c.amount > U128_MAX],
  ['overflows_credits_posted', (c) => c.creditAccount.creditsPosted + c.amount > U128_MAX],
  [
    'overflows_debits',
    (c) => c.debitAccount.debitsPending + c.debitAccount.debitsPosted + c.amount > U128_MAX,
  ],
  [
    'overflows_credits',
    (c) => c.creditAccount.creditsPending + c.creditAccount.creditsPosted + c.amount > U128_MAX,
  ],
  ['overflows_timeout', ({ event }) => (expiryOf(event) ?? 0n) > TIMESTAMP_MAX],
  [
    'exceeds_credits',
    ({ debitAccount: a, amount }) =>
      hasFlag(a, AccountFlags.debits_must_not_exceed_credits) &&
      a.debitsPending + a.debitsPosted + amount > a.creditsPosted,
  ],
  [
    'exceeds_debits',
    ({ creditAccount: a, amount }) =>
      hasFlag(a, AccountFlags.credits_must_not_exceed_debits) &&
      a.creditsPending + a.creditsPosted + amount > a.debitsPosted,
  ],
  [
    'exceeds_credit_limit',
    ({ creditAccount: a, amount }) =>
      hasFlag(a, AccountFlags.credit_balance_limited) &&
      a.creditsPending + a.creditsPosted + amount - a.debitsPosted > balanceLimitOf(a),
  ],
  [
    'exceeds_debit_limit',
    ({ debitAccount: a, amount }) =>
      hasFlag(a, AccountFlags.debit_balance_limited) &&
      a.debitsPending + a.debitsPosted + amount - a.creditsPosted > balanceLimitOf(a),
  ],
]);

/** A post or a void, with a free id. */
export const resolutionRules = inPrecedence<CreateTransferStatusName, TransferCase>(CreateTransferStatus, [
  [
    'flags_are_mutually_exclusive',
    ({ event }) =>
      isSet(event, 'post_pending_transfer') === isSet(event, 'void_pending_transfer') ||
      isSet(event, 'pending', 'balancing_debit', 'balancing_credit', 'closing_debit', 'closing_credit'),
  ],
  ['pending_id_must_not_be_zero', ({ event }) => event.pendingId === 0n],
  ['pending_id_must_not_be_int_max', ({ event }) => event.pendingId === U128_MAX],
  ['pending_id_must_be_different', ({ event }) => event.pendingId === event.id],
  ['timeout_reserved_for_pending_transfer', ({ event }) => event.timeout !== 0],
  ['pending_transfer_not_found', ({ event, books }) => !books.transfers.has(event.pendingId)],
  ['pending_transfer_not_pending', (c) => !isSet(c.pendingTransfer, 'pending')],
  ['pending_transfer_has_different_debit_account_id', isOtherThanPending('debitAccountId')],
  ['pending_transfer_has_different_credit_account_id', isOtherThanPending('creditAccountId')],
  ['pending_transfer_has_different_ledger', isOtherThanPending('ledger')],
  ['pending_transfer_has_different_code', isOtherThanPending('code')],
  ['exceeds_pending_transfer_amount', (c) => c.amount > c.pendingTransfer.amount],
  [
    'pending_transfer_has_different_amount',
    (c) => isSet(c.event, 'void_pending_transfer') && c.amount !== c.pendingTransfer.amount,
  ],
  ['pending_transfer_already_posted', (c) => c.pendingState === 'posted'],
  ['pending_transfer_already_voided', (c) => c.pendingState === 'voided'],
  ['pending_transfer_expired', (c) => c.pendingState === 'expired'],
  // Its time is over, although the expiry that releases the money has not run yet.
  [
    'pending_transfer_expired',
    (c) => (expiryOf(c.pendingTransfer) ?? TIMESTAMP_MAX + 1n) <= c.event.timestamp,
  ],
  importedTimestampMustNotRegress,
  // A void gives back what was held, and may reopen the account: that much is allowed in a closed one.
  [
    'debit_account_already_closed',
    (c) => isSet(c.event, 'post_pending_transfer') && isClosed(c.debitAccount),
  ],
  [
    'credit_account_already_closed',
    (c) => isSet(c.event, 'post_pending_transfer') && isClosed(c.creditAccount),
  ],
]);

/** Zero takes over the pending transfer's value; anything else must be that value. */
function isOtherThanPending(field: 'debitAccountId' | 'creditAccountId' | 'ledger' | 'code') {
  return (c: TransferCase): boolean => Boolean(c.event[field]) && c.event[field] !== c.pendingTransfer[field];
}
