// What each party says of each load, in the auditor's own words. It shares no code with the roles: what they say is all it has.
import type { Amount } from '../../shared/amount.ts';

/** `done`: money moved for good. `not_done`: it did not, or was given back. `open`: nobody may rely on either yet. */
export type Standing = 'done' | 'not_done' | 'open';

export interface Statement {
  readonly request: bigint;
  readonly standing: Standing;
  readonly amount: Amount;
  /** ISO 4217 number, or an operator's. */
  readonly currency: number;
  /** 0n: this party does not know it. */
  readonly device: bigint;
  /** The party's own word for the standing, for the report. */
  readonly word: string;
  /** Since when it knows the load, and when it last changed anything about it, nanoseconds; 0n: it does not say. */
  readonly since: bigint;
  readonly at: bigint;
}

export interface Balance {
  readonly device: bigint;
  readonly currency: number;
  readonly balance: bigint;
}

/** What a wallet says of itself. */
export interface WalletBalance extends Balance {
  /** Up to this ledger time everything is in the balance; 0n: it has never asked for a statement. */
  readonly until: bigint;
  /** Loads and purchases that are in it besides. */
  readonly heard: ReadonlySet<bigint>;
}

/** A transfer that a wallet has not heard of, other than a load. */
export interface Unheard extends Pick<Balance, 'device' | 'currency'> {
  /** Minor units: what it adds to the balance. */
  readonly change: bigint;
  /** Nanoseconds. */
  readonly at: bigint;
}

/** What left the float: payouts, reversals; below 0: a payout that came back. */
export interface Outflow {
  readonly currency: number;
  readonly amount: bigint;
  /** Nanoseconds. */
  readonly at: bigint;
}

/** Balances that are not devices', as docs/chart-of-accounts.md adds them up: credits less debits. */
export interface OtherBalance {
  readonly account:
    | 'loss'
    | 'offline_loss'
    | 'shops'
    | 'exchanges'
    | 'notes'
    | 'purses'
    | 'clearing'
    | 'fees';
  readonly currency: number;
  readonly balance: bigint;
}

/** One party's view of all loads. */
export interface Book {
  readonly party: Party;
  readonly statements: readonly Statement[];
}

export const PARTIES = ['wallet', 'management', 'settlement', 'cash', 'institution'] as const;
export type Party = (typeof PARTIES)[number];

export interface AuditInput {
  /** Nanoseconds. */
  readonly now: bigint;
  readonly books: readonly Book[];
  /**
   * When the institution's statement ends, nanoseconds, if it was made before the others were asked: of what was credited
   * or charged later it says nothing. undefined: it was asked last.
   */
  readonly statementEnd: bigint | undefined;
  /** The accounts have every transfer up to the first of these ledger times, and no load after the last. */
  readonly balancesRead: { readonly from: bigint; readonly to: bigint };
  /** Of devices, as the ledger has them. */
  readonly balancesAtCash: readonly Balance[];
  readonly balancesOfOthers: readonly OtherBalance[];
  /** By currency: what moved otherwise than by loads while the accounts were read. */
  readonly movedMeanwhile: ReadonlyMap<number, bigint>;
  /** Of the wallets that were asked; their devices only. */
  readonly balancesInWallets: readonly Balance[];
  readonly unheard: readonly Unheard[];
  readonly outflows: readonly Outflow[];
  /** By currency: what the institution holds for all balances, as the ledger has it (float). */
  readonly floatAtCash: ReadonlyMap<number, bigint>;
  /** Over all accounts of the ledger, by currency. */
  readonly ledgerTotals: ReadonlyMap<number, { readonly debits: bigint; readonly credits: bigint }>;
  /** Whether the wallets that were asked are all there are. */
  readonly allWallets: boolean;
}
