// The management role, put together: registry, flows, partners, and the engine that stands behind its server.
import { randomBytes as systemRandomBytes } from 'node:crypto';
import type { Registry } from 'prom-client';
import type { IdentitySource } from '../../identity/own-keys.ts';
import type { RevokedPredicate } from '../../identity/server-identity.ts';
import { type Clock, systemClock } from '../../identity/time.ts';
import { type SetTimer, systemTimer } from '../../shared/timer.ts';
import type { RoleStore } from '../../store/store.ts';
import { type BatchPool, batchCrypto } from '../common/batch-crypto.ts';
import { Distrust } from '../common/distrust.ts';
import { RoleEngine } from '../common/role-engine.ts';
import { again, type Trace } from '../flow/flow.ts';
import { FlowRunner, run } from '../flow/flow-runner.ts';
import { cashSignatures } from './cash-signatures.ts';
import { certificateIssuer, purseCertificateIssuer, shopCertificateIssuer } from './certificates.ts';
import type { RandomBytes } from './device-number.ts';
import { deviceOrderFlow } from './device-order-flow.ts';
import { DeviceRates } from './device-rates.ts';
import { isRevoked } from './devices.ts';
import { Doubts } from './doubts.ts';
import { managementEffects } from './effects.ts';
import type { ManagementRefusal } from './errors.ts';
import { enrolFlow, filingFlow, loadFlow } from './flow.ts';
import { managementHandlers } from './handler.ts';
import type { CashClient, ManagementLog, SettlementClient } from './interface.ts';
import { checkManagementLimits, type ManagementLimits } from './limits.ts';
import { type ManagementOperations, managementProtocol } from './messages.ts';
import { numberOpener } from './number-seals.ts';
import { operatorEffects } from './operator-effects.ts';
import { payerOpener } from './payer-seals.ts';
import { type PayoutPartners, payoutEffects } from './payout-effects.ts';
import { windowFlow } from './payout-flow.ts';
import { PayoutOutcomes } from './payout-outcomes.ts';
import { PayoutSchedule, type ScheduleTerms } from './payout-schedule.ts';
import { closeWindow } from './payouts.ts';
import type { ManagementPeer } from './peers.ts';
import { BlockLists } from './purse-block-list.ts';
import { purseEffects } from './purse-effects.ts';
import { purseFlow } from './purse-flow.ts';
import { rememberedPurses } from './purse-registry.ts';
import { deviceStandings } from './registry.ts';
import { shopClosingFlow } from './shop-closing-flow.ts';
import { shopFlow } from './shop-flow.ts';
import { rememberedShops } from './shop-registry.ts';
import { isShopRevoked } from './shops.ts';
import { signatureChecks } from './signature-checks.ts';
import { roleSigner } from './signer.ts';
import { WrongSeals } from './wrong-seals.ts';

export interface ManagementOptions {
  /** Stays its opener's: close it after the role. */
  readonly store: RoleStore;
  /** Management's keys and the directory, as they are now: both may change while it runs. */
  readonly identity: IdentitySource;
  readonly settlement: SettlementClient;
  readonly cash: CashClient;
  /** Left out: no windows are closed. */
  readonly payouts?: PayoutPartners;
  /** Between two questions for outcomes of payouts. */
  readonly payoutsPollMs?: number;
  /** When windows are closed; left out: by operators. */
  readonly payoutSchedule?: ScheduleTerms;
  readonly limits: ManagementLimits;
  readonly log: ManagementLog;
  readonly clock?: Clock;
  readonly setTimer?: SetTimer;
  /** For device numbers: fit for secrets. */
  readonly randomBytes?: RandomBytes;
  /** 0 up to, but not including, 1: spreads pauses. */
  readonly random?: () => number;
  /** Runs something when what has come in this turn has been taken in: setImmediate. */
  readonly afterTurn?: (run: () => void) => void;
  readonly trace?: Trace;
  /** Computes large batches, and stays its maker's; left out: everything is computed here and now. */
  readonly pool?: BatchPool;
  /** Of metrics; of its own when left out. */
  readonly registry?: Registry;
}

export interface Management {
  readonly engine: RoleEngine<ManagementOperations, ManagementPeer, ManagementRefusal>;
  /** For the server's identity: what it answers counts from the next handshake on. Never throws for whom it does not know. */
  readonly revoked: RevokedPredicate;
  /** Takes nothing more and finishes its writes. What is under way goes on at the next start. */
  close(): Promise<void>;
}

/** Outcomes of payouts take hours; nobody waits for them at a till. */
const OUTCOMES_POLL_MS = 2_000;
/** A window of a system that has payouts no more. */
const NO_PARTNERS_PAUSE_MS = 60_000;

