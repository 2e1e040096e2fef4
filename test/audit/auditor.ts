// Keeps its own books from nothing but requests, replies and the feed of change events, and says where the ledger
// contradicts itself. It shares no code with the engine or the model, and decides nothing: it believes a `created`, and
// checks what must then be true.
//
//     requests + replies ──▶ what must be in the feed, in order ─┐
//     change events ─────────────────────────────────────────────┴▶ own balances ──▶ compared with every balance shown
//
// What it proves of a run, when it stays silent:
//     conservation    in each ledger debits equal credits, posted and pending
//     bounds          no account ever passed a bound that its flags set, and no refusal for a bound was unfounded
//     identity        an id is created once; it answers `exists` after that, and a failed id fails for ever
//     time            timestamps of what is created strictly increase
//     atomicity       of a linked chain all is created or nothing
//     expiry          nothing is released before its time, nor kept when a batch comes after it
//     the feed        each created transfer and each expiry once, in order, nothing else, with the right balances
//     history         an account's transfers, and its past balances, add up to its balances now
import {
  type Account,
  type AccountBalance,
  AccountFlags,
  type ChangeEvent,
  ChangeEventType,
  CreateAccountStatus,
  CreateTransferStatus,
  CreateTransferStatusNames,
  type Transfer,
  TransferFlags,
} from '../../src/layout/generated.ts';
import type { AuditedResult } from './client.ts';

const S = CreateTransferStatus;
const T = TransferFlags;
const RESOLVES = T.post_pending_transfer | T.void_pending_transfer;
const BALANCES = T.balancing_debit | T.balancing_credit;
const AMOUNT_MAX = (1n << 128n) - 1n;

/** Refusals that use up a transfer's id. */
const USES_UP: ReadonlySet<number> = new Set([
  S.debit_account_not_found,
  S.credit_account_not_found,
  S.pending_transfer_not_found,
  S.debit_account_already_closed,
  S.credit_account_already_closed,
  S.exceeds_credits,
  S.exceeds_debits,
  S.exceeds_credit_limit,
  S.exceeds_debit_limit,
]);

const EXISTS: ReadonlySet<number> = new Set(
  [...CreateTransferStatusNames].filter(([, name]) => name.startsWith('exists')).map(([code]) => code),
);

export class AuditError extends Error {
  override readonly name = 'AuditError';
}

function demand(condition: boolean, message: () => string): asserts condition {
  if (!condition) throw new AuditError(message());
}

/** One side of an account: what it owes or is owed, for sure and perhaps. */
interface Book {
  readonly id: bigint;
  readonly ledger: number;
  readonly flags: number;
  readonly limit: bigint;
  debitsPending: bigint;
  debitsPosted: bigint;
  creditsPending: bigint;
  creditsPosted: bigint;
  closed: boolean;
  /** Transfers of this account in order, without expiries. */
  transfers: number;
}

interface Held {
  readonly transfer: Transfer;
  state: 'pending' | 'posted' | 'voided' | 'expired';
}

export interface AuditSummary {
  accounts: number;
  transfers: number;
  expiries: number;
  refusals: number;
}

export class Auditor {
  readonly #books = new Map<bigint, Book>();
  readonly #created = new Map<bigint, { timestamp: bigint; flags: number }>();
  readonly #usedUp = new Set<bigint>();
  readonly #held = new Map<bigint, Held>();
  /** Of these, the ones that are pending and have a timeout. */
  readonly #expiring = new Set<bigint>();
  #lastAccountTimestamp = 0n;
  #lastChangeTimestamp = 0n;
  #expiries = 0;
  #refusals = 0;

  /** Everything up to here has been seen in the feed. */
  get lastChangeTimestamp(): bigint {
    return this.#lastChangeTimestamp;
  }

  summary(): AuditSummary {
    return {
      accounts: this.#books.size,
      transfers: this.#created.size,
      expiries: this.#expiries,
      refusals: this.#refusals,
    };
  }

