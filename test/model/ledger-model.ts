// The ledger in plain TypeScript: what the kernel must do, written to be read. It shares nothing with the kernel but
// the record layouts, keeps everything in Maps and is slow on purpose.
//
//     batch ─▶ chains and timestamps (here) ─▶ account-rules.ts, transfer-rules.ts, order-rules.ts ─▶ books.ts
import {
  ACCOUNT_FILTER_FLAGS_RESERVED,
  type Account,
  type AccountBalance,
  type AccountFilter,
  AccountFilterFlags,
  AccountFlags,
  BATCH_RECORDS_MAX,
  type ChangeEvent,
  type ChangeEventsFilter,
  ChangeEventType,
  CreateAccountStatus,
  type CreateAccountStatusName,
  CreateTransferStatus,
  type CreateTransferStatusName,
  type OrderTerms,
  type PaymentOrder,
  SEQUENCE_WINDOW,
  SetOrderTermsStatus,
  TIMESTAMP_MAX,
  type Transfer,
  TransferFlags,
} from '../../src/layout/generated.ts';
import type { OrderState } from '../../src/ledger/order-state.ts';
import { U64_MAX, U128_MAX } from '../../src/shared/bytes.ts';
import { accountExistsRules, accountFormRules, newAccountRules } from './account-rules.ts';
import { Books, type Change, expiryOf } from './books.ts';
import {
  dayOf,
  isOtherOrder,
  NEW_DEVICE,
  newestSequence,
  newOrderRules,
  OrderCase,
  orderFormRules,
  termsRules,
} from './order-rules.ts';
import { firstThatApplies } from './rules.ts';
import {
  isSet,
  movementRules,
  resolutionRules,
  TRANSIENT_STATUSES,
  TransferCase,
  transferExistsRules,
  transferFormRules,
} from './transfer-rules.ts';

/** What became of one record of a batch. */
export interface CreateResult {
  timestamp: bigint;
  status: number;
}

/** An account's four balances. */
export type Balances = Pick<Account, 'debitsPending' | 'debitsPosted' | 'creditsPending' | 'creditsPosted'>;

/** Statuses that a record gets because of the batch around it. */
type BatchStatus =
  | 'linked_event_failed'
  | 'linked_event_chain_open'
  | 'imported_event_expected'
  | 'imported_event_not_expected'
  | 'timestamp_must_be_zero'
  | 'imported_event_timestamp_out_of_range'
  | 'imported_event_timestamp_must_not_advance';

interface Outcome<Status extends string> {
  status: Status;
  timestamp: bigint;
}

/** The two kinds of records differ in where their flags stand and in how one of them is created. */
interface Kind<Event, Status extends string> {
  readonly linked: number;
  readonly imported: number;
  readonly create: (event: Event, now: bigint) => Outcome<Status>;
  readonly failed: (event: Event, status: Status) => void;
}

export class LedgerModel {
  readonly #books = new Books();

