// What a session needs of the wallet that it is held for: whose purse it is, and its books. The books are the wallet's own:
// whatever a method resolves for outlives a crash at any moment after, and is all or nothing.
//
//     payer   inDoubt ─▶ … ─▶ prepare ═▶ payment leaves ─▶ receipt ─▶ settle ═▶ done
//     payee   ask ═▶ ask leaves ─▶ payment ─▶ received? seen ─▶ add ═▶ receipt leaves                  ═▶: written before
//
// Sessions of one purse follow one another: the wallet holds one at a time, and closes no purse while one is held.
import type { FraudProof } from '../../roles/documents/fraud-proof.ts';
import type { SignedAllowance } from '../../roles/documents/purse.ts';
import type { SignedTransferReceipt } from '../../roles/documents/transfer.ts';
import type { WalletClock, WalletCrypto } from '../core/ports.ts';
import type { Keys } from '../core/secrets.ts';
import type { Trust } from '../core/trust.ts';
import type { SaidRefusal } from './errors.ts';
import type { FundingSource } from './funding.ts';
import type { PeerTimes } from './limits.ts';
import type { OpenAsk, ReceivedPayment, SentPayment } from './records.ts';

/** The purse that a session is held with. */
export interface OwnPurse {
  /** Leaves the wallet sealed to management only. */
  readonly device: bigint;
  /** The purse's own, none of the device's. */
  readonly keys: Keys;
  /** Encoded, as management has signed it. */
  readonly certificate: Uint8Array;
  readonly allowance: SignedAllowance;
}

export interface PurseLedger {
  // ── as payer ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** What was prepared so far, whatever became of it: the next payment has the number after it, and adds to the total. */
  spent(): Promise<{ readonly sequence: bigint; readonly total: bigint }>;
  /** What the purse has received and not handed back: what payments can lean on beside the allowance. */
  sources(): Promise<readonly FundingSource[]>;
  /**
   * A payment, before it leaves: from now on it is spent, and in doubt.
   * @throws Error, and writes nothing, unless number and total follow those of `spent()`: nothing may be spent twice
   */
  prepare(payment: SentPayment): Promise<void>;
  /** Payments to that purse without a receipt and not settled otherwise, the oldest first. */
  inDoubt(payee: bigint): Promise<readonly SentPayment[]>;
  /** The payee's receipt, which was checked: the amount is subtracted, once, however often this is said. */
  settle(request: bigint, receipt: SignedTransferReceipt): Promise<void>;
  /** The payee says that it has not added a payment. It proves nothing: the payment stays in doubt, and its user is told why. */
  noteRefusal(request: bigint, refusal: SaidRefusal): Promise<void>;

  // ── as payee ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * An ask, before it leaves: kept until it is paid. Of one payer's purse the newest OPEN_ASKS_OF_A_PAYER_MAX are kept, of all the
   * newest OPEN_ASKS_MAX.
   */
  ask(ask: OpenAsk): Promise<void>;
  /** `used`: it was paid, and the ask is no longer kept. */
  asked(nonce: Uint8Array): Promise<OpenAsk | 'used' | undefined>;
  received(request: bigint): Promise<ReceivedPayment | undefined>;
  /** Orders of a purse that came in payments which were added, as payment or as funding; until their `reportBy` at least. */
  seen(purse: bigint): Promise<readonly Uint8Array[]>;
  /**
   * A payment that was checked, with its receipt, before that leaves: the amount is added, its nonce used, its orders seen.
   * @throws Error, and writes nothing, where the request is there or the nonce is not asked for: nothing may be added twice
   */
  add(payment: ReceivedPayment): Promise<void>;
  /** Proof of a fraud, to be reported; the payment that brought it was refused. */
  keepProof(proof: FraudProof): Promise<void>;
}

/** Everything that a session needs. */
export interface PeerParty {
  readonly purse: OwnPurse;
  readonly ledger: PurseLedger;
  /** The directory: who certifies purses, who signs allowances, whom the device's number is sealed to. */
  readonly trust: Pick<Trust, 'purseCertificate' | 'cashKey' | 'sealingKey'>;
  /** By the newest block list that the wallet has. */
  readonly isBlocked: (purse: bigint) => boolean;
  readonly crypto: WalletCrypto;
  readonly clock: WalletClock;
  readonly newId: () => bigint;
  readonly times?: Partial<PeerTimes>;
  /** How far it is, for people; none changes anything. */
  readonly onEvent?: (event: PeerEvent) => void;
}

export type PeerEvent =
  /** Both have proven their purses. */
  | { readonly type: 'met'; readonly purse: bigint }
  /** `amount` undefined: as much as the payer wants to give. */
  | { readonly type: 'asked'; readonly amount: bigint | undefined; readonly memo: string }
  /** Written down; from now on it is spent. */
  | { readonly type: 'prepared'; readonly request: bigint; readonly amount: bigint }
  /** `resumed`: of an earlier session. */
  | { readonly type: 'sent'; readonly request: bigint; readonly resumed: boolean }
  /** By the payer: the receipt is there. */
  | { readonly type: 'paid'; readonly request: bigint; readonly amount: bigint }
  /** By the payee: the amount was added. `again`: earlier already. */
  | { readonly type: 'received'; readonly request: bigint; readonly amount: bigint; readonly again: boolean }
  | { readonly type: 'refused'; readonly request: bigint; readonly refusal: SaidRefusal };
