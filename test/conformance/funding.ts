// Some tables start from balances that no transfer explains. A target that cannot just set them gets real transfers
// from accounts that no table mentions. These take time that the table does not know of, so from there on the
// target's clock is ahead of the table's:
//
//     table    0 … accounts │                │ transfers …
//     target   0 … accounts │ funding ██████ │ transfers … (+ shift)
import {
  type Account,
  AccountFlags,
  CreateTransferStatus,
  TransferFlags,
} from '../../src/layout/generated.ts';
import type { Balances, ConformanceTarget } from './target.ts';

/** Ids of the funding accounts and transfers; the tables use small ids and the largest one. */
const FUNDING_IDS = 1n << 100n;

export class Funding {
  readonly #target: ConformanceTarget;
  readonly #accounts = new Map<bigint, Account>();
  #wanted: { account: bigint; balances: Balances }[] = [];
  #nextId = FUNDING_IDS;
  #lastTableTime = 0n;
  /** Table times after `#shiftFrom` are `#shift` earlier than the target's. */
  #shiftFrom = 0n;
  #shift = 0n;

  constructor(target: ConformanceTarget) {
    this.#target = target;
  }

  remember(accounts: readonly Account[]): void {
    for (const account of accounts) this.#accounts.set(account.id, account);
  }

  add(account: bigint, balances: Balances): void {
    this.#wanted.push({ account, balances });
  }

  toTableTime(timestamp: bigint): bigint {
    return timestamp > this.#shiftFrom ? timestamp - this.#shift : timestamp;
  }

  /** The target's time of a step with `count` events at `tableTime`; what is still to be funded is, before it. */
  async timestampFor(tableTime: bigint, count: number): Promise<bigint> {
    if (this.#wanted.length > 0) {
      if (this.#shift !== 0n)
        throw new Error('expected one group of setup_balance steps a table, got a second');
      const end = await this.#fund(this.#lastTableTime);
      const earliest = end + BigInt(count) + 1n;
      this.#shiftFrom = this.#lastTableTime;
      this.#shift = earliest > tableTime ? earliest - tableTime : 0n;
    }
    this.#lastTableTime = tableTime;
    return tableTime + this.#shift;
  }

  async #fund(from: bigint): Promise<bigint> {
    const accounts: Partial<Account>[] = [];
    const transfers = this.#wanted.splice(0).flatMap(({ account, balances }) => {
      const { flags, ledger } = this.#accounts.get(account)!;
      const movements = [
        { amount: balances.creditsPosted, credit: true, pending: false },
        { amount: balances.creditsPending, credit: true, pending: true },
        { amount: balances.debitsPosted, credit: false, pending: false },
        { amount: balances.debitsPending, credit: false, pending: true },
      ];
      // Whichever side is bounded by the other comes after it.
      if ((flags & AccountFlags.credits_must_not_exceed_debits) !== 0) movements.reverse();
      return movements
        .filter(({ amount }) => amount > 0n)
        .map(({ amount, credit, pending }) => {
          const other = this.#nextId++;
          accounts.push({ id: other, ledger, code: 1 });
          return {
            id: this.#nextId++,
            debitAccountId: credit ? other : account,
            creditAccountId: credit ? account : other,
            amount,
            pendingId: 0n,
            userData128: 0n,
            userData64: 0n,
            userData32: 0,
            timeout: 0,
            ledger,
            code: 1,
            flags: pending ? TransferFlags.pending : 0,
            timestamp: 0n,
          };
        });
    });
    if (transfers.length === 0) return from;
    const accountsAt = from + BigInt(accounts.length);
    const transfersAt = accountsAt + BigInt(transfers.length);
    await this.#target.createAccounts(accountsAt, accounts.map(complete));
    const results = await this.#target.createTransfers(transfersAt, transfers);
    const refused = results.find(({ status }) => status !== CreateTransferStatus.created);
    if (refused)
      throw new Error(`expected the funding transfers to be created, got status ${refused.status}`);
    return transfersAt;
  }
}

function complete(account: Partial<Account>): Account {
  return {
    id: 0n,
    debitsPending: 0n,
    debitsPosted: 0n,
    creditsPending: 0n,
    creditsPosted: 0n,
    userData128: 0n,
    userData64: 0n,
    userData32: 0,
    balanceLimit: 0,
    ledger: 0,
    code: 0,
    flags: 0,
    timestamp: 0n,
    ...account,
  };
}