  accountIds(): bigint[] {
    return [...this.#books.keys()];
  }

  /** Accounts were asked for, and this was the answer. */
  accountsAnswered(events: readonly Account[], results: readonly AuditedResult[]): void {
    demand(
      results.length === events.length,
      () => `expected ${events.length} results, got ${results.length}`,
    );
    this.#checkChains(events, results, AccountFlags.linked, CreateAccountStatus.created);
    events.forEach((event, i) => {
      const { status, timestamp } = results[i]!;
      if (status !== CreateAccountStatus.created) {
        this.#refusals++;
        return;
      }
      demand(!this.#books.has(event.id), () => `account ${event.id} was created twice`);
      demand(
        timestamp > this.#lastAccountTimestamp,
        () =>
          `account ${event.id}: expected a timestamp after ${this.#lastAccountTimestamp}, got ${timestamp}`,
      );
      this.#lastAccountTimestamp = timestamp;
      this.#books.set(event.id, {
        id: event.id,
        ledger: event.ledger,
        flags: event.flags,
        limit: BigInt(event.balanceLimit % 2 ** 27) * 10n ** BigInt(Math.floor(event.balanceLimit / 2 ** 27)),
        debitsPending: 0n,
        debitsPosted: 0n,
        creditsPending: 0n,
        creditsPosted: 0n,
        closed: (event.flags & AccountFlags.closed) !== 0,
        transfers: 0,
      });
    });
  }

  /**
   * Transfers were asked for, this was the answer, and `feed` is what the change events have said since the last call:
   * expiries that came first, then what was created, then expiries that came after.
   */
  transfersAnswered(
    events: readonly Transfer[],
    results: readonly AuditedResult[],
    feed: readonly ChangeEvent[],
  ): void {
    demand(
      results.length === events.length,
      () => `expected ${events.length} results, got ${results.length}`,
    );
    this.#checkChains(events, results, T.linked, S.created);
    let next = 0;
    const expiriesHere = () => {
      while (feed[next]?.type === ChangeEventType.two_phase_expired) this.#expired(feed[next++]!);
    };
    expiriesHere();
    const first = results[0];
    if (first !== undefined && first.status !== S.exists && (events[0]!.flags & T.imported) === 0) {
      this.#nothingOverdue(first.timestamp);
    }
    events.forEach((event, i) => {
      const result = results[i]!;
      if (result.status === S.created) {
        const change = feed[next++];
        demand(change !== undefined, () => `transfer ${event.id} was created but is not in the feed`);
        this.#transferCreated(event, result, change);
      } else {
        this.#refused(event, result);
      }
    });
    expiriesHere();
    const extra = feed[next];
    demand(
      extra === undefined,
      () => `the feed tells of transfer ${extra!.transferId}, which was not created`,
    );
  }

  /** Accounts as the ledger shows them, all of them. */
  accountsShown(accounts: readonly Account[]): void {
    demand(
      accounts.length === this.#books.size,
      () => `expected ${this.#books.size} accounts, got ${accounts.length}`,
    );
    const sums = new Map<number, { posted: bigint; pending: bigint }>();
    for (const account of accounts) {
      const book = this.#book(account.id);
      compare(`account ${account.id}`, balancesOf(account), balancesOf(book));
      demand(
        ((account.flags & AccountFlags.closed) !== 0) === book.closed,
        () => `account ${account.id}: expected closed to be ${book.closed}`,
      );
      const sum = sums.get(account.ledger) ?? { posted: 0n, pending: 0n };
      sum.posted += account.debitsPosted - account.creditsPosted;
      sum.pending += account.debitsPending - account.creditsPending;
      sums.set(account.ledger, sum);
    }
    for (const [ledger, { posted, pending }] of sums) {
      demand(posted === 0n, () => `ledger ${ledger}: posted debits exceed credits by ${posted}`);
      demand(pending === 0n, () => `ledger ${ledger}: pending debits exceed credits by ${pending}`);
    }
  }

