// What a wallet is told about its purses, and tells.
import type { Amount } from '../../shared/amount.ts';
import type { WaitOptions } from '../core/wallet-types.ts';
import type { ExpectedPayee } from '../peer/check-peer.ts';
import type { PeerEvent } from '../peer/ledger.ts';
import type { PeerTimes } from '../peer/limits.ts';

export interface ReserveOptions extends WaitOptions {
  /** Moves from the balance to the purse; 0: one that only receives. */
  readonly amount: Amount;
}

interface MeetOptions {
  readonly times?: Partial<PeerTimes> | undefined;
  readonly onEvent?: ((event: PeerEvent) => void) | undefined;
}

export interface ReceiveOptions extends MeetOptions {
  /** Left out: as much as the payer wants to give. */
  readonly amount?: Amount | undefined;
  readonly memo?: string | undefined;
}

export interface SendOptions extends MeetOptions {
  /** What the payee's address says; left out: whoever answers is paid. */
  readonly payee?: ExpectedPayee | undefined;
  /** Left out: what the payee asks for. Nothing is paid where it asks for another amount. */
  readonly amount?: Amount | undefined;
  /** Where the payee says none. */
  readonly memo?: string | undefined;
  /** Asks the user: the amount that is to be paid, before it is. */
  readonly confirm?: (asked: {
    readonly amount: Amount;
    readonly memo: string;
  }) => Promise<boolean> | boolean;
}

/**
 * What became of a payment from purse to purse. Sent: `in_doubt` until there is the payee's receipt (`paid`) or cash's
 * (`settled`). Received: `received` until cash has settled it, or has `covered` it, as the payer has cheated.
 * `waiting`: for what funds it to be reported; `disputed`: the operator has to decide; `lapsed`: reported too late;
 * `refused`: management does not pass it on.
 */
export type TransferState =
  | 'in_doubt'
  | 'paid'
  | 'received'
  | 'settled'
  | 'covered'
  | 'waiting'
  | 'disputed'
  | 'lapsed'
  | 'refused';

export interface TransferReport {
  readonly request: bigint;
  readonly side: 'sent' | 'received';
  /** The wallet's, and the other one. */
  readonly purse: bigint;
  readonly peer: bigint;
  readonly amount: Amount;
  readonly memo: string;
  readonly state: TransferState;
  /** It is at cash, whatever the payee has said. */
  readonly isReported: boolean;
  /** Nanoseconds: when it was prepared or received. */
  readonly at: bigint;
  /** Until when it can be reported. */
  readonly reportBy: bigint;
  /** Why; and what to do about it. '' where there is nothing to be done. */
  readonly reason: string;
  readonly advice: string;
}

export interface PurseReport {
  /** 0: it is being opened. */
  readonly purse: bigint;
  /** `ended`: it cannot be used any more; what is left of it is given back after its `reportBy`. */
  readonly state: 'opening' | 'open' | 'closing' | 'ended';
  /** Of the opening that was asked for. */
  readonly request: bigint;
  /** What was reserved for it. */
  readonly reserved: Amount;
  /** What is in it: what was reserved and received, less all that was sent. */
  readonly left: Amount;
  /** Of what was sent: without any receipt. */
  readonly inDoubt: Amount;
  /** Of what is left: received, and not settled by cash yet. */
  readonly unsettled: Amount;
  /** How many payments it can make yet. */
  readonly paymentsLeft: number;
  /** Nanoseconds; 0: it is being opened. From then on nobody takes its payments … */
  readonly expiresAt: bigint;
  /** … and from then on nobody gets what was not reported. */
  readonly reportBy: bigint;
  /** What its owner should know: it is near its end, something is to be reported … */
  readonly warnings: readonly string[];
}

export interface ReportResult {
  /** Those that had no end before, as they are now. */
  readonly transfers: readonly TransferReport[];
  /** Frauds that were noticed and are told to management now. */
  readonly frauds: number;
}

/** What a look at the whole record of the purses found. */
export interface PurseProof {
  readonly purses: number;
  readonly sent: number;
  readonly received: number;
  readonly problems: readonly string[];
  /** What was reserved, by the request of the opening. */
  readonly openings: ReadonlyMap<bigint, bigint>;
}