  /** Runs a batch at `timestamp`: record i of n happens at timestamp - n + i + 1. One result a record, in order. */
  createAccounts(timestamp: bigint, events: readonly Account[]): CreateResult[] {
    return this.#createBatch<Account, CreateAccountStatusName>(timestamp, events, CreateAccountStatus, {
      linked: AccountFlags.linked,
      imported: AccountFlags.imported,
      create: (event, now) => this.#createAccount(event, now),
      failed: () => {},
    });
  }

  createTransfers(timestamp: bigint, events: readonly Transfer[]): CreateResult[] {
    return this.#createBatch<Transfer, CreateTransferStatusName>(timestamp, events, CreateTransferStatus, {
      linked: TransferFlags.linked,
      imported: TransferFlags.imported,
      create: (event, now) => this.#createTransfer(event, now),
      failed: (event, status) => {
        if (TRANSIENT_STATUSES.has(status)) this.#books.putFailedTransferId(event.id);
      },
    });
  }

  /** Orders stand each by itself: no chains, no imports. */
  createPaymentOrders(timestamp: bigint, orders: readonly PaymentOrder[]): CreateResult[] {
    return orders.map((order, i) => {
      const now = timestamp - BigInt(orders.length - i - 1);
      const { status, timestamp: at } = this.#createOrder(order, now, timestamp);
      if (TRANSIENT_STATUSES.has(status as CreateTransferStatusName))
        this.#books.putFailedTransferId(order.id);
      return { timestamp: at, status: CreateTransferStatus[status] };
    });
  }

  setOrderTerms(timestamp: bigint, events: readonly OrderTerms[]): CreateResult[] {
    const books = this.#books;
    return events.map((terms, i) => {
      const now = timestamp - BigInt(events.length - i - 1);
      const refused = firstThatApplies(termsRules, { terms, books });
      if (refused === undefined) {
        const { accountId, paymentMax, dayMax, flags } = terms;
        const device = books.devices.get(accountId) ?? NEW_DEVICE;
        books.putDevice(accountId, { ...device, paymentMax, dayMax, flags, termsTimestamp: now });
      }
      return { timestamp: now, status: SetOrderTermsStatus[refused ?? 'set'] };
    });
  }

  orderState(accountId: bigint): OrderState | undefined {
    const device = this.#books.devices.get(accountId);
    if (device === undefined) return undefined;
    const { used, ...rest } = device;
    const newest = newestSequence(device);
    let window = 0n;
    for (let i = 0n; i < BigInt(SEQUENCE_WINDOW); i++) if (used.has(newest - i)) window |= 1n << i;
    return { ...rest, newestSequence: newest, window, orders: BigInt(used.size) };
  }

  /**
   * Releases the pending transfers whose time is over at `timestamp`, at most `max`, by expiry and then by creation.
   * The i-th of n expires at timestamp - n + i + 1. Answers their number.
   */
  expirePendingTransfers(timestamp: bigint, max = BATCH_RECORDS_MAX): number {
    const due = this.#expiries()
      .filter(({ expiresAt }) => expiresAt <= timestamp)
      .slice(0, max);
    due.forEach(({ transfer }, i) => {
      this.#release(transfer, 'two_phase_expired', timestamp - BigInt(due.length - i - 1));
    });
    return due.length;
  }

  /** Pending transfers whose time is over at `timestamp`. */
  expiriesDue(timestamp: bigint): number {
    return this.#expiries().filter(({ expiresAt }) => expiresAt <= timestamp).length;
  }

  /** When the next pending transfer expires; undefined when none ever does. */
  nextExpiry(): bigint | undefined {
    return this.#expiries()[0]?.expiresAt;
  }

  lookupAccounts(ids: readonly bigint[]): Account[] {
    return ids.flatMap((id) => this.#books.accounts.get(id) ?? []);
  }

  lookupTransfers(ids: readonly bigint[]): Transfer[] {
    return ids.flatMap((id) => this.#books.transfers.get(id) ?? []);
  }

  /** The transfers of one account, those that it sends and receives as the filter's flags say. */
  getAccountTransfers(filter: AccountFilter): Transfer[] {
    return this.#history(filter).map((change) => change.transfer);
  }

  /** The balances of one account after each such transfer; nothing for an account without the history flag. */
  getAccountBalances(filter: AccountFilter): AccountBalance[] {
    const account = this.#books.accounts.get(filter.accountId);
    if (account === undefined || (account.flags & AccountFlags.history) === 0) return [];
    return this.#history(filter).map(({ timestamp, debitAccount, creditAccount }) => {
      const { debitsPending, debitsPosted, creditsPending, creditsPosted } =
        debitAccount.id === filter.accountId ? debitAccount : creditAccount;
      return { debitsPending, debitsPosted, creditsPending, creditsPosted, timestamp };
    });
  }

  /** Every change of balances in the time asked for, expiries included. */
  getChangeEvents(filter: ChangeEventsFilter): ChangeEvent[] {
    const { timestampMin, timestampMax, limit } = filter;
    if (!isRange(timestampMin, timestampMax) || limit === 0) return [];
    return this.#books.changes
      .filter((change) => isWithin(change.timestamp, timestampMin, timestampMax))
      .slice(0, limit)
      .map(asChangeEvent);
  }

  /** Every account, in order of creation. */
  accounts(): Account[] {
    return [...this.#books.accounts.values()];
  }

  /** Transfers that are still pending. */
  pendingTransfers(): Transfer[] {
    return [...this.#books.pending]
      .filter(([, state]) => state === 'pending')
      .map(([id]) => this.#books.transfers.get(id)!);
  }

  /** Largest timestamp of any account; of any transfer or expiry. */
  latest(): { account: bigint; transfer: bigint } {
    return { account: this.#books.accountTimestamp, transfer: this.#books.transferTimestamp };
  }

  /** Gives an account other balances, for tables that start from some; no transfer explains them. */
  setBalances(id: bigint, balances: Balances): void {
    const account = this.#books.accounts.get(id);
    if (account === undefined) throw new Error(`expected the account ${id} to exist`);
    this.#books.putAccount({ ...account, ...balances });
  }

  #createBatch<Event extends { flags: number; timestamp: bigint }, Status extends string>(
    timestamp: bigint,
    events: readonly Event[],
    codes: Readonly<Record<Status | BatchStatus | 'created', number>>,
    kind: Kind<Event, Status>,
  ): CreateResult[] {
    const outcomes: Outcome<Status | BatchStatus | 'created'>[] = [];
    // Where the chain that is open now began, and whether one of its events has failed.
    let chain: number | undefined;
    let broken = false;
    events.forEach((submitted, i) => {
      const now = timestamp - BigInt(events.length - i - 1);
      const linked = (submitted.flags & kind.linked) !== 0;
      const imported = (submitted.flags & kind.imported) !== 0;
      const isLast = i === events.length - 1;
      if (linked && chain === undefined) {
        chain = i;
        this.#books.begin();
      }
      const refused = this.#refusedByBatch(submitted, {
        isOpenEnd: linked && isLast,
        broken,
        imported,
        importedBatch: (events[0]!.flags & kind.imported) !== 0,
        batchTimestamp: timestamp,
      });
      const outcome =
        refused !== undefined
          ? { status: refused, timestamp: now }
          : kind.create({ ...submitted, timestamp: imported ? submitted.timestamp : now }, now);
      outcomes.push(outcome);
      if (outcome.status !== 'created') {
        if (chain !== undefined && !broken) {
          broken = true;
          this.#books.rollback();
          // They keep the timestamps that they had got.
          for (const earlier of outcomes.slice(chain, i)) earlier.status = 'linked_event_failed';
        }
        kind.failed(submitted, outcome.status as Status);
      }
      if (chain !== undefined && (!linked || isLast)) {
        if (!broken) this.#books.commit();
        chain = undefined;
        broken = false;
      }
    });
    return outcomes.map(({ status, timestamp: at }) => ({ timestamp: at, status: codes[status] }));
  }

  #refusedByBatch(
    event: { timestamp: bigint },
    batch: {
      isOpenEnd: boolean;
      broken: boolean;
      imported: boolean;
      importedBatch: boolean;
      batchTimestamp: bigint;
    },
  ): BatchStatus | undefined {
    // An open end is named even when its chain has failed already.
    if (batch.isOpenEnd) return 'linked_event_chain_open';
    if (batch.broken) return 'linked_event_failed';
    // The first event says what the whole batch is.
    if (batch.importedBatch && !batch.imported) return 'imported_event_expected';
    if (!batch.importedBatch && batch.imported) return 'imported_event_not_expected';
    if (!batch.imported) return event.timestamp !== 0n ? 'timestamp_must_be_zero' : undefined;
    if (event.timestamp < 1n || event.timestamp > TIMESTAMP_MAX)
      return 'imported_event_timestamp_out_of_range';
    if (event.timestamp >= batch.batchTimestamp) return 'imported_event_timestamp_must_not_advance';
    return undefined;
  }

  #createAccount(event: Account, now: bigint): Outcome<CreateAccountStatusName> {
    const books = this.#books;
    const malformed = firstThatApplies(accountFormRules, event);
    if (malformed !== undefined) return { status: malformed, timestamp: now };

    const existing = books.accounts.get(event.id);
    if (existing !== undefined) {
      const status = firstThatApplies(accountExistsRules, { event, existing })!;
      return { status, timestamp: status === 'exists' ? existing.timestamp : now };
    }

    const refused = firstThatApplies(newAccountRules, { event, books });
    if (refused !== undefined) return { status: refused, timestamp: now };

    books.putAccount(event);
    books.advanceAccountTimestamp(event.timestamp);
    return { status: 'created', timestamp: event.timestamp };
  }

  #createTransfer(event: Transfer, now: bigint): Outcome<CreateTransferStatusName> {
    const books = this.#books;
    const malformed = firstThatApplies(transferFormRules, event);
    if (malformed !== undefined) return { status: malformed, timestamp: now };

    const existing = books.transfers.get(event.id);
    if (existing !== undefined) {
      const posted = isSet(existing, 'post_pending_transfer', 'void_pending_transfer');
      const pending = posted ? books.transfers.get(existing.pendingId) : undefined;
      const status = firstThatApplies(transferExistsRules, { event, existing, pending })!;
      return { status, timestamp: status === 'exists' ? existing.timestamp : now };
    }
    if (books.failedTransferIds.has(event.id)) return { status: 'id_already_failed', timestamp: now };

    const trial = new TransferCase(event, books);
    const refused = firstThatApplies(trial.resolves ? resolutionRules : movementRules, trial);
    if (refused !== undefined) return { status: refused, timestamp: now };

    const transfer = trial.stored;
    books.putTransfer(transfer);
    books.advanceTransferTimestamp(transfer.timestamp);
    if (trial.resolves) this.#resolve(transfer, trial.pendingTransfer);
    else this.#move(transfer);
    return { status: 'created', timestamp: transfer.timestamp };
  }

  #createOrder(order: PaymentOrder, now: bigint, batchTimestamp: bigint): Outcome<CreateTransferStatusName> {
    const books = this.#books;
    const malformed = firstThatApplies(orderFormRules, order);
    if (malformed !== undefined) return { status: malformed, timestamp: now };

    const existing = books.transfers.get(order.id);
    if (existing !== undefined) {
      const status = firstThatApplies(transferExistsRules, { event: order, existing, pending: undefined })!;
      if (status !== 'exists') return { status, timestamp: now };
      if (isOtherOrder(order, books.orders.get(order.id))) {
        return { status: 'exists_with_different_order', timestamp: now };
      }
      return { status, timestamp: existing.timestamp };
    }
    if (books.failedTransferIds.has(order.id)) return { status: 'id_already_failed', timestamp: now };

    const trial = new OrderCase(order, now, books, batchTimestamp);
    const refused = firstThatApplies(newOrderRules, trial);
    if (refused !== undefined) return { status: refused, timestamp: now };

    const transfer = trial.movement.stored;
    const { device, spentToday } = trial;
    books.putDevice(order.debitAccountId, {
      ...device,
      used: new Set([...device.used, order.sequence]),
      day: dayOf(batchTimestamp),
      spent: spentToday > U128_MAX ? U128_MAX : spentToday,
    });
    books.putOrder(order);
    books.putTransfer(transfer);
    books.advanceTransferTimestamp(transfer.timestamp);
    this.#move(transfer);
    return { status: 'created', timestamp: transfer.timestamp };
  }

  /** A single-phase transfer posts at once; a pending one holds the amount, and may close its accounts. */
  #move(transfer: Transfer): void {
    const pending = isSet(transfer, 'pending');
    const posted = pending ? 0n : transfer.amount;
    const held = pending ? transfer.amount : 0n;
    this.#change(pending ? 'two_phase_pending' : 'single_phase', transfer.timestamp, transfer, posted, held, {
      debitClosed: isSet(transfer, 'closing_debit') ? true : undefined,
      creditClosed: isSet(transfer, 'closing_credit') ? true : undefined,
    });
    if (pending) this.#books.putPending(transfer.id, 'pending');
  }

  #resolve(transfer: Transfer, pending: Transfer): void {
    if (isSet(transfer, 'void_pending_transfer')) {
      this.#release(pending, 'two_phase_voided', transfer.timestamp, transfer);
      return;
    }
    this.#books.putPending(pending.id, 'posted');
    this.#change('two_phase_posted', transfer.timestamp, transfer, transfer.amount, -pending.amount);
  }

  /** Gives back what `pending` held, and opens what it closed: by a void (`transfer`), or because its time is over. */
  #release(
    pending: Transfer,
    type: 'two_phase_voided' | 'two_phase_expired',
    timestamp: bigint,
    transfer = pending,
  ): void {
    this.#books.putPending(pending.id, type === 'two_phase_voided' ? 'voided' : 'expired');
    this.#books.advanceTransferTimestamp(timestamp);
    this.#change(type, timestamp, transfer, 0n, -pending.amount, {
      debitClosed: isSet(pending, 'closing_debit') ? false : undefined,
      creditClosed: isSet(pending, 'closing_credit') ? false : undefined,
    });
  }

  /** Adds to the debits of one account and to the credits of the other, by the same amounts. */
  #change(
    type: Change['type'],
    timestamp: bigint,
    transfer: Transfer,
    posted: bigint,
    held: bigint,
    closing: { debitClosed?: boolean | undefined; creditClosed?: boolean | undefined } = {},
  ): void {
    const debit = this.#books.accounts.get(transfer.debitAccountId)!;
    const credit = this.#books.accounts.get(transfer.creditAccountId)!;
    const debitAccount: Account = {
      ...debit,
      debitsPosted: debit.debitsPosted + posted,
      debitsPending: debit.debitsPending + held,
      flags: withClosed(debit.flags, closing.debitClosed),
    };
    const creditAccount: Account = {
      ...credit,
      creditsPosted: credit.creditsPosted + posted,
      creditsPending: credit.creditsPending + held,
      flags: withClosed(credit.flags, closing.creditClosed),
    };
    assertBalances(debitAccount);
    assertBalances(creditAccount);
    this.#books.putAccount(debitAccount);
    this.#books.putAccount(creditAccount);
    this.#books.putChange({ type, timestamp, transfer, debitAccount, creditAccount });
  }

  #expiries(): { transfer: Transfer; expiresAt: bigint }[] {
    return this.pendingTransfers()
      .flatMap((transfer) => {
        const expiresAt = expiryOf(transfer);
        return expiresAt === undefined ? [] : { transfer, expiresAt };
      })
      .sort(
        (a, b) => compare(a.expiresAt, b.expiresAt) || compare(a.transfer.timestamp, b.transfer.timestamp),
      );
  }

  #history(filter: AccountFilter): Change[] {
    const { accountId, timestampMin, timestampMax, limit, flags } = filter;
    const sides = flags & (AccountFilterFlags.debits | AccountFilterFlags.credits);
    const valid =
      accountId !== 0n &&
      accountId !== U128_MAX &&
      isRange(timestampMin, timestampMax) &&
      limit !== 0 &&
      sides !== 0 &&
      (flags & ACCOUNT_FILTER_FLAGS_RESERVED) === 0;
    if (!valid) return [];
    const matches = this.#books.changes.filter(
      ({ type, transfer }) =>
        // An expiry is not a transfer.
        type !== 'two_phase_expired' &&
        (((sides & AccountFilterFlags.debits) !== 0 && transfer.debitAccountId === accountId) ||
          ((sides & AccountFilterFlags.credits) !== 0 && transfer.creditAccountId === accountId)) &&
        isWithin(transfer.timestamp, timestampMin, timestampMax) &&
        (filter.userData128 === 0n || filter.userData128 === transfer.userData128) &&
        (filter.userData64 === 0n || filter.userData64 === transfer.userData64) &&
        (filter.userData32 === 0 || filter.userData32 === transfer.userData32) &&
        (filter.code === 0 || filter.code === transfer.code),
    );
    if ((flags & AccountFilterFlags.reversed) !== 0) matches.reverse();
    return matches.slice(0, Math.min(limit, BATCH_RECORDS_MAX));
  }
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Zero is no bound; the largest number of 64 bits is no time. */
function isRange(timestampMin: bigint, timestampMax: bigint): boolean {
  if (timestampMin === U64_MAX || timestampMax === U64_MAX) return false;
  return timestampMax === 0n || timestampMin <= timestampMax;
}