  /** The whole history of one account: its transfers and, if it keeps them, its balances after each. */
  historyShown(id: bigint, transfers: readonly Transfer[], balances: readonly AccountBalance[]): void {
    const book = this.#book(id);
    demand(
      transfers.length === book.transfers,
      () => `account ${id}: expected ${book.transfers} transfers in its history, got ${transfers.length}`,
    );
    let debitsPosted = 0n;
    let creditsPosted = 0n;
    let before = 0n;
    transfers.forEach((transfer, i) => {
      demand(
        transfer.timestamp > before,
        () => `account ${id}: expected its history in order, got ${transfer.timestamp} after ${before}`,
      );
      before = transfer.timestamp;
      const posts = (transfer.flags & (T.pending | T.void_pending_transfer)) === 0;
      if (posts && transfer.debitAccountId === id) debitsPosted += transfer.amount;
      if (posts && transfer.creditAccountId === id) creditsPosted += transfer.amount;
      const balance = balances[i];
      if (balance === undefined) return;
      const at = `account ${id} after transfer ${transfer.id}`;
      demand(
        balance.timestamp === transfer.timestamp,
        () => `${at}: expected a balance of ${transfer.timestamp}`,
      );
      demand(balance.debitsPosted === debitsPosted, () => `${at}: debits posted do not add up`);
      demand(balance.creditsPosted === creditsPosted, () => `${at}: credits posted do not add up`);
    });
    demand(
      debitsPosted === book.debitsPosted,
      () => `account ${id}: its history posts other debits than it has`,
    );
    demand(
      creditsPosted === book.creditsPosted,
      () => `account ${id}: its history posts other credits than it has`,
    );
    const kept = (book.flags & AccountFlags.history) !== 0 ? transfers.length : 0;
    demand(
      balances.length === kept,
      () => `account ${id}: expected ${kept} past balances, got ${balances.length}`,
    );
  }

  /** Transfers as the ledger shows them: every id that was ever created, and nothing that was not. */
  transfersShown(ids: readonly bigint[], transfers: readonly Transfer[]): void {
    const expected = ids.filter((id) => this.#created.has(id));
    demand(
      expected.length === transfers.length,
      () => `expected ${expected.length} transfers, got ${transfers.length}`,
    );
    transfers.forEach((transfer, i) => {
      demand(transfer.id === expected[i], () => `expected transfer ${expected[i]}, got ${transfer.id}`);
      const { timestamp, flags } = this.#created.get(transfer.id)!;
      demand(transfer.timestamp === timestamp, () => `transfer ${transfer.id}: its timestamp has changed`);
      demand(transfer.flags === flags, () => `transfer ${transfer.id}: its flags have changed`);
    });
  }

  #book(id: bigint): Book {
    const book = this.#books.get(id);
    demand(book !== undefined, () => `account ${id} was never created`);
    return book;
  }

