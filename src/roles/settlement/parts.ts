// What the operations of settlement share; role.ts builds it.
import type { CryptoPool } from '../../crypto/index.ts';
import type { Clock } from '../../ledger/clock.ts';
import type { SetTimer } from '../../shared/timer.ts';
import type { RoleStore } from '../../store/store.ts';
import type { FlowRunner } from '../flow/flow-runner.ts';
import type { ChargeFlow } from './flow.ts';
import type { SettlementLimits } from './limits.ts';
import type { OpenSeals } from './seals.ts';

export interface SettlementParts {
  readonly store: RoleStore;
  readonly runner: FlowRunner;
  readonly chargeFlow: ChargeFlow;
  /** Of this run of the process. */
  readonly run: bigint;
  readonly openSeals: OpenSeals;
  /** Cash's signing key of that id, as long as its signatures count. */
  readonly cashKey: (keyId: Uint8Array) => Uint8Array | undefined;
  readonly limits: SettlementLimits;
  readonly clock: Clock;
  readonly setTimer: SetTimer;
  readonly pool?: CryptoPool | undefined;
}
