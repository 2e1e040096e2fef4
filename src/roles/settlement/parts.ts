// What the operations of settlement share; role.ts builds it.
import type { CryptoPool } from '../../crypto/index.ts';
import type { Clock } from '../../ledger/clock.ts';
import type { SetTimer } from '../../shared/timer.ts';
import type { RoleStore } from '../../store/store.ts';
import type { SignedPayoutReceipt } from '../documents/payout.ts';
import type { SignedChargeReceipt } from '../documents/receipts.ts';
import type { FlowRunner } from '../flow/flow-runner.ts';
import type { ChargeFlow } from './flow.ts';
import type { SettlementLimits } from './limits.ts';
import type { PayoutBook } from './payout-book.ts';
import type { OpenSeals } from './seals.ts';

export interface PayoutParts {
  readonly book: PayoutBook;
  /** Payouts have been taken in: statements are read from now on. */
  readonly begun: () => void;
  /** The stored receipt as it is told now: signed anew where signatures of its key do not count any more. */
  readonly receiptNow: (receipt: SignedPayoutReceipt) => SignedPayoutReceipt;
}

export interface SettlementParts {
  readonly store: RoleStore;
  readonly runner: FlowRunner;
  readonly chargeFlow: ChargeFlow;
  /** Of this run of the process. */
  readonly run: bigint;
  /** Of charges that come; those that are stored open with keys beyond their time too. */
  readonly openSeals: OpenSeals;
  /** A stored receipt as it is answered now: signed anew where signatures of its key do not count any more. */
  readonly receiptNow: (receipt: SignedChargeReceipt) => SignedChargeReceipt;
  /** Cash's signing key of that id, as long as its signatures count. */
  readonly cashKey: (keyId: Uint8Array) => Uint8Array | undefined;
  /** Left out: no payouts are instructed. */
  readonly payouts?: PayoutParts | undefined;
  readonly limits: SettlementLimits;
  readonly clock: Clock;
  readonly setTimer: SetTimer;
  readonly pool?: CryptoPool | undefined;
}