  #checkChains(
    events: readonly { flags: number }[],
    results: readonly AuditedResult[],
    linked: number,
    created: number,
  ): void {
    let start = 0;
    for (let i = 0; i < events.length; i++) {
      if ((events[i]!.flags & linked) !== 0) continue;
      const chain = results.slice(start, i + 1);
      const done = chain.filter(({ status }) => status === created).length;
      demand(
        done === 0 || done === chain.length,
        () => `chain of events ${start} to ${i}: ${done} of ${chain.length} were created`,
      );
      start = i + 1;
    }
    // A chain that the batch does not close is refused.
    demand(
      results.slice(start).every(({ status }) => status !== created),
      () => `the open chain from event ${start} on was created in part`,
    );
  }

  #transferCreated(event: Transfer, { timestamp }: AuditedResult, change: ChangeEvent): void {
    const at = `transfer ${event.id}`;
    demand(!this.#created.has(event.id), () => `${at} was created twice`);
    demand(!this.#usedUp.has(event.id), () => `${at} was created although its id had failed before`);
    demand(change.transferId === event.id, () => `expected ${at} next in the feed, got ${change.transferId}`);
    demand(
      change.timestamp === timestamp,
      () => `${at}: answered ${timestamp}, in the feed ${change.timestamp}`,
    );
    demand(change.transferTimestamp === timestamp, () => `${at}: expected a feed with its own timestamp`);
    this.#inOrder(change);
    this.#created.set(event.id, { timestamp, flags: event.flags });

    if ((event.flags & RESOLVES) !== 0) this.#resolved(event, change);
    else this.#moved(event, change);
    this.#sidesShown(at, change);
    for (const id of [change.debitAccountId, change.creditAccountId]) this.#book(id).transfers++;
  }

  #moved(event: Transfer, change: ChangeEvent): void {
    const at = `transfer ${event.id}`;
    const debit = this.#book(event.debitAccountId);
    const credit = this.#book(event.creditAccountId);
    demand(change.debitAccountId === debit.id, () => `${at}: another debit account in the feed`);
    demand(change.creditAccountId === credit.id, () => `${at}: another credit account in the feed`);
    demand(debit.ledger === credit.ledger && debit.ledger === event.ledger, () => `${at} crosses ledgers`);
    demand(!debit.closed && !credit.closed, () => `${at} moves money of a closed account`);
    const amount = change.transferAmount;
    if ((event.flags & BALANCES) === 0) {
      demand(amount === event.amount, () => `${at}: asked for ${event.amount}, moved ${amount}`);
    } else {
      demand(
        amount === balancingAmount(event, debit, credit),
        () => `${at} balances ${amount}, which is not all it could`,
      );
    }
    if ((event.flags & T.pending) !== 0) {
      demand(
        change.type === ChangeEventType.two_phase_pending,
        () => `${at}: expected a pending transfer in the feed`,
      );
      debit.debitsPending += amount;
      credit.creditsPending += amount;
      const transfer = { ...event, amount, timestamp: change.timestamp };
      this.#held.set(event.id, { transfer, state: 'pending' });
      if (event.timeout > 0) this.#expiring.add(event.id);
      if ((event.flags & T.closing_debit) !== 0) debit.closed = true;
      if ((event.flags & T.closing_credit) !== 0) credit.closed = true;
    } else {
      demand(
        change.type === ChangeEventType.single_phase,
        () => `${at}: expected a direct transfer in the feed`,
      );
      debit.debitsPosted += amount;
      credit.creditsPosted += amount;
    }
    this.#withinBounds(at, debit);
    this.#withinBounds(at, credit);
  }

  #resolved(event: Transfer, change: ChangeEvent): void {
    const at = `transfer ${event.id}`;
    const held = this.#held.get(event.pendingId);
    demand(held !== undefined, () => `${at} resolves ${event.pendingId}, which is not a pending transfer`);
    demand(
      held.state === 'pending',
      () => `${at} resolves ${event.pendingId}, which was ${held.state} before`,
    );
    const pending = held.transfer;
    this.#expiring.delete(pending.id);
    demand(
      pending.timeout === 0 || expiresAt(pending) > change.timestamp,
      () => `${at} resolves ${pending.id} after its time`,
    );
    const debit = this.#book(pending.debitAccountId);
    const credit = this.#book(pending.creditAccountId);
    debit.debitsPending -= pending.amount;
    credit.creditsPending -= pending.amount;
    if ((event.flags & T.void_pending_transfer) !== 0) {
      demand(change.type === ChangeEventType.two_phase_voided, () => `${at}: expected a void in the feed`);
      demand(change.transferAmount === pending.amount, () => `${at} voids another amount than was held`);
      held.state = 'voided';
      reopen(pending, debit, credit);
      return;
    }
    demand(change.type === ChangeEventType.two_phase_posted, () => `${at}: expected a post in the feed`);
    demand(!debit.closed && !credit.closed, () => `${at} posts to a closed account`);
    const amount = event.amount === AMOUNT_MAX ? pending.amount : event.amount;
    demand(
      change.transferAmount === amount,
      () => `${at}: expected ${amount} posted, got ${change.transferAmount}`,
    );
    demand(amount <= pending.amount, () => `${at} posts ${amount} of the ${pending.amount} that were held`);
    held.state = 'posted';
    debit.debitsPosted += amount;
    credit.creditsPosted += amount;
    this.#withinBounds(at, debit);
    this.#withinBounds(at, credit);
  }

  #expired(change: ChangeEvent): void {
    const at = `expiry of transfer ${change.transferId}`;
    const held = this.#held.get(change.transferId);
    demand(held !== undefined, () => `${at}: it is not a pending transfer`);
    demand(held.state === 'pending', () => `${at}: it was ${held.state} before`);
    const pending = held.transfer;
    this.#expiring.delete(pending.id);
    demand(pending.timeout > 0, () => `${at}: it has no timeout`);
    demand(expiresAt(pending) <= change.timestamp, () => `${at} came before ${expiresAt(pending)}`);
    demand(
      change.transferTimestamp === pending.timestamp,
      () => `${at}: expected the timestamp of the transfer`,
    );
    this.#inOrder(change);
    this.#expiries++;
    held.state = 'expired';
    const debit = this.#book(pending.debitAccountId);
    const credit = this.#book(pending.creditAccountId);
    debit.debitsPending -= pending.amount;
    credit.creditsPending -= pending.amount;
    reopen(pending, debit, credit);
    this.#sidesShown(at, change);
  }

  /** What is due by the first moment of a batch expires before the batch. */
  #nothingOverdue(now: bigint): void {
    for (const id of this.#expiring) {
      const at = expiresAt(this.#held.get(id)!.transfer);
      demand(at > now, () => `transfer ${id} is still pending at ${now}, and should have expired at ${at}`);
    }
  }

  #inOrder(change: ChangeEvent): void {
    demand(
      change.timestamp > this.#lastChangeTimestamp,
      () => `the feed: expected a timestamp after ${this.#lastChangeTimestamp}, got ${change.timestamp}`,
    );
    this.#lastChangeTimestamp = change.timestamp;
  }

  #sidesShown(at: string, change: ChangeEvent): void {
    const debit = this.#book(change.debitAccountId);
    const credit = this.#book(change.creditAccountId);
    compare(`${at}, debit account`, debitSideOf(change), balancesOf(debit));
    compare(`${at}, credit account`, creditSideOf(change), balancesOf(credit));
    demand(
      ((change.debitAccountFlags & AccountFlags.closed) !== 0) === debit.closed &&
        ((change.creditAccountFlags & AccountFlags.closed) !== 0) === credit.closed,
      () => `${at}: the feed closes other accounts`,
    );
  }

  #withinBounds(at: string, book: Book): void {
    const debits = book.debitsPending + book.debitsPosted;
    const credits = book.creditsPending + book.creditsPosted;
    const broken =
      (has(book, AccountFlags.debits_must_not_exceed_credits) && debits > book.creditsPosted) ||
      (has(book, AccountFlags.credits_must_not_exceed_debits) && credits > book.debitsPosted) ||
      (has(book, AccountFlags.credit_balance_limited) && credits - book.debitsPosted > book.limit) ||
      (has(book, AccountFlags.debit_balance_limited) && debits - book.creditsPosted > book.limit);
    demand(!broken, () => `${at} takes account ${book.id} past its bound`);
  }

  /** A refusal must have a reason that these books know of; the reasons that need no books are left alone. */
  #refused(event: Transfer, { status, timestamp }: AuditedResult): void {
    this.#refusals++;
    const at = `transfer ${event.id}, refused with ${CreateTransferStatusNames.get(status) ?? status}`;
    if (EXISTS.has(status)) {
      const existing = this.#created.get(event.id);
      demand(existing !== undefined, () => `${at}: it was never created`);
      demand(
        status !== S.exists || timestamp === existing.timestamp,
        () => `${at}: expected its timestamp ${existing.timestamp}, got ${timestamp}`,
      );
      return;
    }
    if (status === S.id_already_failed) {
      demand(this.#usedUp.has(event.id), () => `${at}: it had not failed before`);
      return;
    }
    if (!USES_UP.has(status)) return;
    demand(!this.#created.has(event.id), () => `${at}: it exists`);
    this.#usedUp.add(event.id);
    const resolves = (event.flags & RESOLVES) !== 0;
    const pending = this.#held.get(event.pendingId)?.transfer;
    const debit = this.#books.get(resolves ? (pending?.debitAccountId ?? 0n) : event.debitAccountId);
    const credit = this.#books.get(resolves ? (pending?.creditAccountId ?? 0n) : event.creditAccountId);
    demand(this.#hasReason(status, event, debit, credit), () => `${at}: these books know no reason`);
  }

  #hasReason(status: number, event: Transfer, debit: Book | undefined, credit: Book | undefined): boolean {
    if (status === S.debit_account_not_found) return debit === undefined;
    if (status === S.credit_account_not_found) return credit === undefined;
    if (status === S.pending_transfer_not_found) return !this.#created.has(event.pendingId);
    if (debit === undefined || credit === undefined) return false;
    if (status === S.debit_account_already_closed) return debit.closed;
    if (status === S.credit_account_already_closed) return credit.closed;
    const amount = (event.flags & BALANCES) !== 0 ? balancingAmount(event, debit, credit) : event.amount;
    const debits = debit.debitsPending + debit.debitsPosted + amount;
    const credits = credit.creditsPending + credit.creditsPosted + amount;
    if (status === S.exceeds_credits) {
      return has(debit, AccountFlags.debits_must_not_exceed_credits) && debits > debit.creditsPosted;
    }
    if (status === S.exceeds_debits) {
      return has(credit, AccountFlags.credits_must_not_exceed_debits) && credits > credit.debitsPosted;
    }
    if (status === S.exceeds_credit_limit) {
      return has(credit, AccountFlags.credit_balance_limited) && credits - credit.debitsPosted > credit.limit;
    }
    return has(debit, AccountFlags.debit_balance_limited) && debits - debit.creditsPosted > debit.limit;
  }
}