function isWithin(timestamp: bigint, timestampMin: bigint, timestampMax: bigint): boolean {
  return timestamp >= timestampMin && (timestampMax === 0n || timestamp <= timestampMax);
}

function withClosed(flags: number, closed: boolean | undefined): number {
  if (closed === undefined) return flags;
  return closed ? flags | AccountFlags.closed : flags & ~AccountFlags.closed;
}

/** No balance is negative, and an account's debits and credits each fit 128 bits. */
function assertBalances(account: Account): void {
  const { debitsPending, debitsPosted, creditsPending, creditsPosted } = account;
  const inRange =
    debitsPending >= 0n &&
    debitsPosted >= 0n &&
    creditsPending >= 0n &&
    creditsPosted >= 0n &&
    debitsPending + debitsPosted <= U128_MAX &&
    creditsPending + creditsPosted <= U128_MAX;
  if (!inRange) throw new Error(`expected balances within 128 bits, got account ${account.id}`);
}

function asChangeEvent({ type, timestamp, transfer, debitAccount, creditAccount }: Change): ChangeEvent {
  return {
    transferId: transfer.id,
    transferAmount: transfer.amount,
    transferPendingId: transfer.pendingId,
    transferUserData128: transfer.userData128,
    transferUserData64: transfer.userData64,
    transferUserData32: transfer.userData32,
    transferTimeout: transfer.timeout,
    transferCode: transfer.code,
    transferFlags: transfer.flags,
    ledger: transfer.ledger,
    type: ChangeEventType[type],
    debitAccountId: debitAccount.id,
    debitAccountDebitsPending: debitAccount.debitsPending,
    debitAccountDebitsPosted: debitAccount.debitsPosted,
    debitAccountCreditsPending: debitAccount.creditsPending,
    debitAccountCreditsPosted: debitAccount.creditsPosted,
    creditAccountId: creditAccount.id,
    creditAccountDebitsPending: creditAccount.debitsPending,
    creditAccountDebitsPosted: creditAccount.debitsPosted,
    creditAccountCreditsPending: creditAccount.creditsPending,
    creditAccountCreditsPosted: creditAccount.creditsPosted,
    timestamp,
    transferTimestamp: transfer.timestamp,
    debitAccountTimestamp: debitAccount.timestamp,
    creditAccountTimestamp: creditAccount.timestamp,
    debitAccountFlags: debitAccount.flags,
    creditAccountFlags: creditAccount.flags,
  };
}
