// Books of quickstart's own: from the file and the answers alone it says what every balance must be. Shares no code
// with the engine but the layout of a record.
import { type Transfer, TransferFlags } from '../../layout/generated.ts';
import { type Amount, amountOf } from '../../shared/amount.ts';

export interface OwnBalance {
  debitsPending: bigint;
  debitsPosted: bigint;
  creditsPending: bigint;
  creditsPosted: bigint;
}

/** What a created transfer must look like in the ledger. */
export interface Entry {
  readonly debitAccountId: bigint;
  readonly creditAccountId: bigint;
  readonly amount: Amount;
}

export class OwnBooks {
  readonly #balances = new Map<bigint, OwnBalance>();
  readonly #pending = new Map<bigint, Entry>();

  balance(accountId: bigint): OwnBalance {
    let balance = this.#balances.get(accountId);
    if (balance === undefined) {
      balance = { debitsPending: 0n, debitsPosted: 0n, creditsPending: 0n, creditsPosted: 0n };
      this.#balances.set(accountId, balance);
    }
    return balance;
  }

  /** Pending transfers that were neither posted nor voided. */
  get open(): number {
    return this.#pending.size;
  }

  /** Books a transfer that the ledger says it created. @throws RangeError where that cannot be */
  book(transfer: Transfer): Entry {
    const { flags } = transfer;
    if ((flags & (TransferFlags.balancing_debit | TransferFlags.balancing_credit)) !== 0) {
      throw new RangeError('own books: expected no balancing transfer in a sample day, got one');
    }
    const resolves = TransferFlags.post_pending_transfer | TransferFlags.void_pending_transfer;
    if ((flags & resolves) !== 0) return this.#resolve(transfer);
    const { debitAccountId, creditAccountId } = transfer;
    const entry = { debitAccountId, creditAccountId, amount: amountOf(transfer.amount) };
    const debit = this.balance(debitAccountId);
    const credit = this.balance(creditAccountId);
    if ((flags & TransferFlags.pending) !== 0) {
      debit.debitsPending += entry.amount;
      credit.creditsPending += entry.amount;
      this.#pending.set(transfer.id, entry);
    } else {
      debit.debitsPosted += entry.amount;
      credit.creditsPosted += entry.amount;
    }
    return entry;
  }

  #resolve({ pendingId, flags, amount }: Transfer): Entry {
    const held = this.#pending.get(pendingId);
    if (held === undefined)
      throw new RangeError(`own books: expected ${pendingId} to be pending, and it is not`);
    this.#pending.delete(pendingId);
    const debit = this.balance(held.debitAccountId);
    const credit = this.balance(held.creditAccountId);
    debit.debitsPending -= held.amount;
    credit.creditsPending -= held.amount;
    if ((flags & TransferFlags.void_pending_transfer) !== 0) return held;
    debit.debitsPosted += amount;
    credit.creditsPosted += amount;
    return { ...held, amount: amountOf(amount) };
  }
}