function has(book: Book, flag: number): boolean {
  return (book.flags & flag) !== 0;
}

function expiresAt(transfer: Transfer): bigint {
  return transfer.timestamp + BigInt(transfer.timeout) * 1_000_000_000n;
}

function reopen(pending: Transfer, debit: Book, credit: Book): void {
  if ((pending.flags & T.closing_debit) !== 0) debit.closed = false;
  if ((pending.flags & T.closing_credit) !== 0) credit.closed = false;
}

/** The most that is asked for and that leaves neither side overdrawn. */
function balancingAmount({ amount, flags }: Transfer, debit: Book, credit: Book): bigint {
  const bounds = [amount];
  if ((flags & T.balancing_debit) !== 0) {
    bounds.push(debit.creditsPosted - debit.debitsPosted - debit.debitsPending);
  }
  if ((flags & T.balancing_credit) !== 0) {
    bounds.push(credit.debitsPosted - credit.creditsPosted - credit.creditsPending);
  }
  const least = bounds.reduce((a, b) => (b < a ? b : a));
  return least > 0n ? least : 0n;
}

type Balances = readonly [
  debitsPending: bigint,
  debitsPosted: bigint,
  creditsPending: bigint,
  creditsPosted: bigint,
];

function balancesOf(
  of: Pick<Account, 'debitsPending' | 'debitsPosted' | 'creditsPending' | 'creditsPosted'>,
): Balances {
  return [of.debitsPending, of.debitsPosted, of.creditsPending, of.creditsPosted];
}

function debitSideOf(change: ChangeEvent): Balances {
  return [
    change.debitAccountDebitsPending,
    change.debitAccountDebitsPosted,
    change.debitAccountCreditsPending,
    change.debitAccountCreditsPosted,
  ];
}

function creditSideOf(change: ChangeEvent): Balances {
  return [
    change.creditAccountDebitsPending,
    change.creditAccountDebitsPosted,
    change.creditAccountCreditsPending,
    change.creditAccountCreditsPosted,
  ];
}

function compare(what: string, shown: Balances, expected: Balances): void {
  const names = ['debits pending', 'debits posted', 'credits pending', 'credits posted'];
  expected.forEach((value, i) => {
    demand(shown[i] === value, () => `${what}: expected ${names[i]} of ${value}, got ${shown[i]}`);
  });
}
