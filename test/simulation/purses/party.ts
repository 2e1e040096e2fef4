// Whoever takes part in a simulation of purses: a pocket with the test's own ledger, or a whole wallet.
import type { Pair } from '../../wallet/peer/memory-link.ts';
import type { PurseDisk } from './auditor.ts';

export interface Owner {
  readonly name: string;
  /** 0: not enrolled. */
  readonly number: bigint;
  readonly loaded: bigint;
}

export interface Habits {
  /** Between two things that it does, at most. */
  readonly pauseMaxMs: number;
  /** Shares of what it does. */
  readonly pays: number;
  readonly reports: number;
  readonly closes: number;
  readonly sleeps: number;
}

export interface Party {
  readonly name: string;
  readonly device: Owner;
  readonly crashes: number;
  crashChance: number;
  /** Stolen, thrown away: it does nothing any more. */
  isGone: boolean;
  isOver: boolean;
  /** Whom it may meet. */
  others: () => readonly Party[];
  /** That it pays with; undefined: it has none. */
  readonly purseNumber: bigint | undefined;
  /** Whether it can be paid now. */
  readonly isFree: boolean;
  /** Is paid over that link. */
  ask(pair: Pair, amount: bigint | undefined): Promise<void>;
  start(): void;
  stop(): void;
  /** The same device with a copy of all that is on the disk. @param isSly they agree on numbers, so that none is used twice */
  clone(name: string, isSly: boolean): Party;
  /** The end: brings everything to management, so often. */
  bringAll(rounds: number): Promise<void>;
  closeAll(): Promise<void>;
  disks(): PurseDisk[];
}