/**
 * Takes up what was under way when it was closed, or crashed.
 * @throws RangeError for limits that cannot be; StoreError store_corrupt
 */
export async function openManagement(options: ManagementOptions): Promise<Management> {
  const { store, identity, settlement, cash, log } = options;
  const { clock = systemClock, setTimer = systemTimer, randomBytes = systemRandomBytes } = options;
  const limits = checkManagementLimits(options.limits);
  const directory = {
    current: () => identity.current().directory,
    missed: () => identity.missed?.(),
  };
  const signer = roleSigner(identity, clock);
  const issueCertificate = certificateIssuer(() => signer.current(), limits);
  const issueShopCertificate = shopCertificateIssuer(() => signer.current(), limits);
  const crypto = batchCrypto(options.pool);
  const wrongSeals = new WrongSeals(log);
  const distrust = new Distrust(log);
  const doubts = new Doubts(log);
  const effects = managementEffects({
    settlement,
    cash,
    issueCertificate,
    receipts: { directory, now: clock, checkSignature: signatureChecks(options.afterTurn) },
    now: clock,
    distrust,
  });
  const { performShop, performShopClosing, performDeviceOrder } = operatorEffects({
    store,
    cash,
    issueCertificate: issueShopCertificate,
    currencies: limits.loads.map(({ currency }) => currency),
    now: clock,
    distrust,
  });
  const checkSignatures = cashSignatures({ directory, crypto, clock });
  const runner = FlowRunner.open({
    store,
    flows: [
      run(enrolFlow, effects.performEnrolment),
      run(filingFlow, () => []),
      run(loadFlow, effects.performLoad),
      run(shopFlow, performShop),
      run(shopClosingFlow, performShopClosing),
      run(deviceOrderFlow, performDeviceOrder),
      run(
        purseFlow,
        purseEffects({
          cash,
          issueCertificate: purseCertificateIssuer(() => signer.current(), limits),
          checkSignatures,
          now: clock,
          distrust,
        }),
      ),
      run(
        windowFlow,
        options.payouts
          ? payoutEffects({ store, partners: options.payouts, checkSignatures, distrust })
          : (items) => items.map(async () => again(NO_PARTNERS_PAUSE_MS)),
      ),
    ],
    clock,
    setTimer,
    log,
    ...(options.random !== undefined && { random: options.random }),
    ...(options.trace !== undefined && { trace: options.trace }),
  });
  const outcomes =
    options.payouts &&
    new PayoutOutcomes({
      store,
      runner,
      partners: options.payouts,
      pollMs: options.payoutsPollMs ?? OUTCOMES_POLL_MS,
      setTimer,
      log,
    });
  const schedule =
    options.payoutSchedule &&
    new PayoutSchedule({
      ...options.payoutSchedule,
      ...{ store, clock, setTimer, log },
      close: (request) => closeWindow(request, { store, runner, limits, outcomes }),
    });
  const engine = new RoleEngine({
    protocol: managementProtocol,
    handlers: managementHandlers({
      ...{ runner, store, cash, directory, issueCertificate, issueShopCertificate, limits, crypto, doubts },
      ...{ clock, setTimer, randomBytes, log },
      findShop: rememberedShops(store),
      deviceStanding: deviceStandings(store),
      openNumbers: numberOpener(identity, crypto),
      openPayers: payerOpener(identity, crypto),
      purseOf: rememberedPurses(store),
      reportRates: new DeviceRates(limits.deviceReportsPerMinute),
      blockLists: new BlockLists({ store, signer: () => signer.current(), clock, log }),
      wrongSeals,
      checkSignatures,
      outcomes,
      trace: options.trace ?? (() => {}),
    }),
    clock,
    openRequests: () => runner.openCount,
    health: () => {
      const distrusted = distrust.size + doubts.size + (outcomes?.isStuck ? 1 : 0);
      return {
        status: distrusted > 0 ? 'degraded' : 'ok',
        detail: { distrusted, wrongSeals: wrongSeals.count },
      };
    },
    log,
    ...(options.afterTurn !== undefined && { afterTurn: options.afterTurn }),
    ...(options.registry !== undefined && { registry: options.registry }),
  });
  return {
    engine,
    revoked: (certificate) =>
      'device' in certificate ? isRevoked(store, certificate.device) : isShopRevoked(store, certificate.shop),
    async close() {
      engine.close();
      await schedule?.close();
      await outcomes?.close();
      await runner.close();
      signer.close();
    },
  };
}
